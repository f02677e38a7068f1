# SPDX-License-Identifier: MIT
"""Transcripts and their prompt in real Vim and Neovim, with the real server and a scripted model."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

from client import binary
from editors import PROGRAMS
from model_server import Gate, ModelServer, call, cut, gate, reasoning, text

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    return vim_editors(request.param)


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def transcript(agent):
    return "swarm://agent/" + agent["id"]


def prompt(agent):
    return transcript(agent) + "/prompt"


def run_to_end(editor, task="add a CONTRIBUTING file"):
    editor.ex("SwarmNew " + task)
    editor.wait_state("done")
    agent = editor.agent()
    editor.wait_text(transcript(agent), "✓ done")
    return agent


def to_prompt(editor, key="i"):
    editor.type(key)
    editor.wait_for("&filetype ==# 'swarmprompt' && mode() ==# 'i'", "the key does not lead to the prompt")


def begin_streaming(edit, answer, options=None):
    """An editor in which an agent has begun to stream an answer that stops at a gate."""
    stop = Gate()
    server = ModelServer([[text("The beginning.\n"), gate(stop), *answer], [text("More.")]])
    editor = edit({"mode": "full", **(options or {})}, config=server.config())
    editor.ex("SwarmNew tell me")
    stop.wait_reached()
    agent = editor.wait_state("working")
    editor.wait_text(transcript(agent), "The beginning.")
    return editor, agent, server, stop


CURSOR = "[line('.', win_findbuf(swarm#buffer#find(g:a))[0]), len(getbufline(swarm#buffer#find(g:a), 1, '$'))]"


def test_the_story(edit, repository):
    head = git(repository, "rev-parse", "HEAD")
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    shown = editor.text(transcript(agent))
    assert shown.startswith("add-a-contributing-file-")
    assert "demo/tour (a script, no model)" in shown
    assert "> add a CONTRIBUTING file" in shown
    assert re.search(r"^✓ .*README\.md", shown, re.M), shown
    assert "  +# Contributing" in shown
    assert editor.eval("bufname()") == transcript(agent)
    worktree = pathlib.Path(agent["worktree"].removeprefix("file://"))
    assert (worktree / "CONTRIBUTING.md").read_text(encoding="utf-8").startswith("# Contributing")
    assert git(repository, "status", "--porcelain") == "" and git(repository, "rev-parse", "HEAD") == head
    assert editor.quit() == 0


def test_text_shows_as_it_streams_and_typing_is_not_touched(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("Line\n" * 100), text("The end.")])
    with server:
        assert "The end." not in editor.text(transcript(agent))
        to_prompt(editor)
        editor.type("first line<C-j>second")
        editor.wait_text(prompt(agent), "first line\nsecond")
        stop.open()
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.text(prompt(agent)) == "first line\nsecond"
        assert editor.eval("mode()") == "i" and editor.eval("[line('.'), col('.')]") == [2, len("second") + 1]
        # The window above, where nobody is, has followed the end.
        line, last = editor.eval(CURSOR, transcript(agent))
        assert line == last > 100
        top = editor.eval("getwininfo(win_findbuf(swarm#buffer#find(g:a))[0])[0]", transcript(agent))
        assert top["botline"] == last


def test_a_reader_who_has_moved_stays_there(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("Line\n" * 100), text("The end.")])
    with server:
        editor.type("gg")
        editor.wait_for("line('.') == 1", "gg does not move")
        stop.open()
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.eval("[line('.'), line('w0')]") == [1, 1]
        # Not even when all is read anew.
        editor.type("9gg")
        editor.wait_for("line('.') == 9", "9gg does not move")
        editor.ex("let g:before = swarm#transcript#get(g:a).stream", agent["id"])
        editor.type("R")
        editor.wait_for("swarm#transcript#get(g:a).stream isnot g:before", "R reads nothing", agent["id"])
        editor.wait_text(transcript(agent), "✓ done")
        assert editor.eval("line('.')") == 9
        # G follows again.
        editor.type("G")
        to_prompt(editor)
        editor.type("go on<CR>")
        editor.wait_text(transcript(agent), "More.")
        editor.wait_state("done")
        editor.wait_for(f"{CURSOR}[0] == {CURSOR}[1]", "it does not follow", transcript(agent))


def test_a_spinner_turns_only_while_something_runs(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("The end.")])
    with server:
        name = transcript(agent)
        assert re.match("[⠁-⣿] ", editor.lines(name)[-1])
        first = editor.lines(name)[-1]
        editor.wait_for("getbufline(swarm#buffer#find(g:a[0]), '$')[0] !=# g:a[1]", "it does not turn", [name, first])
        stop.open()
        editor.wait_text(name, "✓ done")
        editor.wait_for("swarm#transcript#get(g:a).timer == -1", "a timer is left", agent["id"])


def test_a_message_that_waits_is_shown_edited_and_dropped(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("The end.")])
    with server:
        name = transcript(agent)
        to_prompt(editor)
        editor.type("and another thing<CR>")
        editor.wait_message("queued for")
        editor.wait_text(name, "> (queued) and another thing")
        editor.type("drop this<CR><Esc>")
        editor.wait_text(name, "> (queued) drop this")
        editor.type("<C-w>k")
        editor.wait_for("bufname() ==# g:a", "not in the transcript", name)
        editor.ex("call search('queued. drop this')")
        editor.type("x")
        editor.wait_for("len(swarm#transcript#get(g:a).queue) == 1", "not dropped", agent["id"])
        editor.type("e")
        editor.wait_text(prompt(agent), "and another thing")
        editor.type("!<CR>")
        editor.wait_text(name, "> (queued) and another thing!")
        assert editor.text(prompt(agent)) == ""
        stop.open()
        editor.wait_text(name, "\n> and another thing!")
        editor.wait_text(name, "✓ done")
        assert "(queued)" not in editor.text(name) and "drop this" not in editor.text(name)


def test_a_done_agent_is_sent_more_from_the_prompt(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    to_prompt(editor)
    editor.type("now say it again<CR>")
    editor.wait_text(transcript(agent), "> now say it again")
    editor.wait_for("swarm#state#get(g:a).usage.turns == 2", "no second turn", agent["id"])
    assert editor.text(prompt(agent)) == ""
    # What was sent, in this session or before, is there to be sent again.
    editor.type("draft<Up>")
    editor.wait_text(prompt(agent), "now say it again")
    editor.type("<Up>")
    editor.wait_text(prompt(agent), "add a CONTRIBUTING file")
    editor.type("<Down><Down>")
    editor.wait_text(prompt(agent), "draft")


def test_a_prompt_is_sent_by_write_and_never_in_the_way_of_leaving(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    to_prompt(editor)
    editor.type("more<Esc>:w<CR>")
    editor.wait_text(transcript(agent), "> more")
    assert editor.text(prompt(agent)) == ""
    editor.type("ibegun")
    editor.wait_text(prompt(agent), "begun")
    editor.type("<Esc>:qa<CR>")
    assert editor.process.wait(timeout=60) == 0


def test_the_prompt_completes_files_commands_modes_and_models(edit, repository):
    (repository / "src").mkdir()
    (repository / "src/main.c").touch()
    git(repository, "add", ".")
    git(repository, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "src")
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    to_prompt(editor)
    editor.type("see @sr<Tab>")
    editor.wait_text(prompt(agent), "see @src/")
    editor.type("<C-y><Tab>")
    editor.wait_text(prompt(agent), "see @src/main.c")
    editor.type("<C-y><C-u>/mode r<Tab>")
    editor.wait_text(prompt(agent), "/mode read")
    # <CR> takes what the menu shows before it sends.
    editor.type("<C-y><CR>")
    editor.wait_for("swarm#state#get(g:a).mode ==# 'read'", "the mode is not changed", agent["id"])
    editor.wait_text(transcript(agent), "  mode      read")
    editor.type("/model demo/t<Tab>")
    editor.wait_text(prompt(agent), "/model demo/tour")
    editor.type("<C-y><Esc><C-x>")
    editor.wait_for("getline(1) ==# ''", "the prompt is not cleared")


def test_compact_is_asked_for_from_the_prompt(edit):
    with ModelServer([[text("One.")], [text("A summary.")]]) as server:
        editor = edit({"mode": "full"}, config=server.config())
        editor.ex("SwarmNew tell me")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "✓ done")
        to_prompt(editor)
        editor.type("/compact keep the names<CR>")
        editor.wait_text(transcript(agent), "! ")
        assert "> /compact" not in editor.text(transcript(agent))


VISIBLE = """
    function! TestVisible() abort
      let [visible, line] = [[], 1]
      while line <= line('$')
        let last = foldclosedend(line)
        call add(visible, last > 0 ? foldtextresult(line) : getline(line))
        let line = max([line, last]) + 1
      endwhile
      return visible
    endfunction
