# SPDX-License-Identifier: MIT
"""What people see in a terminal: emacs -nw, driven by keys, beside the screens in tests/functional/screens.

docs/emacs.md shows the same screens; the last test here compares.
"""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from client import write_config
from emacs_client import CLIENT, EMACS, SOURCE, needs_emacs
from model_server import Gate, ModelServer, call, gate, reasoning, text, usage
from screen import SCREENS, TMUX, Screen
from screen_story import ANSWER, FIX, PARSER

pytestmark = [needs_emacs, pytest.mark.skipif(not TMUX, reason="tmux is not installed")]


def is_stored_version():
    """The mode line and diff-mode differ from version to version: the screens are those of Emacs 28."""
    done = subprocess.run([EMACS, "--version"], capture_output=True, text=True, check=False) if EMACS else None
    return bool(done) and "GNU Emacs 28." in done.stdout


stored_version = pytest.mark.skipif(not is_stored_version(), reason="the stored screens are of Emacs 28")


def count(tokens):
    return usage(tokens, 40)


def script(stop):
    return {
        "parser": [
            [reasoning("The loop has no test for digits."), call("read", path="parser.c"), count(1200)],
            [text("The loop takes any character. I change that."), call("edit", path="parser.c", edits=FIX), count(1500)],
            [call("bash", command="grep -c value parser.c"), count(1700)],
            [text(ANSWER), count(1900)],
        ],
        "notes": [
            [text("I look at what there is."), call("bash", command="ls"), count(900)],
            [text("Done."), count(950)],
        ],
        "long": [[call("read", path="parser.c")] for _ in range(12)] + [
            [text("".join(f"line {n}\n" for n in range(1, 41))), gate(stop),
             text("".join(f"line {n}\n" for n in range(41, 81)))]],
        "story": [[text("Once upon a time\nthere was a parser,\nwhich "), gate(stop), text("read.\n"), count(300)]],
    }


@pytest.fixture(name="emacs")
def fixture_emacs(tmp_path, recorded):
    folder = tempfile.mkdtemp(prefix="sw")
    repository = os.path.join(folder, "shop")
    os.mkdir(repository)
    with open(os.path.join(repository, "parser.c"), "w", encoding="utf-8") as file:
        file.write(PARSER)
    for words in (["init", "-q", "-b", "main"], ["config", "user.name", "a"], ["config", "user.email", "a@b"],
                  ["add", "."], ["commit", "-qm", "A parser"]):
        subprocess.run(["git", *words], cwd=repository, check=True)
    stop = Gate()
    with ModelServer(script(stop)) as server:
        environment = {"SWARMD_STATE_DIR": os.path.join(folder, "state"), "HOME": str(tmp_path),
                       "SWARMD_CONFIG": str(write_config(tmp_path, server.config(
                           models="{scripted: {context: 100000}}")))}
        command = [EMACS, "-nw", "-Q", "-L", CLIENT, "--eval", "(menu-bar-mode -1)",
                   "--eval", f'(setq swarm-server "{recorded}" inhibit-startup-screen t visible-bell t '
                             'ring-bell-function (quote ignore) initial-scratch-message nil load-prefer-newer t)',
                   "--eval", "(require 'swarm)"]
        with Screen(command, cwd=repository, environment=environment) as screen:
            screen.stop = stop
            for slug in ("fix-the-parser", "write-notes", "tell-a-story"):
                screen.mask_agent(slug)
            screen.mask(r"(?<=\+)[0-9a-f]{12}\b", "c" * 12)
            screen.mask(re.escape(folder), "~/src")
            screen.mask(r"\b\d+% of 100k", "1% of 100k")  # an estimate, before the first answer
            screen.wait(r"\*scratch\*")
            yield screen
    shutil.rmtree(folder, ignore_errors=True)


def command(screen, name, *more):
    screen.keys("M-x")
    screen.type(name)
    screen.keys("Enter", *more)


def new(screen, task):
    command(screen, "swarm-new")
    screen.wait(r"^(Task|.*: )")
    screen.type(task)
    screen.keys("Enter")


def one_window(screen):
    screen.keys("C-x", "1")


def quiet(screen):
    """Takes away what stands in the echo area."""
    screen.keys("C-e")


