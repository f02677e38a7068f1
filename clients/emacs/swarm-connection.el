;;; swarm-connection.el --- The servers of swarmd  -*- lexical-binding: t; -*-
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; One server for this machine, and one for each remote machine that is worked on by TRAMP: it runs
;; where the files are.  The first request to a place starts its server; requests that come before
;; it has answered `initialize' wait in line.
;;
;; Everything is asynchronous: a synchronous request would hold back the notifications that come
;; with its answer (jsonrpc 1.0.14).
;;
;; When a server ends unasked, that is said once, what was asked of it fails, and the next request
;; starts another.
;;
;; A place is what `file-remote-p' returns: nil for this machine, "/ssh:host:" for another.

;;; Code:

(require 'auth-source)
(require 'cl-lib)
(require 'eieio)
(require 'jsonrpc)
(require 'seq)
(require 'subr-x)
(require 'url-util)

(defgroup swarm nil
  "Coding agents, hosted by swarmd."
  :group 'tools
  :prefix "swarm-")

(defcustom swarm-server nil
  "The server's program, or a list of it and its arguments.
When nil, it is swarmd on variable `exec-path', else the one that is built
in the source tree that this package is part of; on a remote
machine, swarmd on the path there.  Give a remote machine another
one with `connection-local-set-profile-variables'."
  :type '(choice (const :tag "Look for swarmd" nil)
                 (file :tag "Program")
                 (repeat :tag "Program and arguments" string)))

(defcustom swarm-keys nil
  "Which keys of providers the server gets from `auth-source'.
Each element is (VARIABLE . SPEC): an environment variable that
the server knows, such as \"OPENAI_API_KEY\", and the host to
search, or a property list for `auth-source-search'.  A key is
passed to the server of this machine in its environment, and
nowhere else; variables that are set already stay."
  :type '(alist :key-type (string :tag "Variable")
                :value-type (choice (string :tag "Host")
                                    (plist :tag "Search"))))

(defcustom swarm-config nil
  "What agents that this Emacs starts have, unless their start says otherwise.
A property list with :model, :mode, :role and :limits, as in
\(:mode \"edit\" :limits (:costUsd 5)).  A server takes it when it starts."
  :type 'plist)

(defconst swarm-connection--directory
  (file-name-directory (file-truename (or load-file-name buffer-file-name default-directory)))
  "Where this package is.")

(defconst swarm-connection--methods
  '("swarm/spawn" "swarm/send" "swarm/list" "swarm/get" "swarm/transcript" "swarm/subscribe"
    "swarm/unsubscribe" "swarm/cancel" "swarm/kill" "swarm/resume" "swarm/remove" "swarm/pause"
    "swarm/continue" "swarm/queue" "swarm/compact" "swarm/approve" "swarm/approvals" "swarm/models"
    "swarm/diff" "swarm/revert" "swarm/rewind" "swarm/checkpoints" "swarm/merge")
  "What a server must know to be new enough.")

(defconst swarm-connection--patience 30
  "The seconds after which a server that does not answer `initialize' is given up.")

(defconst swarm-connection--no-log
  (if (seq-some (lambda (slot) (eq (eieio-slot-descriptor-name slot) '-events-buffer-config))
                (eieio-class-slots 'jsonrpc-connection))
      '(:events-buffer-config (:size 0)) ; jsonrpc 1.0.23 and newer
    '(:events-buffer-scrollback-size 0))
  "What keeps jsonrpc from writing each message into a buffer.")

(defvar swarm-scope (format "emacs-%d-%x" (emacs-pid) (time-convert nil 'integer))
  "The name of this Emacs, which the agents that it starts carry.")

(defvar swarm-connected-functions nil
  "Called with the place of a server that has answered `initialize'.")

(defvar swarm-disconnected-functions nil
  "Called with the place of a server that has ended.")

(defvar swarm-events-functions nil
  "Called with a place and each event from there, in order.")

(cl-defstruct (swarm-connection (:constructor swarm-connection--make) (:copier nil))
  "A server: PLACE it runs at, RPC to it, whether it is READY and ENDING is wanted.
WAITING are requests that wait for it to be ready, newest first."
  place rpc ready ending waiting version)

(defvar swarm-connection--all nil
  "The connections that there are.")

(defvar swarm-connection--last-problem nil
  "What was last said of a server, for tests and bug reports.")

;;; Which server

(defun swarm-connection--at (place)
  "Return the connection of the live server at PLACE, or nil."
  (seq-find (lambda (connection)
              (and (equal (swarm-connection-place connection) place)
                   (jsonrpc-running-p (swarm-connection-rpc connection))))
            swarm-connection--all))

(defun swarm-connected-p (&optional place)
  "Return non-nil when the server at PLACE is alive and has answered."
  (let ((connection (swarm-connection--at place)))
    (and connection (swarm-connection-ready connection))))

(defun swarm-connecting-p (&optional place)
  "Return non-nil when the server at PLACE is alive and has not answered yet."
  (let ((connection (swarm-connection--at place)))
    (and connection (not (swarm-connection-ready connection)))))

(defun swarm-places ()
  "Return the places of the servers that have answered."
  (mapcar #'swarm-connection-place (seq-filter #'swarm-connection-ready swarm-connection--all)))

(defun swarm-place ()
  "Return the place of the current buffer."
  (file-remote-p default-directory))

;;; Files and URIs

(defun swarm-file-uri (file)
  "Return the URI by which the server at the place of FILE knows it."
  (concat "file://" (url-hexify-string (expand-file-name (or (file-remote-p file 'localname) file))
                                       (cons ?/ url-unreserved-chars))))

(defun swarm-uri-file (uri &optional place)
  "Return the name of the file that is URI to the server at PLACE."
  (concat place (decode-coding-string
                 (url-unhex-string (replace-regexp-in-string "\\`file://\\(?:localhost\\)?" "" uri)) 'utf-8)))

;;; What is said

(defun swarm-complain (problem &optional what)
  "Show PROBLEM, with WHAT it is about.
It is nil when a server has ended, which is shown by itself."
  (when problem
    (setq swarm-connection--last-problem problem)
    (message "swarm: %s%s" (if what (concat what ": ") "") problem)))

(defun swarm-connection--where (place)
  "Return words for \"at PLACE\"."
  (if place (format " on %s" (directory-file-name place)) ""))

;;; Start

(defun swarm-connection--command (place)
  "Return the server's command at PLACE; signal what to do without one."
  (let ((server (if place (with-connection-local-variables swarm-server) swarm-server))
        (built (expand-file-name "../../build/release/bin/swarmd" swarm-connection--directory)))
    (cond ((consp server) server)
          (place (list (or server "swarmd")))
          (server
           (unless (file-executable-p (expand-file-name server))
             (user-error "`swarm-server' names %s, which cannot be run: correct it" server))
           (list (expand-file-name server)))
          ((executable-find "swarmd") (list "swarmd"))
          ((file-executable-p built) (list built))
          (t (user-error "There is no swarmd on `exec-path': install it, or set `swarm-server'")))))

(defun swarm-connection--remote-command (command)
  "Return COMMAND as TRAMP needs it, whose processes have a terminal."
  (list "sh" "-c" (format "stty raw -echo >/dev/null 2>&1; exec %s"
                          (mapconcat #'shell-quote-argument command " "))))

(defun swarm-connection--key (spec)
  "Return the key that `auth-source' has for SPEC, or nil."
  (let* ((found (car (apply #'auth-source-search :max 1
                            (if (stringp spec) (list :host spec) spec))))
         (secret (plist-get found :secret)))
    (if (functionp secret) (funcall secret) secret)))

(defun swarm-connection--environment ()
  "Return the environment of a server on this machine."
  (append (delq nil (mapcar (lambda (entry)
                              (unless (getenv (car entry))
                                (let ((key (swarm-connection--key (cdr entry))))
                                  (and key (concat (car entry) "=" key)))))
                            swarm-keys))
          process-environment))

(defun swarm-connection--process (name place command)
  "Start COMMAND at PLACE as a process with NAME."
  (let* ((stderr (get-buffer-create (format "*%s stderr*" name))) ; the name by which jsonrpc finds it
         (process-environment (if place process-environment (swarm-connection--environment)))
         (process (make-process
                   :name name :connection-type 'pipe :coding 'utf-8-emacs-unix :noquery t
                   :command (if place (swarm-connection--remote-command command) command)
                   :stderr stderr :file-handler t)))
    (when (get-buffer-process stderr)
      (set-process-query-on-exit-flag (get-buffer-process stderr) nil))
    process))

(defun swarm-connection--parameters (place)
  "Return the parameters of `initialize' for the server at PLACE."
  (let ((root (swarm-file-uri default-directory)))
    (append (unless place (list :processId (emacs-pid)))
            (list :clientInfo (list :name "Emacs" :version emacs-version)
                  :rootUri root
                  :workspaceFolders (vector (list :uri root :name "root"))
                  :capabilities '(:experimental (:swarm t))
                  :initializationOptions
                  (append (list :scope swarm-scope :subscribe "own")
                          (and swarm-config (list :config swarm-config)))))))

(defun swarm-connection--start (place)
  "Start the server at PLACE and return the connection to it."
  (let* ((command (swarm-connection--command place))
         (name (if place (format "swarmd %s" (directory-file-name place)) "swarmd"))
         (connection (swarm-connection--make :place place)))
    (setf (swarm-connection-rpc connection)
          (apply #'make-instance 'jsonrpc-process-connection
                         :name name
                         :process (lambda () (swarm-connection--process name place command))
                         :notification-dispatcher
                         (lambda (_rpc method params) (swarm-connection--notified connection method params))
                         :on-shutdown (lambda (_rpc) (swarm-connection--ended connection))
                         swarm-connection--no-log))
    (push connection swarm-connection--all)
    (jsonrpc-async-request
     (swarm-connection-rpc connection) 'initialize (swarm-connection--parameters place)
     :timeout swarm-connection--patience
     :success-fn (lambda (result) (swarm-connection--initialized connection result))
     :error-fn (lambda (err)
                 (unless (eql (plist-get err :code) -1)
                   (swarm-connection--give-up
                    connection (format "the server refused to start: %s" (plist-get err :message)))))
     :timeout-fn (lambda ()
                   (swarm-connection--give-up
                    connection (format "%s does not answer as a server: set `swarm-server' to swarmd"
                                       (car command)))))
    connection))

(defun swarm-connection--initialized (connection result)
  "Send what has waited for CONNECTION, whose server has answered with RESULT."
  (let* ((offer (plist-get (plist-get (plist-get result :capabilities) :experimental) :swarm))
         (version (plist-get (plist-get result :serverInfo) :version))
         (missing (seq-difference swarm-connection--methods (append (plist-get offer :methods) nil))))
    (if missing
        (swarm-connection--give-up
         connection
         (format "the server%s is too old for this client (%s, without %s): install a newer swarmd, or set `swarm-server'"
                 (swarm-connection--where (swarm-connection-place connection))
                 (or version "no version") (car missing)))
      (setf (swarm-connection-version connection) version)
      (jsonrpc-notify (swarm-connection-rpc connection) 'initialized (make-hash-table))
      ;; Items come for agents that somebody watches, and for nobody else.
      (swarm-connection--send connection 'swarm/unsubscribe (make-hash-table) #'ignore #'ignore)
      (setf (swarm-connection-ready connection) t)
      (swarm-connection--guard #'run-hook-with-args 'swarm-connected-functions
                               (swarm-connection-place connection))
      (let ((waiting (nreverse (swarm-connection-waiting connection))))
        (setf (swarm-connection-waiting connection) nil)
        (dolist (request waiting)
          (apply #'swarm-connection--send connection request))))))

;;; End

(defun swarm-connection--give-up (connection problem)
  "End CONNECTION because of PROBLEM, which is shown."
  (swarm-complain problem)
  (setf (swarm-connection-ending connection) t)
  (delete-process (jsonrpc--process (swarm-connection-rpc connection))))

(defun swarm-connection--last-line (rpc)
  "Return the last line that the server of RPC wrote to stderr, or nil."
  (let ((buffer (jsonrpc-stderr-buffer rpc)))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (car (last (seq-remove (lambda (line) (string-match-p "\\`Process .* stderr\\|\\`\\s-*\\'" line))
                               (split-string (buffer-string) "\n" t))))))))

(defun swarm-connection--ended (connection)
  "Forget CONNECTION, whose server has ended; say so when nobody wanted it."
  (let* ((rpc (swarm-connection-rpc connection))
         (place (swarm-connection-place connection))
         (process (jsonrpc--process rpc))
         (line (swarm-connection--last-line rpc)))
    (setq swarm-connection--all (delq connection swarm-connection--all))
    (let ((log (jsonrpc--events-buffer rpc)))
      (when (buffer-live-p log) (kill-buffer log)))
    (unless (swarm-connection-ending connection)
      (swarm-complain
       (format "the server%s %s %d%s.  The next command starts it again."
               (swarm-connection--where place)
               (if (eq (process-status process) 'signal) "was ended by signal" "ended with exit code")
               (process-exit-status process)
               (if line (concat ": " line) ""))))
    (dolist (request (nreverse (swarm-connection-waiting connection)))
      (swarm-connection--guard (nth 3 request) nil nil nil))
    (swarm-connection--guard #'run-hook-with-args 'swarm-disconnected-functions place)))

(defun swarm-shutdown (&optional place)
  "End the server at PLACE in good order, without waiting.
Agents that work are detached then, unless the server is
configured to let them go on.  Interactively, PLACE is the
current buffer's."
  (interactive (list (swarm-place)))
  (let ((connection (swarm-connection--at place)))
    (when connection
      (setf (swarm-connection-ending connection) t)
      (jsonrpc-async-request (swarm-connection-rpc connection) 'shutdown nil
                             :timeout nil :success-fn #'ignore :error-fn #'ignore)
      (jsonrpc-notify (swarm-connection-rpc connection) 'exit nil))))

(defun swarm-connection--shutdown-all ()
  "End all servers."
  (dolist (connection swarm-connection--all)
    (ignore-errors (swarm-shutdown (swarm-connection-place connection)))))

(add-hook 'kill-emacs-hook #'swarm-connection--shutdown-all)

;;; Messages

(defun swarm-connection--guard (function &rest arguments)
  "Call FUNCTION with ARGUMENTS; an error in it is shown, and stops nothing."
  (condition-case-unless-debug problem
      (apply function arguments)
    (error (swarm-complain (error-message-string problem) "an error in this client"))))

(defun swarm-connection--notified (connection method params)
  "Take the notification METHOD with PARAMS of CONNECTION."
  (pcase method
    ('swarm/events
     (let ((place (swarm-connection-place connection)))
       (mapc (lambda (event)
               (swarm-connection--guard #'run-hook-with-args 'swarm-events-functions place event))
             (plist-get params :events))))
    ('window/showMessage (swarm-complain (plist-get params :message)))))

(defun swarm-connection--send (connection method params success failure)
  "Send METHOD with PARAMS over CONNECTION, for SUCCESS and FAILURE."
  (jsonrpc-async-request
   (swarm-connection-rpc connection) method params :timeout nil
   :success-fn (lambda (result) (swarm-connection--guard success result))
   :error-fn (lambda (err)
               (let ((data (plist-get err :data)))
                 (swarm-connection--guard
                  failure (unless (eql (plist-get err :code) -1) (plist-get err :message))
                  (plist-get data :kind) data)))))

(defun swarm-connection-request (place method params &optional success failure)
  "Request METHOD with PARAMS of the server at PLACE, which is started if need be.
SUCCESS is called with the result, or FAILURE with what went
wrong (nil when the server ended, which is shown by itself), the
protocol's kind of the error, and the error's data.  Without
FAILURE it is shown."
  (let ((connection (or (swarm-connection--at place) (swarm-connection--start place)))
        (request (list method (or params (make-hash-table)) (or success #'ignore)
                       (or failure (lambda (problem &rest _) (swarm-complain problem))))))
    (if (swarm-connection-ready connection)
        (apply #'swarm-connection--send connection request)
      (push request (swarm-connection-waiting connection)))))

(provide 'swarm-connection)
;;; swarm-connection.el ends here
