# SPDX-License-Identifier: MIT
"""The Neovim client in a real headless Neovim, with the real server, its scripted demo model, and
a scripted model server."""

import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile

import pytest

from client import binary, write_config
from model_server import Gate, ModelServer, call, gate, text
from neovim import NVIM, Neovim

pytestmark = pytest.mark.skipif(not NVIM, reason="nvim is not installed")


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@pytest.fixture(name="edit")
def fixture_edit(tmp_path, repository, recorded):
    """edit(...) starts an editor; all of them share a state folder, and are ended."""
    home = tmp_path / "home"
    home.mkdir()
    state = tempfile.mkdtemp(prefix="sw")
    editors = []

    def start(options=None, server=None, folder=repository, config="model: demo/tour\n"):
        environment = {"SWARMD_STATE_DIR": state, "SWARMD_CONFIG": str(write_config(tmp_path, config)),
                       "SWARMD_DEMO_DELAY_MS": "1"}
        editor = Neovim(home, folder, server or recorded, options, environment)
        editors.append(editor)
        return editor

    yield start
    for editor in editors:
        editor.end()
    shutil.rmtree(state, ignore_errors=True)


def worktree_of(agent):
    return pathlib.Path(agent["worktree"].removeprefix("file://"))


def transcript(agent):
    return "swarm://agent/" + agent["id"]


def run_to_end(editor, task="add a CONTRIBUTING file"):
    editor.ex("SwarmNew " + task)
    editor.wait_state("done")
    agent = editor.agent()
    editor.wait_text(transcript(agent), "✓ done")
    return agent


def test_the_story(edit, repository):
    head, branch = git(repository, "rev-parse", "HEAD"), git(repository, "branch", "--show-current")
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)

    text = editor.text(transcript(agent))
    assert text.startswith("add-a-contributing-file-")
    assert "demo/tour (a script, no model)" in text
    assert "> add a CONTRIBUTING file" in text
    assert re.search(r"^✓ .*README\.md", text, re.M), text
    assert re.search(r"^✓ .*git status", text, re.M), text
    assert editor.lua("return vim.api.nvim_buf_get_name(0)") == transcript(agent)

    worktree = worktree_of(agent)
    assert (worktree / "CONTRIBUTING.md").read_text(encoding="utf-8").startswith("# Contributing")
    assert git(worktree, "branch", "--show-current") == agent["branch"] == "swarm/" + agent["id"]
    assert not (repository / "CONTRIBUTING.md").exists()
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-parse", "HEAD") == head
    assert git(repository, "branch", "--show-current") == branch
    assert editor.quit() == 0


def test_leaving_ends_the_server_in_good_order(edit, tmp_path):
    end = tmp_path / "end"
    os.mkfifo(end)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f"#!/bin/sh\n{binary()} \"$@\"\necho code $? >{end}\n", encoding="utf-8")
    wrapper.chmod(0o755)
    editor = edit({"mode": "full"}, server=wrapper)
    run_to_end(editor)
    reader = os.open(end, os.O_RDONLY | os.O_NONBLOCK)
    assert editor.quit() == 0
    assert select.select([reader], [], [], 60)[0], "the server outlives the editor"
    assert os.read(reader, 100) == b"code 0\n"
    os.close(reader)


def test_an_approval_is_answered_from_the_dashboard(edit):
    editor = edit()
    editor.ex("Swarm")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.wait_text(transcript(agent), "a allow   A reject")
    editor.wait_text("swarm://dashboard", "Needs you")
    editor.ex("Swarm")
    assert editor.lua("return require('swarm.dashboard').agent_here()") == agent["id"]
    assert not (worktree_of(agent) / "CONTRIBUTING.md").exists()

    editor.answer("Allow once")
    editor.type("a")
    editor.wait_text(transcript(agent), ": allowed")
    editor.wait_text("swarm://dashboard", "git status")
    assert (worktree_of(agent) / "CONTRIBUTING.md").exists()

    editor.wait_state("waiting")
    editor.answer("not now")
    editor.type("A")
    editor.wait_state("done", "failed")
    editor.wait_text(transcript(agent), ": rejected")


