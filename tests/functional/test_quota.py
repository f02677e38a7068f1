# SPDX-License-Identifier: MIT
"""A quota that is used up: agents wait, a small request looks from time to time, all goes on."""

import time

import pytest
from agents import get, spawn
from dialect_server import AnthropicServer, GeminiServer, ResponsesServer
from model_server import ModelServer, status, text

WORDS = "You exceeded your current quota."
EMPTY = {  # as each vendor says it
    ModelServer: status(429, body={"error": {"message": WORDS, "type": "insufficient_quota",
                                             "code": "insufficient_quota"}}),
    ResponsesServer: status(429, body={"error": {"message": WORDS, "type": "insufficient_quota",
                                                 "code": "insufficient_quota"}}),
    AnthropicServer: status(400, body={"type": "error", "error": {
        "type": "invalid_request_error",
        "message": f"{WORDS} Your credit balance is too low to access the Anthropic API."}}),
    GeminiServer: status(429, body={"error": {
        "code": 429, "status": "RESOURCE_EXHAUSTED", "message": WORDS, "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
                {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}})}


class Account:
    """A script that has quota or not, and keeps the probes apart from the agents' requests."""

    def __init__(self, Server=ModelServer):
        self.has_quota = False
        self.empty = EMPTY[Server]
        self.tasks, self.probes = [], []

    def __call__(self, request):
        if request.body.get("tools"):
            self.tasks.append(request.task)
        else:
            self.probes.append(request.body)
        return [text("yes")] if self.has_quota else self.empty


def waits(client, agent, start=0):
    shown = client.wait_state(agent["id"], "blocked", start=start)
    assert shown["activity"].startswith("waiting for quota of scripted")


def shown(client):
    return [m["params"]["message"] for m in client.messages
            if m.get("method") == "window/showMessage"]


@pytest.mark.parametrize("Server", EMPTY)
def test_agents_wait_and_go_on_by_themselves(swarm, Server):
    account = Account(Server)
    client, server = swarm(account, server=Server, quota_probe_seconds=1)
    first = spawn(client, "first")
    waits(client, first)
    others = [spawn(client, f"other {n}") for n in range(3)]
    for agent in others:
        waits(client, agent)
    server.wait_requests(3)  # the first one's, and two looks
    assert account.tasks == ["first"] and len(account.probes) == 2
    assert len(str(account.probes[0])) < 400
    stats = client.request("swarm/stats")
    figures = stats["providers"][0]
    assert figures["quota"] == "exhausted" and figures["waiting"] == 0
    assert stats["active"] == 0  # they keep nobody else from working
    assert figures["quotaProbeAt"] > "2026"
    account.has_quota = True
    for agent in [first, *others]:
        assert client.wait_state(agent["id"], "done")["error"] is None
    figures = client.request("swarm/stats")["providers"][0]
    assert figures["quota"] == "ok" and "quotaProbeAt" not in figures
    notices = shown(client)
    assert len(notices) == 2, notices
    assert "quota of scripted is used up" in notices[0] and "exceeded your current" in notices[0]
    assert "answers again" in notices[1]


def test_it_lasts_over_a_restart(restarts):
    account = Account()
    connect, server = restarts(account, quota_probe_seconds=2)
    client = connect()
    agent = spawn(client, "first")
    waits(client, agent)
    assert client.close() == 0
    client = connect()
    assert get(client, agent)["agent"]["state"] == "blocked"
    late = spawn(client, "late")
    waits(client, late)  # known from before: it makes no request
    assert account.tasks == ["first"]
    account.has_quota = True
    for it in (agent, late):
        assert client.wait_state(it["id"], "done")["error"] is None
    assert sorted(account.tasks) == ["first", "first", "late"]


@pytest.mark.parametrize("method", ["swarm/cancel", "swarm/kill", "swarm/remove"])
def test_who_waits_can_be_ended(swarm, method):
    client, _ = swarm(Account())
    agent = spawn(client, "first")
    waits(client, agent)
    client.request(method, {"agentId": agent["id"], **({"force": True} if "remove" in method else {})})
    if method == "swarm/remove":
        client.wait_event(lambda e: e["type"] == "removed")
    else:
        assert get(client, agent)["agent"]["state"] == ("done" if "cancel" in method else "killed")


def test_who_is_paused_stays_paused(swarm):
    account = Account()
    client, _ = swarm(account, quota_probe_seconds=1)
    first, second = spawn(client, "first"), spawn(client, "second")
    waits(client, first)
    waits(client, second)
    client.request("swarm/pause", {"agentId": second["id"]})
    account.has_quota = True
    client.wait_state(first["id"], "done")
    assert get(client, second)["agent"]["state"] == "paused"
    client.request("swarm/continue", {"agentId": second["id"]})
    client.wait_state(second["id"], "done")


def test_without_anybody_who_waits_the_next_request_looks(swarm):
    account = Account()
    client, _ = swarm(account, quota_probe_seconds=1)
    agent = spawn(client, "first")
    waits(client, agent)
    client.request("swarm/cancel", {"agentId": agent["id"]})
    deadline = time.monotonic() + 60
    while client.request("swarm/stats")["providers"][0]["quota"] != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    account.has_quota = True
    second = spawn(client, "second")
    assert client.wait_state(second["id"], "done")["error"] is None
    assert account.probes == [] and account.tasks == ["first", "second"]
    assert get(client, agent)["agent"]["stopReason"] == "cancelled"
