;;; swarm.el --- Coding agents, hosted by swarmd  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;; Author: The swarmd authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1") (transient "0.3.7"))
;; Keywords: tools, processes
;; URL: https://example.org/swarmd

;;; Commentary:

;; The Emacs client of swarmd.  `swarm-new' starts an agent in a git worktree and branch of its own,
;; `swarm-dashboard' shows all of them, `swarm-send' says more to one, `swarm-menu' shows what else
;; there is.  The first command starts the server; see `swarm-server'.  The manual is README.md.

;;; Code:

(require 'swarm-state)
(require 'swarm-actions)
(require 'swarm-dashboard)
(require 'swarm-new)
(require 'swarm-transcript)

(autoload 'swarm-menu "swarm-menu" nil t)
(autoload 'swarm-new-menu "swarm-menu" nil t)
(autoload 'swarm-mode-line-mode "swarm-mode-line" nil t)

(defun swarm--decide (id decision &optional reason)
  "Answers the oldest question of the agent ID with DECISION and REASON."
  (swarm-request
   'swarm/get (list :agentId id)
   (lambda (result)
     (let ((approvals (plist-get result :approvals)))
       (if (zerop (length approvals))
           (message "swarm: %s asks nothing" id)
         (swarm-request 'swarm/approve
                         (append (list :approvalId (plist-get (aref approvals 0) :id) :decision decision)
                                 (and reason (list :reason reason)))
                         #'ignore))))))

(defun swarm-allow (id)
  "Allows what the agent ID asks for."
  (interactive (list (swarm-the-agent)))
  (swarm-open id)
  (when (y-or-n-p "Allow it? ")
    (swarm--decide id "allow")))

(defun swarm-reject (id reason)
  "Rejects what the agent ID asks for, and tells it REASON."
  (interactive (list (swarm-the-agent) (read-string "Reject; what should it know or do instead? ")))
  (swarm--decide id "reject" (unless (string-blank-p reason) reason)))

(provide 'swarm)
;;; swarm.el ends here
