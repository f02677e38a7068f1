;;; swarm-entries.el --- The items of a transcript in its buffer  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; An entry is an item with its place in the buffer, from its `start' to that of the next.  Every
;; entry ends with a line end, before which it is changed; only characters that differ are.  Text
;; that streams is collected, and written at most 20 times a second, from its last line on.
;;
;; Who is in the transcript stays there; who is at the prompt sees what comes.

;;; Code:

(require 'cl-lib)
(require 'swarm-items)
(require 'swarm-render)
(require 'swarm-state)

(defcustom swarm-transcript-page 100
  "How many items are read at once; older ones come when one scrolls there."
  :type 'integer
  :group 'swarm-transcript)

(cl-defstruct (swarm-entry (:constructor swarm-entry--make) (:copier nil))
  "An ITEM in a buffer, from START on.
PARTS, the newest first, are what it says so far, of BYTES.  FOLD is
`open' or `closed' when the reader has said so, WHOLE when all of
it is wanted.  Of text that streams, WRITTEN characters are in the
buffer for good, and FENCE is the block that it is in then; TAIL
follows them there, and NEW, the newest first, is not in it yet."
  item parts bytes start fold whole dirty written fence tail new)

(defun swarm-entry-text (entry)
  "Return the text of ENTRY so far."
  (when (cdr (swarm-entry-parts entry))
    (setf (swarm-entry-parts entry) (list (apply #'concat (nreverse (swarm-entry-parts entry))))))
  (car (swarm-entry-parts entry)))

(defvar-local swarm-transcript--entries nil "The entries by the ids of their items.")
(defvar-local swarm-transcript--order nil "The entries, the newest first.")
(defvar-local swarm-transcript--dirty nil "The entries that are to be written.")
(defvar-local swarm-transcript--end nil "A marker behind the last entry.")
(defvar-local swarm-transcript--older nil "The seq that older items are before, or nil.")
(defvar-local swarm-transcript--loading nil "What is being read: nil, `newest' or `older'.")


;;; Writing

(defvar swarm-transcript-item-map (make-sparse-keymap)
  "The keys in the transcript, before the prompt.")

(defun swarm-transcript--dress (text id)
  "Return TEXT as a part of the transcript that belongs to the item ID."
  (add-text-properties 0 (length text)
                       (list 'read-only "Type at the prompt (i goes there)" 'front-sticky '(read-only)
                             'rear-nonsticky t 'keymap swarm-transcript-item-map 'swarm-item id)
                       text)
  text)

(defun swarm-transcript--undo-shift (from change)
  "Move what undo knows of text behind FROM by CHANGE characters."
  (unless (or (zerop change) (not (consp buffer-undo-list)))
    (let ((shift (lambda (position)
                   (if (and (integerp position) (>= (abs position) from))
                       (if (< position 0) (- position change) (+ position change))
                     position))))
      (setq buffer-undo-list
            (mapcar (lambda (entry)
                      (cond ((integerp entry) (funcall shift entry))
                            ((and (consp entry) (integerp (car entry)) (integerp (cdr entry)))
                             (cons (funcall shift (car entry)) (funcall shift (cdr entry))))
                            ((and (consp entry) (stringp (car entry)) (integerp (cdr entry)))
                             (cons (car entry) (funcall shift (cdr entry))))
                            (t entry)))
                    buffer-undo-list)))))

(defun swarm-transcript--call-changing (function)
  "Call FUNCTION to change the transcript before the prompt."
  (let ((before (marker-position swarm-transcript--end)))
    (prog1 (swarm-render-keeping (let ((inhibit-modification-hooks t)) (funcall function)))
      (swarm-transcript--undo-shift before (- swarm-transcript--end before)))))

(defmacro swarm-transcript-changing (&rest body)
  "Run BODY to change the transcript without disturbing its reader."
  (declare (indent 0) (debug t))
  `(swarm-transcript--call-changing (lambda () ,@body)))

(defun swarm-transcript--lead (entry older)
  "Return what stands between ENTRY and the OLDER one, which may be nil."
  (if (or (null older)
          (and (swarm-items-compact-p (swarm-entry-item entry)) (swarm-items-compact-p (swarm-entry-item older))))
      ""
    "\n"))

(defun swarm-transcript--folded-p (entry)
  "Return non-nil when the body of ENTRY is hidden."
  (pcase (swarm-entry-fold entry)
    ('open nil)
    ('closed (swarm-items-foldable-p (swarm-entry-item entry)))
    (_ (swarm-items-folded-p (swarm-entry-item entry)))))

(defun swarm-transcript--end-of (entry)
  "Return where ENTRY ends, and the one that came after it, or nil."
  (let ((newer (cadr (memq entry (reverse swarm-transcript--order)))))
    (cons (marker-position (if newer (swarm-entry-start newer) swarm-transcript--end)) newer)))

(defun swarm-transcript--shown-p (entry)
  "Return non-nil when ENTRY has something to show."
  (swarm-items-shown-p (swarm-entry-item entry) (swarm-entry-text entry)))

(defun swarm-transcript--older-than (entry)
  "Return the entry before ENTRY that has something to show, or nil."
  (seq-find #'swarm-transcript--shown-p (cdr (memq entry swarm-transcript--order))))

(defun swarm-transcript--string (entry)
  "Return ENTRY as it is shown, without its last line end; nil for nothing."
  (let* ((item (swarm-entry-item entry))
         (text (swarm-items-text (if (swarm-entry-whole entry) (append item '(:swarm-whole t)) item)
                                 (swarm-entry-text entry) (swarm-transcript--folded-p entry))))
    (and text (concat (swarm-transcript--lead entry (swarm-transcript--older-than entry)) text))))

(defun swarm-transcript--write (entry)
  "Bring ENTRY in the buffer up to date."
  (let* ((id (plist-get (swarm-entry-item entry) :id))
         (start (marker-position (swarm-entry-start entry)))
         (end (car (swarm-transcript--end-of entry)))
         (text (swarm-transcript--string entry)))
    (setf (swarm-entry-dirty entry) nil (swarm-entry-written entry) nil)
    (cond ((null text) (delete-region start end))
          ((= start end) (swarm-transcript--insert entry (swarm-transcript--dress (concat text "\n") id)))
          (t (swarm-render-text start (1- end) (swarm-transcript--dress (copy-sequence text) id))))))

(defun swarm-transcript--insert (entry text)
  "Insert TEXT for ENTRY, which is empty, before what is behind it."
  (let ((start (marker-position (swarm-entry-start entry))))
    (goto-char start)
    (insert text)
    (set-marker (swarm-entry-start entry) start)
    (when (= swarm-transcript--end start) (set-marker swarm-transcript--end (point)))
    (dolist (newer (seq-take-while (lambda (other) (not (eq other entry))) swarm-transcript--order))
      (when (= (swarm-entry-start newer) start)
        (set-marker (swarm-entry-start newer) (point))))))

(defconst swarm-transcript--line 160
  "How long the end of a text that streams gets before a part of it is settled.")

(defun swarm-transcript--settled (text)
  "Return up to where TEXT will not look different any more.
That is its last line; of a long one, the last word but some."
  (let ((line (string-match "[^\n]*\\'" text)))
    (if (< (- (length text) line) swarm-transcript--line)
        line
      (let ((space (string-match " [^ ]*\\'" text (- (length text) (/ swarm-transcript--line 2)))))
        (if space (1+ space) line)))))

(defun swarm-transcript--begin-stream (entry start end lead)
  "Have ENTRY, between START and END, say no more than LEAD."
  (let ((id (plist-get (swarm-entry-item entry) :id)) (lead (copy-sequence lead)))
    (if (= start end)
        (swarm-transcript--insert entry (swarm-transcript--dress (concat lead "\n") id))
      (swarm-render-text start (1- end) (swarm-transcript--dress lead id)))
    (setf (swarm-entry-written entry) 0
          (swarm-entry-fence entry) nil
          (swarm-entry-tail entry) ""
          (swarm-entry-new entry) (list (swarm-entry-text entry)))))

(defun swarm-transcript--write-tail (entry from tail)
  "Write TAIL, the text of ENTRY behind what is settled, FROM there."
  (let* ((cut (swarm-transcript--settled tail))
         (line-end (and (> cut 0) (eq (aref tail (1- cut)) ?\n)))
         (settled (and (> cut 0)
                       (swarm-items-markdown (substring tail 0 (if line-end (1- cut) cut)) (swarm-entry-fence entry))))
         (fence (if settled (cdr settled) (swarm-entry-fence entry)))
         (rest (substring tail cut))
         (text (concat (car settled) (and line-end "\n") (car (swarm-items-markdown rest fence)))))
    (swarm-render-text from (1- (car (swarm-transcript--end-of entry)))
                       (swarm-transcript--dress text (plist-get (swarm-entry-item entry) :id)))
    (setf (swarm-entry-written entry) (+ (swarm-entry-written entry) cut)
          (swarm-entry-fence entry) fence
          (swarm-entry-tail entry) rest)))

(defun swarm-transcript--write-stream (entry)
  "Bring ENTRY, an answer that is being written, up to date from its last line."
  (let ((lead (swarm-transcript--lead entry (swarm-transcript--older-than entry)))
        (start (marker-position (swarm-entry-start entry)))
        (end (car (swarm-transcript--end-of entry))))
    (setf (swarm-entry-dirty entry) nil)
    (unless (and (null (swarm-entry-written entry)) (string-blank-p (swarm-entry-text entry)))
      (unless (and (swarm-entry-written entry) (< start end))
        (swarm-transcript--begin-stream entry start end lead))
      (let ((tail (apply #'concat (swarm-entry-tail entry) (nreverse (swarm-entry-new entry)))))
        (setf (swarm-entry-new entry) nil)
        (swarm-transcript--write-tail entry (+ start (length lead) (swarm-entry-written entry)) tail)))))

(defun swarm-transcript--streams-p (entry)
  "Return non-nil when ENTRY is an answer that is being written."
  (let ((item (swarm-entry-item entry)))
    (and (equal (plist-get item :kind) "assistant") (equal (plist-get item :status) "started"))))

(defun swarm-transcript--draw ()
  "Write the entries that have changed."
  (when swarm-transcript--dirty
    (let ((dirty (nreverse swarm-transcript--dirty)))
      (setq swarm-transcript--dirty nil)
      (swarm-transcript-changing
        (dolist (entry dirty)
          (if (swarm-transcript--streams-p entry)
              (swarm-transcript--write-stream entry)
            (swarm-transcript--write entry)))))))

(defun swarm-transcript--touch (entry)
  "Have ENTRY written soon."
  (unless (swarm-entry-dirty entry)
    (setf (swarm-entry-dirty entry) t)
    (push entry swarm-transcript--dirty))
  (swarm-render-later (current-buffer) #'swarm-transcript--draw))

;;; What comes

(defun swarm-transcript--add (item)
  "Make an entry for ITEM, behind the one that began before it."
  (let* ((seq (plist-get item :seq))
         (newer (seq-take-while (lambda (entry) (> (plist-get (swarm-entry-item entry) :seq) seq))
                                swarm-transcript--order))
         (next (car (last newer)))
         (place (marker-position (if next (swarm-entry-start next) swarm-transcript--end)))
         (entry (swarm-entry--make :item item :start (copy-marker place))))
    (puthash (plist-get item :id) entry swarm-transcript--entries)
    (setq swarm-transcript--order (append newer (list entry) (nthcdr (length newer) swarm-transcript--order)))
    (when next (swarm-transcript--touch next)) ; what stands between them
    entry))

(defun swarm-transcript--take-item (item)
  "Take ITEM; a completed one is the truth."
  (let ((entry (gethash (plist-get item :id) swarm-transcript--entries)))
    (unless (and entry (or (equal (swarm-entry-item entry) item)
                           (equal (plist-get item :status) "started")))
      (setq entry (or entry (swarm-transcript--add item)))
      (let ((text (swarm-items-content item)))
        (setf (swarm-entry-item entry) item
              (swarm-entry-parts entry) (list text)
              (swarm-entry-bytes entry) (string-bytes text)
              (swarm-entry-written entry) nil))
      (swarm-transcript--touch entry))))

(defun swarm-transcript--cut (text bytes)
  "Return the first BYTES of UTF-8 of TEXT."
  (let ((utf-8 (encode-coding-string text 'utf-8)))
    (decode-coding-string (substring utf-8 0 (min bytes (length utf-8))) 'utf-8)))

(defun swarm-transcript--take-delta (event)
  "Take the delta EVENT: its text stands at its offset, in bytes of UTF-8."
  (let* ((entry (gethash (plist-get event :itemId) swarm-transcript--entries))
         (offset (plist-get event :offset))
         (new (plist-get event :text)))
    (when (and entry (equal (plist-get (swarm-entry-item entry) :status) "started")
               (<= offset (swarm-entry-bytes entry)))
      (unless (= offset (swarm-entry-bytes entry))
        (setf (swarm-entry-parts entry) (list (swarm-transcript--cut (swarm-entry-text entry) offset))
              (swarm-entry-bytes entry) offset
              (swarm-entry-written entry) nil))
      (push new (swarm-entry-parts entry))
      (push new (swarm-entry-new entry))
      (setf (swarm-entry-bytes entry) (+ (swarm-entry-bytes entry) (string-bytes new)))
      (swarm-transcript--touch entry))))

(defun swarm-transcript-buffer (id)
  "Return the transcript of the agent ID, or nil when there is none."
  (get-buffer (swarm-transcript--name id)))

(defun swarm-transcript--name (id)
  "Return the name of the transcript of the agent ID."
  (format "*swarm %s*" id))

(defun swarm-transcript--on-item (agent item)
  "Take ITEM of AGENT."
  (let ((buffer (swarm-transcript-buffer (plist-get agent :id))))
    (when buffer
      (with-current-buffer buffer
        (unless (eq swarm-transcript--loading 'newest)
          (swarm-transcript--take-item item))))))

(defun swarm-transcript--on-delta (agent event)
  "Take the delta EVENT of AGENT."
  (let ((buffer (swarm-transcript-buffer (plist-get agent :id))))
    (when buffer
      (with-current-buffer buffer
        (unless (eq swarm-transcript--loading 'newest)
          (swarm-transcript--take-delta event))))))

;;; Pages

(define-button-type 'swarm-older
  'action (lambda (_) (swarm-transcript-older)) 'face 'swarm-link 'follow-link t
  'help-echo "RET, mouse-1: read older items")

(defun swarm-transcript--set-older (seq)
  "Note that there are older items before SEQ, or none, and show it."
  (setq swarm-transcript--older seq)
  (swarm-transcript-changing
    (let ((start (if swarm-transcript--order
                     (marker-position (swarm-entry-start (car (last swarm-transcript--order))))
                   (marker-position swarm-transcript--end))))
      (delete-region (point-min) start)
      (when seq
        (goto-char (point-min))
        (let ((text (swarm-items-button "… older" 'swarm-older)))
          (insert (swarm-transcript--dress (concat text "\n\n") nil)))
        (let ((now (point)))
          (dolist (entry swarm-transcript--order)
            (when (= (swarm-entry-start entry) (point-min)) (set-marker (swarm-entry-start entry) now)))
          (when (= swarm-transcript--end (point-min)) (set-marker swarm-transcript--end now)))))))

(defun swarm-transcript--clear ()
  "Forget all items."
  (swarm-transcript-changing
    (delete-region (point-min) swarm-transcript--end))
  (clrhash swarm-transcript--entries)
  (setq swarm-transcript--order nil swarm-transcript--dirty nil swarm-transcript--older nil))

(defun swarm-transcript--take-page (result)
  "Take the newest page, RESULT, and follow from there on.
What is shown of older items stays, when the page reaches there."
  (let* ((items (append (plist-get result :items) nil))
         (newest (and swarm-transcript--order (plist-get (swarm-entry-item (car swarm-transcript--order)) :seq)))
         (oldest (and items (plist-get (car items) :seq)))
         (apart (and newest (plist-get result :next) oldest (> oldest newest))))
    (when (or apart (null items)) (swarm-transcript--clear))
    (let ((known swarm-transcript--order))
      (mapc #'swarm-transcript--take-item items)
      (unless known (swarm-transcript--set-older (plist-get result :next))))
    (swarm-transcript--draw)
    (swarm-watch swarm-agent-id (plist-get result :seq))))

(defun swarm-transcript--ask (params what take)
  "Ask for a page of the transcript with PARAMS, as WHAT, and TAKE it."
  (setq swarm-transcript--loading what)
  (let* ((buffer (current-buffer))
         (here (lambda (function &rest arguments)
                 (when (buffer-live-p buffer)
                   (with-current-buffer buffer
                     (setq swarm-transcript--loading nil)
                     (apply function arguments))))))
    (swarm-request 'swarm/transcript
                   (append (list :agentId swarm-agent-id :limit swarm-transcript-page) params)
                   (lambda (result) (funcall here take result))
                   (lambda (problem &rest _)
                     (funcall here #'swarm-complain problem "the transcript")))))

(defun swarm-transcript-refresh ()
  "Read the newest items of this buffer's agent anew.
Events are not taken before they have come: they come again after it."
  (interactive)
  (swarm-transcript--ask nil 'newest #'swarm-transcript--take-page))

(defun swarm-transcript-older ()
  "Read the page before the oldest item that is shown."
  (interactive)
  (when (and swarm-transcript--older (not swarm-transcript--loading))
    (swarm-transcript--ask (list :before swarm-transcript--older) 'older
                           (lambda (result)
                             (mapc #'swarm-transcript--take-item (plist-get result :items))
                             (swarm-transcript--draw)
                             (swarm-transcript--set-older (plist-get result :next))))))

(defun swarm-transcript--older-soon (buffer)
  "Have older items of BUFFER read."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer (swarm-transcript-older))))

(defun swarm-transcript--scrolled (window start)
  "Read older items when WINDOW comes to the beginning, at START."
  (with-current-buffer (window-buffer window)
    (when (and swarm-transcript--older (not swarm-transcript--loading)
               (< start (+ (point-min) 2)) (< (window-point window) swarm-transcript--end))
      (run-at-time 0 nil #'swarm-transcript--older-soon (current-buffer)))))

(provide 'swarm-entries)
;;; swarm-entries.el ends here