@stored_version
def test_a_transcript_from_the_task_to_the_answer(emacs):
    new(emacs, "fix the parser")
    emacs.wait("a allow   ! always")
    emacs.wait("asks: edit")
    one_window(emacs)
    quiet(emacs)
    emacs.compare("emacs-question")
    emacs.keys("M-<", "a")
    emacs.wait("bash: grep")
    emacs.keys("a")
    emacs.wait("returns -1")
    emacs.keys("M->")
    emacs.type("/mo")
    emacs.keys("Tab", "Tab")
    emacs.wait(r"/model\b")
    emacs.keys("C-c", "C-k", "C-x", "1")
    emacs.wait("✓ done")
    quiet(emacs)
    emacs.compare("emacs-transcript")


@stored_version
def test_text_streams_while_one_types_and_what_waits_is_shown(emacs):
    new(emacs, "tell a story")
    emacs.stop.wait_reached()
    emacs.wait("which")
    one_window(emacs)
    emacs.type("and make it longer")
    emacs.keys("Enter")
    emacs.wait("⧗ 1: and make it longer")
    emacs.type("with a dra")
    emacs.compare("emacs-streaming")
    emacs.stop.open()
    emacs.wait("which read")
    assert emacs.wait("with a dra")


def test_who_is_at_the_prompt_follows_and_who_reads_stays(emacs):
    command(emacs, "set-variable", "swarm-transcript-page", "Enter", "10", "Enter")
    new(emacs, "a long answer")
    emacs.wait("line 40")
    one_window(emacs)
    emacs.wait(r"^❯")
    emacs.keys("M-v", "C-l")  # in the middle of it
    quiet(emacs)
    reads = emacs.steady()
    emacs.stop.open()
    emacs.wait("✓ done")
    assert emacs.masked().splitlines()[1:-2] == reads.splitlines()[1:-2]
    emacs.keys("M->")
    emacs.wait("line 80")
    emacs.wait(r"^❯")
    emacs.type("more of it")
    assert emacs.wait("more of it")


def test_older_items_come_as_one_scrolls(emacs):
    command(emacs, "set-variable", "swarm-transcript-page", "Enter", "10", "Enter")
    emacs.stop.open()
    new(emacs, "a long answer")
    emacs.wait("✓ done")
    one_window(emacs)
    emacs.keys("C-x", "k", "Enter")
    command(emacs, "swarm-open")
    emacs.wait("Transcript of")
    emacs.keys("Tab", "Enter")
    emacs.wait("line 80")
    one_window(emacs)
    emacs.type("typed")
    emacs.keys("M-<")
    emacs.wait("> a long answer")
    emacs.wait("… older", gone=True)
    emacs.keys("M->")
    emacs.wait("❯ typed")


@stored_version
def test_the_inbox_has_the_questions_of_all_agents(emacs):
    new(emacs, "write notes")
    emacs.wait("a allow   ! always")
    new(emacs, "fix the parser")
    emacs.wait("asks: edit")
    command(emacs, "swarm-approvals")
    emacs.wait("2 questions")
    one_window(emacs)
    emacs.keys("M-<")
    quiet(emacs)
    emacs.compare("emacs-approvals")


@stored_version
def test_the_dashboard(emacs):
    new(emacs, "write notes")
    emacs.wait("a allow   ! always")
    emacs.keys("M-<", "a")
    emacs.wait("Done")
    new(emacs, "fix the parser")
    emacs.wait("asks: edit")
    command(emacs, "swarm-dashboard")
    one_window(emacs)
    emacs.keys("M-<")
    quiet(emacs)
    emacs.compare("emacs-dashboard")


@stored_version
def test_review_and_merge(emacs):
    new(emacs, "fix the parser")
    emacs.wait("a allow   ! always")
    emacs.keys("M-<", "a")
    emacs.wait("bash: grep")
    emacs.keys("M-<", "a")
    emacs.wait("✓ done")
    emacs.keys("=")
    emacs.wait("0 of 1 hunks accepted")
    one_window(emacs)
    emacs.keys("n")
    emacs.compare("emacs-review")
    emacs.keys("a", "m")
    emacs.wait("Message")
    one_window(emacs)
    emacs.compare("emacs-merge")


def in_manual(screen):
    """A stored screen as docs/emacs.md has it: indented, without the empty lines at a buffer's end."""
    shown = "".join(f"    {line}".rstrip() + "\n" for line in screen.splitlines())
    return re.sub(r"\n{4,}", "\n\n", shown)


def test_the_manual_shows_these_screens():
    manual = (SOURCE / "docs/emacs.md").read_text(encoding="utf-8")
    for path in sorted(SCREENS.glob("emacs-*.txt")):
        shown = in_manual(path.read_text(encoding="utf-8"))
        assert shown in manual, f"docs/emacs.md does not show {path.name}:\n{shown}"
