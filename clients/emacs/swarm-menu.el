;;; swarm-menu.el --- Menus of what can be done  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-menu' (? in the dashboard and in transcripts) shows what can be done with agents,
;; `swarm-new-menu' how a new one is to be; reviews, merges, the inbox and checkpoints have menus of
;; their own.  What they need beside Emacs, transient, is in it from 28.1 on.

;;; Code:

(require 'subr-x)
(require 'swarm-actions)
(require 'swarm-new)
(require 'swarm-order)
(require 'transient)

(declare-function swarm-dashboard "swarm-dashboard")
(declare-function swarm-dashboard-filter "swarm-dashboard")
(declare-function swarm-dashboard-sort "swarm-dashboard")
(declare-function swarm-dashboard-scope "swarm-dashboard")
(declare-function swarm-dashboard-refresh "swarm-dashboard")
(declare-function swarm-dashboard-mark-matching "swarm-dashboard")
(declare-function swarm-dashboard-unmark-all "swarm-dashboard")
(declare-function swarm-dashboard-allow "swarm-dashboard")
(declare-function swarm-dashboard-reject "swarm-dashboard")
(declare-function swarm-allow "swarm-approvals")
(declare-function swarm-allow-always "swarm-approvals")
(declare-function swarm-reject "swarm-approvals")
(declare-function swarm-approvals "swarm-approvals")
(declare-function swarm-allow-edited "swarm-approvals-edit")
(declare-function swarm-review "swarm-review")
(declare-function swarm-merge "swarm-merge")
(declare-function swarm-checkpoints "swarm-checkpoints")
(declare-function swarm-transcript-older "swarm-entries")
(declare-function swarm-transcript-refresh "swarm-entries")
(declare-function swarm-transcript-toggle "swarm-transcript")
(declare-function swarm-transcript-toggle-all "swarm-transcript")

;;; New agents

(defvar swarm-menu--models nil
  "The ids of the models that a server has named.")

(defun swarm-menu--read-model (prompt initial history)
  "Ask with PROMPT, INITIAL and HISTORY for a model, of those that are known."
  (completing-read prompt swarm-menu--models nil nil initial history))

(defun swarm-menu--ask-for-models ()
  "Have the server at this place name its models."
  (swarm-request 'swarm/models nil
                 (lambda (result)
                   (setq swarm-menu--models
                         (mapcar (lambda (model) (plist-get model :id)) (plist-get result :models))))
                 #'ignore))

(defun swarm-menu--options (arguments)
  "Return the ARGUMENTS of the menu as parameters of `swarm/spawn'."
  (let (options limits)
    (dolist (argument arguments)
      (pcase-let ((`(,name ,value) (split-string argument "=")))
        (pcase name
          ("steps" (setq limits (append limits (list :steps (string-to-number value)))))
          ("dollars" (setq limits (append limits (list :costUsd (string-to-number value)))))
          (_ (setq options (append options (list (intern (concat ":" name)) value)))))))
    (append options (and limits (list :limits limits)))))

(defun swarm-menu-start (task contexts options)
  "Start an agent with TASK, CONTEXTS and OPTIONS of the menu."
  (interactive
   (let ((what (swarm-new-what)))
     (list (swarm-new--read what) (cdr what) (swarm-menu--options (transient-args 'swarm-new-menu)))))
  (swarm-spawn task contexts options))

(defun swarm-menu-compose (options)
  "Write a task in a buffer; the agent gets the OPTIONS of the menu."
  (interactive (list (swarm-menu--options (transient-args 'swarm-new-menu))))
  (swarm-new-compose options))

;;;###autoload (autoload 'swarm-new-menu "swarm-menu" nil t)
(transient-define-prefix swarm-new-menu ()
  "Start an agent."
  ["How it is to be"
   ("-m" "Model" "model=" :reader swarm-menu--read-model)
   ("-o" "Mode" "mode=" :choices ("ask" "edit" "full" "read"))
   ("-r" "Role" "role=")
   ("-n" "Name" "name=")
   ("-b" "Base: commit, branch or tag" "base=")
   ("-i" "Isolation" "isolation=" :choices ("worktree" "none"))
   ("-s" "At most so many steps a turn" "steps=" :reader transient-read-number-N+)
   ("-d" "At most so many dollars" "dollars=")]
  ["Start"
   ("n" "here, with what is at point" swarm-menu-start)
   ("e" "and write the task in a buffer" swarm-menu-compose)]
  (interactive)
  (swarm-menu--ask-for-models)
  (transient-setup 'swarm-new-menu))

;;; Agents

(defun swarm-menu--here ()
  "Return what the menu is about."
  (let ((ids (swarm-agents-here)))
    (cond ((null ids) "An agent, which is asked for")
          ((cdr ids) (format "%d marked agents" (length ids)))
          (t (swarm-agent-label (swarm-agent (car ids)))))))

(defun swarm-menu--dashboard-p ()
  "Return non-nil in a dashboard."
  (derived-mode-p 'swarm-dashboard-mode))

(defun swarm-menu--transcript-p ()
  "Return non-nil in a transcript."
  (derived-mode-p 'swarm-transcript-mode))

(defun swarm-menu-allow ()
  "Allow what the agents here ask for."
  (interactive)
  (call-interactively (if (swarm-menu--dashboard-p) 'swarm-dashboard-allow 'swarm-allow)))

(defun swarm-menu-reject ()
  "Reject what the agents here ask for."
  (interactive)
  (call-interactively (if (swarm-menu--dashboard-p) 'swarm-dashboard-reject 'swarm-reject)))

;;;###autoload (autoload 'swarm-menu "swarm-menu" nil t)
(transient-define-prefix swarm-menu ()
  "What can be done with agents."
  [:description swarm-menu--here
   ["Turn"
    ("s" "send a message" swarm-send)
    ("c" "cancel the turn" swarm-cancel)
    ("z" "pause" swarm-pause)
    ("Z" "continue" swarm-continue)
    ("R" "resume" swarm-resume)
    ("o" "compact the context" swarm-compact)]
   ["Questions"
    ("a" "allow" swarm-menu-allow)
    ("!" "allow always" swarm-allow-always)
    ("r" "reject" swarm-menu-reject)
    ("e" "allow edited" swarm-allow-edited)
    ("i" "all questions" swarm-approvals)]
   ["Work"
    ("=" "review" swarm-review)
    ("M" "merge" swarm-merge)
    ("C" "checkpoints" swarm-checkpoints)
    ("D" "folder" swarm-visit-worktree)
    ("G" "git status" swarm-vc-worktree)]
   ["Agent"
    ("k" "kill" swarm-kill)
    ("x" "remove" swarm-remove)
    ("^" "parent" swarm-parent)
    ("w" "copy the id" swarm-copy-id)]]
  [["Swarm"
    ("+" "new agent" swarm-new)
    ("*" "new agent, with options" swarm-new-menu)
    ("l" "dashboard" swarm-dashboard)]
   ["Transcript" :if swarm-menu--transcript-p
    ("TAB" "fold or unfold here" swarm-transcript-toggle)
    ("O" "fold or unfold all" swarm-transcript-toggle-all)
    ("B" "older items" swarm-transcript-older)
    ("g" "read anew" swarm-transcript-refresh)]
   ["Dashboard" :if swarm-menu--dashboard-p
    ("/" "filter" swarm-dashboard-filter)
    ("S" "order" swarm-dashboard-sort)
    ("E" "scope" swarm-dashboard-scope)
    ("g" "read anew" swarm-dashboard-refresh)]
   ["Marks" :if swarm-menu--dashboard-p
    ("%" "mark those that match" swarm-dashboard-mark-matching)
    ("U" "unmark all" swarm-dashboard-unmark-all)]])

(provide 'swarm-menu)
;;; swarm-menu.el ends here
