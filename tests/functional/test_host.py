# SPDX-License-Identifier: MIT
"""Several processes on one state folder: one host, bridges to it, and who takes its place."""

import json
import os
import signal
import subprocess
import time

import pytest
from client import DEADLINE, RpcError, binary
from hosts import (assert_no_gap_and_no_repeat, catch_up, host_of, kill_9, lease_holder, numbered,
                   spawn, swarm, wait_until)
from model_server import Gate, call, gate, stall, text

__all__ = ["swarm"]  # a fixture


# --- one host

def test_ten_editors_at_once_give_one_host(swarm):
    connect, server = swarm([[text("one "), text("two")]])
    clients = [connect(initialize=False) for _ in range(10)]
    for client in clients:
        client.start_request("initialize", {"capabilities": {"experimental": {"swarm": True}},
                                            "initializationOptions": {"subscribe": "all"}}, 1000)
    for client in clients:
        client.wait_response(1000)
        client.request("swarm/list")  # its subscription has begun
    holder = lease_holder(clients[0].state)
    assert [c.process.pid for c in clients].count(holder) == 1
    agent = spawn(clients[3], cwd=str(clients[0].folder / "repository"))
    for client in clients:
        client.wait_state(agent["id"], "done")
    expected, seq = catch_up(clients)
    for client in clients:
        assert [e for e in numbered(client) if e["seq"] <= seq] == expected
    # Bridges end with their editors, the host with the last one.
    others = [c for c in clients if c.process.pid != holder]
    for client in others:
        assert client.close() == 0
    assert host_of([c for c in clients if c.process.pid == holder]).close() == 0
    assert lease_holder(clients[0].state) is None
    assert not (clients[0].state / "swarmd.sock").exists()


def test_both_framings_and_all_messages_pass_a_bridge(swarm):
    connect, server = swarm([[text("hello")]])
    connect()
    for framing in ("headers", "lines"):
        client = connect(framing=framing)
        client.request("swarm/list")
        client.send_raw(b"nonsense\r\n\r\n" if framing == "headers" else b"nonsense\n")
        client.wait(lambda: any(m.get("id", 0) is None for m in client.messages), "an error")
        with pytest.raises(RpcError) as error:
            client.request("swarm/none", valid=False)
        assert error.value.code == -32601
        assert client.close() == 0


def test_a_large_message_passes_both_ways(swarm):
    connect, _ = swarm({"large": [[text("hello")]]})
    connect()
    client = connect()
    task = "large " + "x" * 900_000
    agent = spawn(client, task=task)
    client.wait_state(agent["id"], "done")
    items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
    assert items[0]["content"][0]["text"] == task


def test_a_script_may_pipe_its_requests_through_a_bridge(swarm):
    connect, _ = swarm([])
    host = connect()
    requests = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}},
                {"jsonrpc": "2.0", "id": 2, "method": "swarm/list"},
                {"jsonrpc": "2.0", "id": 3, "method": "shutdown"}]
    done = subprocess.run([binary()], input="\n".join(map(json.dumps, requests)).encode(),
                          stdout=subprocess.PIPE, timeout=DEADLINE, env=host.environment)
    assert done.returncode == 0
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2, 3]


def test_the_end_of_a_bridge_s_editor(swarm):
    connect, _ = swarm([])
    connect()
    silent = connect(initialize=False)
    silent.process.stdin.close()
    assert silent.wait_exit() == 1
    bridge = connect()
    bridge.notify("exit")
    assert bridge.wait_exit() == 1
    editor = subprocess.Popen(["sleep", "600"])
    orphan = connect(initialize=False)
    try:
        orphan.request("initialize", {"capabilities": {}, "processId": editor.pid})
    finally:
        editor.kill()
        editor.wait()
    assert orphan.wait_exit() == 1


def test_a_folder_without_one_in_the_request_is_the_bridge_s(swarm, repository, tmp_path):
    connect, _ = swarm([[text("x")]])
    connect()
    client = connect(initialize=False, cwd=repository)
    client.initialize(subscribe="all")
    assert spawn(client)["repository"] == str(repository)


# --- another host

def test_a_killed_host_is_replaced_and_its_agents_go_on(swarm, tmp_path):
    count = tmp_path / "count"
    connect, server = swarm([[text("I run it. "), call("bash", command=f"echo run >> {count}")],
                             [text("half "), stall()], [text("whole")]])
    host, *others = [connect() for _ in range(4)]
    agent = spawn(others[0])
    for client in others:
        client.request("swarm/list")
    server.wait_requests(2)
    others[1].wait_event(lambda e: e["type"] == "delta" and e["text"].startswith("half"))
    kill_9(host)

    for client in others:
        client.wait_state(agent["id"], "done")
    catch_up(others)
    for client in others:
        assert_no_gap_and_no_repeat(client)
        assert client.process.poll() is None
    assert numbered(others[1])[-5:] == numbered(others[2])[-5:]
    assert count.read_text() == "run\n"
    assert lease_holder(host.state) in [c.process.pid for c in others]
    states = [e["agent"]["state"] for e in numbered(others[0]) if e["type"] == "agent"]
    assert "detached" in states and states[-1] == "done"


