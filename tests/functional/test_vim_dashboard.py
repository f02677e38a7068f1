# SPDX-License-Identifier: MIT
"""The dashboard in real Vim and Neovim, with the real server."""

import datetime
import os
import pathlib
import signal

import pytest

from client import binary
from editors import PROGRAMS
from model_server import Gate, ModelServer, call, gate, text

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]
NAME = "swarm://dashboard"


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    return vim_editors(request.param)


@pytest.fixture(name="board")
def fixture_board(edit):
    """An editor that shows the dashboard of an empty swarm; agents are put into it by put()."""
    editor = edit()
    editor.ex("Swarm")
    editor.wait_text(NAME, "No agents yet.")
    # What the server tells of itself would change the header at times of its own.
    editor.wait_for("swarm#state#loaded()", "no list")
    return editor


def agent_of(name, state="working", second=0, **more):
    return {"id": name, "state": state, "createdAt": f"2026-01-01T00:00:{second:02}.000Z", "task": "task of " + name,
            "usage": {}, **more}


def put(editor, *agents):
    editor.ex("for agent in g:a | call swarm#state#put(agent) | endfor", list(agents))


def ids_here(editor):
    return editor.eval("swarm#dashboard#agents_here()")


def go_to(editor, name):
    editor.wait_text(NAME, name)
    editor.ex(f"call search('^.\\s*\\S\\+ {name}', 'w')")
    assert ids_here(editor)[-1].startswith(name)


def order(editor, *names):
    """The names in the order of their lines."""
    lines = editor.lines(NAME)
    return sorted(names, key=lambda name: next(i for i, line in enumerate(lines) if f" {name} " in line + " "))


def worktree_of(agent):
    return pathlib.Path(agent["worktree"].removeprefix("file://"))


# --- what it shows ---

def test_the_empty_state_says_what_to_do(board):
    assert board.lines(NAME)[0].startswith(" Swarm  0 agents")
    assert "n, or :SwarmNew {task}, starts one" in board.text(NAME)
    assert board.eval("[&buftype, &modifiable, &filetype]") == ["nofile", 0, "swarm"]


def test_groups_in_their_order_and_children_under_their_parents(board):
    put(board, agent_of("gone", "detached"), agent_of("bad", "failed"), agent_of("ready", "done"),
        agent_of("busy", "working"), agent_of("asks", "waiting"), agent_of("child", "done", parentId="busy"),
        agent_of("grandchild", "working", parentId="child"))
    board.wait_text(NAME, "Detached")
    board.wait_text(NAME, "grandchild")
    lines = [line.rstrip() for line in board.lines(NAME)]
    titles = [line.strip() for line in lines
              if line.strip() in ("Needs input", "Working", "Done", "Failed", "Detached")]
    assert titles == ["Needs input", "Working", "Done", "Failed", "Detached"]
    at = next(i for i, line in enumerate(lines) if " busy " in line)
    assert lines[at + 1].startswith("   ✓ child ") and lines[at + 2].startswith("     ● grandchild ")
    assert lines[0].startswith(" Swarm  7 agents · 1 needs input · 2 working · 2 done · 1 failed · 1 detached")


def test_a_child_that_needs_a_person_brings_its_family_to_the_top(board):
    put(board, agent_of("parent", "done"), agent_of("child", "waiting", parentId="parent"), agent_of("other", "done"))
    board.wait_text(NAME, "Needs input")
    lines = board.lines(NAME)
    assert " parent " in lines[lines.index(" Needs input") + 1]
    assert " child " in lines[lines.index(" Needs input") + 2]


