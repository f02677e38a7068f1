# SPDX-License-Identifier: MIT
"""Budgets: a warning at 80 %, an end at 100 %, and on when they are raised."""

import pytest
from agents import get, items, spawn
from client import RpcError
from model_server import call, text, usage

PRICES = "{scripted/scripted: {price: {input: 1, output: 10}}}"


def working(steps, tokens=1000):
    """Answers with a call each, so many of them, and one that ends the turn."""
    return [[call("read", path="README.md"), usage(tokens, 0)] for _ in range(steps)] + \
        [[text("done"), usage(tokens, 0)]]


def notices(client, agent, word="udget"):
    return [i["text"] for i in items(client, agent, "notice") if word in i["text"]]


def test_warned_at_80_percent_stopped_at_100_and_on_when_raised(swarm):
    client, server = swarm(working(7), budgets="{agent: {steps: 5}}")
    agent = spawn(client)
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "budget" and done["error"] is None
    assert len(server.requests) == 5
    warned, stopped = notices(client, agent)
    assert "80 %" in warned and "4 of 5 steps" in warned
    assert "used up" in stopped and "5 of 5 steps" in stopped
    # the calls of the last answer were made: nothing is asked for or paid twice
    assert len(items(client, agent, "tool")) == 5
    start = len(client.events)
    answer = client.request("swarm/budget", {"agentId": agent["id"], "budget": {"steps": 100}})
    assert answer["resumed"] == [agent["id"]] and answer["budget"]["steps"] == 100
    done = client.wait_state(agent["id"], "done", start=start)
    assert done["stopReason"] == "endTurn" and len(server.requests) == 8
    assert len(notices(client, agent)) == 2


def test_raised_a_little_it_warns_again(swarm):
    client, server = swarm(working(30), budgets="{agent: {steps: 5}}")
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    start = len(client.events)
    client.request("swarm/budget", {"agentId": agent["id"], "budget": {"steps": 10}})
    done = client.wait_state(agent["id"], "done", start=start)
    assert done["stopReason"] == "budget" and len(server.requests) == 10
    assert ["8 of 10" in n for n in notices(client, agent)].count(True) == 1


def test_a_limit_of_tokens_at_spawn_is_a_budget(swarm):
    client, server = swarm(working(9))
    agent = spawn(client, limits={"tokens": 2500})
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "budget" and len(server.requests) == 3
    assert client.request("swarm/budget", {"agentId": agent["id"]})["budget"]["tokens"] == 2500


def test_dollars_are_counted_exactly(swarm):
    client, server = swarm(working(9), models=PRICES)
    agent = spawn(client, limits={"costUsd": 0.003})
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "budget" and done["usage"]["costUsd"] == 0.003
    assert len(server.requests) == 3
    assert any("$0.0030 of $0.0030" in n for n in notices(client, agent, "used up"))


@pytest.mark.parametrize("kind, params", [("day", {"day": True}), ("scope", {"scope": "mine"})])
def test_agents_share_a_budget_also_across_a_restart(restarts, kind, params):
    connect, server = restarts({w: working(9) for w in ("one", "two", "three")}, models=PRICES,
                               budgets=f"{{{kind}: {{cost_usd: 0.005}}}}")
    client = connect()
    first = spawn(client, "one", scope="mine", limits={"steps": 4})
    assert client.wait_state(first["id"], "done")["stopReason"] == "maxSteps"
    assert len(notices(client, first)) == 1  # 80 %
    client.process.kill()
    client = connect()
    second = spawn(client, "two", scope="mine")
    assert client.wait_state(second["id"], "done")["stopReason"] == "budget"
    assert len(server.requests) == 5  # what the first one used was known
    assert ["used up" in n for n in notices(client, second)] == [True]
    third = spawn(client, "three", scope="mine")
    assert client.wait_state(third["id"], "done")["stopReason"] == "budget"
    assert len(server.requests) == 5
    start = len(client.events)
    answer = client.request("swarm/budget", {**params, "budget": {"costUsd": 1}})
    assert answer["kind"] == kind and set(answer["resumed"]) == {second["id"], third["id"]}
    for agent in (second, third):
        assert client.wait_state(agent["id"], "done", start=start)["stopReason"] == "endTurn"
    client.process.kill()  # what was set lasts
    client = connect()
    assert client.request("swarm/budget", params)["budget"]["costUsd"] == 1


LIMITS = {  # a measure -> its name in the configuration, a limit, requests until it is reached
    "steps": ("steps", 5, 5), "tokens": ("tokens", 4500, 5), "costUsd": ("cost_usd", 0.0045, 5),
    "seconds": ("seconds", 1, None)}


