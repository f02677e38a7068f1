# SPDX-License-Identifier: MIT
"""What all agents of a provider share: places, pauses, the breaker; and what people see of it."""

import datetime
import os
import threading

import pytest
from agents import get, items, spawn
from dialect_server import AnthropicServer
from model_server import Gate, ModelServer, call, gate, status, text, usage


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


def in_60_s():
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("Server, headers, limit", [
    (ModelServer, {"x-ratelimit-limit-requests": "120", "x-ratelimit-remaining-requests": "0",
                   "x-ratelimit-reset-requests": "1m0s", "x-ratelimit-limit-tokens": "90000",
                   "x-ratelimit-remaining-tokens": "89000", "x-ratelimit-reset-tokens": "6ms"},
     "requestLimit"),
    (ModelServer, {"x-ratelimit-limit-requests": "120", "x-ratelimit-remaining-requests": "119",
                   "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-tokens": "120000",
                   "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "60s"},
     "tokenLimit"),
    (AnthropicServer, {"anthropic-ratelimit-requests-limit": "120",
                       "anthropic-ratelimit-requests-remaining": "0",
                       "anthropic-ratelimit-requests-reset": in_60_s}, "requestLimit"),
    (AnthropicServer, {"anthropic-ratelimit-requests-limit": "50",
                       "anthropic-ratelimit-requests-remaining": "49",
                       "anthropic-ratelimit-requests-reset": in_60_s,
                       "anthropic-ratelimit-output-tokens-limit": "8000",
                       "anthropic-ratelimit-output-tokens-remaining": "8000",
                       "anthropic-ratelimit-output-tokens-reset": in_60_s,
                       "anthropic-ratelimit-input-tokens-limit": "120000",
                       "anthropic-ratelimit-input-tokens-remaining": "0",
                       "anthropic-ratelimit-input-tokens-reset": in_60_s}, "tokenLimit"),
], ids=["openai-requests", "openai-tokens", "anthropic-requests", "anthropic-input-tokens"])
def test_requests_are_spread_when_little_remains(swarm, Server, headers, limit):
    """Twice what comes back: of 120 a minute, one a second; so of tokens, 1000 a request."""
    client, server = swarm(lambda _: [text("done"), usage(1000, 0)], server=Server)
    lines = [f"{name}: {value() if callable(value) else value}" for name, value in headers.items()]
    server.stream_head = "\r\n".join(["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *lines, "",
                                      ""]).encode()
    client.wait_state(spawn(client, "first")["id"], "done")
    figures = stats(client)
    assert figures[limit]["remaining"] == 0
    assert 900 <= figures["gapMs"] <= 1000
    two = spawn(client, "second"), spawn(client, "third")
    client.wait_event(lambda e: e["type"] == "agent" and
                      e["agent"]["activity"] == "waiting for a place (0 before, one in 1 s)")
    for agent in two:
        assert client.wait_state(agent["id"], "done")["error"] is None


def test_an_agent_with_many_requests_does_not_keep_others_waiting(swarm):
    """In turn, by agents: the second request of the first comes behind all who wait by then."""
    first = Gate()

    def script(request):
        if request.task != "task 0":
            return [text("done")]
        steps = len([m for m in request.messages if m["role"] == "tool"])
        return [gate(first), call("list", {})] if steps < 3 else [text("done")]

    client, server = swarm(script, concurrency=1)
    agents = spawn_in_turn(client, server, 4, places=1)
    first.open()
    for agent in agents:
        client.wait_state(agent["id"], "done")
    assert [r.task for r in server.requests] == ["task 0", "task 1", "task 2", "task 3"] + \
        3 * ["task 0"]


def test_the_breaker_lets_one_through_and_reopens_step_by_step(swarm):
    script = Counted()
    overloaded = threading.Event()
    overloaded.set()
    client, server = swarm(lambda r: status(529, "overloaded") if overloaded.is_set() else script(r),
                           concurrency=4)
    agents = [spawn(client, f"task {n}") for n in range(8)]
    client.wait(lambda: (lambda s: s["breaker"] == "open" and s["inUse"] == 0)(stats(client)),
                "the breaker to open")
    overloaded.clear()

    def under_way(count, breaker, of):
        client.wait(lambda: stats(client)["inUse"] == count, f"{count} requests under way")
        client.wait(lambda: len(script.gates) == of, f"{of} requests in all")
        assert stats(client)["breaker"] == breaker

    under_way(1, "probing", 1)
    script.gates[0].open()
    under_way(1, "reopening", 2)
    script.gates[1].open()
    under_way(2, "reopening", 4)
    script.gates[2].open()
    under_way(3, "reopening", 6)
    script.gates[3].open()
    under_way(4, "closed", 8)
    script.open_all()
    for agent in agents:
        assert client.wait_state(agent["id"], "done")["error"] is None


def test_a_server_on_this_machine_has_no_limit(swarm):
    client, _ = swarm([[text("done")]])
    client.wait_state(spawn(client)["id"], "done")
    figures = stats(client)
    assert figures["concurrency"] == "off" and "places" not in figures
