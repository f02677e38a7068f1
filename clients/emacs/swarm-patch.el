;;; swarm-patch.el --- Where one is in a patch  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Pure functions over a buffer with a patch in git's format, and the files that `swarm/diff' lists
;; beside it (docs/protocol.md).
;;
;;   (swarm-patch-file)             the path of the file that point is in
;;   (swarm-patch-hunk FILES)       the hunk that point is in
;;   (swarm-patch-lines BEGIN END)  which lines of the new file a region is about
;;
;; A hunk is a property list: its :path, its :index in the file, its :hash, and :begin and :end in the
;; buffer.

;;; Code:

(require 'seq)
(require 'subr-x)

(defconst swarm-patch--file "^diff --git "
  "What the part of a file begins with.")

(defconst swarm-patch--hunk "^@@ -\\([0-9]+\\)\\(?:,\\([0-9]+\\)\\)? \\+\\([0-9]+\\)\\(?:,\\([0-9]+\\)\\)? @@"
  "What a hunk begins with.")

(defun swarm-patch--unquote (name)
  "Return the NAME of a file as git writes it as it is."
  (if (string-prefix-p "\"" name)
      (decode-coding-string (encode-coding-string (car (read-from-string name)) 'raw-text) 'utf-8)
    (car (split-string name "\t"))))

(defun swarm-patch--file-start ()
  "Return where the part of the file begins that point is in, or nil."
  (save-excursion
    (end-of-line)
    (and (re-search-backward swarm-patch--file nil t) (point))))

(defun swarm-patch--file-end ()
  "Return where the part of the file ends that point is in."
  (save-excursion
    (end-of-line)
    (if (re-search-forward swarm-patch--file nil t) (line-beginning-position) (point-max))))

(defun swarm-patch-file ()
  "Return the path of the file that point is in, or nil.
Of one that is renamed it is the new one."
  (let ((start (swarm-patch--file-start)))
    (when start
      (save-excursion
        (goto-char start)
        (let* ((end (swarm-patch--file-end))
               (end (save-excursion (if (re-search-forward "^@@ " end t) (point) end)))
               (find (lambda (regexp)
                       (goto-char start)
                       (and (re-search-forward regexp end t)
                            (swarm-patch--unquote (match-string-no-properties 1))))))
          (seq-some (lambda (regexp)
                      (let ((name (funcall find regexp)))
                        (cond ((null name) nil)
                              ((string-match "\\`[ab]/" name) (substring name 2))
                              ((equal name "/dev/null") nil)
                              (t name))))
                    '("^rename to \\(.*\\)" "^\\+\\+\\+ \\(.*\\)" "^--- \\(.*\\)"
                      "^diff --git .* \\(\"b/.*\"\\)$" "^diff --git .* \\(b/.*\\)$")))))))

(defun swarm-patch--find (path files)
  "Return the entry of PATH in FILES, or nil."
  (seq-find (lambda (file) (equal (plist-get file :path) path)) files))

(defun swarm-patch--hunk-end (file-end)
  "Return where the hunk at point ends, in a part that ends at FILE-END."
  (save-excursion
    (forward-line)
    (if (re-search-forward swarm-patch--hunk file-end t) (line-beginning-position) file-end)))

(defun swarm-patch-hunk (files)
  "Return the hunk that point is in, or nil in front of the first one.
FILES is what `swarm/diff' lists."
  (let ((start (swarm-patch--file-start)))
    (when start
      (save-excursion
        (end-of-line)
        (when (re-search-backward swarm-patch--hunk start t)
          (let* ((begin (point))
                 (path (swarm-patch-file))
                 (index (1- (count-matches swarm-patch--hunk start (line-end-position))))
                 (hunks (plist-get (swarm-patch--find path files) :hunks)))
            (list :path path :index index
                  :hash (and (< index (length hunks)) (plist-get (elt hunks index) :hash))
                  :begin begin :end (swarm-patch--hunk-end (swarm-patch--file-end)))))))))

(defun swarm-patch-hunks (files)
  "Return all hunks of this buffer, in order; FILES is what `swarm/diff' lists."
  (save-excursion
    (goto-char (point-min))
    (let (found)
      (while (re-search-forward swarm-patch--hunk nil t)
        (push (swarm-patch-hunk files) found))
      (nreverse found))))

(defun swarm-patch-lines (begin end)
  "Return (FIRST . LAST): the lines of the new file between BEGIN and END.
Both are in one hunk.  Where only lines are taken away, it is the
line that follows them, twice."
  (save-excursion
    (goto-char begin)
    (end-of-line)
    (re-search-backward swarm-patch--hunk)
    (let ((line (string-to-number (match-string 3))) first last)
      (forward-line)
      (while (and (< (point) end) (not (eobp)))
        (unless (memq (char-after) '(?- ?\\))
          (when (>= (point) (save-excursion (goto-char begin) (line-beginning-position)))
            (setq first (or first line) last line))
          (setq line (1+ line)))
        (forward-line))
      (cons (or first line) (or last first line)))))

(defun swarm-patch-comment (path lines text comment)
  "Return COMMENT as a message about LINES of PATH, whose patch is TEXT."
  (format "About %s, %s, in your change:\n\n```diff\n%s\n```\n\n%s"
          path
          (if (= (car lines) (cdr lines)) (format "line %d" (car lines))
            (format "lines %d to %d" (car lines) (cdr lines)))
          (string-trim-right text "\n+") comment))

(provide 'swarm-patch)
;;; swarm-patch.el ends here
