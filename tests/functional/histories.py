# SPDX-License-Identifier: MIT
"""Repositories full of nasty content, made from a seed, for tests against the git command line.

    history = make_history(folder, seed, commits=6, files=20)
    history.root                 its working directory, a Path; HEAD is on `main`, nothing uncommitted
    history.main                 "main"
    history.commits              ids on main, oldest first
    history.rng                  random.Random(seed) as the making left it: draw from it to stay seeded
    history.branch(name, base=None, commits=3)
                                 a branch from base (default: main's tip) with commits of random
                                 changes; made without touching root. -> id of its tip
    history.advance(commits=1)   more commits on main, in root itself
    history.git(*arguments)      runs git in root (or in: git(..., cwd=path)), -> its stdout, str

    mutate(rng, folder, changes=8)
                                 changes files below any folder the way people and agents do it:
                                 edits of lines, new and removed files, renames (with and without
                                 edits), modes, symlinks, files that become folders and back, ends of
                                 lines, binary files, ignored files. Leaves .git alone and commits
                                 nothing. -> what it did, for messages
    run_git(folder, *arguments)  git without the user's configuration and with fixed names and times
    tree_of(folder)              the tree of everything in a worktree, as `git add -A` sees it, by an
                                 index of its own: neither the worktree's index nor HEAD is touched

Everything follows from the seed: the same one gives the same commit ids. What a history has:
nested folders, .gitattributes (text=auto, eol=crlf, -text, binary) and .gitignore at several levels, a
core.autocrlf that the seed chooses, names with spaces, quotes, backslashes and non-ASCII letters
(all of them UTF-8, without line breaks), empty files, files without a line break at the end, lines
that are alike (so that diffs and merges are ambiguous), files that differ little (so that renames
are).

rounds() is how many seeds a differential test shall do: 60, or 300 with SWARMD_LONG.
"""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile

NAMES = ("alpha", "beta", "gamma", "delta", "Makefile", "read me", "größe", "日本", "it's", 'quo"te', "back\\slash",
         "-dash", "#notes", "UPPER", "a.b.c", "main", "util", "zeta", "x=y", "[brackets]", "star*", "tab\there")
ENDINGS = (".c", ".txt", ".md", ".crlf", ".bin", ".dat", ".sh", "")
FOLDERS = ("", "", "src", "src/core", "docs", "über uns", "src/core/deep/er", "lib.d")
WORDS = ("the quick brown fox jumps over a lazy dog while some agent writes code and nobody reads any of it "
         "return if else int static void struct x y z i 0 1 2 { } ; // TODO").split()
IDENTITY = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org"}
FIRST_SECOND = 1_700_000_000


def rounds():
    return 300 if os.environ.get("SWARMD_LONG") in ("1", "ON") else 60


def run_git(folder, *arguments, env=None, check=True, input=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment.update(IDENTITY, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", LC_ALL="C.UTF-8")
    environment.update(env or {})
    done = subprocess.run(["git", "-c", "core.quotePath=false", *map(str, arguments)], cwd=folder, env=environment,
                          input=input, capture_output=True)
    if check and done.returncode:
        raise AssertionError(f"git {arguments} in {folder}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode("utf-8", "surrogateescape")


def tree_of(folder, base="HEAD"):
    with tempfile.TemporaryDirectory() as private:
        env = {"GIT_INDEX_FILE": os.path.join(private, "index")}
        run_git(folder, "read-tree", base, env=env)
        run_git(folder, "add", "-A", "--", ".", env=env)
        return run_git(folder, "write-tree", env=env).strip()


# --- content ---

def a_line(rng):
    # A third of all lines are alike, as braces and empty lines are in code.
    if rng.random() < 0.3:
        return rng.choice(("", "}", "    return 0;", "{"))
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 9)))


def some_text(rng, lines=None):
    count = rng.choice((0, 1, 3, 12, 40, 120)) if lines is None else lines
    made = [a_line(rng) for _ in range(count)]
    end = "\r\n" if rng.random() < 0.2 else "\n"
    text = end.join(made)
    if made and rng.random() < 0.85:
        text += end
    return text.encode()