def test_a_line_tells_everything(board):
    put(board, agent_of("name", "waiting", activity="waiting: may I run make?", provider="lab", model="qwen",
                        queued=2, approvals=1, changes={"files": 3, "added": 120, "removed": 4},
                        usage={"inputTokens": 12000, "outputTokens": 345, "costUsd": 0.126, "contextUsed": 60,
                               "contextSize": 100}))
    board.wait_text(NAME, " name ")
    line = next(line for line in board.lines(NAME) if " name " in line)
    for part in ("? name", "may I run make?", "qwen", "12.3k", "$0.13", "━━━╌╌", "3 +120 -4", "2q", "1?"):
        assert part in line, (part, line)
    assert "$0.13" in board.lines(NAME)[0] and "12.3k tokens" in board.lines(NAME)[0]


def test_a_narrow_window_shows_what_matters(board):
    put(board, agent_of("name", activity="thinking hard", model="qwen", usage={"costUsd": 1.5}))
    board.wait_text(NAME, "thinking hard")
    board.ex("vsplit | vertical resize 50 | wincmd o | set columns=60")
    board.wait_for("&columns < 70 && getline(search('name', 'nw')) !~# 'qwen'", "not drawn anew")
    line = next(line for line in board.lines(NAME) if " name " in line)
    assert "thinking hard" in line and "$1.50" not in line


def test_warnings_stand_above(board):
    put(board, agent_of("one", overlaps=[{"agentId": "two"}]), agent_of("two", overlaps=[{"agentId": "one"}]))
    board.wait_text(NAME, "2 agents change the same files")


def test_what_the_server_warns_of_stands_above_by_itself(edit):
    editor = edit({"mode": "full", "open": "none"}, config="model: demo/tour\nsandbox: {enabled: false}\n")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    editor.wait_state("done")
    editor.ex("Swarm")
    editor.wait_text(NAME, "! the sandbox is off")


# --- how it is drawn ---

def watch(editor):
    """Changes of the current buffer's text are noted: first line, last line, new last line, from 0."""
    editor.call("TestWatch")


def notes(editor):
    if editor.kind == "vim":
        editor.ex("call listener_flush()")
    return sorted(editor.eval("g:notes"))


def drawn(editor):
    editor.call("swarm#dashboard#draw")


def test_only_the_lines_that_differ_are_written(board):
    put(board, *[agent_of(name, second=second) for second, name in enumerate(("one", "two", "three"))])
    board.wait_text(NAME, "three")
    drawn(board)
    watch(board)
    put(board, *[agent_of(name, second=second) for second, name in enumerate(("one", "two", "three"))])
    drawn(board)
    assert notes(board) == []
    put(board, agent_of("one", second=0, activity="new"), agent_of("three", second=2, activity="new"))
    drawn(board)
    lines = board.lines(NAME)
    rows = [i for i, line in enumerate(lines) if line.startswith(" ●") and " new" in line]
    assert len(rows) == 2 and rows[1] == rows[0] + 2
    assert notes(board) == [[row, row + 1, row + 1] for row in rows]


def test_an_agent_that_changes_its_group_is_moved_alone(board):
    put(board, *[agent_of(f"w{n:02}", "working", n) for n in range(20)], *[agent_of(f"d{n:02}", "done", n) for n in range(5)])
    board.wait_text(NAME, "d04")
    drawn(board)
    watch(board)
    put(board, agent_of("w10", "done", 30))
    drawn(board)
    lines = board.lines(NAME)
    row = next(i for i, line in enumerate(lines) if " w10 " in line)
    assert row == lines.index(" Done") + 1
    changed = [note for note in notes(board) if note[0] > 0]  # but for the header
    assert len(changed) <= 2 and all(max(last, new) - first <= 1 for first, last, new in changed), changed


def test_a_flood_is_drawn_at_most_twenty_times_a_second(board):
    put(board, agent_of("x-1"))
    board.wait_text(NAME, "x-1")
    watch(board)
    board.ex("let g:begin = reltime() | let g:count = 0")
    board.ex("function! TestFlood(timer) abort\nlet g:count += 1\n"
             "call swarm#state#put(extend(copy(swarm#state#get('x-1')), {'activity': 'step ' .. g:count}))\nendfunction")
    board.ex("call timer_start(2, 'TestFlood', {'repeat': 400})")
    board.wait_for("g:count >= 400", "the flood stands still")
    seconds = board.eval("reltimefloat(reltime(g:begin))")
    assert 2 <= len(notes(board)) <= seconds * 21 + 2


