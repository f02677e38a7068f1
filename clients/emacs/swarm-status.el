;;; swarm-status.el --- The swarm in a few words  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Totals and warnings: what stands at the top of the dashboard, and in the mode line.

;;; Code:

(require 'seq)
(require 'subr-x)
(require 'swarm-row)
(require 'swarm-state)

(defconst swarm-status--short '("need input" "working" "done" "failed" "detached")
  "What agents of each group do.")

(defvar swarm-status--stats nil
  "The newest answer to `swarm/stats' of each place, as an alist.")

(defvar swarm-status--ended nil
  "The places whose server has ended and was not started again.")

(defvar swarm-status-functions nil
  "Called with a place when something else than an agent has changed there.")

;;; Servers

(defun swarm-status--changed (place)
  "Tell the views that something has changed at PLACE."
  (run-hook-with-args 'swarm-status-functions place))

(defun swarm-status-refresh (place)
  "Ask the server at PLACE, when there is one, how it is."
  (when (swarm-connected-p place)
    (swarm-connection-request
     place 'swarm/stats nil
     (lambda (result)
       (setf (alist-get place swarm-status--stats nil nil #'equal) result)
       (swarm-status--changed place))
     #'ignore)))

(defun swarm-status--up (place)
  "Note that the server at PLACE has started."
  (setq swarm-status--ended (delete place swarm-status--ended))
  (swarm-status-refresh place))

(defun swarm-status--down (place)
  "Note that the server at PLACE has ended."
  (unless (member place swarm-status--ended) (push place swarm-status--ended))
  (setf (alist-get place swarm-status--stats nil 'remove #'equal) nil)
  (swarm-status--changed place))

(add-hook 'swarm-connected-functions #'swarm-status--up)
(add-hook 'swarm-disconnected-functions #'swarm-status--down)

;;; Totals

(defun swarm-status-counts ()
  "Return how many agents each group has."
  (let ((counts (make-vector (length swarm-row-groups) 0)))
    (maphash (lambda (_id agent)
               (let ((group (swarm-row-group agent)))
                 (aset counts group (1+ (aref counts group)))))
             swarm-state--agents)
    (append counts nil)))

(defun swarm-status-approvals ()
  "Return how many questions are open."
  (let ((count 0))
    (maphash (lambda (_id agent) (setq count (+ count (or (plist-get agent :approvals) 0))))
             swarm-state--agents)
    count))

(defun swarm-status--words ()
  "Return how many agents are in which group, as a list of words."
  (delq nil (seq-mapn (lambda (count what)
                        (let ((needy (equal what "need input")))
                          (and (> count 0)
                               (propertize (format "%d %s" count (if (and needy (= count 1)) "needs input" what))
                                           'face (if needy 'swarm-waiting 'default)))))
                      (swarm-status-counts) swarm-status--short)))

(defun swarm-status-totals ()
  "Return one line about all agents."
  (let ((tokens 0) (cost 0) (agents (swarm-agent-count)))
    (maphash (lambda (_id agent)
               (let ((usage (plist-get agent :usage)))
                 (setq tokens (+ tokens (or (plist-get usage :inputTokens) 0) (or (plist-get usage :outputTokens) 0))
                       cost (+ cost (or (plist-get usage :costUsd) 0)))))
             swarm-state--agents)
    (concat (propertize "Swarm" 'face 'swarm-title) "  "
            (string-join (append (list (format "%d agent%s" agents (if (= agents 1) "" "s")))
                                 (swarm-status--words)
                                 (and (> tokens 0) (list (concat (swarm-row-count tokens) " tokens")))
                                 (and (> cost 0) (list (swarm-row-cost cost)))
                                 (swarm-status--today))
                         " · "))))

(defun swarm-status--today ()
  "Return what all servers used today, as a list of words."
  (let ((cost (apply #'+ (mapcar (lambda (each)
                                   (or (plist-get (plist-get (plist-get (cdr each) :today) :total) :knownCostUsd) 0))
                                 swarm-status--stats))))
    (and (> cost 0) (list (concat (swarm-row-cost cost) " today")))))

;;; Warnings

(defun swarm-status--provider-warning (provider)
  "Return a warning about PROVIDER, or nil."
  (let ((name (plist-get provider :name)))
    (cond ((equal (plist-get provider :quota) "exhausted")
           (format "%s: its quota is used up%s" name
                   (if (plist-get provider :quotaProbeAt)
                       (format-time-string "; looked at again at %H:%M"
                                           (date-to-time (plist-get provider :quotaProbeAt)))
                     "")))
          ((member (plist-get provider :breaker) '("open" "probing"))
           (format "%s fails again and again: requests wait until it answers" name))
          ((> (or (plist-get provider :waitMs) 0) 10000)
           (format "%s asks to wait %s" name (swarm-row-duration (/ (plist-get provider :waitMs) 1000)))))))

(defun swarm-status--server-warnings (place stats)
  "Return warnings about the server at PLACE, which said STATS."
  (let ((where (swarm-connection--where place))
        (sandbox (plist-get stats :sandbox)))
    (append
     (pcase (plist-get sandbox :state)
       ("off" (list (format "the sandbox is off%s: commands of agents may do what you may" where)))
       ("weak" (list (format "the sandbox%s is weak: %s" where (plist-get sandbox :missing)))))
     (delq nil (mapcar #'swarm-status--provider-warning (plist-get stats :providers))))))

(defun swarm-status--overlaps ()
  "Return a warning when agents change the same files."
  (let ((count 0))
    (maphash (lambda (_id agent)
               (unless (zerop (length (plist-get agent :overlaps))) (setq count (1+ count))))
             swarm-state--agents)
    (and (> count 1) (list (format "%d agents change the same files" count)))))

(defun swarm-status-warnings (place)
  "Return what is wrong: a list of lines, for a view that was opened at PLACE."
  (append
   (cond ((member place swarm-status--ended)
          (list (format "the server%s has ended: g starts it again" (swarm-connection--where place))))
         ((swarm-connecting-p place)
          (list (format "the server%s is starting" (swarm-connection--where place))))
         ((not (swarm-connected-p place))
          (list (format "no server is running%s: g starts it" (swarm-connection--where place)))))
   (mapcan (lambda (each) (swarm-status--server-warnings (car each) (cdr each))) swarm-status--stats)
   (swarm-status--overlaps)))

(provide 'swarm-status)
;;; swarm-status.el ends here
