# SPDX-License-Identifier: MIT
"""kill -9 at random moments of a turn: nothing acknowledged is lost, nothing runs twice.

Every round starts a server on the same state folder, looks at what the rounds before left, sets
agents to work and kills the server at a random moment. Each command of an agent appends its own
number to a file: a number that stands there twice is a tool that ran twice.
"""

import collections
import os
import random
import sqlite3
import threading

from client import Client
from model_server import ModelServer, call, text

ROUNDS = 300 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 50
SEED = int(os.environ.get("SWARMD_SEED", "20261121"))
SETTLED = {"done", "failed", "killed", "detached", "waiting"}


class World:
    """What the client was told, and what the commands did."""

    def __init__(self, folder):
        self.ran = folder / "ran"
        self.ran.touch()
        self.commands = 0
        self.agents = {}  # id -> acknowledged
        self.items = {}   # item id -> the newest status that was seen
        self.last_seq = 0
        self.lock = threading.Lock()

    def answer(self, request):
        """A conversation of a few steps, each command with a number of its own."""
        with self.lock:
            self.commands += 1
            number = self.commands
        if request.turns % 4 == 3:
            return [text("That is enough for now.")]
        return [text("I go on. "), call("read", path="README.md"),
                call("bash", command=f"echo {number} >> {self.ran}"),
                call("write", path=f"file{number}.txt", content=f"{number}\n")]

    def note(self, events):
        for event in events:
            if event["type"] == "item":
                self.items[event["item"]["id"]] = event["item"]["status"]
            if "seq" in event:
                assert event["seq"] > self.last_seq
                self.last_seq = event["seq"]


def check(world, client):
    """What the server says after its restart, against what was acknowledged before."""
    agents = {a["id"]: a for a in client.request("swarm/list", {"limit": 1000})["agents"]}
    assert set(world.agents) <= set(agents), "an acknowledged agent is lost"
    for agent in agents.values():
        assert agent["state"] in SETTLED | {"queued", "starting", "working"}
    found = {}
    for agent_id in agents:
        page = client.request("swarm/transcript", {"agentId": agent_id, "limit": 500})
        found.update((item["id"], item["status"]) for item in page["items"])
    for item_id, was in world.items.items():
        assert item_id in found, f"item {item_id} is lost"
        if was != "started":
            assert found[item_id] == was, f"item {item_id} was {was}, is {found[item_id]}"
    ran = collections.Counter(world.ran.read_text().split())
    assert all(times == 1 for times in ran.values()), f"ran twice: {ran.most_common(3)}"
    return agents


def busy_until_killed(world, client, agents, randomness):
    """Sets agents to work; the kill comes from a timer, in the middle of whatever happens."""
    killer = threading.Timer(randomness.uniform(0, 0.25), client.process.kill)
    killer.start()
    try:
        for agent in agents.values():
            if agent["state"] == "detached":
                client.request("swarm/resume", {"agentId": agent["id"]})
            elif agent["state"] == "done":
                client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
        while True:
            if len(world.agents) < 6:
                agent = client.request("swarm/spawn", {"task": "work", "mode": "full"})["agent"]
                world.agents[agent["id"]] = True
            client.request("swarm/list", {})
    except (AssertionError, BrokenPipeError, ValueError):
        pass  # the server is gone
    killer.join()
    client.wait_exit()


def test_kill_9_at_random_moments(tmp_path, repository):
    randomness = random.Random(SEED)
    world = World(tmp_path)
    with ModelServer(world.answer) as server:
        for _ in range(ROUNDS):
            client = Client(tmp_path, config=server.config(max_active=4))
            client.initialize(root=repository, subscribe="all")
            agents = check(world, client)
            busy_until_killed(world, client, agents, randomness)
            world.note(client.events)
            database = sqlite3.connect(tmp_path / "state/swarmd.db")
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            database.close()
        client = Client(tmp_path, config=server.config(max_active=4))
        client.initialize(root=repository, subscribe="all")
        check(world, client)
        assert client.close() == 0
        assert server.refused == []
    assert len(world.agents) >= 4 and world.commands > ROUNDS  # it was busy
