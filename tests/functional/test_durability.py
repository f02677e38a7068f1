# SPDX-License-Identifier: MIT
"""What the store does when the disk does not: full, read-only, damaged, of another version."""

import collections
import contextlib
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from client import DEADLINE, RpcError
from model_server import ModelServer, call, text

OLD_SCHEMA = """
    CREATE TABLE agents(num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
                        removed INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE log(seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE spans(last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL,
                       agents BLOB NOT NULL);
    CREATE TABLE segments(agent INTEGER NOT NULL, first_seq INTEGER NOT NULL,
                          last_seq INTEGER NOT NULL, version INTEGER NOT NULL,
                          body BLOB NOT NULL, UNIQUE(agent, first_seq));
    CREATE TABLE settings(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE requests(id TEXT PRIMARY KEY, time INTEGER NOT NULL, result BLOB NOT NULL);
    CREATE INDEX requests_by_time ON requests(time);
"""


def shown(client, kind=None):
    """Texts of window/showMessage; kind 1 is an error, 2 a warning, 3 information."""
    return [m["params"]["message"] for m in client.messages
            if m.get("method") == "window/showMessage" and kind in (None, m["params"]["type"])]


def wait_shown(client, kind, words):
    return client.wait(lambda: next((t for t in shown(client, kind) if words in t), None), words)


def refusal(client, method, params=None):
    with pytest.raises(RpcError) as error:
        client.request(method, params)
    assert error.value.kind == "storage", error.value
    return error.value.message


def check_database(path):
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    seqs = [seq for seq, in database.execute("SELECT seq FROM log ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1))
    database.close()


# --- no room ---

class SmallDisk:
    """A file system of its own, where the test may mount one, that a filler takes all of."""

    said = "the disk is full"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder],
                       check=True, capture_output=True)

    def fill(self, _client):
        with contextlib.suppress(OSError), open(self.folder / "filler", "wb", 0) as filler:
            while True:
                filler.write(bytes(4096))

    def make_room(self, _client):
        (self.folder / "filler").unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=True)


class SizeLimit:
    """A limit to the size of each file, which needs no right of its own."""

    said = "the disk does not take it"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def fill(self, client):
        self._set(client, 4096)

    def make_room(self, client):
        self._set(client, resource.RLIM_INFINITY)

    def _set(self, client, size):
        resource.prlimit(client.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self):
        pass


@pytest.fixture(params=[SmallDisk, SizeLimit])
def disk(request, tmp_path):
    try:
        disk = request.param(tmp_path / "disk")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("mounting is not allowed here")
    yield disk
    disk.close()


class Work:
    """Agents that go on until told to end, with commands that leave a trace."""

    def __init__(self, ran):
        self.ran = ran
        self.ran.touch()
        self.lock = threading.Lock()
        self.commands = 0
        self.over = False

    def answer(self, _request):
        with self.lock:
            self.commands += 1
            number = self.commands
        if self.over:
            return [text("Done.")]
        return [text("word " * 400), call("bash", command=f"echo {number} >> {self.ran}")]

    def check(self):
        counts = collections.Counter(self.ran.read_text().split())
        assert counts and max(counts.values()) == 1, "a command ran twice"


def test_a_full_disk_pauses_the_agents_until_there_is_room(start, tmp_path, disk, repository):
    work = Work(tmp_path / "ran")
    with ModelServer(work.answer) as server:
        environment = {"SWARMD_STATE_DIR": str(disk.folder)}
        client = start(config=server.config(max_active=4), env=environment)
        client.initialize(root=repository, subscribe="all")
        agents = [client.request("swarm/spawn", {"task": f"work {n}", "mode": "full",
                                                 "isolation": "none"})["agent"]["id"]
                  for n in range(4)]
        client.wait(lambda: work.commands > 12, "work")
        disk.fill(client)
        told = wait_shown(client, 1, disk.said)
        assert str(disk.folder) in told and "make room" in told

        said = refusal(client, "swarm/spawn", {"task": "more", "isolation": "none"})
        assert disk.said in said
        refusal(client, "swarm/send", {"agentId": agents[0], "text": "more"})
        # Whoever asks sees the swarm, and nobody acts on what is not on disk.
        listed = client.request("swarm/list", {})
        assert {a["id"] for a in listed["agents"]} == set(agents)
        last = max(e["seq"] for e in client.events if "seq" in e)
        assert listed["seq"] == last
        client.wait(lambda: len(shown(client, 1)) == 1, "one message only")

        begun = work.commands
        disk.make_room(client)
        wait_shown(client, 3, "can write its store again")
        client.wait(lambda: work.commands > begun + 8, "more work")
        work.over = True
        for agent in agents:
            client.wait_event(lambda e: e["type"] == "turn" and e["agentId"] == agent
                              and e.get("stopReason") == "endTurn")
        assert client.request("swarm/search", {"query": "done"})["hits"]
        seen = [e for e in client.events if "seq" in e]
        assert [e["seq"] for e in seen] == list(range(1, len(seen) + 1))
        assert client.close() == 0
        work.check()
        check_database(disk.folder / "swarmd.db")

        again = start(config=server.config(max_active=4), env=environment)
        again.initialize(subscribe="none")
        again.request("swarm/subscribe", {"after": 0})
        again.wait(lambda: len([e for e in again.events if "seq" in e]) >= len(seen), "a replay")
        assert [e for e in again.events if "seq" in e][:len(seen)] == seen
        assert again.close() == 0
        assert server.refused == []


