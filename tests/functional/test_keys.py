# SPDX-License-Identifier: MIT
"""Keys of providers: where they come from, and that they stay in the server."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from agents import items
from client import DEADLINE, binary
from model_server import Gate, ModelServer, call, gate, text

KEY = "sk-marker-5c1d0e77a9"


@pytest.fixture
def session(start, repository):
    """session(server, ...) -> (client, spawn)."""

    def make(server, env=None, **settings):
        client = start(config=server.config(**{"mode": "full", **settings}), env=env)
        client.initialize(root=repository, subscribe="all")

        def spawn(task="do it"):
            return client.request("swarm/spawn", {"task": task, "cwd": str(repository)})["agent"]

        return client, spawn

    return make


def key_file(folder, content=KEY + "\n", mode=0o600):
    path = folder / "key"
    path.write_text(content)
    path.chmod(mode)
    return path


@pytest.fixture(params=["api_key_env", "api_key_command", "api_key_file"])
def source(request, tmp_path):
    """(environment, key_from) of one with the marker."""
    path = key_file(tmp_path)
    return {
        "api_key_env": ({"LAB_KEY": KEY}, {"api_key_env": "LAB_KEY"}),
        "api_key_command": ({}, {"api_key_command": f"echo looking >&2; cat '{path}'; echo more"}),
        "api_key_file": ({}, {"api_key_file": path}),
    }[request.param]


def until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def below(pid):
    """The process and all that it has started."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += below(int(child))
    return found


def test_marker_stays_in_the_server(session, source, tmp_path):
    env, key_from = source
    look = ("env; set; p=$$; while [ $p -gt 1 ]; do tr '\\0' '\\n' < /proc/$p/environ; "
            "tr '\\0' ' ' < /proc/$p/cmdline; p=$(awk '/^PPid/{print $2}' /proc/$p/status); done; "
            "touch looked; sleep 60")
    gate_ = Gate()
    with ModelServer([[call("bash", command=look)], [gate(gate_), text("fine")]],
                     key=KEY) as server:
        client, spawn = session(server, env={**env, "SWARMD_LOG_LEVEL": "debug"},
                                key_from=key_from)
        agent = spawn()
        client.wait_event(lambda e: e["type"] == "delta" and "HOME=" in e["text"])
        worktree = pathlib.Path(client.wait_state(agent["id"], "working")["worktree"][7:])
        until(lambda: (worktree / "looked").exists())
        pids = below(client.process.pid)
        assert len(pids) >= 3
        for pid in pids:
            for name in ("cmdline", "environ"):
                try:
                    assert KEY.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                except PermissionError:  # only root may look into the server and the sandbox
                    assert os.getuid() != 0 and name == "environ"
                except (FileNotFoundError, ProcessLookupError):
                    assert pid != client.process.pid  # a program of the command that has ended
        client.request("swarm/cancel", {"agentId": agent["id"]})
        client.wait_state(agent["id"], "done")
        gate_.open()
        output = items(client, agent, "tool")[0]["output"]
        assert "HOME=" in output and KEY not in output
        assert client.close() == 0
    for path in pathlib.Path(client.state).rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY.encode() not in client.stderr
    assert KEY not in str(client.messages)


def test_refused_key_is_in_no_message(session, source):
    env, key_from = source
    with ModelServer([[text("never")]], key="another") as server:
        client, spawn = session(server, env=env, key_from=key_from)
        error = client.wait_state(spawn()["id"], "failed")["error"]
        assert error["kind"] == "auth"
        assert str(list(key_from.values())[0])[:20] in error["message"]
        assert KEY not in error["message"]
        assert client.close() == 0
    assert KEY not in pathlib.Path(client.state, "swarmd.log").read_text()


def test_command_runs_once(session, tmp_path):
    path, runs = key_file(tmp_path), tmp_path / "runs"
    command = f"echo run >> '{runs}'; sleep 0.3; cat '{path}'"
    with ModelServer(lambda _: [text("fine")], key=KEY) as server:
        client, spawn = session(server, key_from={"api_key_command": command})
        agents = [spawn() for _ in range(5)]
        for agent in agents:
            client.wait_state(agent["id"], "done")
        assert runs.read_text() == "run\n"
        assert client.close() == 0


