;;; lint.el --- Holds the files of the client against checkdoc and package-lint  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; emacs --batch -L clients/emacs -l lint.el FILE...: prints what they find, and fails then.

;;; Code:

(require 'package)
(require 'checkdoc)
(package-initialize)
(unless (require 'package-lint nil t)
  (error "package-lint is not installed"))

(setq package-lint-main-file "swarm.el"
      ;; What package-lint would look up in the archives of packages.
      package-archive-contents
      (list (list 'transient (package-desc-create :name 'transient :version '(0 3 7) :archive "gnu"))))

(defun lint (file)
  "Print what is wrong with FILE; return how much."
  (with-current-buffer (find-file-noselect file)
    (let* ((count 0)
           (name (file-name-nondirectory file))
           (checkdoc-create-error-function
            (lambda (text start _end &optional _unfixable)
              (setq count (1+ count))
              (message "%s:%d: checkdoc: %s" name (line-number-at-pos start) text)
              nil)))
      (dolist (found (package-lint-buffer))
        (setq count (1+ count))
        (message "%s:%d: package-lint: %s" name (nth 0 found) (nth 3 found)))
      (checkdoc-current-buffer t)
      count)))

(unless (zerop (apply #'+ (mapcar #'lint command-line-args-left)))
  (kill-emacs 1))
;;; lint.el ends here
