# SPDX-License-Identifier: MIT
"""A small world for attempts to escape from the sandbox, and what must stay true in it.

    attempt("reads a private key", "cat {home}/.ssh/id_ed25519")

is a whole attempt: a name and the command that an agent runs with `bash`. World.run() lets one agent
make them one after the other, against the real server, and looks after each of them whether
  - a secret came out: every secret has SECRET in it, and so has anything an attempt itself prints
    to say that it got through (`echo SECRET`),
  - a file of the person's was made, changed or removed: home, outside, project (with its .git),
    state and configuration, /tmp, /dev/shm; also by the git that the person runs after each attempt,
    in the project and in the agent's worktree,
  - the bystander or the server was killed, or something is left running,
  - somebody connected to one of the sockets.
What it found is given back: {name: [what happened]}. Names in braces are those of World.names.

Attempts are made as root and as an ordinary user. What proves nothing without a sandbox (because it
would hurt the machine, or needs rights that the user has not) says `alone=False`.
"""
import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

from agents import spawn, worktree
from client import Client, binary, make_repository
from model_server import ModelServer, call, text

ORDINARY = 65534
LIMITS = "processes: 150, file_mb: 64"  # so that attempts at them are short
GIT_KEPT = ("config", "config.worktree", "commondir", "hooks", "info", "modules", "worktrees", "objects/info")
PUT_BACK_S = 10
SETTLE_S = 0.3  # for what is left running to show itself


class Attempt:
    def __init__(self, name, command, alone=True, mode="full"):
        self.name, self.command, self.alone, self.mode = name, command, alone, mode


def attempt(name, command, **options):
    return Attempt(name, command, **options)


def python(text):
    """A command that runs Python; {names} work in it, other braces are doubled."""
    return "/usr/bin/python3 - <<'PYTHON'\n" + text.strip() + "\nPYTHON\n"


def users():
    """Who attempts can be made as, here."""
    return ["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"]


def base_folder():
    """Not in /tmp: the sandbox has one of its own, and would hide everything by that alone."""
    for folder in ("/var/lib", "/opt", os.path.expanduser("~")):
        if os.access(folder, os.W_OK):
            return folder
    raise RuntimeError("no folder for the world")


class Listener:
    """A socket that notes who connects or sends."""

    def __init__(self, address, kind=socket.SOCK_STREAM):
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(address)
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        if address[0] != "\0":
            os.chmod(address, 0o777)
        self.reached = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            while True:
                if self.socket.type == socket.SOCK_STREAM:
                    self.socket.accept()[0].close()
                else:
                    self.socket.recv(100)
                self.reached = True
        except OSError:
            return


