;;; items.el --- Tests of what needs no server  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Items as text, patches, and a transcript that is fed by hand: requests go nowhere here.

;;; Code:

(require 'swarm-test)
(require 'swarm-items)
(require 'swarm-patch)

(defvar item-seq 100 "The seq of the newest item that was made up.")

(defun item (kind &rest members)
  "Return a completed item of KIND with MEMBERS."
  (let ((seq (or (plist-get members :seq) (setq item-seq (1+ item-seq)))))
    (append members
            (list :id (format "i%d" seq) :agentId "a" :turn 1 :step 1 :seq seq
                  :time "2026-11-21T08:41:51.000Z" :kind kind)
            (unless (plist-get members :status) '(:status "completed")))))

(defun user (text) (item "user" :content (vector (list :type "text" :text text)) :from "Emacs"))

(defun looks (item &optional folded)
  "Return how ITEM looks, without properties."
  (substring-no-properties (swarm-items-text item (swarm-items-content item) folded)))

(ert-deftest each-kind-of-item-can-be-read ()
  (should (equal (looks (user "do it\nnow")) "> do it\n> now"))
  (should (equal (looks (item "assistant" :text "Done.\n")) "Done."))
  (should (equal (looks (item "notice" :level "info" :text "hear")) "  ! hear"))
  (should (equal (looks (item "message" :from "a" :to "b" :text "hi")) "  ! a to b: hi"))
  (should (string-match-p "120 to 8 tokens\n  short" (looks (item "compaction" :before 120 :after 8 :summary "short"))))
  (should (equal (looks (item "plan" :entries [(:content "one" :status "completed") (:content "two" :status "pending")]))
                 "  plan\n  ✓ one\n  · two"))
  (should-not (swarm-items-text (item "from the future" :text "x") "x" nil))
  (should-not (swarm-items-text (item "reasoning" :text "") "" nil)))

(ert-deftest a-call-has-a-title-with-status-and-duration ()
  (let ((call (item "tool" :name "bash" :title "bash: make" :input '(:command "make") :output "one\ntwo\n" :exitCode 2
                    :endedAt "2026-11-21T08:41:53.340Z")))
    (should (equal (looks call) "▾ ✗ bash: make  exit code 2  2.3s  2 lines\n  one\n  two"))
    (should-not (swarm-items-folded-p call))
    (let ((text (swarm-items-text call "one\n" t)))
      (should (equal (get-text-property (1- (length text)) 'invisible text) 'swarm))))
  (should (swarm-items-folded-p (item "tool" :name "bash" :title "bash: make" :exitCode 0)))
  (should (equal (looks (item "tool" :name "bash" :title "bash: x" :status "started" :input nil)) "  ● bash: x")))

(ert-deftest outputs-are-shown-as-a-terminal-has-them-in-the-end ()
  (should (string-suffix-p "\n  red\n  100 %\n  dos"
                           (looks (item "tool" :name "bash" :title "bash: x" :input nil
                                        :output "\e[31mred\e[0m\n10 %\r50 %\r100 %\ndos\r\n")))))

(ert-deftest long-outputs-are-shown-on-demand ()
  (let* ((lines (number-sequence 1 100))
         (call (item "tool" :name "bash" :title "bash: seq" :output (mapconcat #'number-to-string lines "\n")
                     :full "file:///tmp/whole" :bytes 70000))
         (text (swarm-items-text call (plist-get call :output) nil)))
    (should (string-match-p "… 60 more lines" text))
    (should (string-match-p "the whole output, 68.4k" text))
    (should (string-match-p "\n  100$" (looks (append call '(:swarm-whole t)))))))

(ert-deftest changes-of-files-are-shown-as-diffs ()
  (should (string-match-p "  -old\n  \\+new\n  \\+line"
                          (looks (item "tool" :name "edit" :title "edit a.c"
                                       :input '(:path "a.c" :edits [(:old_text "old\n" :new_text "new\nline\n")])))))
  (let* ((edit (item "tool" :name "edit" :title "edit a.c" :output "--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-old\n+new\n"
                     :input '(:path "a.c" :edits [(:old_text "old\n" :new_text "new\n")])))
         (text (swarm-items-text edit (plist-get edit :output) nil)))
    (should (= 1 (length (seq-filter (lambda (line) (equal line "  +new")) (split-string text "\n")))))
    (should (eq (get-text-property (string-match "\\+new" text) 'face text) 'diff-added)))
  (let ((patch (swarm-items-diff "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c")))
    (dolist (pair '(("--- a" . diff-header) ("@@" . diff-hunk-header) ("-a\n" . diff-removed) ("+b" . diff-added)))
      (should (eq (get-text-property (string-match (regexp-quote (car pair)) patch) 'face patch) (cdr pair))))))

(ert-deftest places-in-files-are-links ()
  (cl-flet ((links (text)
              (let ((linked (swarm-links-in text)) (at 0) found)
                (while (setq at (text-property-not-all at (length linked) 'swarm-file nil linked))
                  (push (list (get-text-property at 'swarm-file linked) (get-text-property at 'swarm-line linked)) found)
                  (setq at (next-single-property-change at 'swarm-file linked (length linked))))
                (nreverse found))))
    (should (equal (links "see src/a.c:12:3, b.py:7 and /etc/fstab.d/x.conf") '(("src/a.c" 12) ("b.py" 7) ("/etc/fstab.d/x.conf" nil))))
    (should-not (links "e.g. version 1.2.3 of README.md, at 08:41:51"))
    (should (equal (links "[a](https://x.org/b.html), and src/c.c") '(("src/c.c" nil))))))

(ert-deftest addresses-are-links ()
  (let (opened)
    (cl-letf (((symbol-function 'browse-url) (lambda (address &rest _) (push address opened))))
      (with-transcript (list (item "assistant" :text "See [it](https://x.org/a_(b)), or http://y.org/c?d=e&f#g."))
        (dolist (word '("x.org" "y.org"))
          (goto-char (point-min))
          (search-forward word)
          (call-interactively (key-binding (kbd "RET"))))))
    (should (equal (nreverse opened) '("https://x.org/a_" "http://y.org/c?d=e&f#g")))))

(ert-deftest markdown-has-faces-also-when-it-comes-in-pieces ()
  (let* ((text "# Head\nsay `code` and **loud**\n```diff\n-a\n+b\n```\nplain")
         (whole (swarm-items-markdown text nil)))
    (should (equal (substring-no-properties (car whole)) text))
    (should-not (cdr whole))
    (dolist (pair '(("# Head" . swarm-heading) ("`code`" . swarm-code) ("**loud" . bold) ("-a" . diff-removed) ("+b" . diff-added)))
      (should (eq (get-text-property (string-match (regexp-quote (car pair)) text) 'face (car whole)) (cdr pair))))
    (should (equal (cdr (swarm-items-markdown "x\n```c\nint" nil)) "c"))
    (should (eq (get-text-property 0 'face (car (swarm-items-markdown "int" "c"))) 'swarm-code))))

(ert-deftest a-question-tells-what-it-does-and-what-rule-it-makes ()
  (let* ((approval '(:id "a.i1" :title "bash: make" :input (:command "make -j2") :why "its mode is ask"
                     :remember (:allow ["bash(make *)"] :reject [])))
         (open (looks (item "approval" :status "started" :approval approval))))
    (should (string-match-p "\\? bash: make\n  make -j2\n  asked, as its mode is ask\n  always allows: bash(make \\*)\n  a allow" open))
    (should (string-match-p "rejected by vim: not now$"
                            (car (split-string (looks (item "approval" :approval (append approval '(:decision "reject" :by "vim" :reason "not now"))))
                                               "\n"))))))

;;; Patches

(defconst patch "diff --git a/old name.c b/new name.c
similarity index 90%
rename from old name.c
rename to new name.c
--- a/old name.c
+++ b/new name.c
@@ -1,3 +1,4 @@ int f
 a
-b
+c
+d
 e
@@ -10,2 +11,1 @@
-x
 y
diff --git \"a/\\303\\244.txt\" \"b/\\303\\244.txt\"
deleted file mode 100644
--- \"a/\\303\\244.txt\"
+++ /dev/null
@@ -1 +0,0 @@
-gone
\\ No newline at end of file
")

(defconst patch-files '((:path "new name.c" :hunks [(:hash "h1") (:hash "h2")]) (:path "ä.txt" :hunks [(:hash "h3")])))

(ert-deftest one-knows-the-hunk-at-point ()
  (with-temp-buffer
    (insert "review\n\n" patch)
    (goto-char (point-min))
    (should-not (swarm-patch-file))
    (search-forward "rename from")
    (should (equal (swarm-patch-file) "new name.c"))
    (should-not (swarm-patch-hunk patch-files))
    (let ((hunks (swarm-patch-hunks patch-files)))
      (should (equal (mapcar (lambda (hunk) (list (plist-get hunk :path) (plist-get hunk :index) (plist-get hunk :hash))) hunks)
                     '(("new name.c" 0 "h1") ("new name.c" 1 "h2") ("ä.txt" 0 "h3"))))
      (dolist (hunk hunks)
        (goto-char (plist-get hunk :begin))
        (should (equal (swarm-patch-hunk patch-files) hunk))
        (goto-char (1- (plist-get hunk :end)))
        (should (equal (swarm-patch-hunk patch-files) hunk))))))

(ert-deftest lines-are-those-of-the-new-file ()
  (with-temp-buffer
    (insert patch)
    (goto-char (point-min))
    (search-forward "+d")
    (should (equal (swarm-patch-lines (line-beginning-position) (line-end-position)) '(3 . 3)))
    (search-backward "@@ -1,3")
    (should (equal (swarm-patch-lines (line-beginning-position) (save-excursion (search-forward "@@ -10") (line-beginning-position)))
                   '(1 . 4)))
    (search-forward "-x")
    (should (equal (swarm-patch-lines (line-beginning-position) (line-end-position)) '(11 . 11)))))

;;; A transcript that is fed by hand

(defmacro with-transcript (items &rest body)
  "Run BODY in a transcript with ITEMS, whose requests are noted in `requests'."
  (declare (indent 1))
  `(let ((requests nil) (swarm-prompt-history nil))
     (cl-letf (((symbol-function 'swarm-request)
                (lambda (&rest request) (push request requests))))
       (swarm-state-put nil (made-up "a" :worktree (concat "file://" temporary-file-directory)))
       (swarm-open "a")
       (unwind-protect
           (progn (setq swarm-transcript--loading nil)
                  (swarm-transcript--take-page (list :items ,items :seq 1000))
                  (swarm-transcript--draw)
                  ,@body)
         (set-buffer-modified-p nil)
         (kill-buffer "*swarm a*")
         (swarm-state-forget "a")))))

(defun feed-item (item)
  "Have ITEM come."
  (swarm-transcript--on-item (swarm-agent "a") item)
  (swarm-transcript--draw))

(defun feed-delta (item text offset)
  "Have TEXT of ITEM at OFFSET come."
  (swarm-transcript--on-delta (swarm-agent "a") (list :itemId (plist-get item :id) :text text :offset offset))
  (swarm-transcript--draw))

(defun shown () (string-trim (buffer-substring-no-properties (point-min) swarm-transcript--end)))

(ert-deftest text-streams-and-is-replaced-by-the-truth ()
  (with-transcript (list (user "hello"))
    (let ((answer (item "assistant" :status "started" :text "")))
      (feed-item answer)
      (feed-delta answer "An **" 0)
      (feed-delta answer "ä** b" 5)
      (should (equal (shown) "> hello\n\nAn **ä** b"))
      (feed-delta answer "lost" 99)
      (feed-delta answer "c\n\n```c\nint x;" 10)
      (should (equal (shown) "> hello\n\nAn **ä** c\n\n```c\nint x;"))
      (feed-delta answer "int" 18)
      (should (equal (shown) "> hello\n\nAn **ä** c\n\n```c\nint"))
      (feed-delta answer "Anew" 0)
      (should (equal (shown) "> hello\n\nAnew"))
      (feed-item (plist-put (plist-put (copy-sequence answer) :status "completed") :text "The truth."))
      (should (equal (shown) "> hello\n\nThe truth."))
      (feed-item answer)
      (should (equal (shown) "> hello\n\nThe truth."))
      (should (equal (swarm-prompt-input) "")))))

(ert-deftest what-streams-in-pieces-looks-like-what-comes-whole ()
  (let ((text "# T\n\nsee a/b.c:3 `x`\n```diff\n-a\n+b\n```\n\n- **end** of src/it.py\n") pieces whole)
    (with-transcript (list (user "x"))
      (let ((answer (item "assistant" :status "started" :text "")))
        (feed-item answer)
        (dotimes (at (length text)) (feed-delta answer (substring text at (1+ at)) at))
        (setq pieces (string-trim-right (buffer-substring (point-min) swarm-transcript--end)))))
    (with-transcript (list (user "x") (item "assistant" :text text))
      (setq whole (string-trim-right (buffer-substring (point-min) swarm-transcript--end))))
    (should (equal (substring-no-properties pieces) (substring-no-properties whole)))
    (dotimes (at (length whole))
      (dolist (property '(face swarm-file swarm-line read-only keymap))
        (should (equal (get-text-property at property pieces) (get-text-property at property whole)))))))

(ert-deftest a-failed-answer-shows-what-had-come ()
  (with-transcript (list (user "x") (item "assistant" :status "failed" :text "Half of it"))
    (should (string-suffix-p "Half of it\n✗ cut off here" (shown)))))

(ert-deftest why-an-agent-does-not-go-on-stands-above-the-prompt ()
  (with-transcript (list (user "x"))
    (let ((between (lambda () (string-trim (buffer-substring-no-properties swarm-transcript--end swarm-prompt--start)))))
      (insert "typed")
      (pcase-dolist (`(,members . ,said) '(((:state "failed" :error (:message "HTTP 400: no\nsuch model")) . "✗ HTTP 400: no\nsuch model\n  R resumes, a message goes on\n\n❯")
                                           ((:state "working") . "❯")
                                           ((:state "done" :stopReason "maxSteps") . "- it came to the limit of steps\n  a message goes on\n\n❯")
                                           ((:state "done" :stopReason "endTurn") . "❯")
                                           ((:state "detached") . "~ cut off: its server ended\n  R resumes, a message goes on\n\n❯")))
        (swarm-state-put nil (apply #'made-up "a" members))
        (should (equal (funcall between) said)))
      (should (equal (swarm-prompt-input) "typed"))
      (should (= (point) (point-max))))))

(ert-deftest what-is-typed-and-undone-stays-while-text-streams ()
  (with-transcript (list (user "hello"))
    (let ((answer (item "assistant" :status "started" :text "")))
      (buffer-enable-undo)
      (goto-char (point-max))
      (insert "one")
      (undo-boundary)
      (insert " two")
      (undo-boundary)
      (feed-item answer)
      (feed-delta answer "Text that comes" 0)
      (should (equal (swarm-prompt-input) "one two"))
      (should (= (point) (point-max)))
      (setq last-command nil)
      (undo)
      (should (equal (swarm-prompt-input) "one"))
      (should (equal (shown) "> hello\n\nText that comes")))))

(ert-deftest a-reader-stays-where-they-are ()
  (with-transcript (append (mapcar (lambda (n) (user (format "line %d" n))) (number-sequence 1 50)))
    (let ((answer (item "assistant" :status "started" :text "")) (window (selected-window)))
      (goto-char (point-min))
      (search-forward "line 20")
      (set-window-point window (point))
      (set-window-start window (line-beginning-position) t)
      (let ((point (point)) (start (window-start window)))
        (feed-item answer)
        (dotimes (n 30) (feed-delta answer (format "%02d\n" n) (* 3 n)))
        (should (= (point) point))
        (should (= (window-start window) start))))))

(ert-deftest the-transcript-cannot-be-typed-into ()
  (with-transcript (list (user "hello"))
    (goto-char (+ (point-min) 3))
    (should-error (insert "x") :type 'text-read-only)
    (should (eq (key-binding "q") #'quit-window))
    (goto-char (point-max))
    (should (eq (key-binding "q") #'self-insert-command))
    (should-error (delete-char -1) :type 'text-read-only)))

(ert-deftest the-beginning-of-the-line-is-behind-the-prompt ()
  (with-transcript (list (user "hello"))
    (goto-char (point-max))
    (insert "typed")
    (call-interactively #'move-beginning-of-line)
    (should (= (point) swarm-prompt--start))
    (kill-line)
    (yank)
    (should (equal (swarm-prompt-input) "typed"))
    (kill-new (buffer-substring (point-min) (+ 5 (point-min))))
    (yank)
    (insert "!")
    (should (equal (swarm-prompt-input) "typed> hel!"))))

(ert-deftest calls-fold-and-a-search-opens-them ()
  (with-transcript (list (item "tool" :name "bash" :title "bash: x" :output "needle\n" :exitCode 0 :input nil))
    (goto-char (point-min))
    (search-forward "needle")
    (should (invisible-p (1- (point))))
    (let ((isearch-success t)) (goto-char (1- (point))) (swarm-transcript--found))
    (goto-char (point-min))
    (search-forward "needle")
    (should-not (invisible-p (1- (point))))
    (swarm-transcript-toggle)
    (should (looking-at-p "▸ ✓ bash: x"))
    (swarm-transcript-toggle-all)
    (should (looking-at-p "▾"))))

(ert-deftest older-pages-come-before ()
  (with-transcript (list (item "assistant" :seq 90 :text "ninety") (user "newest"))
    (swarm-transcript--set-older 90)
    (goto-char (point-min))
    (should (looking-at-p "… older"))
    (goto-char (point-max))
    (insert "typed")
    (swarm-transcript-older)
    (pcase-let ((`(,method ,params ,take . ,_) (car requests)))
      (should (eq method 'swarm/transcript))
      (should (eql (plist-get params :before) 90))
      (funcall take (list :items (list (item "user" :seq 10 :content [(:type "text" :text "first")])
                                       (item "tool" :seq 11 :name "list" :title "list ." :output "" :input nil)))))
    (should (equal (shown) "> first\n\n  ✓ list .\n\nninety\n\n> newest"))
    (should (equal (swarm-prompt-input) "typed"))
    (swarm-transcript-older)
    (should (= 1 (seq-count (lambda (request) (plist-get (cadr request) :before)) requests)))))

(ert-deftest a-page-that-does-not-reach-what-is-shown-takes-its-place ()
  (with-transcript (list (item "assistant" :seq 10 :text "long ago"))
    (swarm-transcript--take-page (list :items (list (item "assistant" :seq 500 :text "now")) :next 500 :seq 600))
    (should (equal (shown) "… older\n\nnow"))))

(ert-deftest the-history-is-as-in-comint ()
  (with-transcript nil
    (setq swarm-prompt-history '("third" "second" "first"))
    (goto-char (point-max))
    (insert "draft")
    (swarm-prompt-previous 1)
    (swarm-prompt-previous 1)
    (should (equal (swarm-prompt-input) "second"))
    (swarm-prompt-next 1)
    (should (equal (swarm-prompt-input) "third"))
    (swarm-prompt-next 1)
    (should (equal (swarm-prompt-input) "draft"))
    (should-error (swarm-prompt-next 1) :type 'user-error)
    (swarm-prompt-set "third")
    (swarm-prompt-send)
    (should (equal swarm-prompt-history '("third" "second" "first")))
    (should (equal (plist-get (cadr (car requests)) :text) "third"))
    (should (equal (swarm-prompt-input) ""))
    (funcall (nth 3 (car requests)) "no way" nil nil)
    (should (equal (swarm-prompt-input) "third"))))

(ert-deftest commands-and-paths-complete ()
  (with-transcript nil
    (cl-flet ((offered (text)
                (swarm-prompt-set text)
                (pcase-let ((`(,start ,end ,table . ,_) (swarm-prompt-completion)))
                  (all-completions (buffer-substring-no-properties start end) table))))
      (setq swarm-prompt--files (cons (+ 60 (float-time)) '("src/a.c" "src/b.c" "README.md"))
            swarm-prompt--models '((nil "lab/qwen" "lab/other")))
      (should (equal (offered "/mo") '("/model" "/mode")))
      (should (equal (offered "/model lab/q") '("lab/qwen")))
      (should (equal (offered "/mode e") '("edit")))
      (should (equal (offered "look at @src/") '("src/a.c" "src/b.c")))
      (swarm-prompt-set "nothing here")
      (should-not (swarm-prompt-completion))
      (swarm-prompt-set "/unknown")
      (should-error (swarm-prompt-send) :type 'user-error)
      (should (equal (swarm-prompt-input) "/unknown")))))

(ert-deftest queued-messages-are-edited-and-dropped ()
  (with-transcript nil
    (swarm-prompt--take-queue [(:itemId "i7" :text "one") (:itemId "i8" :text "two")])
    (should (string-match-p "⧗ 1: one\n  ⧗ 2: two\n" (buffer-string)))
    (swarm-prompt-set "draft")
    (goto-char (point-min))
    (search-forward "1: one")
    (backward-char)
    (swarm-prompt-edit-queued)
    (should (equal (swarm-prompt-input) "one"))
    (swarm-prompt-abandon)
    (should (equal (swarm-prompt-input) "draft"))
    (swarm-prompt-edit-queued)
    (should (equal (swarm-prompt-input) "two"))
    (swarm-prompt-set "changed")
    (swarm-prompt-send)
    (should (equal (seq-take (car requests) 2) '(swarm/queue (:agentId "a" :itemId "i8" :text "changed"))))
    (with-answers '(("Drop \"two\"" . t)) (swarm-prompt-drop-queued))
    (should (equal (plist-get (cadr (car requests)) :text) nil))
    (swarm-prompt-edit-queued)
    (swarm-prompt--take-queue [])
    (should (equal (swarm-prompt-input) "two"))
    (should-not (string-match-p "⧗" (buffer-string)))))

(provide 'items)
;;; items.el ends here
