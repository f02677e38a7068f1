;;; swarm-row.el --- An agent in one line  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; From an agent to the words, signs and figures that people see of it; the dashboard's lines are
;; made of these.  Nothing here looks at a buffer or a server.
;;
;; A thousand lines may change twenty times a second, so little garbage is made: what a column shows
;; is a list of text, face, text, face... that goes into one buffer, and one string comes out.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'swarm-state)

(defface swarm-title '((t :inherit bold)) "The name of a view." :group 'swarm)
(defface swarm-heading '((t :inherit font-lock-keyword-face :weight bold)) "A heading." :group 'swarm)
(defface swarm-working '((t :inherit font-lock-function-name-face)) "An agent at work." :group 'swarm)
(defface swarm-waiting '((t :inherit warning)) "An agent that needs a person." :group 'swarm)
(defface swarm-done '((t :inherit success)) "An agent that has done its turn." :group 'swarm)
(defface swarm-failed '((t :inherit error)) "An agent that failed." :group 'swarm)
(defface swarm-dim '((t :inherit shadow)) "What matters less." :group 'swarm)
(defface swarm-marked '((t :inherit dired-marked)) "The mark of an agent." :group 'swarm)
(defface swarm-added '((t :inherit success)) "A count of lines that were added." :group 'swarm)
(defface swarm-removed '((t :inherit error)) "A count of lines that were removed." :group 'swarm)

(defconst swarm-row-groups
  '(("Needs input" "waiting" "blocked")
    ("Working" "working" "starting" "queued" "idle" "paused")
    ("Done" "done")
    ("Failed" "failed" "killed")
    ("Detached" "detached"))
  "The groups of agents in their order, each with its states.")

(defconst swarm-row--group-numbers
  (apply #'append (seq-map-indexed (lambda (group number)
                                     (mapcar (lambda (state) (cons state number)) (cdr group)))
                                   swarm-row-groups))
  "The number of the group of each state.")

(defconst swarm-row-signs
  '(("queued" "…" swarm-dim) ("blocked" "!" swarm-waiting) ("starting" "+" swarm-working)
    ("idle" "-" swarm-dim) ("working" "●" swarm-working) ("waiting" "?" swarm-waiting)
    ("paused" "=" swarm-dim) ("done" "✓" swarm-done) ("failed" "✗" swarm-failed)
    ("killed" "✗" swarm-failed) ("detached" "~" swarm-waiting))
  "The sign and face of each state.")

(defconst swarm-row-stop-reasons
  '(("maxTokens" . "the answer was cut off at its longest")
    ("maxSteps" . "it came to the limit of steps")
    ("timeout" . "it came to the limit of time")
    ("budget" . "its budget is used up")
    ("cancelled" . "cancelled")
    ("refused" . "the model refused"))
  "Why a turn ended, where it did not simply come to its end.")

;;; Words

