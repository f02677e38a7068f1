# SPDX-License-Identifier: MIT
"""Work of agents that are removed: refused, or kept for a while and how it comes back."""

import subprocess

import pytest
from agents import spawn, worktree
from client import RpcError
from histories import run_git
from model_server import call, text


@pytest.fixture
def finished(swarm):
    """(client, an agent whose worktree has a commit, a change and a new file)."""
    client, _ = swarm([[call("bash", command="echo 1 > committed; git add committed; git commit -qm one; "
                                             "echo 2 >> README.md; mkdir new; echo 3 > new/file")],
                       [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    client.request("swarm/checkpoints", {"agentId": agent["id"]})  # that of the turn is made
    return client, agent


def remove(client, agent, force=False):
    return client.request("swarm/remove", {"agentId": agent["id"], "force": force})


def removed_refs(repository):
    return run_git(repository, "for-each-ref", "--format=%(refname)", "refs/swarmd/removed").split()


def test_forced_removal_keeps_everything_and_says_how_it_comes_back(finished, repository):
    client, agent = finished
    with pytest.raises(RpcError) as error:
        remove(client, agent)
    assert error.value.kind == "dirty" and removed_refs(repository) == []
    kept = remove(client, agent, force=True)["kept"]
    assert kept["ref"] == f"refs/swarmd/removed/{agent['id']}" and kept["left"] == 0
    assert not worktree(agent).exists()
    run_git(repository, "gc", "-q", "--prune=now")
    subprocess.run(kept["restore"].split(), cwd=repository, check=True)
    assert run_git(repository, "rev-parse", agent["id"]).strip() == kept["commit"]
    for path, content in [("committed", "1\n"), ("new/file", "3\n")]:
        assert run_git(repository, "show", f"{agent['id']}:{path}") == content
    assert run_git(repository, "show", f"{agent['id']}:README.md").endswith("2\n")
    assert "one" in run_git(repository, "log", "--format=%s", agent["id"])


def test_without_work_nothing_is_kept(swarm, repository):
    client, _ = swarm([[text("nothing to do")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    assert remove(client, agent, force=True) == {"removed": agent["id"]}
    assert removed_refs(repository) == []


def test_commits_alone_are_kept_as_they_are_when_the_folder_is_gone(finished, repository):
    client, agent = finished
    tip = run_git(worktree(agent), "rev-parse", "HEAD").strip()
    subprocess.run(["rm", "-rf", worktree(agent)], check=True)
    with pytest.raises(RpcError) as error:
        remove(client, agent)
    assert error.value.kind == "dirty" and "1 commit" in error.value.message
    assert remove(client, agent, force=True)["kept"]["commit"] == tip


def test_old_ones_are_cleared_with_the_next_removal(finished, repository):
    client, agent = finished
    head = run_git(repository, "rev-parse", "HEAD").strip()
    now = int(run_git(repository, "log", "-1", "--format=%ct"))
    for name, when in [("old-aaaaa", now - 40 * 86400), ("young-aaaaa", now - 20 * 86400)]:
        tag = subprocess.run(["git", "mktag"], cwd=repository, text=True, capture_output=True, check=True,
                             input=f"object {head}\ntype commit\ntag {name}\n"
                                   f"tagger swarmd <swarmd@localhost> {when} +0000\n\nkept\n").stdout.strip()
        run_git(repository, "update-ref", f"refs/swarmd/removed/{name}", tag)
    remove(client, agent, force=True)
    assert removed_refs(repository) == [f"refs/swarmd/removed/{n}" for n in (agent["id"], "young-aaaaa")]


def test_what_cannot_be_kept_is_not_removed(finished, repository):
    client, agent = finished
    repository.rename(repository.with_name("elsewhere"))
    with pytest.raises(RpcError) as error:
        remove(client, agent, force=True)
    assert str(repository) in error.value.message and str(worktree(agent)) in error.value.message
    assert (worktree(agent) / "new" / "file").exists()
    repository.with_name("elsewhere").rename(repository)
    assert remove(client, agent, force=True)["kept"]
