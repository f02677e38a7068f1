;;; swarm-approvals-edit.el --- Another command or text before it is allowed  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `swarm-allow-edited' shows what an agent asks for in a buffer: of a command its line, of a file its
;; text, of anything else its arguments as JSON.  C-c C-c allows what stands there then.

;;; Code:

(require 'json)
(require 'swarm-approvals)

(defvar-local swarm-approvals-edit--what nil
  "The question, and the member of its input that this buffer is, nil for all.")

(defvar swarm-approvals-edit-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'swarm-approvals-edit-allow)
    (define-key map (kbd "C-c C-k") #'swarm-approvals-edit-abandon)
    map)
  "The keys while what is asked for is changed.")

(define-minor-mode swarm-approvals-edit-mode
  "Change what an agent asks for before it is allowed.
\\{swarm-approvals-edit-mode-map}"
  :lighter " Allow"
  :keymap swarm-approvals-edit-mode-map
  (setq header-line-format " C-c C-c allows what stands here, C-c C-k leaves the question open"))

(defun swarm-approvals-edit--member (approval)
  "Return the member of the input of APPROVAL that is text to change, or nil."
  (let ((member (pcase (plist-get approval :tool) ("bash" :command) ("write" :content))))
    (and member (stringp (plist-get (plist-get approval :input) member)) member)))

(defun swarm-approvals-edit--choose-mode (approval member)
  "Choose a mode for MEMBER of the input of APPROVAL."
  (delay-mode-hooks
    (pcase member
      (:command (sh-mode))
      (:content (let ((buffer-file-name (expand-file-name (plist-get (plist-get approval :input) :path) "/")))
                  (set-auto-mode)))
      (_ (js-mode)))))

;;;###autoload
(defun swarm-allow-edited (approval)
  "Change what APPROVAL asks for in a buffer, and allow it then."
  (interactive (list (swarm-approvals-here)))
  (let* ((input (plist-get approval :input))
         (member (swarm-approvals-edit--member approval))
         (buffer (get-buffer-create (format "*swarm allow %s*" (plist-get approval :id)))))
    (with-current-buffer buffer
      (erase-buffer)
      (insert (if member
                  (plist-get input member)
                (let ((json-encoding-pretty-print t)) (json-encode input))))
      (goto-char (point-min))
      (swarm-approvals-edit--choose-mode approval member)
      (swarm-approvals-edit-mode)
      (set-buffer-modified-p nil)
      (setq swarm-approvals-edit--what (cons approval member)))
    (pop-to-buffer buffer)))

(defun swarm-approvals-edit--input ()
  "Return the input that is in this buffer."
  (pcase-let ((`(,approval . ,member) swarm-approvals-edit--what)
              (text (buffer-substring-no-properties (point-min) (point-max))))
    (if member
        (plist-put (copy-sequence (plist-get approval :input)) member text)
      (condition-case problem
          (let ((json-object-type 'plist) (json-array-type 'vector) (json-false :json-false))
            (json-read-from-string text))
        (error (user-error "This is no JSON: %s" (error-message-string problem)))))))

(defun swarm-approvals-edit-allow ()
  "Allow what is in this buffer instead of what was asked for."
  (interactive)
  (let ((approval (car swarm-approvals-edit--what))
        (input (swarm-approvals-edit--input)))
    (swarm-approvals-decide approval "allow" nil (unless (equal input (plist-get approval :input)) input))
    (quit-window t)))

(defun swarm-approvals-edit-abandon ()
  "Leave the question open."
  (interactive)
  (quit-window t))

(provide 'swarm-approvals-edit)
;;; swarm-approvals-edit.el ends here
