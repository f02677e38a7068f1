# SPDX-License-Identifier: MIT
"""The parts of the Neovim client that need no server: text, times, the model of a transcript."""

import pathlib
import shutil
import subprocess

import pytest

from neovim import NVIM, SOURCE, Neovim

pytestmark = pytest.mark.skipif(not NVIM, reason="nvim is not installed")


@pytest.fixture(name="editor", scope="module")
def fixture_editor(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    editor = Neovim(home, home)
    yield editor
    editor.end()


def test_commands_are_there_and_nothing_else_is_loaded(editor):
    assert editor.lua("return vim.fn.exists(':Swarm') + vim.fn.exists(':SwarmNew')") == 4
    loaded = editor.lua(
        "return vim.tbl_filter(function(n) return vim.startswith(n, 'swarm.') end, vim.tbl_keys(package.loaded))"
    )
    assert not loaded


def test_times_are_utc_and_know_leap_days(editor):
    seconds = "return require('swarm.util').seconds(a)"
    assert editor.lua(seconds, "1970-01-01T00:00:00.000Z") == 0
    assert editor.lua(seconds, "2024-02-29T12:00:00.500Z") == 1709208000.5
    assert editor.lua(seconds, "2024-03-01T00:00:00Z") == 1709251200
    assert editor.lua(seconds, "soon") is None


def test_durations_and_counts_are_short(editor):
    duration = "return require('swarm.util').duration(a)"
    assert [editor.lua(duration, n) for n in (0, 59.9, 60, 3599, 3600, 86400 * 3)] == [
        "0s", "59s", "1m", "59m", "1h", "3d",
    ]
    count = "return require('swarm.util').count(a)"
    assert [editor.lua(count, n) for n in (0, 999, 1000, 12345, 999949, 999950)] == [
        "0", "999", "1.0k", "12.3k", "999.9k", "1.0M",
    ]


def test_text_is_fitted_to_columns_not_bytes(editor):
    fit = "return require('swarm.util').fit(a[1], a[2])"
    assert editor.lua(fit, ["über", 6]) == "über  "
    assert editor.lua(fit, ["überlang", 5]) == "über…"
    # A wide character that would stick out by half is dropped.
    assert editor.lua(fit, ["漢字漢字", 4]) == "漢… "
    assert editor.lua(fit, ["x", 0]) == ""


def test_output_is_shown_as_a_terminal_would(editor):
    terminal = "return require('swarm.util').terminal_text(a)"
    assert editor.lua(terminal, "\x1b[31mred\x1b[0m\r\nplain") == "red\nplain"
    assert editor.lua(terminal, "10%\r50%\r100%\ndone") == "100%\ndone"


def test_long_lines_are_broken_where_words_end(editor):
    lines = "return require('swarm.util').lines(a)"
    text = "word " * 200 + "\nshort\n" + "ü" * 500
    broken = editor.lua(lines, text)
    assert max(len(line.encode()) for line in broken) <= 400
    assert broken[0].endswith("word ") and "short" in broken
    assert "".join(broken) == text.replace("\n", "")
    # However it arrives, it is broken in the same places.
    assert editor.lua("""
        local view, blocks = require('swarm.view'), require('swarm.blocks')
        local buffer = view.buffer('swarm://test', '', function() end)
        local made = blocks.new(buffer)
        made:set('one', 1, { lines = { 'w' }, marks = {}, open = 'Normal' }, 'assistant')
        made:set('foot', 2, { lines = { 'foot' }, marks = {} }, 'foot')
        for at = 2, #a, 7 do made:append('one', a:sub(at, at + 6)) end
        return vim.api.nvim_buf_get_lines(buffer, 0, -2, true)
    """, text.replace("ü", "u")) == editor.lua(lines, text.replace("ü", "u"))


def test_null_becomes_nil_all_the_way_down(editor):
    assert editor.lua("return require('swarm.util').without_null(a)", {"a": None, "b": {"c": None, "d": 1}}) == {
        "b": {"d": 1}
    }


def test_the_server_of_the_tree_is_found_through_a_link(tmp_path):
    shutil.copytree(SOURCE / "clients/vim", tmp_path / "tree/clients/vim")
    (tmp_path / "package").symlink_to(tmp_path / "tree/clients/vim")
    editor = Neovim(tmp_path, tmp_path, plugin=tmp_path / "package", environment={"PATH": str(tmp_path)})
    try:
        assert editor.lua("return require('swarm.config').server()") is None
        problem = editor.lua("return select(2, require('swarm.config').server())")
        assert "set g:swarm_server" in problem and str(tmp_path / "tree") in problem.replace("~", str(tmp_path))
        built = tmp_path / "tree/build/release/bin/swarmd"
        built.parent.mkdir(parents=True)
        built.write_text("#!/bin/sh\n", encoding="utf-8")
        built.chmod(0o755)
        assert editor.lua("return require('swarm.config').server()") == [str(built)]
    finally:
        editor.end()


def take(editor, *events):
    """The text of item i1 after these events."""
    return editor.lua(
        """
        local stream = require('swarm.stream').new()
        for _, event in ipairs(a) do stream:take(event) end
        return (stream.items.i1 or {}).text
        """,
        list(events),
    )


def started(text=""):
    item = {"id": "i1", "seq": 1, "kind": "assistant", "status": "started", "text": text}
    return {"type": "item", "item": item}


def delta(offset, text):
    return {"type": "delta", "itemId": "i1", "kind": "assistant", "offset": offset, "text": text}


def completed(text):
    item = {"id": "i1", "seq": 1, "kind": "assistant", "status": "completed", "text": text}
    return {"type": "item", "item": item}


def test_deltas_grow_a_text_by_bytes(editor):
    assert take(editor, started(), delta(0, "ü"), delta(2, "ber")) == "über"


def test_a_delta_that_comes_twice_changes_nothing(editor):
    assert take(editor, started(), delta(0, "one "), delta(4, "two"), delta(4, "two"), delta(0, "one ")) == "one two"


def test_the_text_so_far_after_a_subscription_adds_what_is_new_in_it(editor):
    assert take(editor, started(), delta(0, "one "), delta(0, "one two")) == "one two"


def test_a_delta_behind_a_gap_waits_for_the_whole(editor):
    assert take(editor, started(), delta(0, "one "), delta(8, "three")) == "one "
    assert take(editor, started(), delta(8, "three"), delta(0, "one two three")) == "one two three"


def test_a_text_that_begins_anew_replaces_what_was(editor):
    assert take(editor, started(), delta(0, "wrong start"), delta(0, "right")) == "right"


def test_completed_is_the_truth_and_stays_it(editor):
    assert take(editor, started(), delta(0, "draft"), completed("final")) == "final"
    assert take(editor, completed("final"), delta(5, " more"), started()) == "final"


def test_started_again_keeps_what_has_streamed(editor):
    assert take(editor, started(), delta(0, "text"), started()) == "text"


def asked(status, time=None):
    item = {"id": "i2", "seq": 2, "time": at(1), "kind": "approval", "status": status,
            "approval": {"itemId": "i1", "title": "write a"}}
    return {"type": "item", "item": item, **({"time": time} if time else {})}


def called(status, time=None):
    item = {"id": "i1", "seq": 1, "time": at(0), "kind": "tool", "status": status, "title": "write a", "output": ""}
    return {"type": "item", "item": item, **({"time": time} if time else {})}


def at(second):
    return f"2026-01-01T00:00:{second:02}.000Z"


@pytest.mark.parametrize("events, title", [
    ([called("started"), called("completed", at(50))], "✓ write a 50s"),
    # The wait for a person's answer is not the call's.
    ([called("started"), asked("started"), asked("completed", at(40)), called("completed", at(50))], "✓ write a 10s"),
    ([called("started"), asked("started"), asked("completed", at(40)), called("completed", at(41))], "✓ write a"),
    ([called("started"), asked("started"), asked("failed", at(40)), called("failed", at(40))], "✗ write a"),
    # From a page nobody knows when the answer came.
    ([called("started"), asked("completed"), called("completed", at(50))], "✓ write a"),
])
def test_the_time_of_a_call_begins_with_the_answer(editor, events, title):
    assert editor.lua("""
        local stream = require('swarm.stream').new()
        for _, event in ipairs(a) do stream:take(event) end
        return require('swarm.items').render(stream.items.i1, 'tool').lines
    """, events) == [title]


def test_a_selection_is_given_in_utf16_with_its_unsaved_text(editor, tmp_path):
    path = tmp_path / "a b.txt"
    path.write_text("saved\n", encoding="utf-8")
    editor.ex("edit " + str(path).replace(" ", "\\ "))
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, {'unsaved', 'x', '😀ü'})")
    context = editor.lua("return require('swarm.context').lines(0, 2, 3)")
    assert context == {
        "uri": "file://" + str(path).replace(" ", "%20"),
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 3}},
        "text": "x\n😀ü\n",
    }
    inner = editor.lua("return require('swarm.context').lines(0, 1, 2)")
    assert inner["range"]["end"] == {"line": 2, "character": 0}
    assert editor.lua("return require('swarm.context').describe(a)", inner).startswith("lines 1 to 2 of ")
    editor.ex("bwipeout!")


