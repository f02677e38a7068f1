# SPDX-License-Identifier: MIT
"""The Emacs client in a real batch Emacs, with the real server."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from emacs_client import CLIENT, EMACS, TESTS, finish, fixture_emacs, fixture_environment, needs_emacs  # noqa: F401
from model_server import Gate, ModelServer, gate, text

pytestmark = needs_emacs


def batch(*arguments):
    return subprocess.run([EMACS, "--batch", *arguments], capture_output=True, text=True, check=False, timeout=120,
                          env=dict(os.environ, LC_ALL="C.UTF-8"))


def test_it_compiles_without_warnings(tmp_path):
    names = [shutil.copy(path, tmp_path) for path in sorted(CLIENT.glob("*.el"))]
    assert names
    done = batch("-Q", "-L", str(tmp_path), "--eval", "(setq byte-compile-error-on-warn t)",
                 "-f", "batch-byte-compile", *names)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_each_file_loads_by_itself():
    for path in sorted(CLIENT.glob("*.el")):
        done = batch("-Q", "-L", str(CLIENT), "-l", str(path))
        assert done.returncode == 0 and not done.stderr, done.stderr


def test_checkdoc_and_package_lint_find_nothing():
    done = batch("-L", str(CLIENT), "-l", str(TESTS / "lint.el"), *[str(path) for path in sorted(CLIENT.glob("*.el"))])
    if "package-lint is not installed" in done.stderr:
        pytest.skip("package-lint is not installed")
    assert done.returncode == 0, done.stderr


def test_what_follows_from_messages_alone():
    done = batch("-Q", "-L", str(CLIENT), "-L", str(TESTS), "-l", str(TESTS / "pure.el"),
                 "-f", "ert-run-tests-batch-and-exit")
    assert done.returncode == 0, done.stderr


def test_where_evil_is_used():
    folders = [str(path.parent) for name in ("evil", "goto-chg")
               for path in pathlib.Path("/usr/share/emacs/site-lisp/elpa-src").glob(f"*/{name}.el")]
    if len(folders) < 2:
        pytest.skip("evil is not installed")
    done = subprocess.run([EMACS, "--batch", "-Q", "-L", str(CLIENT), "-L", str(TESTS), "-l", str(TESTS / "evil.el"),
                           "-f", "ert-run-tests-batch-and-exit"], capture_output=True, text=True, check=False,
                          timeout=120, env=dict(os.environ, LC_ALL="C.UTF-8", SWARM_TEST_EVIL=os.pathsep.join(folders)))
    assert done.returncode == 0, done.stderr


def test_commands_are_there_before_anything_is_loaded(tmp_path):
    """As in an installed package: the autoloads alone make the commands known, and load nothing."""
    names = [shutil.copy(path, tmp_path) for path in sorted(CLIENT.glob("*.el"))]
    done = batch("-Q", "-L", str(tmp_path), "--eval", f"""
        (progn
          (require 'autoload)
          (let ((generated-autoload-file "{tmp_path}/swarm-autoloads.el"))
            (update-directory-autoloads "{tmp_path}"))
          (load "{tmp_path}/swarm-autoloads.el" nil t)
          (dolist (command '(swarm-dashboard swarm-new swarm-fix swarm-new-file swarm-new-project swarm-send
                             swarm-new-menu swarm-menu swarm-mode-line-mode))
            (unless (commandp command) (error "No command %s" command)))
          (when (featurep 'swarm-connection) (error "Something was loaded"))
          (swarm-mode-line-mode 1))""")
    assert names and done.returncode == 0, done.stderr


def test_it_installs_as_a_package(tmp_path):
    folder = shutil.copytree(CLIENT, tmp_path / "swarm", ignore=shutil.ignore_patterns("*.elc"))
    done = batch("-Q", "--eval", f"""
        (progn
          (require 'package)
          (setq package-user-dir "{tmp_path}/elpa" package-archives nil)
          (package-initialize)
          ;; Emacs 28 has this transient, but does not know its version; no archive is asked here.
          (push '(transient 0 3 7) package--builtin-versions)
          (package-install-file "{folder}")
          (message "installed %s, %s" (package-installed-p 'swarm) (commandp 'swarm-dashboard))
          (swarm-mode-line-mode 1))""")
    assert done.returncode == 0 and "installed t, t" in done.stderr, done.stderr
    assert "Warning" not in done.stderr and "Error" not in done.stderr, done.stderr


def test_the_story(emacs, repository):
    printed = emacs("""
        (setq swarm-spawn-options '(:mode "full"))
        (swarm-dashboard)
        (swarm-new "add a CONTRIBUTING file")
        (wait-state "done")
        (wait-text "✓ bash: git status")
        (princ (with-current-buffer "*swarm*" (swarm-board-draw) (buffer-string)))
        (princ (transcript))
        (princ (concat "\\nworktree: " (plist-get (agent) :worktree) "\\n"))
        (swarm-send (agent-id) "say more")
        (wait-text "> say more")
        (wait-state "done")
    """)
    assert re.search(r"^  ✓ add-a-contributing-…  add a CONTRIBUTING file ", printed, re.M), printed
    assert "> add a CONTRIBUTING file" in printed
    assert re.search(r"✓ .*git status", printed, re.M), printed
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
        (swarm-dashboard)
        (wait-for "server" #'swarm-connected-p)
        ;; What comes then has come from the new server.
        (wait-state "waiting")
        (wait-text "a allow   ! always")
        (with-current-buffer (swarm-transcript-buffer (agent-id)) (call-interactively #'swarm-allow))
        (wait-text "allowed by Emacs")
    """)
    assert "the server was ended by signal 9" in printed


def test_a_missing_server_says_what_to_do(emacs):
    printed = emacs("""
        (condition-case problem (swarm-dashboard) (user-error (princ (cadr problem))))
        (princ (with-current-buffer "*swarm*" (buffer-string)))
    """, server="/nonexistent/swarmd")
    assert "names /nonexistent/swarmd, which cannot be run" in printed
    assert "! no server is running: g starts it" in printed


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
