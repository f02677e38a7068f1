# SPDX-License-Identifier: MIT
"""An agent's worktree has the bytes that `git worktree add` would give."""
import os
import stat
import subprocess
import time

import pytest
from agents import items, spawn, worktree
from model_server import text

EVERY_BYTE = bytes(range(256))
TEXTS = {
    "lf.txt": b"one\ntwo\nthree\n",
    "crlf.txt": b"one\r\ntwo\r\n",
    "mixed.txt": b"one\r\ntwo\nthree\rfour\n",
    "cr.txt": b"one\rtwo\n",
    "no-end.txt": b"one\ntwo",
    "empty.txt": b"",
    "nul.txt": b"one\n\0two\n",
    "binary.dat": EVERY_BYTE,
    "dos-end.txt": b"one\ntwo\n\x1a",
    "control.txt": b"a\x01b\x02\n" * 3,
    "mostly-text.txt": b"plain text, " * 40 + b"\x01\n",
    "utf8.txt": "gr\u00fc\u00dfe \u4e16\u754c\n".encode(),
    "latin1.txt": b"gr\xfc\xdfe\n",
    "id.txt": b"$Id$ $Id: old $ $Id: a b c $ $Id:\n$ $Id $ $ID$ $Id$$Id$\n$Id: no end",
    "one.c": b"int main(void) { return 0; }\n",
    "sub/two.c": b"$Id$\nint x;\n",
    "sub/deep/three.h": b"#define X\r\n#define Y\r\n",
    "sub/notes.md": b"notes\n",
    "#early/a.txt": b"x\ny\n",
}


def git(repository, *arguments, **options):
    return subprocess.run(["git", "-C", str(repository), *arguments], check=True,
                          capture_output=True, **options).stdout


