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
(require 'swarm-approvals)
(require 'swarm-evil)
(require 'swarm-notify)

(autoload 'swarm-allow-edited "swarm-approvals-edit" nil t)
(autoload 'swarm-review "swarm-review" nil t)
(autoload 'swarm-merge "swarm-merge" nil t)
(autoload 'swarm-checkpoints "swarm-checkpoints" nil t)
(autoload 'swarm-rewind "swarm-checkpoints" nil t)
(autoload 'swarm-menu "swarm-menu" nil t)
(autoload 'swarm-new-menu "swarm-menu" nil t)
(autoload 'swarm-review-menu "swarm-menu-views" nil t)
(autoload 'swarm-merge-menu "swarm-menu-views" nil t)
(autoload 'swarm-approvals-menu "swarm-menu-views" nil t)
(autoload 'swarm-checkpoints-menu "swarm-menu-views" nil t)
(autoload 'swarm-mode-line-mode "swarm-mode-line" nil t)

(provide 'swarm)
;;; swarm.el ends here
