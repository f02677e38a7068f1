# SPDX-License-Identifier: MIT
"""Named pipes in the places of files that are read when an agent's work is looked at: nobody waits for a writer."""

import os

import pytest
from agents import spawn, worktree
from client import RpcError
from histories import run_git
from model_server import call, text

PLACES = [".gitignore", ".gitattributes", "sub/.gitignore", "sub/.gitattributes", "README.md", ".git/info/exclude",
          ".git/info/attributes", ".worktreeinclude"]
REQUESTS = [("swarm/diff", {}), ("swarm/checkpoints", {}), ("swarm/update", {}), ("swarm/merge", {"dryRun": True}),
            ("swarm/revert", {"path": "sub/file"}), ("swarm/rewind", {"turn": 0}), ("swarm/merge", {}), ("swarm/remove", {}),
            ("swarm/remove", {"force": True})]


@pytest.fixture
def committed(repository):
    """Each place is a file that is tracked."""
    (repository / "sub").mkdir()
    for place in PLACES:
        if not place.startswith(".git/"):
            (repository / place).write_text("# nothing\n")
    (repository / "sub/file").write_text("1\n")
    run_git(repository, "add", "-A", "-f")
    run_git(repository, "commit", "-qm", "files")
    return repository


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("who", ["agent", "person"])
def test_a_pipe_holds_nobody_up(swarm, committed, place, who):
    entry = f"\n  - {{path: {committed}, worktreeinclude: true}}"
    client, _ = swarm(lambda request: [text("done")] if request.messages[-1]["role"] == "tool" else
                      [call("bash", command="echo 2 > sub/file; echo 3 > sub/new")],
                      repositories=entry)
    agent = client.wait_state(spawn(client)["id"], "done")
    client.request("swarm/checkpoints", {"agentId": agent["id"]})
    top = worktree(agent) if who == "agent" else committed
    path = top / place
    if place.startswith(".git/"):
        folder = run_git(top, "rev-parse", "--absolute-git-dir").strip()
        path = type(top)(folder) / place.removeprefix(".git/")
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    client.request("swarm/send", {"agentId": agent["id"], "text": "on"})
    client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended" and e["turn"] == 2)
    for method, params in REQUESTS:
        try:
            client.request(method, {"agentId": agent["id"], **params}, timeout=15)
        except RpcError as error:
            assert error.kind, error.message
    try:
        second = client.wait_state(spawn(client)["id"], "done", "failed")
        assert second["state"] == "done" or "is no regular file" in second["error"]["message"]
    except RpcError as error:
        assert "is no regular file" in error.message
    path.unlink(missing_ok=True)  # then all is as before
    assert client.wait_state(spawn(client)["id"], "done", "failed")["state"] == "done"
    assert client.close() == 0