def test_ages_go_on(board):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    put(board, *[agent_of(f"w{n:02}", createdAt=now) for n in range(20)])
    board.wait_text(NAME, "w19")
    for age in (1, 2):
        board.wait_for(r"len(filter(getline(1, '$'), {_, line -> str2nr(matchstr(line, 'task of w\d\d \+\zs\d\+')) >= g:a}))"
                       " == 20", "the ages stand still", age)


def test_what_time_changes_is_drawn_a_few_lines_at_a_time(board):
    board.ex("let [g:done, g:between] = [[], []]")
    board.ex("let g:Draw = {id -> [add(g:done, id), timer_start(0, {-> add(g:between, len(g:done))})]}")
    board.ex("call swarm#dashboard#clock#draw(range(10), g:Draw) | call add(g:between, len(g:done))")
    board.wait_for("len(g:done) == 10 && g:between[-1] == 10", "not all are drawn")
    between = board.eval("g:between")
    assert between[0] == 0 and max(b - a for a, b in zip(between, between[1:])) <= 4, between
    # What another call wants takes the place of what is left.
    board.ex("let g:done = [] | call swarm#dashboard#clock#draw(range(10), g:Draw)")
    board.ex("call swarm#dashboard#clock#draw(['x'], g:Draw)")
    board.wait_for("g:done ==# ['x']", "not the newest alone")


def test_edit_takes_nothing_away(board):
    put(board, agent_of("alpha", "done"), agent_of("beta", "done"))
    go_to(board, "alpha")
    before = board.lines(NAME)
    board.ex("edit")
    assert board.lines(NAME) == before and ids_here(board) == ["alpha"]
    put(board, agent_of("gamma"))
    board.wait_text(NAME, "gamma")


def test_nothing_is_drawn_while_nobody_looks(board):
    put(board, agent_of("one"))
    board.wait_text(NAME, "one")
    number = board.eval("bufnr()")
    board.ex("enew")
    tick = board.eval("getbufvar(g:a, 'changedtick')", number)
    put(board, agent_of("two"))
    board.ex("let g:fired = 0 | call timer_start(300, {-> execute('let g:fired = 1')})")
    board.wait_for("g:fired", "no timer")
    assert board.eval("getbufvar(g:a, 'changedtick')", number) == tick
    board.ex("Swarm")
    board.wait_for("join(getline(1, '$')) =~# 'No agents yet\\|two'", "not drawn again")


def test_the_cursor_stays_on_its_agent_and_column(board):
    put(board, *[agent_of(name, second=n) for n, name in enumerate(("one", "two", "three"))])
    go_to(board, "two")
    board.ex("normal! 20|")
    column = board.eval("col('.')")
    put(board, agent_of("two", "done", 1))
    board.wait_text(NAME, "Done")
    assert ids_here(board) == ["two"] and board.eval("col('.')") == column
    put(board, agent_of("zero", "waiting", 9))
    board.wait_text(NAME, "Needs input")
    assert ids_here(board) == ["two"] and board.eval("col('.')") == column


def test_the_first_agent_gets_the_cursor(board):
    put(board, agent_of("one"))
    board.wait_text(NAME, "● one ")
    assert ids_here(board) == ["one"]


# --- what a person chooses ---

