;;; swarm-mode-line.el --- The swarm in the mode line  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-mode-line-mode' shows how many agents work, and how many questions wait for an answer.

;;; Code:

(require 'swarm-state)
(require 'swarm-status)

(defvar swarm-mode-line-string ""
  "What the mode line shows of the swarm.")
(put 'swarm-mode-line-string 'risky-local-variable t)

(defvar swarm-mode-line--timer nil
  "Non-nil while a change is on its way.")

(defvar swarm-mode-line-map
  (let ((map (make-sparse-keymap)))
    (define-key map [mode-line mouse-1] #'swarm-dashboard)
    (define-key map [mode-line mouse-3] #'swarm-approvals)
    map)
  "The keys on the mode line's string.")

(declare-function swarm-dashboard "swarm-dashboard")
(declare-function swarm-approvals "swarm-approvals")

(defun swarm-mode-line--text ()
  "Return what is to be shown."
  (let ((working (nth 1 (swarm-status-counts)))
        (questions (swarm-status-approvals)))
    (if (= 0 working questions)
        ""
      (propertize
       (concat " swarm:" (number-to-string working)
               (if (> questions 0) (propertize (format " %d?" questions) 'face 'swarm-waiting) ""))
       'help-echo (format "%d agents work, %d questions wait\nmouse-1: dashboard, mouse-3: questions" working questions)
       'mouse-face 'mode-line-highlight
       'local-map swarm-mode-line-map))))

(defun swarm-mode-line--update ()
  "Bring the mode line up to date."
  (setq swarm-mode-line--timer nil)
  (let ((text (swarm-mode-line--text)))
    (unless (equal text swarm-mode-line-string)
      (setq swarm-mode-line-string text)
      (force-mode-line-update t))))

(defun swarm-mode-line--soon (&rest _)
  "Have the mode line brought up to date."
  (unless swarm-mode-line--timer
    (setq swarm-mode-line--timer (run-at-time 0.2 nil #'swarm-mode-line--update))))

;;;###autoload
(define-minor-mode swarm-mode-line-mode
  "Show in the mode line how many agents work and how many questions wait."
  :global t
  :group 'swarm
  (let ((where '("" swarm-mode-line-string)))
    (or global-mode-string (setq global-mode-string '("")))
    (setq global-mode-string (delete where global-mode-string))
    (cond (swarm-mode-line-mode
           (setq global-mode-string (append global-mode-string (list where)))
           (add-hook 'swarm-agent-functions #'swarm-mode-line--soon)
           (add-hook 'swarm-gone-functions #'swarm-mode-line--soon)
           (swarm-mode-line--update))
          (t
           (remove-hook 'swarm-agent-functions #'swarm-mode-line--soon)
           (remove-hook 'swarm-gone-functions #'swarm-mode-line--soon)))))

(provide 'swarm-mode-line)
;;; swarm-mode-line.el ends here