def test_a_disk_that_stays_full_does_not_keep_it_from_ending(start, tmp_path, disk, repository):
    work = Work(tmp_path / "ran")
    with ModelServer(work.answer) as server:
        environment = {"SWARMD_STATE_DIR": str(disk.folder)}
        client = start(config=server.config(max_active=4), env=environment)
        client.initialize(root=repository, subscribe="all")
        client.request("swarm/spawn", {"task": "work", "mode": "full", "isolation": "none"})
        client.wait(lambda: work.commands > 3, "work")
        disk.fill(client)
        wait_shown(client, 1, disk.said)
        seen = [e for e in client.events if "seq" in e]
        client.request("shutdown")
        client.notify("exit")
        assert client.wait_exit() == 1
        assert b"could not be stored" in client.stderr
        if isinstance(disk, SmallDisk):
            disk.make_room(client)

        again = start(config=server.config(max_active=4), env=environment)
        again.initialize(subscribe="none")
        again.request("swarm/subscribe", {"after": 0})
        again.wait(lambda: len([e for e in again.events if "seq" in e]) >= len(seen), "a replay")
        assert [e for e in again.events if "seq" in e][:len(seen)] == seen
        assert again.close() == 0
        check_database(disk.folder / "swarmd.db")


# --- not to be written ---

@contextlib.contextmanager
def read_only(path):
    """A folder or file that even root cannot write to; skips where that cannot be made."""
    if os.getuid() != 0:
        before = path.stat().st_mode
        path.chmod(0o500 if path.is_dir() else 0o400)
        yield
        path.chmod(before)
        return
    mount = [["mount", "--bind", path, path], ["mount", "-o", "remount,ro,bind", path]]
    try:
        subprocess.run(mount[0], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(mount[1], check=True, capture_output=True)
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.parametrize("what", ["", "swarmd.db"])
def test_what_cannot_be_written_is_named(start, tmp_path, what):
    client = start()
    client.initialize()
    client.request("swarm/list")
    assert client.close() == 0
    with read_only(client.state / what):
        client = start()
        if what == "":  # known before the client has said anything
            with pytest.raises(RpcError) as error:
                client.initialize()
            assert str(client.state) in error.value.message
        else:
            client.initialize()
            told = refusal(client, "swarm/list")
            assert str(client.state) in told and told in shown(client, 1)
        assert not client.ended
        client.kill()
    again = start()
    again.initialize()
    again.request("swarm/list")
    assert again.close() == 0


# --- not to be read ---

def damage_header(path):
    path.write_bytes(b"this was a database once, or so they say" * 200)


def damage_tables(path):
    """The page that the agents begin on."""
    database = sqlite3.connect(path)
    page, = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'agents'").fetchone()
    database.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096:page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:4096 * 2])


@pytest.mark.parametrize("damage", [damage_header, damage_tables, cut_off])
def test_a_damaged_database_is_moved_aside_and_said(start, tmp_path, repository, damage):
    with ModelServer(lambda _: [text("Done.")]) as server:
        client = start(config=server.config())
        client.initialize(root=repository, subscribe="all")
        agent = client.request("swarm/spawn", {"task": "something precious"})["agent"]
        client.wait_turn_end(agent["id"])
        assert client.close() == 0
        worktree = pathlib.Path(agent["worktree"].removeprefix("file://"))
        (worktree / "precious").write_text("work")
        database = client.state / "swarmd.db"
        damage(database)
        content = database.read_bytes()

        client = start(config=server.config())
        client.initialize(root=repository, subscribe="all")
        told = wait_shown(client, 2, "could not be read")
        aside = pathlib.Path(re.search(r"moved to (\S+),", told)[1])
        assert aside.name.startswith("swarmd.db.broken-")
        assert aside.read_bytes() == content
        assert client.request("swarm/list")["agents"] == []
        other = client.request("swarm/spawn", {"task": "something else"})["agent"]
        client.wait_turn_end(other["id"])
        client.request("swarm/remove", {"agentId": other["id"], "force": True})
        assert client.close() == 0
        assert str(aside).encode() in client.stderr
        assert (worktree / "precious").read_text() == "work"
        branches = subprocess.run(["git", "branch", "--list", "swarm/*"], cwd=repository,
                                  capture_output=True, text=True, check=True).stdout
        assert agent["branch"] in branches and other["branch"] not in branches

        # It is said once: the new one is whole.
        client = start(config=server.config())
        client.initialize()
        client.request("swarm/list")
        assert shown(client) == []
        assert aside.read_bytes() == content
        assert client.close() == 0


