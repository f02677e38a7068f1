# SPDX-License-Identifier: MIT
"""An editor whose client does not know swarmd: approvals as dialogs, agents as progress."""

import pytest

from model_server import Gate, ModelServer, call, gate, text

WRITE = [[call("write", path="new.txt", content="new\n")], [text("Written.")]]


@pytest.fixture
def model():
    with ModelServer(WRITE) as server:
        yield server


@pytest.fixture
def client(start, model):
    return start(config=model.config())


def spawn(client, repository, **params):
    return client.request("swarm/spawn", {"task": "write it", "cwd": str(repository),
                                          **params})["agent"]["id"]


def written(client, agent_id):
    uri = client.request("swarm/get", {"agentId": agent_id})["agent"]["worktree"]
    with open(uri.removeprefix("file://") + "/new.txt") as f:
        return f.read()


def progress(client, agent_id):
    return [m["params"]["value"] for m in client.messages if m.get("method") == "$/progress"
            and m["params"]["token"] == f"swarm/{agent_id}"]


@pytest.mark.parametrize("title,decision", [("Allow", "allow"), ("Reject", "reject")])
def test_an_approval_is_a_dialog(client, repository, title, decision):
    client.initialize(swarm=False)
    agent_id = spawn(client, repository)
    question = client.wait_request("window/showMessageRequest")
    assert question["id"] >= 1 << 30
    assert "new.txt" in question["params"]["message"]
    titles = [a["title"] for a in question["params"]["actions"]]
    assert titles == ["Allow", "Always allow", "Reject", "Always reject"]
    client.respond(question, {"title": title})
    client.wait_state(agent_id, "done")
    approval = [e["item"]["approval"] for e in client.events if e["type"] == "item"
                and e["item"]["kind"] == "approval"][-1]
    assert approval["decision"] == decision
    assert approval["by"] == "pytest"
    if decision == "allow":
        assert written(client, agent_id) == "new\n"
    else:
        with pytest.raises(FileNotFoundError):
            written(client, agent_id)


def test_dialogs_come_one_at_a_time(start, repository):
    with ModelServer(lambda request: WRITE[1] if request.results else WRITE[0]) as server:
        client = start(config=server.config())
        client.initialize(swarm=False)
        ids = [spawn(client, repository) for _ in range(3)]
        for agent_id in ids:
            client.wait_state(agent_id, "waiting")
        for number in range(3):
            client.wait(lambda: len(client.requests) > number, "the next dialog")
            assert len(client.requests) == number + 1
            client.respond(client.requests[number], {"title": "Allow"})
        for agent_id in ids:
            client.wait_state(agent_id, "done")


def test_a_closed_dialog_leaves_the_question_open(client, repository):
    client.initialize(swarm=False)
    agent_id = spawn(client, repository)
    client.respond(client.wait_request("window/showMessageRequest"), None)
    snapshot = client.request("swarm/get", {"agentId": agent_id})
    assert snapshot["agent"]["state"] == "waiting"
    client.request("swarm/approve", {"approvalId": snapshot["approvals"][0]["id"],
                                     "decision": "allow"})
    client.wait_state(agent_id, "done")
    assert len(client.requests) == 1


def test_a_dialog_is_taken_back_when_somebody_else_answers(client, repository):
    client.initialize(swarm=False)
    agent_id = spawn(client, repository)
    question = client.wait_request("window/showMessageRequest")
    approval = client.request("swarm/get", {"agentId": agent_id})["approvals"][0]
    client.request("swarm/approve", {"approvalId": approval["id"], "decision": "allow"})
    client.wait(lambda: any(m.get("method") == "$/cancelRequest"
                            and m["params"]["id"] == question["id"] for m in client.messages),
                "the dialog's end")
    client.wait_state(agent_id, "done")


def test_an_agent_is_progress(start, repository):
    held = Gate()
    with ModelServer([[text("Working."), gate(held), text(" Done.")]]) as server:
        client = start(config=server.config())
        client.initialize(swarm=False, capabilities={"window": {"workDoneProgress": True}})
        agent_id = spawn(client, repository)
        create = client.wait_request("window/workDoneProgress/create")
        assert create["params"]["token"] == f"swarm/{agent_id}"
        assert progress(client, agent_id) == []
        client.respond(create, None)
        client.wait(lambda: progress(client, agent_id), "its beginning")
        held.wait_reached()
        held.open()
        client.wait(lambda: progress(client, agent_id)[-1]["kind"] == "end", "its end")
        kinds = [p["kind"] for p in progress(client, agent_id)]
        assert kinds[0] == "begin" and kinds[-1] == "end"
        assert set(kinds[1:-1]) <= {"report"}
        assert progress(client, agent_id)[-1]["message"] == "done"


def test_progress_can_be_cancelled(start, repository):
    held = Gate()
    with ModelServer([[text("Working."), gate(held)]]) as server:
        client = start(config=server.config())
        client.initialize(swarm=False, capabilities={"window": {"workDoneProgress": True}})
        agent_id = spawn(client, repository)
        client.respond(client.wait_request("window/workDoneProgress/create"), None)
        held.wait_reached()
        client.notify("window/workDoneProgress/cancel", {"token": f"swarm/{agent_id}"})
        assert client.wait_turn_end(agent_id)["stopReason"] == "cancelled"
        client.wait(lambda: progress(client, agent_id)[-1]["kind"] == "end", "its end")


def test_one_that_knows_swarmd_gets_only_events(client, repository):
    client.initialize(capabilities={"window": {"workDoneProgress": True}})
    agent_id = spawn(client, repository)
    client.wait_state(agent_id, "waiting")
    approval = client.request("swarm/get", {"agentId": agent_id})["approvals"][0]
    client.request("swarm/approve", {"approvalId": approval["id"], "decision": "allow"})
    client.wait_state(agent_id, "done")
    assert client.requests == []
    assert {m["method"] for m in client.messages if "method" in m} == {"swarm/events"}


def test_progress_is_bounded(start, repository):
    """The screen has an end: of 70 working agents 64 are shown."""
    held = Gate()
    with ModelServer(lambda _: [gate(held), text("Done.")]) as server:
        client = start(config=server.config(max_active=100))
        client.initialize(swarm=False, capabilities={"window": {"workDoneProgress": True}})
        ids = [spawn(client, repository, isolation="none") for _ in range(70)]
        server.wait_requests(70)
        client.wait(lambda: len(client.requests) >= 64, "progress")
        for request in client.requests[:64]:
            client.respond(request, None)
        client.wait(lambda: sum(bool(progress(client, i)) for i in ids) == 64, "beginnings")
        held.open()
        for agent_id in ids:
            client.wait_turn_end(agent_id)
        shown = most = 0
        for message in client.messages:
            if message.get("method") == "window/workDoneProgress/create":
                shown += 1
            elif message.get("method") == "$/progress":
                shown -= message["params"]["value"]["kind"] == "end"
            most = max(most, shown)
        assert most == 64