def test_items_of_unknown_kinds_show_nothing(editor):
    assert editor.lua("return #require('swarm.items').render(a).lines", {"id": "i1", "kind": "hologram"}) == 0


def test_a_question_that_was_closed_asks_no_more(editor):
    render = "return require('swarm.items').render(a).lines"
    item = {"kind": "approval", "approval": {"title": "bash: make", "input": {"command": "make"}}}
    assert any("a allow" in line for line in editor.lua(render, {**item, "status": "started"}))
    closed = editor.lua(render, {**item, "status": "failed"})
    assert "✗ bash: make: not answered" in closed
    assert not any("a allow" in line for line in closed)


def test_the_dashboard_tells_what_was_cancelled_from_what_is_done(editor):
    render = "return require('swarm.dashboard_lines').render({ x = a }, 100, 0).lines"
    agent = {"id": "x", "state": "done", "task": "build it", "stopReason": "endTurn"}
    assert any("✓ x" in line and "  build it" in line for line in editor.lua(render, agent))
    cancelled = editor.lua(render, {**agent, "stopReason": "cancelled"})
    assert any("- x" in line and "cancelled: build it" in line for line in cancelled)


def test_help_names_every_key_and_has_good_tags(editor):
    text = (SOURCE / "clients/vim/doc/swarm.txt").read_text(encoding="utf-8")
    folder = pathlib.Path(editor.runtime) / "doc"
    shutil.copytree(SOURCE / "clients/vim/doc", folder)
    editor.ex("helptags " + str(folder))
    tags = (folder / "tags").read_text(encoding="utf-8")
    for tag in (":Swarm", ":SwarmNew", "g:swarm", "g:swarm_server", "SwarmAgentChanged"):
        assert f"\n{tag}\t" in "\n" + tags
    for name in ("open", "output_lines", "page", "prompt_height", "notify", "model", "mode", "isolation", "base"):
        assert f"    {name} " in text


@pytest.mark.skipif(not shutil.which("luacheck"), reason="luacheck is not installed")
def test_luacheck_is_silent():
    done = subprocess.run(
        ["luacheck", "--no-color", "-q", "."], cwd=SOURCE / "clients/vim", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
