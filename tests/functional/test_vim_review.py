# SPDX-License-Identifier: MIT
"""Review and merge in real Vim and Neovim, with the real server and a scripted model."""

import pathlib
import subprocess

import pytest

from editors import PROGRAMS
from model_server import ModelServer, call, text

KINDS = [pytest.param(kind, marks=pytest.mark.skipif(not program, reason=f"{kind} is not installed"))
         for kind, program in PROGRAMS.items()]
LONG = "".join(f"line {number}\n" for number in range(1, 41))


@pytest.fixture(name="edit", params=KINDS)
def fixture_edit(request, vim_editors, repository):
    git(repository, "config", "user.name", "A")
    git(repository, "config", "user.email", "a@example.org")
    (repository / "long.txt").write_text(LONG, encoding="utf-8")
    commit(repository)
    return vim_editors(request.param)


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def commit(folder):
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a commit")


def review(agent):
    return "swarm://review/" + agent["id"]


def merge(agent):
    return "swarm://merge/" + agent["id"]


def worktree_of(agent):
    return pathlib.Path(agent["worktree"].removeprefix("file://"))


def changed(edit, *more, options=None):
    """(editor, agent, server): the agent has changed two places of a file and made another."""
    edits = [{"old_text": "line 2\n", "new_text": "line two\n"}, {"old_text": "line 30\n", "new_text": ""}]
    server = ModelServer([[call("edit", path="long.txt", edits=edits), call("write", path="new.md", content="new\n")],
                          [text("Done.")], *more])
    editor = edit({"mode": "full", **(options or {})}, config=server.config())
    editor.ex("SwarmNew change it")
    agent = editor.wait_state("done")
    editor.wait_text("swarm://agent/" + agent["id"], "✓ done")
    return editor, agent, server


def to_hunk(editor, agent, words):
    editor.ex("Swarm diff " + agent["id"])
    editor.wait_text(review(agent), "@@ ")
    editor.wait_for("bufname() ==# g:a", "not in the review", review(agent))
    assert editor.eval("search(g:a)", words)


def test_a_change_is_files_and_hunks(edit):
    editor, agent, server = changed(edit)
    with server:
        editor.type("d")
        editor.wait_text(review(agent), "new.md  added  +1 -0")
        shown = editor.text(review(agent))
        assert "2 files · +2 -2" in shown and "long.txt  modified  +1 -2" in shown
        assert "-line 2\n+line two\n" in shown and shown.count("\n@@ ") == 3
        # It is walked by hunks and files; a hunk folds.
        editor.type("gg]c]c")
        editor.wait_for("getline('.') =~# '^@@ -27'", "]c does not go on")
        editor.type("[c<Tab>")
        editor.wait_for("foldclosed('.') > 0 && foldclosedend('.') - foldclosed('.') > 4", "<Tab> folds nothing")
        editor.type("]f")
        editor.wait_for("getline('.') =~# 'new.md'", "]f does not go on")


def test_hunks_are_accepted(edit):
    editor, agent, server = changed(edit)
    with server:
        to_hunk(editor, agent, "line two")
        editor.type("a")
        editor.wait_text(review(agent), "1 of 3 hunks accepted")
        editor.wait_for("getline('.') =~# '^@@ -27'", "not at the next hunk")
        editor.type("a")
        editor.wait_text(review(agent), "✓ long.txt")
        editor.ex("call search('^✓ long.txt', 'b')")
        editor.type("a")
        editor.wait_text(review(agent), "  long.txt")
        assert "accepted" not in editor.text(review(agent))


def test_a_hunk_is_rejected_and_that_is_undone(edit):
    editor, agent, server = changed(edit)
    with server:
        path = worktree_of(agent) / "long.txt"
        editor.ex("edit " + str(path))
        to_hunk(editor, agent, "line two")
        editor.type("x")
        editor.wait_message("a hunk of long.txt is taken back")
        editor.wait_for("join(getline(1, '$')) !~# 'line two'", "the hunk is still shown")
        assert path.read_text(encoding="utf-8") == LONG.replace("line 30\n", "")
        # A buffer of the file follows.
        assert editor.eval("getbufline(g:a, 2)", str(path)) == ["line 2"]
        editor.type("u")
        editor.wait_text(review(agent), "+line two")
        assert "line two" in path.read_text(encoding="utf-8")
        editor.wait_for("getbufline(g:a, 2) == ['line two']", "the buffer does not follow", str(path))
        # A whole file asks first.
        editor.ex("call search('new.md')")
        editor.answer("Take it back")
        editor.type("x")
        editor.wait_message("new.md is taken back")
        assert not (worktree_of(agent) / "new.md").exists()


def test_a_review_takes_the_place_of_the_transcript_until_it_is_closed(edit):
    editor, agent, server = changed(edit)
    with server:
        transcript = "swarm://agent/" + agent["id"]
        editor.ex("aboveleft new")
        editor.ex("wincmd j")
        windows = "map(range(1, winnr('$')), 'bufname(winbufnr(v:val))')"
        with_prompt = ["", transcript, transcript + "/prompt"]
        editor.wait_for(windows + " ==# g:a", "not as it should begin", with_prompt)
        for key in ("d", "id"):  # from the transcript, and from its prompt
            editor.type(key if key == "d" else "i<Esc>:Swarm diff<CR>")
            editor.wait_for(windows + " ==# g:a", "not in the place of the transcript", ["", review(agent)])
            editor.wait_text(review(agent), "@@ ")
            editor.type("m")
            editor.wait_for(windows + " ==# g:a", "not in the place of the review", ["", merge(agent)])
            editor.wait_text(merge(agent), "new.md")
            editor.type("q")
            editor.wait_for(windows + " ==# g:a", "the review does not come back", ["", review(agent)])
            editor.type("q")
            editor.wait_for(windows + " ==# g:a", "the transcript does not come back", with_prompt)
            assert editor.eval("[bufname(), line('.') == line('$')]") == [transcript, 1]
        # `o` goes straight back; what was merged goes by itself.
        editor.type("dmm")
        editor.wait_message("merged 2 files into main")
        editor.wait_for(windows + " ==# g:a", "the review does not come back", ["", review(agent)])
        editor.type("m")
        editor.wait_for("bufname() ==# g:a", "no merge", merge(agent))
        editor.ex("Swarm open " + agent["id"])
        editor.wait_for(windows + " ==# g:a", "the transcript does not come back", with_prompt)


