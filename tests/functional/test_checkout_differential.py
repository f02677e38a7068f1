# SPDX-License-Identifier: MIT
"""Worktrees of generated histories beside those of `git worktree add`: the same paths, kinds, modes and bytes.

The first agent of a repository gets a worktree of our own writer, and the second one that was made ahead, where
there is one by then.
"""

import os

import pytest
from agents import spawn, worktree
from histories import make_history, rounds, run_git
from model_server import text
from test_checkout import content

GROUPS = 4  # that share a server


def index_of(tree):
    return run_git(tree, "ls-files", "-s", "-z")


def compare(history, ours, commit, folder, what):
    reference = folder / "reference"
    run_git(history.root, "worktree", "add", "-q", "--detach", reference, commit)
    assert content(ours) == content(reference), what
    assert index_of(ours) == index_of(reference), what
    assert run_git(ours, "status", "--porcelain") == "", what
    for tree in (ours, reference):  # status reads each file anew
        for path in content(tree):
            os.utime(os.path.join(os.fsencode(str(tree)), path), (0, 0), follow_symlinks=False)
    assert run_git(ours, "status", "--porcelain", "-z") == run_git(reference, "status", "--porcelain", "-z"), what
    run_git(history.root, "worktree", "remove", "--force", reference)


@pytest.mark.parametrize("group", range(GROUPS))
def test_content_is_that_of_git(swarm, tmp_path, group):
    client, _ = swarm(lambda request: [text("done")], worktree_pool="{count: 1, mb: 10}")
    for seed in range(group, rounds(), GROUPS):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        history = make_history(folder / "repository", seed, commits=4)
        tip = history.branch("other", base=history.rng.choice(history.commits), commits=2, changes=9)
        if history.rng.random() < 0.3:
            history.git("gc", "-q")
        for commit in (history.commits[-1], tip):
            agent = client.wait_state(spawn(client, "look", cwd=str(history.root), base=commit)["id"], "done")
            compare(history, worktree(agent), commit, folder, f"seed {seed}, commit {commit}")
            client.request("swarm/remove", {"agentId": agent["id"]})
        assert run_git(history.root, "for-each-ref", "refs/swarmd", "refs/heads/swarm") == ""
    assert client.close() == 0
