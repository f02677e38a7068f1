;;; swarm-test.el --- Helpers of the client's tests  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What tests share: waiting for something with a deadline, answering questions, agents that are
;; made up.

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'swarm)

(setq ert-batch-backtrace-right-margin 200)

;;; Waiting

(defun wait-for (what function)
  "Wait until FUNCTION returns something, and return it; WHAT is missing otherwise."
  (let ((end (+ (float-time) (string-to-number (or (getenv "SWARM_TEST_PATIENCE") "60")))) value)
    (while (not (setq value (funcall function)))
      (when (> (float-time) end) (error "No %s; the transcript:\n%s" what (transcript)))
      (accept-process-output nil 0.02))
    value))

(defmacro wait-until (&rest condition)
  "Wait until CONDITION holds."
  `(wait-for ,(format "%S" (car (last condition))) (lambda () ,@condition)))

(defun agent () (car (swarm-agents)))
(defun agent-id () (plist-get (agent) :id))
(defun agent-named (name)
  "Return the agent whose id begins with NAME."
  (seq-find (lambda (agent) (string-prefix-p name (plist-get agent :id))) (swarm-agents)))

(defun transcript ()
  "Return what the transcript of the first agent reads."
  (let ((buffer (and (agent) (seq-find (lambda (buffer)
                                         (with-current-buffer buffer
                                           (and (derived-mode-p 'swarm-transcript-mode)
                                                (equal swarm-agent-id (agent-id)))))
                                       (buffer-list)))))
    (if buffer (with-current-buffer buffer (buffer-substring-no-properties (point-min) (point-max))) "")))

(defun wait-text (text) (wait-for text (lambda () (string-match-p (regexp-quote text) (transcript)))))
(defun wait-state (state &optional id)
  "Wait until the first agent, or ID, is in STATE."
  (wait-for state (lambda () (equal (plist-get (if id (swarm-agent id) (agent)) :state) state))))
(defun wait-message (regexp)
  "Wait until something was said that matches REGEXP."
  (wait-for regexp (lambda () (with-current-buffer (messages-buffer)
                                (save-excursion (goto-char (point-min)) (re-search-forward regexp nil t))))))

(defun server-process ()
  "Return the process of the server."
  (jsonrpc--process (swarm-connection-rpc (car swarm-connection--all))))

;;; People

(defmacro with-answers (answers &rest body)
  "Run BODY; questions are answered by ANSWERS, an alist (REGEXP . ANSWER), one after the other.
The answer t is yes.  Each must have been asked for."
  (declare (indent 1))
  `(let ((answers ,answers))
     (cl-flet ((answer (prompt)
                 (let ((next (pop answers)))
                   (unless (and next (string-match-p (car next) prompt))
                     (error "Asked %S, not %S" prompt (car next)))
                   (cdr next))))
       (cl-letf (((symbol-function 'y-or-n-p) (lambda (prompt) (answer prompt)))
                 ((symbol-function 'yes-or-no-p) (lambda (prompt) (answer prompt)))
                 ((symbol-function 'completing-read) (lambda (prompt &rest _) (answer prompt)))
                 ((symbol-function 'read-regexp) (lambda (prompt &rest _) (answer prompt)))
                 ((symbol-function 'read-string)
                  (lambda (prompt &optional initial &rest _)
                    (let ((text (answer prompt))) (if (eq text 'proposed) initial text)))))
         (prog1 (progn ,@body)
           (when answers (error "Never asked: %S" (caar answers))))))))

;;; Screens

(defun dashboard-text ()
  "Draw the dashboard and return what it reads."
  (with-current-buffer swarm-board-name
    (swarm-board-draw)
    (buffer-substring-no-properties (point-min) (point-max))))

(defun goto-agent (id)
  "Go to the line of the agent ID in the dashboard."
  (goto-char (point-min))
  (while (not (or (equal (swarm-render-key) id) (/= (forward-line) 0))))
  (unless (equal (swarm-render-key) id) (error "%s is not shown:\n%s" id (buffer-string))))

(defun made-up (id &rest members)
  "Return an agent with ID as the protocol has it, with MEMBERS."
  (let ((agent (list :id id :name id :task (concat "do " id) :state "working" :activity nil
                     :provider "lab" :model "qwen3-coder" :role nil :mode "ask" :parentId nil
                     :parentItemId nil :swarmId nil :dependsOn [] :scope "elsewhere" :host "local"
                     :repository "/src/shop" :base "c5dd25b" :branch (concat "swarm/" id)
                     :worktree (concat "file:///state/worktrees/shop/" id)
                     :createdAt "2026-11-21T08:41:51.245Z" :updatedAt "2026-11-21T08:41:52.011Z"
                     :queued 0 :approvals 0
                     :usage (list :inputTokens 0 :outputTokens 0 :costUsd nil :contextUsed nil :contextSize nil)
                     :changes nil :stopReason nil :error nil :overlaps [])))
    (while members
      (setq agent (plist-put agent (pop members) (pop members))))
    agent))

(provide 'swarm-test)
;;; swarm-test.el ends here
