;;; pure.el --- Tests of the client without a server  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What follows from messages of the protocol alone: the table of agents, lines, order, and how a
;; buffer is brought up to date.

;;; Code:

(require 'swarm-test)
(require 'swarm-mode-line)

(defmacro with-agents (agents &rest body)
  "Run BODY where AGENTS are all that there are, and no server."
  (declare (indent 1))
  `(let ((swarm-state--agents (make-hash-table :test #'equal))
         (swarm-state--watched (make-hash-table :test #'equal))
         (swarm-order--created (make-hash-table :test #'equal))
         (swarm-connection--all nil))
     (cl-letf (((symbol-function 'swarm-connection-request) #'ignore))
       (dolist (agent ,agents) (swarm-state-put (plist-get agent :place) agent))
       ,@body)))

(defmacro with-board (&rest body)
  "Run BODY in a dashboard that reads no list."
  `(unwind-protect
       (cl-letf (((symbol-function 'swarm-refresh-agents) #'ignore)
                 ((symbol-function 'swarm-places) (lambda () '(nil)))
                 (swarm-state--listed '(nil)))
         (swarm-dashboard)
         (with-current-buffer swarm-board-name ,@body))
     (when (get-buffer swarm-board-name) (kill-buffer swarm-board-name))))

(defun event (type &rest members)
  "Take an event of TYPE with MEMBERS."
  (swarm-state--take nil (append (list :type type) members)))

;;; State

(ert-deftest events-make-the-table ()
  (with-agents nil
    (let (said)
      (let ((swarm-agent-functions (list (lambda (agent) (push (list (plist-get swarm-agent-before :state)
                                                                     (plist-get agent :state))
                                                               said))))
            (swarm-gone-functions (list (lambda (agent) (push (plist-get agent :id) said)))))
        (event "agent" :seq 1 :agentId "a" :agent (made-up "a" :state "queued"))
        (event "agent" :agentId "a" :agent (made-up "a" :state "working" :news "unknown"))
        (should (equal (plist-get (swarm-agent "a") :state) "working"))
        (event "somethingNew" :agentId "a")
        (event "removed" :seq 2 :agentId "a")
        (event "removed" :seq 3 :agentId "never-heard-of")
        (should-not (swarm-agents))
        (should (equal (reverse said) '((nil "queued") ("queued" "working") "a")))))))

(ert-deftest items-and-deltas-reach-those-who-listen ()
  (with-agents (list (made-up "a"))
    (let* (said
           (swarm-item-functions (list (lambda (agent item) (push (list (plist-get agent :id) (plist-get item :id)) said))))
           (swarm-delta-functions (list (lambda (_agent event) (push (plist-get event :text) said))))
           (swarm-turn-functions (list (lambda (_agent event) (push (plist-get event :phase) said)))))
      (event "turn" :seq 1 :agentId "a" :phase "started")
      (event "item" :seq 2 :agentId "a" :item '(:id "i1"))
      (event "delta" :agentId "a" :itemId "i1" :text "Hä" :offset 0)
      (event "item" :seq 3 :agentId "nobody" :item '(:id "i2"))
      (should (equal (reverse said) '("started" ("a" "i1") "Hä"))))))

(ert-deftest an-error-in-one-listener-stops-nothing ()
  (with-agents nil
    (let ((swarm-agent-functions (list (lambda (_) (error "Out of order"))))
          (debug-on-error nil))
      (swarm-connection--notified
       (swarm-connection--make) 'swarm/events
       (list :events (vector (list :type "agent" :agent (made-up "a")) (list :type "agent" :agent (made-up "b"))))))
    (should (= (swarm-agent-count) 2))
    (should (equal swarm-connection--last-problem "Out of order"))))

(ert-deftest files-and-uris ()
  (should (equal (swarm-file-uri "/a b/ä%.c") "file:///a%20b/%C3%A4%25.c"))
  (should (equal (swarm-uri-file "file:///a%20b/%C3%A4%25.c") "/a b/ä%.c"))
  (should (equal (swarm-uri-file "file:///x" "/ssh:host:") "/ssh:host:/x"))
  (should (equal (swarm-agent-directory (append (made-up "a") '(:place "/ssh:host:")))
                 "/ssh:host:/state/worktrees/shop/a/"))
  (should-not (swarm-agent-directory (made-up "a" :worktree nil))))

(ert-deftest requests-go-where-the-agent-is ()
  (with-agents (list (append (made-up "far") '(:place "/ssh:host:")) (made-up "near"))
    (let ((default-directory "/ssh:other:/x/"))
      (should (equal (swarm-state--place '(:agentId "far")) "/ssh:host:"))
      (should (equal (swarm-state--place '(:approvalId "far.i12" :decision "allow")) "/ssh:host:"))
      (should (equal (swarm-state--place '(:agentId "near")) nil))
      (should (equal (swarm-state--place '(:task "x")) "/ssh:other:")))))

;;; Lines

(ert-deftest an-agent-in-a-line ()
  (let* ((agent (made-up "fix-the-build-0qk2m" :activity "bash: make\ntest" :queued 2 :approvals 1
                         :usage '(:inputTokens 81250 :outputTokens 9120 :costUsd 0.4012
                                               :contextUsed 131072 :contextSize 262144)
                         :changes '(:files 2 :added 120 :removed 7)))
         (line (swarm-row-line agent (swarm-row-layout 130) "12m" 1 ?*)))
    (should (<= (string-width line) 130))
    (should (string-match-p
             "\\`\\*   ● fix-the-build-0qk2m +bash: make test +qwen3-coder +12m +90\\.4k +\\$0\\.40  ▰▰▰▱▱ +2 \\+120 -7  2q 1\\?\\'"
             line))
    (should (eq (get-text-property 4 'face line) 'swarm-working))
    (let ((narrow (swarm-row-line agent (swarm-row-layout 50) "12m")))
      (should (<= (string-width narrow) 50))
      (should-not (string-match-p "qwen" narrow)))))

(ert-deftest what-an-agent-does-in-words ()
  (should (equal (swarm-row-activity (made-up "a" :activity "waiting: may I run make?")) "may I run make?"))
  (should (equal (swarm-row-activity (made-up "a" :state "failed" :error '(:kind "auth" :message "no key"))) "no key"))
  (should (equal (swarm-row-activity (made-up "a" :state "done" :stopReason "maxSteps"))
                 "it came to the limit of steps: do a"))
  (should (equal (swarm-row-activity (made-up "a" :state "done" :stopReason "endTurn")) "do a"))
  (should (equal (car (swarm-row-sign (made-up "a" :state "done" :stopReason "budget"))) "-"))
  (should (equal (car (swarm-row-sign (made-up "a" :state "done" :stopReason "endTurn"))) "✓"))
  (should (equal (car (swarm-row-sign (made-up "a" :state "aNewState"))) "-"))
  (should (= 1 (swarm-row-group (made-up "a" :state "aNewState")))))

(ert-deftest figures ()
  (should (equal (mapcar #'swarm-row-count '(0 999 1000 99949 99950 999499 999500 12345678))
                 '("0" "999" "1.0k" "99.9k" "100k" "999k" "1.0M" "12.3M")))
  (should (equal (mapcar #'swarm-row-duration '(-3 0 59 60 3599 3600 86399 86400))
                 '("0s" "0s" "59s" "1m" "59m" "1h" "23h" "1d")))
  (should (equal (mapcar #'swarm-row-cost '(nil 0 0.001 0.4 12.345 1234.5)) '("" "$0.00" "<$.01" "$0.40" "$12.35" "$1234")))
  (should (equal (swarm-row-bar 1 1000 5) '("▰" swarm-working "▱▱▱▱" swarm-dim)))
  (should (equal (swarm-row-bar 2000 1000 5) '("▰▰▰▰▰" swarm-failed "" swarm-dim)))
  (should-not (swarm-row-bar nil nil 5)))

(ert-deftest columns-fit ()
  (dolist (text '("" "short" "exactly 10" "rather too long" "日本語の名前です" "ä日ä日ä日ä日ä日" "emoji 😀😀😀😀"))
    (should (= (string-width (swarm-row-fit text 10)) 10))
    (should (= (string-width (swarm-row-fit text 10 t)) 10))))

;;; Order

(defun order-of (groups)
  "Return GROUPS as (NAME ID...), with a dash for each step of depth."
  (mapcar (lambda (group)
            (cons (car group) (mapcar (lambda (each) (concat (make-string (cdr each) ?-) (car each))) (cdr group))))
          groups))

(ert-deftest groups-and-children ()
  (with-agents (list (made-up "old" :state "done" :createdAt "2026-11-21T08:00:00.000Z")
                     (made-up "new" :state "done" :createdAt "2026-11-21T09:00:00.000Z")
                     (made-up "child-1" :state "done" :parentId "old" :createdAt "2026-11-21T08:10:00.000Z")
                     (made-up "child-2" :state "done" :parentId "old" :createdAt "2026-11-21T08:20:00.000Z")
                     (made-up "grandchild" :state "done" :parentId "child-1" :createdAt "2026-11-21T08:30:00.000Z")
                     (made-up "lonely" :state "killed" :parentId "removed-parent")
                     (made-up "cut" :state "detached") (made-up "stuck" :state "blocked"))
    (with-temp-buffer
      (should (equal (order-of (swarm-order))
                     '(("Needs input" "stuck")
                       ("Done" "new" "old" "-child-1" "--grandchild" "-child-2")
                       ("Failed" "lonely") ("Detached" "cut"))))
      (swarm-state-put nil (made-up "grandchild" :state "waiting" :parentId "child-1"))
      (should (equal (assoc "Needs input" (order-of (swarm-order)))
                     '("Needs input" "stuck" "old" "-child-1" "--grandchild" "-child-2")))
      (swarm-state-put nil (made-up "old" :state "done" :parentId "old"))
      (should (assoc "Needs input" (swarm-order))))))

(ert-deftest filters-scopes-and-orders ()
  (with-agents (list (made-up "beta" :usage '(:inputTokens 5 :outputTokens 1 :costUsd 0.1) :createdAt "2026-11-21T08:00:00.000Z")
                     (made-up "alpha" :usage '(:inputTokens 9 :outputTokens 1) :task "Fix the BUILD"
                              :createdAt "2026-11-21T09:00:00.000Z")
                     (made-up "mine" :scope swarm-scope :repository "/src/other" :createdAt "2026-11-21T07:00:00.000Z"))
    (with-temp-buffer
      (cl-flet ((shown () (cdar (order-of (swarm-order)))))
        (should (equal (shown) '("alpha" "beta" "mine")))
        (setq swarm-order-by 'name) (should (equal (shown) '("alpha" "beta" "mine")))
        (setq swarm-order-by 'cost) (should (equal (shown) '("beta" "alpha" "mine")))
        (setq swarm-order-by 'tokens) (should (equal (car (shown)) "alpha"))
        (setq swarm-order-filter "build") (should (equal (shown) '("alpha")))
        (setq swarm-order-filter nil swarm-order-scope 'emacs) (should (equal (shown) '("mine")))
        (setq swarm-order-scope 'project swarm-order-project "/src/other")
        (should (equal (shown) '("mine")))
        (should (equal (swarm-order-describe) "only other, by tokens"))))))

;;; Buffers

(defun lines-of (keys &optional text)
  "Return lines with KEYS, whose text is TEXT of the key."
  (mapcar (lambda (key) (cons key (funcall (or text (lambda (key) (format "line %s" key))) key))) keys))

(defun should-read (lines)
  "Check that the buffer reads LINES, with their properties."
  (should (equal-including-properties (buffer-string) (mapconcat (lambda (line) (concat (cdr line) "\n")) lines ""))))

(ert-deftest lines-come-go-and-move-as-told ()
  (random "the same each time")
  (with-temp-buffer
    (dotimes (_ 500)
      (let* ((keys (seq-filter (lambda (_) (< 0 (random 4)))
                               (mapcar #'cdr (sort (mapcar (lambda (n) (cons (random 99) n)) (number-sequence 1 14))
                                                   (lambda (a b) (< (car a) (car b)))))))
             (lines (lines-of keys (lambda (key)
                                     (propertize (make-string (+ 3 (random 5)) (+ ?a key))
                                                 'face (nth (random 2) '(bold italic)))))))
        (goto-char (point-min))
        (forward-line (random 10))
        (forward-char (min 2 (- (line-end-position) (point))))
        (push-mark (save-excursion (forward-line 1) (point)) t)
        (let ((key (swarm-render-key)) (column (current-column))
              (marked (save-excursion (goto-char (mark t)) (swarm-render-key))))
          (swarm-render-lines lines)
          (should-read lines)
          (when (member key keys)
            (should (equal key (swarm-render-key)))
            (should (= column (current-column))))
          (when (member marked keys)
            (should (equal marked (save-excursion (goto-char (mark t)) (swarm-render-key))))))))))

(ert-deftest equal-lines-are-not-touched ()
  (with-temp-buffer
    (let ((lines (lines-of '(1 2 3)))
          (changes 0))
      (swarm-render-lines lines)
      (add-hook 'after-change-functions (lambda (&rest _) (setq changes (1+ changes))) nil t)
      (let ((tick (buffer-chars-modified-tick)))
        (swarm-render-lines (lines-of '(1 2 3)))
        (should (= changes 0))
        (should (= tick (buffer-chars-modified-tick)))
        (swarm-render-lines (lines-of '(1 2 3) (lambda (key) (if (= key 2) "line two" (format "line %s" key)))))
        (should (> changes 0))))))

(ert-deftest a-move-leaves-the-other-lines-alone ()
  (with-temp-buffer
    (swarm-render-lines (lines-of (number-sequence 1 100)))
    (let ((markers (mapcar (lambda (n)
                             (goto-char (point-min))
                             (forward-line (1- n))
                             (forward-char 3)
                             (point-marker))
                           (number-sequence 1 100)))
          (moved (append '(50 90) (remove 50 (remove 90 (number-sequence 1 100))))))
      (swarm-render-lines (lines-of moved))
      (dolist (n (remove 50 (remove 90 (number-sequence 1 100))))
        (goto-char (nth (1- n) markers))
        (should (equal (swarm-render-key) n))
        (should (= (current-column) 3))))))

(ert-deftest narrowing-selection-and-windows-stay ()
  (with-temp-buffer
    (pop-to-buffer (current-buffer))
    (swarm-render-lines (lines-of (number-sequence 1 200)))
    (goto-char (point-min))
    (forward-line 120)
    (set-window-start nil (save-excursion (forward-line -5) (point)))
    (let ((first (save-excursion (goto-char (window-start)) (swarm-render-key))))
      (push-mark (save-excursion (forward-line 2) (point)) t t)
      (swarm-render-lines (lines-of (append '(a b c) (number-sequence 10 200))))
      (should (equal (swarm-render-key) 121))
      (should (equal first (save-excursion (goto-char (window-start)) (swarm-render-key))))
      (should mark-active)
      (should (equal (save-excursion (goto-char (mark)) (swarm-render-key)) 123)))
    (narrow-to-region (point) (mark))
    (swarm-render-lines (lines-of (cons 'z (number-sequence 5 200))))
    (should (equal (buffer-string) "line 121\nline 122\n"))))

(ert-deftest text-changes-only-where-it-differs ()
  (with-temp-buffer
    (insert "head: the quick brown fox\ntail")
    (let ((quick (copy-marker 11)) (fox (copy-marker 23)) changed)
      (add-hook 'after-change-functions (lambda (start end _) (push (buffer-substring start end) changed)) nil t)
      (should (swarm-render-text 1 26 "head: the quick red fox"))
      (should (equal (buffer-string) "head: the quick red fox\ntail"))
      (should (= quick 11))
      (should (equal (buffer-substring fox (+ fox 3)) "fox"))
      (should-not (swarm-render-text 1 24 "head: the quick red fox"))
      (should (swarm-render-text 1 24 (concat "head: " (propertize "the" 'face 'bold) " quick red fox")))
      (should (eq (get-text-property 7 'face) 'bold)))))

(ert-deftest readers-at-the-end-stay-there ()
  (with-temp-buffer
    (pop-to-buffer (current-buffer))
    (insert "one\n")
    (swarm-render-keeping (goto-char (point-max)) (insert "two\n"))
    (should (= (point) (point-max)))
    (goto-char 2)
    (swarm-render-keeping (goto-char (point-max)) (insert "three\n") (goto-char (point-min)) (insert "zero\n"))
    (should (looking-at-p "ne\n"))
    (setq buffer-read-only t)
    (set-buffer-modified-p nil)
    (should (equal (swarm-render-keeping (erase-buffer) 'value) 'value))
    (should-not (buffer-modified-p))))

(ert-deftest redraws-are-few-and-only-seen-ones ()
  (let ((drawn 0))
    (with-temp-buffer
      (pop-to-buffer (current-buffer))
      (let ((buffer (current-buffer)) (end (+ (float-time) 0.5)))
        (while (< (float-time) end)
          (swarm-render-later buffer (lambda () (setq drawn (1+ drawn))))
          (accept-process-output nil 0.002))
        (should (<= 1 drawn 11))
        (accept-process-output nil 0.1)
        (let ((before drawn))
          (switch-to-buffer "*scratch*")
          (delete-other-windows)
          (swarm-render-later buffer (lambda () (setq drawn (1+ drawn))))
          (accept-process-output nil 0.2)
          (should (= drawn before))
          (switch-to-buffer buffer)
          (swarm-render--shown)
          (wait-until (= drawn (1+ before))))))))

;;; The dashboard

(ert-deftest the-dashboard-is-drawn-from-messages ()
  (with-agents (list (made-up "a" :state "waiting" :approvals 1 :activity "waiting: may I run make?")
                     (made-up "b" :usage '(:inputTokens 1000 :outputTokens 500 :costUsd 1.5))
                     (made-up "c" :state "failed" :error '(:kind "provider" :message "no answer")))
    (with-board
     (should (string-match-p "3 agents · 1 needs input · 1 working · 1 failed · 1.5k tokens · \\$1.50" (dashboard-text)))
     (goto-agent "b")
     (forward-char 4)
     (event "agent" :agentId "b" :agent (made-up "b" :state "done"))
     (should (string-match-p "Done (1)\n  ✓ b " (dashboard-text)))
     (should (equal (swarm-render-key) "b"))
     (should (= (current-column) 4))
     (event "removed" :agentId "b")
     (should-not (string-match-p "Done" (dashboard-text)))
     (event "removed" :agentId "a")
     (event "removed" :agentId "c")
     (should (string-match-p "No agents yet" (dashboard-text))))))

(ert-deftest only-ages-that-are-seen-are-drawn-anew ()
  (with-agents (mapcar (lambda (n) (made-up (format "agent-%03d" n))) (number-sequence 1 200))
    (with-board
     (delete-other-windows)
     (goto-char (point-min))
     (set-window-start nil (point-min))
     (dashboard-text)
     (should (member (caar (last (car swarm-board-order))) (swarm-render-keys)))
     ;; As if each line were of an hour ago.
     (maphash (lambda (_ row) (setf (swarm-board-row-age row) "1h")) swarm-board--rows)
     (swarm-board--look-at-ages)
     (should (< 5 (hash-table-count swarm-board-changed) (1+ (window-body-height))))
     (should (seq-every-p (lambda (key) (or (not (stringp key)) (gethash key swarm-board-changed)))
                          (swarm-render-keys 0 (1- (window-body-height)))))
     (clrhash swarm-board-changed)
     (set-window-start nil (save-excursion (goto-char (point-min)) (forward-line 150) (point)))
     (swarm-board--look-at-ages)
     (should (gethash (nth 150 (swarm-render-keys)) swarm-board-changed))
     (should-not (gethash (nth 10 (swarm-render-keys)) swarm-board-changed)))))

(ert-deftest marks-folds-and-filters ()
  (with-agents (mapcar (lambda (n) (made-up (format "agent-%d" n) :state (if (< n 3) "working" "done")
                                          :createdAt (format "2026-11-21T08:4%d:00.000Z" (- 9 n)))) '(1 2 3 4))
    (with-board
     (goto-agent "agent-1")
     (should (equal (swarm-agents-here) '("agent-1")))
     (swarm-dashboard-mark)
     (goto-agent "agent-4")
     (swarm-dashboard-mark)
     (should (equal (sort (swarm-agents-here) #'string<) '("agent-1" "agent-4")))
     (should (string-match-p "^\\* ● agent-1" (dashboard-text)))
     (event "removed" :agentId "agent-4")
     (should (equal (swarm-agents-here) '("agent-1")))
     (swarm-dashboard-unmark-all)
     (swarm-dashboard-mark-matching "agent-[23]")
     (should (equal (sort (swarm-agents-here) #'string<) '("agent-2" "agent-3")))
     (swarm-dashboard-unmark-all)
     (goto-agent "agent-3")
     (swarm-dashboard-fold)
     (should (string-match-p "Done (1) …\n\\'" (dashboard-text)))
     (swarm-dashboard-mark)
     (swarm-dashboard-fold)
     (should (equal (swarm-agents-here) '("agent-3")))
     (swarm-dashboard-filter "agent-1")
     (should-not (string-match-p "agent-2" (dashboard-text)))
     (swarm-dashboard-filter "nothing like it")
     (should (string-match-p "No agent fits" (dashboard-text)))
     (swarm-dashboard-everything)
     (should (string-match-p "agent-2" (dashboard-text)))
     (goto-char (point-min))
     (swarm-dashboard-next)
     (should (equal (swarm-render-key) "agent-1"))
     (swarm-dashboard-next 2)
     (should (equal (swarm-render-key) "agent-3"))
     (swarm-dashboard-previous)
     (should (equal (swarm-render-key) "agent-2"))
     (swarm-dashboard-next-group)
     (should (equal (swarm-render-key) '(group "Done")))
     (should (equal (mapcar #'car (swarm-dashboard--index)) '("Working" "Done"))))))

(ert-deftest a-thousand-agents-are-drawn-twenty-times-a-second-at-most ()
  (with-agents (mapcar (lambda (n) (made-up (format "agent-%d" n))) (number-sequence 1 1000))
    (with-board
     (dashboard-text)
     (let ((swarm-board-draws 0) (start (float-time)) (n 0))
       (while (< (float-time) (+ start 1))
         (setq n (1+ n))
         (event "agent" :agentId "agent-7" :agent (made-up "agent-7" :activity (format "step %d" n)))
         (accept-process-output nil 0.001))
       (should (<= 1 swarm-board-draws (ceiling (/ (- (float-time) start) swarm-render-interval))))
       (should (> n swarm-board-draws))
       (wait-until (string-match-p (format "step %d " n) (buffer-string)))))))

(ert-deftest lines-fit-the-window ()
  (with-agents (list (made-up "a" :activity (make-string 300 ?x)))
    (with-board
     (delete-other-windows)
     (dashboard-text)
     (let ((wide (progn (goto-agent "a") (line-end-position))))
       (should (<= (current-column) (window-width)))
       (split-window-right)
       (run-hooks 'window-configuration-change-hook)
       (wait-until (progn (goto-agent "a") (< (- (line-end-position) (point)) (window-width))))
       (should (< (line-end-position) wide))
       (delete-other-windows)))))

(ert-deftest warnings ()
  (with-agents (list (made-up "a" :overlaps ["b"]) (made-up "b" :overlaps ["a"]))
    (let ((swarm-status--stats
           '((nil :sandbox (:state "off")
                  :providers [(:name "lab" :breaker "open") (:name "cloud" :quota "exhausted")
                              (:name "fine" :breaker "closed" :quota "ok" :waitMs 0)]))))
      (should (equal (mapcar (lambda (text) (car (split-string text "[:;]"))) (cdr (swarm-status-warnings nil)))
                     '("the sandbox is off" "lab fails again and again" "cloud" "2 agents change the same files"))))))

(ert-deftest the-mode-line-counts ()
  (with-agents (list (made-up "a") (made-up "b" :state "waiting" :approvals 2))
    (should (equal (substring-no-properties (swarm-mode-line--text)) " swarm:1 2?")))
  (with-agents nil
    (should (equal (swarm-mode-line--text) ""))))

(ert-deftest the-manual-names-keys-that-are-there ()
  (let ((count 0))
    (with-temp-buffer
      (insert-file-contents (expand-file-name "README.md" swarm-connection--directory))
      (re-search-forward "^## The dashboard")
      (re-search-forward "^|---|---|$")
      (forward-line)
      (while (looking-at "| \\([^|]*\\) |")
        (dolist (key (split-string (match-string 1) "[` ]+" t))
          (setq count (1+ count))
          (should (commandp (lookup-key swarm-dashboard-mode-map (kbd key)))))
        (forward-line)))
    (should (> count 30))))

(provide 'pure)
;;; pure.el ends here