""".replace("\n    ", "\n")


def test_long_output_is_folded_below_its_first_lines(edit):
    command = "for i in $(seq 1 40); do echo line $i; done; exit 3"
    with ModelServer([[reasoning("I count.\nTo forty."), call("bash", command=command)], [text("It failed.")]]) as server:
        editor = edit({"mode": "full"}, config=server.config())
        editor.ex(VISIBLE)
        editor.ex("SwarmNew count")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "✓ done")
        assert "(exit code 3)" in editor.text(transcript(agent))
        visible = editor.eval("TestVisible()")
        first = visible.index("  line 1")
        assert visible[first + 4] == "  line 5"
        assert re.fullmatch(r"  … 3\d more lines \(za shows them\)", visible[first + 5])
        thought = visible.index("~ thought")
        assert visible[thought + 1] == "  … 2 more lines (za shows them)"
        # <Tab> opens it; and in a second window of the same transcript it is folded as well.
        editor.ex("call search('line 20')")
        editor.type("<Tab>")
        editor.wait_for("foldclosed('.') < 0", "<Tab> opens nothing")
        editor.ex("tab split")
        assert editor.eval("search('line 20', 'c') > 0 && foldlevel('.') > 0")


def test_a_large_output_is_opened_on_demand(edit):
    with ModelServer([[call("bash", command="seq 1 300")], [call("bash", command="seq 1 90000")], [text("So.")]]) as server:
        editor = edit({"mode": "full", "output_lines": 2}, config=server.config(outputs="{summary: off}"))
        editor.ex("SwarmNew count")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "✓ done")
        shown = editor.text(transcript(agent))
        assert "… 240 more lines (<CR> opens the whole output)" in shown and "  300\n" not in shown
        editor.ex("call search('240 more lines') | normal! zv")
        editor.type("<CR>")
        editor.wait_for("&filetype ==# 'swarmoutput' && getline('$') ==# '300'", "no whole output")
        editor.type("q")
        editor.wait_for("bufname() ==# g:a", "not back", transcript(agent))
        # What was cut is a file of the server's.
        editor.ex("call search('whole output: ') | normal! zv")
        editor.type("<CR>")
        editor.wait_for("line('$') == 90000 && &readonly", "the file is not opened")


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
            editor.wait_for("line('$') > g:a", "no older items", lines)
        whole = editor.text(transcript(agent))
        places = [whole.index(part) for part in ["> tell me", *(f"Part {n}." for n in range(6)), "The end."]]
        assert places == sorted(places)
        assert whole.count("✓ read README.md") == 6


def test_names_of_files_open_at_their_line(edit, repository):
    (repository / "README.md").write_text("".join(f"line {n}\n" for n in range(1, 40)), encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "long")
    with ModelServer([[text("Look at README.md:12, please.")]]) as server:
        editor = edit({"mode": "full"}, config=server.config())
        editor.ex("SwarmNew tell me")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "✓ done")
        editor.ex("call search('README')")
        editor.type("gf")
        editor.wait_for("getline('.') ==# 'line 12'", "not opened at the line")
        path = pathlib.Path(agent["worktree"].removeprefix("file://")) / "README.md"
        assert editor.eval("resolve(expand('%:p'))") == str(path.resolve())
        # The transcript is still there.
        assert editor.eval("win_findbuf(swarm#buffer#find(g:a)) != []", transcript(agent))


def test_a_text_that_broke_off_stays_with_what_came(edit):
    with ModelServer([[text("Half of it"), cut()], [text("The whole.")]]) as server:
        editor = edit({"mode": "full"}, config=server.config())
        editor.ex("SwarmNew tell me")
        agent = editor.wait_state("done")
        editor.wait_text(transcript(agent), "The whole.")
        shown = editor.text(transcript(agent))
        assert "Half of it" in shown and "✗ broke off here" in shown


SLOW = """#!/usr/bin/python3
import os, subprocess, sys, time
server = subprocess.Popen([{server!r}, *sys.argv[1:]], stdin=0, stdout=subprocess.PIPE)
slow = 12
while data := os.read(server.stdout.fileno(), 1 << 16):
    half = len(data) // 2 if slow else 0
    os.write(1, data[:half])
    time.sleep(0.15 if slow else 0)
    slow = max(0, slow - 1)
    os.write(1, data[half:])
