# SPDX-License-Identifier: MIT
"""The Emacs client in a real batch Emacs, with the real server."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from client import binary, write_config
from model_server import Gate, ModelServer, gate, text

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
CLIENT = SOURCE / "clients/emacs"
EMACS = shutil.which("emacs")

pytestmark = pytest.mark.skipif(not EMACS, reason="emacs is not installed")

HELPERS = """
(require 'swarm)
(defun wait-for (what function)
  "Waits until FUNCTION returns something; WHAT is missing otherwise."
  (let ((end (+ (float-time) 60)) value)
    (while (not (setq value (funcall function)))
      (when (> (float-time) end) (error "No %s; the transcript:\\n%s" what (transcript)))
      (accept-process-output nil 0.02))
    value))
(defun agent () (car (swarm-agents)))
(defun agent-id () (plist-get (agent) :id))
(defun transcript ()
  (let ((buffer (and (agent) (get-buffer (swarm--buffer-name (agent-id))))))
    (if buffer (with-current-buffer buffer (buffer-substring-no-properties (point-min) (point-max))) "")))
(defun wait-text (text) (wait-for text (lambda () (string-match-p (regexp-quote text) (transcript)))))
(defun wait-state (state) (wait-for state (lambda () (equal (plist-get (agent) :state) state))))
"""


@pytest.fixture(name="emacs")
def fixture_emacs(tmp_path, repository, recorded):
    """emacs(script) runs it in the repository and returns what it printed."""
    state = tempfile.mkdtemp(prefix="sw")

    def run(script, config="model: demo/tour\n", server=None, shell=False):
        program = tmp_path / "test.el"
        program.write_text(";; -*- lexical-binding: t -*-\n" + HELPERS + script, encoding="utf-8")
        environment = dict(os.environ, SWARMD_STATE_DIR=state, HOME=str(tmp_path), SWARMD_DEMO_DELAY_MS="1",
                           SWARMD_CONFIG=str(write_config(tmp_path, config)), LC_ALL="C.UTF-8")
        command = [EMACS, "--batch", "-Q", "-L", str(CLIENT)]
        command += ["--eval", f'(setq swarm-server "{server or recorded}" load-prefer-newer t)']
        process = subprocess.Popen([*command, "-l", str(program)], cwd=repository, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if shell:
            return process
        return finish(process)

    yield run
    shutil.rmtree(state, ignore_errors=True)


def finish(process):
    try:
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, printed
    return printed


def test_it_compiles_without_warnings(tmp_path):
    names = [shutil.copy(path, tmp_path) for path in sorted(CLIENT.glob("*.el"))]
    assert names
    done = subprocess.run(
        [EMACS, "--batch", "-Q", "-L", str(tmp_path), "--eval", "(setq byte-compile-error-on-warn t)",
         "-f", "batch-byte-compile", *names],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_the_story(emacs, repository):
    printed = emacs("""
        (setq swarm-spawn-options '(:mode "full"))
        (swarm-dashboard)
        (swarm-new "add a CONTRIBUTING file")
        (wait-state "done")
        (wait-text "git status")
        (princ (with-current-buffer "*swarm*" (swarm-board-draw) (buffer-string)))
        (princ (transcript))
        (princ (concat "\\nworktree: " (plist-get (agent) :worktree) "\\n"))
        (swarm-send (agent-id) "say more")
        (wait-text "> say more")
        (wait-state "done")
    """)
    assert re.search(r"^  ✓ add-a-contributing-…  add a CONTRIBUTING file ", printed, re.M), printed
    assert "> add a CONTRIBUTING file" in printed
    assert re.search(r"^✓ .*git status", printed, re.M), printed
    worktree = pathlib.Path(re.search(r"worktree: file://(\S+)", printed)[1])
    assert (worktree / "CONTRIBUTING.md").read_text(encoding="utf-8").startswith("# Contributing")
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, check=True)
    assert status.stdout == b""


def test_text_shows_as_it_streams(emacs):
    stop = Gate()
    with ModelServer([[text("The beginning. "), gate(stop), text("Äöü. The end.")]]) as server:
        process = emacs("""
            (swarm-new "tell me")
            (wait-text "The beginning.")
            (when (string-match-p "The end" (transcript)) (error "Too early"))
            (princ "streaming\\n" #'external-debugging-output)
            (wait-text "Äöü. The end.")
            (wait-state "done")
        """, config=server.config(), shell=True)
        stop.wait_reached()
        for line in process.stdout:
            if line == "streaming\n":
                break
        stop.open()
        finish(process)


def test_a_question_is_answered_and_the_answer_shown(emacs):
    printed = emacs("""
        (fset 'y-or-n-p (lambda (_) t))
        (swarm-new "add a CONTRIBUTING file")
        (wait-state "waiting")
        (wait-text "a allow   ! always")
        (with-current-buffer (swarm-transcript-buffer (agent-id)) (call-interactively #'swarm-allow))
        (wait-text "allowed by Emacs")
        (wait-text "? bash")
        (wait-text "a allow   ! always")
        (with-current-buffer (swarm-transcript-buffer (agent-id)) (swarm-reject (swarm-approvals-here) "not now"))
        (wait-state "done")
        (princ (transcript))
    """)
    assert "rejected by Emacs: not now" in printed


def test_the_region_goes_along_with_its_lines(emacs):
    printed = emacs("""
        (find-file "README.md")
        (goto-char (point-max))
        (insert "An unsaved line 😀")
        (transient-mark-mode 1)
        (goto-char (point-max))
        (push-mark (- (point-max) 3) t t)
        (princ (format "%S\\n" (swarm-new-what)))
        (swarm-new "explain this")
        (wait-text "An unsaved line")
    """)
    assert ':range (:start (:line 1 :character 0) :end (:line 1 :character 18))' in printed


def test_a_killed_server_is_reported_and_started_again(emacs):
    printed = emacs("""
        (swarm-new "add a CONTRIBUTING file")
        (wait-state "waiting")
        (signal-process (jsonrpc--process (swarm-connection-rpc (car swarm-connection--all))) 9)
        (wait-for "end of the server" (lambda () (not swarm-connection--all)))
        ;; What is shown then has come from the new server.
        (with-current-buffer (swarm--buffer-name (agent-id)) (let ((inhibit-read-only t)) (erase-buffer)))
        (with-current-buffer (get-buffer-create "*swarm*") (swarm-dashboard))
        (wait-for "server" #'swarm-connected-p)
        (wait-text "> add a CONTRIBUTING file")
        (wait-state "waiting")
    """)
    assert "the server was ended by signal 9" in printed


def test_a_missing_server_says_what_to_do(emacs):
    printed = emacs("""
        (condition-case problem (swarm-dashboard) (user-error (princ (cadr problem))))
    """, server="/nonexistent/swarmd")
    assert "names /nonexistent/swarmd, which cannot be run" in printed


def test_removing_asks_again_only_where_a_person_can_overrule(emacs):
    printed = emacs("""
        (setq asked 0)
        (fset 'y-or-n-p (lambda (_) t))
        (fset 'yes-or-no-p (lambda (_) (setq asked (1+ asked)) nil))
        (swarm-new "add a CONTRIBUTING file")
        (wait-state "waiting")
        (swarm-remove (agent-id))
        (wait-for "the question" (lambda () (= asked 1)))
        (swarm-remove "no-such-agent")
        (wait-for "the refusal" (lambda () (with-current-buffer "*Messages*" (search-backward "no-such-agent" nil t))))
        (swarm-kill (agent-id))
        (wait-state "killed")
        (fset 'y-or-n-p (lambda (_) (error "Asked")))
        (swarm-kill (agent-id))
        (princ (format "asked %d times\\n" asked))
    """)
    assert "asked 1 times" in printed
    assert "has ended: there is nothing to kill" in printed
