# SPDX-License-Identifier: MIT
"""Checkpoints, diff, rewind and revert of an agent's files, as an editor uses them."""

import os
import random
import signal
import threading

import pytest
from agents import items, spawn, worktree
from client import RpcError
from histories import run_git, tree_of
from model_server import Gate, call, gate, text


def write(path, content):
    return [call("write", path=path, content=content)]


def bash(command):
    return [call("bash", command=command)]


def working(request):
    """Each turn runs a command: only then is there a checkpoint after it."""
    return [text("done")] if request.messages[-1]["role"] == "tool" else bash("true")


def turn_ended(client, agent, turn):
    return client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended" and e["turn"] == turn and
                             e["agentId"] == agent["id"])


def say(client, agent, turn, words="on"):
    client.request("swarm/send", {"agentId": agent["id"], "text": words})
    turn_ended(client, agent, turn)
    checkpoints(client, agent)  # jobs take turns: the one of this turn is made by now


def checkpoints(client, agent):
    return client.request("swarm/checkpoints", {"agentId": agent["id"]})["checkpoints"]


def diff(client, agent, **params):
    return client.request("swarm/diff", {"agentId": agent["id"], **params})


def refs(repository, agent):
    """Names of its checkpoints in the repository."""
    out = run_git(repository, "for-each-ref", "--format=%(refname)", f"refs/swarmd/{agent['id']}")
    return {line.rsplit("/", 1)[1] for line in out.splitlines()} - {"base", "tip"}


