# SPDX-License-Identifier: MIT
"""Many agents against a provider that turns them away, breaks off, stalls and talks nonsense.

200 turns by 50 agents; 2,000 with SWARMD_LONG=1 (scripts/test --long). Fewer agents in the dialects
that want their reasoning back as it was, whichever of their answers broke.
"""

import collections
import os
import random
import threading

import pytest
from agents import items, spawn, worktree
from dialect_server import AnthropicServer, GeminiServer, ResponsesServer
from model_server import call, cut, raw, reasoning, stall, status, text
from thinking_server import DeepSeekServer

TURNS = 40 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 4  # of each
FAULTS_IN_A_ROW = 3  # of one request: swarmd makes it anew five times, and may see stalls of its own
SEED = 20261121
FAULTS = {"429": 5, "429 later": 2, "529": 5, "cut": 3, "cut thought": 3, "cut behind": 3,
          "cut call": 4, "malformed": 5, "stall": 1}


class Provider:
    """Asks for one command in each turn, and ends the turn when it has its output."""

    def __init__(self):
        self.lock = threading.Lock()
        self.failed = collections.Counter()  # by request
        self.faults = collections.Counter()  # by kind

    def __call__(self, request):
        line = f"{request.task} turn {request.asked}"
        answer = [reasoning(f"Thinking about {line}. ")] + (
            [text(f"done with {line}")] if request.results else
            [text("I write. "), call("bash", command=f"echo '{line}' >> lines")])
        key = f"{line} {len(request.messages)}"
        with self.lock:
            chance = random.Random(f"{SEED} {key} {self.failed[key]}")
            if self.failed[key] == FAULTS_IN_A_ROW or chance.random() > 0.35:
                return answer
            self.failed[key] += 1
            kind = chance.choices(list(FAULTS), FAULTS.values())[0]
            self.faults[kind] += 1
        return {"429": status(429, "slow down"),
                "429 later": status(429, "slow down", headers={"Retry-After": "1"}),
                "529": status(529, "overloaded"),
                "cut": [text("half of what "), cut()],
                "cut thought": [reasoning("half a thought "), cut()],
                "cut behind": [reasoning("a whole thought"), text("and "), cut()],
                "cut call": [*answer, cut()],  # whole, but nobody has said so
                "malformed": [text("here is "), raw('data: {"type": "delta\n\n')],
                "stall": [text("let me think "), stall()]}[kind]


def unfinished(client):
    """Who is not done, and why not."""
    agents = client.request("swarm/list", {"limit": 1000})["agents"]
    figures = client.request("swarm/stats")["providers"]
    return figures, [(a["id"], a["state"], a["activity"], items(client, a)[-1:]) for a in agents
                     if a["state"] != "done" or a["usage"]["turns"] < TURNS]


@pytest.mark.parametrize("Server, count", [
    (DeepSeekServer, 50), (AnthropicServer, 16), (ResponsesServer, 16), (GeminiServer, 16)])
def test_every_agent_gets_through(swarm, Server, count):
    provider = Provider()
    client, server = swarm(provider, server=Server, concurrency="adaptive", max_active=count,
                           stall_seconds=2, retry="{first_ms: 20, max_ms: 200}")
    agents = {a["id"]: a for a in (spawn(client, f"agent {n}") for n in range(count))}
    turns = collections.Counter()
    seen = 0
    while sum(turns.values()) < count * TURNS:
        try:
            client.wait(lambda: len(client.events) > seen, "events")
        except AssertionError:
            raise AssertionError(unfinished(client)) from None
        news, seen = client.events[seen:], len(client.events)
        for event in news:
            if event["type"] == "agent":
                agents[event["agentId"]] = event["agent"]
            if event["type"] != "turn" or event["phase"] != "ended":
                continue
            assert event["stopReason"] == "endTurn", agents[event["agentId"]]["error"]
            turns[event["agentId"]] += 1
            if turns[event["agentId"]] < TURNS:
                client.start_request("swarm/send", {"agentId": event["agentId"], "text": "More."})

    assert server.refused == []
    seldom = count < 50 and TURNS == 4  # then not each of them comes up
    assert len(provider.faults) >= len(FAULTS) - 2 * seldom, provider.faults
    for agent in agents.values():
        client.wait_state(agent["id"], "done")
        lines = (worktree(agent) / "lines").read_text().splitlines()
        wanted = [f"{agent['task']} turn {n + 1}" for n in range(TURNS)]
        assert lines == wanted, (set(wanted) ^ set(lines), [
            (i["input"], i["status"], i["output"]) for i in items(client, agent, "tool")
            if "exitCode" not in i or i["exitCode"]])
    figures = client.request("swarm/stats")["providers"][0]
    refusals = sum(provider.faults[kind] for kind in ("429", "429 later"))
    # All are counted; one that a busy machine answers too late is a broken one.
    assert figures["rateLimited"] <= refusals and figures["overloaded"] <= provider.faults["529"]
    assert sum(figures[name] for name in ("rateLimited", "overloaded", "broken")) >= sum(
        provider.faults.values())
    assert figures["retries"] >= sum(provider.faults.values())
    assert figures["inUse"] == figures["waiting"] == 0
    halves = [i for a in agents.values() for i in items(client, a, "assistant")
              if i["status"] == "failed"]
    assert halves  # what had come of broken answers is kept
