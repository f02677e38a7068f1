;;; swarm-items.el --- What an item of a transcript looks like  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Pure functions from items of the protocol (docs/protocol.md, "Items") to text with properties.
;;
;;   (swarm-items-text ITEM TEXT FOLDED)  how ITEM looks, whose text so far is TEXT; nil for kinds
;;                                        that this version does not know
;;   (swarm-items-content ITEM)           the text that ITEM brings
;;   (swarm-items-foldable-p ITEM)        whether it has a body behind a title
;;   (swarm-items-folded-p ITEM)          whether that is folded, unless the reader says otherwise
;;   (swarm-items-markdown TEXT FENCE)    Markdown with faces and links

;;; Code:

(require 'ansi-color)
(require 'button)
(require 'diff-mode)
(require 'parse-time)
(require 'seq)
(require 'subr-x)
(require 'swarm-links)
(require 'url-util)

(defcustom swarm-output-lines 40
  "The lines of a tool's output that are shown at first; a button shows the rest."
  :type 'integer
  :group 'swarm-transcript)

(defface swarm-user '((t :inherit font-lock-keyword-face)) "What people said." :group 'swarm-transcript)
(defface swarm-tool '((t :inherit font-lock-function-name-face)) "A tool call." :group 'swarm-transcript)
(defface swarm-output '((t :inherit shadow)) "What a tool put out, and reasoning." :group 'swarm-transcript)
(defface swarm-notice '((t :inherit font-lock-comment-face)) "A notice." :group 'swarm-transcript)
(defface swarm-question '((t :inherit warning)) "A question to a person." :group 'swarm-transcript)
(defface swarm-failure '((t :inherit error)) "What failed." :group 'swarm-transcript)
(defface swarm-code '((t :inherit font-lock-constant-face)) "Code in what an agent says." :group 'swarm-transcript)
(defface swarm-heading '((t :inherit bold)) "A heading in what an agent says." :group 'swarm-transcript)

;;; Markdown

(defconst swarm-items--inline
  '(("`[^`\n]+`" . swarm-code)
    ("\\*\\*[^*\n]+\\*\\*" . bold)
    ("\\(?:^\\|[^*[:alnum:]]\\)\\(\\*[^* \n][^*\n]*\\*\\)" . italic))
  "What has a face within a line of Markdown.")

(defun swarm-items--faces (line)
  "Give LINE of Markdown, destructively, the faces within it."
  (pcase-dolist (`(,regexp . ,face) swarm-items--inline)
    (let ((start 0) (group (if (eq face 'italic) 1 0)))
      (while (string-match regexp line start)
        (setq start (max (1+ start) (match-end 0)))
        (add-face-text-property (match-beginning group) (match-end group) face nil line))))
  line)

(defun swarm-items--diff-face (line)
  "Return the face of LINE of a diff, or nil."
  (cond ((string-match-p "\\`\\(?:diff --git\\|index\\|--- \\|\\+\\+\\+ \\|new file\\|deleted file\\|rename\\|similarity\\)" line)
         'diff-header)
        ((string-prefix-p "@@" line) 'diff-hunk-header)
        ((string-prefix-p "+" line) 'diff-added)
        ((string-prefix-p "-" line) 'diff-removed)))

(defun swarm-items-diff (patch)
  "Return PATCH with the faces of a diff."
  (mapconcat (lambda (line)
               (let ((face (swarm-items--diff-face line)))
                 (if face (propertize line 'face face) line)))
             (split-string patch "\n") "\n"))

(defun swarm-items--markdown-line (line fence)
  "Return LINE of Markdown with faces; FENCE is the language of the block it is in."
  (cond ((equal fence "diff") (swarm-items-diff line))
        (fence (swarm-links-in (propertize line 'face 'swarm-code)))
        ((string-match-p "\\`#+ " line) (propertize line 'face 'swarm-heading))
        ((string-match-p "\\` *>" line) (propertize line 'face 'swarm-notice))
        (t (swarm-items--faces (swarm-links-in line)))))

(defun swarm-items-markdown (text fence)
  "Return (TEXT . FENCE): TEXT of Markdown with faces and links.
FENCE is the language of the fenced block that TEXT begins in, nil
outside of one; the one returned is that of TEXT's end."
  (let (lines)
    (dolist (line (split-string text "\n"))
      (if (string-match "\\` *\\(?:```+\\|~~~+\\)\\([[:alnum:]+-]*\\)" line)
          (setq lines (cons (propertize line 'face 'swarm-output) lines)
                fence (if fence nil (match-string 1 line)))
        (push (swarm-items--markdown-line line fence) lines)))
    (cons (string-join (nreverse lines) "\n") fence)))

;;; Long texts

(defconst swarm-items--lines-under-way 10
  "How many lines are shown of what is not at its end.")

(define-button-type 'swarm-more
  'action #'swarm-items-show-more 'face 'swarm-link 'follow-link t 'help-echo "RET, mouse-1: show it")

(define-button-type 'swarm-whole
  'action #'swarm-items-visit-whole 'face 'swarm-link 'follow-link t
  'help-echo "RET, mouse-1: visit the whole output")

(defvar-local swarm-items-more-function nil
  "Called with the id of an item whose whole text is to be shown.")

(defun swarm-items-show-more (button)
  "Show the rest of the text that BUTTON stands for."
  (funcall swarm-items-more-function (button-get button 'swarm-item)))

(defun swarm-items-visit-whole (button)
  "Visit the file that has the whole output that BUTTON is about."
  (let ((file (concat (file-remote-p default-directory)
                      (decode-coding-string
                       (url-unhex-string (string-remove-prefix "file://" (button-get button 'swarm-uri))) 'utf-8))))
    (unless (file-exists-p file)
      (user-error "The whole output is not kept any more"))
    (find-file-other-window file)))

(defun swarm-items-button (text type &rest properties)
  "Return TEXT as a button of TYPE with PROPERTIES."
  (let ((text (copy-sequence text)))
    (apply #'swarm-links-make text 0 (length text) type properties)
    text))

(defun swarm-items--shorten (text item)
  "Return TEXT of ITEM, with a button for what is beyond `swarm-output-lines'."
  (let* ((lines (split-string text "\n"))
         (rest (nthcdr swarm-output-lines lines)))
    (if (or (< (length rest) 2) (plist-get item :swarm-whole))
        text
      (concat (string-join (seq-take lines swarm-output-lines) "\n") "\n"
              (swarm-items-button (format "… %d more lines" (length rest)) 'swarm-more
                                        'swarm-item (plist-get item :id))))))

(defun swarm-items-indent (text)
  "Return TEXT without the white space at its end, its lines indented."
  (replace-regexp-in-string "^" "  " (string-trim-right text)))

(defun swarm-items--newest (text item)
  "Return the newest lines of TEXT while ITEM is under way, else TEXT."
  (if (equal (plist-get item :status) "started")
      (let ((lines (split-string text "\n")))
        (string-join (last lines swarm-items--lines-under-way) "\n"))
    text))

(defun swarm-items--terminal (text)
  "Return TEXT as a terminal has it in the end, without colours."
  (let ((ansi-color-context nil))
    (replace-regexp-in-string "^.*\r\\(?:\\([^\n]\\)\\)" "\\1"
                              (replace-regexp-in-string "\r+\n" "\n" (ansi-color-filter-apply text)))))

(defun swarm-items--output (text item)
  "Return TEXT, an output of ITEM, as it is shown."
  (let ((full (plist-get item :full))
        (shown (swarm-items--newest (string-trim-right (swarm-items--terminal text)) item)))
    (setq shown (if (equal (plist-get item :name) "edit") (swarm-items-diff shown)
                  (swarm-links-in (propertize shown 'face 'swarm-output))))
    (swarm-items-indent
     (concat (swarm-items--shorten shown item)
             (and full (concat "\n" (swarm-items-button
                                     (format "the whole output, %s" (file-size-human-readable (plist-get item :bytes)))
                                     'swarm-whole 'swarm-uri full)))))))

;;; Titles

(defun swarm-items--time (time)
  "Return TIME of the protocol in seconds, with its fraction."
  (+ (float-time (parse-iso8601-time-string time))
     (if (string-match "\\.[0-9]+" time) (string-to-number (match-string 0 time)) 0)))

(defun swarm-items-seconds (from to)
  "Return the seconds between the times FROM and TO of the protocol."
  (- (swarm-items--time to) (swarm-items--time from)))

(defun swarm-items-duration (seconds)
  "Return SECONDS for people."
  (cond ((< seconds 9.95) (format "%.1fs" (max 0 seconds)))
        ((< seconds 100) (format "%ds" (round seconds)))
        ((< seconds 6000) (format "%dm" (round seconds 60)))
        (t (format "%dh" (round seconds 3600)))))

(defun swarm-items--took (item)
  "Return how long ITEM took, for people; nothing while it is not known."
  (if (plist-get item :endedAt)
      (concat "  " (swarm-items-duration (swarm-items-seconds (plist-get item :time) (plist-get item :endedAt))))
    ""))

(defun swarm-items--lines (text)
  "Return how many lines TEXT has, for people; nothing when it has none."
  (let ((count (length (split-string (string-trim-right text) "\n"))))
    (cond ((string-blank-p text) "") ((= count 1) "  1 line") (t (format "  %d lines" count)))))

(defun swarm-items--sign (item)
  "Return the sign of the status of ITEM."
  (pcase (plist-get item :status)
    ("started" "●")
    ("failed" (propertize "✗" 'face 'swarm-failure))
    (_ (if (memql (plist-get item :exitCode) '(nil 0)) "✓" (propertize "✗" 'face 'swarm-failure)))))

(defun swarm-items--mark (body folded)
  "Return the mark in front of a title whose BODY, which may be nil, is FOLDED."
  (cond ((null body) "  ") (folded "▸ ") (t "▾ ")))

;;; Kinds

(defun swarm-items--edits (item)
  "Return the change by the tool call ITEM as a diff, or nil."
  (let* ((input (or (plist-get item :editedInput) (plist-get item :input)))
         (lines (lambda (sign text)
                  (and text (not (string-empty-p text))
                       (mapconcat (lambda (line) (concat sign line))
                                  (split-string (string-remove-suffix "\n" text) "\n") "\n")))))
    (when (listp input)
      (pcase (plist-get item :name)
        ("write" (funcall lines "+" (plist-get input :content)))
        ("edit" (unless (string-match-p "^@@ " (or (plist-get item :output) "")) ; a diff by itself
                  (mapconcat (lambda (edit)
                               (string-join (delq nil (list (funcall lines "-" (plist-get edit :old_text))
                                                            (funcall lines "+" (plist-get edit :new_text))))
                                            "\n"))
                             (plist-get input :edits) "\n@@\n")))))))

(defun swarm-items--tool-body (item text)
  "Return what is behind the title of the tool call ITEM with the output TEXT."
  (let ((edits (swarm-items--edits item)) (blocked (plist-get item :blocked)))
    (let ((parts (delq nil (list (and edits (not (string-empty-p edits))
                                      (swarm-items-indent (swarm-items--shorten (swarm-items-diff edits) item)))
                                 (and (plist-get item :editedInput) "  (as a person changed it)")
                                 (and (not (string-blank-p text)) (swarm-items--output text item))
                                 (and blocked (propertize (swarm-items-indent blocked) 'face 'swarm-failure))))))
      (and parts (string-join parts "\n")))))

(defun swarm-items--titled (mark title face took body folded)
  "Return TITLE with FACE between MARK and TOOK, then BODY, hidden when FOLDED."
  (concat mark (propertize title 'face face) (propertize took 'face 'swarm-output)
          (and body (let ((text (concat "\n" body)))
                      (if folded (propertize text 'invisible 'swarm) text)))))

(defun swarm-items--tool-title (item)
  "Return the title of the tool call ITEM, the file that it is about as a link."
  (let* ((title (swarm-links-in (car (split-string (or (plist-get item :title) (plist-get item :name)) "\n"))))
         (input (plist-get item :input))
         (path (and (listp input) (plist-get input :path)))
         (at (and (stringp path) (not (string-empty-p path)) (string-match (regexp-quote path) title))))
    (when at
      (swarm-links-make title at (match-end 0) 'swarm-file 'swarm-file path 'swarm-line nil))
    title))

(defun swarm-items--tool (item text folded)
  "Return the tool call ITEM with the output TEXT; its body may be FOLDED."
  (let ((body (swarm-items--tool-body item text)) (code (plist-get item :exitCode)))
    (swarm-items--titled
     (concat (swarm-items--mark body folded) (swarm-items--sign item) " ")
     (swarm-items--tool-title item)
     'swarm-tool
     (concat (and code (/= code 0) (format "  exit code %d" code)) (swarm-items--took item) (swarm-items--lines text))
     body folded)))

(defun swarm-items--reasoning (item text folded)
  "Return the reasoning ITEM with TEXT, perhaps FOLDED; nil without a word."
  (unless (string-blank-p text)
    (let ((body (propertize (swarm-items-indent (swarm-items--newest text item)) 'face 'swarm-output)))
      (swarm-items--titled (swarm-items--mark body folded)
                           (pcase (plist-get item :status) ("started" "thinking") ("failed" "thought, cut off") (_ "thought"))
                           'swarm-output (concat (swarm-items--took item) (swarm-items--lines text)) body folded))))

(defun swarm-items--assistant (item text)
  "Return the answer ITEM with TEXT."
  (concat (car (swarm-items-markdown (string-trim-right text) nil))
          (when (equal (plist-get item :status) "failed")
            (propertize (if (string-blank-p text) "✗ no answer came" "\n✗ cut off here") 'face 'swarm-failure))))

(defun swarm-items--rules (what rules)
  "Return a line that the answer WHAT is kept as RULES, or nil."
  (when (> (length rules) 0)
    (format "  %s: %s" what (mapconcat #'identity rules ", "))))

(defun swarm-items-question (approval)
  "Return what the question APPROVAL is about, as lines."
  (let* ((input (plist-get approval :input)) (patch (plist-get approval :patch))
         (command (and (listp input) (plist-get input :command)))
         (remember (plist-get approval :remember)))
    (string-join
     (delq nil
           (list (cond (patch (swarm-items-indent (swarm-items-diff patch)))
                       (command (swarm-items-indent (propertize command 'face 'swarm-code))))
                 (and (plist-get approval :why) (propertize (format "  asked, as %s" (plist-get approval :why)) 'face 'swarm-output))
                 (swarm-items--rules "always allows" (plist-get remember :allow))
                 (swarm-items--rules "never allows" (plist-get remember :reject))))
     "\n")))

(defun swarm-items--decision (approval)
  "Return how APPROVAL was answered."
  (concat (pcase (plist-get approval :decision)
            ("allow" "allowed") ("allowAlways" "always allowed") ("reject" "rejected") ("rejectAlways" "always rejected")
            (other other))
          (and (plist-get approval :by) (format " by %s" (plist-get approval :by)))
          (and (plist-get approval :editedInput) ", changed")
          (and (plist-get approval :reason) (format ": %s" (plist-get approval :reason)))))

(defun swarm-items--approval (item folded)
  "Return the question ITEM, and how it was answered; its body may be FOLDED."
  (let* ((approval (plist-get item :approval)) (decided (plist-get approval :decision))
         (body (swarm-items-question approval)) (body (unless (string-empty-p body) body)))
    (cond ((or decided (equal (plist-get item :status) "failed"))
           (swarm-items--titled (concat (swarm-items--mark body folded) "? ") (plist-get approval :title) 'swarm-notice
                                (concat "  " (if decided (swarm-items--decision approval) "closed without an answer"))
                                body folded))
          (t (concat (swarm-items--titled (swarm-items--mark body folded) (concat "? " (plist-get approval :title))
                                          'swarm-question "" body folded)
                     (propertize "\n  a allow   ! always   r reject   e edit" 'face 'swarm-question))))))

(defun swarm-items--plan (item)
  "Return the plan ITEM."
  (concat "  plan"
          (mapconcat (lambda (entry)
                       (format "\n  %s %s"
                               (pcase (plist-get entry :status) ("completed" "✓") ("in_progress" "●") (_ "·"))
                               (or (plist-get entry :content) (plist-get entry :text) "")))
                     (plist-get item :entries) "")))

(defun swarm-items--compaction (item text folded)
  "Return the compaction ITEM with the summary TEXT, perhaps FOLDED."
  (let ((body (unless (string-blank-p text) (swarm-items-indent text))))
    (swarm-items--titled (concat (swarm-items--mark body folded) "! ") "context compacted" 'swarm-notice
                         (format ": %s to %s tokens" (plist-get item :before) (plist-get item :after)) body folded)))

(defun swarm-items--user (item text)
  "Return the message ITEM of a person with TEXT."
  (concat (propertize (replace-regexp-in-string "^" "> " (string-trim-right text)) 'face 'swarm-user)
          (and (equal (plist-get item :status) "failed") (propertize "\n✗ not sent" 'face 'swarm-failure))))

(defun swarm-items--notice (item text)
  "Return the notice ITEM with TEXT."
  (propertize (concat "  ! " (swarm-links-in (string-trim-right text)))
              'face (pcase (plist-get item :level) ("error" 'swarm-failure) ("warning" 'swarm-question) (_ 'swarm-notice))))

(defun swarm-items-text (item text folded)
  "Return ITEM, whose text so far is TEXT, as it is shown with its body FOLDED.
That is nil when there is nothing to show, or its kind is not known."
  (pcase (plist-get item :kind)
    ("user" (swarm-items--user item text))
    ("assistant" (swarm-items--assistant item text))
    ("reasoning" (swarm-items--reasoning item text folded))
    ("tool" (swarm-items--tool item text folded))
    ("plan" (swarm-items--plan item))
    ("approval" (swarm-items--approval item folded))
    ("compaction" (swarm-items--compaction item text folded))
    ("message" (swarm-items--notice item (format "%s to %s: %s" (plist-get item :from) (plist-get item :to) text)))
    ((or "notice" "merge" "rewind") (swarm-items--notice item text))))

(defun swarm-items-content (item)
  "Return the text of ITEM of the protocol."
  (or (pcase (plist-get item :kind)
        ("user" (mapconcat (lambda (block) (or (plist-get block :text) (format "[%s]" (plist-get block :type))))
                           (plist-get item :content) "\n"))
        ("tool" (plist-get item :output))
        ("compaction" (plist-get item :summary))
        (_ (plist-get item :text)))
      ""))

(defun swarm-items-shown-p (item text)
  "Return non-nil when `swarm-items-text' has something for ITEM with TEXT."
  (pcase (plist-get item :kind)
    ("reasoning" (not (string-blank-p text)))
    ("assistant" (not (and (equal (plist-get item :status) "started") (string-blank-p text))))
    ((or "user" "tool" "plan" "approval" "compaction" "message" "notice" "merge" "rewind") t)))

(defun swarm-items-foldable-p (item)
  "Return non-nil when ITEM has a body behind a title."
  (member (plist-get item :kind) '("tool" "reasoning" "compaction" "approval")))

(defun swarm-items-folded-p (item)
  "Return non-nil when the body of ITEM is folded of itself.
What is under way, failed or is to be answered is not."
  (and (swarm-items-foldable-p item)
       (cond
        ((equal (plist-get item :kind) "approval") (not (equal (plist-get item :status) "started")))
        ((member (plist-get item :name) '("write" "edit")) t) ; a question shows the same
        (t
         (and (equal (plist-get item :status) "completed") (memql (plist-get item :exitCode) '(nil 0)) t)))))

(defun swarm-items-compact-p (item)
  "Return non-nil when ITEM is a line among others of its like."
  (not (or (member (plist-get item :kind) '("user" "assistant" "plan"))
           (and (equal (plist-get item :kind) "approval") (equal (plist-get item :status) "started")))))

(provide 'swarm-items)
;;; swarm-items.el ends here
