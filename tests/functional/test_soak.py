# SPDX-License-Identifier: MIT
"""Many agents against a provider that turns them away, breaks off, stalls and talks nonsense.

200 turns by 50 agents; 2,000 with SWARMD_LONG=1 (scripts/test --long).
"""

import collections
import os
import random
import threading

from agents import items, spawn, worktree
from model_server import call, cut, raw, stall, status, text

AGENTS = 50
TURNS = 40 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 4  # of each
FAULTS_IN_A_ROW = 3  # of one request: swarmd makes it anew five times, and may see stalls of its own
SEED = 20261121


class Provider:
    """Asks for one command in each turn, and ends the turn when it has its output."""

    def __init__(self):
        self.lock = threading.Lock()
        self.failed = collections.Counter()  # by request
        self.faults = collections.Counter()  # by kind

    def __call__(self, request):
        turn = sum(m["role"] == "user" for m in request.messages)
        line = f"{request.task} turn {turn}"
        answer = [text(f"done with {line}")] if request.results else [
            text("I write. "), call("bash", command=f"echo '{line}' >> lines")]
        key = f"{line} {len(request.messages)}"
        with self.lock:
            chance = random.Random(f"{SEED} {key} {self.failed[key]}")
            if self.failed[key] == FAULTS_IN_A_ROW or chance.random() > 0.35:
                return answer
            self.failed[key] += 1
            kind = chance.choices(["429", "429 later", "529", "cut", "cut call", "malformed",
                                   "stall"], [5, 2, 5, 5, 5, 5, 1])[0]
            self.faults[kind] += 1
        return {"429": status(429, "slow down"),
                "429 later": status(429, "slow down", headers={"Retry-After": "1"}),
                "529": status(529, "overloaded"),
                "cut": [text("half of what "), cut()],
                "cut call": [*answer, cut()],  # whole, but nobody has said so
                "malformed": [text("here is "), raw('data: {"choices": [{"delta"\n\n')],
                "stall": [text("let me think "), stall()]}[kind]


def test_every_agent_gets_through(swarm):
    provider = Provider()
    client, server = swarm(provider, concurrency="adaptive", max_active=AGENTS, stall_seconds=2,
                           retry="{first_ms: 20, max_ms: 200}")
    agents = {a["id"]: a for a in (spawn(client, f"agent {n}") for n in range(AGENTS))}
    turns = collections.Counter()
    seen = 0
    while sum(turns.values()) < AGENTS * TURNS:
        client.wait(lambda: len(client.events) > seen, "events")
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
    assert all(provider.faults[kind] for kind in ("429", "429 later", "529", "cut", "cut call",
                                                  "malformed", "stall")), provider.faults
    for agent in agents.values():
        client.wait_state(agent["id"], "done")
        lines = (worktree(agent) / "lines").read_text().splitlines()
        wanted = [f"{agent['task']} turn {n + 1}" for n in range(TURNS)]
        assert lines == wanted, (set(wanted) ^ set(lines), [
            (i["input"], i["status"], i["output"]) for i in items(client, agent, "tool")
            if "exitCode" not in i or i["exitCode"]])
    figures = client.request("swarm/stats")["providers"][0]
    refusals = sum(provider.faults[kind] for kind in ("429", "429 later"))
    assert figures["rateLimited"] == refusals and figures["overloaded"] == provider.faults["529"]
    assert figures["retries"] >= sum(provider.faults.values())
    assert figures["inUse"] == figures["waiting"] == 0
    halves = [i for a in agents.values() for i in items(client, a, "assistant")
              if i["status"] == "failed"]
    assert halves  # what had come of broken answers is kept
