;;; swarm-menu-views.el --- Menus of reviews, merges, questions and checkpoints  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What ? shows in these views.  Menus of agents: swarm-menu.el.

;;; Code:

(require 'swarm-approvals)
(require 'swarm-checkpoints)
(require 'swarm-merge)
(require 'swarm-review)
(require 'transient)

(declare-function swarm-allow-edited "swarm-approvals-edit")

;;;###autoload (autoload 'swarm-review-menu "swarm-menu-views" nil t)
(transient-define-prefix swarm-review-menu ()
  "What can be done in a review."
  [["Hunk"
    ("a" "accept (again: not)" swarm-review-accept)
    ("k" "reject it" swarm-review-reject)
    ("u" "undo a rejection" swarm-review-undo)
    ("c" "comment on it" swarm-review-comment)]
   ["File"
    ("A" "accept all" swarm-review-accept-file)
    ("K" "reject all" swarm-review-reject-file)]
   ["Go to"
    ("n" "the next hunk" diff-hunk-next :transient t)
    ("p" "the one before" diff-hunk-prev :transient t)
    ("N" "the next file" diff-file-next :transient t)
    ("P" "the one before" diff-file-prev :transient t)
    ("RET" "the source" diff-goto-source)
    ("t" "the transcript" swarm-review-transcript)]
   ["Change"
    ("m" "merge it" swarm-merge)
    ("C" "checkpoints" swarm-checkpoints)
    ("G" "show in magit" swarm-review-magit)
    ("g" "read anew" swarm-review-refresh)]])

(defun swarm-menu-views--strategy ()
  "Return how the merge in this buffer is done, for a menu."
  (format "strategy: %s" (plist-get swarm-merge--options :strategy)))

(defun swarm-menu-views--branch ()
  "Return the branch of the merge in this buffer, for a menu."
  (format "into: %s" (or (plist-get swarm-merge--options :into) (plist-get swarm-merge--tried :into)
                         "where it began")))

;;;###autoload (autoload 'swarm-merge-menu "swarm-menu-views" nil t)
(transient-define-prefix swarm-merge-menu ()
  "What can be done with a merge that is shown."
  [["How"
    ("s" swarm-merge-set-strategy :description swarm-menu-views--strategy)
    ("i" swarm-merge-set-branch :description swarm-menu-views--branch)
    ("e" "edit the message" swarm-merge-edit-message)]
   ["Merge"
    ("m" "as it is shown" swarm-merge-now)
    ("U" "the branch into the agent's work" swarm-merge-update)]
   ["Show"
    ("=" "the review" swarm-merge-review)
    ("g" "try again" swarm-merge-refresh)]])

;;;###autoload (autoload 'swarm-approvals-menu "swarm-menu-views" nil t)
(transient-define-prefix swarm-approvals-menu ()
  "What can be answered to the question at point."
  [["Allow"
    ("a" "this once" swarm-allow)
    ("!" "always, as a rule" swarm-allow-always)
    ("e" "after changing it" swarm-allow-edited)]
   ["Reject"
    ("r" "this once, with a reason" swarm-reject)
    ("R" "always, as a rule" swarm-reject-always)]
   ["Go to"
    ("n" "the next question" swarm-approvals-next :transient t)
    ("p" "the one before" swarm-approvals-previous :transient t)
    ("RET" "the transcript" swarm-approvals-open)
    ("g" "read anew" swarm-approvals-refresh)]])

;;;###autoload (autoload 'swarm-checkpoints-menu "swarm-menu-views" nil t)
(transient-define-prefix swarm-checkpoints-menu ()
  "What can be done with the checkpoint at point."
  [["Show"
    ("=" "what its turn changed" swarm-checkpoints-diff)
    ("d" "what was changed since" swarm-checkpoints-diff-since)
    ("g" "read anew" swarm-checkpoints-refresh)]
   ["Go back to it"
    ("x" "with the files" swarm-rewind)
    ("X" "with what the agent remembers, too" swarm-checkpoints-rewind-transcript)]])

(provide 'swarm-menu-views)
;;; swarm-menu-views.el ends here
