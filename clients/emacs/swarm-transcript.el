;;; swarm-transcript.el --- What a swarm agent says and does  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer an agent: the items of its transcript (swarm-entries.el), the messages that wait, and a
;; prompt (swarm-prompt.el).  In front of the prompt keys are commands; what is behind it is typed.

;;; Code:

(require 'swarm-actions)
(require 'swarm-entries)
(require 'swarm-prompt)

(declare-function swarm-review "swarm-review")
(declare-function swarm-menu "swarm-menu")
(declare-function swarm-approvals-allow-here "swarm-approvals")

;;; Folding and moving

(defun swarm-transcript--entry-at (position)
  "Return the entry at POSITION, or nil."
  (gethash (get-text-property position 'swarm-item) swarm-transcript--entries))

(defun swarm-transcript--set-fold (entry fold)
  "Set the FOLD of ENTRY and show it."
  (setf (swarm-entry-fold entry) fold)
  (swarm-transcript-changing (swarm-transcript--write entry)))

(defun swarm-transcript-toggle ()
  "Fold the tool call or reasoning at point, or unfold it."
  (interactive)
  (let ((entry (swarm-transcript--entry-at (point))))
    (unless (and entry (swarm-items-foldable-p (swarm-entry-item entry)))
      (user-error "There is nothing to fold here"))
    (swarm-transcript--set-fold entry (if (swarm-transcript--folded-p entry) 'open 'closed))
    (when (swarm-transcript--folded-p entry)
      (goto-char (swarm-entry-start entry))
      (skip-chars-forward "\n"))))

(defun swarm-transcript-toggle-all ()
  "Unfold all tool use and reasoning, or fold it when all is unfolded."
  (interactive)
  (let* ((entries (seq-filter (lambda (entry) (swarm-items-foldable-p (swarm-entry-item entry)))
                              swarm-transcript--order))
         (fold (if (seq-some #'swarm-transcript--folded-p entries) 'open 'closed)))
    (dolist (entry entries)
      (swarm-transcript--set-fold entry fold))))

(defun swarm-transcript--show-whole (id)
  "Show the whole text of the item ID."
  (let ((entry (gethash id swarm-transcript--entries)))
    (setf (swarm-entry-whole entry) t)
    (swarm-transcript-changing (swarm-transcript--write entry))))

(defun swarm-transcript--found ()
  "Unfold what a search has found."
  (let ((entry (and isearch-success (get-text-property (point) 'invisible)
                    (swarm-transcript--entry-at (point)))))
    (when entry (swarm-transcript--set-fold entry 'open))))

(defun swarm-transcript--move (count want)
  "Move COUNT entries on, of those for which WANT is non-nil."
  (let* ((oldest-first (reverse swarm-transcript--order))
         (starts (mapcar (lambda (entry)
                           (save-excursion (goto-char (swarm-entry-start entry)) (skip-chars-forward "\n") (point)))
                         (seq-filter (lambda (entry) (and (swarm-transcript--shown-p entry) (funcall want entry)))
                                     oldest-first)))
         (there (if (> count 0)
                    (nth (1- count) (seq-filter (lambda (start) (> start (point))) starts))
                  (nth (1- (- count)) (nreverse (seq-filter (lambda (start) (< start (point))) starts))))))
    (cond (there (goto-char there))
          ((> count 0) (swarm-prompt-goto))
          (t (goto-char (point-min))))))

(defun swarm-transcript-next (count)
  "Move to the COUNTth next item."
  (interactive "p")
  (swarm-transcript--move count #'identity))

(defun swarm-transcript-previous (count)
  "Move to the COUNTth previous item."
  (interactive "p")
  (swarm-transcript--move (- count) #'identity))

(defun swarm-transcript--message-p (entry)
  "Return non-nil when ENTRY is a message of a person."
  (equal (plist-get (swarm-entry-item entry) :kind) "user"))

(defun swarm-transcript-next-message (count)
  "Move to the COUNTth next message of a person."
  (interactive "p")
  (swarm-transcript--move count #'swarm-transcript--message-p))

(defun swarm-transcript-previous-message (count)
  "Move to the COUNTth previous message of a person."
  (interactive "p")
  (swarm-transcript--move (- count) #'swarm-transcript--message-p))

(defun swarm-transcript-return ()
  "Visit the file at point, push the button there, or fold."
  (interactive)
  (cond ((button-at (point)) (push-button))
        ((get-text-property (point) 'swarm-queued) (swarm-prompt-edit-queued))
        (t (swarm-transcript-toggle))))

(defun swarm-transcript-approval-here ()
  "Return the open question at point, else the oldest one of this transcript."
  (let* ((open (lambda (entry)
                 (let ((item (swarm-entry-item entry)))
                   (and (equal (plist-get item :kind) "approval") (equal (plist-get item :status) "started")
                        (plist-get item :approval)))))
         (here (swarm-transcript--entry-at (point))))
    (or (and here (funcall open here))
        (seq-some open (reverse swarm-transcript--order)))))

;;; The header

(defconst swarm-transcript--frames "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

(defvar swarm-transcript--spinner nil
  "The timer of the spinners, while one turns.")

(defun swarm-transcript--running-p (agent)
  "Return non-nil while something of AGENT is under way."
  (member (plist-get agent :state) '("starting" "working")))

(defun swarm-transcript--frame (agent)
  "Return the sign of the state of AGENT."
  (pcase (plist-get agent :state)
    ((or "starting" "working")
     (string (aref swarm-transcript--frames (mod (floor (* 8 (float-time))) (length swarm-transcript--frames)))))
    ("waiting" "?") ("done" "✓") ((or "failed" "killed") "✗") (_ "·")))

(defun swarm-transcript--context (agent)
  "Return how full the context of AGENT is, or nil."
  (let* ((usage (plist-get agent :usage)) (size (plist-get usage :contextSize)))
    (and size (> size 0)
         (format "%d%% of %dk" (/ (* 100 (or (plist-get usage :contextUsed) 0)) size) (/ size 1000)))))

(defun swarm-transcript--header ()
  "Return the header line about this buffer's agent."
  (let* ((agent (swarm-agent swarm-agent-id))
         (err (plist-get agent :error))
         (said (or (plist-get err :message) (plist-get agent :activity)))
         (parts (list (concat (swarm-transcript--frame agent) " " (or (plist-get agent :state) "not there")
                              (and said (concat ": " (string-remove-prefix "waiting: " said))))
                      (if (equal (plist-get agent :provider) "demo") "demo (a script, no model)" (plist-get agent :model))
                      (plist-get agent :mode)
                      (swarm-transcript--context agent)
                      (plist-get agent :branch))))
    (concat " " (string-join (delq nil parts) "  "))))

(defvar-local swarm-transcript--header-text nil
  "What the header line says.")

(defun swarm-transcript--tell ()
  "Bring the header line up to date."
  (let ((text (swarm-transcript--header)))
    (unless (equal text swarm-transcript--header-text)
      (setq swarm-transcript--header-text text)
      (force-mode-line-update))))

(defun swarm-transcript--turn ()
  "Turn the spinners that are seen; stop when nothing is under way."
  (let (runs)
    (dolist (window (window-list-1 nil 'no-minibuffer 'visible))
      (with-current-buffer (window-buffer window)
        (when (and (derived-mode-p 'swarm-transcript-mode)
                   (swarm-transcript--running-p (swarm-agent swarm-agent-id)))
          (setq runs t)
          (swarm-transcript--tell))))
    (unless runs
      (cancel-timer swarm-transcript--spinner)
      (setq swarm-transcript--spinner nil))))

(defun swarm-transcript--spin (&rest _)
  "Let the spinner turn while something is under way that is seen."
  (when (and (not swarm-transcript--spinner) (not noninteractive)
             (seq-some (lambda (window)
                         (with-current-buffer (window-buffer window)
                           (and (derived-mode-p 'swarm-transcript-mode)
                                (swarm-transcript--running-p (swarm-agent swarm-agent-id)))))
                       (window-list-1 nil 'no-minibuffer 'visible)))
    (setq swarm-transcript--spinner (run-at-time 0.2 0.2 #'swarm-transcript--turn))))

;;; The buffer

(defvar swarm-transcript-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map swarm-prompt-map)
    (define-key map (kbd "C-c C-c") #'swarm-cancel)
    (define-key map (kbd "C-c C-n") #'swarm-transcript-next-message)
    (define-key map (kbd "C-c C-p") #'swarm-transcript-previous-message)
    (define-key map (kbd "C-c C-o") #'swarm-transcript-toggle-all)
    (define-key map (kbd "C-c C-d") #'swarm-review)
    (define-key map (kbd "C-c ?") #'swarm-menu)
    map)
  "The keys of a transcript.")

(let ((map swarm-transcript-item-map))
  (define-key map (kbd "RET") #'swarm-transcript-return)
  (define-key map [mouse-2] #'push-button)
  (define-key map [follow-link] 'mouse-face)
  (define-key map (kbd "TAB") #'swarm-transcript-toggle)
  (define-key map [backtab] #'swarm-transcript-toggle-all)
  (define-key map "n" #'swarm-transcript-next)
  (define-key map "p" #'swarm-transcript-previous)
  (define-key map (kbd "SPC") #'scroll-up-command)
  (define-key map (kbd "S-SPC") #'scroll-down-command)
  (define-key map (kbd "DEL") #'scroll-down-command)
  (define-key map "<" #'beginning-of-buffer)
  (define-key map ">" #'swarm-prompt-goto)
  (define-key map "i" #'swarm-prompt-goto)
  (define-key map "s" #'swarm-prompt-goto)
  (define-key map "a" #'swarm-allow)
  (define-key map "!" #'swarm-allow-always)
  (define-key map "r" #'swarm-reject)
  (define-key map "e" #'swarm-transcript-edit)
  (define-key map "d" #'swarm-prompt-drop-queued)
  (define-key map "=" #'swarm-review)
  (define-key map "c" #'swarm-cancel)
  (define-key map "k" #'swarm-kill)
  (define-key map "R" #'swarm-resume)
  (define-key map "g" #'swarm-transcript-refresh)
  (define-key map "q" #'quit-window)
  (define-key map "?" #'swarm-menu))

(defun swarm-transcript-edit ()
  "Edit the queued message at point, or what the open question asks for."
  (interactive)
  (if (get-text-property (point) 'swarm-queued)
      (swarm-prompt-edit-queued)
    (call-interactively #'swarm-allow-edited)))

(define-derived-mode swarm-transcript-mode fundamental-mode "Swarm-Transcript"
  "What a swarm agent says and does, with a prompt at the end.
In front of the prompt:
\\{swarm-transcript-item-map}
Everywhere:
\\{swarm-transcript-mode-map}"
  (setq header-line-format '("" swarm-transcript--header-text))
  (setq-local word-wrap t)
  (setq-local scroll-conservatively 101)
  (setq-local search-invisible t)
  (setq-local swarm-transcript--entries (make-hash-table :test #'equal))
  (setq swarm-items-more-function #'swarm-transcript--show-whole)
  (add-to-invisibility-spec 'swarm)
  (add-hook 'isearch-update-post-hook #'swarm-transcript--found nil t)
  (add-hook 'window-scroll-functions #'swarm-transcript--scrolled nil t)
  (add-hook 'kill-buffer-hook #'swarm-transcript--unwatch nil t))

(defun swarm-transcript--unwatch ()
  "Tell the server that nobody is looking any more."
  (swarm-unwatch swarm-agent-id))

(defun swarm-transcript--setup (id)
  "Make this buffer the transcript of the agent ID."
  (swarm-transcript-mode)
  (setq swarm-agent-id id)
  (let ((folder (swarm-agent-directory (swarm-agent id))))
    (when folder (setq default-directory folder)))
  (setq swarm-transcript--end (copy-marker (point-max)))
  (swarm-prompt-setup)
  (swarm-transcript--tell)
  (goto-char (point-max))
  (swarm-transcript-refresh)
  (swarm-prompt-read-queue))

;;;###autoload
(defun swarm-open (id)
  "Show the transcript of the agent ID."
  (interactive (list (swarm-the-agent "Transcript of: ")))
  (let ((buffer (get-buffer-create (swarm-transcript--name id))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'swarm-transcript-mode)
        (swarm-transcript--setup id)))
    (pop-to-buffer buffer)
    (swarm-transcript--spin)
    buffer))

;;; What happens

(defun swarm-transcript--changed (agent)
  "Show in its transcript that AGENT has changed."
  (let ((buffer (swarm-transcript-buffer (plist-get agent :id))))
    (when buffer
      (with-current-buffer buffer
        (let ((folder (swarm-agent-directory agent)))
          (when folder (setq default-directory folder)))
        (unless (eql (plist-get swarm-agent-before :queued) (plist-get agent :queued))
          (swarm-prompt-read-queue))
        (unless (seq-every-p (lambda (member)
                               (equal (plist-get swarm-agent-before member) (plist-get agent member)))
                             '(:state :stopReason :error))
          (swarm-prompt-update))
        (swarm-transcript--tell)
        (when (swarm-transcript--running-p agent) (swarm-transcript--spin))))))

(defun swarm-transcript--gone (agent)
  "Close the transcript of AGENT, which is gone."
  (let ((buffer (swarm-transcript-buffer (plist-get agent :id))))
    (when buffer (kill-buffer buffer))))

(defun swarm-transcript--reset (place)
  "Read the transcripts of agents at PLACE anew."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when (and (derived-mode-p 'swarm-transcript-mode)
                 (equal (plist-get (swarm-agent swarm-agent-id) :place) place))
        (swarm-transcript-refresh)
        (swarm-prompt-read-queue)))))

(add-hook 'swarm-item-functions #'swarm-transcript--on-item)
(add-hook 'swarm-delta-functions #'swarm-transcript--on-delta)
(add-hook 'swarm-agent-functions #'swarm-transcript--changed)
(add-hook 'swarm-gone-functions #'swarm-transcript--gone)
(add-hook 'swarm-reset-functions #'swarm-transcript--reset)
(add-hook 'window-configuration-change-hook #'swarm-transcript--spin)

(declare-function swarm-allow "swarm-approvals")
(declare-function swarm-allow-always "swarm-approvals")
(declare-function swarm-allow-edited "swarm-approvals")
(declare-function swarm-reject "swarm-approvals")

(provide 'swarm-transcript)
;;; swarm-transcript.el ends here
