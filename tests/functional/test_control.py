# SPDX-License-Identifier: MIT
"""Pause and continue, the queue of follow-ups, statistics."""

import pytest
from agents import get, spawn
from client import RpcError
from model_server import Gate, call, gate, text


def test_a_paused_turn_ends_its_answer_and_begins_nothing(swarm, tmp_path):
    here = Gate()
    ran = tmp_path / "ran"
    client, server = swarm([[text("Now "), gate(here), call("bash", command=f"touch {ran}")],
                            [text("done")]])
    agent = spawn(client)
    here.wait_reached()
    paused = client.request("swarm/pause", {"agentId": agent["id"]})["agents"]
    assert [a["state"] for a in paused] == ["paused"]
    here.open()
    assert server.requests[0].answered.wait(60)
    assert client.request("swarm/list", {}) and not ran.exists()
    (going,) = client.request("swarm/continue", {"agentId": agent["id"]})["agents"]
    assert going["state"] in ("queued", "starting", "working")
    done = client.wait_state(agent["id"], "done", start=len(client.events) - 1)
    assert ran.exists() and done["usage"]["turns"] == 1 and len(server.requests) == 2


def test_pause_and_continue_everything(swarm):
    here = Gate()
    client, server = swarm(lambda request: [text("x "), gate(here)], max_active=2)
    agents = [spawn(client, f"task {i}") for i in range(4)]
    server.wait_requests(2)
    paused = client.request("swarm/pause", {})["agents"]
    assert {a["state"] for a in paused} == {"paused"} and len(paused) == 4
    here.open()
    client.request("swarm/continue", {})
    for agent in agents:
        client.wait_state(agent["id"], "done")
    assert len(server.requests) == 4


def test_a_paused_agent_stays_paused_across_a_restart(restarts):
    here = Gate()
    connect, server = restarts([[text("half "), gate(here)], [text("whole")]])
    client = connect()
    agent = spawn(client)
    here.wait_reached()
    client.request("swarm/pause", {"agentId": agent["id"]})
    client.process.kill()
    client.process.wait()
    client = connect()
    assert get(client, agent)["agent"]["state"] == "paused"
    client.request("swarm/continue", {"agentId": agent["id"]})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "whole")


def test_a_question_can_be_answered_while_paused(swarm):
    client, _ = swarm([[call("write", path="a", content="1")], [text("done")]])
    agent = spawn(client, mode="ask")
    client.wait_state(agent["id"], "waiting")
    client.request("swarm/pause", {"agentId": agent["id"]})
    (asked,) = client.request("swarm/get", {"agentId": agent["id"]})["approvals"]
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    assert get(client, agent)["agent"]["state"] == "paused"
    client.request("swarm/continue", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")


def test_continue_with_an_open_question_waits_again(swarm):
    client, _ = swarm([[call("write", path="a", content="1")], [text("done")]])
    agent = spawn(client, mode="ask")
    client.wait_state(agent["id"], "waiting")
    client.request("swarm/pause", {"agentId": agent["id"]})
    start = len(client.events)
    client.request("swarm/continue", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "waiting", start=start)
    assert client.request("swarm/kill", {"agentId": agent["id"]})["agent"]["state"] == "killed"


def test_pausing_what_has_ended_is_an_error(swarm):
    client, _ = swarm([[text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    for method in ("swarm/pause", "swarm/continue"):
        with pytest.raises(RpcError) as error:
            client.request(method, {"agentId": agent["id"]})
        assert error.value.kind == "wrongState" and agent["id"] in error.value.message
    (same,) = client.request("swarm/pause", {})["agents"]
    assert same["state"] == "done"


def test_queued_messages_can_be_edited_and_dropped(swarm):
    here = Gate()
    client, server = swarm([[text("busy "), gate(here)], [text("second")]])
    agent = spawn(client)
    here.wait_reached()
    first, second = (client.request("swarm/send", {"agentId": agent["id"], "text": words})
                     for words in ("frist", "second"))
    edited = client.request("swarm/queue", {"agentId": agent["id"], "itemId": first["itemId"],
                                            "text": "first"})
    assert [m["text"] for m in edited["queue"]] == ["first", "second"]
    dropped = client.request("swarm/queue", {"agentId": agent["id"], "itemId": second["itemId"],
                                             "text": None})
    assert [m["text"] for m in dropped["queue"]] == ["first"]
    for params, says in [({"itemId": second["itemId"], "text": "x"}, "itemId"),
                         ({"itemId": first["itemId"]}, "text"),
                         ({"itemId": first["itemId"], "text": " "}, "text")]:
        with pytest.raises(RpcError) as error:
            client.request("swarm/queue", {"agentId": agent["id"], **params},
                           valid=says == "itemId")
        assert error.value.code == -32602 and says in error.value.message
    for method, params in [("swarm/queue", {"itemId": first["itemId"], "text": "one\0two"}),
                           ("swarm/compact", {"instructions": "one\0two"})]:
        with pytest.raises(RpcError, match="U.0000"):  # and is not cut there
            client.request(method, {"agentId": agent["id"], **params})
    here.open()
    server.wait_requests(2)
    assert server.requests[1].messages[-1]["content"] == "first"


def test_stats(swarm):
    client, _ = swarm([[call("list")], [text("done")]])
    client.wait_state(spawn(client)["id"], "done")
    stats = client.request("swarm/stats", {})
    assert stats["agents"]["done"] == 1 and stats["active"] == 0 and stats["maxActive"] == 16
    assert stats["totals"]["turns"] == 1 and stats["totals"]["toolCalls"] == 1
    assert stats["totals"]["inputTokens"] > 0
    assert stats["process"]["pid"] == client.process.pid
    assert stats["process"]["peakResidentBytes"] > 1 << 20


def test_the_queue_has_a_ceiling_and_a_full_one_survives_a_restart(restarts):
    here = Gate()
    connect, _ = restarts([[text("busy "), gate(here)], [text("done")]])
    client = connect()
    agent = spawn(client)
    here.wait_reached()
    sent = [client.request("swarm/send", {"agentId": agent["id"], "text": "z" * (1 << 20)})
            for _ in range(16)]
    with pytest.raises(RpcError) as error:
        client.request("swarm/send", {"agentId": agent["id"], "text": "x"})
    assert error.value.kind == "limit" and "16777216" in error.value.message
    first = {"agentId": agent["id"], "itemId": sent[0]["itemId"]}
    client.request("swarm/queue", {**first, "text": "short"})
    client.request("swarm/send", {"agentId": agent["id"], "text": "x"})
    with pytest.raises(RpcError) as error:
        client.request("swarm/queue", {**first, "text": "y" * (1 << 20)})
    assert error.value.kind == "limit"
    client.process.kill()
    client.process.wait()
    client = connect()
    assert [a["queued"] for a in client.request("swarm/list", {})["agents"]] == [17]