def test_agents_that_were_detached_before_are_left_alone(swarm):
    connect, server = swarm({"old": [[text("half "), stall()]], "new": [[stall()], [text("x")]]})
    client = connect()
    old = spawn(client, task="old")
    client.wait_event(lambda e: e["type"] == "delta")
    assert client.close() == 0
    host = connect()
    other = connect()
    new = spawn(other, task="new")
    server.wait_requests(2)
    kill_9(host)
    other.wait_state(new["id"], "done")
    assert other.request("swarm/get", {"agentId": old["id"]})["agent"]["state"] == "detached"


def test_subscriptions_are_kept(swarm):
    """One agent, without deltas; another scope not at all; and what `initialize` chose is undone."""
    connect, server = swarm({"mine": [[text("a")], [text("b")]], "other": [[text("c")]]})
    host = connect()
    client = connect(initialize=False)
    client.initialize(subscribe="own", scope="here")
    watcher = connect()
    agent = spawn(watcher, task="mine")
    watcher.wait_state(agent["id"], "done")
    client.request("swarm/unsubscribe", {})
    client.request("swarm/subscribe", {"agentId": agent["id"], "after": 0, "deltas": False})
    client.wait_turn_end(agent["id"])
    kill_9(host)
    watcher.wait_state(spawn(watcher, task="other", scope="here")["id"], "done")
    client.request("swarm/send", {"agentId": agent["id"], "text": "more"})
    watcher.wait(lambda: len([e for e in watcher.events if e["type"] == "turn" and
                              e["agentId"] == agent["id"] and e["phase"] == "ended"]) == 2, "end")
    catch_up([watcher, client])
    seen = [e for e in client.events if e["type"] in ("item", "turn", "delta")]
    assert {e["agentId"] for e in seen} == {agent["id"]}
    assert not [e for e in seen if e["type"] == "delta"]
    mine = [e for e in numbered(watcher) if e["type"] in ("item", "turn") and
            e["agentId"] == agent["id"]]
    assert [e["seq"] for e in seen] == [e["seq"] for e in mine]


def test_requests_under_way_are_asked_again_or_refused(swarm):
    """A stopped host has read nothing of them; it is killed."""
    connect, _ = swarm([[text("x")], [text("y")]])
    host = connect()
    client = connect()
    done = client.wait_state(spawn(client)["id"], "done")
    os.kill(host.process.pid, signal.SIGSTOP)
    spawned = client.start_request("swarm/spawn", {"task": "again", "requestId": "only-once"})
    listed = client.start_request("swarm/list")
    killed = client.start_request("swarm/kill", {"agentId": done["id"]})
    kill_9(host)
    assert client.wait_response(spawned)["agent"]["task"] == "again"
    assert done["id"] in [a["id"] for a in client.wait_response(listed)["agents"]]
    with pytest.raises(RpcError) as error:
        client.wait_response(killed)
    assert error.value.kind == "lease" and error.value.code == -32803
    assert len(client.responses[spawned]) == 1
    assert client.request("shutdown") is None


def test_a_question_is_asked_again_by_the_next_host(swarm, repository):
    """An editor without swarm support: its open dialog is withdrawn, the new one counts."""
    connect, _ = swarm([[call("write", path="a.txt", content="yes\n")], [text("done")]])
    host = connect()
    plain = connect(initialize=False)
    plain.initialize(swarm=False, root=repository)
    agent = spawn(plain, mode="ask")
    first = plain.wait_request("window/showMessageRequest")
    kill_9(host)
    second = plain.wait_request("window/showMessageRequest",
                                start=plain.requests.index(first) + 1)
    assert second["id"] != first["id"]
    assert any(m.get("method") == "$/cancelRequest" and m["params"]["id"] == first["id"]
               for m in plain.messages)
    plain.respond(first, {"title": "Reject"})  # too late: nobody asks this any more
    plain.respond(second, {"title": "Allow"})
    wait_until(lambda: plain.request("swarm/get", {"agentId": agent["id"]})["agent"]["state"] ==
               "done", "the agent's end")


def test_the_host_s_editor_may_leave_first(swarm):
    here = Gate()
    connect, _ = swarm([[text("half "), gate(here), text("whole")]])
    host = connect()
    other = connect()
    agent = spawn(host)
    here.wait_reached()
    host.request("shutdown")
    host.notify("exit")
    wait_until(lambda: host.ended, "the end of the host's output")
    assert host.process.poll() is None  # it serves the other
    here.open()
    other.wait_state(agent["id"], "done")
    assert_no_gap_and_no_repeat(other)
    states = [e["agent"]["state"] for e in numbered(other) if e["type"] == "agent"]
    assert "detached" not in states  # nothing was cut off
    assert other.close() == 0
    assert host.wait_exit() == 0  # as its own editor left it


