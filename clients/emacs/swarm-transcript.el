;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;;; swarm-transcript.el --- What a swarm agent says and does

;;; Commentary:

;; A buffer an agent.  Each item of the protocol is a piece of text between two markers; text that
;; streams goes in at the second one, and a completed item is written anew.  A window whose point
;; is at the end follows it.

;;; Code:

(require 'button)
(require 'swarm-state)

(defcustom swarm-output-lines 5
  "The lines of a tool's output that are shown; a button shows the rest."
  :type 'integer
  :group 'swarm)

(defface swarm-user '((t :inherit font-lock-keyword-face)) "What people said." :group 'swarm)
(defface swarm-tool '((t :inherit font-lock-function-name-face)) "A tool call." :group 'swarm)
(defface swarm-output '((t :inherit shadow)) "What a tool put out, and reasoning." :group 'swarm)
(defface swarm-notice '((t :inherit font-lock-comment-face)) "A notice." :group 'swarm)
(defface swarm-question '((t :inherit warning)) "A question to a person." :group 'swarm)

(cl-defstruct swarm--entry item text start end)

(defvar-local swarm--entries nil "Item id -> entry.")
(defvar-local swarm--order nil "The entries, the newest first.")
(defvar-local swarm--loading nil "Non-nil while the newest page is read.")

;;; From an item to text

(defun swarm--show-hidden (button)
  "Puts the text that BUTTON stands for in its place."
  (let ((inhibit-read-only t)
        (start (button-start button))
        (hidden (button-get button 'swarm-hidden)))
    (save-excursion
      (goto-char start)
      (delete-region start (button-end button))
      (insert (propertize hidden 'face 'swarm-output)))))

(defun swarm--fold (text shown)
  "TEXT with a button for the lines beyond the first SHOWN."
  (let* ((lines (split-string text "\n"))
         (rest (nthcdr shown lines)))
    (if (< (length rest) 2)
        (propertize text 'face 'swarm-output)
      (concat (propertize (mapconcat (lambda (line) (concat line "\n")) (seq-take lines shown) "")
                          'face 'swarm-output)
              (make-text-button (format "  … %d more lines" (length rest)) nil
                                'action #'swarm--show-hidden
                                'swarm-hidden (string-join rest "\n"))))))

(defun swarm--indent (text)
  "TEXT without the line ends at its end, its lines indented."
  (replace-regexp-in-string "^" "  " (string-trim-right text)))

(defun swarm--tool-text (item output)
  "The tool call ITEM with OUTPUT."
  (let ((status (plist-get item :status))
        (code (plist-get item :exitCode)))
    (concat (propertize (format "%s %s%s"
                                (pcase status ("started" "●") ("failed" "✗") (_ "✓"))
                                (or (plist-get item :title) (plist-get item :name))
                                (if (and code (/= code 0)) (format " (exit code %d)" code) ""))
                        'face 'swarm-tool)
            (unless (or (equal status "started") (string-blank-p output))
              (concat "\n" (swarm--fold (swarm--indent output) swarm-output-lines))))))

(defun swarm--remember-text (what rules)
  "A line that WHAT would be kept as RULES, or nothing when there are none."
  (when (and rules (not (zerop (length rules))))
    (format "\n  %s: %s" what (mapconcat #'identity rules ", "))))

(defun swarm--approval-text (approval)
  "The question APPROVAL, and how it was answered."
  (if (plist-get approval :decision)
      (propertize (format "✓ %s: %s by %s" (plist-get approval :title)
                          (plist-get approval :decision) (plist-get approval :by))
                  'face 'swarm-notice)
    (concat (propertize (concat "? " (plist-get approval :title)) 'face 'swarm-question)
            (when (plist-get approval :patch)
              (concat "\n" (swarm--indent (plist-get approval :patch))))
            (swarm--remember-text "always allows" (plist-get (plist-get approval :remember) :allow))
            (swarm--remember-text "never means" (plist-get (plist-get approval :remember) :reject))
            (propertize "\n  a allows, A rejects" 'face 'swarm-question))))

(defun swarm--item-text (entry)
  "The text of ENTRY; nil for kinds that this version does not know."
  (let ((item (swarm--entry-item entry))
        (text (swarm--entry-text entry)))
    (pcase (plist-get item :kind)
      ("user" (propertize (replace-regexp-in-string "^" "> " (string-trim-right text)) 'face 'swarm-user))
      ("assistant" (if (equal (plist-get item :status) "started") text (string-trim-right text)))
      ("reasoning" (concat (propertize "~ thinking\n" 'face 'swarm-output)
                           (if (equal (plist-get item :status) "started")
                               (propertize text 'face 'swarm-output)
                             (swarm--fold (string-trim-right text) 0))))
      ("tool" (swarm--tool-text item text))
      ("approval" (swarm--approval-text (plist-get item :approval)))
      ((or "notice" "message" "compaction")
       (propertize (concat "! " (string-trim-right text)) 'face 'swarm-notice)))))

(defun swarm--text-of (item)
  "The text that ITEM of the protocol brings."
  (or (pcase (plist-get item :kind)
        ("user" (mapconcat (lambda (block)
                             (or (plist-get block :text)
                                 (format "[%s]" (plist-get block :type))))
                           (plist-get item :content) "\n"))
        ("tool" (plist-get item :output))
        ("compaction" (plist-get item :summary))
        (_ (plist-get item :text)))
      ""))

;;; Into the buffer

(defmacro swarm--changing (&rest body)
  "Runs BODY, which changes this buffer; windows at its end follow."
  (declare (indent 0) (debug t))
  `(let ((inhibit-read-only t)
         (at-end (= (point) (point-max)))
         (following (seq-filter (lambda (window) (= (window-point window) (point-max)))
                                (get-buffer-window-list nil nil t))))
     (save-excursion ,@body)
     (set-buffer-modified-p nil)
     (when at-end (goto-char (point-max)))
     (dolist (window following)
       (set-window-point window (point-max)))))

(defun swarm--write (entry)
  "Writes ENTRY anew.  What is behind it moves along."
  (let ((text (swarm--item-text entry))
        (start (marker-position (swarm--entry-start entry))))
    (delete-region start (swarm--entry-end entry))
    (goto-char start)
    ;; Never empty, so that the markers of two entries do not meet.
    (insert "\n" (if text (concat text "\n") ""))
    (set-marker (swarm--entry-start entry) start)
    (set-marker (swarm--entry-end entry) (point))))

(defun swarm--add (item)
  "Makes an entry for ITEM, behind the one that began before it."
  (let* ((seq (plist-get item :seq))
         (newer (seq-take-while (lambda (entry) (> (plist-get (swarm--entry-item entry) :seq) seq)) swarm--order))
         (place (if newer (marker-position (swarm--entry-start (car (last newer)))) (point-max)))
         (entry (make-swarm--entry :item item :start (copy-marker place t) :end (copy-marker place))))
    (puthash (plist-get item :id) entry swarm--entries)
    (setq swarm--order (append newer (list entry) (nthcdr (length newer) swarm--order)))
    entry))

(defun swarm--take-item (item)
  "Takes ITEM; a completed one is the truth."
  (let ((entry (gethash (plist-get item :id) swarm--entries)))
    (unless (and entry (equal (plist-get item :status) "started"))
      (setq entry (or entry (swarm--add item)))
      (setf (swarm--entry-item entry) item
            (swarm--entry-text entry) (swarm--text-of item))
      (swarm--write entry))))

(defun swarm--new-text (text delta offset)
  "What DELTA at OFFSET, in bytes of UTF-8, adds to TEXT.
`anew' when it is another text; nil when something between is missing."
  (let* ((have (encode-coding-string text 'utf-8))
         (bytes (encode-coding-string delta 'utf-8))
         (known (- (length have) offset)))
    (cond ((< known 0) nil)
          ((= known 0) delta)
          ((not (equal (substring bytes 0 (min known (length bytes)))
                       (substring have offset (min (length have) (+ offset (length bytes))))))
           'anew)
          (t (decode-coding-string (substring bytes (min known (length bytes))) 'utf-8)))))

(defun swarm--take-delta (event)
  "Takes the delta EVENT."
  (let* ((entry (gethash (plist-get event :itemId) swarm--entries))
         (item (and entry (swarm--entry-item entry))))
    (when (equal (plist-get item :status) "started")
      (let* ((text (swarm--entry-text entry))
             (new (swarm--new-text text (plist-get event :text) (plist-get event :offset))))
        (cond ((eq new 'anew)
               (setf (swarm--entry-text entry) (plist-get event :text))
               (swarm--write entry))
              ((and new (not (string-empty-p new)))
               (setf (swarm--entry-text entry) (concat text new))
               (when (member (plist-get item :kind) '("assistant" "reasoning"))
                 (goto-char (1- (swarm--entry-end entry)))
                 (insert (if (equal (plist-get item :kind) "reasoning")
                             (propertize new 'face 'swarm-output)
                           new)))))))))

(defun swarm--take-stream (agent item delta)
  "Takes ITEM, or the event DELTA, into the buffer of AGENT."
  (let ((buffer (get-buffer (swarm--buffer-name (plist-get agent :id)))))
    (when buffer
      (with-current-buffer buffer
        (unless swarm--loading
          (swarm--changing
            (if item (swarm--take-item item) (swarm--take-delta delta))))))))

(add-hook 'swarm-item-functions (lambda (agent item) (swarm--take-stream agent item nil)))
(add-hook 'swarm-delta-functions (lambda (agent delta) (swarm--take-stream agent nil delta)))

;;; The buffer

(defun swarm--buffer-name (id)
  "The name of the transcript of the agent ID."
  (format "*swarm %s*" id))

(defun swarm--take-page (items seq)
  "Shows ITEMS instead of what is there, and follows from SEQ on."
  (swarm--changing
    (erase-buffer)
    (setq swarm--entries (make-hash-table :test #'equal)
          swarm--order nil)
    (mapc #'swarm--take-item items))
  (swarm-watch swarm-agent-id seq))

(defun swarm--load (&rest _)
  "Reads the newest page of this buffer's agent.
Events are not taken before it has come: they come again after it."
  (interactive)
  (setq swarm--loading t)
  (let ((buffer (current-buffer)))
    (swarm-request 'swarm/transcript (list :agentId swarm-agent-id :limit 200)
                    (lambda (result)
                      (when (buffer-live-p buffer)
                        (with-current-buffer buffer
                          (setq swarm--loading nil)
                          (swarm--take-page (plist-get result :items) (plist-get result :seq)))))
                    (lambda (problem &rest _)
                      (when (buffer-live-p buffer)
                        (with-current-buffer buffer (setq swarm--loading nil)))
                      (swarm-complain problem "the transcript")))))

(defun swarm--header ()
  "What the header line tells of this buffer's agent."
  (let* ((agent (swarm-agent swarm-agent-id))
         (err (plist-get agent :error))
         (said (or (plist-get err :message) (plist-get agent :activity))))
    (replace-regexp-in-string
     "%" "%%"
     (concat " " (or (plist-get agent :state) "?")
             (and said (concat ": " (string-remove-prefix "waiting: " said)))
             (and (plist-get agent :branch) (concat "  " (plist-get agent :branch)))
             "  " (if (equal (plist-get agent :provider) "demo")
                      "demo (a script, no model)"
                    (or (plist-get agent :model) ""))))))

(defun swarm--unsubscribe ()
  "Tells the server that nobody looks any more."
  (swarm-unwatch swarm-agent-id))

(defvar swarm-transcript-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map button-buffer-map)
    (define-key map "i" #'swarm-send)
    (define-key map "s" #'swarm-send)
    (define-key map "a" #'swarm-allow)
    (define-key map "A" #'swarm-reject)
    (define-key map "c" #'swarm-cancel)
    (define-key map "K" #'swarm-kill)
    (define-key map "r" #'swarm-resume)
    (define-key map "X" #'swarm-remove)
    (define-key map "g" #'swarm--load)
    (define-key map "q" #'quit-window)
    map))

(define-derived-mode swarm-transcript-mode special-mode "Swarm-Transcript"
  "What a swarm agent says and does.  Point at the end follows it."
  (setq-local header-line-format '(:eval (swarm--header)))
  (setq-local word-wrap t)
  (setq-local swarm--entries (make-hash-table :test #'equal))
  (buffer-disable-undo)
  (add-hook 'kill-buffer-hook #'swarm--unsubscribe nil t))

(defun swarm-open (id)
  "Shows the transcript of the agent ID."
  (let ((buffer (get-buffer-create (swarm--buffer-name id))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'swarm-transcript-mode)
        (swarm-transcript-mode)
        (setq swarm-agent-id id)
        (swarm--load)))
    (pop-to-buffer buffer)))

(defun swarm--each-transcript (function)
  "Calls FUNCTION in every transcript buffer."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when (derived-mode-p 'swarm-transcript-mode)
        (funcall function)))))

(add-hook 'swarm-reset-functions
          (lambda (_place) (swarm--each-transcript #'swarm--load)))

(add-hook 'swarm-agent-functions
          (lambda (agent)
            (let ((buffer (get-buffer (swarm--buffer-name (plist-get agent :id)))))
              (when buffer
                (with-current-buffer buffer (force-mode-line-update))))))

(add-hook 'swarm-gone-functions
          (lambda (agent)
            (let ((buffer (get-buffer (swarm--buffer-name (plist-get agent :id)))))
              (when buffer (kill-buffer buffer)))))

(declare-function swarm-send "swarm")
(declare-function swarm-allow "swarm")
(declare-function swarm-reject "swarm")
(declare-function swarm-cancel "swarm")
(declare-function swarm-kill "swarm")
(declare-function swarm-resume "swarm")
(declare-function swarm-remove "swarm")

(provide 'swarm-transcript)
;;; swarm-transcript.el ends here
