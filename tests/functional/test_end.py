# SPDX-License-Identifier: MIT
"""The end of a server while libgit2 waits for a slow disk: strace holds its thread back."""

import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from client import DEADLINE

CLOSE_S = 10  # core/swarm/swarm.c, CLOSE_MS_MAX

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waiting for {what}"
        time.sleep(0.01)


class SlowFile:
    """While it is entered, every open of the file takes so long."""

    def __init__(self, pid, path, seconds):
        self.pid = pid
        self.strace = subprocess.Popen(
            ["strace", "-f", "-q", "-o", "/dev/null", "-p", str(pid), "-P", str(path),
             "-e", f"inject=open,openat:delay_enter={int(seconds * 1e6)}"],
            stderr=subprocess.DEVNULL)

    def __enter__(self):
        status = pathlib.Path(f"/proc/{self.pid}/status")
        wait_until(lambda: self.strace.poll() is not None or
                   "TracerPid:\t0\n" not in status.read_text(), "strace")
        if self.strace.poll() is not None:
            pytest.skip("tracing is not allowed here")
        return self

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait()

    def _is_held(self, task):
        name, state = (task / "stat").read_text().partition("(")[2].rpartition(")")[::2]
        return name == "lane-git" and state.split()[0] == "t"

    def wait_held(self):
        tasks = pathlib.Path(f"/proc/{self.pid}/task")

        def held():  # other calls stop the thread, too, but not for long
            return all(time.sleep(0.02) or any(self._is_held(t) for t in tasks.iterdir())
                       for _ in range(10))
        wait_until(held, "a slow open")


def serve(start, repository):
    client = start(env={"ASAN_OPTIONS": "detect_leaks=0:exitcode=99"})
    client.initialize(root=repository, subscribe="all")
    client.request("swarm/list")
    return client


def test_a_spawn_that_was_just_asked_for_ends_with_the_server(start, repository):
    client = serve(start, repository)
    with SlowFile(client.process.pid, repository / ".git" / "HEAD", 1) as slow:
        client.start_request("swarm/spawn", {"task": "x", "mode": "read"})
        slow.wait_held()
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(DEADLINE) == 128 + signal.SIGTERM
    assert client.stderr == b""
    client = serve(start, repository)
    assert client.request("swarm/list")["agents"] == []
    assert client.close() == 0


def test_work_that_does_not_end_is_left_as_after_a_crash(start, repository):
    client = serve(start, repository)
    agent = client.request("swarm/spawn", {"task": "x", "mode": "read"})["agent"]["id"]
    client.wait_state(agent, "done", "failed")
    client.request("swarm/diff", {"agentId": agent})  # nothing else is looked at by now
    with SlowFile(client.process.pid, repository / ".git" / "config", CLOSE_S + 1.5) as slow:
        client.start_request("swarm/diff", {"agentId": agent})
        slow.wait_held()
        client.process.send_signal(signal.SIGTERM)
        assert client.process.wait(DEADLINE) == 128 + signal.SIGTERM
    assert b"work on files is still under way" in client.stderr
    assert b"Sanitizer" not in client.stderr
    client = serve(start, repository)
    assert [a["id"] for a in client.request("swarm/list")["agents"]] == [agent]
    client.request("swarm/diff", {"agentId": agent})
    assert client.close() == 0
