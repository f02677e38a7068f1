# SPDX-License-Identifier: MIT
"""swarm/configure: another model or mode for an agent that is there; and when items ended."""

import pytest

from client import RpcError
from model_server import Gate, ModelServer, call, gate, text


def begin(start, config, repository):
    client = start(config=config, cwd=repository)
    client.initialize(subscribe="all")
    return client


def spawn(client, task="try it", **options):
    return client.request("swarm/spawn", {"task": task,  **options})["agent"]


@pytest.fixture(name="two_models")
def fixture_two_models():
    """The configuration has a second provider, which is the same server."""
    stop = Gate()
    with ModelServer([[call("bash", command="echo one")], [text("done")], [gate(stop), text("two")],
                      [call("bash", command="echo three")], [text("three")]]) as server:
        server.stop = stop
        server.two = server.config(mode="ask") + \
            f'  second: {{kind: openai-chat, base_url: "{server.base_url}"}}\n'
        yield server
        stop.open()
    assert server.refused == []


def test_another_model_and_mode_hold_from_the_next_request_on(start, repository, two_models):
    client = begin(start, two_models.two, repository)
    agent = spawn(client)
    client.wait_state(agent["id"], "waiting")
    with pytest.raises(RpcError) as busy:
        client.request("swarm/configure", {"agentId": agent["id"], "model": "second/other"})
    assert busy.value.data["kind"] == "wrongState" and "turn under way" in str(busy.value)
    approval = client.request("swarm/approvals")["approvals"][0]
    client.request("swarm/approve", {"approvalId": approval["id"], "decision": "allow"})
    client.wait_state(agent["id"], "done")

    changed = client.request("swarm/configure", {"agentId": agent["id"], "model": "second/other", "mode": "full"})
    assert (changed["agent"]["provider"], changed["agent"]["model"]) == ("second", "other")
    client.request("swarm/send", {"agentId": agent["id"], "text": "again"})
    two_models.wait_requests(3)
    assert two_models.requests[1].body["model"] == "scripted"
    assert two_models.requests[2].body["model"] == "other"
    two_models.stop.open()
    client.wait_state(agent["id"], "done")
    client.request("swarm/send", {"agentId": agent["id"], "text": "and a command"})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "three"
                      and e["item"]["status"] == "completed")
    assert client.request("swarm/approvals")["total"] == 0, "mode full asks nothing"


def test_what_it_takes_is_said(start, repository, two_models):
    client = begin(start, two_models.two, repository)
    agent = spawn(client)
    client.wait_state(agent["id"], "waiting")
    for params, words in (({"mode": "wild"}, "ask, edit, full or read"),
                          ({"model": "nameless"}, "provider/model")):
        with pytest.raises(RpcError) as wrong:
            client.request("swarm/configure", {"agentId": agent["id"], **params}, valid="model" in params)
        assert words in str(wrong.value)
    with pytest.raises(RpcError) as nothing:
        client.request("swarm/configure", {"agentId": agent["id"]})
    assert "model or mode" in str(nothing.value)
    approval = client.request("swarm/approvals")["approvals"][0]
    client.request("swarm/approve", {"approvalId": approval["id"], "decision": "reject"})
    client.wait_state(agent["id"], "done")
    with pytest.raises(RpcError) as unknown:
        client.request("swarm/configure", {"agentId": agent["id"], "model": "nobody/model"})
    assert "nobody" in str(unknown.value)


def test_a_mode_never_goes_beyond_the_parent_s(start, repository, two_models):
    client = begin(start, two_models.two, repository)
    parent = spawn(client)
    client.wait_state(parent["id"], "waiting")
    child = spawn(client, task="a part", parent=parent["id"])
    changed = client.request("swarm/configure", {"agentId": child["id"], "mode": "full"})
    assert changed["agent"]["mode"] == "ask"


def test_items_tell_when_they_ended_also_after_a_restart(start, repository, two_models):
    client = begin(start, two_models.two, repository)
    agent = spawn(client, mode="full")
    client.wait_state(agent["id"], "done")

    def tools(client):
        items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
        return [(i["time"], i["endedAt"]) for i in items if i["kind"] == "tool"]

    ended = tools(client)
    assert len(ended) == 1 and ended[0][0] <= ended[0][1]
    client.close()
    assert tools(begin(start, two_models.two, repository)) == ended
