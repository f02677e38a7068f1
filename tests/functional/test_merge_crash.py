# SPDX-License-Identifier: MIT
"""A server that is killed while it merges into the tree that the person has checked out.

Whenever that happens: after the next start the branch, the index and the files are either as before
or as after the merge, what the person had uncommitted is untouched, and nothing is locked.
"""

import os
import random
import signal
import subprocess
import time

from agents import spawn
from client import RpcError
from model_server import call, text

FILES = 40
ROUNDS = 60 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 30


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def change(number):
    """A command that changes, adds and removes files; each round others."""
    return (f"for i in $(seq {FILES}); do echo round {number} >> file$i; done; mkdir -p new; echo {number} > new/{number}; "
            f"test {number} -lt 2 || git rm -q --cached new/$(({number} - 2)) 2>/dev/null; rm -f new/$(({number} - 2)); "
            f"test $(({number} % 2)) = 0 && echo x > both || rm -f both")


def settled(repository, before, mine):
    """Is the repository as before, or as after? -> whether it was merged"""
    assert not (repository / ".git/index.lock").exists()
    left = [p.name for p in (repository / ".git").iterdir() if p.name.startswith("swarmd-")]
    assert left == []
    assert git(repository, "status", "--porcelain") == " M README.md\n?? draft".strip()
    assert (repository / "README.md").read_text() == mine
    assert (repository / "draft").read_text() == mine
    now = git(repository, "rev-parse", "main")
    locks = [p.name for p in (repository / ".git").rglob("*.lock")]
    assert [name for name in locks if not name[0].isdigit()] == []  # that of a checkpoint harms nobody
    assert git(repository, "for-each-ref", "refs/swarmd/*/merge*") == ""
    git(repository, "merge-base", "--is-ancestor", before, now)
    return now != before


def wait_until_settled(client, agent):
    while True:  # a dry run is refused while another merge is under way
        try:
            return client.request("swarm/merge", {"agentId": agent["id"], "dryRun": True})
        except RpcError as error:
            assert error.kind == "wrongState", error.message


def test_killed_at_any_moment(restarts, repository):
    for i in range(1, FILES + 1):
        (repository / f"file{i}").write_text("line\n" * 50)
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "files")
    mine = "not committed\n"
    (repository / "README.md").write_text(mine)
    (repository / "draft").write_text(mine)
    rng = random.Random(7)
    script = [step for i in range(2 * ROUNDS) for step in ([call("bash", command=change(i))], [text("done")])]
    connect, _ = restarts(script)
    client = connect()
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    took, merged = 1, 0
    for number in range(ROUNDS):
        before = git(repository, "rev-parse", "main")
        began = time.monotonic()
        asked = client.start_request("swarm/merge", {"agentId": agent["id"]})
        if number % 5 == 0:  # how long it takes when nobody kills it
            client.wait_response(asked)
            took = time.monotonic() - began
            assert settled(repository, before, mine)
        else:
            time.sleep(rng.uniform(0, 1.2 * took))  # the moment of the kill is what is tried out
            client.process.send_signal(signal.SIGKILL)
            client.process.wait()
            client = connect()
            wait_until_settled(client, agent)
            merged += settled(repository, before, mine)
        start = len(client.events)
        client.request("swarm/send", {"agentId": agent["id"], "text": "more"})
        client.wait_turn_end(agent["id"], start=start)
    print(f"{merged} of {ROUNDS} were merged")
    assert 0 < merged < ROUNDS * 4 // 5
    client.request("swarm/merge", {"agentId": agent["id"]})
    assert git(repository, "fsck", "--no-dangling") == ""
    assert client.close() == 0
