# SPDX-License-Identifier: MIT
"""What the tests of several processes on one state folder share (test_host.py, test_socket.py)."""

import fcntl
import signal
import time

import pytest
from client import DEADLINE
from model_server import ModelServer


@pytest.fixture
def swarm(start, repository):
    """swarm(script, **config) -> (connect, server); connect() starts one more process."""
    servers = []

    def make(script, **config):
        server = ModelServer(script)
        servers.append(server)

        def connect(initialize=True, **options):
            client = start(config=server.config(**config), **options)
            if initialize:
                client.initialize(root=repository, subscribe="all")
            return client

        return connect, server

    yield make
    for server in servers:
        server.close()
        assert server.refused == []


def spawn(client, **params):
    return client.request("swarm/spawn", {"task": "do it", "mode": "full", **params})["agent"]


def numbered(client):
    return [e for e in list(client.events) if "seq" in e]


def wait_until(condition, what):
    """For what only the system can tell; everything else is waited for as events."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def lease_holder(state):
    """The pid that is in the lock, when it is locked."""
    try:
        with open(state / "swarmd.lock", "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            except BlockingIOError:
                return int(lock.read() or 0)
    except FileNotFoundError:
        return None


def host_of(clients):
    pid = lease_holder(clients[0].state)
    return next(c for c in clients if c.process.pid == pid)


def catch_up(clients):
    """All have seen everything: the events with a number, which are the same for all."""
    seq = clients[0].request("swarm/list")["seq"]
    for client in clients:
        client.wait(lambda: any(e["seq"] >= seq for e in numbered(client)), f"event {seq}")
    return [e for e in numbered(clients[0]) if e["seq"] <= seq], seq


def assert_no_gap_and_no_repeat(client):
    seqs = [e["seq"] for e in numbered(client)]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def kill_9(client):
    client.process.send_signal(signal.SIGKILL)
    client.process.wait()
