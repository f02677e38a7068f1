;;; connection.el --- Tests of the connection, with servers of all kinds  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Most of these talk to peer.py, which says what the test has told it.

;;; Code:

(require 'swarm-test)

(defun complaint (regexp)
  "Wait until the client has said something that matches REGEXP."
  (wait-for regexp (lambda () (and swarm-connection--last-problem
                                   (string-match-p regexp swarm-connection--last-problem)))))

(ert-deftest the-answer-comes-and-what-came-with-it ()
  (let (result (events 0))
    (add-hook 'swarm-events-functions (lambda (&rest _) (setq events (1+ events))))
    (swarm-request 'swarm/get '(:agentId "a") (lambda (answer) (setq result (list answer events))))
    (should-not (swarm-connected-p)) ; nothing has been waited for
    (wait-until result)
    (should (equal (plist-get (car result) :seq) 7))
    (wait-until (= events 3)) ; what came before and after the answer, in the same bytes
    (should (= (cadr result) 1))
    (should (equal (plist-get (swarm-agent "a") :state) "done"))))

(ert-deftest errors-have-a-kind-and-data ()
  (let (got)
    (swarm-request 'swarm/merge '(:agentId "a") #'ignore (lambda (&rest arguments) (setq got arguments)))
    (wait-until got)
    (should (equal (seq-take got 2) '("README.md has conflicts" "conflict")))
    (should (equal (plist-get (nth 2 got) :files) [(:path "README.md" :kind "content")])))
  (swarm-request 'swarm/merge '(:agentId "a"))
  (complaint "README.md has conflicts"))

(ert-deftest an-old-server-is-named ()
  (let (failed)
    (swarm-request 'swarm/list nil #'ignore (lambda (problem &rest _) (setq failed (list problem))))
    (complaint "the server is too old for this client (0\\.0\\.9, without swarm/merge): install a newer swarmd, or set `swarm-server'")
    (wait-until failed)
    (should-not (car failed))
    (should-not swarm-connection--all)))

(ert-deftest a-refusal-is-shown ()
  (swarm-request 'swarm/list nil)
  (complaint "the server refused to start: /x/config.yaml:3: unknown key 'modle'")
  (wait-until (not swarm-connection--all)))

(ert-deftest a-silent-program-is-given-up ()
  (let ((swarm-connection--patience 0.3))
    (swarm-request 'swarm/list nil)
    (complaint "does not answer as a server: set `swarm-server' to swarmd")
    (wait-until (not swarm-connection--all))))

(ert-deftest a-server-that-dies-fails-what-was-asked ()
  (let (failed)
    (swarm-request 'swarm/get '(:agentId "a") #'ignore (lambda (&rest problem) (push problem failed)))
    (complaint "the server ended with exit code 3: the disk is full\\.  The next command starts it again")
    (should (equal failed '((nil nil nil))))
    (setq swarm-connection--last-problem nil)
    (swarm-request 'swarm/get '(:agentId "a") #'ignore #'ignore)
    (complaint "exit code 3")))

(ert-deftest who-lags-asks-for-what-was-missed ()
  (swarm-request 'swarm/get '(:agentId "a"))
  (wait-until (equal (plist-get (swarm-agent "late") :state) "waiting"))
  (should-not (swarm-agent "gone")))

(ert-deftest a-reset-is-told ()
  (let (reset)
    (add-hook 'swarm-reset-functions (lambda (place) (push (list place) reset)))
    (swarm-request 'swarm/get '(:agentId "a"))
    (wait-until (>= (length reset) 2)) ; at the start, and when it was told
    (should (equal (car reset) '(nil)))))

(ert-deftest what-the-server-says-is-shown ()
  (swarm-request 'swarm/get '(:agentId "a"))
  (wait-message "swarm: lab: its quota is used up"))

(ert-deftest long-lists-come-in-pages ()
  (swarm-refresh-agents)
  (wait-until (swarm-agent "second-page"))
  (should (swarm-agent "first-page")))

(ert-deftest the-end-is-asked-for ()
  (swarm-request 'swarm/list nil)
  (wait-until (swarm-connected-p))
  (swarm-shutdown)
  (wait-until (not swarm-connection--all))
  (should-not swarm-connection--last-problem))

;;; Keys and other machines

(ert-deftest keys-come-from-auth-source ()
  (let ((auth-sources (list (expand-file-name "authinfo")))
        (swarm-keys '(("LAB_KEY" . "lab.example.org")
                      ("OTHER_KEY" . (:host "other.example.org" :user "me"))
                      ("SET_KEY" . "set.example.org") ("NO_KEY" . "nobody.example.org"))))
    (setenv "SET_KEY" "from the environment")
    (swarm-request 'swarm/list nil)
    (wait-until (swarm-connected-p))
    (let ((environment (with-temp-buffer
                         (insert-file-contents-literally (format "/proc/%d/environ" (process-id (server-process))))
                         (split-string (buffer-string) "\0"))))
      (should (member "LAB_KEY=sk-lab" environment))
      (should (member "OTHER_KEY=sk-mine" environment))
      (should (member "SET_KEY=from the environment" environment))
      (should-not (getenv "LAB_KEY")))))

(ert-deftest the-server-runs-where-the-files-are ()
  (require 'tramp)
  (add-to-list 'tramp-methods '("mock" (tramp-login-program "sh") (tramp-login-args (("-i")))
                                (tramp-remote-shell "/bin/sh") (tramp-remote-shell-args ("-c"))
                                (tramp-connection-timeout 20)))
  (let* ((tramp-verbose 0)
         (default-directory (concat "/mock:" (system-name) ":" default-directory)))
    (swarm-new "add a CONTRIBUTING file")
    (wait-until (agent))
    (should (equal (plist-get (agent) :place) (file-remote-p default-directory)))
    (should (string-prefix-p "swarmd /mock:" (process-name (server-process))))
    (should (process-get (server-process) 'remote-pid)) ; TRAMP has started it
    (let ((default-directory "/"))
      (wait-state "waiting")
      (wait-text "a allow   ! always")
      (should (file-remote-p (swarm-agent-directory (agent))))
      (should (file-exists-p (concat (swarm-agent-directory (agent)) "README.md")))
      (swarm-cancel (agent-id))
      (wait-state "done"))
    (signal-process (plist-get (car (last (list-system-processes-of-swarmd))) :pid) 9)
    (complaint "the server on /mock:.* ended")))

(defun list-system-processes-of-swarmd ()
  "Return the servers that are below this Emacs."
  (let* ((all (mapcar (lambda (pid) (cons pid (process-attributes pid))) (list-system-processes)))
         (below (list (emacs-pid)))
         (more t))
    (while more
      (setq more nil)
      (dolist (each all)
        (when (and (memq (alist-get 'ppid (cdr each)) below) (not (memq (car each) below)))
          (setq more t)
          (push (car each) below))))
    (delq nil (mapcar (lambda (each)
                        (and (memq (car each) below) (equal (alist-get 'comm (cdr each)) "swarmd")
                             (list :pid (car each))))
                      all))))

(provide 'connection)
;;; connection.el ends here