# --- of another version ---

def test_a_database_of_a_newer_version_is_refused_and_left(start):
    client = start()
    client.initialize()
    client.request("swarm/list")
    assert client.close() == 0
    path = client.state / "swarmd.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    content = path.read_bytes()
    client = start()
    client.initialize()
    said = refusal(client, "swarm/list")
    assert str(path) in said and "newer swarmd (format 99" in said
    assert said in shown(client, 1)
    client.close()
    assert path.read_bytes() == content
    assert list(client.state.glob("swarmd.db.*")) == []


def test_a_database_of_the_first_version_is_brought_up_to_date(start, tmp_path, repository):
    with ModelServer(lambda _: [text("The zebra is done.")]) as server:
        client = start(config=server.config())
        client.initialize(root=repository, subscribe="all")
        ids = [client.request("swarm/spawn", {"task": f"task {n}", "isolation": "none"})
               ["agent"]["id"] for n in range(3)]
        for agent in ids:
            client.wait_turn_end(agent)
        listed = client.request("swarm/list")["agents"]
        items = [client.request("swarm/transcript", {"agentId": i})["items"] for i in ids]
        assert client.close() == 0

        path = client.state / "swarmd.db"
        new = path.rename(tmp_path / "new.db")
        database = sqlite3.connect(path)
        database.executescript(f"PRAGMA application_id = {0x7377726d};" + OLD_SCHEMA)
        database.execute("ATTACH ? AS new", [str(new)])
        for table in ("agents", "log", "spans", "segments", "requests"):
            database.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")
        database.commit()
        database.execute("DETACH new")
        database.execute("PRAGMA user_version = 1")
        log = database.execute("SELECT * FROM log").fetchall()
        database.close()

        client = start(config=server.config())
        client.initialize(root=repository)
        assert client.request("swarm/list")["agents"] == listed
        assert [client.request("swarm/transcript", {"agentId": i})["items"] for i in ids] == items
        hits = client.request("swarm/search", {"query": "zebra"})["hits"]
        assert {h["agentId"] for h in hits} == set(ids)
        assert shown(client) == []
        assert client.close() == 0

        backup = client.state / "swarmd.db.v1"
        assert backup.stat().st_mode & 0o777 == 0o600
        database = sqlite3.connect(backup)
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("SELECT * FROM log").fetchall() == log
        database.close()
        check_database(path)


# --- what is synced ---

@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_what_was_acknowledged_is_synced_and_the_rest_is_not(start, tmp_path, repository):
    """spawn, send and approve are on the disk when they are answered; events alone need not be."""
    answers = [[call("bash", command="true")], [text("First.")], [text("Second.")]]
    with ModelServer(answers) as server:
        client = start(config=server.config(), env={"ASAN_OPTIONS": "detect_leaks=0"})
        client.initialize(root=repository, subscribe="all")
        client.request("swarm/list")
        trace = tmp_path / "trace"
        strace = subprocess.Popen(["strace", "-f", "-q", "-y", "-e", "trace=fsync,fdatasync",
                                   "-o", trace, "-p", str(client.process.pid)],
                                  stderr=subprocess.PIPE)
        try:
            def syncs():
                return len(re.findall(r"sync\(\d+<[^>]*swarmd\.db-wal>\) += 0", trace.read_text()))

            def synced_by(method, params):
                before = syncs()
                result = client.request(method, params)
                until(lambda: syncs() > before, "a sync")
                return result

            until(lambda: strace.poll() is not None or attached(client.process.pid), "strace")
            if strace.poll() is not None:
                pytest.skip("tracing is not allowed here")
            agent = synced_by("swarm/spawn", {"task": "x", "isolation": "none"})
            agent = agent["agent"]["id"]
            client.wait_state(agent, "waiting")
            got = client.request("swarm/get", {"agentId": agent})
            before = syncs()
            synced_by("swarm/approve", {"approvalId": got["approvals"][0]["id"],
                                        "decision": "allow"})
            client.wait_turn_end(agent)
            start_of_turn = len(client.events)
            assert syncs() == before + 1  # the tool's result, the answer, the end: none of them
            synced_by("swarm/send", {"agentId": agent, "text": "go on"})
            client.wait_turn_end(agent, start=start_of_turn)
            assert syncs() == before + 2
        finally:
            strace.terminate()
            strace.wait()
        assert client.close() == 0


def until(condition, what):
    """For what no message tells."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waiting for {what}"
        time.sleep(0.01)


def attached(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return "TracerPid:\t0\n" not in status
