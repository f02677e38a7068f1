;;; swarm-approvals.el --- What agents ask  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-approvals' is an inbox of the questions of all agents, each with its whole patch or command.
;; The commands that answer work there on the question at point, in a transcript on the one at point
;; or the oldest one, and elsewhere on the oldest one of an agent.
;;
;; "Always" shows the rules that it makes before it makes them.  `swarm-allow-edited' lets one change
;; the command, the text or the arguments first (swarm-approvals-edit.el).

;;; Code:

(require 'swarm-actions)
(require 'swarm-items)
(require 'swarm-render)
(require 'swarm-state)

(defconst swarm-approvals--name "*swarm approvals*"
  "The name of the inbox.")

(defvar swarm-approvals-functions nil
  "Called with a question that was not known before.
Not when many come at once, as when a server is started.")

(defvar swarm-approvals--open nil
  "The open questions, the oldest first: as the protocol has them, with :place.")

(defvar swarm-approvals--asked nil
  "The places that are being asked, each with whether to ask again.")

(defconst swarm-approvals--told 3
  "How many new questions are told one by one; more at once are counted.")

(declare-function swarm-approvals-menu "swarm-menu-views")
(declare-function swarm-open "swarm-transcript")
(declare-function swarm-transcript-approval-here "swarm-transcript")
(declare-function swarm-allow-edited "swarm-approvals-edit")

;;; Which there are

(defun swarm-approvals-count ()
  "Return how many questions are open."
  (length swarm-approvals--open))

(defun swarm-approvals--of (approval)
  "Return what people call the agent of APPROVAL."
  (or (plist-get approval :agentName) (plist-get approval :agentId)))

(defun swarm-approvals--take (place approvals)
  "Take APPROVALS as all the open questions at PLACE."
  (let* ((known (mapcar (lambda (approval) (plist-get approval :id)) swarm-approvals--open))
         (here (mapcar (lambda (approval) (append approval (list :place place))) approvals))
         (new (seq-remove (lambda (approval) (member (plist-get approval :id) known)) here)))
    (setq swarm-approvals--open
          (sort (append (seq-remove (lambda (approval) (equal (plist-get approval :place) place))
                                    swarm-approvals--open)
                        here)
                (lambda (a b) (string< (plist-get a :askedAt) (plist-get b :askedAt)))))
    (swarm-approvals--redraw)
    (if (> (length new) swarm-approvals--told)
        (message "swarm: %d new questions (%s answers them)" (length new)
                 (substitute-command-keys "\\[swarm-approvals]"))
      (dolist (approval new)
        (run-hook-with-args 'swarm-approvals-functions approval)))))

(defun swarm-approvals-refresh (&optional place)
  "Ask which questions are open at PLACE, interactively here.
While an answer is awaited, one more request stands for all."
  (interactive (list (swarm-place)))
  (let ((asked (assoc place swarm-approvals--asked)))
    (if asked
        (setcdr asked t)
      (push (list place) swarm-approvals--asked)
      (swarm-approvals--ask place nil nil))))

(defun swarm-approvals--ask (place after before)
  "Ask PLACE for the open questions after AFTER, BEFORE being those until there."
  (swarm-connection-request
   place 'swarm/approvals (append (list :limit 100) (and after (list :after after)))
   (lambda (result)
     (let ((approvals (append before (plist-get result :approvals) nil)))
       (if (plist-get result :next)
           (swarm-approvals--ask place (plist-get result :next) approvals)
         (swarm-approvals--take place approvals)
         (swarm-approvals--answered place))))
   (lambda (problem &rest _)
     (swarm-approvals--answered place)
     (swarm-complain problem "the open questions"))))

(defun swarm-approvals--answered (place)
  "Note that PLACE has answered; ask it again when something changed meanwhile."
  (let ((again (cdr (assoc place swarm-approvals--asked))))
    (setq swarm-approvals--asked (assoc-delete-all place swarm-approvals--asked))
    (when again (swarm-approvals-refresh place))))

(defun swarm-approvals--changed (agent)
  "Ask anew when the questions of AGENT are others than before."
  (let ((was (or (plist-get swarm-agent-before :approvals) 0))
        (now (or (plist-get agent :approvals) 0)))
    (when (or (/= was now)
              (and (> now 0) (not (equal (plist-get swarm-agent-before :state) (plist-get agent :state)))))
      (swarm-approvals-refresh (plist-get agent :place)))))

(defun swarm-approvals--gone (agent)
  "Forget the questions of AGENT."
  (let ((rest (seq-remove (lambda (approval) (equal (plist-get approval :agentId) (plist-get agent :id)))
                          swarm-approvals--open)))
    (unless (= (length rest) (length swarm-approvals--open))
      (setq swarm-approvals--open rest)
      (swarm-approvals--redraw))))

(add-hook 'swarm-agent-functions #'swarm-approvals--changed)
(add-hook 'swarm-gone-functions #'swarm-approvals--gone)
(add-hook 'swarm-connected-functions #'swarm-approvals-refresh)

;;; Answers

(defun swarm-approvals-here ()
  "Return the question that commands are about."
  (let ((here (cond ((derived-mode-p 'swarm-approvals-mode) (swarm-approvals--at-point))
                    ((derived-mode-p 'swarm-transcript-mode) (swarm-transcript-approval-here))))
        (ids (swarm-agents-here)))
    (or here
        (seq-find (lambda (approval) (or (null ids) (member (plist-get approval :agentId) ids)))
                  swarm-approvals--open)
        (user-error (if ids "It asks nothing" "Nothing is asked")))))

(defun swarm-approvals-of-agents (ids)
  "Return the open questions of the agents IDS, the oldest first."
  (seq-filter (lambda (approval) (member (plist-get approval :agentId) ids)) swarm-approvals--open))

(defun swarm-approvals--label (approval)
  "Return what APPROVAL is about, for a question in the minibuffer."
  (format "%s: %s" (swarm-approvals--of approval)
          (truncate-string-to-width (plist-get approval :title) 60 nil nil t)))

(defun swarm-approvals-decide (approval decision &optional reason input)
  "Answer APPROVAL with DECISION, REASON and INPUT; the first answer counts."
  (swarm-request
   'swarm/approve
   (append (list :approvalId (plist-get approval :id) :decision decision)
           (and reason (not (string-blank-p reason)) (list :reason reason))
           (and input (list :input input)))
   (lambda (result)
     (let ((decided (plist-get result :approval)))
       (unless (equal (plist-get decided :decision) decision)
         (message "swarm: %s was answered before you, by %s: %s" (swarm-approvals--of approval)
                  (plist-get decided :by) (plist-get decided :decision)))
       (swarm-approvals-refresh (plist-get (swarm-agent (plist-get approval :agentId)) :place))))))

(defun swarm-approvals--rules (approval effect)
  "Return the rules of answering APPROVAL always with EFFECT, or nil."
  (let ((rules (plist-get (plist-get approval :remember) effect)))
    (and (> (length rules) 0) (mapconcat #'identity rules ", "))))

(defun swarm-allow (approval)
  "Allow what APPROVAL asks for, this once.
Interactively, that is the question at point, else the oldest one."
  (interactive (list (swarm-approvals-here)))
  (when (or (derived-mode-p 'swarm-approvals-mode 'swarm-transcript-mode)
            (y-or-n-p (format "Allow %s? " (swarm-approvals--label approval))))
    (swarm-approvals-decide approval "allow")))

(defun swarm-allow-always (approval)
  "Allow what APPROVAL asks for, and its like in this repository from now on."
  (interactive (list (swarm-approvals-here)))
  (let ((rules (swarm-approvals--rules approval :allow)))
    (when (y-or-n-p (if rules
                        (format "Always allow %s, for all agents of this repository? " rules)
                      "Nothing can be remembered of this; allow it once? "))
      (swarm-approvals-decide approval (if rules "allowAlways" "allow")))))

(defun swarm-reject (approval reason)
  "Reject what APPROVAL asks for; the agent is told REASON."
  (interactive (let ((approval (swarm-approvals-here)))
                 (list approval (read-string (format "Reject %s; what should it know or do instead? "
                                                     (swarm-approvals--label approval))))))
  (swarm-approvals-decide approval "reject" reason))

(defun swarm-reject-always (approval reason)
  "Reject what APPROVAL asks for, for REASON, and its like from now on."
  (interactive
   (let* ((approval (swarm-approvals-here))
          (rules (swarm-approvals--rules approval :reject)))
     (list approval
           (read-string (if rules
                            (format "Never allow %s; what should it know or do instead? " rules)
                          "Nothing can be remembered of this; reject it, because: ")))))
  (swarm-approvals-decide approval (if (swarm-approvals--rules approval :reject) "rejectAlways" "reject")
                          reason))

;;; The inbox

(defun swarm-approvals--lines (approval)
  "Return APPROVAL as lines for `swarm-render-lines'."
  (let* ((id (plist-get approval :id))
         (number -1)
         (body (swarm-items-question approval))
         (title (concat (propertize "? " 'face 'swarm-question)
                        (propertize (swarm-approvals--of approval) 'face 'bold)
                        "  " (propertize (plist-get approval :title) 'face 'swarm-question))))
    (mapcar (lambda (line)
              (cons (cons id (setq number (1+ number))) (propertize (concat line " ") 'swarm-approval id)))
            (append (split-string title "\n")
                    (unless (string-empty-p body) (split-string body "\n"))
                    (list "")))))

(defun swarm-approvals--header ()
  "Return what the header line of the inbox is to say."
  (let ((count (swarm-approvals-count)))
    (pcase count
      (0 " Nothing is asked")
      (_ (concat (if (= count 1) " 1 question" (format " %d questions" count))
                 "   a allow  ! always  r reject  R never  e edit  RET transcript  ? all keys")))))

(defun swarm-approvals--draw ()
  "Bring the inbox up to date."
  (swarm-render-lines (mapcan #'swarm-approvals--lines swarm-approvals--open))
  (force-mode-line-update))

(defun swarm-approvals--redraw ()
  "Have the inbox, when there is one, drawn soon."
  (let ((buffer (get-buffer swarm-approvals--name)))
    (when buffer (swarm-render-later buffer #'swarm-approvals--draw))))

(defun swarm-approvals--id ()
  "Return the id of the question at point, or nil."
  (get-text-property (line-beginning-position) 'swarm-approval))

(defun swarm-approvals--at-point ()
  "Return the question at point, or nil."
  (let ((id (swarm-approvals--id)))
    (and id (seq-find (lambda (approval) (equal (plist-get approval :id) id)) swarm-approvals--open))))

(defun swarm-approvals-next (count)
  "Move to the COUNTth next question."
  (interactive "p")
  (let* ((ids (mapcar (lambda (approval) (plist-get approval :id)) swarm-approvals--open))
         (here (or (seq-position ids (swarm-approvals--id)) (if (> count 0) -1 (length ids))))
         (id (nth (max 0 (min (1- (length ids)) (+ here count))) ids))
         (there (and id (text-property-any (point-min) (point-max) 'swarm-approval id))))
    (when there (goto-char there))))

(defun swarm-approvals-previous (count)
  "Move to the COUNTth previous question."
  (interactive "p")
  (swarm-approvals-next (- count)))

(defun swarm-approvals-open ()
  "Show the transcript that the question at point comes from."
  (interactive)
  (swarm-open (plist-get (swarm-approvals-here) :agentId)))

(defvar swarm-approvals-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (define-key map (kbd "RET") #'swarm-approvals-open)
    (define-key map "a" #'swarm-allow)
    (define-key map "!" #'swarm-allow-always)
    (define-key map "r" #'swarm-reject)
    (define-key map "R" #'swarm-reject-always)
    (define-key map "e" #'swarm-allow-edited)
    (define-key map "n" #'swarm-approvals-next)
    (define-key map "p" #'swarm-approvals-previous)
    (define-key map "g" #'swarm-approvals-refresh)
    (define-key map "?" #'swarm-approvals-menu)
    map)
  "The keys in the inbox.")

(defun swarm-approvals--agents ()
  "Return the id of the agent that asks at point, in a list, or nil."
  (let ((approval (swarm-approvals--at-point)))
    (and approval (list (plist-get approval :agentId)))))

(define-derived-mode swarm-approvals-mode special-mode "Swarm-Approvals"
  "What agents ask, with all of what they would do.
\\{swarm-approvals-mode-map}"
  (setq header-line-format '(:eval (swarm-approvals--header)))
  (setq swarm-agents-here-function #'swarm-approvals--agents)
  (buffer-disable-undo))

;;;###autoload
(defun swarm-approvals ()
  "Show what agents ask."
  (interactive)
  (let ((place (swarm-place)))
    (pop-to-buffer (get-buffer-create swarm-approvals--name))
    (unless (derived-mode-p 'swarm-approvals-mode) (swarm-approvals-mode))
    (swarm-approvals--draw)
    (dolist (each (seq-uniq (cons place (swarm-places))))
      (swarm-approvals-refresh each))))

(provide 'swarm-approvals)
;;; swarm-approvals.el ends here
