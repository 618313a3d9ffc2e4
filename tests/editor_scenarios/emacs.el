;;; A user of dap-mode, in batch mode: what happens is told as lines `scenario: JSON' on stderr.
;;
;; Arguments: the configuration of docs/emacs.md, the scenario ("session", "close" or "hang"), source file, line, container.

(setq package-enable-at-startup nil
      user-emacs-directory (file-name-as-directory (expand-file-name "emacs" (getenv "HOME")))
      make-backup-files nil
      auto-save-default nil
      load-prefer-newer t)
(package-initialize)

(defvar scenario-limit-s 60)

(defun scenario-tell (what &rest facts)
  "Print WHAT has happened, with FACTS, a property list."
  ;; Not on stdout, which is kept back until the end.
  (message "scenario: %s" (json-encode (append (list :what what) facts))))

(defmacro scenario-await (what form)
  "Let Emacs run until FORM is true, and return it; WHAT says what is missing otherwise."
  `(let ((deadline (+ (float-time) scenario-limit-s)) found)
     (while (not (setq found ,form))
       (when (> (float-time) deadline)
         (error "Not within %s s: %s" scenario-limit-s ,what))
       (accept-process-output nil 0.05))
     found))

(defun scenario-frame ()
  "Return the frame that dap-mode has gone to, once that is done."
  (let ((session (dap--cur-session)))
    (and session (dap--debug-session-active-frame session))))

(defun scenario-tell-stop (what)
  "Tell WHAT, and where dap-mode has stopped: the stack, and the place in the source that it shows."
  (let* ((session (dap--cur-session))
         (frames (gethash (dap--debug-session-thread-id session) (dap--debug-session-thread-stack-frames session))))
    (scenario-tell what
                   :stack (vconcat (mapcar (lambda (frame) (gethash "name" frame)) frames))
                   :shown (buffer-file-name (window-buffer))
                   :line (with-current-buffer (window-buffer) (line-number-at-pos)))))

(defun scenario-choosing (text function)
  "Call FUNCTION interactively, with the candidate chosen that contains TEXT wherever something is to be chosen."
  (cl-letf (((symbol-function 'completing-read)
             (lambda (_prompt collection &rest _)
               (or (seq-find (lambda (each) (string-match-p (regexp-quote text) each))
                             (all-completions "" collection))
                   (error "%s is not offered: %S" text (all-completions "" collection))))))
    (call-interactively function)))

(defun scenario-session (name)
  "Debug container NAME by the configuration that `dapbridge init' has written."
  (scenario-choosing (concat "Attach to " name) #'dap-debug)
  (scenario-await "a stop at the breakpoint" (scenario-frame))
  (scenario-tell-stop "stopped")
  (save-selected-window (dap-ui-locals))
  ;; At once: in batch mode Emacs is never idle.
  (dap-ui-locals--refresh)
  (scenario-tell "locals" :text (with-current-buffer dap-ui--locals-buffer (buffer-string)))
  (call-interactively #'dap-next)
  (scenario-await "a stop after the step" (scenario-frame))
  (scenario-tell-stop "stepped")
  (dap-ui-repl)
  (with-current-buffer dap-ui--repl-buffer
    (goto-char (point-max))
    (insert "round * 0 + 42")
    (comint-send-input)
    (scenario-await "an answer in the REPL" (string-match-p "^42$" (buffer-string)))
    (scenario-tell "evaluated" :text (buffer-substring-no-properties (point-min) (point-max))))
  (let ((session (dap--cur-session)))
    (dap-disconnect session)
    (scenario-await "the end of the session" (not (dap--session-running session))))
  (scenario-tell "disconnected"))

(defun scenario-close (name)
  "Choose container NAME from all that run, stop in it, and close Emacs."
  (scenario-choosing name #'dapbridge-attach)
  (scenario-await "a stop at the breakpoint" (scenario-frame))
  (scenario-tell-stop "stopped")
  (kill-emacs 0))

(defun scenario-hang (name)
  "Stop in container NAME by its configuration, and wait for the end that somebody else makes."
  (scenario-choosing (concat "Attach to " name) #'dap-debug)
  (scenario-await "a stop at the breakpoint" (scenario-frame))
  (scenario-tell-stop "stopped")
  (while t (accept-process-output nil 1)))

(pcase-let ((`(,configuration ,scenario ,file ,line ,name) command-line-args-left))
  (setq command-line-args-left nil)
  (load configuration nil t)
  (setq dap-auto-show-output nil)
  (dap-mode 1)
  (dap-ui-mode 1)
  (lsp-workspace-folders-add (file-name-directory file))
  (find-file file)
  (goto-char (point-min))
  (forward-line (1- (string-to-number line)))
  (dap-breakpoint-add)
  (funcall (intern (concat "scenario-" scenario)) name))
