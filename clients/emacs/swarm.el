;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;;; swarm.el --- Coding agents, hosted by swarmd

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: tools, processes

;;; Commentary:

;; The Emacs client of swarmd.  `swarm-new' starts an agent in a git worktree and branch of its
;; own, `swarm-dashboard' lists all of them, `swarm-send' says more to one.  The first command
;; starts the server; see `swarm-server'.

;;; Code:

(require 'swarm-state)
(require 'swarm-transcript)
(require 'tabulated-list)

(defcustom swarm-spawn-options nil
  "What new agents are started with, as a property list.
For example (:mode \"edit\" :model \"openai/gpt-5\")."
  :type 'plist
  :group 'swarm)

(defconst swarm--redraw-interval 0.05
  "The seconds between two redraws of the dashboard, at least.")

(defconst swarm--dashboard-name "*swarm*")

(defvar swarm--redraw-timer nil
  "Non-nil while a redraw is on its way.")

;;; Which agent

(defun swarm--agent-here ()
  "The id of the agent at point, or nil."
  (cond ((derived-mode-p 'swarm-transcript-mode) swarm--id)
        ((derived-mode-p 'swarm-dashboard-mode) (tabulated-list-get-id))))

(defun swarm--read-agent ()
  "The id of the agent at point, else of one that is asked for."
  (or (swarm--agent-here)
      (let ((ids (mapcar (lambda (agent) (plist-get agent :id)) (swarm-agents))))
        (if ids (completing-read "Agent: " ids nil t) (user-error "There is no agent")))))

;;; What people do

(defun swarm--selection ()
  "The active region as context for a new agent, or nil."
  (when (use-region-p)
    (save-restriction
      (widen)
      (let ((start (save-excursion (goto-char (region-beginning)) (line-beginning-position)))
            (end (save-excursion
                   (goto-char (region-end))
                   (if (and (bolp) (> (region-end) (region-beginning))) (point) (line-beginning-position 2)))))
        (vector
         (list :uri (if buffer-file-name
                        (concat "file://" (url-hexify-string buffer-file-name url-path-allowed-chars))
                      (concat "untitled:" (url-hexify-string (buffer-name))))
               :range (list :start (swarm--position start) :end (swarm--position end))
               :text (buffer-substring-no-properties start end)))))))

(defun swarm--position (position)
  "POSITION as the protocol has it, in UTF-16."
  (save-excursion
    (goto-char position)
    (list :line (1- (line-number-at-pos))
          :character (/ (length (encode-coding-string
                                 (buffer-substring-no-properties (line-beginning-position) position) 'utf-16le))
                        2))))

;;;###autoload
(defun swarm-new (task)
  "Starts an agent with TASK and shows its transcript.
The lines of the active region go with it."
  (interactive "sTask: ")
  (let ((context (swarm--selection)))
    (swarm-request
     'swarm/spawn
     (append (list :task task :cwd (directory-file-name (expand-file-name default-directory)) :scope swarm-scope)
             (and context (list :context context))
             swarm-spawn-options)
     (lambda (result)
       (let ((agent (plist-get result :agent)))
         (swarm-state-put (swarm-place) agent)
         (message "swarm: started %s" (plist-get agent :id))
         (swarm-open (plist-get agent :id))))
     (lambda (problem &rest _) (swarm-complain problem "no agent was started")))))

;;;###autoload
(defun swarm-send (id text)
  "Sends TEXT to the agent ID."
  (interactive (let ((id (swarm--read-agent))) (list id (read-string (format "To %s: " id)))))
  (unless (string-blank-p text)
    (swarm-request 'swarm/send (list :agentId id :text text)
                    (lambda (result)
                      (when (equal (plist-get result :delivery) "queued")
                        (message "swarm: queued for %s" id)))
                    (lambda (problem &rest _)
                      (kill-new text)
                      (swarm-complain problem "not sent (the text is in the kill ring)")))))

(defun swarm--act (method id)
  "Requests METHOD for the agent ID."
  (swarm-request method (list :agentId id) #'ignore))

(defun swarm-cancel (id)
  "Ends the turn of the agent ID, which stays."
  (interactive (list (swarm--read-agent)))
  (swarm--act 'swarm/cancel id))

(defun swarm-resume (id)
  "Lets the agent ID go on."
  (interactive (list (swarm--read-agent)))
  (swarm--act 'swarm/resume id))

(defun swarm-kill (id)
  "Kills the agent ID and all that it started."
  (interactive (list (swarm--read-agent)))
  (cond ((member (plist-get (swarm-agent id) :state) '("done" "failed" "killed"))
         (message "swarm: %s has ended: there is nothing to kill" id))
        ((y-or-n-p (format "Kill %s and all that it started? " id))
         (swarm--act 'swarm/kill id))))

(defun swarm-remove (id &optional force)
  "Removes the agent ID and its worktree.
With FORCE its work goes, too, when that is merged nowhere."
  (interactive (list (swarm--read-agent)))
  (when (or force (y-or-n-p (format "Remove %s and its worktree? " id)))
    (swarm-request 'swarm/remove (list :agentId id :force (if force t :json-false))
                    (lambda (_) (message "swarm: removed %s" id))
                    (lambda (problem kind &rest _)
                      ;; Work that nothing else has, or an agent that is at something.
                      (if (or force (not (member kind '("dirty" "wrongState"))))
                          (swarm-complain problem)
                        ;; Not from within the process filter.
                        (run-at-time 0 nil #'swarm--remove-refused id problem))))))

(defun swarm--remove-refused (id problem)
  "Asks whether the agent ID shall go in spite of PROBLEM."
  (when (and (swarm-agent id)
             (yes-or-no-p (format "%s.  Remove it all the same, with its work? " problem)))
    (swarm-remove id t)))

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
  (interactive (list (swarm--read-agent)))
  (swarm-open id)
  (when (y-or-n-p "Allow it? ")
    (swarm--decide id "allow")))

(defun swarm-reject (id reason)
  "Rejects what the agent ID asks for, and tells it REASON."
  (interactive (list (swarm--read-agent) (read-string "Reject; what should it know or do instead? ")))
  (swarm--decide id "reject" (unless (string-blank-p reason) reason)))

;;; The dashboard

(defun swarm--age (agent)
  "How long the AGENT has been there."
  (let ((seconds (max 0 (floor (- (float-time) (float-time (date-to-time (plist-get agent :createdAt))))))))
    (cond ((< seconds 60) (format "%ds" seconds))
          ((< seconds 3600) (format "%dm" (/ seconds 60)))
          ((< seconds 86400) (format "%dh" (/ seconds 3600)))
          (t (format "%dd" (/ seconds 86400))))))

(defun swarm--row (agent)
  "The dashboard's row of AGENT."
  (let ((usage (plist-get agent :usage)))
    (list (plist-get agent :id)
          (vector (or (plist-get agent :name) (plist-get agent :id))
                  (propertize (plist-get agent :state)
                              'face (pcase (plist-get agent :state)
                                      ("waiting" 'warning) ("failed" 'error) ("done" 'success) (_ 'default)))
                  (swarm--age agent)
                  (number-to-string (+ (or (plist-get usage :inputTokens) 0)
                                       (or (plist-get usage :outputTokens) 0)))
                  (or (plist-get (plist-get agent :error) :message)
                      (plist-get agent :activity)
                      (car (split-string (plist-get agent :task) "\n")))))))

(defun swarm--rows ()
  "The rows of all agents, the newest first."
  (mapcar #'swarm--row
          (sort (swarm-agents)
                (lambda (a b) (string> (plist-get a :createdAt) (plist-get b :createdAt))))))

(defun swarm--redraw ()
  "Brings the dashboard up to date: only rows that differ are written."
  (setq swarm--redraw-timer nil)
  (let ((buffer (get-buffer swarm--dashboard-name)))
    (when (and buffer (get-buffer-window buffer t))
      (with-current-buffer buffer
        (tabulated-list-print t t)))))

(defun swarm--redraw-soon (&rest _)
  "Redraws the dashboard, at most so often."
  (unless swarm--redraw-timer
    (setq swarm--redraw-timer (run-at-time swarm--redraw-interval nil #'swarm--redraw))))

(add-hook 'swarm-agent-functions #'swarm--redraw-soon)

(defun swarm-refresh ()
  "Reads the list of agents anew; starts the server when there is none."
  (interactive)
  (swarm-refresh-agents)
  (swarm--redraw-soon))

(defun swarm-open-here ()
  "Shows the transcript of the agent at point."
  (interactive)
  (swarm-open (or (swarm--agent-here) (user-error "There is no agent in this line"))))

(defvar swarm-dashboard-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (define-key map (kbd "RET") #'swarm-open-here)
    (define-key map "+" #'swarm-new)
    (define-key map "s" #'swarm-send)
    (define-key map "a" #'swarm-allow)
    (define-key map "A" #'swarm-reject)
    (define-key map "c" #'swarm-cancel)
    (define-key map "K" #'swarm-kill)
    (define-key map "r" #'swarm-resume)
    (define-key map "X" #'swarm-remove)
    (define-key map "g" #'swarm-refresh)
    map))

(define-derived-mode swarm-dashboard-mode tabulated-list-mode "Swarm"
  "The agents of swarmd, one a line."
  (setq tabulated-list-format [("Agent" 32 t) ("State" 9 t) ("Age" 5 nil :right-align t)
                               ("Tokens" 8 nil :right-align t) ("Activity" 0 nil)]
        tabulated-list-entries #'swarm--rows)
  (tabulated-list-init-header))

;;;###autoload
(defun swarm-dashboard ()
  "Shows the agents."
  (interactive)
  (let ((folder default-directory))
    (pop-to-buffer (get-buffer-create swarm--dashboard-name))
    (unless (derived-mode-p 'swarm-dashboard-mode)
      (setq default-directory folder)
      (swarm-dashboard-mode))
    (swarm-refresh)
    (swarm--redraw)))

(provide 'swarm)
;;; swarm.el ends here
