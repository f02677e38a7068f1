;;; swarm-evil.el --- The views where evil is used  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Where evil is used, the views are in its normal state with their own keys on top of it: what they
;; have no key for (motions, searches, windows, visual selection, :) is evil's.  j and k move, gg and G
;; go to the ends, gr reads anew; what k does otherwise is on K, in a review on x.  At the prompt of a
;; transcript one types in the insert state, and RET sends from the normal state, too.
;;
;; `evil-set-initial-state' with `emacs' gives a view back the keys that it has without evil.

;;; Code:

(require 'seq)

(declare-function evil-define-key* "ext:evil-core")
(declare-function evil-initial-state "ext:evil-core")
(declare-function evil-insert-state "ext:evil-states")
(declare-function evil-make-overriding-map "ext:evil-core")
(declare-function evil-set-initial-state "ext:evil-core")
(declare-function swarm-kill "swarm-actions")
(declare-function swarm-prompt-goto "swarm-prompt")
(declare-function swarm-prompt-send "swarm-prompt")
(declare-function swarm-transcript-next-message "swarm-transcript")
(declare-function swarm-transcript-previous-message "swarm-transcript")
(declare-function swarm-transcript-refresh "swarm-entries")

(defvar evil-state)
(defvar swarm-transcript-item-map)

(defconst swarm-evil--states
  '((swarm-dashboard-mode . normal) (swarm-approvals-mode . normal) (swarm-review-mode . normal)
    (swarm-merge-mode . normal) (swarm-checkpoints-mode . normal)
    (swarm-transcript-mode . insert) (swarm-task-mode . insert))
  "The state in which each mode begins.")

(defconst swarm-evil--moves
  '(("h" . evil-backward-char) ("j" . evil-next-line) ("k" . evil-previous-line) ("l" . evil-forward-char)
    ("gg" . evil-goto-first-line) ("G" . evil-goto-line) ("zz" . evil-scroll-line-to-center))
  "The keys that are evil's in all views.")

(defconst swarm-evil--keys
  '((swarm-dashboard-mode
     ("K" . swarm-kill) ("gr" . swarm-dashboard-refresh) ("gs" . swarm-vc-worktree)
     ("gj" . swarm-dashboard-next-group) ("gk" . swarm-dashboard-previous-group)
     ("zp" . swarm-pause) ("zc" . swarm-continue))
    (swarm-approvals-mode
     ("gr" . swarm-approvals-refresh) ("gj" . swarm-approvals-next) ("gk" . swarm-approvals-previous))
    (swarm-review-mode
     ("x" . swarm-review-reject) ("X" . swarm-review-reject-file) ("gr" . swarm-review-refresh)
     ("gs" . swarm-review-magit) ("gj" . diff-hunk-next) ("gk" . diff-hunk-prev))
    (swarm-merge-mode ("gr" . swarm-merge-refresh))
    (swarm-checkpoints-mode ("gr" . swarm-checkpoints-refresh)))
  "The keys of each view that are other ones under evil.")

(defvar swarm-evil--done nil
  "The modes whose keys evil has been told.")

(defun swarm-evil--mine-p ()
  "Return non-nil where evil's motions come before keys of a transcript."
  (memq (bound-and-true-p evil-state) '(normal visual motion operator)))

(defun swarm-evil-insert ()
  "Go to the prompt and type."
  (interactive)
  (swarm-prompt-goto)
  (evil-insert-state))

(defun swarm-evil--bind-item (key instead)
  "Have KEY of the transcript be INSTEAD in evil's states; nil is evil's own."
  (let ((command (lookup-key swarm-transcript-item-map key)))
    (define-key swarm-transcript-item-map key
      (list 'menu-item "" command :filter (lambda (own) (if (swarm-evil--mine-p) instead own))))))

(defun swarm-evil--transcript ()
  "Tell evil the keys of transcripts."
  (dolist (key '("k" "g"))
    (swarm-evil--bind-item key nil))
  (swarm-evil--bind-item "i" #'swarm-evil-insert)
  (define-key swarm-transcript-item-map "K" #'swarm-kill)
  (let ((map (symbol-value 'swarm-transcript-mode-map)))
    (evil-define-key* 'normal map
                      "gr" #'swarm-transcript-refresh
                      "gj" #'swarm-transcript-next-message
                      "gk" #'swarm-transcript-previous-message
                      (kbd "RET") #'swarm-prompt-send)))

(defun swarm-evil--view (mode)
  "Tell evil the keys of MODE."
  (let ((map (symbol-value (intern (format "%s-map" mode)))))
    (evil-make-overriding-map map 'normal)
    (pcase-dolist (`(,key . ,command) (append swarm-evil--moves (cdr (assq mode swarm-evil--keys))))
      (evil-define-key* 'normal map key command))))

(defun swarm-evil-setup ()
  "Where evil is loaded, tell it how the mode of this buffer is used."
  (let ((mode (seq-find #'derived-mode-p (mapcar #'car swarm-evil--states))))
    (when (and mode (fboundp 'evil-set-initial-state) (not (memq mode swarm-evil--done)))
      (push mode swarm-evil--done)
      (unless (evil-initial-state mode)
        (evil-set-initial-state mode (alist-get mode swarm-evil--states)))
      (cond ((eq mode 'swarm-transcript-mode) (swarm-evil--transcript))
            ((assq mode swarm-evil--keys) (swarm-evil--view mode))))))

;; A mode's hook comes before evil takes the buffer.
(dolist (state swarm-evil--states)
  (add-hook (intern (format "%s-hook" (car state))) #'swarm-evil-setup))

(provide 'swarm-evil)
;;; swarm-evil.el ends here