def some_bytes(rng):
    return bytes(rng.randrange(256) for _ in range(rng.choice((1, 50, 700)))) + b"\0\1"


def content(rng, name):
    if name.endswith(".bin") or rng.random() < 0.05:
        return some_bytes(rng)
    return some_text(rng)


def edited(rng, data):
    """data as somebody leaves it who edits it: a few lines differ."""
    if b"\0" in data:
        return data + some_bytes(rng)[:20]
    if rng.random() < 0.06:  # ends of lines
        return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data.replace(b"\n", b"\r\n")
    lines = data.splitlines(keepends=True)
    end = b"\r\n" if data.count(b"\r\n") * 2 > len(lines) else b"\n"
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(lines) + 1)
        kind = rng.random()
        if kind < 0.4 or not lines:
            lines[at:at] = [a_line(rng).encode() + end for _ in range(rng.randrange(1, 4))]
        elif kind < 0.7:
            lines[at:at + rng.randrange(1, 4)] = []
        else:
            lines[at:at + 1] = [a_line(rng).encode() + end]
    return b"".join(lines)


# --- changes in a folder ---

def files_in(folder):
    """Every file and symlink below the folder, relative and sorted, but no .git."""
    found = []
    for top, inner, names in os.walk(folder):
        links = [n for n in inner if os.path.islink(os.path.join(top, n))]
        inner[:] = sorted(n for n in inner if n != ".git" and n not in links)
        found += [os.path.relpath(os.path.join(top, n), folder) for n in names + links if n != ".git"]
    return sorted(found)


