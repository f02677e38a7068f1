# SPDX-License-Identifier: MIT
"""What a repository wants in worktrees of it: nothing counts before a person said so, once per content."""

import json
import subprocess

import pytest
from agents import get, items, spawn, worktree
from client import RpcError
from model_server import text

DONE = [[text("done")]] * 8


def git(folder, *arguments):
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True).stdout.decode().strip()


def bring(repository, include=None, setup=None):
    (repository / ".gitignore").write_text(".env\n*.key\n*.made\n")
    for name, content in ((".worktreeinclude", include), (".worktreesetup", setup)):
        if content is not None:
            (repository / name).write_text(content)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Bring")
    for name in (".env", "x.key"):
        (repository / name).write_text(name)


def asked(client, agent, start=0):
    client.wait_state(agent["id"], "waiting", start=start)
    return get(client, agent)["approvals"]


def answer(client, approval, decision="allow", **more):
    return client.request("swarm/approve", {"approvalId": approval["id"], "decision": decision, **more})["approval"]


def rules(client):
    return [(rule["effect"], rule["rule"]) for rule in client.request("swarm/rules")["rules"]]


def notices(client, agent):
    return [item["text"] for item in items(client, agent, "notice")]


def test_each_content_is_asked_about_once(swarm, repository):
    bring(repository, ".env\n", "cat .env\necho ran > it.made\n")
    client, server = swarm(DONE)
    first = spawn(client)
    include, setup = asked(client, first)
    assert (include["tool"], include["input"]) == ("worktreeinclude", {"file": ".worktreeinclude", "content": ".env\n"})
    assert (setup["tool"], setup["input"]["content"]) == ("worktreesetup", "cat .env\necho ran > it.made\n")
    assert not (worktree(first) / ".env").exists() and not server.requests
    answer(client, include)
    assert client.request("swarm/get", {"agentId": first["id"]})["agent"]["state"] == "waiting"
    answer(client, setup)
    client.wait_state(first["id"], "done")
    assert (worktree(first) / ".env").read_text() == ".env" and (worktree(first) / "it.made").exists()
    assert any(said.startswith("setup: .worktreesetup\n.env") for said in notices(client, first))
    named = [f"worktree{kind}({git(repository, 'hash-object', f'.worktree{kind}')})" for kind in ("include", "setup")]
    assert rules(client) == [("allow", rule) for rule in named]

    second = spawn(client)
    client.wait_state(second["id"], "done")
    assert (worktree(second) / ".env").exists() and (worktree(second) / "it.made").exists()

    (repository / ".worktreeinclude").write_text(".env\n*.key\n")  # another content
    third = spawn(client)
    question, = asked(client, third)
    answer(client, question, "reject")
    client.wait_state(third["id"], "done")
    assert not (worktree(third) / ".env").exists() and (worktree(third) / "it.made").exists()
    assert any(".worktreeinclude, which is not used" in said for said in notices(client, third))
    fourth = spawn(client)
    client.wait_state(fourth["id"], "done")
    assert not (worktree(fourth) / "x.key").exists()

    denied = next(r for r in client.request("swarm/rules")["rules"] if r["effect"] == "deny")
    client.request("swarm/rules", {"revoke": denied["id"]})
    assert len(asked(client, spawn(client))) == 1
    actions = [e["action"] for e in client.request("swarm/audit", {"agentId": third["id"]})["entries"]]
    assert {"asked", "answered", "remembered"} <= set(actions)


def test_one_answer_is_for_all_that_wait(swarm, repository):
    bring(repository, ".env\n")
    client, _ = swarm(DONE)
    agents = [spawn(client) for _ in range(3)]
    questions = [asked(client, agent)[0] for agent in agents]
    with pytest.raises(RpcError, match="used as it is"):
        answer(client, questions[0], input={"content": "*"})
    answer(client, questions[1])
    for agent in agents:
        client.wait_state(agent["id"], "done")
        assert (worktree(agent) / ".env").exists() and not (worktree(agent) / "x.key").exists()
    assert len(rules(client)) == 1


