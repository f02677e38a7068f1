# SPDX-License-Identifier: MIT
"""Clients that misbehave: what they cost is bounded, and others do not notice.

docs/protocol.md states the bound: the memory of a client that does not read.
"""

import random
import threading
import time

import pytest

from connection import Connection
from model_server import ModelServer, text

MIB = 1 << 20
CLIENT_MAX = 20 * MIB  # that a client costs which does not read, and one which asks for no pages
LIGHT_MAX = 2 * MIB
ROOM = 16 * MIB  # for what others do meanwhile, and for what the sanitizers add
# Freed memory is not kept back for the checks of the sanitizer, else nothing could be measured.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=0:"
                               "thread_local_quarantine_size_kb=0"}
INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
    "capabilities": {"experimental": {"swarm": True}},
    "initializationOptions": {"subscribe": "all"}}}


def spawn(client, repository, task, **params):
    return client.request("swarm/spawn", {"task": task, "cwd": str(repository),
                                          "isolation": "none", **params})["agent"]["id"]


def make_long_transcript(client, repository):
    """An agent with more items than a page of 4 MiB holds; its id."""
    agent = spawn(client, repository, "x" * 900_000)
    for number in range(5):
        client.wait(lambda: len(client.find_events(type="turn", phase="ended")) > number, "a turn")
        client.request("swarm/send", {"agentId": agent, "text": "y" * 900_000})
    client.wait(lambda: len(client.find_events(type="turn", phase="ended")) > 5, "a turn")
    return agent


def test_pages_that_nobody_reads(start, repository):
    """They are answered when there is room, a page or two at a time."""
    with ModelServer(lambda _: [text("Yes.")]) as server:
        client = start(config=server.config(), env=ENVIRONMENT)
        client.initialize(subscribe="all")
        page = {"agentId": make_long_transcript(client, repository), "limit": 500}
        items = client.request("swarm/transcript", page)["items"]
        assert client.close() == 0

        client = start(config=server.config(), env=ENVIRONMENT, read=False)
        client.send(INITIALIZE)
        first = client.start_request("swarm/transcript", page)
        before = wait_for_rest(client)
        ids = [client.start_request("swarm/transcript", page) for _ in range(100)]
        ids += [client.start_request("swarm/pause", {}) for _ in range(100)]
        assert wait_for_rest(client) - before < CLIENT_MAX + ROOM
        client.start_reading()
        for request_id in (first, *ids):
            client.wait_response(request_id)
            newest = client.responses.pop(request_id)[0]["result"]
            assert newest.get("items", items) == items
            client.messages.clear()
        assert client.close() == 0


def wait_for_rest(client):
    """The memory when the server has nothing more to do: its CPU time stands still."""
    last = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open(f"/proc/{client.process.pid}/stat") as f:
            used = f.read().rsplit(")", 1)[1].split()[11:13]
        if used == last:
            return client.memory()
        last = used
        time.sleep(0.3)
    raise AssertionError("the server does not come to rest")


# --- beside others, on the control socket ---

class Crowd:
    """A server whose agents stream, and somebody who behaves and sees it all."""

    def __init__(self, start, repository):
        self.server = ModelServer(self.answer).__enter__()
        self.client = start(config=self.server.config(max_active=8), env=ENVIRONMENT)
        self.client.initialize(subscribe="all")
        self.others = []
        self.agents = [spawn(self.client, repository, f"task {n}", mode="full") for n in range(8)]
        self.wait_for_turns(1)
        self.before = self.client.memory()

    def answer(self, _request):
        return [text("word " * 4000)]

    def connect(self, **options):
        self.others.append(Connection(self.client, **options))
        return self.others[-1]

    def wait_for_turns(self, number):
        self.client.wait(lambda: len(self.client.find_events(type="turn", phase="ended"))
                         >= number * len(self.agents), f"{number} turns of each agent")

    def work(self, rounds=3):
        """Turns of all agents, with requests between; everybody's events come meanwhile."""
        for _ in range(rounds):
            ended = len(self.client.find_events(type="turn", phase="ended"))
            for agent in self.agents:
                self.client.request("swarm/send", {"agentId": agent, "text": "go on"})
            while len(self.client.find_events(type="turn", phase="ended")) < \
                    ended + len(self.agents):
                assert len(self.client.request("swarm/list")["agents"]) == len(self.agents)

    def growth(self):
        return self.client.memory() - self.before

    def close(self):
        for other in self.others:
            other.hang_up()
        self.work(1)
        seqs = [e["seq"] for e in self.client.events if "seq" in e]
        assert seqs == list(range(1, len(seqs) + 1))
        assert self.client.find_events(type="lagged") == []
        assert self.client.close() == 0
        self.server.__exit__()


