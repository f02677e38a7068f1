# SPDX-License-Identifier: MIT
"""Which agents changed the same files."""

import subprocess

from agents import get, spawn, worktree
from model_server import Gate, call, gate, text


def write(path, content="x\n"):
    return call("write", path=path, content=content)


def overlaps(client, **params):
    found = client.request("swarm/overlaps", params)["overlaps"]
    return {o["path"]: o["agents"] for o in found}


def others(client, agent):
    return get(client, agent)["agent"]["overlaps"]


def test_they_are_told_while_turns_run(swarm):
    held = Gate()
    client, _ = swarm({"one": [[write("shared"), write("mine")], [gate(held), text("done")]],
                       "two": [[write("shared")], [gate(held), text("done")]]})
    one, two = spawn(client, task="one", scope="red"), spawn(client, task="two")
    client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == one["id"] and e["agent"]["overlaps"] == [two["id"]])
    client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == two["id"] and e["agent"]["overlaps"] == [one["id"]])
    assert overlaps(client) == {"shared": [one["id"], two["id"]]}
    assert overlaps(client, scope="red") == overlaps(client)
    assert overlaps(client, scope="blue") == {}
    held.open()
    client.wait_state(one["id"], "done")
    client.wait_state(two["id"], "done")
    assert client.close() == 0


def test_what_commands_change_counts_after_the_turn(swarm, repository):
    client, _ = swarm({"one": [[call("bash", command="echo 1 >> README.md; mkdir -p d; echo 1 > d/new")], [text("done")]],
                       "two": [[call("bash", command="mkdir d; echo 2 > d/new")], [text("done")]],
                       "three": [[write("other")], [text("done")]]})
    one, two, three = (spawn(client, task=name) for name in ("one", "two", "three"))
    for agent in (one, two, three):
        client.wait_state(agent["id"], "done")
    client.wait(lambda: overlaps(client) == {"d/new": [one["id"], two["id"]]}, "the overlap")
    assert others(client, one) == [two["id"]] and others(client, three) == []
    # What is merged is no overlap any more.
    client.request("swarm/merge", {"agentId": one["id"]})
    assert overlaps(client) == {} and others(client, two) == []
    assert client.close() == 0


def test_what_commands_change_is_seen_while_they_run(swarm):
    held = Gate()
    client, _ = swarm({"one": [[call("bash", command="mkdir d; echo 1 > d/new; while ! [ -e end ]; do sleep 0.1; done")],
                               [text("done")]],
                       "two": [[write("d/new")], [gate(held), text("done")]]})
    one, two = spawn(client, task="one"), spawn(client, task="two")
    client.wait(lambda: overlaps(client) == {"d/new": [one["id"], two["id"]]}, "the overlap")
    assert others(client, one) == [two["id"]] and others(client, two) == [one["id"]]
    assert {get(client, agent)["agent"]["state"] for agent in (one, two)} == {"working"}
    (worktree(one) / "end").touch()
    held.open()
    for agent in (one, two):
        client.wait_state(agent["id"], "done")
    assert client.close() == 0


def test_removed_agents_and_other_repositories(swarm, repository, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "-q", repository, elsewhere], check=True)
    client, _ = swarm({name: [[write("shared")], [text("done")]] for name in ("one", "two", "three")})
    one, two = spawn(client, task="one"), spawn(client, task="two")
    three = spawn(client, task="three", cwd=str(elsewhere))
    for agent in (one, two, three):
        client.wait_state(agent["id"], "done")
    assert overlaps(client) == {"shared": [one["id"], two["id"]]}
    client.request("swarm/remove", {"agentId": one["id"], "force": True})
    assert overlaps(client) == {} and others(client, two) == []
    assert client.close() == 0
