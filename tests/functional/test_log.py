# SPDX-License-Identifier: MIT
"""The log file, and the log as an editor asks to see it."""

import re

from model_server import ModelServer, call, status, text

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) .+")


def run(client, repository, task="do it", state="done"):
    client.initialize(root=repository, subscribe="all")
    agent = client.request("swarm/spawn", {"task": task, "mode": "full"})["agent"]
    return client.wait_state(agent["id"], state)


def test_one_line_an_event_with_the_agent_in_front(start, repository):
    with ModelServer([[call("bash", command="echo a-secret-word")], [text("done")]]) as server:
        client = start(config=server.config(), env={"SWARMD_LOG_LEVEL": "debug"})
        agent = run(client, repository, task="mention another-secret-word")
        assert client.close() == 0
    log = (client.state / "swarmd.log").read_text()
    assert all(LINE.fullmatch(line) for line in log.splitlines())
    assert f"[{agent['id']}] working -> done (end)" in log and "runs bash" in log
    assert "pytest is connected" in log and log.splitlines()[-1].endswith(
        f"swarmd ends, pid {client.process.pid}")
    assert "a-secret-word" not in log  # what commands and people say is not for the log
    assert (client.state / "swarmd.log").stat().st_mode & 0o777 == 0o600


def test_failures_are_warnings_without_the_key(start, repository):
    with ModelServer([status(401, "wrong key: sk-marker-77")], key="x") as server:
        client = start(config=server.config(key_env="MY_KEY"), env={"MY_KEY": "sk-marker-77"})
        run(client, repository, state="failed")
        client.close()
    log = (client.state / "swarmd.log").read_text()
    assert " warning [" in log and "sk-marker-77" not in log


def test_an_editor_chooses_what_it_sees(start, repository):
    def shown(client):
        return [m["params"] for m in client.messages if m.get("method") == "window/logMessage"]

    with ModelServer(lambda request: [text("done")]) as server:
        client = start(config=server.config())
        agent = run(client, repository)
        assert shown(client) == []
        client.notify("$/setTrace", {"value": "messages"})
        client.request("swarm/send", {"agentId": agent["id"], "text": "again"})
        client.wait(lambda: any("working -> done" in m["message"] for m in shown(client)),
                    "a message of the log")
        assert {m["type"] for m in shown(client)} == {3}
        client.notify("$/setTrace", {"value": "off"})
        client.request("swarm/list", {})
        before = len(shown(client))
        start_index = len(client.events)
        client.request("swarm/send", {"agentId": agent["id"], "text": "again"})
        client.wait_state(agent["id"], "done", start=start_index)
        assert len(shown(client)) == before