def add(repository, files):
    for name, content in files.items():
        path = os.path.join(os.fsencode(repository), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def commit(repository):
    # What is in the repository is what the test wrote, whatever the attributes say.
    git(repository, "-c", "core.autocrlf=false", "add", "-A", "-f")
    git(repository, "commit", "-q", "--allow-empty", "-m", "nasty")


def commit_raw(repository, files):
    """Blobs as they are: no filter has a say."""
    add(repository, files)
    for name in files:
        blob = git(repository, "hash-object", "-w", "--no-filters", "--", name).decode().strip()
        git(repository, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    git(repository, "commit", "-q", "-m", "nasty")


def content(top):
    """Each path with its kind, permissions and bytes."""
    found = {}
    top = os.fsencode(str(top))
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, top)
            if relative == b".git":
                continue
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                found[relative] = ("link", os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                found[relative] = ("folder", stat.S_IMODE(status.st_mode))
            else:
                with open(path, "rb") as file:
                    found[relative] = (stat.S_IMODE(status.st_mode), file.read())
    return found


@pytest.fixture
def same(swarm, repository, tmp_path):
    """Compares the two worktrees of a repository; the agent's is returned."""
    def compare():
        reference = tmp_path / "reference"
        git(repository, "worktree", "add", "-q", "--detach", reference)
        client, _ = swarm([[text("done")]])
        agent = client.wait_state(spawn(client)["id"], "done")
        ours = worktree(agent)
        assert content(ours) == content(reference)
        assert git(ours, "status", "--porcelain") == b""
        # What is in the repository as no git would have put it there looks changed, once it is read.
        for path in content(ours):
            for top in (ours, reference):
                os.utime(os.path.join(os.fsencode(str(top)), path), (0, 0), follow_symlinks=False)
        assert git(ours, "status", "--porcelain") == git(reference, "status", "--porcelain")
        assert git(ours, "ls-files", "-s") == git(reference, "ls-files", "-s")
        git(ours, "fsck")
        assert git(ours, "write-tree") == git(reference, "write-tree")
        return ours
    return compare


ATTRIBUTES = {
    "none": "",
    "auto": "* text=auto\n",
    "auto-lf": "* text=auto eol=lf\n",
    "auto-crlf": "* text=auto eol=crlf\n",
    "text": "*.txt text\n*.c text eol=crlf\n*.h text eol=lf\n*.dat binary\n",
    "minus": "* text=auto eol=crlf\n*.c -text\n*.txt !text !eol\nmixed.txt text\n*.dat -text\n",
    "old": "*.txt crlf\n*.c -crlf\n*.md crlf=input\n",
    "ident": "* ident\n*.c -ident\nsub/*.c ident eol=crlf\n",
    "macro": "[attr]dos text eol=crlf ident\n*.txt dos\n*.c -dos\nid.txt !dos text\n",
    "macro-of-binary": "* eol=crlf text\n*.txt binary\n[attr]mine binary\n*.c mine\n",
    "encoding": "utf8.txt working-tree-encoding=UTF-16\nlf.txt working-tree-encoding=UTF-16LE-BOM "
                "eol=crlf text\none.c working-tree-encoding=UTF-16BE\n"
                "sub/notes.md working-tree-encoding=ISO-8859-1\nempty.txt "
                "working-tree-encoding=UTF-8\n",
    "filter": "* filter=lfs diff=lfs merge=lfs -text\n",
    "export": "* export-ignore export-subst linguist-vendored\n",
    "patterns": "/lf.txt eol=crlf\nsub/** eol=crlf\n**/deep/*.h ident\n# comment\n\n"
                "\"no-end.txt\" eol=crlf\n  *.md text eol=crlf\nid.[tx]xt ident\n!one.c eol=crlf\n"
                "sub/ eol=lf\n\"\\155ixed.txt\" eol=crlf\n*.c bad!name eol=crlf\n",
}


@pytest.mark.parametrize("autocrlf", ["false", "true", "input"])
@pytest.mark.parametrize("attributes", ATTRIBUTES)
def test_ends_of_lines(repository, same, autocrlf, attributes):
    commit_raw(repository, {**TEXTS, ".gitattributes": ATTRIBUTES[attributes].encode()})
    git(repository, "config", "core.autocrlf", autocrlf)
    same()


@pytest.mark.parametrize("key, value", [
    ("core.eol", "crlf"), ("core.eol", "lf"), ("core.eol", "native"), ("core.symlinks", "false"),
    ("core.fileMode", "false"), ("core.autocrlf", "TRUE"), ("core.safecrlf", "true")])
def test_settings(repository, same, key, value):
    (repository / "run.sh").write_text("#!/bin/sh\n")
    (repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("run.sh")
    commit(repository)
    commit_raw(repository, {**TEXTS, ".gitattributes": b"*.txt text\n*.md text=auto\n"})
    git(repository, "config", key, value)
    same()


def test_attributes_in_folders(repository, same):
    commit_raw(repository, {
        **TEXTS,
        ".gitattributes": b"*.txt text eol=crlf\n[attr]dos eol=crlf text\n",
        "#early/.gitattributes": b"a.txt -text\n",
        "sub/.gitattributes": b"*.c dos ident\n/notes.md dos\ndeep/*.h ident\n[attr]bad eol=crlf\n",
        "sub/deep/.gitattributes": b"*.h text eol=lf\n",
    })
    info = repository / ".git/info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("lf.txt -text\nsub/two.c !eol\n[attr]mine eol=crlf text\n"
                                     "one.c mine\n")
    same()


def test_attributes_of_the_person(repository, same, tmp_path):
    (tmp_path / "my-attributes").write_text("*.c text eol=crlf\n*.txt ident\n")
    git(repository, "config", "core.attributesFile", tmp_path / "my-attributes")
    commit_raw(repository, {**TEXTS, ".gitattributes": b"one.c -text\n"})
    same()


def test_names(repository, same):
    names = ["with space", "new\nline", "tab\there", "quote\"s", "back\\slash", "caf\u00e9",
             "cafe\u0301", "-dash", "a" * 255, "Case", "case", "CASE/x", "cas\u00e9/x", ".hidden",
             "..dots", "trailing.", "trailing ", "*star*", "[x]", ":colon", "con", "a.git", "git~2",
             "long/" + "d" * 200 + "/" + "e" * 200 + "/" + "f" * 255, "a/b", "a-b", "a.b", "ab",
             "a/b.c", "a0"]
    names = [name for name in names if name != "a/b"]
    add(repository, {name: name.encode() for name in names})
    add(repository, {b"\xff\xfe": b"no utf-8"})
    commit(repository)
    same()


def test_kinds(repository, same, tmp_path):
    add(repository, {"run.sh": b"#!/bin/sh\n", "folder/inner.sh": b"x", "empty": b"",
                     "large.bin": EVERY_BYTE * 20000})
    for name in ("run.sh", "folder/inner.sh"):
        (repository / name).chmod(0o755)
    (repository / "link").symlink_to("run.sh")
    (repository / "dangling").symlink_to("/nowhere/at/all")
    (repository / "to-folder").symlink_to("folder")
    (repository / "folder/out").symlink_to("../../..")
    inner = tmp_path / "inner"
    subprocess.run(["git", "init", "-q", inner], check=True)
    git(inner, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "module")
    commit(repository)
    ours = same()
    assert os.listdir(ours / "module") == []
    assert b"-" in git(ours, "submodule", "status")


def test_an_empty_tree(repository, same):
    for name in os.listdir(repository):
        if name != ".git":
            git(repository, "rm", "-rq", name)
    commit(repository)
    same()


def test_packed_and_loose_and_deltas(repository, same):
    lines = [b"line %d\n" % number for number in range(3000)]
    for step in range(5):
        lines[step * 100] = b"changed %d\n" % step
        add(repository, {"many.txt": b"".join(lines), f"v{step}.txt": b"".join(lines)})
        commit(repository)
    git(repository, "gc", "-q")
    add(repository, {"loose.txt": b"loose\n"})
    commit(repository)
    same()


def test_the_first_status_reads_no_file_again(repository, same):
    commit_raw(repository, TEXTS)
    ours = same()
    entry = git(ours, "ls-files", "--debug", "lf.txt").decode()
    modified = int(entry.split("mtime: ")[1].split(":")[0])
    index = git(ours, "rev-parse", "--path-format=absolute", "--git-path", "index").decode().strip()
    assert modified < int(os.stat(index).st_mtime)


def made_ahead(folder):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = list(folder.glob("*-*-*/tree/lf.txt"))
        if found:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("no worktree is made ahead")


def test_the_next_worktree_is_made_ahead(swarm, repository):
    commit_raw(repository, TEXTS)
    client, _ = swarm([[text("done")], [text("done")]], worktree_pool="{count: 1, mb: 10}")
    client.wait_state(spawn(client)["id"], "done")
    ahead = made_ahead(client.state / "pool").stat().st_ino
    second = client.wait_state(spawn(client)["id"], "done")
    assert (worktree(second) / "lf.txt").stat().st_ino == ahead
    assert git(worktree(second), "status", "--porcelain") == b""
    assert client.close() == 0


def seeded(repository, tmp_path, text, **more):
    (repository / ".gitignore").write_text(".env\nlocal/\nnode_modules/\n*.key\n")
    commit(repository)
    for name in (".env", "local/a.txt", "local/deep/b.txt", "node_modules/.env", "x.key", "kept.txt"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(name)
    (repository / ".env").chmod(0o600)
    (repository / "link.key").symlink_to("/etc/passwd")
    return "\n  - " + text.replace("PATH", str(repository))


def test_seeding(swarm, repository, tmp_path):
    entry = seeded(repository, tmp_path, "{path: PATH, include: [.env, /local/deep/, '*.key', kept.txt], "
                                         "worktreeinclude: false, setup: 'echo made > made.key; cat .env; exit 3'}")
    (repository / ".worktreeinclude").write_text("local/a.txt\n")
    client, _ = swarm([[text("done")]], repositories=entry)
    agent = client.wait_state(spawn(client)["id"], "done")
    tree = worktree(agent)
    assert (tree / ".env").read_text() == ".env" and stat.S_IMODE((tree / ".env").stat().st_mode) == 0o600
    assert (tree / "local/deep/b.txt").exists() and not (tree / "local/a.txt").exists()
    assert (tree / "x.key").exists() and not os.path.lexists(tree / "link.key")
    assert not (tree / "node_modules").exists() and not (tree / "kept.txt").exists()
    assert (tree / "made.key").read_text() == "made\n"
    assert git(tree, "status", "--porcelain") == b""
    notices = [item["text"] for item in items(client, agent, "notice")]
    assert any(said.startswith("setup failed: echo made") and ".env" in said and "[exit code 3]" in said
               for said in notices)


def test_the_repositorys_own_list_counts_when_it_is_trusted(swarm, repository, tmp_path):
    entry = seeded(repository, tmp_path, "{path: PATH, worktreeinclude: true}")
    (repository / ".worktreeinclude").write_text("local/a.txt\n")
    client, _ = swarm([[text("done")]], repositories=entry)
    tree = worktree(client.wait_state(spawn(client)["id"], "done"))
    assert (tree / "local/a.txt").exists() and not (tree / ".env").exists()


def test_a_setup_that_takes_long_is_stopped(swarm, repository, tmp_path):
    entry = seeded(repository, tmp_path, "{path: PATH, setup: 'sleep 1000'}")
    client, _ = swarm([[text("done")]], repositories=entry)
    agent = client.request("swarm/spawn", {"task": "wait", "mode": "full"})["agent"]
    deadline = time.monotonic() + 20
    while "setup: sleep" not in (client.request("swarm/get", {"agentId": agent["id"]})["agent"]
                                 .get("activity") or ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client.request("swarm/kill", {"agentId": agent["id"]})
    assert client.close() == 0


def test_a_checkout_that_nobody_waits_for_is_given_up(swarm, repository, tmp_path):
    """The objects are at a server that never answers."""
    partial = tmp_path / "partial"
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository}", partial)
    git(partial, "remote", "set-url", "origin", "ssh://example.invalid/repository")
    asked = tmp_path / "asked"
    client, _ = swarm([[text("done")]], env={
        "GIT_SSH_COMMAND": f"touch {asked}; sleep 1000; true",
        "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"})  # libgit2 1.5's own (core/git/repository_known.h)
    agent = client.request("swarm/spawn", {"task": "wait", "cwd": str(partial)})["agent"]["id"]
    deadline = time.monotonic() + 20
    while not asked.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed = client.request("swarm/kill", {"agentId": agent})["agent"]
    assert killed["state"] == "killed" and not os.path.exists(tmp_path / "state/git" / agent)
    assert client.close() == 0


def test_sparse(swarm, repository, tmp_path):
    add(repository, {"src/a/x.c": b"x\n", "src/b/y.c": b"y\n", "docs/z.md": b"z\n", "top.txt": b"t\n"})
    commit(repository)
    patterns = ["/src/", "!/src/b/", "/top.txt"]
    reference = tmp_path / "reference"
    git(repository, "worktree", "add", "-q", "--detach", "--no-checkout", reference)
    git(reference, "sparse-checkout", "set", "--no-cone", *patterns)
    git(reference, "checkout", "-q")
    expected = content(reference)
    git(repository, "worktree", "remove", "--force", reference)
    listed = ", ".join(f"'{pattern}'" for pattern in patterns)
    client, _ = swarm([[text("done")]], repositories=f"\n  - {{path: {repository}, sparse: [{listed}]}}")
    tree = worktree(client.wait_state(spawn(client)["id"], "done"))
    assert content(tree) == expected and b"top.txt" in expected and b"docs" not in expected
    assert git(tree, "status", "--porcelain") == b""
    assert git(tree, "ls-files", "docs") == b"docs/z.md\n"
    (tree / "top.txt").write_text("changed\n")
    git(tree, "commit", "-qam", "changed")
    assert git(tree, "show", "HEAD:docs/z.md") == b"z\n"
    git(tree, "checkout", "-q", "HEAD~1")
    assert not (tree / "docs").exists()


def test_filters_are_not_run_and_that_is_said(swarm, repository, tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    commit_raw(repository, {"big.bin": pointer, ".gitattributes": b"*.bin filter=lfs -text\n"})
    git(repository, "config", "filter.lfs.smudge", f"touch {tmp_path}/ran; cat")
    client, _ = swarm([[text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    assert (worktree(agent) / "big.bin").read_bytes() == pointer
    assert any("the filter 'lfs'" in item["text"] for item in items(client, agent, "notice"))
    assert git(worktree(agent), "status", "--porcelain") == b"" and not (tmp_path / "ran").exists()
