# SPDX-License-Identifier: MIT
"""What survives the server's end: kill -9 and a proper exit, in every state."""

import os
import signal
import sqlite3
import time

from agents import get, items, spawn, worktree
from model_server import Gate, call, gate, stall, text


def wait_for_file(path):
    """A command of an agent fills it; nothing tells us but the file itself."""
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)


def kill_9(client):
    client.process.send_signal(signal.SIGKILL)
    client.process.wait()


def test_a_turn_cut_off_in_its_stream_is_resumed(restarts):
    connect, server = restarts([[text("half "), stall()], [text("whole")]])
    client = connect()
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta")
    kill_9(client)

    client = connect()
    assert get(client, agent)["agent"]["state"] == "detached"
    mended = client.wait(lambda: [i for i in items(client, agent) if i["kind"] == "assistant"
                                  and i["status"] == "failed"], "the mended item")
    assert len(mended) == 1
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    users = [m for m in server.requests[1].messages if m["role"] == "user"]
    assert [u["content"] for u in users][0] == "do it" and len(users) == 1
    assert client.close() == 0


def test_a_tool_that_ran_is_not_run_again(restarts, tmp_path):
    count = tmp_path / "count"
    command = f"echo run >> {count}; sleep 1000"
    connect, server = restarts([[call("bash", command=command)], [text("I look first.")]])
    client = connect()
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("name") == "bash")
    wait_for_file(count)
    kill_9(client)

    client = connect()
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    assert count.read_text() == "run\n"
    assert "cut off" in server.requests[1].results[0]["content"]


def test_a_question_survives_and_its_answer_goes_on(restarts):
    connect, server = restarts([[call("write", path="a.txt", content="yes\n")], [text("done")]])
    client = connect()
    agent = spawn(client, mode="ask")
    client.wait_state(agent["id"], "waiting")
    kill_9(client)

    client = connect()
    got = get(client, agent)
    assert got["agent"]["state"] == "waiting"
    (asked,) = got["approvals"]
    assert "+yes" in asked["patch"]
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    done = client.wait_state(agent["id"], "done")
    assert (worktree(done) / "a.txt").read_text() == "yes\n"
    assert len(server.requests) == 2


def test_a_turn_that_goes_on_counts_its_steps_on(restarts):
    """Calls of two steps are two answers, also where a restart was between them."""
    connect, server = restarts([[call("write", path="a", content="1")], [call("read", path="a")],
                                [text("done")]])
    client = connect()
    agent = spawn(client, mode="ask")
    client.wait_state(agent["id"], "waiting")
    kill_9(client)
    client = connect()
    asked = client.request("swarm/get", {"agentId": agent["id"]})["approvals"][0]
    client.request("swarm/approve", {"approvalId": asked["id"], "decision": "allow"})
    client.wait_state(agent["id"], "done")
    before, after = server.requests[1].messages, server.requests[2].messages
    assert after[:len(before)] == before
    assert [m["role"] for m in after[-4:]] == ["assistant", "tool", "assistant", "tool"]


def test_a_question_can_be_cancelled_after_a_restart(restarts):
    connect, _ = restarts([[call("write", path="a.txt", content="yes\n")], [text("again")]])
    client = connect()
    agent = spawn(client, mode="ask")
    client.wait_state(agent["id"], "waiting")
    kill_9(client)

    client = connect()
    answer = client.request("swarm/cancel", {"agentId": agent["id"]})["agent"]
    assert (answer["state"], answer["approvals"]) == ("done", 0)
    assert [i["status"] for i in items(client, agent, "tool")] == ["failed"]
    client.request("swarm/send", {"agentId": agent["id"], "text": "another way"})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "again")


def test_an_ordinary_end_keeps_partial_text_and_detaches(restarts):
    connect, server = restarts([[text("half "), stall()], [text("whole")]])
    client = connect()
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta")
    assert client.close() == 0

    client = connect()
    assert get(client, agent)["agent"]["state"] == "detached"
    (said,) = items(client, agent, "assistant")
    assert (said["status"], said["text"]) == ("failed", "half ")


def test_queued_messages_survive(restarts):
    connect, server = restarts([[text("busy "), stall()], [text("both")]])
    client = connect()
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta")
    client.request("swarm/send", {"agentId": agent["id"], "text": "and then this"})
    kill_9(client)

    client = connect()
    assert [m["text"] for m in get(client, agent)["queue"]] == ["and then this"]
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    assert server.requests[1].messages[-1]["content"].endswith("and then this")


def test_done_agents_stay_and_take_up_their_transcript(restarts):
    connect, server = restarts([[text("first")], [text("second")]])
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done")
    kill_9(client)
    client = connect()
    assert get(client, agent)["agent"] == {**agent}
    client.request("swarm/send", {"agentId": agent["id"], "text": "more"})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "second")
    assert [m["content"] for m in server.requests[1].messages if m["role"] == "assistant"] == \
        ["first"]


def test_removed_agents_stay_removed(restarts):
    connect, _ = restarts([[text("x")]])
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done")
    client.request("swarm/remove", {"agentId": agent["id"]})
    kill_9(client)
    client = connect()
    assert client.request("swarm/list", {})["agents"] == []


def test_an_agent_that_cannot_be_read_does_not_stop_the_others(restarts, tmp_path):
    connect, _ = restarts([[text("one")], [text("two")]])
    client = connect()
    broken = client.wait_state(spawn(client)["id"], "done")
    fine = client.wait_state(spawn(client)["id"], "done")
    client.close()
    database = sqlite3.connect(tmp_path / "state/swarmd.db")
    database.execute("UPDATE agents SET record = ? WHERE id = ?", (b'{"id": "half', broken["id"]))
    database.commit()
    database.close()
    client = connect()
    assert [a["id"] for a in client.request("swarm/list", {})["agents"]] == [fine["id"]]
    shown = client.wait(lambda: [m["params"]["message"] for m in client.messages
                                 if m.get("method") == "window/showMessage"], "a warning")
    assert "agent number 1" in shown[0]
    client.close()
    database = sqlite3.connect(tmp_path / "state/swarmd.db")
    rows = database.execute("SELECT count(*) FROM agents").fetchone()
    assert rows == (2,)  # left as it is, for whoever can mend it


def test_files_are_private(restarts, tmp_path):
    os.umask(0o022)
    connect, _ = restarts([[call("write", path="a.txt", content="x")], [text("x")]])
    client = connect()
    agent = client.wait_state(spawn(client)["id"], "done")
    state = tmp_path / "state"
    assert state.stat().st_mode & 0o777 == 0o700
    for path in state.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    # What the agent writes is the person's: their umask holds.
    assert (worktree(agent) / "a.txt").stat().st_mode & 0o777 == 0o644


def test_sequence_numbers_go_on_without_gap(restarts, tmp_path):
    here = Gate()
    connect, _ = restarts([[text("a "), gate(here)], [text("b")]])
    client = connect()
    agent = spawn(client)
    here.wait_reached()
    kill_9(client)
    client = connect()
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    seq = client.request("swarm/get", {"agentId": agent["id"]})["seq"]
    client.close()
    client = connect()
    start = len(client.events)
    client.request("swarm/subscribe", {"after": 0})
    client.wait_event(lambda e: e.get("seq", 0) >= seq, start=start)
    seqs = [e["seq"] for e in client.events[start:] if "seq" in e]
    assert seqs == list(range(1, len(seqs) + 1))
    database = sqlite3.connect(tmp_path / "state/swarmd.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