def test_a_done_agent_is_sent_more_from_the_prompt(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    editor.type("i")
    editor.wait_for("return vim.bo.filetype == 'swarmprompt'", "i does not go to the prompt")
    editor.type("now say it again<CR>")
    editor.wait_text(transcript(agent), "> now say it again")
    editor.wait_for("return require('swarm.state').matching('')[1].usage.turns == 2", "no second turn")
    editor.wait_state("done")
    assert editor.text(transcript(agent) + "/prompt") == ""


def test_a_prompt_is_sent_by_write_and_never_in_the_way_of_leaving(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    editor.type("i")
    editor.wait_for("return vim.bo.filetype == 'swarmprompt'", "i does not go to the prompt")
    editor.type("more<Esc>:w<CR>")
    editor.wait_text(transcript(agent), "> more")
    assert editor.text(transcript(agent) + "/prompt") == ""
    editor.type("ibegun")
    editor.wait_text(transcript(agent) + "/prompt", "begun")
    editor.type("<Esc>:qa<CR>")
    assert editor.process.wait(timeout=60) == 0


def test_a_buffer_that_was_deleted_comes_back_whole(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    editor.ex("Swarm")
    for command in ("bdelete", "bwipeout"):
        for name in (transcript(agent), "swarm://dashboard"):
            editor.lua("vim.cmd(a[1] .. ' ' .. require('swarm.view').find(a[2]))", [command, name])
            assert editor.lines(name) == []
        editor.ex("Swarm")
        editor.wait_text("swarm://dashboard", agent["id"])
        editor.wait_for("return require('swarm.dashboard').agent_here() ~= nil", "the cursor is on no agent")
        editor.type("<CR>")
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.lua("return vim.fn.maparg('i', 'n') ~= ''")
        editor.ex("Swarm")


CURSOR = """
    local window = vim.fn.win_findbuf(require('swarm.view').find(a))[1]
    return { vim.api.nvim_win_get_cursor(window)[1], vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(window)) }
"""


def begin_streaming(edit, answer):
    """An editor in which an agent has begun to stream an answer that stops at a gate."""
    stop = Gate()
    server = ModelServer([[text("The beginning.\n"), gate(stop), *answer]])
    editor = edit({"mode": "full"}, config=server.config())
    editor.ex("SwarmNew tell me")
    stop.wait_reached()
    agent = editor.wait_state("working")
    editor.wait_text(transcript(agent), "The beginning.")
    return editor, agent, server, stop


def test_text_shows_as_it_streams_and_typing_is_not_touched(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("Line\n" * 100), text("The end.")])
    with server:
        assert "The end." not in editor.text(transcript(agent))
        editor.type("i")
        editor.wait_for("return vim.bo.filetype == 'swarmprompt'", "i does not go to the prompt")
        editor.type("first line<C-j>second")
        editor.wait_text(transcript(agent) + "/prompt", "first line\nsecond")
        stop.open()
        editor.wait_text(transcript(agent), "The end.")
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.text(transcript(agent) + "/prompt") == "first line\nsecond"
        assert editor.lua("return vim.api.nvim_get_mode().mode") == "i"
        assert editor.lua("return vim.api.nvim_win_get_cursor(0)") == [2, len("second")]
        # The window above, where nobody is, has followed the end.
        line, last = editor.lua(CURSOR, transcript(agent))
        assert line == last > 100


def test_a_reader_who_has_moved_stays_there(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("Line\n" * 100), text("The end.")])
    with server:
        editor.type("gg")
        editor.wait_for("return vim.api.nvim_win_get_cursor(0)[1] == 1", "gg does not move")
        stop.open()
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.lua(CURSOR, transcript(agent))[0] == 1
        assert editor.lua("return vim.fn.line('w0')") == 1
        # Not even when all is read anew.
        editor.type("7gg")
        editor.wait_for("return vim.api.nvim_win_get_cursor(0)[1] == 7", "7gg does not move")
        editor.lua("loads = 0 local blocks = require('swarm.blocks') local clear = blocks.clear"
                   " blocks.clear = function(...) loads = loads + 1 return clear(...) end")
        editor.type("R")
        editor.wait_for("return loads == 1", "R reads nothing")
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.lua(CURSOR, transcript(agent))[0] == 7


def test_a_message_to_a_working_agent_is_queued_and_shown(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("The end.")])
    with server:
        editor.ex("Swarm send " + agent["id"] + " and another thing")
        editor.wait_message("queued for")
        editor.wait_text(transcript(agent), "> (queued) and another thing")
        stop.open()
        editor.wait_text(transcript(agent), "> and another thing")
        assert "(queued)" not in editor.text(transcript(agent))


