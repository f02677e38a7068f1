;; SPDX-License-Identifier: MIT -*- lexical-binding: t; -*-
;;; swarm-connection.el --- The swarmd server and what it tells

;;; Commentary:

;; One server for the whole Emacs, started by the first request.  Requests that come before it
;; has answered `initialize' wait in line.  Everything is asynchronous: a synchronous request
;; would hold back the notifications that come with its answer.
;;
;; When the server ends unasked, that is said once, pending requests fail, and the next request
;; starts another.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'subr-x)
(require 'url-util)

(defgroup swarm nil
  "Coding agents, hosted by swarmd."
  :group 'tools)

(defcustom swarm-server nil
  "The server's program, or a list of it and its arguments.
When nil, it is swarmd on `exec-path', else the one that is built in
the source tree that this package is part of."
  :type '(choice (const nil) file (repeat string)))

(defconst swarm--directory
  (file-name-directory (file-truename (or load-file-name buffer-file-name default-directory)))
  "Where this package is.")

(defvar swarm--scope (format "emacs-%d-%x" (emacs-pid) (time-convert nil 'integer))
  "The name of this Emacs, which the agents that it starts carry.")

(defvar swarm--agents (make-hash-table :test #'equal)
  "The newest snapshot of each agent, by id.")

(defvar swarm--seq 0
  "The number of the newest event that was seen.")

(defvar swarm-agent-functions nil
  "Called with the id of an agent that is new, has changed or is gone.")

(defvar swarm--stream-functions nil
  "Called with each `item' and `delta' event.")

(defvar swarm--ready-functions nil
  "Called when a server has answered, and when events are missing.")

(defvar swarm--connection nil
  "The connection, or nil.")

(defvar swarm--ready nil
  "Non-nil when the server has answered `initialize'.")

(defvar swarm--ending nil
  "Non-nil while the end of the server is wanted.")

(defvar swarm--waiting nil
  "Requests that wait for the answer to `initialize', newest first.")

(defun swarm--command ()
  "The server's command as a list; an error says what to do when there is none."
  (let ((built (expand-file-name "../../build/release/bin/swarmd" swarm--directory)))
    (cond ((consp swarm-server) swarm-server)
          (swarm-server
           (unless (file-executable-p (expand-file-name swarm-server))
             (user-error "`swarm-server' names %s, which cannot be run: correct it" swarm-server))
           (list (expand-file-name swarm-server)))
          ((executable-find "swarmd") (list "swarmd"))
          ((file-executable-p built) (list built))
          (t (user-error "There is no swarmd on `exec-path': install it, or set `swarm-server'")))))

(defun swarm--empty ()
  "An empty JSON object."
  (make-hash-table))

(defun swarm--last-line (connection)
  "The last line that the server of CONNECTION wrote to stderr, or nil."
  (let ((buffer (jsonrpc-stderr-buffer connection)))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (car (last (seq-remove (lambda (line) (string-match-p "\\`Process .* stderr\\|\\`\\s-*\\'" line))
                               (split-string (buffer-string) "\n" t))))))))

(defun swarm--ended (connection)
  "Says that the server of CONNECTION has ended, when nobody wanted it."
  (when (eq connection swarm--connection)
    (let* ((process (jsonrpc--process connection))
           (line (swarm--last-line connection)))
      (setq swarm--connection nil swarm--ready nil swarm--waiting nil)
      (unless swarm--ending
        (message "swarm: the server %s %d%s.  The next command starts it again."
                 (if (eq (process-status process) 'signal) "was ended by signal" "ended with exit code")
                 (process-exit-status process)
                 (if line (concat ": " line) ""))))))

(defun swarm--complain (problem &optional what)
  "Shows PROBLEM with WHAT.
It is nil when the server has ended, which is shown by itself."
  (when problem
    (message "swarm: %s%s" (if what (concat what ": ") "") problem)))

(defun swarm--put (agent)
  "Takes the snapshot AGENT."
  (puthash (plist-get agent :id) agent swarm--agents)
  (run-hook-with-args 'swarm-agent-functions (plist-get agent :id)))

(defun swarm--forget (id)
  "Takes it that the agent ID is gone."
  (remhash id swarm--agents)
  (run-hook-with-args 'swarm-agent-functions id))

(defun swarm--take-event (event)
  "Takes one EVENT."
  (when (plist-get event :seq)
    (setq swarm--seq (max swarm--seq (plist-get event :seq))))
  (pcase (plist-get event :type)
    ("agent" (swarm--put (plist-get event :agent)))
    ("removed" (swarm--forget (plist-get event :agentId)))
    ((or "item" "delta") (run-hook-with-args 'swarm--stream-functions event))
    ("lagged" (swarm--request 'swarm/subscribe
                              (list :scope swarm--scope
                                    :after (or (plist-get event :after) swarm--seq)
                                    :deltas :json-false)
                              #'ignore)
     (swarm--drop-items))
    ("reset" (run-hooks 'swarm--ready-functions))))

(defun swarm--notified (_connection method params)
  "Takes the notification METHOD with PARAMS."
  (pcase method
    ('swarm/events (mapc #'swarm--take-event (plist-get params :events)))
    ('window/showMessage (message "swarm: %s" (plist-get params :message)))))

(defun swarm--start-process (command)
  "Starts COMMAND."
  (let* ((stderr (get-buffer-create "*swarmd stderr*")) ; the name by which jsonrpc finds it
         (process (make-process :name "swarmd" :command command :connection-type 'pipe
                                :coding 'utf-8-emacs-unix :noquery t :stderr stderr)))
    (when (get-buffer-process stderr)
      (set-process-query-on-exit-flag (get-buffer-process stderr) nil))
    process))

(defun swarm--initialized (_result)
  "Sends what has waited."
  (jsonrpc-notify swarm--connection 'initialized (swarm--empty))
  (setq swarm--ready t)
  (swarm--drop-items)
  (let ((waiting (nreverse swarm--waiting)))
    (setq swarm--waiting nil)
    (mapc #'funcall waiting))
  (run-hooks 'swarm--ready-functions))

(defun swarm--drop-items ()
  "Lets only the transcripts that are open have items: they ask for their own."
  (swarm--request 'swarm/unsubscribe (list :scope swarm--scope) #'ignore))

(defun swarm--start ()
  "Starts the server."
  (let ((command (swarm--command))
        (root (concat "file://" (url-hexify-string (expand-file-name default-directory) url-path-allowed-chars))))
    (setq swarm--ready nil swarm--waiting nil swarm--ending nil
          swarm--connection
          (make-instance 'jsonrpc-process-connection
                         :name "swarmd" :events-buffer-scrollback-size 0
                         :process (lambda () (swarm--start-process command))
                         :notification-dispatcher #'swarm--notified
                         :on-shutdown #'swarm--ended))
    (swarm--send 'initialize
                 (list :processId (emacs-pid)
                       :clientInfo (list :name "Emacs" :version emacs-version)
                       :rootUri root
                       :workspaceFolders (vector (list :uri root :name "root"))
                       :capabilities '(:experimental (:swarm t))
                       :initializationOptions (list :scope swarm--scope :subscribe "own"))
                 #'swarm--initialized
                 (lambda (problem _kind)
                   (when problem
                     (swarm--complain problem "the server refused to start")
                     (swarm--stop)
                     (setq swarm--connection nil swarm--waiting nil))))))

(defun swarm--send (method params done failed)
  "Sends METHOD with PARAMS over the connection that is there.
DONE and FAILED are as for `swarm--request'."
  (jsonrpc-async-request
   swarm--connection method params :timeout nil
   :success-fn done
   :error-fn (lambda (err)
               (funcall failed (unless (eql (plist-get err :code) -1) (plist-get err :message))
                        (plist-get (plist-get err :data) :kind)))))

(defun swarm--request (method params done &optional failed)
  "Requests METHOD with PARAMS; starts the server when there is none.
DONE is called with the result, or FAILED with what went wrong, nil when
the server ended, and the protocol's kind of the error or nil; without
FAILED it is shown."
  (unless (and swarm--connection (jsonrpc-running-p swarm--connection))
    (swarm--start))
  (let ((send (lambda () (swarm--send method params done (or failed (lambda (problem _kind) (swarm--complain problem)))))))
    (if swarm--ready (funcall send) (push send swarm--waiting))))

(defun swarm--stop ()
  "Ends the server in good order, without waiting."
  (when (and swarm--connection (jsonrpc-running-p swarm--connection))
    (setq swarm--ending t)
    (jsonrpc-async-request swarm--connection 'shutdown nil :timeout nil :success-fn #'ignore :error-fn #'ignore)
    (jsonrpc-notify swarm--connection 'exit nil)))

(add-hook 'kill-emacs-hook #'swarm--stop)

(defun swarm--refresh ()
  "Reads the list of agents anew."
  (let ((seen (make-hash-table :test #'equal)))
    (cl-labels
        ((page (after)
           (swarm--request
            'swarm/list (append '(:limit 200) (and after (list :after after)))
            (lambda (result)
              (mapc (lambda (agent)
                      (puthash (plist-get agent :id) t seen)
                      (swarm--put agent))
                    (plist-get result :agents))
              (if (plist-get result :next)
                  (page (plist-get result :next))
                (dolist (id (hash-table-keys swarm--agents))
                  (unless (gethash id seen) (swarm--forget id))))))))
      (page nil))))

(add-hook 'swarm--ready-functions #'swarm--refresh)

(provide 'swarm-connection)
;;; swarm-connection.el ends here
