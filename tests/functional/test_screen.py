# SPDX-License-Identifier: MIT
"""The driver of the screen tests (screen.py) shows what is shown, and sees what is different."""

import pytest

import screen as module
from screen import TMUX, Screen

pytestmark = pytest.mark.skipif(not TMUX, reason="tmux is not installed")

TEXT = "fix-the-build-k3x9a  done   12s  0.35 s\n09:41:07 at 0d6b8e2f1c and äöü 😀\n"
MASKED = "fix-the-build-xxxxx  done    0s  0 s\n00:00:00 at cccccccccc and äöü 😀\n"


@pytest.fixture(name="shown")
def fixture_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SCREENS", tmp_path)
    monkeypatch.setattr(module, "DEADLINE", 5)
    monkeypatch.delenv("SWARMD_SCREENS", raising=False)
    (tmp_path / "text").write_text(TEXT, encoding="utf-8")
    with Screen(["sh", "-c", f"cat {tmp_path}/text; stty -echo; while read line; do echo got $line; done"],
                cwd=tmp_path) as screen:
        screen.mask_agent("fix-the-build")
        screen.wait("09:41")
        yield screen


def test_what_differs_from_run_to_run_is_masked(shown):
    assert shown.masked() == MASKED


def test_keys_are_pressed_and_text_is_typed(shown):
    shown.type("Enter")
    shown.keys("Space", "x", "Enter")
    assert shown.wait("got .*")[0] == "got Enter x"


def test_a_screen_is_stored_and_compared(shown, tmp_path, monkeypatch):
    with pytest.raises(AssertionError, match="is not stored"):
        shown.compare("one")
    monkeypatch.setenv("SWARMD_SCREENS", "write")
    shown.compare("one")
    monkeypatch.delenv("SWARMD_SCREENS")
    assert (tmp_path / "one.txt").read_text(encoding="utf-8") == MASKED
    shown.compare("one")
    monkeypatch.setattr(module, "DEADLINE", 0.3)
    shown.keys("more", "Enter")
    shown.wait("got more")
    with pytest.raises(AssertionError, match=r"\+got more"):
        shown.compare("one")
