# SPDX-License-Identifier: MIT
"""The control socket: who may use it, where it is, how much it takes; and hosts that are newer."""

import fcntl
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import threading

import pytest
from client import DEADLINE, RpcError
from contract import Conversation
from hosts import kill_9, spawn, swarm, wait_until
from model_server import text

__all__ = ["swarm"]  # a fixture


class Peer:
    """A connection to the control socket, made by hand."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))  # blocks while too many wait
        self.socket.settimeout(DEADLINE)
        self.file = self.socket.makefile("rb")
        self.conversation = Conversation()

    def send(self, message):
        message = {"jsonrpc": "2.0", **message}
        self.conversation.sent(message)
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self):
        """A message in either framing; None at the end."""
        message = self.read_any()
        if message:
            self.conversation.received(message)
        return message

    def read_any(self):
        try:
            line = self.file.readline()
        except ConnectionResetError:  # it was closed with bytes of ours unread
            line = b""
        if not line or line.startswith(b"{"):
            return json.loads(line) if line else None
        self.file.readline()
        return json.loads(self.file.read(int(line.split(b":")[1])))

    def request(self, request_id, method, params=None):
        self.send({"id": request_id, "method": method, "params": params or {}})
        while True:
            message = self.read()
            if message is None or message.get("id") == request_id:
                return message

    def close(self):
        self.file.close()
        self.socket.close()


def test_the_socket_is_private_and_speaks_the_protocol(swarm):
    connect, _ = swarm([])
    host = connect()
    path = host.state / "swarmd.sock"
    assert stat.S_ISSOCK(path.stat().st_mode) and path.stat().st_mode & 0o777 == 0o600
    peer = Peer(path)
    result = peer.request(1, "initialize", {"capabilities": {}})["result"]
    assert result["serverInfo"]["name"] == "swarmd"
    assert peer.request(2, "swarm/list")["result"]["agents"] == []
    peer.send({"method": "exit"})
    assert peer.read() is None
    assert host.close() == 0


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root")
def test_another_user_is_refused(swarm, tmp_path):
    connect, _ = swarm([])
    host = connect()
    path = host.state / "swarmd.sock"
    for folder in [host.state, *host.state.parents]:
        if folder == pathlib.Path("/tmp"):
            break
        folder.chmod(0o755)
    path.chmod(0o777)  # not even then
    script = ("import socket; s = socket.socket(socket.AF_UNIX); s.connect(%r); "
              "print(s.makefile('rb').read().decode())" % str(path))
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c",
                           script], capture_output=True, text=True, timeout=DEADLINE)
    assert '"kind":"refused"' in done.stdout and "65534" in done.stdout, done
    assert host.request("swarm/list")["agents"] == []


def test_what_a_dead_host_left_does_not_matter(swarm):
    connect, _ = swarm([])
    host = connect()
    kill_9(host)
    assert (host.state / "swarmd.sock").exists()
    clients = [connect() for _ in range(2)]
    assert clients[1].request("swarm/list")["agents"] == []
    for client in reversed(clients):
        assert client.close() == 0


def test_a_long_state_folder(start, tmp_path):
    long = tmp_path / ("long" * 30)
    env = {"SWARMD_STATE_DIR": str(long), "TMPDIR": str(tmp_path)}
    host = start(env=env)
    host.initialize()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    client = start(env={**env, "TMPDIR": str(elsewhere)})  # it finds the host all the same
    client.initialize()
    assert client.request("swarm/list")["agents"] == []
    target = pathlib.Path(os.readlink(long / "swarmd.sock"))
    assert len(str(target)) <= 100 and target.is_socket()
    assert target.parent.stat().st_mode & 0o777 == 0o700
    assert client.close() == 0 and host.close() == 0
    assert not target.exists() and not (long / "swarmd.sock").is_symlink()


def test_a_temporary_folder_of_somebody_else_is_not_used(start, tmp_path):
    shared = tmp_path / f"swarmd-{os.geteuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    host = start(env={"SWARMD_STATE_DIR": str(tmp_path / ("long" * 30)), "TMPDIR": str(tmp_path)})
    host.initialize()
    assert host.request("swarm/list")["agents"] == []  # alone it serves
    assert host.close() == 0
    assert str(shared) in host.stderr.decode() and "TMPDIR" in host.stderr.decode()


def test_connections_have_a_maximum(swarm):
    connect, _ = swarm([])
    host = connect()
    path = host.state / "swarmd.sock"
    peers = [Peer(path) for _ in range(255)]
    for peer in peers:
        assert "result" in peer.request(1, "initialize", {"capabilities": {}})
    refused = Peer(path)
    assert refused.read()["error"]["data"]["kind"] == "limit"
    assert refused.read() is None
    late = connect(initialize=False)
    with pytest.raises(RpcError) as error:
        late.initialize()
    assert error.value.kind == "limit" and "256" in error.value.message
    with pytest.raises(RpcError):
        late.request("swarm/list")
    peers.pop().close()
    wait_until(lambda: "result" in (Peer(path).request(1, "initialize") or {}), "a free place")
    for peer in peers:
        peer.close()
    assert late.close() == 0
    assert host.close() == 0


def test_half_open_connections_disturb_nobody(swarm):
    connect, _ = swarm([[text("x")]])
    host = connect()
    path = host.state / "swarmd.sock"
    silent, half, garbage = Peer(path), Peer(path), Peer(path)
    half.socket.sendall(b"Content-Length: 1000\r\n\r\n{\"jsonrpc\"")
    garbage.socket.sendall(b"\0" * 4096)
    client = connect()
    client.wait_state(spawn(client)["id"], "done")
    assert client.close() == 0
    for peer in (silent, half, garbage):  # who does not initialize is not kept
        messages = iter(peer.read, None)
        assert {m["error"]["code"] for m in messages} <= {-32700, -32002}
    assert host.close() == 0


# --- versions

class NewerHost(threading.Thread):
    """Holds the lease and answers `initialize` with version 2 of the protocol."""

    def __init__(self, state):
        super().__init__(daemon=True)
        state.mkdir(mode=0o700, exist_ok=True)
        self.lock = open(state / "swarmd.lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.lock.write(f"{os.getpid()}\n")
        self.lock.flush()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(state / "swarmd.sock"))
        self.socket.listen()
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as file:
                length = int(file.readline().split(b":")[1])
                file.readline()
                request = json.loads(file.read(length))
                body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {
                    "capabilities": {"experimental": {"swarm": {"version": 2}}},
                    "serverInfo": {"name": "swarmd", "version": "9.1.0"}}}).encode()
                connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                file.read()


def test_a_newer_host_is_named(start, tmp_path):
    host = NewerHost(tmp_path / "state")
    client = start()
    with pytest.raises(RpcError) as error:
        client.initialize()
    assert error.value.kind == "lease"
    for word in ("9.1.0", "version 2", "version 1", "SWARMD_STATE_DIR"):
        assert word in error.value.message
    assert client.close() == 0
    host.socket.close()
