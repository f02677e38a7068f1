# SPDX-License-Identifier: MIT
"""Requests that failed for a passing reason are made again; others are not."""

import pytest
from agents import items, spawn
from model_server import call, cut, status, text


def texts(client, agent):
    return [(i["status"], i["text"]) for i in items(client, agent, "assistant")]


def test_a_wait_that_the_provider_asked_for_is_shown(swarm):
    client, server = swarm([status(429, "slow down", headers={"Retry-After": "1"}), [text("done")]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "agent"
                      and e["agent"]["activity"] == "retry in 1 s (429)")
    done = client.wait_state(agent["id"], "done")
    assert done["error"] is None and len(server.requests) == 2


@pytest.mark.parametrize("code", [408, 429, 500, 503, 529])
def test_a_passing_failure_is_tried_again(swarm, code):
    client, server = swarm([status(code), [text("done")]])
    done = client.wait_state(spawn(client)["id"], "done")
    assert done["error"] is None and len(server.requests) == 2


def test_an_answer_that_broke_is_made_anew_and_tools_run_once(swarm, tmp_path):
    ran = tmp_path / "ran"
    client, server = swarm([[call("bash", command=f"echo x >> {ran}")],
                            [text("half of "), cut()], [text("the whole")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    assert texts(client, agent) == [("failed", "half of "), ("completed", "the whole")]
    assert ran.read_text() == "x\n"
    assert not any("half of" in str(m) for m in server.requests[2].messages)


@pytest.mark.parametrize("code, kind", [(401, "auth"), (400, "provider"), (404, "provider")])
def test_what_would_fail_again_is_not_tried_again(swarm, code, kind):
    client, server = swarm([status(code, "no")])
    agent = client.wait_state(spawn(client)["id"], "failed")
    assert agent["error"]["kind"] == kind and len(server.requests) == 1


def test_tries_have_an_end(swarm):
    client, server = swarm(lambda request: status(429, "no", headers={"Retry-After": "0"}))
    agent = client.wait_state(spawn(client)["id"], "failed")
    assert agent["error"]["kind"] == "rateLimited" and len(server.requests) == 6


def test_a_wait_that_is_too_long_is_a_quota_that_is_used_up(swarm):
    client, server = swarm([status(429, "tomorrow", headers={"Retry-After": "86400"})])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "agent"
                      and "waiting for quota" in (e["agent"]["activity"] or ""))
    answer = client.request("swarm/cancel", {"agentId": agent["id"]})["agent"]
    assert answer["stopReason"] == "cancelled" and len(server.requests) == 1


def test_cancel_ends_the_wait(swarm):
    client, server = swarm([status(429, "later", headers={"Retry-After": "300"}), [text("x")]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "agent"
                      and "retry in 300 s (429)" in (e["agent"]["activity"] or ""))
    answer = client.request("swarm/cancel", {"agentId": agent["id"]})["agent"]
    assert answer["stopReason"] == "cancelled" and len(server.requests) == 1
