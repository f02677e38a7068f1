;;; evil.el --- Tests of the views where evil is used  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; With the real evil, whose folders are named in SWARM_TEST_EVIL; no server.

;;; Code:

(setq load-path (append (parse-colon-path (getenv "SWARM_TEST_EVIL")) load-path))
(require 'evil)
(require 'swarm-test)
(require 'swarm-approvals)
(require 'swarm-checkpoints)
(require 'swarm-merge)
(require 'swarm-review)

(evil-mode 1)

(defmacro in-mode (mode &rest body)
  "Run BODY in a buffer in MODE that a window shows."
  (declare (indent 1))
  `(with-temp-buffer
     (switch-to-buffer (current-buffer))
     (cl-letf (((symbol-function 'swarm-connection-request) #'ignore)) (,mode) ,@body)))

(defun binding (key) (key-binding (kbd key)))

(ert-deftest views-have-their-keys-and-evil-moves ()
  (dolist (each '((swarm-dashboard-mode ("m" . swarm-dashboard-mark) ("RET" . swarm-dashboard-open) ("K" . swarm-kill)
                                        ("g r" . swarm-dashboard-refresh) ("M" . swarm-merge) ("q" . quit-window))
                  (swarm-approvals-mode ("a" . swarm-allow) ("r" . swarm-reject) ("g r" . swarm-approvals-refresh))
                  (swarm-review-mode ("a" . swarm-review-accept) ("x" . swarm-review-reject) ("c" . swarm-review-comment)
                                     ("RET" . diff-goto-source) ("n" . diff-hunk-next))
                  (swarm-merge-mode ("m" . swarm-merge-now) ("e" . swarm-merge-edit-message))
                  (swarm-checkpoints-mode ("x" . swarm-rewind) ("RET" . swarm-checkpoints-diff))))
    (with-temp-buffer
      (switch-to-buffer (current-buffer))
      (funcall (car each))
      (should (eq evil-state 'normal))
      (pcase-dolist (`(,key . ,command) (append (cdr each) '(("j" . evil-next-line) ("k" . evil-previous-line)
                                                             ("g g" . evil-goto-first-line) ("G" . evil-goto-line)
                                                             ("C-w o" . delete-other-windows) (":" . evil-ex)
                                                             ("V" . evil-visual-line))))
        (should (equal (list (car each) key (binding key)) (list (car each) key command)))))))

(ert-deftest one-types-in-the-insert-state-and-reads-in-the-normal-one ()
  (in-mode swarm-transcript-mode
    (setq swarm-transcript--end (copy-marker (point-max)))
    (let ((inhibit-read-only t)) (insert (swarm-transcript--dress (copy-sequence "an answer\n") "i1")))
    (set-marker swarm-transcript--end (point))
    (swarm-prompt-setup)
    (goto-char (point-max))
    (should (eq evil-state 'insert))
    (should (eq (binding "RET") 'swarm-prompt-send))
    (should (eq (binding "k") 'self-insert-command))
    (evil-normal-state)
    (should (eq (binding "RET") 'swarm-prompt-send))
    (should (eq (binding "k") 'evil-previous-line))
    (goto-char (point-min))
    (should (eq (binding "k") 'evil-previous-line))
    (should (eq (binding "g g") 'evil-goto-first-line))
    (should (eq (binding "K") 'swarm-kill))
    (should (eq (binding "n") 'swarm-transcript-next))
    (execute-kbd-macro (kbd "i x"))
    (should (eq evil-state 'insert))
    (should (equal (swarm-prompt-input) "x"))
    (evil-emacs-state)
    (goto-char (point-min))
    (should (eq (binding "k") 'swarm-kill))
    (should (eq (binding "g") 'swarm-transcript-refresh))))

(ert-deftest who-wants-the-emacs-state-has-it ()
  (let ((swarm-evil--done nil))
    (evil-set-initial-state 'swarm-dashboard-mode 'emacs)
    (unwind-protect
        (in-mode swarm-dashboard-mode
          (should (eq evil-state 'emacs))
          (should (eq (binding "k") 'swarm-kill)))
      (evil-set-initial-state 'swarm-dashboard-mode 'normal))))

;;; evil.el ends here
