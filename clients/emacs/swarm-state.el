;;; swarm-state.el --- The agents of swarmd  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What is known of all agents of all servers, kept live by their events.
;;
;; An agent is the property list of the protocol (docs/protocol.md, "Agent"), with one member more:
;; `:place', where its server runs (nil is this machine).  Snapshots are never changed: a newer one
;; takes the place of an older one.
;;
;;   (swarm-agent ID)             the newest snapshot, or nil
;;   (swarm-agents)               all of them, the oldest first
;;   (swarm-request METHOD PARAMS SUCCESS FAILURE)
;;                                goes to the server of the agent that PARAMS name (:agentId,
;;                                :approvalId), else to that of the current buffer
;;   (swarm-watch ID AFTER)       items and deltas of an agent from now on; (swarm-unwatch ID)
;;
;; Views hook themselves into `swarm-agent-functions' and the others below.  These run inside the
;; process filter: they note what has changed and draw later (`swarm-render-later').

;;; Code:

(require 'swarm-connection)

(defvar swarm-agent-functions nil
  "Called with each new snapshot of an agent.
`swarm-agent-before' is the one before it then, nil for a new agent.")

(defvar swarm-agent-before nil
  "While `swarm-agent-functions' run: the snapshot that was known before.")

(defvar swarm-gone-functions nil
  "Called with the last snapshot of an agent that is gone.")

(defvar swarm-item-functions nil
  "Called with an agent that is watched, and an item of it.")

(defvar swarm-delta-functions nil
  "Called with an agent that is watched, and a `delta' event of it.")

(defvar swarm-turn-functions nil
  "Called with an agent that is watched, and a `turn' event of it.")

(defvar swarm-reset-functions nil
  "Called with a place when what is known from there must be read anew.
That is when its server has started, and when it misses events.
`swarm-agents' are read by themselves; who shows items asks for a
page of them again, and calls `swarm-watch' with its seq.")

(defvar-local swarm-agent-id nil
  "The id of the agent that this buffer is about: set by transcripts and the like.")

(defvar swarm-state--agents (make-hash-table :test #'equal)
  "The newest snapshot of each agent, by id.")

(defvar swarm-state--watched (make-hash-table :test #'equal)
  "How many watch an agent, by id.")

(defvar swarm-state--seq nil
  "The number of the newest event from each place, as an alist.")

(defvar swarm-state--reading nil
  "The places whose list is being read, each with what is to be called then.")

(defvar swarm-state--listed nil
  "The places whose list of agents has been read.")

(defconst swarm-state--page 200
  "How many agents are asked for at once: a longer answer would be felt.")

;;; Agents

(defun swarm-agent (id)
  "Return the newest snapshot of the agent ID, or nil."
  (gethash id swarm-state--agents))

(defun swarm-agents ()
  "Return the snapshots of all agents, the oldest first."
  (sort (hash-table-values swarm-state--agents)
        (lambda (a b) (string< (plist-get a :createdAt) (plist-get b :createdAt)))))

(defun swarm-agent-count ()
  "Return how many agents are known."
  (hash-table-count swarm-state--agents))

(defun swarm-agents-known-p ()
  "Return non-nil when the agents of all servers have been read."
  (seq-every-p (lambda (place) (member place swarm-state--listed)) (swarm-places)))

(defun swarm-agent-directory (agent)
  "Return the folder that AGENT works in, or nil while it has none."
  (let ((worktree (plist-get agent :worktree)))
    (when worktree
      (file-name-as-directory (swarm-uri-file worktree (plist-get agent :place))))))

(defun swarm-agent-label (agent)
  "Return what people call AGENT."
  (or (plist-get agent :name) (plist-get agent :id)))

(defun swarm-state-put (place agent)
  "Take the snapshot AGENT from PLACE, and tell the views."
  (let* ((id (plist-get agent :id))
         (agent (if place (append agent (list :place place)) agent))
         (swarm-agent-before (swarm-agent id)))
    (puthash id agent swarm-state--agents)
    (run-hook-with-args 'swarm-agent-functions agent)
    agent))

(defun swarm-state-forget (id)
  "Take it that the agent ID is gone, and tell the views."
  (let ((agent (swarm-agent id)))
    (remhash id swarm-state--watched)
    (when agent
      (remhash id swarm-state--agents)
      (run-hook-with-args 'swarm-gone-functions agent))))

;;; Requests

(defun swarm-state--place (params)
  "Return the place of the server that PARAMS are for."
  (let* ((params (and (listp params) params))
         (approval (plist-get params :approvalId))
         (id (or (plist-get params :agentId)
                 (and approval (replace-regexp-in-string "\\.[^.]*\\'" "" approval))))
         (agent (and id (swarm-agent id))))
    (if agent (plist-get agent :place) (swarm-place))))

(defun swarm-request (method params &optional success failure)
  "Request METHOD with PARAMS, of a new server when there is none.
It goes to the server of the agent that PARAMS name, else to that
of the current buffer.  SUCCESS and FAILURE are as for
`swarm-connection-request'."
  (swarm-connection-request (swarm-state--place params) method params success failure))

(defun swarm-state--at (place)
  "Return the ids of the agents at PLACE."
  (seq-filter (lambda (id) (equal (plist-get (swarm-agent id) :place) place))
              (hash-table-keys swarm-state--agents)))

(defun swarm-state--read (place after before seen)
  "Read the list of agents at PLACE from AFTER on.
Of BEFORE, ids, those go in the end that were not SEEN, a table."
  (swarm-connection-request
   place 'swarm/list (append (list :limit swarm-state--page) (and after (list :after after)))
   (lambda (result)
     (mapc (lambda (agent)
             (puthash (plist-get agent :id) t seen)
             (swarm-state-put place agent))
           (plist-get result :agents))
     (if (plist-get result :next)
         (swarm-state--read place (plist-get result :next) before seen)
       (dolist (id before)
         (unless (gethash id seen) (swarm-state-forget id)))
       (unless (member place swarm-state--listed) (push place swarm-state--listed))
       (mapc #'funcall (swarm-state--read-end place))))
   (lambda (problem &rest _)
     (swarm-state--read-end place)
     (swarm-complain problem "the list of agents"))))

(defun swarm-state--read-end (place)
  "Note that the list at PLACE is not read any more; return what was to be called."
  (let ((reading (assoc place swarm-state--reading)))
    (setq swarm-state--reading (delq reading swarm-state--reading))
    (cdr reading)))

(defun swarm-refresh-agents (&optional place then)
  "Read the list of agents at PLACE anew, and call THEN.
It is read once when this is called again meanwhile."
  (let ((reading (assoc place swarm-state--reading)))
    (if reading
        (when then (setcdr reading (append (cdr reading) (list then))))
      (push (cons place (and then (list then))) swarm-state--reading)
      (condition-case problem
          (swarm-state--read place nil (swarm-state--at place) (make-hash-table :test #'equal))
        (error
         (swarm-state--read-end place)
         (signal (car problem) (cdr problem)))))))

;;; Watching

(defun swarm-watch (id &optional after)
  "Have the items and deltas of the agent ID told from now on.
AFTER is the number of the event from which on they are: the seq
of the page that is shown.  Who watches calls `swarm-unwatch' in
the end, and this function again with every new page."
  (puthash id (max 1 (gethash id swarm-state--watched 0)) swarm-state--watched)
  (swarm-request 'swarm/subscribe (append (list :agentId id :deltas t) (and after (list :after after)))
                 #'ignore))

(defun swarm-unwatch (id)
  "Take back what `swarm-watch' has asked for of the agent ID."
  (let ((agent (swarm-agent id)))
    (when (and (gethash id swarm-state--watched) agent (swarm-connected-p (plist-get agent :place)))
      (swarm-request 'swarm/unsubscribe (list :agentId id) #'ignore #'ignore))
    (remhash id swarm-state--watched)))

;;; Events

(defun swarm-state--tell (hook event what)
  "Run HOOK with the agent of EVENT and WHAT, when it is known."
  (let ((agent (swarm-agent (plist-get event :agentId))))
    (when agent (run-hook-with-args hook agent what))))

(defun swarm-state--take (place event)
  "Take one EVENT from PLACE."
  (when (plist-get event :seq)
    (setf (alist-get place swarm-state--seq nil nil #'equal) (plist-get event :seq)))
  (pcase (plist-get event :type)
    ("agent" (swarm-state-put place (plist-get event :agent)))
    ("removed" (swarm-state-forget (plist-get event :agentId)))
    ("item" (swarm-state--tell 'swarm-item-functions event (plist-get event :item)))
    ("delta" (swarm-state--tell 'swarm-delta-functions event event))
    ("turn" (swarm-state--tell 'swarm-turn-functions event event))
    ("lagged" (swarm-state--catch-up place (plist-get event :after)))
    ("reset" (run-hook-with-args 'swarm-reset-functions place))))

(defun swarm-state--catch-up (place after)
  "Ask PLACE for the events behind AFTER, which have passed this client by."
  (swarm-connection-request
   place 'swarm/subscribe
   (append (list :scope swarm-scope :deltas :json-false)
           (let ((seq (or after (alist-get place swarm-state--seq nil nil #'equal))))
             (and seq (list :after seq)))))
  (swarm-connection-request place 'swarm/unsubscribe (list :scope swarm-scope))
  (swarm-refresh-agents place))

(defun swarm-state--connected (place)
  "Read what there is at PLACE, whose server has started."
  (setf (alist-get place swarm-state--seq nil nil #'equal) nil)
  (swarm-refresh-agents place)
  (run-hook-with-args 'swarm-reset-functions place))

(defun swarm-state--disconnected (place)
  "Note that what is known of PLACE is to be read anew."
  (setq swarm-state--listed (delete place swarm-state--listed)))

(add-hook 'swarm-disconnected-functions #'swarm-state--disconnected)
(add-hook 'swarm-events-functions #'swarm-state--take)
(add-hook 'swarm-connected-functions #'swarm-state--connected)

(provide 'swarm-state)
;;; swarm-state.el ends here
