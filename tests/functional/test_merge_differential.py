# SPDX-License-Identifier: MIT
"""What merging makes of two histories, beside `git merge-tree --write-tree`.

Where swarmd finds no conflict, git finds none, and the trees are the same. Where git finds one, so
does swarmd, and in the same files.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

from histories import make_history, rounds, run_git

BRANCHES = 6  # of each history, merged with one another
TOO_MANY = 0.75  # of the merges that are clean for git may not be conflicts here


def merge_check():
    fallback = pathlib.Path(os.environ.get("SWARMD", "build/dev/bin/swarmd")).parents[1] / "tests/merge_check"
    return os.environ.get("MERGE_CHECK", str(fallback))


def ours(root, pairs):
    lines = "".join(f"{a} {b}\n" for a, b in pairs)
    done = subprocess.run([merge_check(), root], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(pairs)
    return answers


def of_git(root, a, b):
    """(tree or None, paths in conflict, what it said)"""
    said = run_git(root, "merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", a, b, check=False)
    tree, *paths = said.rstrip("\0").split("\0")
    assert re.fullmatch(r"[0-9a-f]{40}", tree), (a, b, said)
    # A file that stands where a folder must be is called <path>~<commit>.
    return tree, {re.sub(r"~[0-9a-f]{40}(_\d+)?$", "", p) for p in paths if p}


def compare(root, a, b, answer):
    """None, or what is wrong. -> (problem, clean for git, clean here)"""
    tree, paths = of_git(root, a, b)
    word, _, rest = answer.partition(" ")
    where = f"{root}: merging {b} into {a}"
    if word == "clean":
        if paths:
            return f"{where}: git has conflicts in {sorted(paths)}, swarmd none", False, True
        if rest != tree:
            names = run_git(root, "diff-tree", "-r", "--name-status", tree, rest)
            return f"{where}: clean, but the trees differ (git {tree}, swarmd {rest}):\n{names}", True, True
        return None, True, True
    if word == "error":
        return (None if "have in common" in rest else f"{where}: {rest}"), not paths, False
    here = {c[k] for c in json.loads(rest) for k in ("path", "other")}
    # What was renamed to what may be a matter of taste; then git tells of both in one line.
    told = run_git(root, "merge-tree", "--write-tree", a, b, check=False).splitlines() if paths - here else []
    missing = {p for p in paths - here if not any(p in line and any(h and h in line for h in here) for line in told)}
    return (f"{where}: conflicts of git alone: {sorted(missing)}, here {rest}" if missing else None), not paths, False


def branches(history):
    tips = [history.branch(f"b{i}", base=history.rng.choice(history.commits), commits=history.rng.randrange(1, 4),
                           changes=history.rng.choice((2, 5, 9))) for i in range(BRANCHES)]
    return [history.commits[-1], *tips]


@pytest.mark.parametrize("group", range(4))
def test_trees_and_conflicts_are_those_of_git(tmp_path, group):
    problems, clean_for_git, clean_here, count = [], 0, 0, 0
    for seed in range(group, rounds(), 4):
        history = make_history(tmp_path / str(seed), seed, commits=4, files=14)
        tips = branches(history)
        pairs = [(a, b) for i, a in enumerate(tips) for b in tips[:i]]
        for (a, b), answer in zip(pairs, ours(history.root, pairs)):
            problem, git_clean, we_clean = compare(history.root, a, b, answer)
            problems += [f"seed {seed}: {problem}"] if problem else []
            clean_for_git += git_clean
            clean_here += we_clean
            count += 1
    print(f"{count} merges: {clean_for_git} clean for git, {clean_here} here")
    assert not problems, "\n".join(problems[:20]) + f"\n{len(problems)} of {count}"
    assert clean_here > TOO_MANY * clean_for_git, (clean_here, clean_for_git)
