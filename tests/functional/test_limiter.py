# SPDX-License-Identifier: MIT
"""What all agents of a provider share: places, pauses, the breaker; and what people see of it."""

import os
import threading

import pytest
from agents import get, items, spawn
from model_server import Gate, call, gate, status, text


class Counted:
    """A script whose answers wait at gates, and that counts how many are under way at once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.gates = []
        self.open = False

    def __call__(self, request):
        with self.lock:
            it = Gate()
            if self.open:
                it.open()
            self.gates.append(it)
        return [gate(it), text("done")]

    def open_all(self):
        with self.lock:
            self.open = True
            for it in self.gates:
                it.open()


def stats(client):
    return client.request("swarm/stats")["providers"][0]


def activity(client, agent, words):
    client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == agent["id"]
                      and words in (e["agent"]["activity"] or ""))


def spawn_in_turn(client, server, count, places):
    """Agents whose requests come in the order of their numbers."""
    agents = []
    for n in range(count):
        agents.append(spawn(client, f"task {n}"))
        if n < places:
            server.wait_requests(n + 1)
        else:
            activity(client, agents[n], "waiting for a place")
    return agents


def test_only_so_many_requests_at_once(swarm):
    script = Counted()
    client, server = swarm(script, concurrency=2)
    agents = spawn_in_turn(client, server, 5, places=2)
    activity(client, agents[2], "waiting for a place (0 before)")
    activity(client, agents[4], "waiting for a place (2 before)")
    figures = stats(client)
    assert (figures["places"], figures["inUse"], figures["waiting"]) == (2, 2, 3)
    assert figures["concurrency"] == "fixed" and len(server.requests) == 2
    script.open_all()
    for agent in agents:
        client.wait_state(agent["id"], "done")
    figures = stats(client)
    assert (figures["inUse"], figures["waiting"], figures["requests"]) == (0, 0, 5)


def test_nobody_holds_a_place_while_a_tool_runs(swarm, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def script(request):
        if "slow" in request.task and not request.results:
            return [call("bash", command=f"read line < {fifo}; echo $line")]
        return [text("done")]

    client, _ = swarm(script, concurrency=1)
    slow = spawn(client, "slow")
    activity(client, slow, "bash")
    quick = spawn(client, "quick")
    client.wait_state(quick["id"], "done")
    fifo.write_text("go\n")
    client.wait_state(slow["id"], "done")


@pytest.mark.parametrize("method", ["swarm/cancel", "swarm/kill"])
def test_who_is_ended_gives_place_and_turn_in_the_queue_back(swarm, method):
    script = Counted()
    client, server = swarm(script, concurrency=1)
    first, second, third = spawn_in_turn(client, server, 3, places=1)
    client.request(method, {"agentId": second["id"]})  # it waited
    client.request(method, {"agentId": first["id"]})   # it held
    server.wait_requests(2)
    script.open_all()
    client.wait_state(third["id"], "done")
    assert len(server.requests) == 2 and stats(client)["waiting"] == 0


def test_who_is_paused_lets_others_go_first(swarm):
    script = Counted()
    client, server = swarm(script, concurrency=1)
    first, second, third = spawn_in_turn(client, server, 3, places=1)
    client.request("swarm/pause", {"agentId": second["id"]})
    script.open_all()
    client.wait_state(third["id"], "done")
    assert get(client, second)["agent"]["state"] == "paused"
    client.request("swarm/continue", {"agentId": second["id"]})
    client.wait_state(second["id"], "done")
    assert [r.task for r in server.requests] == ["task 0", "task 2", "task 1"]


def test_the_breaker_is_told_once_and_closes_by_itself(swarm):
    seen = []

    def script(request):
        seen.append(request.task)
        return status(529, "overloaded") if len(seen) <= 6 else [text("done")]

    client, _ = swarm(script, concurrency=4)
    agents = [spawn(client, f"task {n}") for n in range(4)]
    for agent in agents:
        assert client.wait_state(agent["id"], "done")["error"] is None
    figures = stats(client)
    assert figures["overloaded"] == 6 and figures["retries"] == 6
    assert figures["breaker"] in ("reopening", "closed")
    shown = [m["params"]["message"] for m in client.messages
             if m.get("method") == "window/showMessage"]
    assert len(shown) == 1 and "529" in shown[0]


def test_what_the_headers_say_is_kept_and_waited_for(swarm):
    limits = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "0",
              "x-ratelimit-reset-requests": "1s"}
    client, _ = swarm([status(429, "slow down", headers=limits), [text("done")]])
    agent = spawn(client)
    activity(client, agent, "retry in 1 s (429)")
    assert stats(client)["requestLimit"] == {"limit": 100, "remaining": 0}
    assert stats(client)["gapMs"] == 20  # two hundredths of what comes back in 1 s
    client.wait_state(agent["id"], "done")


def test_a_server_on_this_machine_has_no_limit(swarm):
    client, _ = swarm([[text("done")]])
    client.wait_state(spawn(client)["id"], "done")
    figures = stats(client)
    assert figures["concurrency"] == "off" and "places" not in figures
