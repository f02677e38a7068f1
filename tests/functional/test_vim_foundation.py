# SPDX-License-Identifier: MIT
"""What the Vim and Neovim client stands on, in both editors: text, times, buffers, the connection, the
agents."""

import os
import shutil
import signal

import pytest

from client import binary
from editors import PROGRAMS, SOURCE, Editor

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]


@pytest.fixture(name="editor", scope="module", params=KINDS)
def fixture_editor(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    editor = Editor(request.param, home, home)
    yield editor
    editor.end()


def test_times_are_utc_and_know_leap_days(editor):
    assert editor.call("swarm#util#seconds", "1970-01-01T00:00:00.000Z") == 0
    assert editor.eval("abs(swarm#util#seconds('2024-02-29T12:00:00.500Z') - 1709208000.5) < 0.001")
    assert editor.eval("float2nr(swarm#util#seconds('2024-03-01T00:00:00Z'))") == 1709251200
    assert editor.call("swarm#util#seconds", "soon") is None


def test_durations_counts_and_costs_are_short(editor):
    assert [editor.call("swarm#util#duration", n) for n in (0, 59.9, 60, 3599, 3600, 86400 * 3)] == [
        "0s", "59s", "1m", "59m", "1h", "3d",
    ]
    assert [editor.call("swarm#util#count", n) for n in (0, 999, 1000, 12345, 999949, 999950)] == [
        "0", "999", "1.0k", "12.3k", "999.9k", "1.0M",
    ]
    assert [editor.call("swarm#util#cost", n) for n in (None, 0, 0.126, 3)] == ["", "$0.00", "$0.13", "$3.00"]


def test_text_is_fitted_to_columns_not_bytes(editor):
    assert editor.call("swarm#util#fit", "über", 6) == "über  "
    assert editor.call("swarm#util#fit", "überlang", 5) == "über…"
    # A wide character that would stick out by half is dropped.
    assert editor.call("swarm#util#fit", "漢字漢字", 4) == "漢… "
    assert editor.call("swarm#util#fit", "x", 0) == ""


def test_output_is_shown_as_a_terminal_would(editor):
    assert editor.call("swarm#util#terminal", "\x1b[31mred\x1b[0m\r\nplain") == "red\nplain"
    assert editor.call("swarm#util#terminal", "10%\r50%\r100%\ndone") == "100%\ndone"


def test_long_lines_are_broken_where_words_end(editor):
    text = "word " * 200 + "\nshort\n" + "ü" * 500
    broken = editor.call("swarm#util#lines", text)
    assert max(len(line.encode()) for line in broken) <= 400
    assert broken[0].endswith("word ") and "short" in broken
    assert "".join(broken) == text.replace("\n", "")


@pytest.mark.parametrize("path", ["/a b/ü%41.txt", "/plain/x.c", "/q?#[1]/漢.md"])
def test_paths_and_uris_are_each_others_inverse(editor, path):
    uri = editor.call("swarm#util#uri", path)
    assert uri.startswith("file:///") and " " not in uri and "?" not in uri and "#" not in uri
    assert editor.call("swarm#util#path", uri) == path


SPANS = """
    has('nvim') ? map(nvim_buf_get_extmarks(g:a[0], nvim_create_namespace('swarm'), 0, -1, {'details': v:true}),
        '[v:val[1] + 1, v:val[2], v:val[3].end_col - v:val[2], v:val[3].hl_group]')
    : flatten(map(range(1, g:a[1]), {_, lnum -> map(prop_list(lnum, {'bufnr': g:a[0]}),
        '[lnum, v:val.col - 1, v:val.length, substitute(v:val.type, "^swarm:", "", "")]')}), 1)
""".replace("\n", " ")


@pytest.fixture(name="view")
def fixture_view(editor):
    """A buffer with lines a to j in a window of five lines."""
    number = editor.call("swarm#buffer#open", "swarm://test", "", "here")
    editor.call("swarm#buffer#render", number, list("abcdefghij"), 1)
    editor.ex("botright new | wincmd p | resize 5")
    editor.changes = lambda: editor.eval("getbufvar(g:a, 'changedtick')", number)
    yield number
    editor.ex("silent! only | enew! | silent! bwipeout! " + str(number))


def test_only_what_differs_is_written(editor, view):
    before = editor.changes()
    assert editor.call("swarm#buffer#render", view, list("abcdefghij"), 1) == 0
    assert editor.changes() == before
    assert editor.call("swarm#buffer#render", view, list("abCdefgHij"), 1) == 1
    assert editor.text("swarm://test") == "\n".join("abCdefgHij")
    assert editor.changes() == before + 2
    assert editor.eval("&modifiable") == 0


def test_spans_are_those_of_the_newest_lines(editor, view):
    lines = [{"text": "über", "spans": [[0, 2, "SwarmTitle"], [3, 2, "SwarmDim"]]}, "plain"]
    editor.call("swarm#buffer#render", view, lines, 1)
    assert editor.eval(SPANS, [view, 2]) == [[1, 0, 2, "SwarmTitle"], [1, 3, 2, "SwarmDim"]]
    editor.call("swarm#buffer#render", view, ["über", {"text": "plain", "spans": [[1, 4, "SwarmDim"]]}], 1)
    assert editor.eval(SPANS, [view, 2]) == [[2, 1, 4, "SwarmDim"]]
    assert editor.text("swarm://test") == "über\nplain"


def test_cursor_and_view_stay_with_their_text(editor, view):
    editor.ex("setlocal scrolloff=0 | normal! 7Gzt")
    above = editor.eval("line('.') - line('w0')")
    editor.call("swarm#buffer#render", view, ["x", "y", *"abcdefghij"], 1)
    assert editor.eval("[getline('.'), line('.') - line('w0')]") == ["g", above]
    editor.call("swarm#buffer#splice", view, 1, 4, [])
    assert editor.eval("[getline('.'), line('.') - line('w0')]") == ["g", above]
    # The same in a window that is not the current one.
    editor.ex("wincmd p")
    editor.call("swarm#buffer#splice", view, 1, 0, ["1", "2", "3"])
    window = editor.eval("win_findbuf(g:a)[0]", view)
    assert editor.eval("getbufline(g:a[0], line('.', g:a[1]))", [view, window]) == ["g"]
    editor.call("swarm#buffer#render", view, [], 1)
    assert editor.lines("swarm://test") == [""]
    editor.call("swarm#buffer#render", view, ["new"], 1)
    assert editor.lines("swarm://test") == ["new"]
    editor.ex("wincmd p")


def test_redraws_are_at_most_twenty_a_second(editor, view):
    editor.ex("let g:draws = 0 | let g:asked_for = 0 | let g:begin = reltime()")
    editor.ex("""let g:Draw = {-> execute('let g:draws += 1')}""")
    editor.ex("let g:timer = timer_start(2, {-> [execute('let g:asked_for += 1'),"
              " swarm#buffer#every(%d, g:Draw)]}, {'repeat': 400})" % view)
    editor.wait_for("g:asked_for >= 400", "the timer stands still")
    draws, seconds = editor.eval("[g:draws, reltimefloat(reltime(g:begin))]")
    assert 2 <= draws <= seconds * 20 + 1


def test_a_buffer_that_was_deleted_comes_back_whole(editor, view):
    editor.ex("enew")
    editor.ex(f"bdelete {view}")
    assert editor.call("swarm#buffer#find", "swarm://test") == 0
    editor.ex("call swarm#buffer#open('swarm://test', 'test', 'here', {-> swarm#buffer#map('x', 'let g:x = 1', 'x')})")
    assert editor.eval("[bufname(), &buftype, &filetype, maparg('x', 'n') !=# '']") == ["swarm://test", "nofile",
                                                                                       "test", 1]
    editor.ex("enew")


def test_what_is_unloaded_is_forgotten(editor):
    number = editor.call("swarm#buffer#open", "swarm://gone", "", "here")
    editor.ex(f"enew | bwipeout {number}")
    assert editor.call("swarm#buffer#find", "swarm://gone") == 0


def test_questions_are_asked_and_answered(editor):
    editor.answer("two", "typed")
    editor.ex("let g:got = []")
    editor.ex("call swarm#ui#select(['one', 'two'], {'prompt': 'Which?'}, {item, index -> add(g:got, [item, index])})")
    editor.ex("call swarm#ui#input({'prompt': 'What? '}, {text -> add(g:got, text)})")
    editor.wait_for("len(g:got) == 2", "no answers")
    assert editor.eval("g:got") == [["two", 1], "typed"]


# --- with the server ---

@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    return vim_editors(request.param)


def spawn(editor, task="add a CONTRIBUTING file", **params):
    editor.ex("let g:answer = []")
    editor.ex("call swarm#rpc#request('swarm/spawn', g:a, {error, result -> extend(g:answer, [error, result])})",
              {"task": task, "scope": editor.call("swarm#rpc#scope"), **params})
    return editor.wait_for("get(g:answer, 1, 0)", "no answer")["agent"]


def test_requests_are_answered_and_events_keep_the_agents(edit):
    editor = edit()
    editor.ex("let g:told = [] | call swarm#event#on('agent', {data -> add(g:told, data.agent.state)})")
    editor.ex("call swarm#state#refresh()")
    editor.wait_for("swarm#state#loaded()", "no list")
    agent = spawn(editor, mode="full")
    assert "role" not in agent  # null on the wire
    editor.wait_for("get(swarm#state#get(g:a), 'state', '') ==# 'done'", "not done", agent["id"])
    assert editor.eval("g:told[-1]") == "done"
    assert "working" in editor.eval("g:told")


def test_a_watched_agent_tells_its_items_and_deltas(edit):
    editor = edit()
    agent = spawn(editor, mode="full")
    editor.ex("let g:events = [] | let g:Take = {event -> add(g:events, event)}")
    editor.ex("call swarm#state#watch(g:a, g:Take, 0)", agent["id"])
    editor.wait_for("!empty(filter(copy(g:events), 'v:val.type ==# \"turn\" && v:val.phase ==# \"ended\"'))", "no end")
    assert {event["type"] for event in editor.eval("g:events")} >= {"item", "turn"}
    editor.ex("call swarm#state#unwatch(g:a, g:Take)", agent["id"])


def test_a_refusal_has_the_servers_words(edit):
    editor = edit()
    editor.ex("let g:answer = []")
    editor.ex("call swarm#rpc#request('swarm/get', {'agentId': 'x'}, {error, result -> extend(g:answer, [error, result])})")
    error = editor.wait_for("get(g:answer, 0, {})", "no answer")
    assert error["message"] == "no agent's id begins with 'x'"
    assert error["data"] == {"kind": "unknownAgent"}
    editor.ex("call swarm#ui#report(g:a, 'looking')", error)
    editor.wait_message("looking: no agent's id begins with 'x'")


def test_a_missing_server_says_what_to_do(edit):
    editor = edit(server="/nonexistent/swarmd")
    editor.ex("let g:error = {}")
    editor.ex("call swarm#state#refresh({error -> extend(g:error, error)})")
    editor.wait_message("g:swarm_server names /nonexistent/swarmd")
    assert editor.eval("g:error.ended")


def test_a_killed_server_fails_what_waits_and_is_started_again(edit):
    editor = edit()
    editor.ex("call swarm#state#refresh()")
    editor.wait_for("swarm#state#loaded()", "no list")
    editor.ex("let g:answer = []")
    pid = editor.server_pid()
    os.kill(pid, signal.SIGSTOP)
    editor.ex("call swarm#rpc#request('swarm/stats', {}, {error, result -> add(g:answer, error)})")
    os.kill(pid, signal.SIGKILL)
    editor.wait_message("the server was ended by signal 9")
    assert editor.wait_for("get(g:answer, 0, {})", "no error")["ended"]
    assert not editor.eval("swarm#state#loaded()")
    editor.ex("call swarm#state#refresh()")
    editor.wait_for("swarm#state#loaded()", "not started again")
    assert editor.quit() == 0


def test_a_server_that_ends_at_once_shows_its_last_words(edit, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho first >&2\necho 'no such library' >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    editor = edit(server=broken)
    editor.ex("call swarm#state#refresh()")
    editor.wait_message("ended with exit code 3: no such library")


def test_a_server_that_is_too_old_is_named(edit, tmp_path):
    old = tmp_path / "old"
    old.write_text("""#!/usr/bin/env python3
import json, sys
while line := sys.stdin.buffer.readline():
    size = int(line.split(b":")[1])
    while sys.stdin.buffer.readline() != b"\\r\\n":
        pass
    message = json.loads(sys.stdin.buffer.read(size))
    if "id" not in message:
        sys.exit(0)
    swarm = {"version": 1, "methods": ["swarm/spawn", "swarm/list"], "events": []}
    result = {"serverInfo": {"name": "swarmd", "version": "0.0.1"}, "capabilities": {"experimental": {"swarm": swarm}}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    sys.stdout.buffer.flush()
""", encoding="utf-8")
    old.chmod(0o755)
    editor = edit(server=old)
    editor.ex("let g:error = {}")
    editor.ex("call swarm#state#refresh({error -> extend(g:error, error)})")
    error = editor.wait_for("g:error", "no error")
    assert error["message"].startswith("swarmd 0.0.1 is too old for this plugin: install a newer one")
    assert "lacks swarm/transcript" in error["message"]
    editor.wait_message("too old")


def test_the_server_of_the_tree_is_found_through_a_link(tmp_path):
    for kind, program in PROGRAMS.items():
        if not program:
            continue
        root = tmp_path / kind
        shutil.copytree(SOURCE / "clients/vim", root / "tree/clients/vim")
        (root / "package").symlink_to(root / "tree/clients/vim")
        editor = Editor(kind, tmp_path, tmp_path, plugin=root / "package", environment={"PATH": str(tmp_path)})
        try:
            problem = editor.call("swarm#config#server")["problem"]
            assert "set g:swarm_server" in problem and str(root / "tree") in problem.replace("~", str(tmp_path))
            built = root / "tree/build/release/bin/swarmd"
            built.parent.mkdir(parents=True)
            built.write_text("#!/bin/sh\n", encoding="utf-8")
            built.chmod(0o755)
            assert editor.call("swarm#config#server") == {"command": [str(built)]}
        finally:
            editor.end()


def test_the_program_that_is_tested_is_there():
    assert os.access(binary(), os.X_OK)
