;;; swarm-order.el --- Which agents are shown, and in which order  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A view of agents has a scope, a filter and an order, which are variables of its buffer.
;; `swarm-order' makes groups of them: (NAME (ID . DEPTH)...), children under their parents.
;;
;; A tree is in the group of its root; but it needs input when one of it does, and else works when
;; one of it does, so that nothing that matters hides under a parent that is done.

;;; Code:

(require 'project)
(require 'seq)
(require 'subr-x)
(require 'swarm-row)
(require 'swarm-state)

(defcustom swarm-default-scope 'all
  "Whose agents a dashboard shows at first.
`all' are those of everybody, `emacs' those that this Emacs has
started and their children, `project' those of this project."
  :type '(choice (const all) (const emacs) (const project))
  :group 'swarm)

(defcustom swarm-default-order 'created
  "In which order the agents of a group stand at first."
  :type '(choice (const created) (const updated) (const name) (const tokens) (const cost))
  :group 'swarm)

(defvar-local swarm-order-scope nil "Whose agents are shown: `all', `emacs' or `project'.")
(defvar-local swarm-order-project nil "The repository of scope `project', as the server names it.")
(defvar-local swarm-order-filter nil "A regexp that shown agents match, or nil.")
(defvar-local swarm-order-by nil "What agents are ordered by.")

(defconst swarm-order-keys
  `((created ,(lambda (agent) (plist-get agent :createdAt)) ,#'string>)
    (updated ,(lambda (agent) (plist-get agent :updatedAt)) ,#'string>)
    (name ,#'swarm-agent-label ,#'string<)
    (tokens ,#'swarm-row-tokens ,#'>)
    (cost ,(lambda (agent) (or (plist-get (plist-get agent :usage) :costUsd) -1)) ,#'>))
  "The orders there are: name, key of an agent, and which of two keys comes first.")

(defconst swarm-order--deepest 16
  "How far children are followed: no tree is deeper.")

(defvar swarm-order--created (make-hash-table :test #'equal)
  "When each agent was created, in seconds, by id.")

(defun swarm-order-created (agent)
  "Return when AGENT was created, in seconds."
  (let ((id (plist-get agent :id)))
    (or (gethash id swarm-order--created)
        (puthash id (condition-case nil (float-time (date-to-time (plist-get agent :createdAt)))
                      (error (float-time)))
                 swarm-order--created))))

(add-hook 'swarm-gone-functions (lambda (agent) (remhash (plist-get agent :id) swarm-order--created)))

;;; Which

(defun swarm-project-root ()
  "Return the root of the project of this buffer, else its folder.
In a buffer about an agent it is the repository that the agent was
made from, not its worktree."
  (let* ((agent (and swarm-agent-id (swarm-agent swarm-agent-id)))
         (project (and (not agent) (project-current))))
    (expand-file-name
     (cond (agent (file-name-as-directory (concat (plist-get agent :place) (plist-get agent :repository))))
           ((null project) default-directory)
           ((fboundp 'project-root) (project-root project))
           (t (car (with-no-warnings (project-roots project))))))))

(defun swarm-order-this-project ()
  "Return the repository of this buffer as a server names it."
  (directory-file-name (file-local-name (swarm-project-root))))

(defun swarm-order--in-scope-p (agent)
  "Return non-nil when AGENT is in the scope of this buffer."
  (pcase swarm-order-scope
    ('emacs (equal (plist-get agent :scope) swarm-scope))
    ('project (equal (directory-file-name (or (plist-get agent :repository) "/")) swarm-order-project))
    (_ t)))

(defun swarm-order--fits-p (agent)
  "Return non-nil when AGENT matches the filter of this buffer."
  (or (null swarm-order-filter)
      (let ((case-fold-search t))
        (seq-some (lambda (key)
                    (let ((text (plist-get agent key)))
                      (and text (string-match-p swarm-order-filter text))))
                  '(:name :id :task :state :model :role :branch)))))

(defun swarm-order-describe ()
  "Return words for what is chosen in this buffer, or nil when nothing is."
  (let ((parts (delq nil
                     (list (pcase swarm-order-scope
                             ('emacs "only agents of this Emacs")
                             ('project (format "only %s" (file-name-nondirectory swarm-order-project))))
                           (and swarm-order-filter (format "only /%s/" swarm-order-filter))
                           (and (not (eq swarm-order-by 'created)) (format "by %s" swarm-order-by))))))
    (and parts (string-join parts ", "))))

;;; In which order

(defun swarm-order--key (agent)
  "Return what AGENT is ordered by in this buffer."
  (funcall (cadr (assq (or swarm-order-by 'created) swarm-order-keys)) agent))

(defun swarm-order-differs-p (before after)
  "Return non-nil when AFTER instead of BEFORE can stand at another place."
  (or (null before)
      (not (equal (plist-get before :state) (plist-get after :state)))
      (not (equal (plist-get before :parentId) (plist-get after :parentId)))
      (not (equal (swarm-order--key before) (swarm-order--key after)))
      (and swarm-order-filter (not (eq (null (swarm-order--fits-p before)) (null (swarm-order--fits-p after)))))))

(defun swarm-order--tree (agent children depth)
  "Return (AGENT . DEPTH), and those of CHILDREN, a table, below AGENT."
  (cons (cons agent depth)
        (and (< depth swarm-order--deepest)
             (mapcan (lambda (child) (swarm-order--tree child children (1+ depth)))
                     (reverse (gethash (plist-get agent :id) children))))))

(defun swarm-order--tree-group (tree)
  "Return the number of the group of TREE."
  (let ((groups (mapcar (lambda (each) (swarm-row-group (car each))) tree)))
    (cond ((memq 0 groups) 0) ((memq 1 groups) 1) (t (car groups)))))

(defun swarm-order--trees (agents)
  "Return the trees of AGENTS, which are in the order of their making."
  (let ((shown (make-hash-table :test #'equal))
        (children (make-hash-table :test #'equal))
        roots)
    (dolist (agent agents) (puthash (plist-get agent :id) t shown))
    (dolist (agent agents)
      (let ((parent (plist-get agent :parentId)))
        (if (and parent (gethash parent shown) (not (equal parent (plist-get agent :id))))
            (push agent (gethash parent children))
          (push agent roots))))
    (mapcar (lambda (root) (swarm-order--tree root children 0)) roots)))

(defun swarm-order ()
  "Return the groups of this buffer that have agents: (NAME (ID . DEPTH)...)."
  (let* ((agents (seq-filter (lambda (agent) (and (swarm-order--in-scope-p agent) (swarm-order--fits-p agent)))
                             (swarm-agents)))
         (before (nth 2 (assq (or swarm-order-by 'created) swarm-order-keys)))
         (trees (mapcar #'cdr
                        (sort (mapcar (lambda (tree) (cons (swarm-order--key (caar tree)) tree))
                                      (swarm-order--trees agents))
                              (lambda (a b) (funcall before (car a) (car b))))))
         (groups (make-vector (length swarm-row-groups) nil)))
    (dolist (tree trees)
      (let ((number (swarm-order--tree-group tree)))
        (dolist (each tree)
          (push (cons (plist-get (car each) :id) (cdr each)) (aref groups number)))))
    (delq nil (seq-mapn (lambda (name members) (and members (cons (car name) (nreverse members))))
                        swarm-row-groups groups))))

(provide 'swarm-order)
;;; swarm-order.el ends here