def test_long_output_is_folded_below_its_first_lines(edit):
    command = "for i in $(seq 1 40); do echo line $i; done; exit 3"
    with ModelServer([[call("bash", command=command)], [text("It failed.")]]) as server:
        editor = edit({"mode": "full"}, config=server.config())
        editor.ex("SwarmNew count")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "It failed.")
        assert "(exit code 3)" in editor.text(transcript(agent))
        visible = editor.lua("""
            local visible, line = {}, 1
            while line <= vim.fn.line('$') do
              local last = vim.fn.foldclosedend(line)
              table.insert(visible, last > 0 and vim.fn.foldtextresult(line) or vim.fn.getline(line))
              line = math.max(line, last) + 1
            end
            return visible
        """)
        first = visible.index("  line 1")
        assert visible[first + 4] == "  line 5"
        assert re.fullmatch(r"  … 3\d more lines \(za shows them\)", visible[first + 5])
        # In a second window of the same transcript it is folded as well.
        editor.ex("tab split")
        assert editor.lua("vim.fn.search('line 20') return vim.fn.foldclosed('.') > 0 or vim.fn.foldlevel('.') > 0")


def test_older_items_are_read_when_the_reader_comes_to_the_first_line(edit):
    answers = [[text(f"Part {number}."), call("read", path="README.md")] for number in range(6)]
    with ModelServer([*answers, [text("The end.")]]) as server:
        first = edit({"mode": "full"}, config=server.config())
        first.ex("SwarmNew tell me")
        agent = first.wait_state("done")
        assert first.quit() == 0
        editor = edit({"page": 3}, config=server.config())
        editor.ex("Swarm open " + agent["id"])
        editor.wait_text(transcript(agent), "The end.")
        newest = editor.text(transcript(agent))
        assert "Part 5." in newest and "Part 4." not in newest
        while "> tell me" not in editor.text(transcript(agent)):
            lines = len(editor.lines(transcript(agent)))
            editor.type("Ggg")
            editor.wait_for("return vim.api.nvim_buf_line_count(0) > a", "no older items", lines)
        whole = editor.text(transcript(agent))
        places = [whole.index(part) for part in ["> tell me", *(f"Part {n}." for n in range(6)), "The end."]]
        assert places == sorted(places)
        assert whole.count("✓ read README.md") == 6


def test_an_editor_that_stood_still_catches_up(edit, repository):
    (repository / "long.txt").write_text(("x" * 99 + "\n") * 450, encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "long")
    reads = [call("read", path="long.txt") for _ in range(60)]
    stop = Gate()
    with ModelServer([[gate(stop), *reads], *[reads] * 6, [text("The end.")]]) as server:
        roomy = "{scripted: {context: 20000000}}"  # without summaries in between
        editor = edit({"mode": "full"}, config=server.config(models=roomy))
        editor.ex("SwarmNew read a lot")
        stop.wait_reached()
        agent = editor.wait_state("working")
        editor.lua("""
            lags = 0
            require('swarm.event').on('events', function(events)
              for _, one in ipairs(events) do lags = lags + (one.type == 'lagged' and 1 or 0) end
            end)
        """)
        editor.process.send_signal(signal.SIGSTOP)
        stop.open()
        server.wait_requests(8)
        editor.process.send_signal(signal.SIGCONT)
        editor.wait_text(transcript(agent), "✓ done")
        editor.wait_text(transcript(agent), "The end.")
        assert editor.lua("return lags") > 0, "the server had room for everything: the test is too small"
        editor.wait_for("return not table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true)):find('●')",
                        "some calls are shown as if they ran")