sys.exit(server.wait())
"""


def test_a_message_may_take_its_time(edit, tmp_path):
    """Vim's own framing gives up after 100 ms, and loses its place in the stream."""
    slow = tmp_path / "slow"
    slow.write_text(SLOW.format(server=str(binary())), encoding="utf-8")
    slow.chmod(0o755)
    editor = edit({"mode": "full"}, server=slow)
    agent = run_to_end(editor)
    editor.wait_text(transcript(agent), "Done. I wrote CONTRIBUTING.md")
    assert editor.quit() == 0


COUNT_LAGS = """
    let g:lags = 0
    function! TestLags(events) abort
      let g:lags += len(filter(copy(a:events), 'v:val.type ==# "lagged"'))
    endfunction
    call swarm#event#on('events', function('TestLags'))
""".replace("\n    ", "\n")


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
        editor.ex(COUNT_LAGS)
        editor.process.send_signal(signal.SIGSTOP)
        stop.open()
        server.wait_requests(8)
        editor.process.send_signal(signal.SIGCONT)
        editor.wait_text(transcript(agent), "✓ done")
        editor.wait_text(transcript(agent), "The end.")
        assert editor.eval("g:lags") > 0, "the server had room for everything: the test is too small"
        editor.wait_for("join(getline(1, '$')) !~# '●'", "some calls are shown as if they ran")