class World:
    def __init__(self, user, sandbox=""):
        """sandbox: YAML of its settings, without the braces."""
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="swarmd-escape-", dir=base_folder()))
        self.user = user
        self.sandbox = sandbox
        self.client = self.server = None
        self.marker = self.base.name
        self.seconds = str(10**8 + random.randrange(10**8))  # what is left running sleeps so long
        self._furnish()

    # --- furniture ---

    def _write(self, path, content):
        path = self.base / path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(content)
        path.chmod(0o600)

    def _furnish(self):
        self.base.chmod(0o755)
        for secret in (".ssh/id_ed25519", ".aws/credentials", ".netrc", ".gnupg/private", ".kube/config",
                       ".docker/config.json", ".config/gcloud/key", ".config/gh/hosts.yml",
                       ".config/swarmd/config.yaml", ".claude/credentials", ".bash_history",
                       ".cargo/credentials.toml", ".npmrc"):
            self._write(f"home/{secret}", f"SECRET {secret}\n")
        self._write("home/.bashrc", "# the person's\n")
        self._write("home/.gitconfig", "[user]\n\tname = A Person\n\temail = person@example.org\n")
        self._write("outside/victim.txt", "the person's\n")
        for name in ("project", "place"):
            make_repository(self.base / "home" / name, {"README.md": "# A project\n", "src/a.c": "int a;\n"})
        subprocess.run(["git", "-C", self.base / "home/project", "branch", "keep"], check=True)
        self._write("home/.cache/empty", "")
        (self.base / "elsewhere").mkdir()
        self.stream = Listener(str(self.base / "elsewhere/agent.sock"))
        self.datagram = Listener(str(self.base / "elsewhere/log.sock"), socket.SOCK_DGRAM)
        self.abstract = Listener("\0" + self.marker)
        self.terminal = os.openpty()
        if os.geteuid() == 0 and self.user == "ordinary":
            for top, folders, files in os.walk(self.base):
                for name in [".", *folders, *files]:
                    os.lchown(os.path.join(top, name), ORDINARY, ORDINARY)
            os.chown(os.ttyname(self.terminal[1]), ORDINARY, ORDINARY)
        self._start_bystander()

    def _start_bystander(self):
        self.bystander = subprocess.Popen([*self._as_user(), "sleep", "86399"],
                                          env={"PATH": os.environ["PATH"], "TOKEN": "SECRET bystander"})

    def _as_user(self):
        if os.geteuid() == 0 and self.user == "ordinary":
            return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
        return []

    # --- the server ---

    def start(self, script):
        self.server = ModelServer(script)
        sandbox = "{writable: [], %s%s}" % (LIMITS, ", " + self.sandbox if self.sandbox else "")
        config = self.server.config(sandbox=sandbox, step_limit=1000) + "# SECRET configuration\n"
        home = self.base / "home"
        environment = {"HOME": str(home), "MY_TOKEN": "SECRET environment", "USER": "person",
                       "PYTHON_TOKEN": "SECRET of a list", "SSH_AUTH_SOCK": "SECRET socket",
                       "HTTPS_PROXY": "http://person:SECRET@127.0.0.1:9"}
        self.client = Client(self.base, config=config, env=environment, cwd=home,
                             program=[*self._as_user(), binary()])
        self.client.initialize(root=home / "project", subscribe="all")

    def names(self, other):
        return {"home": self.base / "home", "outside": self.base / "outside",
                "project": self.base / "home/project", "state": self.base / "state",
                "config": self.base / "config.yaml", "other": worktree(other), "swarmd": binary(),
                "place": self.base / "home/place",
                "other_id": other["id"], "elsewhere": self.base / "elsewhere",
                "bystander": self.bystander.pid, "server": self.client.process.pid,
                "terminal": os.ttyname(self.terminal[1]),
                "marker": self.marker, "seconds": self.seconds}

    # --- what must stay ---

    def _files(self, *tops):
        found = {}
        for top in tops:
            for folder, folders, names in os.walk(top):
                for name in [*folders, *names]:
                    path = os.path.join(folder, name)
                    try:
                        st = os.lstat(path)
                        content = b""
                        if stat.S_ISREG(st.st_mode) and st.st_size < 1 << 20:
                            content = pathlib.Path(path).read_bytes()
                    except OSError:
                        continue
                    found[path] = (stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_nlink,
                                   hashlib.sha256(content).digest())
        return found

    def snapshot(self, other):
        """The person's files. Not what swarmd itself writes for its agents."""
        base = self.base
        files = self._files(base / "home", base / "outside", base / "elsewhere", worktree(other),
                            *(base / "state/git" / other["id"] / name for name in ("hooks", "info")))
        git = base / "home/project/.git"
        mine = (str(git / "objects"), str(git / "refs"), str(git / "logs/refs/heads/swarm"),
                str(base / "home/.cache"), str(base / "home/place"))
        kept = {path: what for path, what in files.items() if not path.startswith(mine)}
        if self.in_place:  # there everything else is the agent's
            place = [base / "home/place/.git" / name for name in GIT_KEPT]
            kept |= self._files(*place) | {str(path): path.is_file() and path.read_bytes() for path in place}
        refs = subprocess.run(["git", "-c", "safe.directory=*", "-C", base / "home/project",
                               "for-each-ref"], capture_output=True, text=True).stdout
        kept["refs"] = "\n".join(line for line in refs.split("\n") if "swarm" not in line)
        for folder in ("/tmp", "/dev/shm"):  # others work there, too
            kept[folder] = [name for name in os.listdir(folder) if self.marker in name]
        kept["configuration"] = (base / "config.yaml").read_bytes()
        return kept

    def wait_put_back(self, own, pristine):
        """What swarmd puts back after a command, it does beside the turn."""
        deadline = time.monotonic() + PUT_BACK_S
        while self._guarded(own) != pristine and time.monotonic() < deadline:
            time.sleep(0.01)

    def _guarded(self, own):
        files = own / ".git", self.base / "state/git" / own.name / "config"
        return [path.is_file() and path.read_bytes() for path in files]

    def run_git(self, *folders):
        """As the person does, in their editor."""
        home = self.base / "home"
        for folder in folders:
            environment = {"HOME": home, "PATH": os.environ["PATH"],
                           "GIT_OPTIONAL_LOCKS": str(int("state" in folder.parts))}
            for words in (["status"], ["diff"], ["log", "-1"], ["branch", "-a"]):
                subprocess.run([*self._as_user(), "git", "-C", folder, "-c", "diff.ignoreSubmodules=all",
                                *words], env=environment, capture_output=True, timeout=60)

    def left_running(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.seconds in line and "swarmd-exec" not in line:
                found.append(f"left running: {line}")
        return found

    def _look(self, before, after, output):
        found = [f"came out: {line}" for line in output.split("\n") if "SECRET" in line]
        for path in sorted({*before, *after}):
            if before.get(path) != after.get(path):
                found.append(f"changed: {path}")
        for name in ("stream", "datagram", "abstract"):
            if getattr(self, name).reached:
                getattr(self, name).reached = False
                found.append(f"reached: {name}")
        if self.bystander.poll() is not None:
            found.append("the bystander is dead")
            self._start_bystander()
        elif "T" in pathlib.Path(f"/proc/{self.bystander.pid}/stat").read_text().split()[2]:
            found.append("the bystander is stopped")
            self.bystander.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + SETTLE_S
        while (left := self.left_running()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found + left

    # --- running ---

    def run(self, attempts, in_place=False, timeout=5):
        """in_place: with isolation "none", in the repository place."""
        found, results, state = {}, {}, {}
        self.in_place = in_place
        ready = threading.Event()

        def script(request):
            if "TASK-OTHER" in str(request.body["messages"][1:2]):
                if request.turns == 0:
                    return [call("bash", command="echo SECRET other > secret.txt")]
                return [text("done")]
            ready.wait(60)
            if request.turns > 0:
                one = attempts[request.turns - 1]
                if not in_place:
                    self.wait_put_back(state["own"], state["pristine"])
                self.run_git(self.base / "home/project", state["own"])
                after = self.snapshot(state["other"])
                output = request.results[-1]["content"] if request.results else ""
                results[one.name] = output
                if happened := self._look(state["before"], after, output):
                    found[one.name] = happened
            if request.turns == len(attempts):
                return [text("done")]
            if request.turns == 0:
                self.run_git(self.base / "home/project")
                state["pristine"] = self._guarded(state["own"])
            state["before"] = self.snapshot(state["other"])
            command = attempts[request.turns].command
            state["names"]["bystander"] = self.bystander.pid
            for name, value in state["names"].items():
                command = command.replace("{%s}" % name, str(value))
            return [call("bash", command=command, timeout=timeout)]

        self.start(script)
        other = spawn(self.client, "TASK-OTHER SECRET task")
        state["other"] = self.client.wait_state(other["id"], "done")
        where = {"isolation": "none", "cwd": str(self.base / "home/place")} if in_place else {}
        own = spawn(self.client, "escape", **where)
        state["names"] = {**self.names(state["other"]), "own_id": own["id"]}
        state["own"] = self.base / "home/place" if in_place else worktree(
            self.client.wait(lambda: (lambda a: a if a["worktree"] else None)(
                self.client.request("swarm/get", {"agentId": own["id"]})["agent"]), "a worktree"))
        ready.set()
        self.client.wait_state(own["id"], "done", timeout=500)
        self.results = results
        return found

    def close(self):
        if self.client:
            self.client.kill()
        if self.server:
            self.server.close()
        self.bystander.kill()
        self.bystander.wait()
        for listener in (self.stream, self.datagram, self.abstract):
            listener.socket.close()
        for end in self.terminal:
            os.close(end)
        shutil.rmtree(self.base, ignore_errors=True)


if __name__ == "__main__":  # escape.py [root|ordinary] [SANDBOX [WORDS]]: attempts, and what came of them
    from test_escape import ATTEMPTS
    world = World(*sys.argv[1:3])
    chosen = [one for one in ATTEMPTS if one.name.startswith(tuple(sys.argv[3:]) or "")]
    try:
        found = world.run(chosen)
        for one in chosen:
            print(one.name, "->", found.get(one.name, "held"), "|", world.results.get(one.name, "")[:200])
    finally:
        world.close()
