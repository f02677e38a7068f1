# SPDX-License-Identifier: MIT
"""Mode `ask` and the other modes: what waits for a person, and what their answer does."""

import functools

import agents
import pytest
from agents import worktree
from client import RpcError
from model_server import call, text

spawn = functools.partial(agents.spawn, mode=None)


def question(client, start=0):
    return client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "approval"
                             and e["item"]["status"] == "started", start=start)["item"]["approval"]


def test_a_write_waits_and_is_allowed(swarm):
    client, _ = swarm([[call("write", path="a.txt", content="one\n")], [text("done")]])
    agent = spawn(client)
    waiting = client.wait_state(agent["id"], "waiting")
    assert waiting["activity"] == "waiting: may I run write a.txt?"
    asked = question(client)
    assert asked["tool"] == "write" and asked["agentId"] == agent["id"]
    assert asked["agentName"] and asked["input"] == {"path": "a.txt", "content": "one\n"}
    assert "+one" in asked["patch"]
    assert not (worktree(waiting) / "a.txt").exists()
    got = client.request("swarm/get", {"agentId": agent["id"]})
    assert [a["id"] for a in got["approvals"]] == [asked["id"]]
    answer = client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    assert answer["approval"]["decision"] == "allow" and answer["approval"]["by"]
    done = client.wait_state(agent["id"], "done")
    assert (worktree(done) / "a.txt").read_text() == "one\n" and done["approvals"] == 0
    again = client.request("swarm/approve", {"approvalId": asked["id"], "decision": "reject"})
    assert again["approval"]["decision"] == "allow"  # the first answer wins


def test_a_rejection_and_its_reason_reach_the_model(swarm):
    client, server = swarm([[call("bash", command="rm -r build")], [text("Understood.")]])
    agent = spawn(client)
    asked = question(client)
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "reject",
                                     "reason": "the build is needed"})
    client.wait_state(agent["id"], "done")
    assert "the build is needed" in server.requests[1].results[0]["content"]


def test_always_is_remembered(swarm):
    client, _ = swarm([[call("write", path="a", content="1")], [call("write", path="b", content="2")],
                       [call("bash", command="true 1")], [call("bash", command="true 2")],
                       [text("done")]])
    agent = spawn(client)
    client.request("swarm/approve", {"approvalId": question(client)["id"],
                                     "decision": "allowAlways"})
    asked = client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "approval"
                              and e["item"]["approval"]["tool"] == "bash")["item"]["approval"]
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "rejectAlways"})
    done = client.wait_state(agent["id"], "done")
    assert (worktree(done) / "b").read_text() == "2"
    questions = client.find_events(type="item")
    assert len({e["item"]["id"] for e in questions if e["item"]["kind"] == "approval"}) == 2


def test_several_questions_at_once_in_any_order(swarm):
    client, _ = swarm([[call("write", path="a", content="1"), call("write", path="b", content="2"),
                        call("read", path="README.md")], [text("done")]])
    agent = spawn(client)
    client.wait(lambda: len([e for e in client.events if e["type"] == "item"
                             and e["item"]["kind"] == "approval"]) == 2, "two questions")
    asked = {e["item"]["approval"]["title"]: e["item"]["approval"]["id"] for e in client.events
             if e["type"] == "item" and e["item"]["kind"] == "approval"}
    client.request("swarm/approve", {"approvalId": asked["write b"], "decision": "allow"})
    assert client.request("swarm/get", {"agentId": agent["id"]})["agent"]["state"] == "waiting"
    client.request("swarm/approve", {"approvalId": asked["write a"], "decision": "reject"})
    done = client.wait_state(agent["id"], "done")
    assert not (worktree(done) / "a").exists() and (worktree(done) / "b").exists()


def test_cancel_closes_the_question(swarm):
    client, _ = swarm([[call("write", path="a.txt", content="one\n")], [text("done")]])
    agent = spawn(client)
    asked = question(client)
    answer = client.request("swarm/cancel", {"agentId": agent["id"]})["agent"]
    assert (answer["state"], answer["approvals"]) == ("done", 0)
    client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "approval"
                      and e["item"]["status"] == "failed")
    closed = client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    assert "decision" not in closed["approval"]
    assert not (worktree(answer) / "a.txt").exists()


def test_modes(swarm):
    script = {word: [[call("read", path="README.md"), call("write", path="a.txt", content="1"),
                      call("bash", command="echo hi > b.txt")], [text("done")]]
              for word in ("full", "edit", "read")}
    client, server = swarm(script)
    full = client.wait_state(spawn(client, task="full", mode="full")["id"], "done")
    assert (worktree(full) / "b.txt").exists()
    edit = spawn(client, task="edit", mode="edit")
    client.wait_state(edit["id"], "waiting")
    asked = client.request("swarm/get", {"agentId": edit["id"]})["approvals"]
    assert [a["tool"] for a in asked] == ["bash"]
    client.request("swarm/kill", {"agentId": edit["id"]})
    read = client.wait_state(spawn(client, task="read", mode="read")["id"], "done")
    assert not (worktree(read) / "a.txt").exists() and not (worktree(read) / "b.txt").exists()
    offered = {t["function"]["name"] for t in server.requests[-1].body["tools"]}
    assert offered == {"read", "list", "glob", "grep"}


def test_unknown_approvals_and_decisions(swarm):
    client, _ = swarm([])
    for params, says in [({"approvalId": "nobody.i1", "decision": "allow"}, "nobody.i1"),
                         ({"approvalId": "x", "decision": "allow"}, "approvalId"),
                         ({"approvalId": "x", "decision": "maybe"}, "decision")]:
        with pytest.raises(RpcError) as error:
            client.request("swarm/approve", params, valid=says == "nobody.i1")
        assert error.value.code == -32602 and says in error.value.message


@pytest.mark.parametrize("mode, wanted, says", [
    ("read", call("write", path="a.txt", content="x"), "not allowed"),
    ("ask", call("edit", path="README.md", edits=[{"old_text": "no such", "new_text": "x"}]),
     "not found")])
def test_the_model_hears_of_calls_that_were_not_even_asked_about(swarm, mode, wanted, says):
    client, server = swarm([[wanted, call("read", path="README.md")], [text("I see.")]])
    agent = client.wait_state(spawn(client, mode=mode)["id"], "done", "failed")
    assert agent["stopReason"] == "endTurn"
    refused, read = server.requests[1].results
    assert says in refused["content"] and "A repository" in read["content"]


def test_what_one_person_is_asked_at_once_has_a_ceiling(swarm):
    large = "x" * (5 << 20)
    client, server = swarm([[call("write", path="a", content=large),
                             call("write", path="b", content=large)], [text("I see.")]])
    agent = client.wait_state(spawn(client)["id"], "waiting")
    (asked,) = client.request("swarm/get", {"agentId": agent["id"]})["approvals"]
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    client.wait_state(agent["id"], "done")
    assert "(not run" in server.requests[1].results[1]["content"]
