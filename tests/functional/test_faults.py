# SPDX-License-Identifier: MIT
"""kill -9 of the host at random moments, while three editors work with one swarm.

Whoever is the host dies; another editor's process takes over, and the killed editor is started
again. After every kill what was acknowledged must be there, one who follows everything sees every
number once, and no command has run twice.
"""

import collections
import json
import os
import random
import sqlite3
import threading

from client import Client, RpcError
from hosts import lease_holder, wait_until
from model_server import ModelServer, call, text

KILLS = 500 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 100
SEED = int(os.environ.get("SWARMD_SEED", "20261121"))
AGENTS = 10
KINDS_AFTER_A_KILL = {"lease", "wrongState"}  # said honestly: look before you repeat it


class World:
    """What the editors were told, and what the commands did."""

    def __init__(self, folder):
        self.ran = folder / "ran"
        self.ran.touch()
        self.commands = 0
        self.lock = threading.Lock()
        self.agents = []            # ids of acknowledged spawns
        self.sent = {}              # item id of an acknowledged send -> (agent id, text)
        self.approved = {}          # approval id -> decision that was acknowledged
        self.items = {}             # id of an item that was shown at its end -> its status
        self.count = 0

    def answer(self, request):
        with self.lock:
            self.commands += 1
            number = self.commands
        if request.turns % 3 == 2:
            return [text("Enough for now.")]
        return [text("I go on. "), call("read", path="README.md"),
                call("bash", command=f"echo {number} >> {self.ran}")]


class Editors:
    def __init__(self, folder, config, repository):
        self.make = lambda: Client(folder, config=config)
        self.repository = repository
        self.all = []
        self.fill()

    def fill(self):
        self.all = [c for c in self.all if c.process.poll() is None]
        while len(self.all) < 3:
            client = self.make()
            client.initialize(root=self.repository, subscribe="all")
            self.all.append(client)

    def kill_host(self):
        state = self.all[0].state
        wait_until(lambda: lease_holder(state) in [c.process.pid for c in self.all], "a host")
        pid = lease_holder(state)
        host = next(c for c in self.all if c.process.pid == pid)
        host.process.kill()
        host.wait_exit()
        return host


def act(world, editors, randomness):
    """One request of one editor; what is acknowledged is noted."""
    client = randomness.choice(editors.all)
    world.count += 1
    if len(world.agents) < AGENTS:
        mode = "ask" if len(world.agents) % 3 == 0 else "full"
        agent = client.request("swarm/spawn", {"task": "work", "mode": mode})["agent"]
        world.agents.append(agent["id"])
        return
    agent_id = randomness.choice(world.agents)
    kind = randomness.choice(["send", "send", "approve", "approve", "pause", "continue", "resume"])
    if kind == "send":
        message = f"message {world.count}"
        got = client.request("swarm/get", {"agentId": agent_id})
        if len(got["queue"]) < 3:
            sent = client.request("swarm/send", {"agentId": agent_id, "text": message})
            world.sent[sent["itemId"]] = (agent_id, message)
    elif kind == "approve":
        for asked in client.request("swarm/get", {"agentId": agent_id})["approvals"]:
            answer = client.request("swarm/approve", {"approvalId": asked["id"],
                                                      "decision": "allow"})["approval"]
            world.approved[asked["id"]] = answer["decision"]
    else:
        client.request(f"swarm/{kind}", {"agentId": agent_id})


def work_until_killed(world, editors, randomness):
    killed = []
    timer = threading.Timer(randomness.uniform(0, 0.15),
                            lambda: killed.append(editors.kill_host()))
    timer.start()
    while timer.is_alive():
        try:
            act(world, editors, randomness)
        except RpcError as error:
            assert error.kind in KINDS_AFTER_A_KILL or "approvalId" in error.message, error
        except (AssertionError, BrokenPipeError, ValueError):
            # Only the editor whose own process was the host may lose its connection.
            timer.join()
    timer.join()
    assert len(killed) == 1
    return killed[0]


def check(world, client):
    agents = {a["id"]: a for a in client.request("swarm/list", {"limit": 1000})["agents"]}
    assert set(world.agents) <= set(agents), "an acknowledged agent is lost"
    ran = collections.Counter(world.ran.read_text().split())
    assert all(times == 1 for times in ran.values()), f"ran twice: {ran.most_common(3)}"


def check_whole(world, client):
    """Every acknowledged message and answer, in the transcripts and the queues."""
    found, approvals, statuses = {}, {}, {}
    # Also of those whose spawn was cut off before its answer.
    for agent_id in [a["id"] for a in client.request("swarm/list")["agents"]]:
        for message in client.request("swarm/get", {"agentId": agent_id})["queue"]:
            found[message["itemId"]] = (agent_id, message["text"])
        after = 0
        while after is not None:
            page = client.request("swarm/transcript", {"agentId": agent_id, "limit": 500,
                                                       "after": after})
            after = page.get("next")
            for item in page["items"]:
                statuses[item["id"]] = item["status"]
                if item["kind"] == "user":
                    found[item["id"]] = (agent_id, item["content"][0]["text"])
                if item["kind"] == "approval":
                    approvals[item["approval"]["id"]] = item["approval"].get("decision")
    for item_id, sent in world.sent.items():
        assert found.get(item_id) == sent, f"the message {item_id} is lost"
    for approval_id, decision in world.approved.items():
        assert approvals.get(approval_id) == decision, f"the answer to {approval_id} is lost"
    for item_id, status in world.items.items():
        assert statuses.get(item_id) == status, f"the item {item_id} is lost"


def check_numbers(client):
    """One who reads everything from the beginning: no gap, no repeat."""
    last = client.request("swarm/list")["seq"]
    start = len(client.events)
    client.request("swarm/subscribe", {"after": 0})
    client.wait_event(lambda e: e.get("seq", 0) >= last, start=start)
    seqs = [e["seq"] for e in client.events[start:] if "seq" in e and e["seq"] <= last]
    assert seqs == list(range(1, last + 1))


def check_follower(world, client):
    """One who only ever continued after its last number."""
    events = list(client.events)
    world.items.update((e["item"]["id"], e["item"]["status"]) for e in events
                       if e["type"] == "item" and e["item"]["status"] != "started")
    seqs = [e["seq"] for e in events if "seq" in e]
    first = seqs[0] if seqs else 0  # it may have been killed before anything came
    assert seqs == list(range(first, first + len(seqs))), "a gap or a repeat"


def check_integrity(folder):
    database = sqlite3.connect(folder / "state/swarmd.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_kill_9_of_the_host_while_three_editors_work(tmp_path, repository):
    randomness = random.Random(SEED)
    world = World(tmp_path)
    with ModelServer(world.answer) as server:
        config = server.config(max_active=AGENTS)
        editors = Editors(tmp_path, config, repository)
        for number in range(KILLS):
            killed = work_until_killed(world, editors, randomness)
            check_follower(world, killed)
            editors.fill()
            check(world, randomness.choice(editors.all))
            if number % 10 == 0:
                check_integrity(tmp_path)
        for client in editors.all:
            client.request("swarm/list")
            check_follower(world, client)
        check_whole(world, editors.all[0])
        check_numbers(one_more(editors))
        for client in editors.all:
            client.kill()
        assert server.refused == []
    check_integrity(tmp_path)
    print(json.dumps({"agents": len(world.agents), "sent": len(world.sent),
                      "approved": len(world.approved), "requests": world.count}))
    assert len(world.agents) == AGENTS and world.sent and world.approved and world.items


def one_more(editors):
    client = editors.make()
    client.initialize(root=editors.repository, subscribe="none")
    editors.all.append(client)
    return client