def files_of(repository, commit):
    return set(run_git(repository, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")) - {""}


@pytest.fixture
def edited(swarm, repository):
    """(client, agent, its worktree) after a turn with nothing done."""
    client, server = swarm(working)
    agent = spawn(client, "look around")
    client.wait_state(agent["id"], "done")
    checkpoints(client, agent)  # what a test changes now is of the next turn
    client.model = server
    return client, agent, worktree(agent)


# --- checkpoints ---

def test_a_turn_that_changes_files_leaves_a_checkpoint(swarm, repository):
    client, _ = swarm([write("new.txt", "a\nb\n"), [text("done")], [text("nothing more")],
                       bash("rm README.md; git add -A; git commit -qm gone"), [text("gone")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    before = (run_git(repository, "status", "--porcelain"), run_git(repository, "rev-parse", "HEAD"))
    say(client, agent, 2)
    say(client, agent, 3)
    first, third = checkpoints(client, agent)
    assert (first["checkpoint"], first["turn"], first["parent"], first["reason"]) == ("1", 1, "0", "turn")
    assert (first["files"], first["added"], first["removed"]) == (1, 2, 0)
    assert (third["checkpoint"], third["parent"], third["files"], third["added"]) == ("3", "1", 1, 0)
    assert files_of(repository, first["commit"]) == {"README.md", "new.txt"}
    assert files_of(repository, third["commit"]) == {"new.txt"}
    assert run_git(repository, "log", "-1", "--format=%P", third["commit"]).split() == [first["commit"]]
    assert refs(repository, agent) == {"1", "3"}
    assert run_git(repository, "log", "--format=%s", agent["branch"]).splitlines()[0] == "gone"
    assert before == (run_git(repository, "status", "--porcelain"), run_git(repository, "rev-parse", "HEAD"))
    last = client.request("swarm/get", {"agentId": agent["id"]})["agent"]
    assert last["changes"] == {"files": 2, "added": 2, "removed": first_lines(repository)}
    assert client.close() == 0


def first_lines(repository):
    return len(run_git(repository, "show", "HEAD:README.md").splitlines())


def test_it_touches_neither_index_nor_branch_of_the_worktree(edited, repository):
    client, agent, tree = edited
    (tree / "staged").write_text("1\n")
    run_git(tree, "add", "staged")
    (tree / "staged").write_text("2\n")
    (tree / "untracked").write_text("3\n")
    before = run_git(tree, "status", "--porcelain"), run_git(tree, "rev-parse", "HEAD")
    index = run_git(tree, "ls-files", "-s")
    say(client, agent, 2)
    assert [c["checkpoint"] for c in checkpoints(client, agent)] == ["2"]
    assert before == (run_git(tree, "status", "--porcelain"), run_git(tree, "rev-parse", "HEAD"))
    assert index == run_git(tree, "ls-files", "-s")


def test_a_checkpoint_has_nothing_of_the_next_turn(swarm, repository):
    turns = 12

    def script(request):
        said = sum(m["role"] == "user" for m in request.messages)
        return [text("done")] if request.messages[-1]["role"] == "tool" else write(f"file{said:02}", "x\n" * said)

    client, _ = swarm(script)
    agent = spawn(client)
    for turn in range(1, turns + 1):
        turn_ended(client, agent, turn)
        if turn < turns:  # at once: the checkpoint is just being made
            client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    made = checkpoints(client, agent)
    assert [c["turn"] for c in made] == list(range(1, turns + 1))
    for c in made:
        assert files_of(repository, c["commit"]) == {"README.md"} | {f"file{n:02}" for n in range(1, c["turn"] + 1)}
        assert (c["files"], c["added"]) == (1, c["turn"])


def test_what_cannot_be_kept_is_said(edited, repository):
    client, agent, tree = edited
    with open(tree / "huge.bin", "wb") as file:
        file.truncate(101 << 20)
    (tree / "small").write_text("x\n")
    run_git(tree, "init", "-q", "inner")
    (tree / "inner" / "own").write_text("y\n")
    os.mkfifo(tree / "pipe")
    os.mkfifo(tree / ".gitignore")
    say(client, agent, 2)
    assert files_of(repository, checkpoints(client, agent)[-1]["commit"]) == {"README.md", "small"}
    told = [i["text"] for i in items(client, agent, "notice") if "in no checkpoint" in i["text"]]
    assert len(told) == 1 and "2 files are" in told[0] and "huge.bin" in told[0]
    assert diff(client, agent)["left"] == {"count": 2, "paths": ["huge.bin", "inner"]}
    say(client, agent, 3)
    assert len([i for i in items(client, agent, "notice") if "in no checkpoint" in i["text"]]) == 1
    with pytest.raises(RpcError) as error:
        (tree / "small").unlink()
        (tree / "small").mkdir()
        os.rename(tree / "huge.bin", tree / "small" / "huge.bin")
        client.request("swarm/rewind", {"agentId": agent["id"], "turn": 2})
    assert error.value.kind == "dirty" and "small" in str(error.value)
    assert (tree / "small" / "huge.bin").stat().st_size == 101 << 20


def test_a_pipe_in_the_place_of_attributes_hangs_nothing(edited, repository):
    client, agent, tree = edited
    (tree / "deep").mkdir()
    (tree / "deep" / "file").write_text("x\n")
    os.mkfifo(tree / "deep" / ".gitattributes")
    say(client, agent, 2)
    assert checkpoints(client, agent) == []
    assert any("deep/.gitattributes" in i["text"] for i in items(client, agent, "notice"))
    with pytest.raises(RpcError) as error:
        diff(client, agent)
    assert error.value.kind == "worktree" and "deep/.gitattributes" in str(error.value)
    (tree / "deep" / ".gitattributes").unlink()
    assert [f["path"] for f in diff(client, agent)["files"]] == ["deep/file"]


def test_removing_the_agent_removes_its_checkpoints(edited, repository, tmp_path):
    client, agent, tree = edited
    (tree / "new").write_text("x\n")
    say(client, agent, 2)
    assert len(checkpoints(client, agent)) == 1 and refs(repository, agent) == {"2"}
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    left = run_git(repository, "for-each-ref", "--format=%(refname)", "refs/swarmd")
    assert left == f"refs/swarmd/removed/{agent['id']}\n"
    assert not [n for n in os.listdir(tmp_path / "state" / "git") if n.startswith(agent["id"])]


def test_the_persons_git_collects_no_checkpoint(edited, repository):
    client, agent, tree = edited
    (tree / "new").write_text("x\n")
    say(client, agent, 2)
    diff(client, agent)
    run_git(repository, "gc", "-q", "--prune=now")
    (tree / "new").write_text("y\n")
    say(client, agent, 3)
    assert diff(client, agent, **{"from": 2, "to": 3})["changes"] == {"files": 1, "added": 1, "removed": 1}
    assert run_git(repository, "fsck", "--connectivity-only") == ""


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_nothing_is_half(restarts, repository, seed):
    connect, _ = restarts(working)
    client = connect()
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    checkpoints(client, agent)  # the first turn has what was there then
    tree = worktree(agent)
    for n in range(40):
        (tree / f"file{n}").write_text(f"{n}\n" * 100)
    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    rng = random.Random(seed)
    if seed % 2:
        turn_ended(client, agent, 2)
    killer = threading.Timer(rng.random() * 0.02, os.kill, (client.process.pid, signal.SIGKILL))
    killer.start()
    killer.join()
    client.process.wait()
    client = connect()
    for c in checkpoints(client, agent):
        assert len(files_of(repository, c["commit"])) == 41
    assert refs(repository, agent) == {c["checkpoint"] for c in checkpoints(client, agent)}
    assert run_git(repository, "fsck", "--no-dangling", "--connectivity-only") == ""
    client.request("swarm/send", {"agentId": agent["id"], "text": "again"})
    client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended")
    last = checkpoints(client, agent)[-1]
    assert run_git(repository, "rev-parse", last["commit"] + "^{tree}").strip() == tree_of(tree)


# --- diff ---

def test_diff_shows_committed_uncommitted_and_untracked_work(edited, repository):
    client, agent, tree = edited
    (tree / "committed.txt").write_text("one\ntwo\n")
    run_git(tree, "add", "-A")
    run_git(tree, "commit", "-qm", "part")
    (tree / "committed.txt").write_text("one\n2\n")
    (tree / "untracked.bin").write_bytes(b"\0\1")
    (tree / ".gitignore").write_text("*.log\n")
    (tree / "noise.log").write_text("x\n")
    (tree / "README.md").rename(tree / "READ ME.md")
    os.chmod(tree / "READ ME.md", 0o755)
    answer = diff(client, agent)
    found = {f["path"]: f for f in answer["files"]}
    assert set(found) == {".gitignore", "READ ME.md", "committed.txt", "untracked.bin"}
    assert answer["base"] == run_git(repository, "rev-parse", "HEAD").strip() and not answer["truncated"]
    assert found["committed.txt"]["status"] == "added" and found["committed.txt"]["added"] == 2
    assert found["untracked.bin"]["binary"] and found["untracked.bin"]["hunks"] == []
    renamed = found["READ ME.md"]
    assert (renamed["oldPath"], renamed["status"], renamed["newMode"]) == ("README.md", "renamed", "100755")
    assert "+2\n" in answer["patch"] and "rename to READ ME.md\n" in answer["patch"]
    assert [f["path"] for f in diff(client, agent, paths=["README.md"])["files"]] == ["READ ME.md"]
    assert diff(client, agent, paths=["nowhere"])["patch"] == ""


def test_diff_is_against_the_merge_base(edited, repository):
    client, agent, tree = edited
    (repository / "theirs").write_text("x\n")
    run_git(repository, "add", "-A")
    run_git(repository, "commit", "-qm", "the branch moves on")
    (tree / "ours").write_text("y\n")
    assert [f["path"] for f in diff(client, agent)["files"]] == ["ours"]
    run_git(tree, "fetch", "-q", str(repository), "HEAD")
    run_git(tree, "merge", "-q", "-m", "bring it in", "FETCH_HEAD")
    answer = diff(client, agent)
    assert answer["base"] == run_git(repository, "rev-parse", "HEAD").strip()
    assert [f["path"] for f in answer["files"]] == ["ours"]


def test_very_large_diffs_are_cut_and_say_so(edited):
    client, agent, tree = edited
    (tree / "lines").write_text("a long line of text, once more\n" * 60000)  # over 1 MiB of patch
    (tree / "large").write_text("x" * (9 << 20))
    (tree / "small").write_text("x\n")
    answer = diff(client, agent)
    found = {f["path"]: f for f in answer["files"]}
    assert answer["truncated"] and len(answer["patch"]) < 2000 and "+x\n" in answer["patch"]
    assert found["lines"]["omitted"] == "large" and found["lines"]["added"] == 60000
    assert found["large"]["omitted"] == "large" and not found["large"]["binary"]
    for n in range(3001):
        (tree / f"many{n}").write_text("x\n")
    answer = diff(client, agent)
    assert len(answer["files"]) == 3000 and answer["truncated"] and answer["changes"]["files"] == 3004
    assert not diff(client, agent, paths=["small"])["truncated"]


@pytest.mark.parametrize("params, what", [
    ({"from": 7}, "no checkpoint 7"), ({"to": "1.1"}, "no checkpoint 1.1"), ({"from": "x"}, "'x'"),
    ({"from": -1}, "from"), ({"paths": [""]}, "paths"), ({"paths": "a"}, "paths")])
def test_wrong_parameters_of_diff(edited, params, what):
    client, agent, _ = edited
    with pytest.raises(RpcError) as error:
        client.request("swarm/diff", {"agentId": agent["id"], **params}, valid=None)
    assert error.value.code == -32602 and what in str(error.value)


# --- rewind ---

def test_rewind_takes_files_and_transcript_back(swarm, repository):
    client, server = swarm([write("a.txt", "first\n"), [text("one")], write("b.txt", "second\n"), [text("two")],
                            write("a.txt", "third\n"), [text("three")], [text("four")]])
    agent = spawn(client, "the task")
    client.wait_state(agent["id"], "done")
    say(client, agent, 2, "do the second")
    say(client, agent, 3, "do the third")
    tree = worktree(agent)
    (tree / "b.txt").write_text("by hand\n")
    head = run_git(tree, "rev-parse", "HEAD")
    done = client.request("swarm/rewind", {"agentId": agent["id"], "turn": 1, "transcript": True})
    assert done["kept"] == "3.1"
    assert (tree / "a.txt").read_text() == "first\n" and not (tree / "b.txt").exists()
    assert run_git(tree, "rev-parse", "HEAD") == head
    assert done["agent"]["changes"] == {"files": 1, "added": 1, "removed": 0}
    marker, = items(client, agent, "rewind")
    assert marker["rewind"] == {"checkpoint": "1", "turn": 1, "kept": "3.1", "transcript": True}
    assert [i["text"] for i in items(client, agent, "assistant")] == ["one", "two", "three"]
    say(client, agent, 4, "once more")
    seen = [m["content"] for m in server.requests[-1].messages if m["role"] == "user"]
    assert "the task" in seen[0] and seen[-1] == "once more" and len(seen) == 2
    assert "one" in str(server.requests[-1].messages) and "two" not in str(server.requests[-1].messages)
    assert client.request("swarm/checkpoints", {"agentId": agent["id"]})["current"] == "1"
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": "3.1"})
    assert (tree / "a.txt").read_text() == "third\n" and (tree / "b.txt").read_text() == "by hand\n"


def test_without_the_transcript_the_model_is_told(swarm, repository):
    client, server = swarm([write("a.txt", "first\n"), [text("one")], [text("two")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    done = client.request("swarm/rewind", {"agentId": agent["id"], "turn": 0})
    assert done["kept"] == "1" and not (worktree(agent) / "a.txt").exists()
    say(client, agent, 2, "and now?")
    seen = [str(m["content"]) for m in server.requests[-1].messages if m["role"] == "user"]
    assert "put back" in " ".join(seen) and seen[-1].endswith("and now?")


def test_a_cut_lasts_over_a_restart_and_a_cut_before_it_undoes_it(restarts, repository):
    connect, server = restarts(working)
    client = connect()
    agent = spawn(client, "say 1")
    client.wait_state(agent["id"], "done")
    tree = worktree(agent)

    def turn(number):
        (tree / f"turn{number}").write_text("x\n")
        say(client, agent, number, f"say {number}")
        return [str(m["content"]) for m in server.requests[-1].messages if m["role"] == "user"]

    turn(2)
    turn(3)
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 2, "transcript": True})
    assert client.close() == 0
    client = connect()
    assert [s[-5:] for s in turn(4)] == ["say 1", "say 2", "say 4"]
    assert [s[-5:] for s in turn(5)] == ["say 1", "say 2", "say 4", "say 5"]
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 4, "transcript": True})
    assert [s[-5:] for s in turn(6)] == ["say 1", "say 2", "say 4", "say 6"]
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 3, "transcript": True})
    assert [s[-5:] for s in turn(7)] == ["say 1", "say 2", "say 3", "say 7"]


def test_nothing_is_taken_back_while_a_turn_runs(swarm, repository):
    held = Gate()
    client, _ = swarm([write("a.txt", "a\n"), [text("one")], [gate(held), text("two")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    held.wait_reached()
    for method, params in (("rewind", {"turn": 0}), ("revert", {"path": "a.txt"})):
        with pytest.raises(RpcError) as error:
            client.request(f"swarm/{method}", {"agentId": agent["id"], **params})
        assert error.value.kind == "wrongState"
    assert [f["path"] for f in diff(client, agent)["files"]] == ["a.txt"]  # looking is always possible
    held.open()
    turn_ended(client, agent, 2)


def test_a_message_that_comes_meanwhile_begins_its_turn_afterwards(swarm, repository):
    client, _ = swarm([write("a.txt", "a\n"), [text("one")], bash("ls"), [text("two")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    for n in range(300):
        (worktree(agent) / f"file{n}").write_text("x\n")
    back = client.start_request("swarm/rewind", {"agentId": agent["id"], "turn": 0})
    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    assert client.wait_response(back)["kept"] == "1.1"
    turn_ended(client, agent, 2)
    listed = [i for i in items(client, agent, "tool") if i["name"] == "bash"]
    assert listed[0]["output"] == "README.md\n"


def test_an_ignored_file_is_not_overwritten(edited):
    client, agent, tree = edited
    (tree / "data.tmp").write_text("kept in checkpoint 2\n")
    say(client, agent, 2)
    (tree / ".gitignore").write_text("*.tmp\n")
    (tree / "data.tmp").write_text("known to nobody\n")
    say(client, agent, 3)
    with pytest.raises(RpcError) as error:
        client.request("swarm/rewind", {"agentId": agent["id"], "turn": 2})
    assert error.value.kind == "dirty" and "data.tmp" in str(error.value)
    assert (tree / "data.tmp").read_text() == "known to nobody\n" and (tree / ".gitignore").exists()


def test_symlinks_lead_nothing_outside(edited, tmp_path):
    client, agent, tree = edited
    (tree / "folder").mkdir()
    (tree / "folder" / "file").write_text("inside\n")
    say(client, agent, 2)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("outside\n")
    (tree / "folder" / "file").unlink()
    (tree / "folder").rmdir()
    (tree / "folder").symlink_to(outside)
    say(client, agent, 3)
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 2})
    assert (tree / "folder" / "file").read_text() == "inside\n" and not (tree / "folder").is_symlink()
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 3})
    assert os.readlink(tree / "folder") == str(outside)
    assert (outside / "file").read_text() == "outside\n" and len(list(outside.iterdir())) == 1


def test_without_isolation_there_is_a_diff_and_nothing_more(swarm, repository):
    client, _ = swarm([write("a.txt", "a\n"), [text("one")]])
    agent = spawn(client, isolation="none")
    done = client.wait_state(agent["id"], "done")
    assert done["changes"] is None and checkpoints(client, agent) == []
    assert [f["path"] for f in diff(client, agent)["files"]] == ["a.txt"]
    for method, params in (("rewind", {"turn": 0}), ("revert", {"path": "a.txt"})):
        with pytest.raises(RpcError) as error:
            client.request(f"swarm/{method}", {"agentId": agent["id"], **params})
        assert error.value.kind == "wrongState"
    assert (repository / "a.txt").exists()
    assert client.close() == 0


def test_a_worktree_that_is_gone_is_said(edited, repository):
    client, agent, tree = edited
    tree.rename(tree.parent / "moved")
    for method, params in (("diff", {}), ("rewind", {"turn": 0})):
        with pytest.raises(RpcError) as error:
            client.request(f"swarm/{method}", {"agentId": agent["id"], **params})
        assert error.value.kind == "worktree" and str(tree) in str(error.value)
    (tree.parent / "moved").rename(tree)
    assert diff(client, agent)["files"] == []


# --- revert ---

LINES = [f"line {n}\n" for n in range(40)]


@pytest.fixture
def lined(swarm, tmp_path, repository):
    (repository / "lines.txt").write_text("".join(LINES))
    (repository / "windows.txt").write_text("a\nb\nc\n")
    (repository / ".gitattributes").write_text("windows.txt text eol=crlf\n")
    run_git(repository, "add", "-A")
    run_git(repository, "commit", "-qm", "lines")
    client, server = swarm(working)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    checkpoints(client, agent)  # what a test changes now is of the next turn
    client.model = server
    return client, agent, worktree(agent)


def test_one_hunk_is_taken_back(lined):
    client, agent, tree = lined
    new = LINES[:]
    new[2:3] = ["changed\n", "added\n"]
    new[30:32] = []
    new[-1] = "the end, without a line break"
    (tree / "lines.txt").write_text("".join(new))
    file, = diff(client, agent)["files"]
    assert len(file["hunks"]) == 3
    name = {"agentId": agent["id"], "path": "lines.txt"}
    done = client.request("swarm/revert", {**name, "hunk": {"index": 0, "hash": file["hunks"][0]["hash"]}})
    assert done["kept"] == "1.1"
    assert (tree / "lines.txt").read_text() == "".join(LINES[:3] + new[4:])
    with pytest.raises(RpcError) as error:  # it is not there any more
        client.request("swarm/revert", {**name, "hunk": {"index": 0, "hash": file["hunks"][0]["hash"]}})
    assert error.value.kind == "conflict"
    last = diff(client, agent)["files"][0]["hunks"]
    for at in reversed(range(len(last))):
        client.request("swarm/revert", {**name, "hunk": {"index": at, "hash": last[at]["hash"]}})
    assert (tree / "lines.txt").read_text() == "".join(LINES)
    say(client, agent, 2, "what now?")
    seen = str(client.model.requests[-1].messages)
    assert "took back a part of your changes of lines.txt" in seen


def test_a_hunk_that_changed_is_a_conflict(lined):
    client, agent, tree = lined
    (tree / "lines.txt").write_text("".join(["first\n"] + LINES))
    hunk = diff(client, agent)["files"][0]["hunks"][0]
    (tree / "lines.txt").write_text("".join(["other\n"] + LINES))
    for index, hash in ((0, hunk["hash"]), (1, hunk["hash"])):
        with pytest.raises(RpcError) as error:
            client.request("swarm/revert", {"agentId": agent["id"], "path": "lines.txt",
                                            "hunk": {"index": index, "hash": hash}})
        assert error.value.kind == "conflict"
    assert (tree / "lines.txt").read_text().startswith("other\n")


def test_ends_of_lines_stay_as_the_worktree_has_them(lined):
    client, agent, tree = lined
    assert (tree / "windows.txt").read_bytes() == b"a\r\nb\r\nc\r\n"
    (tree / "windows.txt").write_bytes(b"a\r\nB\r\nc\r\nd\r\n")
    hunk = diff(client, agent)["files"][0]["hunks"][0]
    client.request("swarm/revert", {"agentId": agent["id"], "path": "windows.txt",
                                    "hunk": {"index": 0, "hash": hunk["hash"]}})
    assert (tree / "windows.txt").read_bytes() == b"a\r\nb\r\nc\r\n"


@pytest.mark.parametrize("hunk", [False, True])
def test_whole_files_come_and_go(lined, hunk):
    client, agent, tree = lined
    (tree / "new" / "deep").mkdir(parents=True)
    (tree / "new" / "deep" / "file").write_text("x\n")
    (tree / "README.md").unlink()
    found = {f["path"]: f for f in diff(client, agent)["files"]}
    for path in ("new/deep/file", "README.md"):
        params = {"hunk": {"index": 0, "hash": found[path]["hunks"][0]["hash"]}} if hunk else {}
        client.request("swarm/revert", {"agentId": agent["id"], "path": path, **params})
    assert not (tree / "new").exists() and (tree / "README.md").exists()
    assert diff(client, agent)["files"] == []


def test_a_renamed_file_goes_back(lined):
    client, agent, tree = lined
    os.chmod(tree / "lines.txt", 0o755)
    (tree / "lines.txt").rename(tree / "moved.txt")
    client.request("swarm/revert", {"agentId": agent["id"], "path": "moved.txt"})
    assert not (tree / "moved.txt").exists()
    assert (tree / "lines.txt").read_text() == "".join(LINES)
    assert not (tree / "lines.txt").stat().st_mode & 0o111


@pytest.mark.parametrize("params, what", [
    ({"path": "README.md"}, "no change"), ({"path": ""}, "path"), ({"path": "../x"}, "no change"),
    ({"path": "x", "hunk": {"index": 0, "hash": "zz"}}, "hunk"), ({"path": "x", "hunk": {"index": -1}}, "hunk")])
def test_wrong_parameters_of_revert(edited, params, what):
    client, agent, _ = edited
    with pytest.raises(RpcError) as error:
        client.request("swarm/revert", {"agentId": agent["id"], **params}, valid=None)
    assert error.value.code == -32602 and what in str(error.value)


def test_a_merge_leaves_nothing_to_show(edited, repository):
    client, agent, tree = edited
    (tree / "new").write_text("x\n")
    say(client, agent, 2)
    checkpoints(client, agent)
    get = {"agentId": agent["id"]}
    assert client.request("swarm/get", get)["agent"]["changes"] == {"files": 1, "added": 1, "removed": 0}
    client.request("swarm/merge", {**get, "strategy": "ff"})
    assert diff(client, agent)["files"] == []
    assert client.request("swarm/get", get)["agent"]["changes"] == {"files": 0, "added": 0, "removed": 0}
