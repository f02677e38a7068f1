# SPDX-License-Identifier: MIT
"""A small JSON-RPC client that drives the real binary over stdio, for the functional tests.

    client = Client(tmp_path, config=model_server.config())
    client.initialize()
    agent = client.request("swarm/spawn", {"task": "..."})["agent"]
    client.wait_state(agent["id"], "done")

What the server sends is read by a thread and kept; every wait has a deadline. A test that ends
without close() kills the server.

Every message of both sides is held against docs/protocol.schema.json (contract.py). A test that
sends what is wrong on purpose says valid=False, or sends bytes with send_raw().
"""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

from contract import Conversation

DEADLINE = 60.0  # seconds; generous, because sanitizers and a busy machine are slow


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data")

    @property
    def kind(self):
        return (self.data or {}).get("kind")


def binary():
    return os.path.abspath(os.environ.get("SWARMD", "build/dev/bin/swarmd"))


def write_config(folder, config):
    """config: YAML text, or something that JSON can hold (YAML is a superset of it).

    Unless it says something else, commands may write in the folder: they tell the tests what they do.
    """
    path = pathlib.Path(folder) / "config.yaml"
    sandbox = {"writable": [str(folder)]}
    if not isinstance(config, str):
        config = {"sandbox": sandbox, **config}
    elif "sandbox:" not in config:
        config += f"\nsandbox: {json.dumps(sandbox)}\n"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


