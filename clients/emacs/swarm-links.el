;;; swarm-links.el --- Links in what agents say  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What looks like a place in a file, or like an address of the web, is a button.  Files are those of
;; the folder that the buffer is about.

;;; Code:

(require 'browse-url)
(require 'button)

(defgroup swarm-transcript nil
  "What an agent says and does."
  :group 'swarm
  :prefix "swarm-")

(defface swarm-link '((t :inherit link)) "A link." :group 'swarm-transcript)

(define-button-type 'swarm-file
  'action #'swarm-links-visit 'face 'swarm-link 'follow-link t
  'help-echo "RET, mouse-1: visit this file")

(define-button-type 'swarm-address
  'action (lambda (button) (browse-url (button-get button 'swarm-address)))
  'face 'swarm-link 'follow-link t 'help-echo "RET, mouse-1: open this address")

(defconst swarm-links--address
  "https?://[^][ \t\n<>\"'`()]*[^][ \t\n<>\"'`(),.;:!?*]"
  "What looks like an address of the web.")

(defconst swarm-links--place
  (concat "\\(?:\\_<\\|\\.\\{0,2\\}/\\)\\(?1:[[:alnum:]_./+-]*[[:alnum:]_]\\.[[:alpha:]][[:alnum:]]*\\)"
          "\\(?::\\(?2:[0-9]+\\)\\(?:[:-][0-9]+\\)?\\)?")
  "What looks like a file, perhaps at a line.")

(defun swarm-links-visit (button)
  "Visit the file that BUTTON names, at its line."
  (let* ((name (button-get button 'swarm-file))
         (line (button-get button 'swarm-line))
         (place (and (file-name-absolute-p name) (file-remote-p default-directory)))
         (file (expand-file-name (concat place name))))
    (unless (file-exists-p file)
      (user-error "There is no file %s" (abbreviate-file-name file)))
    (find-file-other-window file)
    (when line
      (widen)
      (goto-char (point-min))
      (forward-line (1- line)))))

(defun swarm-links-make (text from to type &rest properties)
  "Make TEXT between FROM and TO a button of TYPE with PROPERTIES."
  (add-text-properties from to (append (list 'button (list t) 'category (button-category-symbol type)) properties)
                       text))

(defun swarm-links--addresses (text)
  "Make the addresses of the web in TEXT, destructively, links."
  (let ((start 0))
    (while (and (string-match-p "://" text start) (string-match swarm-links--address text start))
      (setq start (match-end 0))
      (swarm-links-make text (match-beginning 0) start 'swarm-address 'swarm-address (match-string 0 text)))))

(defun swarm-links-in (text)
  "Return TEXT with its places in files, and addresses, as links.
A name without a folder is one only when it has a line."
  (let ((text (copy-sequence text)) (start 0))
    (swarm-links--addresses text)
    ;; The cheap look first: most text has no place at all.
    (while (and (string-match-p "[[:alnum:]_]\\.[[:alpha:]]" text start)
                (string-match swarm-links--place text start))
      (let ((name (match-string 1 text)) (line (match-string 2 text))
            (from (match-beginning 1)) (to (or (match-end 2) (match-end 1))))
        (setq start (match-end 0))
        (when (and (or line (string-match-p "/" name)) (not (get-text-property from 'button text)))
          (swarm-links-make text from to 'swarm-file
                               'swarm-file name 'swarm-line (and line (string-to-number line))))))
    text))

(provide 'swarm-links)
;;; swarm-links.el ends here
