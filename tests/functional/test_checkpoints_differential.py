# SPDX-License-Identifier: MIT
"""Checkpoints and diffs against the git command line, over generated histories.

Trees are what `git add -A` and `git write-tree` make with an index of their own; numbers are those of
`git diff --numstat -M`; patches must apply with `git apply` and give the same tree.
"""

import pytest
from agents import spawn, worktree
from histories import make_history, mutate, rounds, run_git, tree_of
from model_server import call, text

def working(request):
    """Each turn runs a command: only then is there a checkpoint after it."""
    return [text("done")] if request.messages[-1]["role"] == "tool" else [call("bash", command="true")]


GROUPS = 10  # that share a server


def numbers(root, old, new):
    """{path: (added, removed, old path)} of git's own diff; None where it sees bytes that differ."""
    out = run_git(root, "diff", "--raw", "--no-abbrev", "--numstat", "-M", "-z", old, new).split("\0")
    found, same, at = {}, set(), 0
    while at < len(out) - 1:
        if out[at].startswith(":"):
            ids, renamed = out[at].split()[2:4], out[at].split()[4][0] == "R"
            if ids[0] == ids[1]:
                same.add(out[at + 1 + renamed])
            at += 2 + renamed
            continue
        added, removed, path = out[at].split("\t", 2)
        before = None
        if not path:
            before, path = out[at + 1], out[at + 2]
            at += 2
        at += 1
        counted = (None, None) if added == "-" and path not in same else (int(added.strip("-") or 0),
                                                                          int(removed.strip("-") or 0))
        found[path] = (*counted, before)
    return found


def ours(diff):
    return {f["path"]: ((None, None) if f["binary"] else (f["added"], f["removed"])) + (f.get("oldPath"),)
            for f in diff["files"]}


def ignored_in(folder):
    return set(run_git(folder, "ls-files", "-z", "-o", "-i", "--exclude-standard").split("\0"))


def applied(root, base, patch, tmp_path):
    """The tree that a patch makes of a commit."""
    env = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    run_git(root, "read-tree", base, env=env)
    if patch:
        run_git(root, "apply", "--cached", "--whitespace=nowarn", "-", env=env,
                input=patch.encode("utf-8", "surrogateescape"))
    return run_git(root, "write-tree", env=env).strip()


@pytest.mark.parametrize("group", range(GROUPS))
def test_trees_numbers_and_patches_are_those_of_git(swarm, tmp_path, group):
    client, _ = swarm(working)
    for seed in range(group, rounds(), GROUPS):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        history = make_history(folder / "repository", seed)
        head = history.git("rev-parse", "HEAD").strip()
        agent = spawn(client, "go", cwd=str(history.root))
        name = {"agentId": agent["id"]}
        client.wait_state(agent["id"], "done")
        tree = worktree(agent)
        trees = {"0": history.git("rev-parse", "HEAD^{tree}").strip()}
        assert tree_of(tree) == trees["0"]
        assert client.request("swarm/checkpoints", name) == {"checkpoints": [], "current": "0"}, f"seed {seed}"
        for turn in (2, 3):
            did = mutate(history.rng, tree, 10)
            if turn == 3 and history.rng.random() < 0.5:  # some of it is committed by the agent
                run_git(tree, "add", "-A")
                run_git(tree, "commit", "-q", "-m", "part", "--allow-empty")
                did += ["commit"] + mutate(history.rng, tree, 4)
            what = f"seed {seed}, turn {turn}: {did}"
            expected = tree_of(tree)
            diff = client.request("swarm/diff", name)
            assert diff["base"] == head
            client.request("swarm/send", {**name, "text": "on"})
            client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended" and e["turn"] == turn and
                              e["agentId"] == agent["id"])
            listed = client.request("swarm/checkpoints", name)
            made = {c["checkpoint"]: c for c in listed["checkpoints"]}
            if expected == trees[max(trees)]:
                assert str(turn) not in made, what
                continue
            kept = made[str(turn)]
            assert history.git("rev-parse", kept["commit"] + "^{tree}").strip() == expected, what
            assert ours(diff) == numbers(tree, head, kept["commit"]), what
            between = client.request("swarm/diff", {**name, "from": max(trees), "to": turn})
            of_git = numbers(tree, trees[max(trees)], expected)
            assert ours(between) == of_git, what
            assert (kept["files"], kept["added"], kept["removed"]) == (
                len(of_git), sum(n[0] or 0 for n in of_git.values()), sum(n[1] or 0 for n in of_git.values())), what
            if not any(f["binary"] for f in diff["files"]):
                assert applied(history.root, head, diff["patch"], folder) == expected, what
            trees[str(turn)] = expected
        if len(trees) > 1:
            back = max(trees) if seed % 2 else sorted(trees)[-2]
            what = mutate(history.rng, tree, 6)
            before, ignored = tree_of(tree), ignored_in(tree)
            done = client.request("swarm/rewind", {**name, "turn": int(back)})
            now, added = tree_of(tree), set()
            if now != trees[back]:  # ignored files stay, and the file that said so may be gone now
                added = set(history.git("diff", "--diff-filter=A", "--name-only", "-z", trees[back], now).split("\0"))
            assert added <= ignored and (added or now == trees[back]), f"seed {seed}: back to {back} after {what}"
            assert history.git("diff", "--diff-filter=a", "--raw", trees[back], now) == "", f"seed {seed}"
            kept = history.git("rev-parse", f"refs/swarmd/{agent['id']}/{done['kept']}^{{tree}}").strip()
            assert kept == before, f"seed {seed}: kept before going back"
            client.request("swarm/rewind", {**name, "turn": done["kept"]})
            assert tree_of(tree) == before, f"seed {seed}: back again"
        assert run_git(history.root, "status", "--porcelain") == ""
        fsck = run_git(history.root, "fsck", "--no-dangling", "--connectivity-only")
        assert fsck == "", fsck
        removed = client.request("swarm/remove", {**name, "force": True})
        left = run_git(history.root, "for-each-ref", "--format=%(refname)", "refs/swarmd").split()
        assert left == ([removed["kept"]["ref"]] if "kept" in removed else []), f"seed {seed}"
    assert client.close() == 0
