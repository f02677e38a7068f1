# SPDX-License-Identifier: MIT
"""The commands of the Vim and Neovim client in real editors: :Swarm and its completion, :SwarmNew,
:SwarmFix, what configurations use, health and help."""

import pathlib
import re
import shutil
import subprocess

import pytest

from client import binary
from editors import PROGRAMS, SOURCE
from model_server import Gate, ModelServer, gate, text

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors):
    return vim_editors(request.param)


def transcript(agent):
    return "swarm://agent/" + agent["id"]


def run_to_end(editor, task="add a CONTRIBUTING file"):
    editor.ex("SwarmNew " + task)
    agent = editor.wait_state("done")
    editor.wait_text(transcript(agent), "✓ done")
    return agent


@pytest.fixture(name="scripted")
def fixture_scripted(edit):
    """(editor, model server) whose agents say one word and are done; requests show what they were told."""
    server = ModelServer(lambda request: [text("Fine.")])
    with server:
        yield edit({"mode": "full", "open": "none"}, config=server.config()), server


def told(server, count=1):
    """What the model was told by the person, of that request."""
    return server.wait_requests(count).task


# --- lazy, and without setup ---

def test_nothing_is_loaded_before_a_command(edit):
    editor = edit(answers=False)
    assert [editor.eval(f"exists(':{name}')") for name in ("Swarm", "SwarmNew", "SwarmFix")] == [2, 2, 2]
    loaded = [line for line in editor.eval("execute('scriptnames')").splitlines() if "clients/vim" in line]
    assert len(loaded) == 1 and loaded[0].endswith("plugin/swarm.vim")
    assert editor.server_pid() is None
    assert editor.eval("swarm#statusline()") == "" and editor.server_pid() is None


def test_there_are_no_global_keys_but_plugs_to_map(edit):
    editor = edit()
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", "No agents yet")
    editor.ex("enew")
    maps = editor.eval("execute('map')") + editor.eval("execute('map!')")
    ours = [line for line in maps.splitlines() if "warm" in line]
    assert ours and all("<Plug>(swarm-" in line.replace("<lt>", "<") for line in ours)
    editor.ex("nmap gS <Plug>(swarm-dashboard)")
    editor.type("gS")
    editor.wait_for("bufname() ==# 'swarm://dashboard'", "the key does nothing")


def test_setup_in_lua_sets_options(edit):
    editor = edit({"page": 7})
    if editor.kind == "vim":
        pytest.skip("Vim has no Lua")
    editor.lua("require('swarm').setup({ mode = 'read' })")
    assert editor.eval("g:swarm") == {"page": 7, "mode": "read"}
    editor.lua("require('swarm').new('look around')")
    agent = editor.wait_state("done", "failed")
    assert agent["mode"] == "read"
    assert editor.lua("return require('swarm').statusline()") == ""


# --- :Swarm ---

def test_completion_knows_verbs_agents_and_words(edit):
    editor = edit({"mode": "full"})
    agent = run_to_end(editor)
    complete = "getcompletion(g:a, 'cmdline')"
    assert editor.eval(complete, "Swarm re") == ["reject", "remove", "resume", "rewind"]
    assert editor.eval(complete, "Swarm open ") == [agent["id"]]
    editor.type(f":vertical Swarm open {agent['id'][:5]}<C-a><Home>\"<CR>")
    editor.wait_for("@: ==# g:a", "no completion behind :vertical", '"vertical Swarm open ' + agent["id"])
    assert editor.eval(complete, "Swarm sort c") == ["cost"]
    assert editor.eval(complete, f"Swarm merge {agent['id']} s") == ["squash"]
    assert editor.eval(complete, "SwarmNew -m") == ["-model=", "-mode="]
    assert editor.eval(complete, "SwarmNew -mode=f") == ["-mode=full"]


def test_what_is_meant_must_be_clear(edit):
    editor = edit({"mode": "full", "open": "none"})
    editor.ex("SwarmNew the first")
    editor.wait_state("done")
    editor.ex("SwarmNew the second")
    editor.wait_state("done", index=1)
    editor.ex("Swarm dance")
    editor.wait_message("there is no :Swarm dance")
    editor.ex("Swarm cancel the-")
    editor.wait_message("the- could be any of the-first")
    editor.ex("Swarm cancel nobody")
    editor.wait_message("there is no agent nobody")
    editor.ex("Swarm cancel")
    editor.wait_message("which agent? Give the beginning of its id")


