;;; swarm-review.el --- What an agent has changed  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-review' shows the change of an agent, committed or not, in a `diff-mode' buffer.  A hunk can
;; be accepted, which folds it and is remembered for this session, rejected, which takes it back in the
;; agent's worktree, and commented on, which the agent is told with the place.  What is in `diff-mode'
;; is there, too: RET goes to the source, `next-error' walks through the hunks.

;;; Code:

(require 'diff-mode)
(require 'swarm-actions)
(require 'swarm-patch)
(require 'swarm-render)
(require 'swarm-state)

(defgroup swarm-review nil
  "Review of what agents have changed."
  :group 'swarm
  :prefix "swarm-")

(defface swarm-accepted '((t :inherit success)) "A hunk that was accepted." :group 'swarm-review)

(defvar swarm-review--accepted (make-hash-table :test #'equal)
  "The hunks that were accepted: (AGENT PATH HASH) each.")

(defvar-local swarm-review--result nil "The answer to `swarm/diff' that is shown.")
(defvar-local swarm-review--kept nil "The checkpoints before what was rejected, the newest first.")
(defvar-local swarm-review--from nil "Parameters of `swarm/diff' beside the agent.")
(defvar-local swarm-review--header-text " reading ..." "What the header line says.")
(defvar-local swarm-review--loading nil "Non-nil while an answer is awaited; `again' for one more.")

(declare-function swarm-review-menu "swarm-menu-views")
(declare-function swarm-merge "swarm-merge")
(declare-function swarm-checkpoints "swarm-checkpoints")
(declare-function swarm-open "swarm-transcript")
(declare-function magit-diff-working-tree "ext:magit-diff")

;;; The buffer

(defun swarm-review--name (id)
  "Return the name of the review of the agent ID."
  (format "*swarm review %s*" id))

(defun swarm-review--files ()
  "Return the files that are shown."
  (append (plist-get swarm-review--result :files) nil))

(defun swarm-review--unlisted (file)
  "Return a line for FILE when its change is not in the patch, else nil."
  (let ((what (cond ((plist-get file :omitted) "too large to be shown")
                    ((eq (plist-get file :binary) t) "binary"))))
    (and what (format "%s %s: %s\n" (plist-get file :status) (plist-get file :path) what))))

