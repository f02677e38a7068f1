# SPDX-License-Identifier: MIT
"""Worktrees, git directories and repositories that a person deletes or moves while agents have them."""

import random
import shutil
import subprocess
import threading

import pytest
from agents import get, items, spawn, worktree
from client import RpcError
from histories import run_git
from model_server import call, text


def working(request):
    """Each turn commits a line, and leaves one uncommitted."""
    if request.messages[-1]["role"] == "tool":
        return [text("done")]
    return [call("bash", command="echo line >> committed; git add committed; git commit -qm work; echo line >> new")]


@pytest.fixture
def finished(restarts):
    connect, _ = restarts(working)
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done")
    client.request("swarm/checkpoints", {"agentId": agent["id"]})  # that of the turn is made
    return connect, client, agent


def refused(client, agent, *methods):
    """kind of each method's error, all of the same words -> (kinds, message)"""
    found = []
    for method, params in methods:
        with pytest.raises(RpcError) as error:
            client.request(method, {"agentId": agent["id"], **params})
        found.append(error.value)
    return {e.kind for e in found}, found[0].message


FILES = [("swarm/diff", {}), ("swarm/rewind", {"turn": 0}), ("swarm/revert", {"path": "new"})]
MERGES = [("swarm/merge", {"dryRun": True}), ("swarm/merge", {}), ("swarm/update", {})]


def send(client, agent, *states):
    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    return client.wait_state(agent["id"], *states)


def test_a_worktree_that_was_deleted(finished, repository):
    connect, client, agent = finished
    shutil.rmtree(worktree(agent))
    kinds, message = refused(client, agent, *FILES, *MERGES)
    assert kinds == {"worktree"} and str(worktree(agent)) in message and agent["branch"] in message
    failed = send(client, agent, "failed")
    assert failed["error"]["kind"] == "worktree" and str(worktree(agent)) in failed["error"]["message"]
    assert client.request("swarm/checkpoints", {"agentId": agent["id"]})["checkpoints"]
    assert client.close() == 0
    client = connect()  # and nothing of it stands in the way of a start
    assert not worktree(agent).exists()
    with pytest.raises(RpcError) as error:
        client.request("swarm/remove", {"agentId": agent["id"]})
    assert error.value.kind == "dirty" and "1 commit" in error.value.message
    kept = client.request("swarm/remove", {"agentId": agent["id"], "force": True})["kept"]
    assert run_git(repository, "show", f"{kept['ref']}:committed") == "line\n"


def test_a_worktree_that_is_deleted_while_a_turn_runs(swarm, repository):
    client, _ = swarm([[call("bash", command='rm -rf "$PWD"')], [call("bash", command="echo still here")], [text("done")]],
                      sandbox="{enabled: false}")
    agent = client.wait_state(spawn(client)["id"], "done", "failed")
    assert items(client, agent, "tool")
    if not worktree(agent).exists():
        assert send(client, agent, "failed")["error"]["kind"] == "worktree"
    assert client.request("swarm/remove", {"agentId": agent["id"], "force": True})["removed"] == agent["id"]
    assert run_git(repository, "status", "--porcelain") == "" and client.close() == 0


def test_a_git_directory_that_was_deleted(finished, repository, tmp_path):
    _, client, agent = finished
    shutil.rmtree(tmp_path / "state" / "git" / agent["id"])
    kinds, message = refused(client, agent, *MERGES)
    assert kinds == {"worktree"} and "git directory" in message
    assert send(client, agent, "failed")["error"]["kind"] == "worktree"
    kept = client.request("swarm/remove", {"agentId": agent["id"], "force": True})["kept"]
    assert run_git(repository, "show", f"{kept['ref']}:new") == run_git(repository, "show", f"{kept['ref']}:committed") == "line\n"


def test_a_repository_that_was_moved_and_comes_back(finished, repository):
    connect, client, agent = finished
    away = repository.with_name("elsewhere")
    repository.rename(away)
    kinds, message = refused(client, agent, *FILES, *MERGES, ("swarm/checkpoints", {}))
    assert kinds == {"repository"} and f"{repository} is not there" in message
    failed = send(client, agent, "failed")
    assert failed["error"]["kind"] == "repository" and str(repository) in failed["error"]["message"]
    assert client.close() == 0
    client = connect()
    assert get(client, agent)["agent"]["state"] == "failed"
    away.rename(repository)
    send(client, agent, "done")
    assert run_git(repository, "show", f"{agent['branch']}:committed") == "line\nline\n"
    assert (worktree(agent) / "new").read_text() == "line\nline\n"
    merged = client.request("swarm/merge", {"agentId": agent["id"]})
    assert run_git(repository, "show", f"{merged['commit']}:new") == "line\nline\n"
    run_git(repository, "fsck")


