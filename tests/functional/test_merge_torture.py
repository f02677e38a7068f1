# SPDX-License-Identifier: MIT
"""Ten agents, random merges, and a person who commits, stashes, switches and collects garbage beside them.

Each unit of work is a line of its own, put somewhere once and never taken away. At the end each is
at the tip of some branch, in a stash, a checkpoint or a worktree; and git fsck finds nothing.
"""

import collections
import os
import random
import re
import subprocess
import threading

from agents import get, spawn, worktree
from client import RpcError
from model_server import call, text

AGENTS = 10
LONG = os.environ.get("SWARMD_LONG") in ("1", "ON")
REQUESTS = 400 if LONG else 50
SHARED = 4  # files that everybody changes
HONEST = {"conflict", "dirty", "refused", "wrongState", "repository"}  # what may be answered


def git(folder, *arguments, check=True):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert not check or done.returncode == 0, (arguments, done.stderr)
    return done.stdout


class Units:
    """Lines that were put somewhere."""

    def __init__(self):
        self.lines, self.lock = [], threading.Lock()

    def new(self, who):
        with self.lock:
            self.lines.append(f"unit-{len(self.lines)}-{who}")
            return self.lines[-1]


def model(units, rng):
    """A model whose every turn puts two lines somewhere, or takes the markers out of conflicts."""

    def answer(request):
        last = request.messages[-1]
        if last["role"] == "tool":
            return [text("done")]
        if "Resolve them" in str(last["content"]):
            return [call("bash", command="sed -i -E '/^(<<<<<<<|=======$|>>>>>>>)/d' $(git ls-files -m | sort -u) || true")]
        task = next(m for m in request.messages if m["role"] == "user")["content"]
        name = re.search(r"agent\d+", str(task)).group()
        command = (f"mkdir -p {name}; echo {units.new(name)} >> {name}/notes; "
                   f"sed -i '{rng.randrange(1, 9)}i {units.new(name)}' shared{rng.randrange(SHARED)}")
        if rng.random() < 0.3:
            command += "; git add -A; git commit -qm wip"
        return [call("bash", command=command)]

    return answer


def person(repository, units, rng, stop):
    """What a person does; git may refuse any of it, and then nothing is lost either."""
    while not stop.wait(rng.uniform(0, 0.05)):
        kind = rng.choices(("file", "edit", "commit", "stash", "pop", "switch", "gc", "branch"),
                           (20, 15, 20, 8, 10, 10, 3, 3))[0]
        if kind == "file":
            line = units.new("person")
            (repository / f"person-{line}").write_text(line + "\n")
        elif kind == "edit":
            with open(repository / f"shared{rng.randrange(SHARED)}", "a") as file:
                file.write(units.new("person") + "\n")
        elif kind == "commit":
            git(repository, "add", "-A", check=False)
            git(repository, "commit", "-qm", "person", check=False)
        elif kind == "stash":
            git(repository, "stash", "-q", "-u", check=False)
        elif kind == "pop":
            git(repository, "stash", "pop", "-q", check=False)
            unmerged = {line.split("\t")[1] for line in git(repository, "ls-files", "-u", check=False).splitlines()}
            if unmerged:  # the stash is kept; files that the person edited since are not these
                git(repository, "checkout", "-q", "--ours", "--", *unmerged, check=False)
                git(repository, "add", "-A", check=False)
        elif kind == "switch":
            git(repository, "switch", "-q", rng.choice(("main", "side")), check=False)
        elif kind == "gc":
            git(repository, "gc", "-q", check=False)
        else:
            git(repository, "branch", f"kept{rng.randrange(5)}", check=False)


def everything(repository, folders):
    """The text of all tips and of all worktrees."""
    refs = git(repository, "for-each-ref", "--format=%(refname)").split()
    stashes = [line.split(":")[0] for line in git(repository, "stash", "list").splitlines()]
    found = []
    for tip in {git(repository, "rev-parse", ref).strip() for ref in refs + stashes}:
        found.append(git(repository, "grep", "-h", "unit-", tip, check=False))
        if git(repository, "rev-parse", "-q", "--verify", f"{tip}^3", check=False):  # a stash's untracked files
            found.append(git(repository, "grep", "-h", "unit-", f"{tip}^3", check=False))
    for folder in (repository, *folders):
        for top, inner, names in os.walk(folder):
            inner[:] = [n for n in inner if n != ".git"]
            found += [open(os.path.join(top, n), errors="replace").read() for n in names]
    return set(re.findall(r"unit-\d+-\w+", "\n".join(found)))


def test_no_line_is_lost(swarm, repository):
    rng = random.Random(5)
    units, answers = Units(), collections.Counter()
    for i in range(SHARED):
        (repository / f"shared{i}").write_text("".join(f"line {n}\n" for n in range(20)))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "shared")
    git(repository, "branch", "side")
    client, _ = swarm(model(units, random.Random(6)))
    agents = [spawn(client, task=f"agent{i}: work") for i in range(AGENTS)]
    stop = threading.Event()
    beside = threading.Thread(target=person, args=(repository, units, random.Random(7), stop))
    for agent in agents:
        client.wait_state(agent["id"], "done", "failed")
    beside.start()
    try:
        for _ in range(REQUESTS):
            agent = rng.choice(agents)["id"]
            kind = rng.choices(("merge", "send", "update"), (50, 35, 25))[0]
            params = {"agentId": agent}
            if kind == "merge":
                params.update(into=rng.choice(("main", "main", "side")), strategy=rng.choice(("merge", "squash", "rebase", "ff")))
            elif kind == "send":
                params.update(text="more")
            else:
                params.update(conflicts=rng.choice(("refuse", "resolve", "resolve")))
            try:
                client.request(f"swarm/{kind}", params)
                answers[kind] += 1
            except RpcError as error:
                assert error.kind in HONEST, error.message
                answers[f"{kind}: {error.kind}"] += 1
    finally:
        stop.set()
        beside.join()
    client.wait(lambda: all(get(client, a)["agent"]["state"] in ("done", "failed") for a in agents), "the last turns")
    print(dict(answers), len(units.lines), "units")
    assert answers["merge"] > REQUESTS // 25
    assert git(repository, "fsck", "--no-dangling", "--no-progress").strip() == ""
    assert not (repository / ".git/index.lock").exists()
    lost = set(units.lines) - everything(repository, [worktree(get(client, a)["agent"]) for a in agents])
    assert not lost, sorted(lost)
    assert client.close() == 0