def test_the_agent_of_the_current_buffer_is_meant(edit):
    editor = edit()
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("waiting")
    editor.wait_for("bufname() ==# g:a", "not opened", transcript(agent))
    editor.ex("Swarm cancel")
    editor.wait_state("done")
    assert editor.agent()["stopReason"] == "cancelled"


def test_everything_is_paused_at_once(edit):
    stop = Gate()
    with ModelServer(lambda request: [text("I begin."), gate(stop)]) as server:
        editor = edit({"mode": "full", "open": "none"}, config=server.config())
        editor.ex("SwarmNew one")
        editor.wait_state("working")
        editor.ex("SwarmNew two")
        editor.wait_state("working", index=1)
        editor.ex("Swarm! pause")
        editor.wait_state("paused")
        editor.wait_state("paused", index=1)
        editor.ex("Swarm! continue")
        stop.open()
        editor.wait_state("done")
        editor.wait_state("done", index=1)


def test_the_server_is_stopped_and_started_by_the_next_command(edit):
    editor = edit({"mode": "full", "open": "none"})
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("done")
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", agent["id"][:20])
    editor.ex("Swarm stop")
    editor.wait_text("swarm://dashboard", "the server was stopped by :Swarm stop. R tries again.")
    editor.wait_for("empty(swarm#rpc#info())", "still there")
    editor.ex("Swarm send " + agent["id"] + " more")
    editor.wait_for("get(swarm#rpc#info(), 'ready') && swarm#state#matching('')[0].usage.turns == 2", "not started again")
    editor.wait_for("join(getbufline(swarm#buffer#find('swarm://dashboard'), 1, '$')) !~# 'tries again'", "still said")


# --- :SwarmNew ---

def test_a_range_goes_with_the_task_as_it_is_in_the_buffer(scripted, repository):
    editor, server = scripted
    editor.ex("edit README.md")
    editor.ex("call append('$', 'An unsaved line.')")
    editor.ex("2SwarmNew explain this")
    assert "An unsaved line." in told(server)
    assert "An unsaved" not in (repository / "README.md").read_text(encoding="utf-8")