def test_filter_sort_and_scope(board):
    scope = board.call("swarm#rpc#scope")
    put(board, agent_of("beta", "done", 1, scope=scope, usage={"costUsd": 2.0}),
        agent_of("alpha", "done", 2, usage={"costUsd": 1.0}), agent_of("gamma", "failed", 3, usage={"costUsd": 3.0}))
    board.wait_text(NAME, "gamma")
    assert order(board, "alpha", "beta") == ["alpha", "beta"]  # the newest first
    board.ex("Swarm sort cost")
    board.wait_text(NAME, "by cost")
    assert order(board, "alpha", "beta") == ["beta", "alpha"]
    board.ex("Swarm sort name")
    board.wait_text(NAME, "by name")
    assert order(board, "alpha", "beta") == ["alpha", "beta"]
    board.ex("Swarm sort size")
    board.wait_message("size is none of age, activity, name")
    board.answer("FAILED task")
    board.type("f")
    board.wait_text(NAME, 'filter "FAILED task" (1 of 3)')
    assert "alpha" not in board.text(NAME) and "gamma" in board.text(NAME)
    board.ex("Swarm filter nothing")
    board.wait_text(NAME, "none matches the filter. F shows all.")
    board.type("F")
    board.wait_text(NAME, "alpha")
    board.type("S")
    board.wait_text(NAME, "this session only")
    assert "beta" in board.text(NAME) and "alpha" not in board.text(NAME)
    board.type("S")
    board.wait_text(NAME, "alpha")


def test_marks_are_acted_on_together_and_go_away(board):
    put(board, *[agent_of(name, second=n) for n, name in enumerate(("one", "two", "three"))])
    go_to(board, "three")
    board.type("<Space><Space>")
    board.wait_text(NAME, "2 marked")
    assert ids_here(board) == ["three", "two"]
    assert any(line.startswith("*● three") for line in board.lines(NAME))
    board.type("u")
    board.wait_for("getline(1) !~# 'marked'", "still marked")
    board.type("*")
    board.wait_text(NAME, "3 marked")
    board.answer("No")
    board.type("K")
    board.wait_for("getline(1) !~# 'marked'", "still marked")
    assert board.eval("g:asked") == ["Kill 3 agents and all that they started?"]
    go_to(board, "three")
    board.type("Vj<Space>")
    board.wait_text(NAME, "2 marked")


def test_what_is_for_one_agent_or_for_each_minds_the_marks(edit):
    editor = edit({"mode": "full", "open": "none"})
    for number, task in enumerate(("first", "second")):
        editor.ex("SwarmNew " + task)
        editor.wait_state("done", index=number)
    editor.ex("Swarm")
    editor.wait_text(NAME, "2 done")
    editor.type("*U")
    editor.wait_message(":Swarm rewind takes one agent at a time, and 2 are marked")
    editor.type("*d")
    for agent in editor.agents():
        editor.wait_for("swarm#buffer#find(g:a)", "no review", "swarm://review/" + agent["id"])


def test_help_shows_every_key(edit):
    editor = edit(answers=False)
    editor.ex("Swarm")
    editor.wait_text(NAME, "No agents yet")
    editor.type("g?")
    lines = "swarm#buffer#keys(swarm#buffer#find('swarm://dashboard'))"
    if editor.kind == "nvim":
        editor.wait_for("nvim_win_get_config(0).relative !=# ''", "no help")
        shown = editor.text()
    else:
        editor.wait_for("!empty(popup_list())", "no help")
        shown = editor.eval('join(getbufline(winbufnr(popup_list()[0]), 1, "$"), "\n")')
    for keys, what in editor.eval(lines):
        assert what in shown and keys.split()[0] in shown
    editor.type("q")
    editor.wait_for("bufname() ==# 'swarm://dashboard'" + ("" if editor.kind == "nvim" else " && empty(popup_list())"),
                    "the help stays")


# --- what is done to agents, by the real server ---

