;;; swarm-merge.el --- An agent's work into a branch  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-merge' tries the merge first and shows what it would do: the files, the message, what stands
;; in the way, and conflicts with their markers.  Nothing has happened then; C-c C-c merges.
;;
;; A buffer with unsaved changes is never touched.  Other buffers that visit what the merge has changed
;; are reverted, with point and windows where they were.

;;; Code:

(require 'smerge-mode)
(require 'swarm-actions)
(require 'swarm-render)
(require 'swarm-state)

(defcustom swarm-merge-strategy "merge"
  "How work is merged: a commit with two parents, one commit, and so on.
docs/merging.md has what each of them does."
  :type '(choice (const "merge") (const "squash") (const "rebase") (const "ff"))
  :group 'swarm)

(defvar-local swarm-merge--options nil "Parameters of `swarm/merge' beside the agent.")
(defvar-local swarm-merge--tried nil "The answer to the dry run, or nil.")
(defvar-local swarm-merge--problem nil "Why it cannot be merged, or nil.")
(defvar-local swarm-merge--in-the-way nil "The files that stand in the way, or conflict.")
(defvar-local swarm-merge--conflict nil "Non-nil when there are conflicts.")

(declare-function swarm-merge-menu "swarm-menu-views")
(declare-function swarm-review "swarm-review")
(declare-function magit-refresh "ext:magit-mode")

;;; Buffers that visit what is merged

(defun swarm-merge--root (agent)
  "Return the folder of the repository of AGENT."
  (file-name-as-directory (concat (plist-get agent :place) (plist-get agent :repository))))

(defun swarm-merge-buffers (root files)
  "Return the buffers that visit FILES, as the protocol lists them, below ROOT."
  (delq nil (mapcar (lambda (file) (find-buffer-visiting (expand-file-name (plist-get file :path) root)))
                    (append files nil))))

(defun swarm-merge--revert ()
  "Revert this buffer; point, and where the mark is, stay in the text."
  (if (fboundp 'revert-buffer-with-fine-grain)
      (revert-buffer-with-fine-grain t t)
    (revert-buffer t t t)))

(defun swarm-merge-revert-buffers (root files)
  "Bring buffers that visit FILES below ROOT up to date; return how many.
Those with unsaved changes stay as they are, which is said."
  (let ((count 0) unsaved)
    (dolist (buffer (swarm-merge-buffers root files))
      (with-current-buffer buffer
        (cond ((verify-visited-file-modtime buffer))
              ((buffer-modified-p) (push (buffer-name) unsaved))
              ((file-exists-p buffer-file-name)
               (swarm-merge--revert)
               (setq count (1+ count)))
              (t (message "swarm: %s is not there any more" (buffer-name))))))
    (when unsaved
      (message "swarm: %s, with unsaved changes, %s; the file is another now"
               (string-join unsaved ", ") (if (cdr unsaved) "stay as they are" "stays as it is")))
    count))

;;; What would happen

(defun swarm-merge--file-line (file)
  "Return a line for FILE."
  (format "  %-9s %s%s\n" (or (plist-get file :status) (plist-get file :kind)) (plist-get file :path)
          (if (plist-get file :other) (format " (%s on the other side)" (plist-get file :other)) "")))

(defun swarm-merge--conflict-text (text)
  "Return TEXT with markers of conflicts, with faces."
  (let (side)
    (mapconcat (lambda (line)
                 (let ((face (cond ((string-prefix-p "<<<<<<<" line) (setq side 'smerge-upper) 'smerge-markers)
                                   ((string-prefix-p "|||||||" line) (setq side 'smerge-base) 'smerge-markers)
                                   ((and side (string-prefix-p "=======" line)) (setq side 'smerge-lower) 'smerge-markers)
                                   ((string-prefix-p ">>>>>>>" line) (setq side nil) 'smerge-markers)
                                   (t side))))
                   (if face (propertize line 'face face) line)))
               (split-string text "\n") "\n")))

(defun swarm-merge--file-text (file)
  "Return FILE, which is in the way or conflicts, as text."
  (concat (swarm-merge--file-line file)
          (and (plist-get file :text)
               (concat "\n" (swarm-merge--conflict-text (plist-get file :text)) "\n"))))

(defun swarm-merge--files (heading files)
  "Return FILES below HEADING, or nothing."
  (if (= (length files) 0) ""
    (concat "\n" (propertize heading 'face 'bold) "\n" (mapconcat #'swarm-merge--file-text files ""))))

(defun swarm-merge--tried-text ()
  "Return what the merge would do."
  (let ((tried swarm-merge--tried))
    (if (eq (plist-get tried :upToDate) t)
        (format "%s has it all already\n" (plist-get tried :into))
      (concat
       (swarm-merge--files (format "%d %s change in %s" (plist-get tried :fileCount)
                                   (if (= (plist-get tried :fileCount) 1) "file" "files") (plist-get tried :into))
                           (plist-get tried :files))
       (swarm-merge--files "In the way: commit or stash them first" (plist-get tried :dirty))
       (swarm-merge--unsaved-text)
       "\n" (propertize "Message" 'face 'bold) "\n"
       (replace-regexp-in-string "^" "  " (string-trim-right (plist-get tried :message))) "\n"))))

(defun swarm-merge--unsaved ()
  "Return the buffers of files of the merge that are not saved."
  (seq-filter #'buffer-modified-p
              (swarm-merge-buffers (swarm-merge--root (swarm-agent swarm-agent-id))
                                   (plist-get swarm-merge--tried :files))))

(defun swarm-merge--unsaved-text ()
  "Return words for the buffers of files of the merge that are not saved."
  (let ((unsaved (swarm-merge--unsaved)))
    (if (null unsaved) ""
      (concat "\n" (propertize "Unsaved here, and will stay as it is" 'face 'warning) "\n"
              (mapconcat (lambda (buffer) (format "  %s\n" (buffer-name buffer))) unsaved "")))))

(defun swarm-merge--text ()
  "Return what the buffer is to read."
  (concat
   (format "%s into %s, by %s\n" swarm-agent-id
           (or (plist-get swarm-merge--options :into) (plist-get swarm-merge--tried :into) "the branch it began from")
           (plist-get swarm-merge--options :strategy))
   (cond (swarm-merge--problem
          (concat "\n" (propertize swarm-merge--problem 'face 'error) "\n"
                  (swarm-merge--files (if swarm-merge--conflict "Conflicts" "In the way") swarm-merge--in-the-way)))
         (swarm-merge--tried (swarm-merge--tried-text))
         (t "\nworking it out ...\n"))))

(defun swarm-merge--header ()
  "Return what the header line is to say."
  (cond (swarm-merge--conflict " U brings the branch into the agent's work   g try again  q leave")
        (swarm-merge--problem " g try again  s strategy  i another branch  q leave")
        (t " C-c C-c merges   s strategy  i another branch  e message  = review  q leave")))

(defun swarm-merge--draw ()
  "Bring the buffer up to date."
  (swarm-render-all (swarm-merge--text)))

(defun swarm-merge--request (dry take)
  "Merge, or DRY only try it, and TAKE the result."
  (let ((buffer (current-buffer)))
    (swarm-request
     'swarm/merge (append (list :agentId swarm-agent-id) swarm-merge--options (and dry (list :dryRun t)))
     (lambda (result)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (setq swarm-merge--problem nil swarm-merge--conflict nil)
           (funcall take result))))
     (lambda (problem kind data &rest _)
       (when (and problem (buffer-live-p buffer))
         (with-current-buffer buffer
           (setq swarm-merge--problem problem
                 swarm-merge--conflict (equal kind "conflict")
                 swarm-merge--in-the-way (append (plist-get data :files) nil))
           (unless dry (swarm-complain problem "not merged"))
           (swarm-merge--draw)))))))

(defun swarm-merge-refresh ()
  "Try the merge anew."
  (interactive)
  (swarm-merge--request t (lambda (result)
                            (setq swarm-merge--tried result)
                            (swarm-merge--draw))))

;;; Merging

(defun swarm-merge-now ()
  "Merge as it is shown."
  (interactive)
  (when swarm-merge--problem (user-error "It cannot be merged: %s" swarm-merge--problem))
  (unless swarm-merge--tried (user-error "It is still being worked out"))
  (let ((unsaved (swarm-merge--unsaved)))
    (when (or (null unsaved)
              (yes-or-no-p (format "%s %s unsaved changes, which stay; the file changes on disk.  Merge all the same? "
                                   (mapconcat #'buffer-name unsaved ", ") (if (cdr unsaved) "have" "has"))))
      (swarm-merge--request nil #'swarm-merge--merged))))

(defun swarm-merge--merged (result)
  "Bring buffers up to date after the merge with RESULT."
  (let* ((agent (swarm-agent swarm-agent-id))
         (root (swarm-merge--root agent))
         (count (swarm-merge-revert-buffers root (plist-get result :files))))
    (message "swarm: merged into %s%s" (plist-get result :into)
             (if (> count 0) (format ", %d %s reverted" count (if (= count 1) "buffer" "buffers")) ""))
    (swarm-merge--refresh-magit root)
    (quit-window t (get-buffer-window))))

(defun swarm-merge--refresh-magit (root)
  "Have magit, when it is there, show the new state of ROOT."
  (when (fboundp 'magit-refresh)
    (run-at-time 0 nil (lambda ()
                         (let ((default-directory root))
                           (ignore-errors (magit-refresh)))))))

(defun swarm-merge--set (option value)
  "Have VALUE, nil for the default, for OPTION, and try anew."
  (setq swarm-merge--options (plist-put swarm-merge--options option value))
  (unless value
    (setq swarm-merge--options (seq-mapcat (lambda (pair) (and (cadr pair) pair))
                                           (seq-partition swarm-merge--options 2))))
  (swarm-merge-refresh))

(defun swarm-merge-set-strategy (strategy)
  "Merge by STRATEGY."
  (interactive (list (completing-read "Strategy: " '("merge" "squash" "rebase" "ff") nil t)))
  (swarm-merge--set :strategy strategy))

(defun swarm-merge-set-branch (branch)
  "Merge into BRANCH; an empty one is that which the agent began from."
  (interactive (list (read-string "Into the branch: ")))
  (swarm-merge--set :into (unless (string-blank-p branch) branch)))

(defun swarm-merge-set-message (message)
  "Have MESSAGE for the commits; an empty one is the proposal."
  (swarm-merge--set :message (unless (string-blank-p message) message)))

(defvar-local swarm-merge--of nil "The buffer of the merge whose message this is.")

(defvar swarm-merge-message-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'swarm-merge-message-take)
    (define-key map (kbd "C-c C-k") #'swarm-merge-message-abandon)
    map)
  "The keys while the message of a merge is written.")

(define-derived-mode swarm-merge-message-mode text-mode "Swarm-Message"
  "The message of a merge, while it is written.
\\{swarm-merge-message-mode-map}"
  (setq header-line-format " C-c C-c takes this message, C-c C-k leaves it as it was; an empty one is the proposal"))

(defun swarm-merge-edit-message ()
  "Write the message of the commits in a buffer."
  (interactive)
  (let ((merge (current-buffer)) (id swarm-agent-id)
        (message (or (plist-get swarm-merge--options :message) (plist-get swarm-merge--tried :message) "")))
    (pop-to-buffer (get-buffer-create (format "*swarm message %s*" id)))
    (swarm-merge-message-mode)
    (setq swarm-merge--of merge)
    (erase-buffer)
    (insert (string-trim-right message) "\n")
    (goto-char (point-min))
    (set-buffer-modified-p nil)))

(defun swarm-merge-message-take ()
  "Have the text of this buffer as the message."
  (interactive)
  (let ((message (string-trim (buffer-string)))
        (merge (if (buffer-live-p swarm-merge--of) swarm-merge--of (user-error "Its merge was closed"))))
    (quit-window t)
    (with-current-buffer merge (swarm-merge-set-message message))))

(defun swarm-merge-message-abandon ()
  "Leave the message as it was."
  (interactive)
  (quit-window t))

(defun swarm-merge-update (conflicts)
  "Bring the branch into the agent's work, with CONFLICTS as told.
\"resolve\": the agent is asked to resolve them.  \"markers\": they
stay in its worktree, for you."
  (interactive (list (completing-read "Conflicts: " '("resolve" "markers" "refuse") nil t)))
  (let ((buffer (current-buffer)) (id swarm-agent-id)
        (into (plist-get swarm-merge--options :into)))
    (swarm-request
     'swarm/update (append (list :agentId id :conflicts conflicts) (and into (list :from into)))
     (lambda (result)
       (let ((count (length (plist-get result :conflicts)))
             (folder (swarm-agent-directory (swarm-agent id))))
         (when folder (swarm-merge-revert-buffers folder (plist-get result :files)))
         (message "swarm: %s is in %s's work%s" (plist-get result :from) id
                  (if (= count 0) "" (format ", with conflicts in %d %s" count (if (= count 1) "file" "files")))))
       (when (buffer-live-p buffer)
         (with-current-buffer buffer (swarm-merge-refresh)))))))

(defun swarm-merge-review ()
  "Review what is to be merged."
  (interactive)
  (swarm-review swarm-agent-id))

(defvar swarm-merge-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (define-key map (kbd "C-c C-c") #'swarm-merge-now)
    (define-key map "m" #'swarm-merge-now)
    (define-key map "s" #'swarm-merge-set-strategy)
    (define-key map "i" #'swarm-merge-set-branch)
    (define-key map "e" #'swarm-merge-edit-message)
    (define-key map "U" #'swarm-merge-update)
    (define-key map "=" #'swarm-merge-review)
    (define-key map "g" #'swarm-merge-refresh)
    (define-key map "?" #'swarm-merge-menu)
    map)
  "The keys of a merge.")

(define-derived-mode swarm-merge-mode special-mode "Swarm-Merge"
  "What merging an agent's work would do.
\\{swarm-merge-mode-map}"
  (setq header-line-format '(:eval (swarm-merge--header)))
  (setq-local word-wrap t)
  (buffer-disable-undo))

;;;###autoload
(defun swarm-merge (agent)
  "Show what merging the work of AGENT, an id, would do, and offer it."
  (interactive (list (swarm-the-agent "Merge: ")))
  (pop-to-buffer (get-buffer-create (format "*swarm merge %s*" agent)))
  (unless (derived-mode-p 'swarm-merge-mode) (swarm-merge-mode))
  (setq swarm-agent-id agent
        swarm-merge--options (list :strategy swarm-merge-strategy)
        swarm-merge--tried nil swarm-merge--problem nil swarm-merge--conflict nil)
  (swarm-merge--draw)
  (swarm-merge-refresh))

(provide 'swarm-merge)
;;; swarm-merge.el ends here
