# SPDX-License-Identifier: MIT
"""Review, merge and checkpoints in Emacs."""

import subprocess

import pytest

from emacs_client import fixture_emacs, fixture_environment, fixture_ert, needs_emacs  # noqa: F401
from model_server import ModelServer, call, text

pytestmark = needs_emacs

EDITS = [{"old_text": "line 2\n", "new_text": "LINE 2\n"}, {"old_text": "line 19\n", "new_text": "LINE 19\n"}]
ANSWERS = [[call("edit", path="lines.txt", edits=EDITS)], [call("write", path="new.txt", content="new\n")],
           [text("Changed.")], [call("write", path="new.txt", content="second\n")], [text("Changed again.")]]


@pytest.fixture(name="lines")
def fixture_lines(repository):
    (repository / "lines.txt").write_text("".join(f"line {n}\n" for n in range(1, 21)))
    for words in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "lines"],
                  ["branch", "-M", "main"], ["config", "user.name", "a"], ["config", "user.email", "a@b"]):
        subprocess.run(["git", *words], cwd=repository, check=True)
    return repository


@pytest.mark.parametrize("name", [
    "hunks-are-accepted-rejected-and-brought-back",
    "a-hunk-that-has-changed-meanwhile-is-not-rejected",
    "a-comment-goes-to-the-agent-with-its-place",
    "next-error-walks-through-the-hunks",
    "a-merge-shows-what-it-does-and-reverts-buffers",
    "unsaved-buffers-are-never-overwritten",
    "conflicts-are-shown-and-can-be-given-to-the-agent",
    "checkpoints-are-listed-shown-and-gone-back-to",
    "magit-shows-the-change-where-it-is-there",
    "magit-shows-the-new-state-where-it-is-there",
])
def test_review(ert, lines, name):
    def script(request):
        turn = request.turns
        return ANSWERS[turn] if turn < len(ANSWERS) else [text("Thank you.")]

    with ModelServer(script) as server:
        ert("review", name, config=server.config())