def test_sigterm_hands_over(swarm):
    connect, server = swarm([[text("half "), stall()], [text("whole")]])
    host, *others = [connect() for _ in range(3)]
    agent = spawn(others[0])
    others[0].wait_event(lambda e: e["type"] == "delta")
    host.process.send_signal(signal.SIGTERM)
    assert host.wait_exit() == 128 + signal.SIGTERM
    for client in others:
        client.wait_state(agent["id"], "done")
        assert_no_gap_and_no_repeat(client)


def test_hosts_one_after_the_other(swarm):
    connect, _ = swarm({"task": [[text("x")]]})
    clients = [connect() for _ in range(5)]
    while len(clients) > 1:
        host = host_of(clients)
        clients.remove(host)
        kill_9(host)
        for client in clients:
            client.request("swarm/list")
    done = clients[0].wait_state(spawn(clients[0], task="task")["id"], "done")
    assert done["state"] == "done"
    assert clients[0].close() == 0


# --- detach

@pytest.fixture
def background(tmp_path):
    """Ends the background host of the test's state folder, whatever became of it."""
    yield lambda: lease_holder(tmp_path / "state")
    pid = lease_holder(tmp_path / "state")
    if pid:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: lease_holder(tmp_path / "state") is None, "the host's end")


@pytest.mark.parametrize("how", ["option", "configuration"])
def test_a_detached_agent_outlives_its_editor(background, swarm, how):
    here = Gate()
    settings = {"detach": "true"} if how == "configuration" else {}
    connect, _ = swarm([[text("half "), gate(here), text("whole")]], **settings)
    options = {"args": ("--detach",)} if how == "option" else {}
    client = connect(**options)
    pid = background()
    assert pid and pid != client.process.pid
    agent = spawn(client)
    here.wait_reached()
    assert client.close() == 0
    second = connect(**options)
    got = second.request("swarm/get", {"agentId": agent["id"]})
    assert got["agent"]["state"] == "working" and background() == pid
    here.open()
    second.wait_state(agent["id"], "done")
    assert os.getsid(pid) == pid
    second.close()
    assert background() == pid


def test_a_background_host_with_nothing_to_do_ends(background, swarm):
    here = Gate()
    connect, _ = swarm([[text("x"), gate(here)]], detach="true", idle_seconds=1)
    client = connect()
    pid = background()
    agent = spawn(client)
    here.wait_reached()
    assert client.close() == 0
    time.sleep(1.5)  # longer than it would stay idle
    assert background() == pid
    here.open()
    wait_until(lambda: background() is None, "the idle end")
    client = connect()
    assert client.request("swarm/get", {"agentId": agent["id"]})["agent"]["state"] == "done"
    assert client.close() == 0


def test_a_killed_background_host_is_replaced(background, swarm):
    connect, _ = swarm([[text("half "), stall()], [text("whole")]], detach="true")
    clients = [connect() for _ in range(3)]
    agent = spawn(clients[0])
    clients[0].wait_event(lambda e: e["type"] == "delta")
    first = background()
    os.kill(first, signal.SIGKILL)
    for client in clients:
        client.wait_state(agent["id"], "done")
        assert_no_gap_and_no_repeat(client)
    assert background() not in [None, first, *(c.process.pid for c in clients)]
    for client in clients:
        assert client.close() == 0


def test_a_background_host_that_cannot_start_says_why(background, swarm, tmp_path):
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state/swarmd.sock").mkdir()  # cannot be removed as a socket can
    connect, _ = swarm([], detach="true")
    with pytest.raises(RpcError) as error:
        connect()
    assert error.value.kind == "lease" and "swarmd.sock" in error.value.message


def test_a_host_in_the_foreground(swarm, start):
    connect, server = swarm([[text("x")]])
    host = start(config=server.config(), args=("--host",))
    wait_until(lambda: lease_holder(host.state) == host.process.pid, "the host")
    client = connect()
    client.wait_state(spawn(client)["id"], "done")
    second = start(config=server.config(), args=("--host",))
    assert second.wait_exit() == 1 and str(host.process.pid) in second.stderr.decode()
    assert client.close() == 0
    assert host.process.poll() is None
    host.process.send_signal(signal.SIGTERM)
    assert host.wait_exit() == 128 + signal.SIGTERM


def test_swarmd_run_beside_an_editor(swarm, start, repository):
    """As the host it leaves when its agent is done, and does not end what serves the editor."""
    here = Gate()
    connect, server = swarm({"first": [[gate(here), text("x")]], "second": [[text("y")]]})
    run = start(config=server.config(), args=("run", "first"), cwd=repository, read=False)
    here.wait_reached()
    editor = connect()
    host = lease_holder(editor.state)
    assert host != editor.process.pid
    here.open()
    assert run.process.wait(DEADLINE) == 0
    assert lease_holder(editor.state) == host
    again = start(config=server.config(), args=("run", "second"), cwd=repository, read=False)
    assert again.process.wait(DEADLINE) == 0
    assert [a["state"] for a in editor.request("swarm/list")["agents"]] == ["done", "done"]
    assert editor.close() == 0
    wait_until(lambda: lease_holder(editor.state) is None, "the host's end")