(defun swarm-review--text ()
  "Return what the buffer is to read."
  (let* ((files (swarm-review--files)) (changes (plist-get swarm-review--result :changes))
         (patch (plist-get swarm-review--result :patch)))
    (concat
     (if (null files)
         (format "%s has changed nothing\n" swarm-agent-id)
       (format "%s: %d %s, +%d -%d%s\n" swarm-agent-id (plist-get changes :files)
               (if (= (plist-get changes :files) 1) "file" "files")
               (plist-get changes :added) (plist-get changes :removed)
               (if (eq (plist-get swarm-review--result :truncated) t) ", not all of it is shown" "")))
     (mapconcat #'identity (delq nil (mapcar #'swarm-review--unlisted files)) "")
     "\n" patch)))

(defun swarm-review--key (hunk)
  "Return by what HUNK is remembered."
  (list swarm-agent-id (plist-get hunk :path) (plist-get hunk :hash)))

(defun swarm-review--accepted-p (hunk)
  "Return non-nil when HUNK was accepted."
  (gethash (swarm-review--key hunk) swarm-review--accepted))

(defun swarm-review--mark ()
  "Show which hunks were accepted."
  (remove-overlays (point-min) (point-max) 'swarm-review t)
  (dolist (hunk (swarm-patch-hunks (swarm-review--files)))
    (when (swarm-review--accepted-p hunk)
      (let* ((end (save-excursion (goto-char (plist-get hunk :begin)) (line-end-position)))
             (overlay (make-overlay end (max end (1- (plist-get hunk :end))))))
        (overlay-put overlay 'swarm-review t)
        (overlay-put overlay 'before-string (propertize "  ✓ accepted" 'face 'swarm-accepted))
        (overlay-put overlay 'invisible 'swarm)
        (overlay-put overlay 'isearch-open-invisible #'delete-overlay)))))

(defun swarm-review--draw ()
  "Bring the buffer up to date."
  (swarm-render-all (swarm-review--text))
  (swarm-review--mark))

(defun swarm-review--header ()
  "Return what the header line is to say."
  (let* ((hunks (swarm-patch-hunks (swarm-review--files)))
         (accepted (seq-count #'swarm-review--accepted-p hunks)))
    (if hunks
        (format " %d of %d hunks accepted   a accept  k reject  c comment  u undo  m merge  ? all keys"
                accepted (length hunks))
      (if swarm-review--result " Nothing to review" " reading ..."))))

(defun swarm-review-refresh ()
  "Read anew what the agent has changed."
  (interactive)
  (if swarm-review--loading
      (setq swarm-review--loading 'again)
    (setq swarm-review--loading t)
    (let* ((buffer (current-buffer))
           (here (lambda (function)
                   (when (buffer-live-p buffer)
                     (with-current-buffer buffer
                       (let ((again (eq swarm-review--loading 'again)))
                         (setq swarm-review--loading nil)
                         (funcall function)
                         (when again (swarm-review-refresh))))))))
      (swarm-request 'swarm/diff (append (list :agentId swarm-agent-id) swarm-review--from)
                     (lambda (result)
                       (funcall here (lambda ()
                                       (setq swarm-review--result result)
                                       (swarm-review--draw)
                                       (setq swarm-review--header-text (swarm-review--header)))))
                     (lambda (problem &rest _)
                       (funcall here (lambda () (swarm-complain problem "the change"))))))))

;;; Hunks

(defun swarm-review--hunk ()
  "Return the hunk at point; an error in front of the first one."
  (or (swarm-patch-hunk (swarm-review--files))
      (user-error "Go to a hunk (n goes to the next one)")))

(defun swarm-review--marked ()
  "Show what has changed of what was accepted."
  (swarm-review--mark)
  (setq swarm-review--header-text (swarm-review--header))
  (force-mode-line-update))

(defun swarm-review--next-open (from)
  "Go to the first hunk behind FROM that was not accepted, when there is one."
  (let ((next (seq-find (lambda (hunk) (and (> (plist-get hunk :begin) from) (not (swarm-review--accepted-p hunk))))
                        (swarm-patch-hunks (swarm-review--files)))))
    (when next (goto-char (plist-get next :begin)))))

(defun swarm-review-accept ()
  "Accept the hunk at point, or take that back; go to the next one that was not."
  (interactive)
  (let* ((hunk (swarm-review--hunk)) (key (swarm-review--key hunk)))
    (if (gethash key swarm-review--accepted)
        (remhash key swarm-review--accepted)
      (puthash key t swarm-review--accepted)
      (swarm-review--next-open (plist-get hunk :begin)))
    (swarm-review--marked)
    (when (seq-every-p #'swarm-review--accepted-p (swarm-patch-hunks (swarm-review--files)))
      (message "swarm: all hunks are accepted; m merges them"))))

(defun swarm-review-accept-file ()
  "Accept all hunks of the file at point."
  (interactive)
  (let ((path (or (swarm-patch-file) (user-error "Go to a file"))))
    (dolist (hunk (swarm-patch-hunks (swarm-review--files)))
      (when (equal (plist-get hunk :path) path)
        (puthash (swarm-review--key hunk) t swarm-review--accepted)))
    (swarm-review--marked)
    (swarm-review--next-open (point))))

(defun swarm-review--revert (path hunk)
  "Take back PATH in the agent's worktree, or only HUNK of it."
  (when swarm-review--from
    (user-error "This is the change since a checkpoint: go back with `swarm-rewind', or reject in the whole review"))
  (let ((buffer (current-buffer)))
    (swarm-request
     'swarm/revert
     (append (list :agentId swarm-agent-id :path path)
             (and hunk (list :hunk (list :index (plist-get hunk :index) :hash (plist-get hunk :hash)))))
     (lambda (result)
       (message "swarm: taken back; u brings it again")
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (push (plist-get result :kept) swarm-review--kept)
           (swarm-review-refresh))))
     (lambda (problem kind &rest _)
       (swarm-complain problem)
       (when (and (equal kind "conflict") (buffer-live-p buffer))
         (with-current-buffer buffer (swarm-review-refresh)))))))

(defun swarm-review-reject ()
  "Take the hunk at point back in the agent's worktree.
In front of the first hunk of a file it is the whole file."
  (interactive)
  (let ((hunk (swarm-patch-hunk (swarm-review--files))))
    (if hunk
        (swarm-review--revert (plist-get hunk :path) hunk)
      (swarm-review-reject-file))))

(defun swarm-review-reject-file ()
  "Take the change of the file at point back in the agent's worktree."
  (interactive)
  (let ((path (or (swarm-patch-file) (user-error "Go to a hunk or a file"))))
    (when (y-or-n-p (format "Take back all that was changed in %s? " path))
      (swarm-review--revert path nil))))

(defun swarm-review-undo ()
  "Bring back what was rejected last."
  (interactive)
  (let ((buffer (current-buffer))
        (kept (or (car swarm-review--kept) (user-error "Nothing was rejected here"))))
    (swarm-request 'swarm/rewind (list :agentId swarm-agent-id :turn kept)
                   (lambda (_)
                     (message "swarm: it is there again")
                     (when (buffer-live-p buffer)
                       (with-current-buffer buffer
                         (pop swarm-review--kept)
                         (swarm-review-refresh)))))))

;;; Comments

(defun swarm-review-comment (comment)
  "Tell the agent COMMENT on the lines of the region, else on the hunk at point."
  (interactive
   (let ((hunk (swarm-review--hunk)))
     (list (read-string (format "Comment on %s: " (plist-get hunk :path))))))
  (when (string-blank-p comment) (user-error "Nothing is told"))
  (let* ((hunk (swarm-review--hunk))
         (region (and (use-region-p)
                      (cons (max (region-beginning) (plist-get hunk :begin)) (min (region-end) (plist-get hunk :end)))))
         (begin (if region (save-excursion (goto-char (car region)) (line-beginning-position)) (plist-get hunk :begin)))
         (end (if region (cdr region) (plist-get hunk :end))))
    (deactivate-mark)
    (swarm-send swarm-agent-id
                (swarm-patch-comment (plist-get hunk :path) (swarm-patch-lines begin end)
                                     (buffer-substring-no-properties begin end) comment))))

;;; Elsewhere

(defun swarm-review-transcript ()
  "Show the transcript of the agent whose change this is."
  (interactive)
  (swarm-open swarm-agent-id))

(defun swarm-review-magit ()
  "Show the same in magit, where that is installed."
  (interactive)
  (unless (require 'magit-diff nil t)
    (user-error "Magit is not installed"))
  (magit-diff-working-tree (plist-get swarm-review--result :base)))

(defvar swarm-review-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map diff-mode-shared-map)
    (define-key map "a" #'swarm-review-accept)
    (define-key map "A" #'swarm-review-accept-file)
    (define-key map "k" #'swarm-review-reject)
    (define-key map "K" #'swarm-review-reject-file)
    (define-key map "c" #'swarm-review-comment)
    (define-key map "u" #'swarm-review-undo)
    (define-key map "m" #'swarm-merge)
    (define-key map "C" #'swarm-checkpoints)
    (define-key map "t" #'swarm-review-transcript)
    (define-key map "G" #'swarm-review-magit)
    (define-key map "g" #'swarm-review-refresh)
    (define-key map "q" #'quit-window)
    (define-key map "?" #'swarm-review-menu)
    map)
  "The keys of a review.")

(define-derived-mode swarm-review-mode diff-mode "Swarm-Review"
  "What an agent has changed.
\\{swarm-review-mode-map}"
  (setq buffer-read-only t)
  ;; Where `diff-mode' has its keys in a buffer that is read only.
  (setq-local minor-mode-overriding-map-alist (list (cons 'buffer-read-only swarm-review-mode-map)))
  (setq header-line-format '(:eval swarm-review--header-text))
  (setq-local diff-jump-to-old-file nil)
  (add-to-invisibility-spec '(swarm . t))
  (buffer-disable-undo))

(defun swarm-review-show (id name &optional from)
  "Show the change of the agent ID, since FROM, in a buffer NAME."
  (let ((folder (swarm-agent-directory (swarm-agent id))))
    (pop-to-buffer (get-buffer-create name))
    (unless (derived-mode-p 'swarm-review-mode) (swarm-review-mode))
    (setq swarm-agent-id id swarm-review--from from)
    (when folder (setq default-directory folder))
    (swarm-review-refresh)))

;;;###autoload
(defun swarm-review (agent)
  "Review what AGENT, an id, has changed."
  (interactive (list (swarm-the-agent "Review: ")))
  (swarm-review-show agent (swarm-review--name agent)))

(defun swarm-review--changed (agent)
  "Read the review of AGENT anew when its work may be another."
  (let ((was (plist-get swarm-agent-before :state)) (now (plist-get agent :state)))
    (unless (and (equal was now) (equal (plist-get swarm-agent-before :changes) (plist-get agent :changes)))
      (unless (member now '("working" "starting" "queued"))
        (let ((buffer (get-buffer (swarm-review--name (plist-get agent :id)))))
          (when buffer (with-current-buffer buffer (swarm-review-refresh))))))))

(add-hook 'swarm-agent-functions #'swarm-review--changed)

(provide 'swarm-review)
;;; swarm-review.el ends here
