# SPDX-License-Identifier: MIT
"""What agents that are gone have left, and agents whose files are gone: shown, then cleared."""

import shutil
import subprocess

import pytest
from agents import spawn, worktree
from client import binary
from histories import run_git
from model_server import call, text

WORK = [[call("bash", command="echo 1 > committed; git add committed; git commit -qm one; echo 2 > new")], [text("done")]]


@pytest.fixture
def finished(restarts):
    """(connect, client, an agent whose worktree has a commit and a new file)."""
    connect, _ = restarts(WORK)
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done")
    client.request("swarm/checkpoints", {"agentId": agent["id"]})  # that of the turn is made
    return connect, client, agent


def prune(client, **params):
    found = client.request("swarm/prune", params)
    assert not found["more"]
    return found["orphans"]


def refs(repository):
    out = run_git(repository, "for-each-ref", "--format=%(refname)", "refs/swarmd", "refs/heads/swarm")
    return set(out.split())


def forget_agents(client, connect, tmp_path):
    """The store is lost, the files are there: another server knows of no agent."""
    assert client.close() == 0
    for file in (tmp_path / "state").glob("swarmd.db*"):
        file.unlink()
    client = connect()
    assert client.request("swarm/list")["agents"] == []
    return client


def test_what_agents_have_is_no_orphan(finished, repository):
    _, client, agent = finished
    assert prune(client) == [] == prune(client, clear=True)
    assert (worktree(agent) / "new").exists() and f"refs/heads/swarm/{agent['id']}" in refs(repository)
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert prune(client, cwd=repository.as_uri()) == []
    assert refs(repository) == {f"refs/swarmd/removed/{agent['id']}"}


def test_a_worktree_without_an_agent_is_shown_then_kept_and_cleared(finished, repository, tmp_path):
    connect, client, agent = finished
    client = forget_agents(client, connect, tmp_path)
    (orphan,) = prune(client)
    assert orphan["id"] == agent["id"] and orphan["kind"] == "worktree" and not orphan["cleared"]
    assert orphan["path"] == str(worktree(agent)) and orphan["repository"] == str(repository)
    assert "1 uncommitted file" in orphan["work"] and "1 commit" in orphan["work"]
    assert (worktree(agent) / "new").exists()
    (cleared,) = prune(client, clear=True)
    assert cleared["cleared"] and "error" not in cleared
    assert not worktree(agent).exists()
    assert not list((tmp_path / "state").glob(f"*/{agent['id']}*"))
    assert refs(repository) == {cleared["kept"]["ref"]}
    subprocess.run(cleared["kept"]["restore"].split(), cwd=repository, check=True)
    assert run_git(repository, "show", f"{agent['id']}:new") == "2\n"
    assert run_git(repository, "show", f"{agent['id']}:committed") == "1\n"
    assert prune(client) == []


@pytest.mark.parametrize("part", ["worktrees", "git"])
def test_half_of_a_worktree_is_an_orphan_too(finished, repository, tmp_path, part):
    connect, client, agent = finished
    shutil.rmtree(tmp_path / "state" / part)
    client = forget_agents(client, connect, tmp_path)
    orphans = prune(client, clear=True, cwd=str(repository))
    assert [o["id"] for o in orphans] == [agent["id"]]
    (orphan,) = orphans
    assert orphan["cleared"] and refs(repository) == {orphan["kept"]["ref"]} and not worktree(agent).exists()
    files = run_git(repository, "ls-tree", "--name-only", orphan["kept"]["ref"]).split()
    assert "committed" in files and ("new" in files) == (part == "git")
    assert prune(client) == []


def test_files_that_belong_to_no_repository_stay(finished, tmp_path):
    _, client, _ = finished
    stray = tmp_path / "state" / "worktrees" / "repository" / "stray-aaaaa"
    stray.mkdir()
    (stray / "file").write_text("mine")
    (orphan,) = prune(client, clear=True)
    assert not orphan["cleared"] and str(stray) in orphan["error"] and "by hand" in orphan["error"]
    assert (stray / "file").read_text() == "mine"
    (stray / "file").unlink()
    assert prune(client, clear=True)[0]["cleared"] and not stray.exists()


