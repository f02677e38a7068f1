# SPDX-License-Identifier: MIT
"""Removing an agent while something else is asked of it."""

import pytest
from client import RpcError


@pytest.fixture
def client(start, repository):
    client = start()
    client.initialize(root=repository)
    return client


def spawn(client, **params):
    return client.request("swarm/spawn", {"task": "add a CONTRIBUTING file", **params})["agent"]


def test_a_running_agent_without_a_worktree_is_removed(client):
    agent = spawn(client, isolation="none", mode="ask")
    client.wait_state(agent["id"], "waiting")
    removed = client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert removed["removed"] == agent["id"]
    assert client.request("swarm/list")["agents"] == []
    assert client.close() == 0


@pytest.mark.parametrize("isolation", ["worktree", "none"])
@pytest.mark.parametrize("method", ["kill", "cancel", "remove", "resume"])
def test_what_comes_while_it_is_removed_is_answered(client, method, isolation):
    agent = spawn(client, mode="full", isolation=isolation)
    client.wait_state(agent["id"], "done")
    name = {"agentId": agent["id"]}
    first = client.start_request("swarm/remove", {**name, "force": True})
    second = client.start_request(f"swarm/{method}", name)
    assert client.wait_response(first)["removed"] == agent["id"]
    with pytest.raises(RpcError) as error:
        client.wait_response(second, timeout=15)
    assert error.value.kind in ("wrongState", "unknownAgent")
    assert client.close() == 0


@pytest.mark.parametrize("method", ["kill", "cancel", "remove"])
def test_what_comes_while_its_work_is_looked_at_is_answered(client, method):
    agent = spawn(client, mode="full")
    client.wait_state(agent["id"], "done")
    name = {"agentId": agent["id"]}
    first = client.start_request("swarm/remove", name)
    forced = {"force": True} if method == "remove" else {}
    second = client.start_request(f"swarm/{method}", {**name, **forced})
    with pytest.raises(RpcError) as error:
        client.wait_response(first)
    assert error.value.kind in ("dirty", "wrongState")
    try:
        answer = client.wait_response(second, timeout=15)
    except RpcError as error:
        assert error.kind == "wrongState"
        answer = None
    if not answer or answer.get("removed") != agent["id"]:
        answer = client.request("swarm/remove", {**name, "force": True})
    assert answer["removed"] == agent["id"]
    assert client.close() == 0