def test_a_repository_that_is_gone_for_good(finished, repository):
    connect, client, agent = finished
    shutil.rmtree(repository)
    with pytest.raises(RpcError) as error:
        client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert str(worktree(agent)) in error.value.message and (worktree(agent) / "new").exists()
    with pytest.raises(RpcError) as error:
        client.request("swarm/spawn", {"task": "more", "cwd": str(repository)})
    assert error.value.kind == "repository"
    assert client.close() == 0
    client = connect()
    shutil.rmtree(worktree(agent))  # a person has looked
    assert client.request("swarm/remove", {"agentId": agent["id"], "force": True}) == {"removed": agent["id"]}
    assert client.close() == 0


def test_a_folder_in_the_place_of_a_worktree(finished, repository):
    _, client, agent = finished
    shutil.rmtree(worktree(agent))
    worktree(agent).mkdir()
    (worktree(agent) / "mine").write_text("mine\n")
    send(client, agent, "done")  # it is a worktree again, of which everything was deleted
    kept = client.request("swarm/remove", {"agentId": agent["id"], "force": True})["kept"]
    assert run_git(repository, "show", f"{kept['ref']}:mine") == "mine\n"


HOUSEKEEPING = [
    ("gc", "-q"), ("gc", "-q", "--aggressive"), ("repack", "-q", "-d"), ("prune", "--expire=2.weeks.ago"), ("pack-refs", "--all", "--prune"),
    ("worktree", "prune", "--expire=now"), ("reflog", "expire", "--expire=now", "--all"), ("commit-graph", "write", "--reachable"),
    ("multi-pack-index", "write"), ("rebase", "-q", "--root"), ("rebase", "-q", "-f", "HEAD~2"), ("commit", "-q", "--allow-empty", "-m", "mine"),
    ("stash",), ("checkout", "-q", "-B", "other"), ("checkout", "-q", "main"), ("commit", "-q", "--amend", "--allow-empty", "-m", "amended")]


def test_git_s_housekeeping_at_any_moment_does_no_harm(restarts, repository):
    """gc, worktree prune, pack-refs and rebases of the person's beside turns that commit."""
    connect, _ = restarts(working)
    client = connect()
    for i in range(4):
        run_git(repository, "commit", "-q", "--allow-empty", "-m", f"before {i}")
    stop, rng, done = threading.Event(), random.Random(3), []

    def tidy():
        while not stop.is_set():
            command = rng.choice(HOUSEKEEPING)
            run_git(repository, *command, check=False)  # some fail beside what they meet, and may
            done.append(command[0])

    tidying = threading.Thread(target=tidy)
    tidying.start()
    turns, agents = 4, []
    try:
        agents = [spawn(client, f"agent {i}") for i in range(3)]
        for turn in range(turns):
            for agent in agents:
                client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended" and e["agentId"] == agent["id"] and
                                  e["turn"] == turn + 1)
                if turn + 1 < turns:
                    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
        for agent in agents:
            client.wait_state(agent["id"], "done")
    finally:
        stop.set()
        tidying.join()
    assert len(set(done)) > 3, done
    for agent in agents:
        lines = "line\n" * turns
        assert run_git(repository, "show", f"{agent['branch']}:committed") == lines
        assert (worktree(agent) / "new").read_text() == lines
        assert run_git(worktree(agent), "status", "--porcelain") == "?? new\n"
        run_git(worktree(agent), "fsck")
        assert len(client.request("swarm/checkpoints", {"agentId": agent["id"]})["checkpoints"]) == turns, str([i["text"] for i in items(client, agent, "notice")])
        client.request("swarm/diff", {"agentId": agent["id"], "from": 1, "to": turns})
        assert not [i for i in items(client, agent, "notice") if "checkpoint" in i.get("text", "")]
    subprocess.run(["git", "gc", "-q", "--prune=now"], cwd=repository, check=True)
    run_git(repository, "fsck")
    assert client.close() == 0
