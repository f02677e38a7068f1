;;; swarm-actions.el --- What people do with agents  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Commands on agents.  In a buffer of an agent they are about that agent, in the dashboard about
;; the marked ones, else the one at point; elsewhere they ask which.  A prefix argument always asks.

;;; Code:

(require 'swarm-state)

(declare-function swarm-open "swarm-transcript")

(defvar-local swarm-agents-here-function nil
  "Returns the ids of the agents that commands in this buffer are about.
It is called without arguments, and may return nil.")

;;; Which agents

(defun swarm-agents-here ()
  "Return the ids of the agents that this buffer or line is about, or nil."
  (cond (swarm-agents-here-function (funcall swarm-agents-here-function))
        (swarm-agent-id (list swarm-agent-id))))

(defun swarm-actions--annotate (width)
  "Return a function that annotates the id of an agent, WIDTH columns on."
  (lambda (id)
    (let ((agent (swarm-agent id)))
      (concat (make-string (max 1 (- (+ width 2) (string-width id))) ?\s)
              (propertize (format "%-9s %s" (plist-get agent :state)
                                  (or (plist-get agent :activity)
                                      (car (split-string (or (plist-get agent :task) "") "\n"))))
                          'face 'completions-annotations)))))

(defun swarm-read-agent (&optional prompt states)
  "Ask with PROMPT for an agent, in one of STATES when given; return its id."
  (let* ((agents (seq-filter (lambda (agent)
                               (or (null states) (member (plist-get agent :state) states)))
                             (nreverse (swarm-agents))))
         (ids (mapcar (lambda (agent) (plist-get agent :id)) agents))
         (annotate (swarm-actions--annotate (apply #'max 0 (mapcar #'string-width ids)))))
    (unless ids
      (user-error (cond (states "No agent is %s") ((swarm-places) "There is no agent")
                        (t "No agent is known yet: `M-x swarm-dashboard' starts the server"))
                  (string-join states " or ")))
    (completing-read (or prompt "Agent: ")
                     (lambda (string predicate action)
                       (if (eq action 'metadata)
                           `(metadata (category . swarm-agent) (display-sort-function . identity)
                                      (annotation-function . ,annotate))
                         (complete-with-action action ids string predicate)))
                     nil t)))

(defun swarm-the-agent (&optional prompt)
  "Return the id of the agent here, else of one that is asked for with PROMPT."
  (or (and (not current-prefix-arg) (car (swarm-agents-here)))
      (swarm-read-agent prompt)))

(defun swarm-the-agents (&optional prompt)
  "Return the ids of the agents here, else of one that is asked for with PROMPT."
  (or (and (not current-prefix-arg) (swarm-agents-here))
      (list (swarm-read-agent prompt))))

(defun swarm-actions--names (ids)
  "Return words for the agents IDS."
  (if (cdr ids)
      (format "%d agents" (length ids))
    (let ((agent (swarm-agent (car ids))))
      (if agent (swarm-agent-label agent) (car ids)))))

(defun swarm-actions--ids (agents)
  "Return AGENTS, an id or a list of ids, as a list."
  (if (listp agents) agents (list agents)))

(defun swarm-actions--request-all (method ids done)
  "Request METHOD for each of IDS; DONE is what was done to them, for people.
It is said once, with what did not go."
  (let ((open (length ids)) (good 0) problems)
    (dolist (id ids)
      (let ((answered (lambda ()
                        (when (zerop (setq open (1- open)))
                          (swarm-actions--report (swarm-actions--names ids) (length ids) good problems done)))))
        (swarm-request method (list :agentId id)
                       (lambda (_) (setq good (1+ good)) (funcall answered))
                       (lambda (problem &rest _)
                         (when problem (push problem problems))
                         (funcall answered)))))))

(defun swarm-actions--report (names count good problems done)
  "Say that NAMES, COUNT in all, are DONE, GOOD of them, the others had PROBLEMS."
  (cond (problems
         (swarm-complain (string-join (seq-uniq (seq-take (reverse problems) 3)) "; ")
                         (if (> count 1) (format "%d of %d %s" good count done) nil)))
        ((= good count) (message "swarm: %s %s" names done))))

;;; Turns

(defun swarm-cancel (agents)
  "End the turn of AGENTS, which stay."
  (interactive (list (swarm-the-agents "Cancel the turn of: ")))
  (swarm-actions--request-all 'swarm/cancel (swarm-actions--ids agents) "cancelled"))

(defun swarm-resume (agents)
  "Let AGENTS that have ended go on."
  (interactive (list (swarm-the-agents "Resume: ")))
  (swarm-actions--request-all 'swarm/resume (swarm-actions--ids agents) "resumed"))

(defun swarm-pause (agents)
  "Let AGENTS begin no request and no tool call until `swarm-continue'."
  (interactive (list (swarm-the-agents "Pause: ")))
  (swarm-actions--request-all 'swarm/pause (swarm-actions--ids agents) "paused"))

(defun swarm-continue (agents)
  "Let paused AGENTS go on."
  (interactive (list (swarm-the-agents "Continue: ")))
  (swarm-actions--request-all 'swarm/continue (swarm-actions--ids agents) "going on"))

(defun swarm-compact (agents)
  "Have the older part of the context of AGENTS summarised."
  (interactive (list (swarm-the-agents "Compact: ")))
  (swarm-actions--request-all 'swarm/compact (swarm-actions--ids agents) "compacting"))

(defun swarm-kill (agents)
  "Kill AGENTS and all that they started.  Their worktrees stay."
  (interactive (list (swarm-the-agents "Kill: ")))
  (let ((ids (seq-remove (lambda (id)
                           (member (plist-get (swarm-agent id) :state) '("done" "failed" "killed")))
                         (swarm-actions--ids agents))))
    (cond ((null ids)
           (message "swarm: %s has ended: there is nothing to kill"
                    (swarm-actions--names (swarm-actions--ids agents))))
          ((y-or-n-p (format "Kill %s and all that %s started? " (swarm-actions--names ids)
                             (if (cdr ids) "they" "it")))
           (swarm-actions--request-all 'swarm/kill ids "killed")))))

;;; Removing

(defun swarm-remove (agents)
  "Remove AGENTS, their worktrees and branches.
Where work would be lost that is merged nowhere, it asks again."
  (interactive (list (swarm-the-agents "Remove: ")))
  (let ((ids (swarm-actions--ids agents)))
    (when (y-or-n-p (format "Remove %s and %s? " (swarm-actions--names ids)
                            (if (cdr ids) "their worktrees" "its worktree")))
      (swarm-actions--remove ids nil))))

(defun swarm-actions--remove (ids force)
  "Remove the agents IDS; with FORCE also work that is merged nowhere."
  (let ((open (length ids)) (names (swarm-actions--names ids)) (good 0) refused problems)
    (dolist (id ids)
      (let ((answered
             (lambda ()
               (when (zerop (setq open (1- open)))
                 (swarm-actions--report names (length ids) good problems "removed")
                 (when refused
                   ;; Not from within the process filter.
                   (run-at-time 0 nil #'swarm-actions--remove-refused (nreverse refused)))))))
        (swarm-request 'swarm/remove (list :agentId id :force (if force t :json-false))
                       (lambda (_) (setq good (1+ good)) (funcall answered))
                       (lambda (problem kind &rest _)
                         ;; Work that nothing else has, or an agent that is at something.
                         (cond ((and (not force) (member kind '("dirty" "wrongState")))
                                (push (cons id problem) refused))
                               (problem (push problem problems)))
                         (funcall answered)))))))

(defun swarm-actions--remove-refused (refused)
  "Ask whether to remove nevertheless: REFUSED has (ID . PROBLEM) of each."
  (let ((left (seq-filter (lambda (each) (swarm-agent (car each))) refused)))
    (when (and left
               (yes-or-no-p
                (if (cdr left)
                    (format "%d of them are at work or have work that is merged nowhere.  Remove them all the same? "
                            (length left))
                  (format "%s.  Remove it all the same, with its work? " (cdar left)))))
      (swarm-actions--remove (mapcar #'car left) t))))

;;; Messages

(defun swarm-actions--quoted-region ()
  "Return the active region as a message quotes it, or an empty string."
  (if (not (use-region-p))
      ""
    (let ((text (buffer-substring-no-properties (region-beginning) (region-end))))
      (format "\n\n%s:\n\n```\n%s\n```\n"
              (format "%s, line %d" (if buffer-file-name (file-local-name buffer-file-name) (buffer-name))
                      (line-number-at-pos (region-beginning) t))
              (string-trim-right text)))))

;;;###autoload
(defun swarm-send (agent text &optional delivery)
  "Send TEXT, and with it an active region, to AGENT, an id.
DELIVERY is how: \"queue\" behind its present turn, \"steer\" at the
next step of it, \"interrupt\" to cancel it.  With a prefix
argument it is asked for."
  (interactive
   (let* ((agent (or (car (swarm-agents-here)) (swarm-read-agent "To: ")))
          (delivery (and current-prefix-arg
                         (completing-read "Delivery: " '("queue" "steer" "interrupt") nil t)))
          (quoted (if (swarm-agents-here) "" (swarm-actions--quoted-region)))
          (text (read-string (format "To %s: " (swarm-actions--names (list agent))))))
     (list agent (if (string-blank-p text) text (concat text quoted)) delivery)))
  (unless (string-blank-p text)
    (swarm-request 'swarm/send
                   (append (list :agentId agent :text text) (and delivery (list :delivery delivery)))
                   (lambda (result)
                     (when (equal (plist-get result :delivery) "queued")
                       (message "swarm: queued for %s" (swarm-actions--names (list agent)))))
                   (lambda (problem &rest _)
                     (kill-new text)
                     (swarm-complain problem "not sent (the text is in the kill ring)")))))

;;; Places

(defun swarm-actions--directory (id)
  "Return the folder of the agent ID; an error when it has none."
  (let ((agent (swarm-agent id)))
    (or (and agent (swarm-agent-directory agent))
        (user-error "%s has no worktree" (swarm-actions--names (list id))))))

(declare-function magit-status-setup-buffer "ext:magit-status")

(defun swarm-visit-worktree (agent)
  "Visit the folder that AGENT, an id, works in."
  (interactive (list (swarm-the-agent "Folder of: ")))
  (dired (swarm-actions--directory agent)))

(defun swarm-vc-worktree (agent)
  "Show the state of the worktree of AGENT, an id: with magit, when it is there."
  (interactive (list (swarm-the-agent "Status of: ")))
  (let ((directory (swarm-actions--directory agent)))
    (if (require 'magit-status nil t)
        (magit-status-setup-buffer directory)
      (vc-dir directory))))

(defun swarm-copy-id (agents)
  "Put the ids of AGENTS into the kill ring."
  (interactive (list (swarm-the-agents "Copy: ")))
  (let ((text (string-join (swarm-actions--ids agents) "\n")))
    (kill-new text)
    (message "%s" text)))

(defun swarm-parent (agent)
  "Open the transcript of the agent that AGENT, an id, works for."
  (interactive (list (swarm-the-agent "Parent of: ")))
  (swarm-open (or (plist-get (swarm-agent agent) :parentId)
                  (user-error "%s has no parent" (swarm-actions--names (list agent))))))

(provide 'swarm-actions)
;;; swarm-actions.el ends here
