;;; swarm-prompt.el --- The prompt of a transcript  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; As in comint: RET sends what is typed, M-p and M-n go through what was sent before, TAB completes
;; `@path' and commands such as `/model'.  Above the prompt stand the messages that wait in the
;; agent's queue; they can be edited and dropped there.

;;; Code:

(require 'swarm-actions)
(require 'swarm-entries)
(require 'swarm-row)

(defcustom swarm-prompt-string "❯ "
  "What stands in front of what is typed to an agent."
  :type 'string
  :group 'swarm-transcript)

(defcustom swarm-prompt-history-length 200
  "How many messages are remembered."
  :type 'integer
  :group 'swarm-transcript)

(defvar swarm-prompt-history nil
  "Messages that were sent, the newest first.
Put it into `savehist-additional-variables' to keep it.")

(defvar-local swarm-prompt--start nil "A marker behind the prompt.")
(defvar-local swarm-prompt--queue nil "The messages that wait, as the protocol has them.")
(defvar-local swarm-prompt--editing nil "The id of the queued message that is being edited, or nil.")
(defvar-local swarm-prompt--place nil "The place in the history that is shown, or nil.")
(defvar-local swarm-prompt--typed nil "What was typed before the history was shown.")

(defface swarm-prompt '((t :inherit minibuffer-prompt)) "The prompt." :group 'swarm-transcript)

;;; The prompt and what waits

(defun swarm-prompt--queued (message number)
  "Return the line of the MESSAGE that waits as NUMBER."
  (let ((text (propertize (format "  ⧗ %d: %s" number
                                  (replace-regexp-in-string "\n" "\n       " (plist-get message :text)))
                          'face 'swarm-notice)))
    (add-text-properties 0 (length text) (list 'swarm-queued (plist-get message :itemId)) text)
    (concat text "\n")))

(defun swarm-prompt--stopped (agent)
  "Return why AGENT does not go on, as lines, or nothing."
  (let* ((state (plist-get agent :state))
         (problem (plist-get (plist-get agent :error) :message))
         (reason (cdr (assoc (plist-get agent :stopReason) swarm-row-stop-reasons)))
         (said (pcase state
                 ("failed" (concat "✗ " (or problem "it failed") "\n  "))
                 ("killed" "✗ killed\n  ")
                 ("detached" "~ cut off: its server ended\n  ")
                 ("done" (and reason (concat "- " reason "\n  "))))))
    (if (not said) ""
      (concat (propertize said 'face (if (member state '("failed" "killed")) 'swarm-failure 'swarm-question))
              (propertize (if (equal state "done") "a message goes on" "R resumes, a message goes on") 'face 'swarm-notice)
              "\n\n"))))

(defun swarm-prompt--text ()
  "Return what stands between the transcript and what is typed."
  (let* ((number 0)
         (queue (mapconcat (lambda (message) (swarm-prompt--queued message (setq number (1+ number))))
                           swarm-prompt--queue ""))
         (text (swarm-transcript--dress
                (concat "\n" (swarm-prompt--stopped (swarm-agent swarm-agent-id)) queue (propertize (if swarm-prompt--editing "edit " "") 'face 'swarm-notice)) nil)))
    (concat text
            (propertize swarm-prompt-string 'face 'swarm-prompt 'read-only t 'front-sticky '(read-only)
                        'rear-nonsticky t 'field 'swarm-prompt))))

(defun swarm-prompt-update ()
  "Bring what waits and the prompt up to date."
  (when swarm-prompt--start
    (swarm-transcript-changing
      (let ((start (marker-position swarm-prompt--start))
            (end (marker-position swarm-transcript--end))
            (text (swarm-prompt--text)))
        (unless (equal-including-properties text (buffer-substring end start))
          (let ((typed (- (point-max) start)))
            (swarm-render-text end start text)
            (set-marker swarm-prompt--start (- (point-max) typed))))))))

(defun swarm-prompt-setup ()
  "Make the prompt of this buffer, which is empty."
  (let ((inhibit-read-only t))
    (goto-char (point-max))
    (insert (swarm-prompt--text))
    (setq swarm-prompt--start (copy-marker (point)))
    (setq buffer-undo-list nil)
    (set-buffer-modified-p nil))
  (add-hook 'completion-at-point-functions #'swarm-prompt-completion nil t))

(defun swarm-prompt-input ()
  "Return what is typed."
  (buffer-substring-no-properties swarm-prompt--start (point-max)))

(defun swarm-prompt-set (text)
  "Have TEXT as what is typed."
  (delete-region swarm-prompt--start (point-max))
  (goto-char (point-max))
  (insert text)
  (set-buffer-modified-p nil))

(defun swarm-prompt-goto ()
  "Go to where messages are typed."
  (interactive)
  (push-mark nil t)
  (goto-char (point-max)))

(defun swarm-prompt-read-queue ()
  "Ask which messages wait."
  (let ((buffer (current-buffer)))
    (swarm-request 'swarm/get (list :agentId swarm-agent-id)
                   (lambda (result)
                     (when (buffer-live-p buffer)
                       (with-current-buffer buffer
                         (swarm-prompt--take-queue (plist-get result :queue)))))
                   #'ignore)))

(defun swarm-prompt--take-queue (queue)
  "Show QUEUE as the messages that wait."
  (setq swarm-prompt--queue (append queue nil))
  (when (and swarm-prompt--editing
             (not (seq-some (lambda (message) (equal (plist-get message :itemId) swarm-prompt--editing))
                            swarm-prompt--queue)))
    (setq swarm-prompt--editing nil)
    (message "swarm: the message that you edit was taken meanwhile; RET sends yours as another"))
  (swarm-prompt-update))

(defun swarm-prompt--queued-here ()
  "Return the queued message at point, else the newest one."
  (let ((id (get-text-property (point) 'swarm-queued)))
    (or (if id
            (seq-find (lambda (message) (equal (plist-get message :itemId) id)) swarm-prompt--queue)
          (car (last swarm-prompt--queue)))
        (user-error "No message waits"))))

(defun swarm-prompt-edit-queued ()
  "Edit the queued message at point, else the newest one, at the prompt."
  (interactive)
  (let ((message (swarm-prompt--queued-here)))
    (setq swarm-prompt--typed (swarm-prompt-input)
          swarm-prompt--editing (plist-get message :itemId))
    (swarm-prompt-set (plist-get message :text))
    (swarm-prompt-update)
    (message "%s" (substitute-command-keys "\\<swarm-prompt-map>\\[swarm-prompt-send] keeps it, \\[swarm-prompt-abandon] leaves it as it was"))))

(defun swarm-prompt--change-queued (id text)
  "Have TEXT, nil for nothing, as the queued message ID."
  (let ((buffer (current-buffer)))
    (swarm-request 'swarm/queue (list :agentId swarm-agent-id :itemId id :text text)
                   (lambda (result)
                     (when (buffer-live-p buffer)
                       (with-current-buffer buffer
                         (swarm-prompt--take-queue (plist-get result :queue)))))
                   (lambda (problem &rest _)
                     (when text (kill-new text))
                     (swarm-complain problem (if text "not changed (your text is in the kill ring)" "not dropped"))))))

(defun swarm-prompt-drop-queued ()
  "Drop the queued message at point, else the newest one."
  (interactive)
  (let ((message (swarm-prompt--queued-here)))
    (when (y-or-n-p (format "Drop \"%s\"? " (truncate-string-to-width (plist-get message :text) 40 nil nil t)))
      (swarm-prompt--change-queued (plist-get message :itemId) nil))))

(defun swarm-prompt-abandon ()
  "Leave the queued message that is edited as it is; else take away what is typed."
  (interactive)
  (let ((typed (if swarm-prompt--editing swarm-prompt--typed "")))
    (setq swarm-prompt--editing nil swarm-prompt--typed nil swarm-prompt--place nil)
    (swarm-prompt-set (or typed ""))
    (swarm-prompt-update)))

;;; Sending

(defun swarm-prompt--remember (text)
  "Put TEXT into the history."
  (setq swarm-prompt-history (seq-take (cons text (delete text swarm-prompt-history)) swarm-prompt-history-length)
        swarm-prompt--place nil))

(defun swarm-prompt--not-sent (buffer text problem)
  "Give TEXT back to BUFFER because of PROBLEM."
  (if (not (and (buffer-live-p buffer)
                (with-current-buffer buffer (string-empty-p (swarm-prompt-input)))))
      (kill-new text)
    (with-current-buffer buffer
      (save-excursion (swarm-prompt-set text))
      (when (= (point) swarm-prompt--start) (goto-char (point-max)))))
  (swarm-complain problem "not sent"))

(defun swarm-prompt--deliver (text delivery)
  "Send TEXT to this buffer's agent; DELIVERY is how, or nil."
  (let ((buffer (current-buffer)))
    (swarm-request 'swarm/send
                   (append (list :agentId swarm-agent-id :text text) (and delivery (list :delivery delivery)))
                   (lambda (result)
                     (when (equal (plist-get result :delivery) "queued")
                       (message "swarm: queued; it is told after the present turn")))
                   (lambda (problem &rest _) (swarm-prompt--not-sent buffer text problem)))))

(defun swarm-prompt-send (&optional delivery)
  "Send what is typed, or do it when it is a command such as /model.
DELIVERY is \"queue\" behind the present turn, \"steer\" for its next
step (\\[universal-argument]), or \"interrupt\" to cancel it (\\[universal-argument] \\[universal-argument])."
  (interactive (list (pcase (prefix-numeric-value current-prefix-arg) (4 "steer") (16 "interrupt"))))
  (let ((text (string-trim (swarm-prompt-input))) (editing swarm-prompt--editing))
    (cond ((string-empty-p text) (user-error "Type a message first"))
          ((string-match "\\`/\\([a-z]+\\)\\(?:[ \t]+\\|\\'\\)" text)
           (swarm-prompt--command (match-string 1 text) (substring text (match-end 0))))
          (editing (swarm-prompt--change-queued editing text))
          (t (swarm-prompt--deliver text delivery)))
    (swarm-prompt--remember text)
    (setq swarm-prompt--editing nil swarm-prompt--typed nil)
    (swarm-prompt-set "")
    (swarm-prompt-update)))

(defun swarm-prompt-steer ()
  "Send what is typed for the next step of the present turn."
  (interactive)
  (swarm-prompt-send "steer"))

;;; Commands

(defvar swarm-prompt-commands
  '(("model" swarm-prompt--model "another model, from the next turn on")
    ("mode" swarm-prompt--mode "ask, edit, full or read")
    ("compact" swarm-prompt--compact "summarise the context; words behind it say what to mind")
    ("cancel" swarm-prompt--cancel "end the turn")
    ("review" swarm-prompt--review "what the agent has changed")
    ("merge" swarm-prompt--merge "bring its work into a branch"))
  "What can be typed with a slash in front: (NAME FUNCTION WORDS) each.
FUNCTION is called with what is typed behind it.")

(declare-function swarm-review "swarm-review")
(declare-function swarm-merge "swarm-merge")

(defun swarm-prompt--configure (member value)
  "Give this buffer's agent VALUE as MEMBER of what can be configured."
  (when (string-empty-p value)
    (user-error "Type what it is to be: /%s %s" (substring (symbol-name member) 1) "..."))
  (swarm-request 'swarm/configure (list :agentId swarm-agent-id member value)
                 (lambda (result)
                   (let ((agent (plist-get result :agent)))
                     (message "swarm: %s is now %s/%s, mode %s" (swarm-agent-label agent)
                              (plist-get agent :provider) (plist-get agent :model) (plist-get agent :mode))))))

(defun swarm-prompt--model (value) "Give the agent the model VALUE." (swarm-prompt--configure :model value))
(defun swarm-prompt--mode (value) "Give the agent the mode VALUE." (swarm-prompt--configure :mode value))
(defun swarm-prompt--cancel (_) "End the turn." (swarm-cancel swarm-agent-id))
(defun swarm-prompt--review (_) "Show what the agent has changed." (swarm-review swarm-agent-id))
(defun swarm-prompt--merge (_) "Merge the agent's work." (swarm-merge swarm-agent-id))

(defun swarm-prompt--compact (instructions)
  "Have the context summarised; INSTRUCTIONS say what to mind."
  (swarm-request 'swarm/compact (append (list :agentId swarm-agent-id)
                                        (unless (string-empty-p instructions) (list :instructions instructions)))
                 (lambda (result)
                   (message "swarm: %s" (if (equal (plist-get result :delivery) "started")
                                            "compacting" "compacts before its next request")))))

(defun swarm-prompt--command (name argument)
  "Do the command NAME with ARGUMENT."
  (let ((command (assoc name swarm-prompt-commands)))
    (unless command
      (user-error "There is no /%s; there are /%s (a space in front sends it as a message)" name
                  (mapconcat #'car swarm-prompt-commands ", /")))
    (funcall (nth 1 command) argument)))

;;; Completion

(defvar swarm-prompt--models nil "The models that the servers offer, by place.")
(defvar-local swarm-prompt--files nil "When the files were read, and their names.")

(defconst swarm-prompt--files-kept 5
  "The seconds for which the names of the worktree's files are kept.")

(defun swarm-prompt--read-models ()
  "Ask the server of this buffer's agent which models there are."
  (let ((place (plist-get (swarm-agent swarm-agent-id) :place)))
    (unless (assoc place swarm-prompt--models)
      (push (list place) swarm-prompt--models)
      (swarm-request 'swarm/models nil
                     (lambda (result)
                       (setf (alist-get place swarm-prompt--models nil nil #'equal)
                             (mapcar (lambda (model) (plist-get model :id)) (plist-get result :models))))
                     (lambda (&rest _)
                       (setf (alist-get place swarm-prompt--models nil 'remove #'equal) nil))))))

(defun swarm-prompt--model-names ()
  "Return the names of the models that are known."
  (swarm-prompt--read-models)
  (cdr (assoc (plist-get (swarm-agent swarm-agent-id) :place) swarm-prompt--models)))

(defun swarm-prompt--file-names ()
  "Return the names of the files in the agent's worktree."
  (let ((now (float-time)))
    (unless (and swarm-prompt--files (< (- now (car swarm-prompt--files)) swarm-prompt--files-kept))
      (setq swarm-prompt--files
            (cons now (with-temp-buffer
                        (when (eql 0 (ignore-errors
                                       (process-file "git" nil '(t nil) nil "ls-files" "-z" "-co" "--exclude-standard")))
                          (split-string (buffer-string) "\0" t))))))
    (cdr swarm-prompt--files)))

(defun swarm-prompt--table (words)
  "Return a completion table of WORDS, a list or a function for one."
  (completion-table-dynamic (lambda (_) (if (functionp words) (funcall words) words))))

(defun swarm-prompt--complete-command (start)
  "Complete the command that begins at START."
  (let ((end (point)))
    (save-excursion
      (goto-char start)
      (cond ((looking-at "/\\(model\\|mode\\)[ \t]+")
             (list (min end (match-end 0)) end
                   (swarm-prompt--table (if (equal (match-string 1) "mode") '("ask" "edit" "full" "read")
                                          (let ((buffer (current-buffer)))
                                            (lambda () (with-current-buffer buffer (swarm-prompt--model-names))))))))
            ((looking-at "/[a-z]*")
             (when (<= end (match-end 0))
               (list start (match-end 0) (mapcar (lambda (command) (concat "/" (car command))) swarm-prompt-commands)
                     :annotation-function
                     (lambda (name)
                       (concat "  " (nth 2 (assoc (substring name 1) swarm-prompt-commands))))
                     :exit-function (lambda (_ status) (when (eq status 'finished) (insert " "))))))))))

(defun swarm-prompt-completion ()
  "Complete a command at the beginning of what is typed, or the path behind an @."
  (when (and swarm-prompt--start (>= (point) swarm-prompt--start))
    (or (swarm-prompt--complete-command (marker-position swarm-prompt--start))
        (let ((end (point)))
          (save-excursion
            (skip-chars-backward "^ \t\n@" swarm-prompt--start)
            (when (eq (char-before) ?@)
              (let ((buffer (current-buffer)))
                (list (point) end
                      (swarm-prompt--table (lambda () (with-current-buffer buffer (swarm-prompt--file-names))))
                      :exclusive 'no))))))))

;;; History

(defun swarm-prompt-previous (count)
  "Show the COUNTth message before, of those that were sent."
  (interactive "p")
  (unless swarm-prompt--place (setq swarm-prompt--typed (swarm-prompt-input)))
  (let ((place (+ (or swarm-prompt--place -1) count)))
    (cond ((>= place (length swarm-prompt-history)) (user-error "This is the oldest message"))
          ((< place -1) (user-error "There is no newer message"))
          (t (setq swarm-prompt--place (if (= place -1) nil place))
             (swarm-prompt-set (if (= place -1) (or swarm-prompt--typed "") (nth place swarm-prompt-history)))))))

(defun swarm-prompt-next (count)
  "Show the COUNTth message after, of those that were sent."
  (interactive "p")
  (swarm-prompt-previous (- count)))

(defun swarm-prompt-search (text)
  "Have TEXT, one of the messages that were sent, at the prompt."
  (interactive (list (completing-read "Message: " (or swarm-prompt-history (user-error "Nothing was sent yet")))))
  (swarm-prompt-set text))

(defvar swarm-prompt-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "RET") #'swarm-prompt-send)
    (define-key map (kbd "C-j") #'newline)
    (define-key map (kbd "M-RET") #'newline)
    (define-key map (kbd "TAB") #'completion-at-point)
    (define-key map (kbd "M-p") #'swarm-prompt-previous)
    (define-key map (kbd "M-n") #'swarm-prompt-next)
    (define-key map (kbd "M-r") #'swarm-prompt-search)
    (define-key map (kbd "C-c C-s") #'swarm-prompt-steer)
    (define-key map (kbd "C-c C-e") #'swarm-prompt-edit-queued)
    (define-key map (kbd "C-c C-k") #'swarm-prompt-abandon)
    (define-key map (kbd "C-c C-u") #'swarm-prompt-abandon)
    map)
  "The keys at the prompt.")

(provide 'swarm-prompt)
;;; swarm-prompt.el ends here
