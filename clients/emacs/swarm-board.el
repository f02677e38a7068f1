;;; swarm-board.el --- The lines of the dashboard  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The agents of all servers, one a line: those that need somebody first, children under parents.
;; An agent that changes is noted, and at most 20 times a second the lines of those that were noted
;; are made anew; the others are not looked at.  How lines come into the buffer: swarm-render.el;
;; what stands in one: swarm-row.el; which come in which order: swarm-order.el.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'swarm-order)
(require 'swarm-render)
(require 'swarm-row)
(require 'swarm-status)

(defconst swarm-board-name "*swarm*"
  "The name of the dashboard's buffer.")

(defconst swarm-board--tick 1
  "The seconds between two looks whether an age has changed.")

(defconst swarm-board--stats-ticks 15
  "Each so many ticks the servers are asked how they are.")

(cl-defstruct (swarm-board-row (:copier nil))
  "How an agent is drawn: its LINE (ID . STRING), AGE and DEPTH in it."
  line age depth)

(defvar-local swarm-board--rows nil
  "The row of each agent that was drawn, by id.")
(defvar-local swarm-board-changed nil
  "The ids of agents whose lines are to be made anew, as a table.")
(defvar-local swarm-board-order nil
  "The groups that are shown, see `swarm-order'.
It is `unknown' when they are to be found anew.")
(defvar-local swarm-board--layout nil
  "How lines are divided, see `swarm-row-layout'.")
(defvar-local swarm-board--width nil
  "The width that the layout is for.")
(defvar-local swarm-board-marks nil
  "The ids of the agents that are marked, as a table.")
(defvar-local swarm-board-folded nil
  "The names of the groups that are folded.")
(defvar-local swarm-board--ticks 0
  "How often ages were looked at.")

(defvar swarm-board--timer nil
  "The timer that looks at ages.")

(defvar swarm-board-draws 0
  "How often a dashboard was drawn, for measurements.")

;;; Lines

(defun swarm-board--line (id depth now)
  "Return the line of the agent ID at DEPTH; it is made anew only when it must be.
NOW is the time that ages are counted to."
  (let ((row (gethash id swarm-board--rows)))
    (unless (and row (eql (swarm-board-row-depth row) depth)
                 (not (gethash id swarm-board-changed)))
      (let* ((agent (swarm-agent id))
             (age (swarm-row-duration (- now (swarm-order-created agent)))))
        (setq row (make-swarm-board-row
                   :age age :depth depth
                   :line (cons id (swarm-row-line agent swarm-board--layout age depth
                                                  (and (gethash id swarm-board-marks) ?*)))))
        (puthash id row swarm-board--rows)))
    (swarm-board-row-line row)))

(defun swarm-board--group-lines (group now)
  "Return the lines of GROUP at NOW."
  (let ((folded (member (car group) swarm-board-folded)))
    (cons (cons (list 'space (car group)) "")
          (cons (cons (list 'group (car group))
                      (propertize (format "%s (%d)%s" (car group) (length (cdr group)) (if folded " …" ""))
                                  'face 'swarm-heading))
                (unless folded
                  (mapcar (lambda (each) (swarm-board--line (car each) (cdr each) now)) (cdr group)))))))

(defun swarm-board--numbered (name texts)
  "Return TEXTS as lines with the keys (NAME . NUMBER)."
  (seq-map-indexed (lambda (text number) (cons (cons name number) text)) texts))

(defun swarm-board--empty-lines ()
  "Return what stands in a dashboard without agents."
  (swarm-board--numbered
   'empty
   (cond ((> (swarm-agent-count) 0)
          (list "" (propertize "No agent fits." 'face 'bold)
                "/ changes the filter, e shows the agents of everybody."))
         ((and (swarm-places) (swarm-agents-known-p))
          (list "" (propertize "No agents yet." 'face 'bold)
                "+, or M-x swarm-new, starts one in a worktree and branch of its own;"
                "your own files stay as they are.  ? shows what else there is.")))))

(defun swarm-board--head-lines ()
  "Return the lines at the top: totals, warnings, what is chosen."
  (let ((choice (swarm-order-describe)))
    (append
     (list (cons 'title (swarm-status-totals)))
     (swarm-board--numbered
      'warning (mapcar (lambda (text) (propertize (concat "! " text) 'face 'swarm-waiting))
                       (swarm-status-warnings (swarm-place))))
     (and choice (list (cons 'choice (propertize (concat "  " choice) 'face 'swarm-dim)))))))

(defun swarm-board--measure ()
  "Divide the lines anew when the width of the window is another one."
  (let* ((window (get-buffer-window nil t))
         (width (if window (1- (window-width window)) 119)))
    (unless (eql width swarm-board--width)
      (setq swarm-board--width width
            swarm-board--layout (swarm-row-layout width)
            header-line-format (list (propertize " " 'display '(space :align-to 0))
                                     (swarm-row-titles swarm-board--layout)))
      (clrhash swarm-board--rows))))

(defun swarm-board-draw ()
  "Bring this buffer up to date."
  (setq swarm-board-draws (1+ swarm-board-draws))
  (swarm-board--measure)
  (when (eq swarm-board-order 'unknown)
    (setq swarm-board-order (swarm-order)))
  (let ((now (float-time)))
    (swarm-render-lines
     (nconc (swarm-board--head-lines)
            (if swarm-board-order
                (mapcan (lambda (group) (swarm-board--group-lines group now)) swarm-board-order)
              (swarm-board--empty-lines)))))
  (clrhash swarm-board-changed))

;;; What changes

(defun swarm-board-buffer ()
  "Return the dashboard, or nil."
  (get-buffer swarm-board-name))

(defun swarm-board-soon ()
  "Have the dashboard drawn."
  (let ((buffer (swarm-board-buffer)))
    (when buffer (swarm-render-later buffer #'swarm-board-draw))))

(defun swarm-board--agent (agent)
  "Note that AGENT has changed."
  (let ((buffer (swarm-board-buffer)))
    (when buffer
      (with-current-buffer buffer
        (when (swarm-order-differs-p swarm-agent-before agent)
          (setq swarm-board-order 'unknown))
        (puthash (plist-get agent :id) t swarm-board-changed)
        (swarm-render-later buffer #'swarm-board-draw)))))

(defun swarm-board--gone (agent)
  "Note that AGENT is gone."
  (let ((buffer (swarm-board-buffer)))
    (when buffer
      (with-current-buffer buffer
        (setq swarm-board-order 'unknown)
        (remhash (plist-get agent :id) swarm-board--rows)
        (remhash (plist-get agent :id) swarm-board-marks)
        (swarm-render-later buffer #'swarm-board-draw)))))

(add-hook 'swarm-agent-functions #'swarm-board--agent)
(add-hook 'swarm-gone-functions #'swarm-board--gone)
(add-hook 'swarm-status-functions (lambda (_place) (swarm-board-soon)))

(defun swarm-board--seen ()
  "Return the ids of the agents whose lines windows show."
  (save-restriction
    (widen)
    (seq-mapcat (lambda (window)
                  (let ((first (1- (line-number-at-pos (window-start window)))))
                    (seq-filter #'stringp (swarm-render-keys first (+ first (window-body-height window))))))
                (get-buffer-window-list nil 'no-minibuffer t))))

(defun swarm-board--look-at-ages ()
  "Have lines drawn whose age is another one, when somebody sees them.
A line that comes into a window has the right age a tick later."
  (let ((buffer (swarm-board-buffer)))
    (cond ((not buffer)
           (cancel-timer swarm-board--timer)
           (setq swarm-board--timer nil))
          ((get-buffer-window buffer t)
           (with-current-buffer buffer
             (setq swarm-board--ticks (1+ swarm-board--ticks))
             (when (zerop (% swarm-board--ticks swarm-board--stats-ticks))
               (mapc #'swarm-status-refresh (swarm-places)))
             (let ((now (float-time)) (any nil))
               (dolist (id (swarm-board--seen))
                 (let ((agent (swarm-agent id)) (row (gethash id swarm-board--rows)))
                   (unless (or (null agent) (null row)
                               (equal (swarm-board-row-age row)
                                      (swarm-row-duration (- now (swarm-order-created agent)))))
                     (setq any t)
                     (puthash id t swarm-board-changed))))
               (when any (swarm-render-later buffer #'swarm-board-draw))))))))

(defun swarm-board--resized ()
  "Have the lines made anew when the window of this buffer has another width."
  (let ((window (get-buffer-window nil t)))
    (unless (or (null window) (eql (1- (window-width window)) swarm-board--width))
      (swarm-render-later (current-buffer) #'swarm-board-draw))))

(defun swarm-board-start ()
  "Make this buffer a dashboard."
  (add-hook 'window-configuration-change-hook #'swarm-board--resized nil t)
  (setq swarm-board--rows (make-hash-table :test #'equal)
        swarm-board-changed (make-hash-table :test #'equal)
        swarm-board-marks (make-hash-table :test #'equal)
        swarm-board-order 'unknown)
  (unless swarm-board--timer
    (setq swarm-board--timer
          (run-at-time swarm-board--tick swarm-board--tick #'swarm-board--look-at-ages))))

(provide 'swarm-board)
;;; swarm-board.el ends here