def test_a_comment_goes_to_the_agent_with_its_place(edit):
    editor, agent, server = changed(edit, [text("I see.")])
    with server:
        to_hunk(editor, agent, "line two")
        editor.answer("as a number")
        editor.type("C")
        editor.wait_text(review(agent), "» as a number")
        said = server.wait_requests(3).last["content"]
        assert "long.txt:2" in said and "+line two" in said and said.rstrip().endswith("as a number")
        assert editor.eval("g:asked[-1]") == "On long.txt:2: "


def test_a_file_is_compared_side_by_side_and_opened(edit):
    editor, agent, server = changed(edit)
    with server:
        to_hunk(editor, agent, "line two")
        editor.type("d")
        editor.wait_for("winnr('$') == 2 && getwinvar(1, '&diff') && getwinvar(2, '&diff')", "no diff mode")
        assert editor.eval("getbufline(winbufnr(1), 1, '$')") == LONG.splitlines()
        assert editor.eval("resolve(expand('%:p'))") == str((worktree_of(agent) / "long.txt").resolve())
        assert editor.eval("getline('.')") == "line two"
        editor.ex("tabclose")
        editor.wait_for("bufname() ==# g:a", "not back", review(agent))
        editor.type("<CR>")
        editor.wait_for("getline('.') ==# 'line two' && !&diff", "the file is not opened at the line")


def test_a_merge_is_previewed_and_clean_buffers_follow(edit, repository):
    editor, agent, server = changed(edit)
    with server:
        editor.ex("edit " + str(repository / "long.txt"))
        editor.ex("normal! 20G")
        editor.ex("Swarm merge " + agent["id"] + " squash")
        editor.wait_text(merge(agent), "new.md")
        shown = editor.text(merge(agent))
        assert "into main · squash" in shown and "modified    long.txt" in shown and "change it" in shown
        assert not (repository / "new.md").exists()
        editor.type("e")
        editor.wait_for("&filetype ==# 'gitcommit'", "no message")
        editor.ex("call setline(1, 'Mine') | silent! 2,$d | wq")
        editor.wait_text(merge(agent), "   Mine")
        editor.ex("call win_gotoid(win_findbuf(swarm#buffer#find(g:a))[0])", merge(agent))
        editor.type("m")
        editor.wait_message("merged 2 files into main")
        assert git(repository, "log", "-1", "--format=%s") == "Mine"
        assert (repository / "new.md").exists()
        path = str(repository / "long.txt")
        assert editor.eval("[getbufline(g:a, 2)[0], getbufvar(g:a, '&modified')]", path) == ["line two", 0]
        assert editor.eval("line('.', win_findbuf(bufnr(g:a))[0])", path) == 20


def test_an_unsaved_buffer_is_told_of_and_never_overwritten(edit, repository):
    editor, agent, server = changed(edit)
    with server:
        path = str(repository / "long.txt")
        editor.ex("edit " + path)
        editor.ex("call setline(40, 'mine')")
        editor.ex("Swarm merge " + agent["id"])
        editor.wait_text(merge(agent), "long.txt  has changes here that are not saved")
        editor.answer("No")
        editor.type("m")
        editor.wait_for("len(g:asked) > 0", "not asked")
        assert not (repository / "new.md").exists()
        editor.answer("Merge")
        editor.type("m")
        editor.wait_message("merged 2 files into main")
        assert "line two" in (repository / "long.txt").read_text(encoding="utf-8")
        assert editor.eval("[getbufline(g:a, 2)[0], getbufline(g:a, 40)[0], getbufvar(g:a, '&modified')]", path) == \
            ["line 2", "mine", 1]


def test_conflicts_are_previewed_and_given_to_the_agent(edit, repository):
    editor, agent, server = changed(edit, [text("Resolved.")])
    with server:
        (repository / "long.txt").write_text(LONG.replace("line 2\n", "line 2b\n"), encoding="utf-8")
        commit(repository)
        editor.ex("Swarm merge " + agent["id"])
        editor.wait_text(merge(agent), "✗ long.txt  both changed the same lines")
        shown = editor.text(merge(agent))
        assert "  <<<<<<< " in shown and "  line 2b" in shown and "  line two" in shown
        assert (repository / "long.txt").read_text(encoding="utf-8").startswith("line 1\nline 2b")
        editor.type("u")
        editor.wait_message("resolves conflicts in 1 file")
        server.wait_requests(3)


def test_what_is_in_the_way_is_told(edit, repository):
    editor, agent, server = changed(edit)
    with server:
        (repository / "new.md").write_text("other\n", encoding="utf-8")
        editor.ex("Swarm merge " + agent["id"])
        editor.wait_text(merge(agent), "In the way")
        editor.wait_text(merge(agent), "✗ new.md  there, and not in git")