def test_command_runs_again_when_its_key_is_refused(session, tmp_path):
    path = key_file(tmp_path, "an-old-key\n")
    with ModelServer(lambda _: [text("fine")], key=KEY) as server:
        client, spawn = session(server, key_from={"api_key_command": f"cat '{path}'"})
        agent = spawn()
        client.wait_state(agent["id"], "failed")
        key_file(tmp_path)
        client.request("swarm/resume", {"agentId": agent["id"]})
        client.wait_state(agent["id"], "done")
        assert client.close() == 0


@pytest.mark.parametrize("command, words", [
    ("echo the store is locked >&2; exit 3", "ended with exit code 3: the store is locked"),
    ("true", "printed nothing"),
    ("echo nothing there >&2", "printed nothing: nothing there"),
    ("no-such-program-at-all", "ended with exit code 127"),
    ("yes", "printed more than 65536 bytes"),
    ("echo two words", "has a space"),
    ("kill -9 $$", "ended with exit code 137"),
])
def test_failing_command(session, command, words):
    with ModelServer([]) as server:
        client, spawn = session(server, key_from={"api_key_command": command})
        error = client.wait_state(spawn()["id"], "failed")["error"]
        assert error["kind"] == "auth"
        assert words in error["message"] and "scripted" in error["message"]
        assert server.requests == []
        assert client.close() == 0


def test_cancel_while_the_command_runs(session, tmp_path):
    ran = tmp_path / "ran"
    with ModelServer([]) as server:
        client, spawn = session(server,
                                key_from={"api_key_command": f"touch '{ran}'; sleep 600"})
        agent = spawn()
        until(ran.exists)
        client.request("swarm/cancel", {"agentId": agent["id"]})
        client.wait_state(agent["id"], "done")
        until(lambda: len(below(client.process.pid)) == 1)
        assert client.close() == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_key_file_of_others(session, tmp_path, mode):
    path = key_file(tmp_path, mode=mode)
    with ModelServer([]) as server:
        client, spawn = session(server, key_from={"api_key_file": path})
        error = client.wait_state(spawn()["id"], "failed")["error"]
        assert error["kind"] == "auth"
        assert "chmod 600" in error["message"] and str(path) in error["message"]
        assert client.close() == 0


@pytest.mark.parametrize("make, words", [
    (lambda path: None, "No such file"),
    (lambda path: path.mkdir(), "is no file"),
    (lambda path: os.mkfifo(path, 0o600), "is no file"),
    (lambda path: key_file(path.parent, ""), "there is no key in the file"),
    (lambda path: key_file(path.parent, "x" * 70000), "larger than 65536 bytes"),
    (lambda path: key_file(path.parent, "x" * 20000), "longer than 16384 bytes"),
])
def test_no_key_file(session, tmp_path, make, words):
    make(tmp_path / "key")
    with ModelServer([]) as server:
        client, spawn = session(server, key_from={"api_key_file": tmp_path / "key"})
        error = client.wait_state(spawn()["id"], "failed")["error"]
        assert error["kind"] == "auth" and words in error["message"]
        assert client.close() == 0


def test_no_core_dump_is_made(start, repository):
    client = start()
    client.initialize(root=repository)
    limits = pathlib.Path(f"/proc/{client.process.pid}/limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines()
            if line.startswith("Max core file size")] == [["0", "0"]]


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"),
                    reason="needs root, to become another user")
def test_another_process_of_the_user_cannot_look_in(tmp_path):
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    for parent in folder.parents:
        if parent != pathlib.Path("/") and parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    server = subprocess.Popen([*user, binary()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env={"HOME": str(folder), "LAB_KEY": KEY,
                                   "PATH": os.environ["PATH"]})
    try:
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize",'
                           b'"params":{"capabilities":{}}}\n')
        server.stdin.flush()
        assert b'"id":1' in server.stdout.readline()
        reader = ("import sys\nfor name in ('mem', 'environ'):\n"
                  "    try:\n        open(f'/proc/{sys.argv[1]}/{name}', 'rb').read(1)\n"
                  "        print('read', name)\n    except PermissionError:\n        pass\n")
        seen = subprocess.run([*user, sys.executable, "-c", reader, str(server.pid)],
                              capture_output=True, text=True, check=True)
        assert seen.stdout == ""
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