def shown(editor, filetype):
    """What the windows of all tab pages show of that file type."""
    return editor.lua("""
        local names = {}
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          local buffer = vim.api.nvim_win_get_buf(window)
          if vim.bo[buffer].filetype == a then table.insert(names, vim.api.nvim_buf_get_name(buffer)) end
        end
        return names
    """, filetype)


def test_transcripts_take_turns_in_one_window_unless_asked_for(edit):
    editor = edit({"mode": "full", "open": "vsplit"})
    first = run_to_end(editor, "first")
    editor.ex("SwarmNew second")
    editor.wait_state("done", index=1)
    second = editor.agent(1)
    assert shown(editor, "swarmtranscript") == [transcript(second)]
    # The prompt below goes along.
    assert shown(editor, "swarmprompt") == [transcript(second) + "/prompt"]
    editor.ex("tab Swarm open " + first["id"])
    assert shown(editor, "swarmtranscript") == [transcript(second), transcript(first)]
    editor.ex("tabclose")
    editor.ex("close")
    editor.wait_for("return #vim.api.nvim_list_wins() == 1", "a prompt stays without its transcript")


def test_a_selection_goes_with_the_task(edit, repository):
    editor = edit({"mode": "full"})
    editor.ex("edit README.md")
    editor.lua("vim.api.nvim_buf_set_lines(0, -1, -1, true, {'An unsaved line.'})")
    editor.ex("2SwarmNew explain this")
    agent = editor.wait_state("done")
    editor.wait_text(transcript(agent), "An unsaved line.")
    assert "An unsaved" not in (repository / "README.md").read_text(encoding="utf-8")


def test_a_task_is_written_in_a_buffer(edit):
    editor = edit({"mode": "full"})
    editor.ex("SwarmNew")
    editor.wait_for("return vim.api.nvim_buf_get_name(0) == 'swarm://new'", "no buffer")
    editor.type("add notes<CR>in two lines")
    editor.wait_text("swarm://new", "in two lines")
    editor.type("<C-s>")
    agent = editor.wait_state("done")
    assert agent["task"] == "add notes\nin two lines"
    assert editor.lines("swarm://new") == []


def test_a_spawn_that_fails_says_why_and_keeps_the_task(edit, tmp_path):
    elsewhere = tmp_path / "plain"
    elsewhere.mkdir()
    editor = edit(folder=elsewhere)
    editor.ex("SwarmNew")
    editor.type("do it<Esc>:w<CR>")
    editor.wait_message("no agent was started")
    assert "plain" in editor.messages()
    assert editor.lines("swarm://new")[1:] == ["do it"]
    assert editor.lua("return vim.bo[require('swarm.view').find('swarm://new')].modified")
    assert editor.agents() == []


def test_a_missing_server_says_what_to_do(edit):
    editor = edit(server="/nonexistent/swarmd")
    editor.ex("SwarmNew x")
    editor.wait_message("g:swarm_server names /nonexistent/swarmd")
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", "/nonexistent/swarmd")
    # It is looked for again by the next command.
    editor.lua("vim.g.swarm_server = a", binary())
    editor.type("R")
    editor.wait_text("swarm://dashboard", "No agents yet")