def test_kill_and_remove_ask_first(edit):
    editor = edit()
    editor.ex("Swarm")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.ex("Swarm")
    editor.wait_text(NAME, "Needs input")
    editor.answer("No")
    editor.type("K")
    editor.wait_for("empty(g:answers)", "not asked")
    assert editor.agent()["state"] == "waiting"
    editor.answer("Kill it")
    editor.type("K")
    editor.wait_state("killed")
    editor.wait_text(NAME, "Failed")
    editor.type("K")
    editor.wait_message("has ended: there is nothing to kill")

    (worktree_of(agent) / "work.txt").write_text("not merged\n", encoding="utf-8")
    editor.answer("Remove it", "No")
    editor.type("X")
    editor.wait_for("empty(g:answers)", "not asked twice")
    assert (worktree_of(agent) / "work.txt").exists()
    editor.answer("Remove it", "Remove it and its work")
    editor.type("X")
    editor.wait_text(NAME, "No agents yet")
    assert not worktree_of(agent).exists()


def working(edit, *more):
    """An editor with an agent that works until the gate is opened."""
    stop = Gate()
    server = ModelServer([[text("I begin."), gate(stop)], *more])
    editor = edit({"mode": "full", "open": "none"}, config=server.config())
    editor.ex("Swarm")
    editor.ex("SwarmNew tell me")
    stop.wait_reached()
    agent = editor.wait_state("working")
    go_to(editor, agent["id"][:20])
    return editor, agent, server, stop


def test_pause_continue_cancel_and_resume(edit):
    editor, _, server, stop = working(edit, [text("Again.")])
    with server:
        editor.type("p")
        editor.wait_state("paused")
        editor.wait_text(NAME, " = ")
        editor.type("P")
        editor.wait_for("index(['working', 'queued'], swarm#state#matching('')[0].state) >= 0", "still paused")
        editor.type("c")
        editor.wait_state("done")
        editor.wait_text(NAME, "- tell-me")
        editor.type("r")
        editor.wait_for("swarm#state#matching('')[0].usage.turns > 1 && swarm#state#matching('')[0].state ==# 'done'",
                        "not resumed")
        stop.open()


def test_a_message_to_a_working_agent_is_queued_and_counted(edit):
    editor, _, server, stop = working(edit, [text("And more.")])
    with server:
        editor.answer("and more")
        editor.type("s")
        editor.wait_message("queued for")
        editor.wait_text(NAME, " 1q")
        stop.open()
        editor.wait_for("swarm#state#matching('')[0].state ==# 'done' && !swarm#state#matching('')[0].queued", "not taken")


def test_a_refusal_is_shown_in_the_servers_words(edit):
    editor, agent, server, stop = working(edit)
    with server:
        editor.ex("let g:error = {}")
        editor.type("r")
        editor.wait_message("resuming " + agent["id"][:20])
        editor.ex("call swarm#rpc#request('swarm/resume', {'agentId': g:a}, {error, result -> extend(g:error, error)})",
                  agent["id"])
        words = editor.wait_for("get(g:error, 'message', '')", "no error")
        assert words[:40] in editor.messages()
        stop.open()


def test_rewind_offers_the_turns(edit):
    script = [[call("write", path="a.txt", content="one\n")], [text("One.")],
              [call("write", path="a.txt", content="two\n")], [text("Two.")]]
    with ModelServer(script) as server:
        editor = edit({"mode": "full", "open": "none"}, config=server.config())
        editor.ex("Swarm")
        editor.ex("SwarmNew write it")
        agent = editor.wait_state("done")
        editor.ex("Swarm send " + agent["id"] + " again")
        editor.wait_for("swarm#state#matching('')[0].usage.turns == 2 && swarm#state#matching('')[0].state ==# 'done'",
                        "no second turn")
        go_to(editor, agent["id"][:20])
        assert (worktree_of(agent) / "a.txt").read_text(encoding="utf-8") == "two\n"
        editor.answer("after turn 1 (1 file +1 -0)", "Only the files")
        editor.type("U")
        editor.wait_message("is rewound; checkpoint 2 has what it was")
        assert (worktree_of(agent) / "a.txt").read_text(encoding="utf-8") == "one\n"


def test_an_agent_opens_in_its_window(edit):
    editor = edit({"mode": "full", "open": "none"})
    editor.ex("Swarm")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("done")
    go_to(editor, agent["id"][:20])
    editor.type("<CR>")
    editor.wait_for("bufname() ==# g:a", "not opened", "swarm://agent/" + agent["id"])
    editor.wait_text("swarm://agent/" + agent["id"], "✓ done")