(defun swarm-row-group (agent)
  "Return the number of the group of AGENT."
  (alist-get (plist-get agent :state) swarm-row--group-numbers 1 nil #'equal))

(defun swarm-row-sign (agent)
  "Return the sign of the state of AGENT and its face, as a list."
  (let ((sign (cdr (assoc (plist-get agent :state) swarm-row-signs))))
    (cond ((and (equal (plist-get agent :state) "done")
                (assoc (plist-get agent :stopReason) swarm-row-stop-reasons))
           '("-" swarm-waiting)) ; a tick is for turns that came to their end
          (sign)
          (t '("-" nil)))))

(defun swarm-row-duration (seconds)
  "Return words for SECONDS, of at most four columns."
  (let ((seconds (max 0 (floor seconds))))
    (cond ((< seconds 60) (format "%ds" seconds))
          ((< seconds 3600) (format "%dm" (/ seconds 60)))
          ((< seconds 86400) (format "%dh" (/ seconds 3600)))
          (t (format "%dd" (/ seconds 86400))))))

(defun swarm-row-count (number)
  "Return NUMBER in at most five columns."
  (cond ((< number 1000) (format "%d" number))
        ((< number 99950) (format "%.1fk" (/ number 1000.0)))
        ((< number 999500) (format "%.0fk" (/ number 1000.0)))
        (t (format "%.1fM" (/ number 1000000.0)))))

(defun swarm-row-cost (dollars)
  "Return DOLLARS as people write them, or nothing when they are not known."
  (cond ((null dollars) "")
        ((< 0 dollars 0.01) "<$.01")
        ((< dollars 1000) (format "$%.2f" dollars))
        (t (format "$%.0f" dollars))))

(defun swarm-row-tokens (agent)
  "Return the tokens that AGENT has used."
  (let ((usage (plist-get agent :usage)))
    (+ (or (plist-get usage :inputTokens) 0) (or (plist-get usage :outputTokens) 0))))

(defun swarm-row-one-line (text)
  "Return TEXT without line ends and what else does not belong into a line."
  (if (string-match-p "[\n\t\r\0-\37]" text)
      (string-trim (replace-regexp-in-string "[\n\t\r\0-\37 ]+" " " text))
    text))

(defun swarm-row-activity (agent)
  "Return what AGENT does, asks, or did."
  (let ((activity (plist-get agent :activity))
        (problem (plist-get (plist-get agent :error) :message))
        (reason (cdr (assoc (plist-get agent :stopReason) swarm-row-stop-reasons))))
    (swarm-row-one-line
     (cond ((and activity (not (string-empty-p activity))) (string-remove-prefix "waiting: " activity))
           (problem)
           ((and reason (equal (plist-get agent :state) "done"))
            (concat reason ": " (plist-get agent :task)))
           ((member (plist-get agent :state) '("paused" "queued" "starting" "blocked" "killed"))
            (concat (plist-get agent :state) ": " (plist-get agent :task)))
           (t (or (plist-get agent :task) ""))))))

(defun swarm-row-bar (used size cells)
  "Return a bar of CELLS for USED of SIZE, as texts and faces, or nothing."
  (unless (or (null used) (null size) (zerop size) (zerop used))
    (let* ((part (min 1.0 (/ (float used) size)))
           (full (min cells (ceiling (* part cells)))))
      (list (make-string full ?▰)
            (cond ((> part 0.85) 'swarm-failed) ((> part 0.6) 'swarm-waiting) (t 'swarm-working))
            (make-string (- cells full) ?▱)
            'swarm-dim))))

(defun swarm-row-changes (agent)
  "Return the files and lines that AGENT changed, as texts and faces, or nothing."
  (let ((changes (plist-get agent :changes)))
    (unless (or (null changes) (zerop (or (plist-get changes :files) 0)))
      (list (format "%d " (plist-get changes :files)) nil
            (concat "+" (swarm-row-count (plist-get changes :added)) " ") 'swarm-added
            (concat "-" (swarm-row-count (plist-get changes :removed))) 'swarm-removed))))

(defun swarm-row-counts (agent)
  "Return the messages that wait for AGENT and its questions, as texts and faces."
  (let ((queued (or (plist-get agent :queued) 0))
        (approvals (or (plist-get agent :approvals) 0)))
    (append (and (> queued 0) (list (format (if (> approvals 0) "%dq " "%dq") queued) nil))
            (and (> approvals 0) (list (format "%d?" approvals) 'swarm-waiting)))))

(defun swarm-row-model (agent)
  "Return the model of AGENT, or that it is the scripted one."
  (if (equal (plist-get agent :provider) "demo") "demo" (or (plist-get agent :model) "")))

;;; Columns

(defconst swarm-row-columns
  `((model "Model" 16 left 120 ,(lambda (agent _age) (list (swarm-row-model agent) nil)))
    (age "Age" 4 right 0 ,(lambda (_agent age) (list age nil)))
    (tokens "Tokens" 6 right 60
            ,(lambda (agent _age)
               (let ((tokens (swarm-row-tokens agent)))
                 (unless (zerop tokens) (list (swarm-row-count tokens) nil)))))
    (cost "Cost" 6 right 104
          ,(lambda (agent _age) (list (swarm-row-cost (plist-get (plist-get agent :usage) :costUsd)) nil)))
    (context "Cntxt" 5 left 112
             ,(lambda (agent _age)
                (let ((usage (plist-get agent :usage)))
                  (swarm-row-bar (plist-get usage :contextUsed) (plist-get usage :contextSize) 5))))
    (changes "Files  +/-" 13 right 80 ,(lambda (agent _age) (swarm-row-changes agent)))
    (counts "" 5 right 70 ,(lambda (agent _age) (swarm-row-counts agent))))
  "The columns behind the activity.
Each has a name, title, width, side, the least width of a window
that has it, and a function of the agent and its age that returns
texts and faces.")

(defun swarm-row-layout (width)
  "Return how lines of WIDTH are divided: (NAME ACTIVITY COLUMN...)."
  (let* ((columns (seq-filter (lambda (column) (>= width (nth 4 column))) swarm-row-columns))
         (taken (apply #'+ 4 (mapcar (lambda (column) (+ 2 (nth 2 column))) columns)))
         (left (max 24 (- width taken 3)))
         (name (max 12 (min 30 (/ (* left 2) 5)))))
    (cons name (cons (max 10 (- left name)) columns))))

(defun swarm-row--columns (text)
  "Return how many columns TEXT has."
  (if (= (string-bytes text) (length text)) (length text) (string-width text)))

(defun swarm-row--cut (text width)
  "Return TEXT, which has more than WIDTH columns, in at most so many."
  (concat (if (= (string-bytes text) (length text))
              (substring text 0 (1- width))
            (truncate-string-to-width text (1- width)))
          "…"))

(defvar swarm-row--faces nil
  "While a line is made: (START END FACE) of its parts.")

(defun swarm-row--insert (parts width &optional right)
  "Insert PARTS, texts and faces, in WIDTH columns, at the RIGHT or at the left."
  (let ((space width) (rest parts))
    (while rest
      (setq space (- space (swarm-row--columns (car rest)))
            rest (cddr rest)))
    (when (and right (> space 0)) (insert-char ?\s space))
    (if (< space 0)
        (swarm-row--insert (list (swarm-row--cut (car parts) width) (cadr parts)) width)
      (while parts
        (let ((start (point)))
          (insert (car parts))
          (when (cadr parts) (push (list (1- start) (1- (point)) (cadr parts)) swarm-row--faces)))
        (setq parts (cddr parts))))
    (unless (or right (<= space 0)) (insert-char ?\s space))))

(defun swarm-row-fit (text width &optional right)
  "Return TEXT in WIDTH columns, at the RIGHT of them or at the left."
  (with-temp-buffer
    (swarm-row--insert (list text nil) width right)
    (buffer-string)))

(defun swarm-row-titles (layout)
  "Return the titles of the columns of LAYOUT."
  (concat "    " (swarm-row-fit "Agent" (car layout)) "  " (swarm-row-fit "Activity" (cadr layout))
          (mapconcat (lambda (column)
                       (concat "  " (swarm-row-fit (nth 1 column) (nth 2 column) (eq (nth 3 column) 'right))))
                     (cddr layout) "")))

(defun swarm-row--face (agent)
  "Return the face of what AGENT does."
  (cond ((equal (plist-get agent :state) "waiting") 'swarm-waiting)
        ((plist-get agent :error) 'swarm-failed)
        ((equal (plist-get agent :state) "working") nil)
        (t 'swarm-dim)))

(defun swarm-row--insert-line (agent layout age depth mark)
  "Insert the line of AGENT with LAYOUT, AGE, DEPTH and MARK."
  (swarm-row--insert (if mark (list (string mark) 'swarm-marked) '(" " nil)) 2)
  (insert-char ?\s (* 2 depth))
  (swarm-row--insert (swarm-row-sign agent) 2)
  (swarm-row--insert (list (swarm-row-one-line (swarm-agent-label agent)) nil) (- (car layout) (* 2 depth)))
  (insert "  ")
  (swarm-row--insert (list (swarm-row-activity agent) (swarm-row--face agent)) (cadr layout))
  (dolist (column (cddr layout))
    (insert "  ")
    (swarm-row--insert (funcall (nth 5 column) agent age) (nth 2 column) (eq (nth 3 column) 'right)))
  (skip-chars-backward " ")
  (delete-region (point) (point-max)))

(defun swarm-row-line (agent layout age &optional depth mark)
  "Return the line of AGENT, which is AGE old, for LAYOUT.
It is indented for the DEPTH of the agent under its parents, and
begins with MARK."
  (with-current-buffer (get-buffer-create " *swarm row*")
    (setq buffer-undo-list t)
    (erase-buffer)
    (let ((swarm-row--faces nil))
      (swarm-row--insert-line agent layout age (min (or depth 0) 4) mark)
      (let ((line (buffer-substring-no-properties (point-min) (point-max))))
        (pcase-dolist (`(,start ,end ,face) swarm-row--faces)
          (put-text-property start (min end (length line)) 'face face line))
        line))))

(provide 'swarm-row)
;;; swarm-row.el ends here
