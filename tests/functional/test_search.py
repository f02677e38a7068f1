# SPDX-License-Identifier: MIT
"""swarm/search: what was said is found, at once, and after a restart."""

import pytest

from client import Client, RpcError
from model_server import ModelServer, call, text


@pytest.fixture
def model():
    with ModelServer(lambda request: [text(f"I looked into {request.task}: the zebra's "
                                           "stripes were off by one.")]) as server:
        yield server


def spawn(client, repository, task, **params):
    agent = client.request("swarm/spawn", {"task": task, "cwd": str(repository),
                                           "isolation": "none", **params})["agent"]
    client.wait_turn_end(agent["id"])
    return agent["id"]


def found(client, query, **params):
    hits = client.request("swarm/search", {"query": query, **params})["hits"]
    return [(hit["agentId"], hit["kind"]) for hit in hits]


def test_what_was_said_is_found_at_once_and_after_a_restart(start, repository, model):
    client = start(config=model.config())
    client.initialize(subscribe="all")
    one = spawn(client, repository, "mend the parser")
    # Its end has been shown: all of it can be found now.
    assert found(client, "zebra stripes") == [(one, "assistant")]
    assert found(client, "\"mend the parser\"", agentId=one[:8])[-1] == (one, "user")
    two = spawn(client, repository, "mend the printer")
    assert found(client, "zebra") == [(two, "assistant"), (one, "assistant")]
    assert client.close() == 0

    client = start(config=model.config())
    client.initialize()
    assert found(client, "zebra") == [(two, "assistant"), (one, "assistant")]
    assert found(client, "zeb*", agentId=one) == [(one, "assistant")]
    client.request("swarm/remove", {"agentId": two})
    assert found(client, "zebra") == [(one, "assistant")]
    assert client.close() == 0


def test_a_hit_leads_to_its_item(start, repository, model):
    client = start(config=model.config())
    client.initialize(subscribe="all")
    agent = spawn(client, repository, "mend the parser")
    result = client.request("swarm/search", {"query": "zebra"})
    hit, = result["hits"]
    assert "next" not in result and result["seq"] >= hit["seq"]
    assert "the zebra's stripes" in hit["snippet"]
    page = client.request("swarm/transcript", {"agentId": agent, "before": hit["seq"] + 1,
                                               "limit": 1})
    item, = page["items"]
    assert (item["id"], item["seq"], item["time"]) == (hit["itemId"], hit["seq"], hit["time"])


def test_titles_and_outputs_of_tools_are_found(start, repository):
    answers = [[call("bash", command="echo wombat; exit 3")], [text("Done.")]]
    with ModelServer(answers) as server:
        client = start(config=server.config(sandbox="{enabled: false}"))
        client.initialize(subscribe="all")
        agent = spawn(client, repository, "x", mode="full")
        assert (agent, "tool") in found(client, "wombat")
        assert "notice" in [kind for _, kind in found(client, "sandbox*")]


def test_a_scope_is_searched_alone(start, repository, model):
    client = start(config=model.config())
    client.initialize(subscribe="all")
    red = [spawn(client, repository, f"task {n}", scope="red") for n in range(3)]
    spawn(client, repository, "task", scope="blue")
    assert [a for a, _ in found(client, "zebra", scope="red")] == red[::-1]
    assert found(client, "zebra", scope="green") == []
    page = client.request("swarm/search", {"query": "zebra", "scope": "red", "limit": 2})
    rest = client.request("swarm/search", {"query": "zebra", "scope": "red", "limit": 2,
                                           "after": page["next"]})
    assert [h["agentId"] for h in page["hits"] + rest["hits"]] == red[::-1]
    assert "next" not in rest


@pytest.mark.parametrize("params, message", [
    ({}, "query: expected a string that is not empty"),
    ({"query": "  "}, "query: expected a string that is not empty"),
    ({"query": "\"\" -> *"}, "query: expected words"),
    ({"query": "x" * 1025}, "query: it has 1025 bytes, at most 1024 are taken"),
    ({"query": 7}, "query: expected"),
    ({"query": "x", "limit": 0}, "limit: expected"),
    ({"query": "x", "after": "x"}, "after: expected"),
    ({"query": "x", "scope": "a", "agentId": "b"}, "scope: give agentId or scope, not both"),
])
def test_what_cannot_be_searched_is_said(start, params, message):
    client = start()
    client.initialize()
    with pytest.raises(RpcError) as error:
        client.request("swarm/search", params, valid=None if "->" in str(params) else False)
    assert error.value.code == -32602 and message in error.value.message
    with pytest.raises(RpcError) as error:
        client.request("swarm/search", {"query": "x", "agentId": "nobody"})
    assert error.value.kind == "unknownAgent"


def test_searches_while_agents_work_find_what_was_shown(start, repository):
    """Each text, as soon as its event came."""
    with ModelServer(lambda request: [text(f"token{request.number} ")]) as server:
        client = start(config=server.config(max_active=8))
        client.initialize(subscribe="all")
        for number in range(8):
            client.request("swarm/spawn", {"task": f"task {number}", "cwd": str(repository),
                                           "isolation": "none"})
        seen = 0
        while seen < 8:
            said = [e for e in client.events if e["type"] == "item"
                    and e["item"]["kind"] == "assistant" and e["item"]["status"] == "completed"]
            if len(said) == seen:
                client.wait(lambda: sum(e["type"] == "item" and e["item"]["kind"] == "assistant"
                                        and e["item"]["status"] == "completed"
                                        for e in client.events) > seen, "a text")
                continue
            event = said[seen]
            word = event["item"]["text"].strip()
            assert found(client, word) == [(event["agentId"], "assistant")]
            seen += 1
