;;; swarm-checkpoints.el --- Back to where an agent was  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; After each turn that changed something there is a checkpoint of the agent's files.
;; `swarm-checkpoints' lists them, shows what each has changed, and goes back to one: only the files, or
;; what the agent remembers, too.  Before that the present files are kept as a checkpoint of their own.

;;; Code:

(require 'parse-time)
(require 'swarm-actions)
(require 'swarm-merge)
(require 'swarm-review)
(require 'swarm-state)
(require 'tabulated-list)

(declare-function swarm-checkpoints-menu "swarm-menu-views")

(defvar-local swarm-checkpoints--all nil "The checkpoints that are shown, the oldest first.")
(defvar-local swarm-checkpoints--current nil "The one that the files go on from.")

(defun swarm-checkpoints--time (time)
  "Return TIME of the protocol in local time."
  (format-time-string "%Y-%m-%d %H:%M" (parse-iso8601-time-string time)))

(defun swarm-checkpoints--row (checkpoint)
  "Return the row of CHECKPOINT."
  (let ((name (plist-get checkpoint :checkpoint)))
    (list name
          (vector (concat name (if (equal name swarm-checkpoints--current) " *" ""))
                  (pcase (plist-get checkpoint :reason)
                    ("turn" (format "turn %d" (plist-get checkpoint :turn)))
                    (reason (format "kept before a %s" reason)))
                  (swarm-checkpoints--time (plist-get checkpoint :time))
                  (number-to-string (plist-get checkpoint :files))
                  (format "+%d" (plist-get checkpoint :added))
                  (format "-%d" (plist-get checkpoint :removed))))))

(defun swarm-checkpoints--rows ()
  "Return the rows, the newest first, with the base at the end."
  (append (mapcar #'swarm-checkpoints--row (reverse swarm-checkpoints--all))
          (list (list "0" (vector (concat "0" (if (equal swarm-checkpoints--current "0") " *" ""))
                                  "the base" "" "" "" "")))))

(defun swarm-checkpoints-refresh ()
  "Read the checkpoints anew."
  (interactive)
  (let ((buffer (current-buffer)))
    (swarm-request 'swarm/checkpoints (list :agentId swarm-agent-id)
                   (lambda (result)
                     (when (buffer-live-p buffer)
                       (with-current-buffer buffer
                         (setq swarm-checkpoints--all (append (plist-get result :checkpoints) nil)
                               swarm-checkpoints--current (plist-get result :current))
                         (tabulated-list-print t)))))))

(defun swarm-checkpoints--here ()
  "Return the name of the checkpoint at point."
  (or (tabulated-list-get-id) (user-error "There is no checkpoint in this line")))

(defun swarm-checkpoints-diff ()
  "Show what was changed up to the checkpoint at point, since the one before."
  (interactive)
  (let* ((name (swarm-checkpoints--here))
         (checkpoint (seq-find (lambda (each) (equal (plist-get each :checkpoint) name)) swarm-checkpoints--all)))
    (unless checkpoint (user-error "Nothing came before the base"))
    (swarm-review-show swarm-agent-id (format "*swarm review %s, %s*" swarm-agent-id name)
                       (list :from (plist-get checkpoint :parent) :to name))))

(defun swarm-checkpoints-diff-since ()
  "Show what was changed since the checkpoint at point."
  (interactive)
  (let ((name (swarm-checkpoints--here)))
    (swarm-review-show swarm-agent-id (format "*swarm review %s since %s*" swarm-agent-id name) (list :from name))))

(defun swarm-checkpoints--buffers (folder)
  "Return files of FOLDER that are visited, as the protocol lists files."
  (delq nil (mapcar (lambda (buffer)
                      (let ((file (buffer-file-name buffer)))
                        (and file (file-in-directory-p file folder)
                             (list :path (file-relative-name file folder)))))
                    (buffer-list))))

;;;###autoload
(defun swarm-rewind (agent checkpoint &optional transcript)
  "Put the files of AGENT, an id, back to CHECKPOINT.
With TRANSCRIPT it also forgets what was said and done since."
  (interactive
   (list (swarm-the-agent "Rewind: ")
         (if (derived-mode-p 'swarm-checkpoints-mode) (swarm-checkpoints--here)
           (read-string "Back to the checkpoint (a turn's number, 0 is the base): "))
         current-prefix-arg))
  (when (y-or-n-p (format "Put the files of %s back to checkpoint %s%s? " agent checkpoint
                          (if transcript ", and let it forget what came after" "")))
    (let ((buffer (current-buffer)))
      (swarm-request
       'swarm/rewind (append (list :agentId agent :turn checkpoint) (and transcript (list :transcript t)))
       (lambda (result)
         (let ((folder (swarm-agent-directory (swarm-agent agent))))
           (when folder
             (swarm-merge-revert-buffers folder (swarm-checkpoints--buffers folder))))
         (message "swarm: back to %s; going to %s undoes that" checkpoint (plist-get result :kept))
         (when (and (buffer-live-p buffer) (eq (buffer-local-value 'major-mode buffer) 'swarm-checkpoints-mode))
           (with-current-buffer buffer (swarm-checkpoints-refresh))))))))

(defun swarm-checkpoints-rewind-transcript ()
  "Go back to the checkpoint at point, with what the agent remembers."
  (interactive)
  (swarm-rewind swarm-agent-id (swarm-checkpoints--here) t))

(defvar swarm-checkpoints-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (define-key map (kbd "RET") #'swarm-checkpoints-diff)
    (define-key map "=" #'swarm-checkpoints-diff)
    (define-key map "d" #'swarm-checkpoints-diff-since)
    (define-key map "x" #'swarm-rewind)
    (define-key map "X" #'swarm-checkpoints-rewind-transcript)
    (define-key map "g" #'swarm-checkpoints-refresh)
    (define-key map "?" #'swarm-checkpoints-menu)
    map)
  "The keys of the checkpoints.")

(define-derived-mode swarm-checkpoints-mode tabulated-list-mode "Swarm-Checkpoints"
  "Where an agent was after its turns; the star is where it is.
\\{swarm-checkpoints-mode-map}"
  (setq tabulated-list-format [("Checkpoint" 11 nil) ("What" 22 nil) ("When" 17 nil) ("Files" 6 nil :right-align t)
                               ("Added" 6 nil :right-align t) ("Removed" 8 nil :right-align t)]
        tabulated-list-entries #'swarm-checkpoints--rows)
  (tabulated-list-init-header))

;;;###autoload
(defun swarm-checkpoints (agent)
  "List the checkpoints of AGENT, an id."
  (interactive (list (swarm-the-agent "Checkpoints of: ")))
  (pop-to-buffer (get-buffer-create (format "*swarm checkpoints %s*" agent)))
  (unless (derived-mode-p 'swarm-checkpoints-mode) (swarm-checkpoints-mode))
  (setq swarm-agent-id agent)
  (swarm-checkpoints-refresh))

(provide 'swarm-checkpoints)
;;; swarm-checkpoints.el ends here