def test_a_transcript_survives_its_server_and_its_editor(edit):
    editor, agent, server, stop = begin_streaming(edit, [text("never")])
    with server:
        name = transcript(agent)
        os.kill(editor.server_pid(), signal.SIGKILL)
        editor.wait_text(name, "✗ the server was ended by signal 9")
        assert "The beginning." in editor.text(name)
        editor.type("R")
        editor.wait_text(name, "r resumes it")
        shown = editor.text(name)
        assert "ended by signal" not in shown and "> tell me" in shown
        assert editor.quit() == 0
        editor = edit(config=server.config())
        editor.ex("edit " + name)
        editor.wait_text(name, "r resumes it")
        editor.wait_for("&filetype ==# 'swarmtranscript' && winnr('$') >= 2", "no prompt comes with it")


def shown_names(editor, filetype):
    return editor.eval("map(filter(getwininfo(), 'getbufvar(v:val.bufnr, \"&filetype\") ==# g:a'),"
                       " 'bufname(v:val.bufnr)')", filetype)


def test_edit_reads_a_transcript_anew(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    before = editor.text(transcript(agent))
    editor.ex("edit")
    editor.wait_for("swarm#transcript#get(g:a[0]).loading == 0 && join(getline(1, '$'), \"\\n\") ==# g:a[1]",
                    "not as it was", [agent["id"], before])
    to_prompt(editor)
    editor.type("go on<CR>")
    editor.wait_text(transcript(agent), "> go on")


def test_what_is_done_to_an_agent_is_done_from_its_transcript_too(edit, repository):
    git(repository, "config", "user.name", "A")
    git(repository, "config", "user.email", "a@example.org")
    editor, agent, server, stop = begin_streaming(edit, [text("The end."), call("write", path="a.md", content="a\n")])
    with server:
        editor.type("p")
        editor.wait_state("paused")
        editor.type("P")
        editor.wait_state("working", "queued")
        stop.open()
        editor.wait_text(transcript(agent), "✓ done")
        editor.type("m")
        editor.wait_text("swarm://merge/" + agent["id"], "added       a.md")
        editor.type("q")
        editor.wait_for("bufname() ==# g:a", "not back", transcript(agent))
        editor.answer("before the first turn", "Only the files")
        editor.type("U")
        editor.wait_message("is rewound")


def test_transcripts_take_turns_in_one_window_unless_asked_for(edit):
    editor = edit({"mode": "full", "open": "vsplit"})
    first = run_to_end(editor, "first")
    editor.ex("SwarmNew second")
    editor.wait_state("done", index=1)
    second = editor.agent(1)
    assert shown_names(editor, "swarmtranscript") == [transcript(second)]
    # The prompt below goes along.
    assert shown_names(editor, "swarmprompt") == [prompt(second)]
    editor.ex("tab Swarm open " + first["id"])
    assert shown_names(editor, "swarmtranscript") == [transcript(second), transcript(first)]
    editor.ex("tabclose")
    # From an empty window the first one has taken its place. What is left at last is empty again.
    assert editor.eval("winnr('$')") == 2
    editor.ex("close")
    editor.wait_for("winnr('$') == 1 && bufname() ==# '' && &filetype ==# ''", "a prompt stays without its transcript")
