# SPDX-License-Identifier: MIT
"""The connection of the Emacs client: a client of the pure protocol, without a server of ours."""

import json
import re
import sys

import pytest

from emacs_client import SOURCE, TESTS, fixture_environment, fixture_ert, needs_emacs  # noqa: F401

pytestmark = needs_emacs

NEEDED = re.findall(r'"(swarm/\w+)"', re.search(
    r"defconst swarm-connection--methods\n(.*?)\n  \"", (SOURCE / "clients/emacs/swarm-connection.el").read_text(),
    re.S)[1])


def hello(methods=None, version="1.0.0"):
    return [{"result": {
        "capabilities": {"experimental": {"swarm": {
            "version": 1, "methods": NEEDED if methods is None else methods, "events": []}}},
        "serverInfo": {"name": "swarmd", "version": version}}}]


def agent(name, **members):
    return {"id": name, "name": name, "task": name, "state": "working", "activity": None,
            "createdAt": "2026-11-21T08:41:51.245Z", "updatedAt": "2026-11-21T08:41:51.245Z",
            "queued": 0, "approvals": 0, "usage": {}, **members}


def events(*listed):
    return {"method": "swarm/events", "params": {"events": list(listed)}}


def agent_event(name, seq, **members):
    return {"seq": seq, "agentId": name, "time": "2026-11-21T08:41:51.245Z", "type": "agent",
            "agent": agent(name, **members)}


@pytest.fixture(name="peer")
def fixture_peer(ert, tmp_path):
    """peer(name, {method: turns}) runs the test and returns what the peer heard, in order."""

    def run(name, turns):
        log = tmp_path / "heard"
        script = tmp_path / "script.json"
        script.write_text(json.dumps({"initialize": [hello()], "swarm/list": [[{"result": {"agents": [], "seq": 0}}]],
                                      "exit": [[{"exit": 0}]], **turns}), encoding="utf-8")
        ert("connection", name, server=[sys.executable, str(TESTS / "peer.py"), str(script), str(log)])
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def heard(messages, method):
    return [message.get("params") for message in messages if message["method"] == method]


def test_requests_do_not_hold_back_what_comes_with_their_answer(peer):
    messages = peer("the-answer-comes-and-what-came-with-it", {"swarm/get": [[
        events(agent_event("a", 1)), {"result": {"seq": 7}},
        events(agent_event("a", 2), agent_event("a", 3, state="done"))]]})
    assert [message["method"] for message in messages[:3]] == ["initialize", "initialized", "swarm/unsubscribe"]
    first = messages[0]["params"]
    assert first["capabilities"]["experimental"] == {"swarm": True}
    assert first["rootUri"].startswith("file:///") and first["processId"] > 0
    assert first["initializationOptions"]["scope"].startswith("emacs-")


def test_errors_reach_who_asked(peer):
    error = {"code": -32803, "message": "README.md has conflicts",
             "data": {"kind": "conflict", "files": [{"path": "README.md", "kind": "content"}]}}
    peer("errors-have-a-kind-and-data", {"swarm/merge": [[{"error": error}]]})


def test_a_server_that_is_too_old_is_named(peer):
    assert "swarm/merge" in NEEDED
    methods = [method for method in NEEDED if method != "swarm/merge"]
    messages = peer("an-old-server-is-named", {"initialize": [hello(methods, "0.0.9")]})
    assert not heard(messages, "swarm/list")


def test_what_a_server_does_not_start_for_is_shown(peer):
    peer("a-refusal-is-shown", {"initialize": [[
        {"error": {"code": -32803, "message": "/x/config.yaml:3: unknown key 'modle'", "data": {"kind": "config"}}}]]})


def test_a_program_that_is_no_server(ert):
    ert("connection", "a-silent-program-is-given-up", server=["sleep", "1000"])


def test_a_server_that_ends_is_reported_and_started_again(peer):
    messages = peer("a-server-that-dies-fails-what-was-asked", {"swarm/get": [[
        {"stderr": "starting\nthe disk is full\n"}, {"exit": 3}]]})
    assert len(heard(messages, "initialize")) == 2


def test_one_who_lags_catches_up(peer):
    late = agent("late", state="waiting")
    messages = peer("who-lags-asks-for-what-was-missed", {
        "swarm/list": [[{"result": {"agents": [agent("gone")], "seq": 3}}],
                       [{"result": {"agents": [late], "seq": 3120}}]],
        "swarm/get": [[events(agent_event("late", 41), {"time": "t", "type": "lagged", "after": 41}), {"result": {}}]]})
    asked, = heard(messages, "swarm/subscribe")
    assert asked["after"] == 41 and asked["deltas"] is False
    assert {"scope": asked["scope"]} in heard(messages, "swarm/unsubscribe")


def test_a_reset_reaches_the_views(peer):
    peer("a-reset-is-told", {"swarm/get": [[events({"time": "t", "type": "reset"}), {"result": {}}]]})


def test_messages_of_the_server_are_shown(peer):
    peer("what-the-server-says-is-shown", {"swarm/get": [[
        {"method": "window/showMessage", "params": {"type": 2, "message": "lab: its quota is used up"}},
        {"method": "window/unheardOf", "params": {}}, {"result": {}}]]})


def test_pages_of_a_long_list(peer):
    messages = peer("long-lists-come-in-pages", {"swarm/list": [
        [{"result": {"agents": [agent("first-page")], "next": 7, "seq": 9}}],
        [{"result": {"agents": [agent("second-page")], "seq": 9}}]]})
    assert heard(messages, "swarm/list") == [{"limit": 200}, {"limit": 200, "after": 7}]


def test_the_end_is_orderly(peer):
    messages = peer("the-end-is-asked-for", {})
    assert [message["method"] for message in messages[-2:]] == ["shutdown", "exit"]


def test_keys_of_auth_source(ert, repository):
    (repository / "authinfo").write_text("machine lab.example.org password sk-lab\n"
                                         "machine other.example.org login you password sk-yours\n"
                                         "machine other.example.org login me password sk-mine\n"
                                         "machine set.example.org password sk-set\n")
    ert("connection", "keys-come-from-auth-source")


def test_a_server_on_another_machine(ert):
    ert("connection", "the-server-runs-where-the-files-are")
