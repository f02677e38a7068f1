# SPDX-License-Identifier: MIT
"""What people see of the client in a terminal: Vim and Neovim in tmux, driven by keys, beside the screens in
tests/functional/screens. Both must show the same. docs/vim.md shows them, too; the last test compares.
"""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

from client import write_config
from editors import PROGRAMS, SOURCE
from model_server import Gate, ModelServer, call, gate, reasoning, text, usage
from screen import SCREENS, TMUX, Screen
from screen_story import ANSWER, FIX, PARSER

pytestmark = pytest.mark.skipif(not TMUX, reason="tmux is not installed")
KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]

# What the two editors show by themselves is made the same.
SETTINGS = "set laststatus=2 ruler noshowmode noshowcmd shortmess+=Ic showtabline=0 background=dark mouse= nomore"


def script(stop):
    return {
        "parser": [
            [reasoning("The loop has no test for digits.\nAnd nobody looks at the pointer."),
             call("read", path="parser.c"), usage(1200, 40)],
            [text("The loop takes any character. I change that."), call("edit", path="parser.c", edits=FIX),
             usage(1500, 40)],
            [call("bash", command="grep -c value parser.c"), usage(1700, 40)],
            [text(ANSWER), usage(1900, 40)],
        ],
        "notes": [[text("I look at what there is."), call("bash", command="ls"), usage(900, 40)],
                  [text("Done."), usage(950, 40)]],
        "story": [[text("Once upon a time\nthere was a parser,\nwhich "), gate(stop), text("read.\n"), usage(300, 40)],
                  [text("And on it went."), usage(400, 40)]],
    }


@pytest.fixture(name="editor", params=KINDS)
def fixture_editor(request, tmp_path, recorded):
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
        command = [PROGRAMS[request.param], "--clean", "-n", "--cmd", "set loadplugins",
                   "--cmd", f"set rtp^={SOURCE}/clients/vim", "--cmd", f"let g:swarm_server = '{recorded}'",
                   "-c", SETTINGS]
        with Screen(command, cwd=repository, environment=environment) as screen:
            screen.stop = stop
            for slug in ("fix-the-parser", "write-notes", "tell-a-story"):
                screen.mask_agent(slug)
            screen.mask(re.escape(folder), "~/src")
            screen.mask(r"(?<=as )[0-9a-f]{12}\b", "c" * 12)
            screen.mask(r"\b(Neovim|Vim)\b", "Vim")
            screen.wait(r"\[No Name\]")
            yield screen
    shutil.rmtree(folder, ignore_errors=True)


def command(screen, words):
    screen.keys("Escape")
    screen.type(":" + words)
    screen.keys("Enter")


def quiet(screen):
    """Takes away what stands in the last line."""
    command(screen, "echo")


def answer_all(screen):
    """Allows one question after the other in the inbox, which is left."""
    command(screen, "Swarm approvals")
    for title in ("edit parser.c", "bash: grep"):
        screen.wait(r"^\? fix-the-parser.*" + title)
        screen.keys("y")
        screen.wait(r"^\? fix-the-parser.*" + title, gone=True)
    screen.wait("nobody asks anything")
    screen.keys("q")


def test_a_transcript_from_the_task_to_the_answer(editor):
    command(editor, "tab SwarmNew fix the parser")
    editor.wait(r"a allow   A reject")
    quiet(editor)
    editor.compare("vim-question")
    answer_all(editor)
    editor.wait(r"^✓ done")
    quiet(editor)
    editor.compare("vim-transcript")


def test_a_message_waits_while_text_streams(editor):
    command(editor, "tab SwarmNew -mode=full tell a story")
    editor.wait("which")
    editor.keys("i")
    editor.type("and then?")
    editor.keys("Enter")
    editor.wait(r"> \(queued\) and then")
    editor.type("/mo")
    editor.keys("Tab")
    editor.wait("/model .*provider")
    editor.compare("vim-streaming")


def test_what_streams_shows_while_a_question_is_open(editor):
    command(editor, "tab SwarmNew -mode=full tell a story")
    editor.wait("which")
    command(editor, "Swarm send")
    editor.wait(r"^To tell-a-story\S*: *$")
    editor.type("and th")
    editor.wait(r"^To tell-a-story\S*: and th$")
    editor.stop.open()
    editor.wait(r"^which read\.$")
    editor.type("en?")
    editor.keys("Enter")
    editor.wait(r"^> and then\?")


def test_the_inbox_and_the_dashboard(editor):
    command(editor, "tab SwarmNew -mode=full write notes")
    editor.wait(r"^✓ done")
    command(editor, "tab SwarmNew fix the parser")
    editor.wait(r"a allow   A reject")
    command(editor, "tab Swarm approvals")
    command(editor, "tabonly | only")
    editor.wait(r"^\? fix-the-parser")
    quiet(editor)
    editor.compare("vim-approvals")
    command(editor, "Swarm")
    command(editor, "only")
    editor.wait("Needs input")
    quiet(editor)
    editor.compare("vim-dashboard")


def test_a_review_and_a_merge(editor):
    command(editor, "tab SwarmNew fix the parser")
    editor.wait(r"a allow   A reject")
    answer_all(editor)
    editor.wait(r"^✓ done")
    command(editor, "Swarm diff")
    editor.wait(r"^@@ ")
    command(editor, "only")
    editor.keys("]", "c", "a")
    editor.wait("1 of 1 hunks? accepted")
    quiet(editor)
    editor.compare("vim-review")
    editor.keys("m")
    editor.wait("Message")
    command(editor, "only")
    quiet(editor)
    editor.compare("vim-merge")
    editor.keys("m")
    editor.wait("merged 1 file into main as")


def test_the_page_shows_these_screens():
    page = (SOURCE / "docs/vim.md").read_text(encoding="utf-8")
    for path in sorted(SCREENS.glob("vim-*.txt")):
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
        shown = "\n".join(("    " + line).rstrip() for line in lines if line != "~")
        assert shown in page, f"docs/vim.md does not show {path.name}"
        if path.name == "vim-dashboard.txt":
            assert shown in (SOURCE / "README.md").read_text(encoding="utf-8"), f"README.md does not show {path.name}"