@pytest.fixture
def crowd(start, repository):
    crowd = Crowd(start, repository)
    yield crowd
    crowd.close()


def test_one_that_never_reads(crowd):
    page = {"agentId": crowd.agents[0], "limit": 500}
    other = crowd.connect(read=False)
    other.send(INITIALIZE)
    requests = b"".join(other.encode({"jsonrpc": "2.0", "id": n, "method": method,
                                      "params": params}) for n in range(1, 2000)
                        for method, params in [("swarm/list", {}), ("swarm/transcript", page)])
    other.send_some(requests)
    crowd.work()
    other.send_some(requests)
    crowd.work()
    assert crowd.growth() < CLIENT_MAX + ROOM


def test_one_that_reads_a_byte_now_and_then(crowd):
    other = crowd.connect(read=False)
    other.send(INITIALIZE)
    stop = threading.Event()
    bytes_read = []

    def read():
        while not stop.wait(0.1):
            bytes_read.append(other.socket.recv(1))

    reader = threading.Thread(target=read)
    reader.start()
    crowd.work(6)
    assert crowd.growth() < CLIENT_MAX + ROOM
    stop.set()
    reader.join()
    assert b"".join(bytes_read).startswith(b"Content-Length: ")


@pytest.mark.parametrize("header", [b"Content-Length: 60000000\r\n\r\n", b"{\"jsonrpc\": \""])
def test_one_that_sends_half_a_message_and_waits(crowd, header):
    size = 16 * MIB
    other = crowd.connect(read=False)
    other.send_raw(header + b"x" * size)
    crowd.work()
    assert crowd.growth() < 2 * size + ROOM


def test_one_that_sends_garbage_for_a_while(crowd):
    randomness = random.Random(20261121)
    other = crowd.connect(read=False)
    stop = threading.Event()

    def send():
        while not stop.is_set():
            other.send_raw(randomness.randbytes(65536).replace(b"Content", b"content"))

    sender = threading.Thread(target=send)
    other.send(INITIALIZE)  # who does not say it in time is sent away
    other.send_raw(b"X")
    sender.start()
    crowd.work(4)
    stop.set()
    sender.join()
    assert crowd.growth() < ROOM
    # It is answered once, and understood again as soon as it says something.
    other.send_raw(b"\r\n")
    other.start_reading()
    assert len(other.request("swarm/list")["agents"]) == len(crowd.agents)
    assert 1 <= len(other.responses[None]) < 100


def test_a_hundred_at_once(crowd):
    """Half of them read."""
    others = [crowd.connect(read=number % 2 == 0) for number in range(100)]
    for other in others:
        other.send(INITIALIZE)
    crowd.work()
    newest = max(e["seq"] for e in crowd.client.events if "seq" in e)
    for other in others[::2]:
        other.wait(lambda: any(e.get("seq") == newest for e in other.events), "the newest event")
        seqs = [e["seq"] for e in other.events if "seq" in e]
        assert seqs == list(range(seqs[0], newest + 1))
    assert crowd.growth() < 100 * LIGHT_MAX + ROOM


def test_one_that_never_reads_behind_a_bridge(crowd, start):
    """The bridge keeps no more than the host does."""
    page = {"agentId": crowd.agents[0], "limit": 500}
    bridge = start(config=crowd.server.config(max_active=8), env=ENVIRONMENT, read=False)
    bridge.send(INITIALIZE)
    first = wait_for_rest(bridge)
    for _ in range(100):  # what fits into pipes while nobody reads
        bridge.start_request("swarm/list", {})
        bridge.start_request("swarm/transcript", page)
    crowd.work()
    assert crowd.growth() < CLIENT_MAX + ROOM
    assert bridge.memory() - first < CLIENT_MAX + ROOM
    bridge.kill()
