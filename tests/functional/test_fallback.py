# SPDX-License-Identifier: MIT
"""A configured model that is gone: another one instead, said once, and remembered."""

import pytest
from agents import get, items, spawn
from model_server import status, text, usage

GONE = {"openai": status(404, body={"error": {
            "message": "The model `old` does not exist", "type": "invalid_request_error",
            "code": "model_not_found"}}),
        "words": status(404, 'model "old" not found, try pulling it first'),
        "router": status(400, "old is not a valid model ID")}


def script(how="openai", gone=("old",)):
    return lambda r: GONE[how] if r.body["model"] in gone else [text("done"), usage(10, 1)]


def notices(client, agent):
    return [i["text"] for i in items(client, agent, "notice") if "not there any more" in i["text"]]


@pytest.mark.parametrize("how", list(GONE))
def test_a_model_that_is_gone_gives_the_next_and_one_warning(restarts, how):
    connect, server = restarts(script(how), model="old", fallback="[scripted/new]")
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done", "failed")
    assert (agent["state"], agent["model"]) == ("done", "new")
    assert [r.body["model"] for r in server.requests] == ["old", "new"]
    said, = notices(client, agent)
    assert "scripted/old" in said and "scripted/new" in said
    # later ones, and those after a restart, get the other one without a word
    for _ in range(2):
        later = client.wait_state(spawn(client)["id"], "done")
        assert later["model"] == "new" and notices(client, later) == []
        answer = client.request("swarm/models", {"provider": "demo"})
        assert answer["default"] == "scripted/new"
        client.process.kill()
        client = connect()
    assert [r.body["model"] for r in server.requests] == ["old", "new", "new", "new"]


def test_the_second_may_be_gone_too(swarm):
    client, server = swarm(script(gone=("old", "older")), model="old",
                           fallback="[scripted/older, scripted/new]")
    agent = client.wait_state(spawn(client)["id"], "done")
    assert agent["model"] == "new" and len(notices(client, agent)) == 2
    assert client.wait_state(spawn(client)["id"], "done")["model"] == "new"
    assert len(server.requests) == 4


def test_without_another_one_it_fails_and_says_what_to_do(swarm):
    client, server = swarm(script(), model="old")
    agent = client.wait_state(spawn(client)["id"], "failed")
    assert "model" in agent["error"]["message"] and len(server.requests) == 1


def test_all_are_gone(swarm):
    client, server = swarm(script(gone=("old", "new")), model="old", fallback="[scripted/new]")
    assert client.wait_state(spawn(client)["id"], "failed")["error"]["kind"] == "provider"
    assert len(server.requests) == 2


def test_a_name_that_somebody_typed_is_not_replaced(swarm):
    client, server = swarm(script(gone=("typo",)), model="old", fallback="[scripted/new]")
    agent = client.wait_state(spawn(client, model="scripted/typo")["id"], "failed")
    assert agent["model"] == "typo" and len(server.requests) == 1


def test_a_model_that_goes_away_while_an_agent_has_it(swarm):
    gone = []
    client, server = swarm(lambda r: GONE["openai"] if r.body["model"] in gone
                           else [text("done"), usage(10, 1)],
                           model="any", fallback="[scripted/new]")
    agent = client.wait_state(spawn(client, model="scripted/mine")["id"], "done")
    gone.append("mine")
    start = len(client.events)
    client.request("swarm/send", {"agentId": agent["id"], "text": "more"})
    agent = client.wait_state(agent["id"], "done", "failed", start=start)
    assert (agent["state"], agent["model"]) == ("done", "new") and len(notices(client, agent)) == 1
    assert get(client, agent)["agent"]["usage"]["requests"] == 2


def test_a_wrong_address_is_no_model_that_is_gone(swarm):
    client, server = swarm(lambda r: status(404, "Not Found"), model="old",
                           fallback="[scripted/new]")
    assert client.wait_state(spawn(client)["id"], "failed")["model"] == "old"
    assert len(server.requests) == 1
