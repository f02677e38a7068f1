# SPDX-License-Identifier: MIT
"""Questions of agents in real Vim and Neovim: the float, the inbox, notices, the count."""

import pathlib

import pytest

from editors import PROGRAMS
from model_server import ModelServer, call, text

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]
INBOX = "swarm://approvals"


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    return vim_editors(request.param)


def transcript(agent):
    return "swarm://agent/" + agent["id"]


def worktree_of(agent):
    return pathlib.Path(agent["worktree"].removeprefix("file://"))


def ask(edit, server, options=None):
    """An editor with an agent that waits for an answer, and its inbox."""
    editor = edit(options, config=server.config())
    editor.ex("SwarmNew do it")
    agent = editor.wait_state("waiting")
    editor.ex("Swarm approvals")
    editor.wait_text(INBOX, "1 question")
    return editor, agent


def test_a_question_is_answered_from_the_dashboard(edit):
    editor = edit()
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.wait_text(transcript(agent), "a allow   A reject")
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", "Needs input")
    editor.wait_for("swarm#dashboard#agents_here() == [g:a]", "the cursor is not on it", agent["id"])
    assert not (worktree_of(agent) / "CONTRIBUTING.md").exists()
    editor.answer("Allow once")
    editor.type("a")
    editor.wait_text(transcript(agent), ": allowed")
    editor.wait_for("swarm#state#get(g:a).approvals == 1 && swarm#state#get(g:a).usage.toolCalls > 2", "no second", agent["id"])
    assert (worktree_of(agent) / "CONTRIBUTING.md").exists()
    editor.answer("not now")
    editor.type("A")
    editor.wait_text(transcript(agent), ": not now")
    editor.wait_state("done", "failed")


def test_the_inbox_shows_the_patch_and_what_always_would_make(edit):
    with ModelServer([[call("write", path="a.md", content="one\n")], [call("write", path="b.md", content="two\n")],
                      [text("Done.")]]) as server:
        editor, agent = ask(edit, server)
        shown = editor.text(INBOX)
        assert "+one" in shown and "Allow always: write" in shown and "Reject always: write(a.md)" in shown
        assert "its mode is ask" in shown
        editor.type("Y")
        editor.wait_state("done")
        assert (worktree_of(agent) / "a.md").exists() and (worktree_of(agent) / "b.md").exists()
        editor.wait_text(INBOX, "nobody asks anything")
        editor.wait_text(transcript(agent), "allowed from now on")


def test_a_rejection_tells_the_model_why(edit):
    with ModelServer([[call("bash", command="make")], [text("Understood.")]]) as server:
        editor, agent = ask(edit, server)
        editor.answer("use ninja")
        editor.type("n")
        editor.wait_state("done")
        assert "use ninja" in server.requests[1].results[0]["content"]
        editor.wait_text(transcript(agent), "rejected by")


def test_arguments_are_edited_and_allowed(edit):
    with ModelServer([[call("bash", command="echo one")], [text("Done.")]]) as server:
        editor, agent = ask(edit, server)
        editor.type("e")
        editor.wait_for("getline(1) ==# 'echo one'", "no arguments")
        editor.type("ccecho two<Esc>:w<CR>")
        editor.wait_state("done")
        editor.wait_text(transcript(agent), "  two")
        assert "two" in server.requests[1].results[0]["content"]
        editor.wait_for("bufname() ==# g:a", "the buffer of the arguments stays", INBOX)


def test_each_question_is_answered_where_the_cursor_is(edit):
    with ModelServer({"first": [[call("bash", command="echo 1st")], [text("Yes.")]],
                      "second": [[call("bash", command="echo 2nd")], [text("Yes.")]]}) as server:
        editor = edit(config=server.config())
        editor.ex("SwarmNew first")
        editor.wait_state("waiting")
        editor.ex("SwarmNew second")
        editor.wait_state("waiting", index=1)
        editor.ex("Swarm approvals")
        editor.wait_text(INBOX, "2 questions")
        editor.wait_for("getline('.') =~# '^? first'", "not at the oldest")
        editor.type("]]")
        editor.wait_for("getline('.') =~# '^? second'", "]] does not go on")
        editor.type("y")
        editor.wait_text(INBOX, "1 question\n")
        editor.wait_state("done", index=1)
        assert editor.agent(0)["state"] == "waiting"
        editor.type("<CR>")
        editor.wait_for("bufname() ==# g:a", "<CR> opens no transcript", transcript(editor.agent(0)))


def test_an_answer_of_somebody_else_takes_the_question_away(edit):
    with ModelServer([[call("bash", command="echo one")], [text("Done.")]]) as server:
        editor, agent = ask(edit, server)
        other = edit(config=server.config())
        other.ex("Swarm approvals")
        other.wait_text(INBOX, "1 question")
        other.type("y")
        editor.wait_text(INBOX, "nobody asks anything")
        editor.wait_state("done")


FLOATS = ("has('nvim') ? map(filter(nvim_list_wins(), 'nvim_win_get_config(v:val).relative !=# \"\"'),"
          " 'join(nvim_buf_get_lines(nvim_win_get_buf(v:val), 0, -1, v:false), \" \")')"
          " : map(popup_list(), 'join(getbufline(winbufnr(v:val), 1, \"$\"), \" \")')")


@pytest.mark.parametrize("notify", [True, False])
def test_a_notice_takes_no_focus_and_goes(edit, notify):
    with ModelServer([[call("bash", command="echo one")], [text("Done.")]]) as server:
        editor = edit({"open": "none", "notify": notify}, config=server.config())
        editor.ex("SwarmNew do it")
        editor.type("iI write.")
        editor.wait_for("getline(1) ==# 'I write.'", "nothing is typed")
        agent = editor.wait_state("waiting")
        if not notify:
            assert editor.eval(FLOATS) == []
            return
        notice = editor.wait_for(FLOATS, "no notice")
        assert agent["id"] in notice[0] and "echo one" in notice[0]
        editor.type(" More.")
        editor.wait_for("getline(1) ==# 'I write. More.'", "the notice takes the keys")
        assert editor.eval("swarm#approval#count()") == 1
        assert "1?" in editor.eval("swarm#statusline()")
        editor.ex("Swarm approvals")
        editor.wait_text(INBOX, "1 question")
        editor.type("<Esc>y")
        editor.wait_state("done")
        editor.wait_for(f"empty({FLOATS})", "the notice stays")
        assert editor.eval("swarm#approval#count()") == 0