@pytest.mark.parametrize("measure", LIMITS)
@pytest.mark.parametrize("kind, whose", [
    ("agent", {}), ("swarm", {"swarmId": "us"}), ("scope", {"scope": "mine"}), ("day", {})])
def test_each_measure_of_each_kind(swarm, kind, whose, measure):
    """A warning at 80 %, an end at 100 %, and on when it is raised."""
    name, limit, steps = LIMITS[measure]
    script = working(9) if steps else [
        [call("bash", command="sleep 0.3"), usage(1, 1)] for _ in range(5)] + [[text("done")]]
    client, server = swarm(script, models=PRICES, budgets=f"{{{kind}: {{{name}: {limit}}}}}")
    agent = spawn(client, **whose)
    assert agent["swarmId"] == whose.get("swarmId")
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "budget" and done["error"] is None
    assert len(server.requests) == steps or not steps and 2 <= len(server.requests) <= 5
    warned, stopped = notices(client, agent)
    assert "80 %" in warned and "used up" in stopped
    start = len(client.events)
    params = {"agent": {"agentId": agent["id"]}, "day": {"day": True}}.get(kind, whose)
    answer = client.request("swarm/budget", {**params, "budget": {measure: 1000 * limit}})
    assert answer["kind"] == kind and answer["resumed"] == [agent["id"]]
    assert client.wait_state(agent["id"], "done", start=start)["stopReason"] == "endTurn"
    assert len(server.requests) == len(script)


def test_those_who_work_for_one_of_a_group_are_in_it(swarm):
    client, server = swarm({"first": working(2), "second": working(9), "third": working(4)},
                           budgets="{swarm: {steps: 6}}")
    first = spawn(client, "first", swarmId="us")
    client.wait_state(first["id"], "done")
    second, third = spawn(client, "second", parent=first["id"]), spawn(client, "third")
    assert (second["swarmId"], third["swarmId"]) == ("us", None)
    assert client.wait_state(second["id"], "done")["stopReason"] == "budget"
    assert client.wait_state(third["id"], "done")["stopReason"] == "endTurn"
    assert client.request("swarm/usage", {"swarmId": "us"})["usage"]["total"]["requests"] == 6


def test_other_scopes_go_on(swarm):
    client, _ = swarm({"one": working(9), "two": working(3)}, budgets="{scope: {steps: 6}}")
    first, second = spawn(client, "one", scope="a"), spawn(client, "two", scope="b")
    assert client.wait_state(first["id"], "done")["stopReason"] == "budget"
    assert client.wait_state(second["id"], "done")["stopReason"] == "endTurn"


def test_what_cannot_be_counted_is_said_once(swarm):
    client, _ = swarm(working(4), budgets="{day: {cost_usd: 0.001}, agent: {cost_usd: 0.001}}")
    agent = spawn(client)
    assert client.wait_state(agent["id"], "done")["stopReason"] == "endTurn"
    said = notices(client, agent, "not known")
    assert len(said) == 1 and "scripted/scripted" in said[0]


def test_no_limit_and_the_configurations_again(swarm):
    client, _ = swarm([], budgets="{scope: {steps: 7, tokens: 9}}")
    def ask(**budget):
        return client.request("swarm/budget", {"scope": "s", "budget": budget})["budget"]
    assert ask(steps=0) == {"steps": None, "tokens": 9, "costUsd": None, "seconds": None}
    assert ask(steps=None, seconds=3)["steps"] == 7
    assert ask()["seconds"] == 3


def test_a_budget_of_time_at_work(swarm):
    client, _ = swarm([[call("bash", command="sleep 1.1"), usage(1, 1)]] + working(5),
                      budgets="{agent: {seconds: 1}}")
    agent = spawn(client)
    assert client.wait_state(agent["id"], "done")["stopReason"] == "budget"
    assert get(client, agent)["agent"]["usage"]["seconds"] >= 1


@pytest.mark.parametrize("params, field, valid", [
    ({}, "agentId", True), ({"scope": "a", "day": True}, "agentId", True),
    ({"scope": ""}, "scope", True), ({"scope": "a", "budget": {"costUsd": -1}}, "costUsd", False),
    ({"scope": "a", "budget": {"steps": 1.5}}, "steps", False),
    ({"agentId": "nobody"}, "nobody", True),
])
def test_wrong_parameters_are_named(swarm, params, field, valid):
    client, _ = swarm([])
    with pytest.raises(RpcError, match=field):
        client.request("swarm/budget", params, valid=valid)
