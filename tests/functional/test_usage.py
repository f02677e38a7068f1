# SPDX-License-Identifier: MIT
"""What requests took, and what it cost: by request, turn, agent, scope and day, also after kill -9."""

import datetime
import random
import time

import pytest
from agents import get, spawn
from client import RpcError
from model_server import Gate, call, cut, gate, status, text, usage

PRICES = "{scripted/scripted: {context: 50000, price: {input: 1, output: 10, cache_read: 0.1}}}"
ANSWERS = [[call("read", path="README.md"), usage(1000, 100, 400)], [text("done"), usage(2000, 50)]]
COSTS = [0.00164, 0.0025]  # 600 * 1 + 400 * 0.1 + 100 * 10 millionths; 2000 * 1 + 50 * 10


def requests(client, agent):
    return [e for e in client.events if e["type"] == "request" and e["agentId"] == agent["id"]]


def total(client, **params):
    return client.request("swarm/usage", params)["usage"]["total"]


def test_each_request_turn_and_agent_tells_what_it_cost(swarm):
    client, _ = swarm(ANSWERS, models=PRICES)
    agent = spawn(client)
    done = client.wait_state(agent["id"], "done")
    events = requests(client, agent)
    assert [e["usage"]["costUsd"] for e in events] == COSTS
    assert [e["step"] for e in events] == [1, 2]
    assert (events[0]["provider"], events[0]["model"]) == ("scripted", "scripted")
    turn = client.wait_turn_end(agent["id"])["usage"]
    assert turn["costUsd"] == done["usage"]["costUsd"] == 0.00414
    assert turn["requests"] == done["usage"]["requests"] == 2
    assert turn["inputTokens"] == 3000 and turn["cacheReadTokens"] == 400
    assert done["usage"]["contextSize"] == 50000 and done["usage"]["contextUsed"] == 2050


def test_a_second_turn_has_a_usage_of_its_own(swarm):
    client, _ = swarm([[text("a"), usage(1000, 0)], [text("b"), usage(5000, 0)]], models=PRICES)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    start = len(client.events)
    client.request("swarm/send", {"agentId": agent["id"], "text": "more"})
    assert client.wait_turn_end(agent["id"], start=start)["usage"]["costUsd"] == 0.005
    assert get(client, agent)["agent"]["usage"]["costUsd"] == 0.006


def test_a_price_that_is_not_known_is_not_nothing(swarm):
    client, _ = swarm(ANSWERS)
    agent = spawn(client)
    done = client.wait_state(agent["id"], "done")
    assert done["usage"]["costUsd"] is None and done["usage"]["requests"] == 2
    assert done["usage"]["contextSize"] == 256000
    assert all(e["usage"]["costUsd"] is None for e in requests(client, agent))
    sum_ = total(client)
    assert sum_["costUsd"] is None and sum_["knownCostUsd"] is None
    assert sum_["unpricedRequests"] == 2 and sum_["inputTokens"] == 3000
    assert client.request("swarm/stats")["totals"]["costUsd"] is None


def test_known_and_unknown_prices_are_told_apart(swarm):
    client, _ = swarm({"one": ANSWERS, "two": ANSWERS}, models=PRICES)
    first = spawn(client, "one", scope="a")
    second = spawn(client, "two", model="scripted/other", scope="b")
    client.wait_state(first["id"], "done")
    client.wait_state(second["id"], "done")
    sum_ = total(client)
    assert sum_["costUsd"] is None and sum_["knownCostUsd"] == 0.00414
    rows = client.request("swarm/usage", {"by": "model"})["usage"]["rows"]
    assert [(r["model"], r["costUsd"]) for r in rows] == [("other", None), ("scripted", 0.00414)]
    rows = client.request("swarm/usage", {"by": "scope"})["usage"]["rows"]
    assert [(r["scope"], r["costUsd"]) for r in rows] == [("a", 0.00414), ("b", None)]
    rows = client.request("swarm/usage", {"by": "agent", "scope": "b"})["usage"]["rows"]
    assert [r["agentId"] for r in rows] == [second["id"]]
    assert total(client, agentId=first["id"])["costUsd"] == 0.00414
    today = client.request("swarm/stats")["today"]
    assert [r["scope"] for r in today["scopes"]] == ["a", "b"]
    assert today["total"]["requests"] == 4


def test_a_stream_that_was_cut_is_not_taken_for_free(swarm):
    client, _ = swarm([[text("half "), cut()], [text("whole"), usage(1000, 0)]], models=PRICES)
    done = client.wait_state(spawn(client)["id"], "done")
    assert done["usage"]["requests"] == 2 and done["usage"]["costUsd"] == 0.001
    sum_ = total(client)
    assert sum_["uncountedRequests"] == 1 and sum_["unpricedRequests"] == 0


def test_a_request_that_was_refused_is_none(swarm):
    client, _ = swarm([status(500), [text("done"), usage(1000, 0)]], models=PRICES)
    done = client.wait_state(spawn(client)["id"], "done")
    assert done["usage"]["requests"] == 1


