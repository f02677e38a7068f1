;;; swarm-evil.el --- The views where evil is used  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; In the views keys are commands, which evil's states would hide: they begin in its Emacs state,
;; unless `evil-set-initial-state' was told something else.  Without evil nothing happens here.

;;; Code:

(declare-function evil-set-initial-state "ext:evil-core")
(declare-function evil-initial-state "ext:evil-core")

(defconst swarm-evil--modes
  '(swarm-dashboard-mode swarm-transcript-mode swarm-approvals-mode swarm-review-mode swarm-merge-mode
    swarm-checkpoints-mode)
  "The modes of the views.")

(defun swarm-evil-setup ()
  "Have the views begin in evil's Emacs state."
  (when (fboundp 'evil-set-initial-state)
    (dolist (mode swarm-evil--modes)
      (unless (evil-initial-state mode)
        (evil-set-initial-state mode 'emacs)))))

(swarm-evil-setup)
(add-hook 'evil-local-mode-hook #'swarm-evil-setup)

(provide 'swarm-evil)
;;; swarm-evil.el ends here
