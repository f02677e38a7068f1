;;; swarm-dashboard.el --- All agents in one buffer  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The dashboard's keys and commands.  Its lines: swarm-board.el.  What is done with agents, here on
;; those that are marked: swarm-actions.el.

;;; Code:

(require 'swarm-actions)
(require 'swarm-board)
(require 'swarm-order)
(require 'swarm-render)
(require 'swarm-status)

(declare-function swarm-open "swarm-transcript")
(declare-function swarm-allow "swarm-approvals")
(declare-function swarm-approvals-decide "swarm-approvals")
(declare-function swarm-approvals-of-agents "swarm-approvals")

(defcustom swarm-dashboard-mode-hook nil
  "Run when a dashboard is made."
  :type 'hook
  :group 'swarm)

;;; Where point is

(defun swarm-dashboard--id ()
  "Return the id of the agent at point, or nil."
  (let ((key (swarm-render-key)))
    (and (stringp key) key)))

(defun swarm-dashboard--group ()
  "Return the name of the group that point is in, or nil."
  (save-excursion
    (let (key)
      (while (not (or (eq (car-safe (setq key (swarm-render-key))) 'group)
                      (/= (forward-line -1) 0))))
      (and (eq (car-safe key) 'group) (cadr key)))))

(defun swarm-dashboard-agents ()
  "Return the ids of the marked agents, as they stand, else of that at point."
  (if (zerop (hash-table-count swarm-board-marks))
      (let ((id (swarm-dashboard--id))) (and id (list id)))
    (or (seq-filter (lambda (id) (gethash id swarm-board-marks)) (swarm-dashboard--shown))
        (user-error "The marked agents are not shown; U unmarks them"))))

(defun swarm-dashboard--shown ()
  "Return the ids of the agents that are shown, those in folded groups too."
  (mapcan (lambda (group) (mapcar #'car (cdr group))) (swarm-order)))

(defun swarm-dashboard--need-id ()
  "Return the id of the agent at point; an error when there is none."
  (or (swarm-dashboard--id) (user-error "There is no agent in this line")))

(defun swarm-dashboard-open ()
  "Show the transcript of the agent at point; on a heading, fold the group."
  (interactive)
  (if (eq (car-safe (swarm-render-key)) 'group)
      (swarm-dashboard-fold)
    (swarm-open (swarm-dashboard--need-id))))

(defun swarm-dashboard-open-other-window ()
  "Show the transcript of the agent at point, but stay here."
  (interactive)
  (let ((window (selected-window)))
    (swarm-open (swarm-dashboard--need-id))
    (select-window window)))

(defun swarm-dashboard-next (&optional count)
  "Go COUNT agents down."
  (interactive "p")
  (let* ((count (or count 1)) (step (if (< count 0) -1 1)) (start (point)))
    (dotimes (_ (abs count))
      (let ((here (point)))
        (forward-line step)
        (while (and (not (swarm-dashboard--id)) (not (if (> step 0) (eobp) (bobp))))
          (forward-line step))
        (unless (swarm-dashboard--id) (goto-char here))))
    (when (= start (point))
      (message (if (> step 0) "No agent below" "No agent above")))))

(defun swarm-dashboard-previous (&optional count)
  "Go COUNT agents up."
  (interactive "p")
  (swarm-dashboard-next (- (or count 1))))

(defun swarm-dashboard-next-group (&optional backward)
  "Go to the next group; with BACKWARD to the one before."
  (interactive)
  (let ((start (point)) (step (if backward -1 1)) (found nil))
    (while (and (not found) (= (forward-line step) 0) (not (and (eobp) (bolp) (= step 1))))
      (setq found (eq (car-safe (swarm-render-key)) 'group)))
    (unless found (goto-char start))))

(defun swarm-dashboard-previous-group ()
  "Go to the group before."
  (interactive)
  (swarm-dashboard-next-group t))

;;; Marks

(defun swarm-dashboard--mark (ids mark)
  "Take the MARK to or from the agents IDS."
  (dolist (id ids)
    (if mark (puthash id t swarm-board-marks) (remhash id swarm-board-marks))
    (puthash id t swarm-board-changed))
  (swarm-board-draw))

(defun swarm-dashboard--here ()
  "Return the ids of the agents in the region, of the group at point, or at point."
  (cond ((use-region-p)
         (let (ids (end (region-end)))
           (save-excursion
             (goto-char (region-beginning))
             (while (< (point) end)
               (when (swarm-dashboard--id) (push (swarm-dashboard--id) ids))
               (unless (= (forward-line) 0) (goto-char end))))
           (nreverse ids)))
        ((eq (car-safe (swarm-render-key)) 'group)
         (mapcar #'car (cdr (assoc (swarm-dashboard--group) (swarm-order)))))
        (t (list (swarm-dashboard--need-id)))))

(defun swarm-dashboard-mark ()
  "Mark the agent at point, those in the region, or on a heading its group."
  (interactive)
  (swarm-dashboard--mark (swarm-dashboard--here) t)
  (if (use-region-p) (deactivate-mark) (forward-line)))

(defun swarm-dashboard-unmark ()
  "Unmark the agent at point, those in the region, or on a heading its group."
  (interactive)
  (swarm-dashboard--mark (swarm-dashboard--here) nil)
  (if (use-region-p) (deactivate-mark) (forward-line)))

(defun swarm-dashboard-unmark-all ()
  "Unmark all agents."
  (interactive)
  (swarm-dashboard--mark (hash-table-keys swarm-board-marks) nil))

(defun swarm-dashboard-mark-matching (regexp)
  "Mark the agents that are shown and match REGEXP."
  (interactive "sMark agents that match: ")
  (let ((swarm-order-filter regexp))
    (swarm-dashboard--mark
     (seq-filter (lambda (id) (swarm-order--fits-p (swarm-agent id)))
                 (swarm-dashboard--shown))
     t)))

;;; Questions

(defun swarm-dashboard--questions ()
  "Return the open questions of the agents here; an error when there are none."
  (or (swarm-approvals-of-agents (swarm-dashboard-agents)) (user-error "Nothing is asked here")))

(defun swarm-dashboard-allow ()
  "Allow, once, what the marked agents or that at point ask for."
  (interactive)
  (let ((questions (swarm-dashboard--questions)))
    (if (null (cdr questions))
        (swarm-allow (car questions))
      (when (y-or-n-p (format "Allow these %d: %s? " (length questions)
                              (mapconcat (lambda (question) (plist-get question :title)) questions "; ")))
        (dolist (question questions) (swarm-approvals-decide question "allow"))))))

(defun swarm-dashboard-reject (reason)
  "Reject what the marked agents or that at point ask for, because of REASON."
  (interactive
   (list (let ((count (length (swarm-dashboard--questions))))
           (read-string (if (= count 1) "Reject; what should it know or do instead? "
                          (format "Reject %d; what should they know or do instead? " count))))))
  (dolist (question (swarm-dashboard--questions))
    (swarm-approvals-decide question "reject" reason)))

;;; What is shown

(defun swarm-dashboard--choose ()
  "Find out anew what is shown."
  (setq swarm-board-order 'unknown)
  (swarm-board-draw))

(defun swarm-dashboard-filter (regexp)
  "Show only agents that match REGEXP, or with an empty one all."
  (interactive (list (read-regexp "Only agents that match (empty: all)" swarm-order-filter)))
  (setq swarm-order-filter (and (not (string-empty-p regexp)) regexp))
  (swarm-dashboard--choose))

(defun swarm-dashboard-sort (key)
  "Order the agents of each group by KEY."
  (interactive (list (intern (completing-read "Order by: " (mapcar #'car swarm-order-keys) nil t))))
  (setq swarm-order-by key)
  (swarm-dashboard--choose))

(defun swarm-dashboard-scope (scope)
  "Show the agents of SCOPE: `all', `emacs' or `project'."
  (interactive (list (intern (completing-read "Show the agents of: " '(all emacs project) nil t))))
  (setq swarm-order-scope scope
        swarm-order-project (and (eq scope 'project) (swarm-order-this-project)))
  (swarm-dashboard--choose))

(defun swarm-dashboard-everything ()
  "Show the agents of everybody, or only those of this project again."
  (interactive)
  (if (and (eq swarm-order-scope 'all) (not swarm-order-filter))
      (swarm-dashboard-scope 'project)
    (setq swarm-order-filter nil)
    (swarm-dashboard-scope 'all)))

(defun swarm-dashboard-fold ()
  "Fold the group at point, or show its agents again."
  (interactive)
  (let ((group (or (swarm-dashboard--group) (user-error "There is no group here"))))
    (setq swarm-board-folded (if (member group swarm-board-folded)
                                      (delete group swarm-board-folded)
                                    (cons group swarm-board-folded)))
    (swarm-board-draw)
    (goto-char (point-min))
    (while (not (or (equal (swarm-render-key) (list 'group group)) (/= (forward-line) 0))))))

(defun swarm-dashboard-refresh ()
  "Read the list of agents anew, from a new server when there is none."
  (interactive)
  (let ((here (swarm-place)))
    (setq swarm-status--ended (delete here swarm-status--ended))
    (dolist (place (seq-uniq (cons here (swarm-places))))
      (when (swarm-connected-p place)
        (swarm-status-refresh place))
      (swarm-refresh-agents place #'swarm-board-soon)))
  (swarm-board-soon))

;;; The mode

(defvar swarm-dashboard-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (dolist (binding '(("RET" . swarm-dashboard-open)
                       ("o" . swarm-dashboard-open-other-window)
                       ("TAB" . swarm-dashboard-fold)
                       ("n" . swarm-dashboard-next)
                       ("p" . swarm-dashboard-previous)
                       ("M-n" . swarm-dashboard-next-group)
                       ("M-p" . swarm-dashboard-previous-group)
                       ("m" . swarm-dashboard-mark)
                       ("u" . swarm-dashboard-unmark)
                       ("U" . swarm-dashboard-unmark-all)
                       ("%" . swarm-dashboard-mark-matching)
                       ("/" . swarm-dashboard-filter)
                       ("S" . swarm-dashboard-sort)
                       ("e" . swarm-dashboard-everything)
                       ("E" . swarm-dashboard-scope)
                       ("g" . swarm-dashboard-refresh)
                       ("+" . swarm-new)
                       ("s" . swarm-send)
                       ("c" . swarm-cancel)
                       ("k" . swarm-kill)
                       ("x" . swarm-remove)
                       ("R" . swarm-resume)
                       ("z" . swarm-pause)
                       ("Z" . swarm-continue)
                       ("a" . swarm-dashboard-allow)
                       ("!" . swarm-allow-always)
                       ("r" . swarm-dashboard-reject)
                       ("i" . swarm-approvals)
                       ("=" . swarm-review)
                       ("M" . swarm-merge)
                       ("C" . swarm-checkpoints)
                       ("D" . swarm-visit-worktree)
                       ("G" . swarm-vc-worktree)
                       ("w" . swarm-copy-id)
                       ("^" . swarm-parent)
                       ("?" . swarm-menu)))
      (define-key map (kbd (car binding)) (cdr binding)))
    map)
  "The keys of a dashboard.")

(define-derived-mode swarm-dashboard-mode special-mode "Swarm"
  "The agents of swarmd, one a line.

\\{swarm-dashboard-mode-map}"
  (swarm-board-start)
  (setq swarm-order-by swarm-default-order
        swarm-order-scope swarm-default-scope
        swarm-order-project (and (eq swarm-default-scope 'project) (swarm-order-this-project))
        swarm-agents-here-function #'swarm-dashboard-agents
        truncate-lines t)
  (setq-local revert-buffer-function (lambda (&rest _) (swarm-dashboard-refresh)))
  (setq-local imenu-create-index-function #'swarm-dashboard--index)
  (buffer-disable-undo))

(defun swarm-dashboard--index ()
  "Return the agents of this buffer for imenu, by group."
  (let (index)
    (save-excursion
      (save-restriction
        (widen)
        (goto-char (point-min))
        (dolist (key (swarm-render-keys))
          (cond ((eq (car-safe key) 'group) (push (list (cadr key)) index))
                ((stringp key)
                 (push (cons (swarm-agent-label (swarm-agent key)) (point)) (cdar index))))
          (forward-line))))
    (nreverse (mapcar (lambda (group) (cons (car group) (nreverse (cdr group)))) index))))

;;;###autoload
(defun swarm-dashboard ()
  "Show the agents.  New ones are made in the project that one comes from."
  (interactive)
  (let ((folder (if swarm-agent-id (swarm-project-root) default-directory))
        (new (not (swarm-board-buffer))))
    (pop-to-buffer (get-buffer-create swarm-board-name))
    (setq default-directory folder)
    (unless (derived-mode-p 'swarm-dashboard-mode) (swarm-dashboard-mode))
    (unwind-protect (swarm-dashboard-refresh)
      (swarm-board-draw)
      (when new (goto-char (point-min))))))

(provide 'swarm-dashboard)
;;; swarm-dashboard.el ends here
