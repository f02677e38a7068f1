# SPDX-License-Identifier: MIT
"""Which agents changed the same files."""

import subprocess
import time

from agents import get, spawn, worktree
from client import DEADLINE
from model_server import Gate, call, gate, text


def write(path, content="x\n"):
    return call("write", path=path, content=content)


def overlaps(client, **params):
    found = client.request("swarm/overlaps", params)["overlaps"]
    return {o["path"]: o["agents"] for o in found}


def hunks(client, path):
    """(startLine, endLine, agents) of each; None when it is not known."""
    found = client.request("swarm/overlaps", {})["overlaps"]
    shared = next((o["hunks"] for o in found if o["path"] == path), None)
    return shared if shared is None else [(h["startLine"], h["endLine"], h["agents"]) for h in shared]


def wait_for_hunks(client, path, wanted):
    """No event tells of them."""
    deadline = time.monotonic() + DEADLINE
    while (found := hunks(client, path)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def change(*lines):
    return call("edit", path="lines", edits=[
        {"old_text": f"line {n:02}\n", "new_text": f"line {n:02}, changed\n"} for n in lines])


def commit_lines(repository, count=40):
    (repository / "lines").write_text("".join(f"line {n:02}\n" for n in range(1, count + 1)))
    subprocess.run(["git", "-C", repository, "add", "lines"], check=True)
    subprocess.run(["git", "-C", repository, "commit", "-qm", "lines"], check=True)


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


def test_hunks_are_told_while_turns_run(swarm, repository):
    commit_lines(repository)
    held = Gate()
    client, _ = swarm({"one": [[call("read", path="lines")], [change(3, 4, 20, 36)], [gate(held), text("done")]],
                       "two": [[call("read", path="lines")], [change(5, 12, 36)], [gate(held), text("done")]]})
    one, two = spawn(client, task="one"), spawn(client, task="two")
    both = [one["id"], two["id"]]
    wait_for_hunks(client, "lines", [(3, 5, both), (36, 36, both)])
    assert overlaps(client) == {"lines": both}
    assert {get(client, agent)["agent"]["state"] for agent in (one, two)} == {"working"}
    held.open()
    for agent in (one, two):
        client.wait_state(agent["id"], "done")
    assert client.close() == 0


def test_hunks_after_the_turns(swarm, repository):
    commit_lines(repository)
    client, _ = swarm({"one": [[call("bash", command="sed -i -e 1i0 -e '/line 07/d' -e '$a41' lines; echo x > whole")], [text("done")]],
                       "two": [[call("bash", command="sed -i -e '/line 30/d' lines; echo y > whole")], [text("done")]],
                       "three": [[call("bash", command="sed -i -e 1i00 -e '/line 3./d' -e '$a42' lines")], [text("done")]],
                       "four": [[call("bash", command="sed -i 1d lines")], [text("done")]]})
    one, two = spawn(client, task="one"), spawn(client, task="two")
    for agent in (one, two):
        client.wait_state(agent["id"], "done")
    wait_for_hunks(client, "lines", [])  # the file is all that they share
    assert overlaps(client)["lines"] == [one["id"], two["id"]]
    assert hunks(client, "whole") is None
    three = spawn(client, task="three")
    client.wait_state(three["id"], "done")
    wait_for_hunks(client, "lines", [(1, 0, [one["id"], three["id"]]), (30, 39, [two["id"], three["id"]]),
                                     (41, 40, [one["id"], three["id"]])])
    # Who started from another version has other lines.
    client.request("swarm/merge", {"agentId": one["id"]})
    four = spawn(client, task="four")
    client.wait_state(four["id"], "done")
    client.wait(lambda: overlaps(client).get("lines") == [two["id"], three["id"], four["id"]], "the overlap")
    assert hunks(client, "lines") is None
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
