;;; swarm-render.el --- Buffers that change under their reader  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; How a buffer is brought up to date without anybody being disturbed: only characters that differ
;; are replaced, so markers, marks, narrowing, selections and what redisplay knows stay as they are.
;;
;;   (swarm-render-text START END STRING)   the text between two positions shall be STRING
;;   (swarm-render-all STRING)              the whole buffer shall be STRING
;;   (swarm-render-keeping BODY...)         BODY changes this buffer; undo and read-only are out of the
;;                                          way, match data, point, narrowing and window starts stay
;;   (swarm-render-lines LINES)             the whole buffer shall be LINES, each (KEY . STRING); a
;;                                          line that moved takes point, marks and window starts along
;;   (swarm-render-later BUFFER FUNCTION)   FUNCTION draws BUFFER soon, at most 20 times a second,
;;                                          and not before somebody sees it
;;
;; STRING has its text properties; equal text with others gets the new ones.  A key is anything that
;; `equal' compares, and no two lines have the same.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)

(defconst swarm-render-interval 0.05
  "The seconds between two redraws of a buffer, at least.")

;;; Text

(defun swarm-render--common (old new)
  "Return how many characters OLD and NEW have in common at beginning and end."
  (let* ((difference (compare-strings old nil nil new nil nil))
         (shorter (min (length old) (length new)))
         (start (if (eq difference t) shorter (1- (abs difference))))
         (i 0)
         (most (- shorter start))
         (old-end (1- (length old)))
         (new-end (1- (length new))))
    (while (and (< i most) (eq (aref old (- old-end i)) (aref new (- new-end i))))
      (setq i (1+ i)))
    (cons start i)))

(defun swarm-render--same-dress-p (old from new to length)
  "Return non-nil when texts of LENGTH have the same properties.
They are that of OLD from FROM on, and that of NEW from TO on."
  (let ((i 0) (same t))
    (while (and same (< i length))
      (setq same (equal (text-properties-at (+ from i) old) (text-properties-at (+ to i) new))
            i (min (- (next-property-change (+ from i) old (+ from length)) from)
                   (- (next-property-change (+ to i) new (+ to length)) to))))
    same))

(defun swarm-render--dress (start string from to)
  "Give the text at START its properties of STRING, between FROM and TO."
  (while (< from to)
    (let ((next (next-property-change from string to)))
      (set-text-properties (+ start from) (+ start next) (text-properties-at from string))
      (setq from next))))

(defun swarm-render-text (start end string &optional old)
  "Make the text from START to END be STRING; return non-nil when it was not.
Characters that stay are not touched.  OLD is what the text is,
when the caller knows it."
  (let* ((old (or old (buffer-substring start end)))
         (common (swarm-render--common old string))
         (first (car common))
         (last (- (length string) (cdr common)))
         (old-last (- (length old) (cdr common)))
         (changed (or (< first last) (< first old-last))))
    (when changed
      (save-excursion
        ;; Behind the old text, so that a marker in it does not move behind the new.
        (goto-char (+ start old-last))
        (insert (substring string first last))
        (delete-region (+ start first) (+ start old-last))))
    (unless (swarm-render--same-dress-p old 0 string 0 first)
      (setq changed t)
      (swarm-render--dress start string 0 first))
    (unless (swarm-render--same-dress-p old old-last string last (cdr common))
      (setq changed t)
      (swarm-render--dress start string last (length string)))
    changed))

;;; Readers

(defun swarm-render--windows ()
  "Return the windows that show the current buffer."
  (get-buffer-window-list nil 'no-minibuffer t))

(defun swarm-render--call-keeping (function)
  "Call FUNCTION as `swarm-render-keeping' promises."
  (let* ((inhibit-read-only t)
         (inhibit-modification-hooks nil)
         (modified (buffer-modified-p))
         (at-end (= (point) (point-max)))
         (windows (mapcar (lambda (window)
                            (list window
                                  (copy-marker (window-start window))
                                  (copy-marker (window-point window))
                                  (= (window-point window) (point-max))))
                          (swarm-render--windows))))
    (let ((result (save-match-data
                    (save-mark-and-excursion
                      (save-restriction
                        (widen)
                        (let ((buffer-undo-list t)
                              (deactivate-mark nil))
                          (funcall function)))))))
      (when at-end (goto-char (point-max)))
      (pcase-dolist (`(,window ,start ,point ,end) windows)
        (when (eq (window-buffer window) (current-buffer))
          (set-window-point window (if end (point-max) point))
          (unless (or end (= (window-start window) start))
            (set-window-start window start t)))
        (set-marker start nil)
        (set-marker point nil))
      (restore-buffer-modified-p modified)
      result)))

(defmacro swarm-render-keeping (&rest body)
  "Run BODY to change this buffer, without disturbing its readers.
Point, mark, narrowing and each window's point and start stay
where they are in the text; who is at the end stays at the end.
Return the value of BODY."
  (declare (indent 0) (debug t))
  `(swarm-render--call-keeping (lambda () ,@body)))

(defun swarm-render-all (string)
  "Make the whole buffer be STRING; a reader of an empty one is at its beginning."
  (let ((empty (zerop (buffer-size))))
    (swarm-render-keeping
      (swarm-render-text (point-min) (point-max) string))
    (when empty
      (goto-char (point-min))
      (dolist (window (swarm-render--windows))
        (set-window-point window (point-min)))))
  (force-mode-line-update))

;;; Lines

(defvar-local swarm-render--lines nil
  "The lines of this buffer, in order: (KEY . STRING) each.")

(defun swarm-render--readers ()
  "Return what is to be kept in place: (POSITION . SETTER) each."
  (let ((buffer (current-buffer)))
    (append
     (list (cons (point) #'goto-char))
     (when (mark t)
       (list (cons (mark t) (lambda (position) (set-marker (mark-marker) position)))))
     (mapcan (lambda (window)
               (list (cons (window-start window)
                           (lambda (position)
                             (when (eq (window-buffer window) buffer)
                               (unless (= position (window-start window))
                                 (set-window-start window position t)))))
                     (cons (window-point window)
                           (lambda (position)
                             (when (eq (window-buffer window) buffer)
                               (unless (= position (window-point window))
                                 (set-window-point window position)))))))
             (swarm-render--windows)))))

(defun swarm-render--numbers (lines)
  "Return a table of the number of each of LINES by key."
  (let ((table (make-hash-table :test #'equal :size (max 16 (length lines))))
        (number -1))
    (dolist (line lines table)
      (puthash (car line) (setq number (1+ number)) table))))

(defun swarm-render--cut (old key gone)
  "Take away the line with KEY, one of OLD further down, and note it in GONE."
  (save-excursion
    (while (not (equal (caar old) key))
      (unless (gethash (caar old) gone) (forward-line))
      (pop old))
    (delete-region (point) (line-beginning-position 2))
    (puthash key t gone)))

(defun swarm-render--walk (old new)
  "Make this buffer, whose lines are OLD, read NEW.
Where both have a line, but not in the same order, the one that
has the longer way is taken away and comes again at its place."
  (let ((old-numbers (swarm-render--numbers old))
        (new-numbers (swarm-render--numbers new))
        (gone (make-hash-table :test #'equal))
        (old-number 0)
        (new-number 0))
    (goto-char (point-min))
    (while (or old new)
      (let* ((line (car new))
             (was (and line (not (gethash (car line) gone)) (gethash (car line) old-numbers)))
             (will (and old (gethash (caar old) new-numbers))))
        (cond ((and old (gethash (caar old) gone))
               (pop old)
               (setq old-number (1+ old-number)))
              ((and old new (equal (caar old) (car line)))
               (unless (eq (cdar old) (cdr line))
                 (swarm-render-text (point) (line-end-position) (cdr line) (cdar old)))
               (forward-line)
               (pop old)
               (pop new)
               (setq old-number (1+ old-number) new-number (1+ new-number)))
              ((and new (not was)) ; it is new, or was further up
               (insert (cdr line) "\n")
               (pop new)
               (setq new-number (1+ new-number)))
              ((and will was (>= (- was old-number) (- will new-number)))
               (swarm-render--cut old (car line) gone))
              (t
               (delete-region (point) (line-beginning-position 2))
               (puthash (caar old) t gone)))))))

(defun swarm-render--same-p (old new)
  "Return non-nil when the lines OLD and NEW have the same keys in the same order."
  (while (and old new (or (eq (car old) (car new)) (equal (caar old) (caar new))))
    (pop old)
    (pop new))
  (not (or old new)))

(defun swarm-render--update (old new)
  "Make this buffer, whose lines are OLD, read NEW, where both have the same keys."
  (let ((ahead 0))
    (goto-char (point-min))
    (while new
      (unless (or (eq (car old) (car new)) (eq (cdar old) (cdar new)))
        (forward-line ahead)
        (setq ahead 0)
        (swarm-render-text (point) (line-end-position) (cdar new) (cdar old)))
      (setq ahead (1+ ahead))
      (pop old)
      (pop new))))

(defun swarm-render--places (readers)
  "Return (LINE . COLUMN) of each of READERS."
  (mapcar (lambda (reader)
            (save-excursion
              (goto-char (car reader))
              (cons (1- (line-number-at-pos)) (- (point) (line-beginning-position)))))
          readers))

(defun swarm-render--moved (places old new)
  "Return PLACES, which were in lines OLD, as they are in lines NEW.
Where a line is gone, its number stays."
  (let ((numbers (swarm-render--numbers new))
        (last (max 0 (1- (length new)))))
    (mapcar (lambda (place)
              (let ((line (nth (car place) old)))
                (cons (or (and line (gethash (car line) numbers)) (min (car place) last))
                      (cdr place))))
            places)))

(defun swarm-render--put-back (readers places)
  "Set READERS to PLACES."
  (let ((positions (mapcar (lambda (place)
                             (goto-char (point-min))
                             (forward-line (car place))
                             (min (+ (point) (cdr place)) (line-end-position)))
                           places)))
    (cl-mapc (lambda (reader position) (funcall (cdr reader) position)) readers positions)))

(defun swarm-render-lines (lines)
  "Make this buffer read LINES, each (KEY . STRING without a line end).
Point, mark, and each window's start and point stay at their
line, also when it moves; narrowing stays.  A line that is the
same object as before, or whose STRING is, is not looked at."
  (let* ((old swarm-render--lines)
         (same (swarm-render--same-p old lines))
         (readers (swarm-render--readers))
         (inhibit-read-only t)
         (deactivate-mark nil)
         (modified (buffer-modified-p)))
    (save-match-data
      (save-restriction
        (widen)
        (let ((places (swarm-render--places readers))
              (buffer-undo-list t))
          (unless (or old (= (buffer-size) 0)) (erase-buffer))
          (setq swarm-render--lines nil) ; unknown, should this be cut short
          (if same (swarm-render--update old lines) (swarm-render--walk old lines))
          (setq swarm-render--lines lines)
          (swarm-render--put-back
           readers (if same places (swarm-render--moved places old lines))))))
    (restore-buffer-modified-p modified)))

(defun swarm-render-key ()
  "Return the key of the line at point, or nil."
  (save-restriction
    (widen)
    (car (nth (1- (line-number-at-pos)) swarm-render--lines))))

(defun swarm-render-keys (&optional from to)
  "Return the keys of the lines of this buffer, in order.
With FROM and TO those of the lines in between, counted from 0."
  (mapcar #'car (if from
                    (seq-take (nthcdr from swarm-render--lines) (- to from))
                  swarm-render--lines)))

;;; When

(defvar-local swarm-render--timer nil
  "The timer of the next redraw of this buffer.")

(defvar-local swarm-render--function nil
  "What draws this buffer, when it is not up to date.")

(defvar-local swarm-render--last 0
  "When this buffer was drawn last.")

(defun swarm-render--draw (buffer)
  "Draw BUFFER when it is seen; else it is drawn when it is."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq swarm-render--timer nil)
      (when (and swarm-render--function (get-buffer-window buffer t))
        (swarm-render-now)))))

(defun swarm-render-now ()
  "Draw this buffer now, when it is not up to date."
  (when swarm-render--timer
    (cancel-timer swarm-render--timer)
    (setq swarm-render--timer nil))
  (when swarm-render--function
    (let ((function swarm-render--function))
      (setq swarm-render--function nil)
      (unwind-protect (funcall function)
        (setq swarm-render--last (float-time))))))

(defun swarm-render-later (buffer function)
  "Have BUFFER drawn soon: FUNCTION is called in it, without arguments.
That is at most every `swarm-render-interval' seconds, however
often this is called, and not before a window shows the buffer."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq swarm-render--function function)
      (unless swarm-render--timer
        (setq swarm-render--timer
              (run-at-time (max 0.001 (- (+ swarm-render--last swarm-render-interval) (float-time)))
                           nil #'swarm-render--draw buffer))))))

(defun swarm-render--shown (&rest _)
  "Draw what has become visible and is not up to date."
  (dolist (window (window-list-1 nil 'no-minibuffer 'visible))
    (with-current-buffer (window-buffer window)
      (when (and swarm-render--function (not swarm-render--timer))
        (swarm-render-later (current-buffer) swarm-render--function)))))

(add-hook 'window-configuration-change-hook #'swarm-render--shown)

(provide 'swarm-render)
;;; swarm-render.el ends here
