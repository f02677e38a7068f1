# SPDX-License-Identifier: MIT
"""Real editors, Vim and Neovim, with the plugin from clients/vim, driven through a socket of their own.

Vim runs on a pseudo terminal, Neovim headless; both read editor_driver.vim, which answers a test's
questions. Everything waits for what it wants to see, with a deadline; nothing sleeps for luck.
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
PROGRAMS = {"vim": os.environ.get("VIM_PROGRAM") or shutil.which("vim"),
            "nvim": os.environ.get("NVIM_PROGRAM") or shutil.which("nvim")}
DEADLINE = int(os.environ.get("SWARM_TEST_DEADLINE", "60"))  # s; only a test that fails waits that long
LINES, COLUMNS = 40, 120


def quoted(value):
    """As an expression of Vim."""
    return "json_decode('" + json.dumps(value).replace("'", "''") + "')"


class Editor:
    """kind: "vim" or "nvim". setup: Vim commands that run before the plugin is loaded."""

    def __init__(self, kind, home, folder, server=None, options=None, environment=None, plugin=None,
                 setup=(), answers=True):
        self.kind = kind
        # Not below home: the path of a socket is short, that of a test's folder is not.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="ed"))
        alive = self.runtime / "alive"
        alive.touch()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.runtime / "socket"))
        listener.listen(1)
        env = dict(os.environ, HOME=str(home), TMPDIR=str(self.runtime), TERM="xterm-256color",
                   LANG="C.UTF-8", LC_ALL="C.UTF-8", SWARM_TEST_SOCKET=str(self.runtime / "socket"),
                   SWARM_TEST_ALIVE=str(alive))
        env.update(environment or {})
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            env.pop(name, None)
        before = ["set loadplugins", f"set rtp^={plugin or SOURCE / 'clients/vim'}",
                  f"set lines={LINES} columns={COLUMNS}"]
        if server:
            before.append("let g:swarm_server = " + quoted(str(server)))
        if options:
            before.append("let g:swarm = " + quoted(options))
        command = [PROGRAMS[kind], "--clean", "-n"] + (["--headless"] if kind == "nvim" else [])
        for line in [*before, *setup]:
            command += ["--cmd", line]
        command += ["-S", str(pathlib.Path(__file__).with_name("editor_driver.vim"))]
        self._start(command, folder, env)
        try:
            listener.settimeout(DEADLINE)
            self._connection, _ = listener.accept()
            self._connection.settimeout(DEADLINE)
            self._stream = self._connection.makefile("rwb")
            if answers:
                self.call("TestAnswers")
        except BaseException:
            self.end()
            raise
        finally:
            listener.close()

    def _start(self, command, folder, env):
        self._screen = b""
        if self.kind == "nvim":
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen(command, cwd=folder, env=env, stdin=side, stdout=side, stderr=side,
                                        start_new_session=True)
        os.close(side)
        threading.Thread(target=self._drain, args=(main,), daemon=True).start()

    def _drain(self, main):
        """What Vim paints is not looked at, but it must not stand still."""
        try:
            while data := os.read(main, 1 << 16):
                self._screen = (self._screen + data)[-4000:]
        except OSError:
            pass
        os.close(main)

    # --- asking ---

    def _ask(self, message):
        try:
            self._stream.write(json.dumps({"id": 1, **message}).encode() + b"\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError as error:
            raise AssertionError(f"{self.kind} does not answer: {error}; {self._screen[-1500:]!r}") from None
        assert line, f"{self.kind} has ended"
        reply = json.loads(line)
        assert "error" not in reply, f"in {self.kind}: {reply['error']}"
        return reply.get("value")

    def eval(self, expression, argument=None):
        """What a Vim expression is; g:a in it is the argument."""
        return self._ask({"expr": expression, "argument": argument})

    def call(self, function, *arguments):
        return self.eval(f"call({quoted(function)}, g:a)", list(arguments))

    def ex(self, command, argument=None):
        self._ask({"ex": command, "argument": argument})

    def lua(self, code, argument=None):
        return self.eval(f"luaeval({quoted('(function(a) ' + code + ' end)(_A)')}, g:a)", argument)

    def type(self, keys):
        """Types keys as a person does; they are taken when the editor reads them."""
        if self.kind == "nvim":
            self.call("nvim_input", keys)
        else:
            notation = re.sub(r"<([^<>\s]+)>", r"\\<\1>", keys.replace("\\", "\\\\").replace('"', '\\"'))
            self.ex(f'call feedkeys("{notation}", "t")')

    def answer(self, *words):
        self.ex("call extend(g:answers, g:a)", list(words))

    # --- looking ---

    def lines(self, name=""):
        """The lines of the buffer with that name; of the current one without."""
        return self.eval("g:a ==# '' ? getline(1, '$') : !swarm#buffer#find(g:a) ? []"
                         " : getbufline(swarm#buffer#find(g:a), 1, '$')", name)

    def text(self, name=""):
        return "\n".join(self.lines(name))

    def messages(self):
        return self.eval("execute('messages')")

    def agents(self):
        return self.eval("swarm#state#matching('')")

    def agent(self, index=0):
        agents = self.agents()
        return agents[index] if index < len(agents) else None

    def wait_for(self, expression, what, argument=None):
        """Waits until an expression is true, and returns it."""
        return self._until(
            lambda: self.eval(expression, argument),
            lambda: f"{what}; messages:\n{self.messages()}\nthe current buffer:\n{self.text()}",
        )

    def wait_text(self, name, wanted):
        def missing():
            return f"no {wanted!r} in {name}:\n{self.text(name)}\nmessages:\n{self.messages()}"

        self._until(lambda: wanted in self.text(name), missing)

    def wait_message(self, wanted):
        self._until(lambda: wanted in self.messages(), lambda: f"no {wanted!r} in: {self.messages()}")

    def wait_state(self, *states, index=0):
        def reached():
            agent = self.agent(index)
            return agent if agent and agent["state"] in states else None

        return self._until(reached, lambda: f"not {states}: {self.agents()}\n{self.messages()}")

    def server_pid(self):
        """The server is the editor's child, or, through `sh -c exec`, what that child has become."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        children = pathlib.Path(path).read_text(encoding="ascii").split()
        return int(children[0]) if children else None

    # --- ending ---

    def quit(self):
        """Leaves as people do; returns the exit code. The editor must not hang."""
        self.type("<C-\\><C-n>:qa!<CR>")
        code = self.process.wait(timeout=DEADLINE)
        shutil.rmtree(self.runtime, ignore_errors=True)
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def _until(self, reached, failure):
        end = time.monotonic() + DEADLINE
        while True:
            value = reached()
            if value:
                return value
            if self.process.poll() is not None:
                raise AssertionError(self.kind + " has ended")
            if time.monotonic() > end:
                raise AssertionError(failure())
            time.sleep(0.02)