def test_a_range_is_given_in_utf16(edit, tmp_path):
    editor = edit()
    path = tmp_path / "a b.txt"
    path.write_text("saved\n", encoding="utf-8")
    editor.ex("execute 'edit' fnameescape(g:a)", str(path))
    editor.ex("call setline(1, ['unsaved', 'x', '😀ü'])")
    context = editor.call("swarm#context#lines", editor.eval("bufnr()"), 2, 3)
    assert context == {
        "uri": "file://" + str(path).replace(" ", "%20"),
        "range": {"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 3}},
        "text": "x\n😀ü\n",
    }
    inner = editor.call("swarm#context#lines", editor.eval("bufnr()"), 1, 2)
    assert inner["range"]["end"] == {"line": 2, "character": 0}
    assert editor.call("swarm#context#describe", inner).startswith("lines 1 to 2 of ")


def test_a_task_is_written_in_a_buffer(edit):
    editor = edit({"mode": "full"})
    editor.type(":SwarmNew<CR>")
    editor.wait_for("bufname() ==# 'swarm://new' && mode() ==# 'i'", "no buffer")
    editor.type("add notes<CR>in two lines")
    editor.wait_text("swarm://new", "in two lines")
    editor.type("<C-s>")
    agent = editor.wait_state("done")
    assert agent["task"] == "add notes\nin two lines"
    assert editor.lines("swarm://new") == []


def test_its_fields_and_the_commands_choose_model_base_and_mode(scripted, repository):
    editor, _ = scripted
    subprocess.run(["git", "branch", "other"], cwd=repository, check=True)
    editor.ex("SwarmNew -mode=read -role=looker -base=other look")
    agent = editor.wait_state("done")
    assert (agent["mode"], agent["task"], agent["role"]) == ("read", "look", "looker")
    editor.type(":SwarmNew -base=other<CR>")
    editor.wait_for("bufname() ==# 'swarm://new' && mode() ==# 'i'", "no buffer")
    assert "base: other" in editor.lines("swarm://new")
    editor.type("look again<Esc>:%s/^mode:/mode: edit/ | %s/^model:/model: scripted\\/scripted/ | w<CR>")
    agent = editor.wait_state("done", index=1)
    assert (agent["mode"], agent["task"], agent["model"]) == ("edit", "look again", "scripted")


def test_a_spawn_that_fails_says_why_and_keeps_the_task(edit, tmp_path):
    elsewhere = tmp_path / "plain"
    elsewhere.mkdir()
    editor = edit(folder=elsewhere)
    editor.type(":SwarmNew<CR>")
    editor.wait_for("mode() ==# 'i'", "no Insert mode")
    editor.type("do it<Esc>:w<CR>")
    editor.wait_message("no agent was started")
    assert editor.lines("swarm://new")[-1] == "do it"
    assert editor.eval("getbufvar(swarm#buffer#find('swarm://new'), '&modified')") == 1
    assert editor.agents() == []
    editor.type("q")
    editor.wait_for("!swarm#buffer#find('swarm://new')", "q does not give it up")


# --- :SwarmFix ---

def test_a_quickfix_entry_is_a_task(scripted, repository):
    editor, server = scripted
    (repository / "main.c").write_text("".join(f"line {n}\n" for n in range(1, 51)), encoding="utf-8")
    editor.ex("call setqflist([], ' ', {'lines': ['main.c:30: unused variable x', 'main.c:40: no semicolon'],"
              " 'efm': '%f:%l: %m'})")
    editor.ex("copen | 1")
    editor.ex("SwarmFix")
    task = told(server)
    assert "Fix this: main.c:30: error: unused variable x" in task
    assert "line 20\n" in task and "line 40\n" in task and "line 41\n" not in task and "line 19\n" not in task
    editor.ex("%SwarmFix keep it short")
    task = told(server, 2)
    assert "unused variable x\nmain.c:40: error: no semicolon" in task and "keep it short" in task


def test_what_the_lists_say_of_a_line_of_the_file_itself(scripted, repository):
    editor, server = scripted
    (repository / "main.c").write_text("one\ntwo\nthree\n", encoding="utf-8")
    editor.ex("edit main.c | call setline(3, 'unsaved')")
    editor.ex("call setqflist([{'bufnr': bufnr(), 'lnum': 2, 'text': 'a fault', 'type': 'W'}])")
    editor.ex("2SwarmFix")
    task = told(server)
    assert "Fix this: main.c:2: warning: a fault" in task and "unsaved" in task
    # From a line where nothing is wrong, the whole file is meant; a range is taken as it is.
    editor.ex("1 | SwarmFix")
    assert "a fault" in told(server, 2)
    editor.ex("1SwarmFix")
    editor.wait_message("nothing is known to be wrong here")


def test_a_diagnostic_of_neovim_is_a_task(scripted, repository):
    editor, server = scripted
    if editor.kind == "vim":
        pytest.skip("Vim has no diagnostics of its own")
    editor.ex("edit README.md")
    editor.lua("""vim.diagnostic.set(vim.api.nvim_create_namespace('test'), 0, {
      { lnum = 0, col = 2, message = 'too short', severity = vim.diagnostic.severity.HINT } })""")
    editor.ex("SwarmFix")
    assert "Fix this: README.md:1: hint: too short" in told(server)


def test_a_file_with_what_is_wrong_in_words(scripted, repository):
    editor, server = scripted
    editor.ex("edit README.md | call append('$', 'An unsaved line.')")
    editor.ex("SwarmFix it is much too long")
    task = told(server)
    assert "it is much too long" in task and "README.md" in task and "An unsaved line." in task


# --- what configurations use ---

def test_state_changes_are_told_with_data(edit):
    editor = edit({"mode": "full"})
    editor.ex("let g:seen = [] | autocmd User SwarmAgentChanged call add(g:seen, deepcopy(g:swarm_event))")
    agent = run_to_end(editor)
    seen = editor.eval("g:seen")
    assert seen[-1]["state"] == "done" and seen[-1]["id"] == agent["id"] and seen[-1]["agent"]["id"] == agent["id"]
    assert [one["state"] for one in seen if one.get("old") == "working"] == ["done"]
    editor.ex("autocmd User SwarmAgentRemoved let g:removed = g:swarm_event.id")
    editor.answer("Remove it", "Remove it and its work")
    editor.ex("Swarm remove " + agent["id"])
    assert editor.wait_for("get(g:, 'removed', '')", "not told") == agent["id"]


def test_what_ends_out_of_sight_is_said(edit):
    editor = edit({"mode": "full", "open": "none"})
    editor.ex("SwarmNew add a CONTRIBUTING file")
    agent = editor.wait_state("done")
    editor.wait_message(agent["id"] + ": done")


def test_the_status_line_counts_questions_and_work(edit):
    editor = edit()
    editor.ex("SwarmNew add a CONTRIBUTING file")
    editor.wait_state("waiting")
    assert editor.eval("swarm#statusline()") == "swarm 1?"
    editor.ex("set statusline=%{swarm#statusline()}")


def test_highlights_are_default_links(edit):
    editor = edit(setup=["highlight SwarmTitle ctermfg=1"])
    editor.ex("Swarm")
    editor.wait_text("swarm://dashboard", "No agents yet")
    assert "links to Comment" in editor.eval("execute('highlight SwarmDim')")
    assert "links to" not in editor.eval("execute('highlight SwarmTitle')")
    editor.ex("colorscheme blue")
    assert "links to" in editor.eval("execute('highlight SwarmDim')")


# --- health, help, style ---

def test_health_names_the_server_and_wrong_options(edit):
    editor = edit({"open": "sideways", "colour": 1}, server=binary())
    editor.ex("Swarm health")
    if editor.kind == "nvim":
        editor.ex("checkhealth swarm")
    shown = editor.text()
    assert binary() in shown
    assert "g:swarm.open is 'sideways'; it takes split, vsplit, tab, none" in shown
    assert "g:swarm.colour is no option" in shown
    editor.ex("unlet g:swarm")
    editor.ex("Swarm health")
    assert "ERROR" not in editor.text("swarm://health")


def test_an_editor_that_is_too_old_is_told_politely(edit):
    editor = edit(setup=["let g:loaded_swarm = 1"])
    editor.ex("unlet g:loaded_swarm")
    plugin = (SOURCE / "clients/vim/plugin/swarm.vim").read_text(encoding="utf-8")
    path = pathlib.Path(editor.runtime) / "old.vim"
    path.write_text(plugin.replace("nvim-0.7.2", "nvim-9.9").replace("v:version < 900", "v:version < 9900"),
                    encoding="utf-8")
    editor.ex("source " + str(path))
    editor.ex("SwarmNew x")
    editor.wait_message("this plugin needs Neovim 0.7.2, or Vim 9.0")


CLIENT = SOURCE / "clients/vim"
HELP = CLIENT / "doc/swarm.txt"


def section(tag):
    """The help from that tag to the next section, or the next tag of a buffer."""
    text = HELP.read_text(encoding="utf-8")
    rest = text[text.index(f"*{tag}*"):]
    return re.split(r"\n=====|\*swarm-(?:prompt|merge|unsaved|inbox)\*", rest[len(tag) + 2:])[0]


def test_help_has_a_tag_for_all_there_is(edit):
    editor = edit()
    folder = pathlib.Path(editor.runtime) / "doc"
    shutil.copytree(CLIENT / "doc", folder)
    editor.ex("helptags " + str(folder))
    tags = {line.split("\t")[0] for line in (folder / "tags").read_text(encoding="utf-8").splitlines()}
    config = (CLIENT / "autoload/swarm/config.vim").read_text(encoding="utf-8")
    highlight = (CLIENT / "autoload/swarm/highlight.vim").read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in CLIENT.rglob("*.vim"))
    wanted = {":Swarm", ":SwarmNew", ":SwarmFix", "g:swarm", "g:swarm_server", "g:swarm_event", "swarm#statusline()"}
    wanted |= {":Swarm-" + name for name in editor.eval("getcompletion('Swarm ', 'cmdline')")}
    wanted |= {"g:swarm." + name for name in re.findall(r"^      \\ '(\w+)': (?!\[)", config, re.M)}
    wanted |= {"hl-" + name for name in re.findall(r"'(Swarm\w+)':|default (Swarm\w+)", highlight) for name in name if name}
    wanted |= {"Swarm" + name for name in re.findall(r"swarm#event#user\('(\w+)'", sources)}
    wanted |= set(re.findall(r"<Plug>\(swarm-\w+\)", sources))
    wanted |= {f"swarm.{name}()" for name in
               re.findall(r"^function M\.(\w+)", (CLIENT / "lua/swarm/init.lua").read_text(encoding="utf-8"), re.M)}
    assert len(wanted) > 60 and not wanted - tags
    # What a tag points to is there, and no line breaks in a window of the usual width.
    text = HELP.read_text(encoding="utf-8")
    ours = {name for name in re.findall(r"\|([^|\s]+)\|", text) if "warm" in name}
    assert not ours - tags
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("file, tag", [
    ("dashboard/keys", "swarm-dashboard"), ("transcript/keys", "swarm-transcript"), ("review", "swarm-review"),
    ("review/merge", "swarm-merge"), ("approval/inbox", "swarm-inbox"),
])
def test_help_has_each_key_of_a_buffer(file, tag):
    source = (CLIENT / f"autoload/swarm/{file}.vim").read_text(encoding="utf-8")
    keys = {key for keys in re.findall(r"call Map\((\[.*?'\]|'[^']+'), ", source) for key in re.findall(r"'([^']+)'", keys)}
    described = set(re.findall(r"(?<=\s)\S+", "\n".join(line[:16] for line in section(tag).splitlines()
                                                         if line.startswith("    "))))
    assert len(keys) > 8 and not keys - described - {"<2-LeftMouse>"}
    # What begins another key would be taken before that is typed.
    assert not [(one, other) for one in keys for other in keys if one != other and other.startswith(one)]


