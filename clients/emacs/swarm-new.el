;;; swarm-new.el --- New agents, from where one is  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-new' asks for a task and starts an agent in the project of the current buffer.  What one
;; looks at goes along as context, with the text of buffers that are not saved: the active region,
;; the error at point in a compilation buffer, the diagnostic at point, or what the commands
;; `swarm-new-file', `swarm-fix' and `swarm-new-project' say.
;;
;; A context is what `swarm/spawn' takes: (:uri URI :range RANGE :text TEXT).

;;; Code:

(require 'compile)
(require 'flymake)
(require 'seq)
(require 'subr-x)
(require 'swarm-actions)
(require 'swarm-order)
(require 'swarm-state)

(declare-function swarm-open "swarm-transcript")

(defcustom swarm-spawn-options nil
  "What new agents are started with, as a property list.
For example (:mode \"edit\" :model \"openai/gpt-5\").  The menu
`swarm-new-menu' sets the same for one agent."
  :type 'plist
  :group 'swarm)

(defcustom swarm-new-open t
  "Whether the transcript of a new agent is shown."
  :type 'boolean
  :group 'swarm)

(defconst swarm-new--context-lines 3
  "The lines around a diagnostic that go with it.")

(defvar swarm-new-history nil
  "Tasks that were given.")

;;; What one looks at

(defun swarm-new--position (position)
  "Return POSITION as the protocol has it, in UTF-16."
  (save-excursion
    (goto-char position)
    (list :line (1- (line-number-at-pos nil t))
          :character (/ (length (encode-coding-string
                                 (buffer-substring-no-properties (line-beginning-position) position)
                                 'utf-16le))
                        2))))

(defun swarm-new--uri ()
  "Return the URI of the contents of this buffer."
  (if buffer-file-name
      (swarm-file-uri buffer-file-name)
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defun swarm-new-lines (start end)
  "Return the whole lines from START to END of this buffer as a context."
  (save-restriction
    (widen)
    (let ((start (save-excursion (goto-char start) (line-beginning-position)))
          (end (save-excursion
                 (goto-char end)
                 (if (and (bolp) (> end start)) (point) (line-beginning-position 2)))))
      (list :uri (swarm-new--uri)
            :range (list :start (swarm-new--position start) :end (swarm-new--position end))
            :text (buffer-substring-no-properties start end)))))

(defun swarm-new--around (line)
  "Return LINE of this buffer, and some around it, as a context."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (max 0 (- line 1 swarm-new--context-lines)))
      (let ((start (point)))
        (forward-line (+ 1 (* 2 swarm-new--context-lines)))
        (swarm-new-lines start (max start (1- (point))))))))

(defun swarm-new--region ()
  "Return (nil CONTEXT) for the active region, or nil."
  (when (use-region-p)
    (list nil (swarm-new-lines (region-beginning) (region-end)))))

(defun swarm-new--diagnostic ()
  "Return (TASK CONTEXT) for the flymake diagnostics at point, or nil."
  (when (bound-and-true-p flymake-mode)
    (let ((found (or (flymake-diagnostics (point))
                     (flymake-diagnostics (line-beginning-position) (line-end-position)))))
      (when found
        (list (format "Fix: %s" (mapconcat #'flymake-diagnostic-text found "; "))
              (swarm-new--around (line-number-at-pos (flymake-diagnostic-beg (car found)) t)))))))

(defun swarm-new--error-place ()
  "Return (FILE LINE) of the compilation error at point, or nil."
  (let* ((message (get-text-property (line-beginning-position) 'compilation-message))
         (message (or message
                      (let ((at (next-single-property-change (line-beginning-position) 'compilation-message
                                                             nil (line-end-position))))
                        (get-text-property at 'compilation-message))))
         (loc (and message (compilation--message->loc message))))
    (when loc
      (let* ((file (caar (compilation--loc->file-struct loc)))
             (folder (cadr (car (compilation--loc->file-struct loc))))
             (name (expand-file-name file (or folder default-directory))))
        (and (stringp file) (file-exists-p name)
             (list name (or (compilation--loc->line loc) 1)))))))

(defun swarm-new--compilation-error ()
  "Return (TASK CONTEXT...) for the compilation error at point, or nil."
  (when (derived-mode-p 'compilation-mode)
    (let ((place (swarm-new--error-place))
          (said (string-trim (buffer-substring-no-properties (line-beginning-position)
                                                             (line-end-position)))))
      (when place
        (list (format "Fix: %s" said)
              (with-current-buffer (find-file-noselect (car place))
                (swarm-new--around (cadr place))))))))

(defun swarm-new-what ()
  "Return what is at point as (TASK CONTEXT...), or nil."
  (or (swarm-new--region) (swarm-new--compilation-error) (swarm-new--diagnostic)))

(defun swarm-new--describe (contexts)
  "Return words for CONTEXTS, for a prompt."
  (mapconcat (lambda (context)
               (let ((range (plist-get context :range))
                     (name (file-name-nondirectory (url-unhex-string (plist-get context :uri)))))
                 (if range
                     (format "%s:%d-%d" name (1+ (plist-get (plist-get range :start) :line))
                             (max 1 (plist-get (plist-get range :end) :line)))
                   name)))
             contexts ", "))

;;; Starting

(defun swarm-spawn (task &optional contexts options)
  "Start an agent with TASK in the project of this buffer.
CONTEXTS go with it; OPTIONS are parameters of `swarm/spawn' that
come before those of `swarm-spawn-options'."
  (when (string-blank-p task) (user-error "A task, please"))
  (let* ((place (swarm-place))
         (default-directory (swarm-project-root))
         (parameters (append (list :task task :scope swarm-scope
                                   :cwd (directory-file-name (file-local-name default-directory)))
                             (and contexts (list :context (vconcat contexts)))
                             options)))
    (swarm-request
     'swarm/spawn (swarm-new--merge parameters swarm-spawn-options)
     (lambda (result) (swarm-new--started place (plist-get result :agent)))
     (lambda (problem &rest _)
       (when problem (kill-new task))
       (swarm-complain problem "no agent was started (the task is in the kill ring)")))))

(defun swarm-new--merge (parameters others)
  "Return PARAMETERS, and those of OTHERS that it does not have."
  (let ((result (copy-sequence parameters)))
    (while others
      (unless (plist-member parameters (car others))
        (setq result (append result (list (car others) (cadr others)))))
      (setq others (cddr others)))
    result))

(defun swarm-new--started (place agent)
  "Show AGENT, which has been started at PLACE."
  (let ((agent (swarm-state-put place agent)))
    (message "swarm: started %s" (swarm-agent-label agent))
    (when swarm-new-open
      (swarm-open (plist-get agent :id)))))

(defun swarm-new--read (what)
  "Ask for the task of a new agent that gets WHAT, a list (TASK CONTEXT...)."
  (read-string (format "Task in %s%s: "
                       (file-name-nondirectory (directory-file-name (swarm-project-root)))
                       (if (cdr what) (format " (with %s)" (swarm-new--describe (cdr what))) ""))
               (car what) 'swarm-new-history))

;;;###autoload
(defun swarm-new (task &optional contexts)
  "Start an agent with TASK and show its transcript.
It works in a worktree and branch of its own, of the project of
the current buffer.  What one looks at goes along as CONTEXTS: the
lines of the active region, the error at point in a compilation
buffer, or the diagnostic at point.  With a prefix argument a menu
asks for model, mode and so on."
  (interactive
   (if current-prefix-arg
       (list nil)
     (let ((what (swarm-new-what)))
       (list (swarm-new--read what) (cdr what)))))
  (if (and (null task) (called-interactively-p 'any))
      (call-interactively 'swarm-new-menu)
    (swarm-spawn task (or contexts (cdr (swarm-new--region))))))

;;;###autoload
(defun swarm-fix (&optional task)
  "Start an agent that fixes the diagnostic or compilation error at point.
TASK is what it is told; it is asked for, and proposed."
  (interactive)
  (let ((what (or (swarm-new--compilation-error) (swarm-new--diagnostic)
                  (user-error "There is no diagnostic and no compilation error at point"))))
    (swarm-spawn (or task (swarm-new--read what)) (cdr what))))

;;;###autoload
(defun swarm-new-file (task)
  "Start an agent with TASK about the file of this buffer, saved or not."
  (interactive (list (swarm-new--read (list nil (swarm-new--file)))))
  (swarm-spawn task (list (swarm-new--file))))

(defun swarm-new--file ()
  "Return the file of this buffer as a context, with its text if not saved."
  (unless buffer-file-name (user-error "This buffer has no file"))
  (append (list :uri (swarm-new--uri))
          (and (buffer-modified-p)
               (list :text (save-restriction
                             (widen)
                             (buffer-substring-no-properties (point-min) (point-max)))))))

;;;###autoload
(defun swarm-new-project (task)
  "Start an agent with TASK in the project of this buffer, without any context."
  (interactive
   (list (swarm-new--read nil)))
  (swarm-spawn task))

;;; A buffer for long tasks

(defvar-local swarm-task--start nil
  "A function of the task that starts the agent.")

(defvar swarm-task-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'swarm-task-start)
    (define-key map (kbd "C-c C-k") #'swarm-task-abandon)
    map)
  "The keys of a buffer in which a task is written.")

(define-derived-mode swarm-task-mode text-mode "Swarm-Task"
  "A task for a new agent, while it is written.

\\{swarm-task-mode-map}"
  (setq header-line-format
        (substitute-command-keys
         "\\<swarm-task-mode-map>\\[swarm-task-start] starts the agent, \\[swarm-task-abandon] gives it up")))

;;;###autoload
(defun swarm-new-compose (&optional options)
  "Write the task of a new agent in a buffer of its own.
OPTIONS are as for `swarm-spawn'; what one looks at goes along."
  (interactive)
  (let* ((what (swarm-new-what))
         (folder default-directory)
         (contexts (cdr what)))
    (pop-to-buffer (generate-new-buffer "*swarm task*"))
    (setq default-directory folder)
    (swarm-task-mode)
    (when (car what) (insert (car what)))
    (setq swarm-task--start (lambda (task) (swarm-spawn task contexts options)))))

(defun swarm-task-start ()
  "Start an agent with the task in this buffer."
  (interactive)
  (let ((task (string-trim (buffer-string)))
        (start (or swarm-task--start (user-error "No task is written here"))))
    (funcall start task)
    (add-to-history 'swarm-new-history task)
    (set-buffer-modified-p nil)
    (quit-window t)))

(defun swarm-task-abandon ()
  "Start nothing, and keep the text in the kill ring."
  (interactive)
  (unless (= (buffer-size) 0) (kill-new (buffer-string)))
  (set-buffer-modified-p nil)
  (quit-window t))

(provide 'swarm-new)
;;; swarm-new.el ends here