def test_branches_and_references_alone_are_cleared_by_name(finished, repository):
    _, client, agent = finished
    tip = run_git(repository, "rev-parse", f"swarm/{agent['id']}").strip()
    run_git(repository, "branch", "swarm/nobody-aaaaa", "main")
    run_git(repository, "branch", "swarm/mine/own", "main")
    run_git(repository, "update-ref", "refs/swarmd/lost-bbbbb/tip", run_git(repository, "commit-tree", "-p", tip, "-m", "lost", "main^{tree}").strip())
    before = refs(repository)
    found = {o["id"]: o for o in prune(client, clear=True)}
    assert set(found) == {"nobody-aaaaa", "lost-bbbbb"} and refs(repository) == before
    assert all(o["kind"] == "branch" and not o["cleared"] for o in found.values())
    assert "work" not in found["nobody-aaaaa"] and "commit" in found["lost-bbbbb"]["work"]
    prune(client, clear=True, ids=["nobody-aaaaa", "lost-bbbbb"])
    assert refs(repository) == {r for r in before if "nobody" not in r and "lost" not in r} | {"refs/swarmd/removed/lost-bbbbb"}
    assert run_git(repository, "log", "-1", "--format=%s", "refs/swarmd/removed/lost-bbbbb").strip() == "lost"


def test_an_agent_whose_worktree_was_deleted_is_removed_by_name(finished, repository):
    _, client, agent = finished
    shutil.rmtree(worktree(agent))
    (orphan,) = prune(client, clear=True)
    assert (orphan["id"], orphan["kind"], orphan["cleared"]) == (agent["id"], "agent", False)
    assert "worktree" in orphan["why"]
    (orphan,) = prune(client, clear=True, ids=[agent["id"]])
    assert orphan["cleared"] and run_git(repository, "show", f"{orphan['kept']['ref']}:committed") == "1\n"
    assert client.request("swarm/list")["agents"] == [] and refs(repository) == {orphan["kept"]["ref"]}


def test_an_agent_whose_repository_is_gone_loses_nothing(finished, repository):
    _, client, agent = finished
    repository.rename(repository.with_name("elsewhere"))
    (orphan,) = prune(client, clear=True, ids=[agent["id"]])
    assert orphan["kind"] == "agent" and "repository" in orphan["why"]
    assert not orphan["cleared"] and str(repository) in orphan["error"]
    assert (worktree(agent) / "new").exists()
    repository.with_name("elsewhere").rename(repository)
    assert prune(client) == []
    shutil.rmtree(worktree(agent))
    shutil.rmtree(repository)
    (orphan,) = prune(client, clear=True, ids=[agent["id"]])
    assert orphan["cleared"] and client.request("swarm/list")["agents"] == []


def test_what_was_kept_for_30_days_goes(finished, repository):
    _, client, _ = finished
    head = run_git(repository, "rev-parse", "HEAD").strip()
    now = int(run_git(repository, "log", "-1", "--format=%ct"))
    for name, when in [("old-aaaaa", now - 31 * 86400), ("young-aaaaa", now - 29 * 86400)]:
        tag = run_git(repository, "mktag", input=f"object {head}\ntype commit\ntag {name}\ntagger s <s@localhost> {when} "
                                                 "+0000\n\nkept\n".encode()).strip()
        run_git(repository, "update-ref", f"refs/swarmd/removed/{name}", tag)
    (orphan,) = prune(client)
    assert orphan["id"] == "refs/swarmd/removed/old-aaaaa" and orphan["kind"] == "kept"
    assert prune(client, clear=True)[0]["cleared"]
    assert "refs/swarmd/removed/young-aaaaa" in refs(repository) and prune(client) == []


def test_on_the_command_line(finished, repository, tmp_path):
    connect, client, agent = finished
    forget_agents(client, connect, tmp_path).close()

    def run(*arguments):
        return subprocess.run([binary(), "prune", *arguments], env=client.environment, cwd=repository, capture_output=True,
                              text=True, timeout=60)
    shown = run()
    assert shown.returncode == 0 and agent["id"] in shown.stdout and "1 uncommitted file" in shown.stdout, shown.stderr
    assert worktree(agent).exists()
    cleared = run("--clear")
    assert "cleared: worktree" in cleared.stdout and f"git branch {agent['id']}" in cleared.stdout
    assert not worktree(agent).exists()
    assert "Nothing is left" in run().stdout
    assert run("--bad").returncode == 2 and run(agent["id"]).returncode == 2