class Client:
    """One server process and the connection to its stdin and stdout.

    folder   state is in folder/state, the configuration in folder/config.yaml
    framing  "headers" or "lines"
    config   see write_config(); the default is the scripted model that needs no network
    read     False: nothing is read until start_reading()
    program  what is started, with args; the default is the server
    """

    def __init__(self, folder, *, framing="headers", config=None, env=None, cwd=None, args=(),
                 read=True, program=None):
        self.folder = pathlib.Path(folder)
        self.framing = framing
        self.state = self.folder / "state"
        self.messages = []  # everything that came, in order
        self.events = []  # of swarm/events, in order
        self.responses = {}
        self.requests = []  # the server's own
        self.stderr = b""
        self.ended = False  # end of output
        self.broken = None  # what the reader could not understand
        self.violation = None  # the first thing that was against the contract
        self.conversation = Conversation()
        self._changed = threading.Condition()
        self._next_id = 0
        config_path = write_config(self.folder, config or {"model": "demo/tour"})
        environment = {k: v for k, v in os.environ.items()
                       if not k.endswith("_API_KEY") and not k.startswith("SWARMD_")}
        environment.update(SWARMD_STATE_DIR=str(self.state), SWARMD_CONFIG=str(config_path),
                           ASAN_OPTIONS="detect_leaks=1:exitcode=99",
                           UBSAN_OPTIONS="print_stacktrace=1:exitcode=99")
        environment.update(env or {})
        self.environment = environment
        self.process = subprocess.Popen([*(program or [binary()]), *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment, cwd=cwd or self.folder)
        self._threads = [threading.Thread(target=self._read_stderr, daemon=True)]
        self._threads[0].start()
        if read:
            self.start_reading()

    # --- reading ---

    def start_reading(self):
        thread = threading.Thread(target=self._read_messages, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _read_stderr(self):
        for line in self.process.stderr:
            self.stderr += line

    def _read_one(self):
        if self.framing == "lines":
            return self.process.stdout.readline()
        line = self.process.stdout.readline()
        if not line:
            return b""
        name, _, value = line.partition(b": ")
        assert name == b"Content-Length", f"no header: {line!r}"
        assert self.process.stdout.readline() == b"\r\n"
        return self.process.stdout.read(int(value))

    def _read_messages(self):
        try:
            while True:
                body = self._read_one()
                if not body:
                    break
                self._take(json.loads(body))
        except (ValueError, AssertionError) as error:
            self.broken = error
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def _take(self, message):
        try:
            self.conversation.received(message)
        except AssertionError as violation:
            self.violation = self.violation or violation
        with self._changed:
            self.messages.append(message)
            if message.get("method") == "swarm/events":
                self.events.extend(message["params"]["events"])
            elif "method" in message and "id" in message:
                self.requests.append(message)
            elif "id" in message:
                self.responses.setdefault(message["id"], []).append(message)
            self._changed.notify_all()

    def wait(self, condition, what, timeout=DEADLINE):
        """condition() is asked again whenever something came; its truthy value is returned."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                self.check()
                value = condition()
                if value:
                    return value
                if self.broken:
                    raise AssertionError(f"the server wrote what is no message: {self.broken}")
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = "the server ended" if self.ended else "nothing came in time"
                    raise AssertionError(f"waiting for {what}: {why}\n{self.report()}")
                self._changed.wait(left)

    def check(self):
        """Raises what the server sent against the contract, if it did."""
        if self.violation:
            raise self.violation

    def report(self):
        tail = "\n".join(json.dumps(m)[:600] for m in self.messages[-12:])
        return f"last messages:\n{tail}\nstderr:\n{self.stderr.decode(errors='replace')[-4000:]}"

    # --- writing ---

    def send_raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def encode(self, message, valid=True):
        message = {"jsonrpc": "2.0", **message}
        self.conversation.sent(message, valid)
        body = json.dumps(message).encode()
        if self.framing == "lines":
            return body + b"\n"
        return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)

    def send(self, message, valid=True):
        self.send_raw(self.encode(message, valid))

    def notify(self, method, params=None, valid=True):
        self.send({"method": method, "params": params or {}}, valid)

    def start_request(self, method, params=None, request_id=None, valid=True):
        if request_id is None:
            self._next_id += 1
            request_id = self._next_id
        self.send({"id": request_id, "method": method, "params": params or {}}, valid)
        return request_id

    def wait_response(self, request_id, timeout=DEADLINE):
        """The result; RpcError for an error."""
        response = self.wait(lambda: self.responses.get(request_id), f"answer {request_id}",
                             timeout)[0]
        if "error" in response:
            raise RpcError(response["error"])
        return response["result"]

    def request(self, method, params=None, timeout=DEADLINE, valid=True):
        return self.wait_response(self.start_request(method, params, valid=valid), timeout)

    def respond(self, request, result, valid=True):
        self.send({"id": request["id"], "result": result}, valid)

    # --- the protocol ---

    def initialize(self, *, swarm=True, capabilities=None, root=None, **options):
        everything = {"experimental": {"swarm": True}} if swarm else {}
        everything.update(capabilities or {})
        params = {"processId": os.getpid(), "capabilities": everything,
                  "clientInfo": {"name": "pytest"}, "initializationOptions": options}
        if root:
            params["workspaceFolders"] = [{"uri": pathlib.Path(root).as_uri(), "name": "root"}]
        result = self.request("initialize", params)
        self.notify("initialized")
        return result

    def find_events(self, start=0, **members):
        """Events from index `start` whose members are these."""
        return [e for e in self.events[start:]
                if all(e.get(k) == v for k, v in members.items())]

    def wait_event(self, predicate, timeout=DEADLINE, start=0):
        """The first event, from index `start` of self.events, for which predicate is true."""
        return self.wait(lambda: next((e for e in self.events[start:] if predicate(e)), None),
                         "an event", timeout)

    def wait_state(self, agent_id, *states, timeout=DEADLINE, start=0):
        """The agent's snapshot when an event shows it in one of the states."""
        return self.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == agent_id
                               and e["agent"]["state"] in states, timeout, start)["agent"]

    def wait_turn_end(self, agent_id, timeout=DEADLINE, start=0):
        return self.wait_event(lambda e: e["type"] == "turn" and e["agentId"] == agent_id
                               and e["phase"] == "ended", timeout, start)

    def wait_request(self, method, timeout=DEADLINE, start=0):
        return self.wait(lambda: next((r for r in self.requests[start:]
                                       if r["method"] == method), None), method, timeout)

    # --- the end ---

    def memory(self):
        """Resident bytes of the server."""
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def wait_exit(self, timeout=DEADLINE):
        """The exit code, after everything that was written has been read."""
        code = self.process.wait(timeout)
        for thread in self._threads:
            thread.join(timeout)
        assert code != 99, self.report()
        self.check()
        return code

    def close(self):
        """shutdown, exit; the exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.wait_exit()

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def make_repository(path, files=None):
    """A git repository with one commit, as a person has one; returns its path."""
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    for name, text in (files or {"README.md": "# A repository\n"}).items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (["init", "-q", "-b", "main"], ["add", "-A"],
                    ["-c", "user.name=A Person", "-c", "user.email=person@example.org",
                     "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=path, check=True, env=environment)
    return path