@pytest.mark.skipif(not shutil.which("stylua"), reason="stylua is not installed")
def test_stylua_is_silent():
    done = subprocess.run(["stylua", "--check", "."], cwd=CLIENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# What linters of Vimscript object to, and what has gone wrong here: a pattern that must not be in a line, but
# for comments. Text is compared with its case, functions end at the first error.
OBJECTIONS = {
    "a comparison that depends on 'ignorecase'": r"(?<![=!<>])(=~|!~)(?![#?])|(?<![=!<>#?.&|+*%-])\s==\s+'",
    "a function without abort": r"^function! \S+\(.*\)(?!.* abort$)\s*$",
    "a command that maps may change": r"^\s*(normal|nmap|xmap|imap)\s",
    "an abbreviated command": r"^\s*(fu|fun|func|endf|endfun|endfunc|wh|endw|setl|exe|exec|cal|au|aug|hi)\b",
    "space at the end": r"\s+$",
    "a tab": r"\t",
}


def test_vimscript_is_clean():
    found = []
    for path in sorted(CLIENT.rglob("*.vim")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if any(not line.isascii() for line in lines if not line.lstrip().startswith('"')):
            if "scriptencoding utf-8" not in lines:
                found.append(f"{path}: no scriptencoding")
        group = ""
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith('"'):
                continue
            group = (re.findall(r"^\s*augroup (?!END)(\w+)", line) or [group])[0] if "augroup END" not in line else ""
            if not group and re.search(r"(^\s*|')autocmd!? (?!swarm)", line):
                found.append(f"{path.relative_to(CLIENT)}:{number}: an autocommand of no group: {line.strip()}")
            for what, pattern in OBJECTIONS.items():
                if re.search(pattern, re.sub(r'"[^"]*"', '""', line) if "comparison" in what else line):
                    found.append(f"{path.relative_to(CLIENT)}:{number}: {what}: {line.strip()}")
    assert not found, "\n".join(found)


@pytest.mark.skipif(not shutil.which("luacheck"), reason="luacheck is not installed")
def test_luacheck_is_silent():
    done = subprocess.run(["luacheck", "--no-color", "-q", "."], cwd=SOURCE / "clients/vim", capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_call_waits(edit):
    """What would stop the editor is in no file of the plugin."""
    waits = re.compile(r"(?<![#\w])(ch_evalexpr|ch_evalraw|ch_read|ch_readraw|system|systemlist|sleep|confirm|inputlist"
                       r"|getchar|job_wait|jobwait|rpcrequest)\s*\(|vim\.wait\(|\brequest_sync\b|^\s*sleep\b", re.M)
    editor = edit()  # in both editors everything can be read, too
    for path in sorted((SOURCE / "clients/vim").rglob("*.vim")) + sorted((SOURCE / "clients/vim").rglob("*.lua")):
        code = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines()
                         if not line.lstrip().startswith(('"', "--")))
        assert not waits.search(code), f"{path}: {waits.search(code)}"
        if path.parts[-2:-1] != ("plugin",) and path.suffix == ".vim" and path.name != (
                "nvim.vim" if editor.kind == "vim" else "vim.vim"):
            editor.ex("source " + str(path))