@pytest.mark.parametrize("how", ["kill", "pause", "remove", "change"])
def test_while_it_waits(swarm, repository, how):
    bring(repository, ".env\n")
    client, _ = swarm(DONE)
    agent = spawn(client)
    question, = asked(client, agent)
    if how == "kill":
        client.request("swarm/kill", {"agentId": agent["id"]})
        client.wait_state(agent["id"], "killed")
        assert not get(client, agent)["approvals"]
        resumed = len(client.events)
        client.request("swarm/resume", {"agentId": agent["id"]})
        question, = asked(client, agent, start=resumed)
    elif how == "pause":
        client.request("swarm/pause", {"agentId": agent["id"]})
        answer(client, question)
        assert client.request("swarm/get", {"agentId": agent["id"]})["agent"]["state"] == "paused"
        client.request("swarm/continue", {"agentId": agent["id"]})
    elif how == "remove":
        client.request("swarm/remove", {"agentId": agent["id"], "force": True})
        assert not worktree(agent).exists()
        agent = spawn(client)
        question, = asked(client, agent)
    else:  # what was asked about is what counts, not what came meanwhile
        (repository / ".worktreeinclude").write_text("*.key\n")
        answer(client, question)
        client.wait(lambda: (lambda a: a and a[0]["input"]["content"] == "*.key\n")(get(client, agent)["approvals"]),
                    "the other question")
        question, = get(client, agent)["approvals"]
        assert not (worktree(agent) / "x.key").exists()
    if how != "pause":
        answer(client, question)
    client.wait_state(agent["id"], "done")
    assert (worktree(agent) / ("x.key" if how == "change" else ".env")).exists()


@pytest.mark.parametrize("kill", [True, False])
def test_a_question_outlives_the_server(swarm, start, repository, kill):
    bring(repository, setup="echo ran > it.made\n")
    client, server = swarm(DONE)
    agent = spawn(client)
    question, = asked(client, agent)
    if kill:
        client.kill()
    else:
        assert client.close() == 0
    client = start(config=server.config())
    client.initialize(root=repository, subscribe="all")
    again, = get(client, agent)["approvals"]
    assert again["id"] == question["id"]
    answer(client, again)
    client.wait_state(agent["id"], "done")
    assert (worktree(agent) / "it.made").read_text() == "ran\n"


@pytest.mark.parametrize("config", [
    {"permissions": {"deny": ["worktreeinclude", "worktreesetup"]}},
    {"repositories": "\n  - {path: PATH, worktreeinclude: false, setup: ''}"}])
def test_nobody_is_asked_when_the_configuration_says_no(swarm, repository, config):
    bring(repository, ".env\n", "echo ran > it.made\n")
    config = {key: value.replace("PATH", str(repository)) if isinstance(value, str) else value
              for key, value in config.items()}
    client, _ = swarm(DONE, **config)
    agent = client.wait_state(spawn(client)["id"], "done", "waiting")
    assert agent["state"] == "done"
    assert not (worktree(agent) / ".env").exists() and not (worktree(agent) / "it.made").exists()


def test_rules_of_an_agent_can_only_deny(swarm, repository):
    bring(repository, ".env\n")
    client, _ = swarm(DONE)
    denied = client.wait_state(spawn(client, permissions={"deny": ["*"]})["id"], "done", "waiting")
    assert denied["state"] == "done" and any("is not used" in said for said in notices(client, denied))
    assert asked(client, spawn(client, permissions={"allow": ["worktreeinclude", "*"]}))


def test_what_cannot_be_shown_is_not_used(swarm, repository):
    bring(repository, ".env\n", "echo ran > it.made\n")
    (repository / ".worktreeinclude").write_bytes(b".env\n" + b"# \xff\n")
    (repository / ".worktreesetup").unlink()
    (repository / ".worktreesetup").symlink_to("/etc/hostname")
    client, _ = swarm(DONE)
    agent = client.wait_state(spawn(client)["id"], "done", "waiting")
    assert agent["state"] == "done" and not (worktree(agent) / ".env").exists()
    assert sum("plain text" in said for said in notices(client, agent)) == 2
    assert json.dumps(rules(client)) == "[]"