def test_a_killed_server_is_reported_and_started_again(edit):
    editor, agent, server, _ = begin_streaming(edit, [text("never")])
    with server:
        os.kill(editor.server_pid(), signal.SIGKILL)
        editor.wait_message("the server was ended by signal 9")
        editor.wait_text(transcript(agent), "the server was ended by signal 9")
        assert "The beginning." in editor.text(transcript(agent))

        editor.ex("Swarm")
        editor.wait_text("swarm://dashboard", "Detached")
        assert editor.agent()["id"] == agent["id"]
        editor.wait_text(transcript(agent), "r resumes it")
        assert "ended by signal" not in editor.text(transcript(agent))
        assert "> tell me" in editor.text(transcript(agent))
        assert editor.quit() == 0


def test_a_server_that_ends_at_once_shows_its_last_words(edit, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho first >&2\necho 'no such library' >&2\nexit 3\n", encoding="utf-8")
    broken.chmod(0o755)
    editor = edit(server=broken)
    editor.ex("Swarm")
    editor.wait_message("ended with exit code 3: no such library")
    editor.wait_text("swarm://dashboard", "ended with exit code 3: no such library")


WATCH = """
    changes = {}
    vim.api.nvim_buf_attach(0, false, { on_lines = function(_, _, _, first, last, new_last)
      table.insert(changes, { first, last, new_last })
    end })
"""


def test_the_dashboard_redraws_only_what_differs(edit):
    editor = edit()
    for number in range(3):
        editor.ex(f"SwarmNew add file number {number}")
        editor.wait_for("return #require('swarm.state').matching('') == a", "no agent", number + 1)
    for number in range(3):
        editor.wait_state("waiting", index=number)
    editor.ex("Swarm")
    editor.wait_for("return #vim.tbl_filter(function(l) return l:match('^ %? ') end,"
                    " vim.api.nvim_buf_get_lines(0, 0, -1, true)) == 3", "not three lines")
    # Ages stand still, so that nothing but what the test does can change a line.
    editor.lua("local now = os.time() os.time = function() return now end")
    editor.lua("draws = 0 local lines = require('swarm.dashboard_lines') local render = lines.render"
               " lines.render = function(...) draws = draws + 1 return render(...) end")
    editor.type("R")
    editor.wait_for("return draws > 0", "no redraw")
    editor.lua(WATCH)
    for _ in range(3):
        drawn = editor.lua("return draws")
        editor.type("R")
        editor.wait_for("return draws > a", "no redraw", drawn)
    assert editor.lua("return changes") == []

    # The first and the last of three lines change at once; the one between is left alone.
    editor.lua("""
        local state = require('swarm.state')
        for index, agent in ipairs(state.matching('')) do
          local copy = vim.deepcopy(agent)
          copy.activity = index ~= 2 and 'something else' or agent.activity
          state.put(copy)
        end
    """)
    editor.wait_text("swarm://dashboard", "something else")
    first, last = [row for row, line in enumerate(editor.lines("")) if "something else" in line]
    assert last == first + 2
    assert editor.lua("return changes") == [[first, first + 1, first + 1], [last, last + 1, last + 1]]


def test_a_flood_is_drawn_at_most_twenty_times_a_second(edit):
    editor = edit()
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", "No agents yet")
    draws = editor.lua("""
        local lines, state = require('swarm.dashboard_lines'), require('swarm.state')
        local render, draws = lines.render, 0
        lines.render = function(...) draws = draws + 1 return render(...) end
        local start = vim.loop.hrtime()
        local elapsed
        repeat
          state.put({ id = 'x-1', state = 'working', activity = tostring(vim.loop.hrtime()), usage = {} })
          vim.wait(1)
          elapsed = (vim.loop.hrtime() - start) / 1e9
        until elapsed > 1
        return { draws, elapsed }
    """)
    assert 2 <= draws[0] <= draws[1] * 20 + 1


def test_the_cursor_stays_on_its_agent(edit):
    editor = edit()
    editor.ex("Swarm")
    put = "require('swarm.state').put({ id = a[1], state = a[2], createdAt = a[3], usage = {} })"
    for number, name in enumerate(("one", "two", "three")):
        editor.lua(put, [name, "working", f"2026-01-01T00:00:0{number}.000Z"])
    editor.wait_text("swarm://dashboard", "one")
    editor.wait_text("swarm://dashboard", "three")
    editor.lua("vim.fn.search('two')")
    editor.lua(put, ["two", "done", "2026-01-01T00:00:01.000Z"])
    editor.wait_text("swarm://dashboard", "Done")
    assert editor.lua("return require('swarm.dashboard').agent_here()") == "two"
    editor.lua("require('swarm.state').agents.three = nil")
    editor.lua(put, ["zero", "waiting", "2026-01-01T00:00:09.000Z"])
    editor.wait_text("swarm://dashboard", "Needs you")
    assert editor.lua("return require('swarm.dashboard').agent_here()") == "two"


def test_kill_and_remove_ask_first(edit):
    editor = edit()
    editor.ex("Swarm")
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.ex("Swarm")
    editor.answer("No")
    editor.type("K")
    editor.wait_for("return #answers == 0", "not asked")
    assert editor.agent()["state"] == "waiting"
    editor.answer("Kill it")
    editor.type("K")
    editor.wait_state("killed")
    editor.type("K")
    editor.wait_message("has ended: there is nothing to kill")

    (worktree_of(agent) / "work.txt").write_text("not merged\n", encoding="utf-8")
    editor.answer("Remove it", "No")
    editor.type("X")
    editor.wait_for("return #answers == 0", "not asked twice")
    assert (worktree_of(agent) / "work.txt").exists()
    editor.answer("Remove it", "Remove it and its work")
    editor.type("X")
    editor.wait_text("swarm://dashboard", "No agents yet")
    assert not worktree_of(agent).exists()


@pytest.mark.parametrize("kind, asks", [("dirty", True), ("wrongState", True), ("storage", False), ("worktree", False)])
def test_only_what_a_person_can_overrule_is_asked_again(edit, kind, asks):
    editor = edit()
    editor.lua("""
        forced = {}
        require('swarm.connection').request = function(_, params, done)
          table.insert(forced, params.force or false)
          done({ code = -32803, message = 'it is so', data = { kind = a } })
        end
    """, kind)
    editor.answer("Remove it", "Remove it and its work")
    editor.lua("require('swarm.actions').remove('x-1')")
    assert editor.lua("return forced") == ([False, True] if asks else [False])
    editor.wait_message("removing x-1: it is so")


def test_a_cancelled_turn_leaves_the_agent(edit):
    editor = edit()
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.ex("Swarm cancel " + agent["id"][:6])
    editor.wait_state("done")
    editor.wait_text(transcript(agent), "cancelled")


def test_state_changes_are_told(edit):
    editor = edit({"mode": "full"})
    editor.lua("seen = {}")
    editor.ex("autocmd User SwarmAgentChanged lua table.insert(seen, vim.g.swarm_changed.state)")
    run_to_end(editor)
    seen = editor.lua("return seen")
    assert seen[-1] == "done" and "working" in seen


def test_checkhealth_names_the_server(edit):
    editor = edit(server=binary())
    editor.ex("checkhealth swarm")
    assert binary() in editor.text()
    assert "ERROR" not in editor.text()


def test_completion_knows_verbs_and_agents(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    assert editor.lua("return vim.fn.getcompletion('Swarm re', 'cmdline')") == ["reject", "remove", "resume"]
    assert editor.lua("return vim.fn.getcompletion('Swarm open ', 'cmdline')") == [agent["id"]]


def test_a_second_editor_session_sees_what_was_done(edit):
    first = edit({"mode": "full"})
    agent = run_to_end(first)
    assert first.quit() == 0
    second = edit()
    second.ex("Swarm")
    second.wait_text("swarm://dashboard", agent["id"])
    second.wait_for("return require('swarm.dashboard').agent_here() ~= nil", "the cursor is on no agent")
    second.type("<CR>")
    second.wait_text(transcript(agent), "> add a CONTRIBUTING file")
    second.wait_text(transcript(agent), "✓ done")