@pytest.mark.parametrize("moment", ["request", "tool"])
def test_what_was_told_is_there_after_kill(restarts, moment):
    held = Gate()
    script = [ANSWERS[0], [text("wait "), gate(held), text("done"), usage(9, 9)]]
    connect, _ = restarts(script, models=PRICES)
    client = connect()
    agent = spawn(client, scope="mine")
    if moment == "tool":
        client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "tool")
    client.wait_event(lambda e: e["type"] == "request")
    client.process.kill()
    held.open()
    client = connect()
    found = get(client, agent)["agent"]["usage"]
    assert (found["costUsd"], found["requests"]) == (COSTS[0], 1)
    assert (found["inputTokens"], found["outputTokens"], found["cacheReadTokens"]) == (1000, 100, 400)
    for params in ({}, {"agentId": agent["id"]}, {"scope": "mine"}):
        sum_ = total(client, **params)
        assert (sum_["costUsd"], sum_["requests"], sum_["inputTokens"]) == (COSTS[0], 1, 1000)


def test_sums_are_those_of_the_requests_however_often_it_was_killed(restarts):
    randomness = random.Random(20261121)
    connect, _ = restarts(lambda r: [call("read", path="README.md"), usage(1000 + r.number, 7, 30)],
                          models=PRICES, step_limit=1000)
    for round_ in range(6):
        client = connect()
        agents = client.request("swarm/list", {})["agents"]
        for agent in agents:
            client.request("swarm/resume", {"agentId": agent["id"]})
        for number in range(2 - len(agents)):
            spawn(client, f"task {number}", scope="mine")
        start = len(client.events)
        client.wait_event(lambda e: e["type"] == "request", start=start)
        time.sleep(randomness.uniform(0, 0.2))
        client.process.kill()
        client.wait_exit()
    client = connect()
    client.request("swarm/subscribe", {"after": 0, "deltas": False})
    last = client.request("swarm/list", {})
    client.wait_event(lambda e: e.get("seq", 0) >= last["seq"])
    told = {e["seq"]: e for e in client.events if e["type"] == "request"}.values()
    assert len(told) >= 6
    for members, params in [({}, {"scope": "mine"})] + [({"agentId": a["id"]}, {"agentId": a["id"]})
                                                       for a in last["agents"]]:
        mine = [e["usage"] for e in told if members.items() <= e.items()]
        sum_ = total(client, **params)
        assert sum_["requests"] == len(mine)
        assert sum_["inputTokens"] == sum(u["inputTokens"] for u in mine)
        assert sum_["costUsd"] == pytest.approx(sum(u["costUsd"] for u in mine), abs=1e-10)
    for agent in last["agents"]:
        mine = [e["usage"] for e in told if e["agentId"] == agent["id"]]
        assert agent["usage"]["requests"] == len(mine)
        assert agent["usage"]["inputTokens"] == sum(u["inputTokens"] for u in mine)


def test_what_removed_agents_used_is_kept(swarm):
    client, _ = swarm(ANSWERS, models=PRICES)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert total(client)["costUsd"] == 0.00414
    assert client.request("swarm/stats")["totals"]["requests"] == 0


def test_days_and_pages(swarm):
    client, _ = swarm({w: [[text("x"), usage(1000, 0)]] for w in ("aa", "bb", "cc")}, models=PRICES)
    for word in ("aa", "bb", "cc"):
        client.wait_state(spawn(client, word)["id"], "done")
    days = [r["day"] for r in client.request("swarm/usage", {"by": "day"})["usage"]["rows"]]
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert days in ([str(today)], [str(today), str(today - datetime.timedelta(1))])
    assert total(client, to="2026-01-01")["requests"] == 0
    assert total(client, **{"from": "2999-01-01"})["requests"] == 0
    page = client.request("swarm/usage", {"by": "agent", "limit": 2})
    assert len(page["usage"]["rows"]) == 2 and page["usage"]["total"]["requests"] == 3
    page = client.request("swarm/usage", {"by": "agent", "limit": 2, "after": page["next"]})
    assert len(page["usage"]["rows"]) == 1 and "next" not in page
    page = client.request("swarm/usage", {"limit": 0})
    assert page["usage"]["rows"] == []


@pytest.mark.parametrize("params, field, valid", [
    ({"by": "hour"}, "by", False), ({"from": "yesterday"}, "from", False),
    ({"to": "2026-02-30"}, "to", True), ({"limit": 1001}, "limit", False),
    ({"scope": "a", "swarmId": "b"}, "agentId", True), ({"agentId": "nobody"}, "nobody", True),
])
def test_wrong_parameters_are_named(swarm, params, field, valid):
    client, _ = swarm([])
    with pytest.raises(RpcError, match=field):
        client.request("swarm/usage", params, valid=valid)


def test_waiting_for_a_person_is_no_work(swarm):
    client, _ = swarm([[call("bash", command="true")], [text("done")]])
    agent = spawn(client, mode="ask", limits={"seconds": 3})
    client.wait_state(agent["id"], "waiting")
    time.sleep(3.2)  # a person takes longer than the turn may work
    approval = get(client, agent)["approvals"][0]
    client.request("swarm/approve", {"approvalId": approval["id"], "decision": "allow"})
    done = client.wait_state(agent["id"], "done", "failed")
    assert done["stopReason"] == "endTurn" and done["usage"]["seconds"] < 3


def test_work_is_limited_although_a_person_was_waited_for(swarm):
    client, _ = swarm([[call("bash", command="true")], [call("bash", command="sleep 30")]])
    agent = spawn(client, mode="ask", limits={"seconds": 1})
    for _ in range(2):
        start = len(client.events)
        approval = client.wait(lambda: get(client, agent)["approvals"], "a question")[0]
        client.request("swarm/approve", {"approvalId": approval["id"], "decision": "allow"})
        client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "approval"
                          and e["item"]["status"] == "completed", start=start)
    ended = client.wait_state(agent["id"], "done", "failed")
    assert ended["stopReason"] == "timeout"
