;;; swarm-notify.el --- A notice when an agent asks  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A question is told where the person is: by a notification of the desktop when Emacs is not what
;; they look at, and in the echo area.  Neither takes the focus.

;;; Code:

(require 'seq)
(require 'subr-x)
(require 'swarm-approvals)

(defcustom swarm-notify 'away
  "When a question is told by a notification of the desktop.
It is told in the echo area in any case."
  :type '(choice (const :tag "When no frame of Emacs has the focus" away)
                 (const :tag "Always" t)
                 (const :tag "Never" nil))
  :group 'swarm)

(declare-function notifications-notify "notifications")

(defun swarm-notify--away-p ()
  "Return non-nil when no frame of this Emacs is known to have the focus."
  (not (seq-some (lambda (frame) (eq (frame-focus-state frame) t)) (frame-list))))

(defun swarm-notify--action (approval key)
  "Do what the button KEY of the notice of APPROVAL is for."
  (pcase key
    ("allow" (swarm-approvals-decide approval "allow"))
    ("reject" (swarm-approvals-decide approval "reject"))
    (_ (swarm-approvals))))

(defun swarm-notify--text (text)
  "Return TEXT, which may be long, as a notification takes it."
  (let ((short (truncate-string-to-width text 200 nil nil t)))
    (dolist (pair '(("&" . "&amp;") ("<" . "&lt;") (">" . "&gt;")) short)
      (setq short (replace-regexp-in-string (car pair) (cdr pair) short t t)))))

(defun swarm-notify--desktop (approval)
  "Tell APPROVAL by a notification; return nil where there is no such thing."
  (and (featurep 'dbusbind)
       (getenv "DBUS_SESSION_BUS_ADDRESS") ; else one would be started
       (require 'notifications nil t)
       (condition-case nil
           (notifications-notify
            :app-name "Emacs"
            :title (format "%s asks" (swarm-approvals--of approval))
            :body (swarm-notify--text (plist-get approval :title))
            :actions '("default" "Show" "allow" "Allow" "reject" "Reject")
            :on-action (lambda (_ key) (swarm-notify--action approval key)))
         (error nil))))

(defun swarm-notify-question (approval)
  "Tell the person that APPROVAL is asked."
  (when (and swarm-notify (or (eq swarm-notify t) (swarm-notify--away-p)))
    (swarm-notify--desktop approval))
  (unless (active-minibuffer-window)
    (message "swarm: %s asks: %s (%s answers)" (swarm-approvals--of approval) (plist-get approval :title)
             (substitute-command-keys "\\[swarm-approvals]"))))

(add-hook 'swarm-approvals-functions #'swarm-notify-question)

(provide 'swarm-notify)
;;; swarm-notify.el ends here