def test_the_dashboard_makes_room_for_a_transcript(edit):
    editor = edit({"mode": "full"})
    editor.ex("Swarm")
    editor.wait_text(NAME, "No agents yet")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("done")
    editor.wait_for("bufname() ==# g:a", "not opened", "swarm://agent/" + agent["id"])
    heights = "map([win_findbuf(swarm#buffer#find('swarm://dashboard'))[0], win_getid()], 'winheight(v:val)')"
    above, below = editor.eval(heights)
    assert above <= 40 // 3 < below


def test_the_header_is_not_out_of_sight_while_there_is_room(board):
    put(board, *[agent_of(f"w{n}", second=n) for n in range(6)])
    board.wait_text(NAME, "w0")
    board.ex("setlocal scrolloff=0 | resize 5 | normal! Gzb")
    top = "getwininfo(win_getid())[0].topline"
    assert board.eval(top) == 6 and ids_here(board) == ["w0"]
    board.ex("resize 15 | call winrestview({'topline': 6})")
    put(board, agent_of("x", "done"))
    board.wait_text(NAME, "1 done")
    assert board.eval(top) == 1 and ids_here(board) == ["w0"]


def test_columns_of_files_come_with_the_first_change(board):
    put(board, agent_of("one"))
    board.wait_text(NAME, "● one")
    put(board, agent_of("one", changes={"files": 2, "added": 1, "removed": 1}))
    board.wait_text(NAME, "2 +1 -1")


def test_a_second_session_sees_what_was_done(edit):
    first = edit({"mode": "full"})
    first.ex("SwarmNew add a CONTRIBUTING file")
    agent = first.wait_state("done")
    assert first.quit() == 0
    second = edit()
    second.ex("Swarm")
    go_to(second, agent["id"][:20])


def test_without_a_server_it_says_what_to_do_and_tries_again(edit):
    editor = edit(server="/nonexistent/swarmd")
    editor.ex("Swarm")
    editor.wait_text(NAME, "/nonexistent/swarmd, which cannot be run")
    editor.ex("unlet g:swarm_server | let $PATH = g:a .. ':' .. $PATH", str(pathlib.Path(binary()).parent))
    editor.type("R")
    editor.wait_text(NAME, "No agents yet")


def test_agents_stay_on_the_screen_when_the_server_dies(edit):
    editor, agent, server, stop = working(edit)
    with server:
        os.kill(editor.server_pid(), signal.SIGKILL)
        editor.wait_text(NAME, "! the server was ended by signal 9")
        assert agent["id"][:20] in editor.text(NAME)
        editor.type("R")
        editor.wait_text(NAME, "Detached")
        assert "signal 9" not in editor.text(NAME)
        stop.open()


def test_vim_without_utf8_has_signs_of_letters(edit):
    editor = edit({"mode": "full", "open": "none"}, environment={"LANG": "C", "LC_ALL": "C"})
    if editor.kind == "nvim":
        pytest.skip("Neovim is always in UTF-8")
    assert editor.eval("&encoding") == "latin1"
    editor.ex("Swarm")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    editor.wait_state("done")
    editor.wait_text(NAME, " v add-a-contributing-")
    editor.ex("Swarm health")
    assert "'encoding' is latin1" in editor.text("swarm://health")


def test_the_dashboard_of_a_session_is_restored(edit, tmp_path):
    editor = edit()
    editor.ex("Swarm")
    editor.wait_text(NAME, "No agents yet")
    editor.ex("set sessionoptions=buffers,tabpages,winsize | mksession! " + str(tmp_path / "session.vim"))
    assert editor.quit() == 0
    again = edit()
    again.ex("source " + str(tmp_path / "session.vim"))
    again.ex("edit swarm://dashboard")
    again.wait_text(NAME, "No agents yet")
