# SPDX-License-Identifier: MIT
"""One host after the other is ended under busy editors: nobody misses or repeats anything.

Every round some editors give work, then the host is killed, or told to end, at a random moment; a
bridge takes its place and the others come to it. Each command of an agent appends its own number to
a file: a number that stands there twice is a tool that ran twice.
"""

import collections
import os
import random
import sqlite3
import threading
import time

from client import RpcError
from hosts import assert_no_gap_and_no_repeat, catch_up, lease_holder, numbered, swarm
from model_server import call, text

__all__ = ["swarm"]  # a fixture
ROUNDS = 120 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 12
SEED = int(os.environ.get("SWARMD_SEED", "20261121"))
EDITORS = 4


class Work:
    """Conversations of a few steps; what the commands did; what was acknowledged."""

    def __init__(self, folder):
        self.ran = folder / "ran"
        self.ran.touch()
        self.commands = 0
        self.agents = []
        self.sent = {}  # text -> agent id
        self.lock = threading.Lock()

    def answer(self, request):
        with self.lock:
            self.commands += 1
            number = self.commands
        if request.turns % 4 == 3:
            return [text("That is enough for now.")]
        return [text("I go on. "), call("bash", command=f"echo {number} >> {self.ran}"),
                call("write", path=f"file{number}.txt", content=f"{number}\n")]

    def give(self, client, name, randomness):
        """A spawn or a message; what the end of the host leaves open is refused as `lease`."""
        try:
            if len(self.agents) < 8:
                agent = client.request("swarm/spawn", {"task": "work", "mode": "full",
                                                       "requestId": name})["agent"]
                self.agents.append(agent["id"])
            else:
                agent_id = randomness.choice(self.agents)
                client.request("swarm/send", {"agentId": agent_id, "text": f"go on, {name}"})
                self.sent[f"go on, {name}"] = agent_id
        except RpcError as error:
            assert error.kind in ("lease", "limit"), error


def texts_of(client, agent_id):
    """Everything that was said to the agent: its transcript, and what still waits."""
    said = [m["text"] for m in client.request("swarm/get", {"agentId": agent_id})["queue"]]
    page = {"next": 1 << 50}
    while "next" in page:
        page = client.request("swarm/transcript", {"agentId": agent_id, "limit": 500,
                                                   "before": page["next"]})
        said += [item["content"][0]["text"] for item in page["items"] if item["kind"] == "user"]
    return said


def end_the_host(clients, randomness):
    pid = lease_holder(clients[0].state)
    host = next(c for c in clients if c.process.pid == pid)
    host.process.kill() if randomness.random() < 0.7 else host.process.terminate()
    clients.remove(host)


def test_hosts_end_at_random_moments(swarm, tmp_path):
    randomness = random.Random(SEED)
    work = Work(tmp_path)
    connect, server = swarm(work.answer, max_active=4)

    def join():
        client = connect()
        client.request("swarm/list")  # its events have begun
        return client

    clients = [join() for _ in range(EDITORS)]
    everybody = list(clients)
    for number in range(ROUNDS):
        for index, client in enumerate(clients):
            for times in range(randomness.randrange(3)):
                work.give(client, f"{number}.{index}.{times}", randomness)
        time.sleep(randomness.uniform(0, 0.15))  # the moment
        end_the_host(clients, randomness)
        for client in clients:
            client.request("swarm/list")
        while len(clients) < EDITORS:
            clients.append(join())
            everybody.append(clients[-1])

    client = clients[0]
    client.request("swarm/send", {"agentId": work.agents[0], "text": "the last"})
    catch_up(clients)
    for one in everybody:
        assert one.stderr == b""
        if numbered(one):
            assert_no_gap_and_no_repeat(one)
    for agent_id in work.agents:
        said = texts_of(client, agent_id)
        assert [t for t, to in work.sent.items() if to == agent_id and t not in said] == []
    ran = collections.Counter(work.ran.read_text().split())
    assert all(times == 1 for times in ran.values()), f"ran twice: {ran.most_common(3)}"
    assert work.commands > ROUNDS  # it was busy
    states = {a["id"]: a for a in client.request("swarm/list")["agents"]}
    assert set(work.agents) <= set(states)
    assert not [a for a in states.values() if a["state"] in ("failed", "detached")]
    database = sqlite3.connect(client.state / "swarmd.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