def free_path(rng, folder):
    for _ in range(100):
        name = rng.choice(NAMES) + (str(rng.randrange(30)) if rng.random() < 0.6 else "") + rng.choice(ENDINGS)
        path = pathlib.Path(folder) / rng.choice(FOLDERS) / name
        parents = [p for p in path.parents if pathlib.Path(folder) in p.parents]
        if not os.path.lexists(path) and not any(p.is_symlink() or p.is_file() for p in parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path
    raise AssertionError("no free name")


def clear_empty(path, folder):
    while path != folder and path.is_dir() and not any(path.iterdir()):
        path.rmdir()
        path = path.parent


def mutate(rng, folder, changes=8):
    folder = pathlib.Path(folder)
    return [what for what in (one_change(rng, folder) for _ in range(changes)) if what]


def one_change(rng, folder):
    there = files_in(folder)
    plain = [n for n in there if not (folder / n).is_symlink() and not n.rsplit("/")[-1].startswith(".git")]
    kind = rng.choices(("edit", "add", "remove", "rename", "mode", "link", "kind", "ignored", "rewrite", "touch"),
                       (30, 15, 10, 14, 5, 5, 4, 5, 4, 8))[0]
    if kind == "add" or not plain:
        path = free_path(rng, folder)
        path.write_bytes(content(rng, path.name))
        return f"add {path.relative_to(folder)}"
    name = rng.choice(plain)
    path = folder / name
    if kind == "edit":
        path.write_bytes(edited(rng, path.read_bytes()))
    elif kind == "rewrite":
        path.write_bytes(content(rng, path.name))
    elif kind == "touch":
        os.utime(path, (FIRST_SECOND, FIRST_SECOND))
    elif kind == "remove":
        path = folder / rng.choice([n for n in there if not n.rsplit("/")[-1].startswith(".git")])
        path.unlink()
        clear_empty(path.parent, folder)
        return f"remove {path.relative_to(folder)}"
    elif kind == "rename":
        return rename(rng, folder, path)
    elif kind == "mode":
        path.chmod(path.stat().st_mode ^ 0o111)
    elif kind == "link":
        link = free_path(rng, folder)
        link.symlink_to(rng.choice((path.name, "nowhere", "../" + path.name, "/etc/hostname", ".")))
        return f"link {link.relative_to(folder)}"
    elif kind == "kind":
        path.unlink()
        if rng.random() < 0.5:
            path.symlink_to("elsewhere")
        else:
            path.mkdir()
            (path / "inside.txt").write_bytes(some_text(rng))
    elif kind == "ignored":
        path = folder / rng.choice(("noise.log", "src/noise.log", "build/out.o", "docs/keep.log", "local.tmp"))
        if not any(p.is_symlink() or p.is_file() for p in path.parents if folder in p.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(path):
                path.write_bytes(some_text(rng))
    return f"{kind} {path.relative_to(folder)}"


def rename(rng, folder, path):
    if rng.random() < 0.25 and path.parent != folder:  # the whole folder
        target = folder / f"moved{rng.randrange(1000)}"
        if not os.path.lexists(target):
            path.parent.rename(target)
            return f"rename folder {path.parent.relative_to(folder)} to {target.name}"
    target = free_path(rng, folder)
    path.rename(target)
    clear_empty(path.parent, folder)
    if rng.random() < 0.5:
        target.write_bytes(edited(rng, target.read_bytes()))
    return f"rename {path.relative_to(folder)} to {target.relative_to(folder)}"


# --- histories ---

class History:
    main = "main"

    def __init__(self, folder, seed):
        self.root = pathlib.Path(folder)
        self.seed = seed
        self.rng = random.Random(seed)
        self.commits = []
        self.second = FIRST_SECOND

    def git(self, *arguments, cwd=None, **options):
        return run_git(cwd or self.root, *arguments, **options)

    def commit(self, folder, message):
        """Commits everything in folder, with a time that follows from the seed. -> its id"""
        self.second += 60
        when = f"{self.second} +0000"
        env = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        run_git(folder, "add", "-A", "--", ".")
        run_git(folder, "commit", "-q", "--allow-empty", "-m", message, env=env)
        return run_git(folder, "rev-parse", "HEAD").strip()

    def advance(self, commits=1, changes=5):
        for _ in range(commits):
            done = mutate(self.rng, self.root, changes)
            self.commits.append(self.commit(self.root, "; ".join(done) or "nothing"))
        return self.commits[-1]

    def branch(self, name, base=None, commits=3, changes=5):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="swarmd-history-"))
        tree = folder / "tree"
        try:
            self.git("worktree", "add", "-q", "-b", name, tree, base or self.main)
            tip = self.git("rev-parse", name).strip()
            for _ in range(commits):
                tip = self.commit(tree, "; ".join(mutate(self.rng, tree, changes)) or "nothing")
            self.git("worktree", "remove", "--force", tree)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return tip

    def begin(self, files):
        self.root.mkdir(parents=True)
        self.git("init", "-q", "-b", self.main)
        self.git("config", "core.autocrlf", self.rng.choice(("false", "false", "input", "true")))
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")
        (self.root / ".gitattributes").write_text(
            self.rng.choice(("", "* text=auto\n")) + "*.crlf text eol=crlf\n*.bin binary\n*.dat -text\n*.sh text eol=lf\n")
        (self.root / ".gitignore").write_text("*.log\n/build/\n*.tmp\n!keep.log\n")
        for _ in range(files):
            path = free_path(self.rng, self.root)
            path.write_bytes(content(self.rng, path.name))
        # Twins, so that what was renamed to what is a matter of likeness.
        body = some_text(self.rng, 40)
        for name in ("twin-a.txt", "twin-b.txt"):
            (self.root / name).write_bytes(edited(self.rng, body))
        docs = self.root / "docs"
        docs.mkdir(exist_ok=True)
        (docs / ".gitattributes").write_text("*.txt eol=crlf\n*.md -text\n")
        (docs / ".gitignore").write_text("*.dat\n")
        self.commits.append(self.commit(self.root, "Start"))


def make_history(folder, seed, commits=6, files=20):
    history = History(folder, seed)
    history.begin(files)
    history.advance(commits - 1)
    return history
