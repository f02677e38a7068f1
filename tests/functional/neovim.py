# SPDX-License-Identifier: MIT
"""A real headless Neovim with the plugin from clients/vim, driven through its own socket.

Everything waits for what it wants to see, with a deadline; nothing sleeps for luck.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
NVIM = os.environ.get("NVIM_PROGRAM") or shutil.which("nvim")
DEADLINE = 60  # s; only a test that fails waits that long

# What people would answer to a question: tests set the words. And an editor whose test was killed
# does not stay behind.
SETUP = """
    answers = {}
    vim.ui.select = function(items, options, done)
      local wanted = table.remove(answers, 1)
      for _, item in ipairs(items) do
        local label = options.format_item and options.format_item(item) or item
        if label == wanted then return done(item) end
      end
      error('no answer to ' .. options.prompt)
    end
    vim.ui.input = function(_, done) done(table.remove(answers, 1)) end
    local parent = vim.loop.os_getppid()
    vim.loop.new_timer():start(1000, 1000, function()
      if vim.loop.os_getppid() ~= parent then os.exit(1) end
    end)
"""


class Neovim:
    def __init__(self, home, folder, server=None, options=None, environment=None, plugin=None):
        self.folder = pathlib.Path(folder)
        # Not below home: the path of a socket is short, that of a test's folder is not.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="nv"))
        self.socket = str(self.runtime / "socket")
        env = dict(os.environ, HOME=str(home), TMPDIR=str(self.runtime), **(environment or {}))
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            env.pop(name, None)
        command = [NVIM, "--headless", "--clean", "--listen", self.socket]
        command += ["--cmd", "set rtp^=" + str(plugin or SOURCE / "clients/vim"), "--cmd", "set lines=40 columns=120"]
        if server:
            command += ["--cmd", "let g:swarm_server = " + json.dumps(str(server))]
        if options:
            command += ["--cmd", "let g:swarm = json_decode('" + json.dumps(options) + "')"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            self._until(lambda: os.path.exists(self.socket), lambda: "Neovim does not listen")
            self.lua(SETUP)
        except BaseException:
            self.end()
            raise

    def lua(self, code, argument=None):
        """Runs a chunk, in which `a` is the argument; returns what it returns."""
        # The value goes through a file: 0.7 writes what is asked for to stderr, not all of it whole.
        chunk = "(function(path, value) vim.fn.writefile({vim.json.encode({value = value})}, path) end)"
        chunk += "(_A[1], (function(a) " + code + " end)(_A[2]))"
        result = self.runtime / "value"
        argument = json.dumps([str(result), argument])
        done = subprocess.run(
            [NVIM, "--server", self.socket, "--remote-expr",
             f'luaeval("{_vim_string(chunk)}", json_decode({_vim_quote(argument)}))'],
            capture_output=True, text=True, timeout=DEADLINE, check=False,
            env=dict(os.environ, TMPDIR=str(self.runtime)),
        )
        try:
            value = json.loads(result.read_text(encoding="utf-8"))
        except OSError:
            raise AssertionError("in Neovim: " + done.stdout + done.stderr) from None
        result.unlink()
        return value["value"] if value else None  # an empty table is written as a list

    def ex(self, command):
        self.lua("vim.cmd(a)", command)

    def type(self, keys):
        """Types keys as a person does; they are taken when Neovim reads them."""
        self.lua("vim.api.nvim_input(a)", keys)

    def answer(self, *words):
        self.lua("vim.list_extend(answers, a)", list(words))

    def lines(self, name):
        """The lines of the buffer with that name; of the current one without."""
        return self.lua(
            """
            local buffer = a == '' and 0 or require('swarm.view').find(a)
            return buffer and vim.api.nvim_buf_get_lines(buffer, 0, -1, true) or {}
            """,
            name,
        )

    def text(self, name=""):
        return "\n".join(self.lines(name))

    def messages(self):
        return self.lua("return vim.api.nvim_exec('messages', true)")

    def agents(self):
        return self.lua("return require('swarm.state').matching('')")

    def agent(self, index=0):
        agents = self.agents()
        return agents[index] if index < len(agents) else None

    def wait_for(self, code, what, argument=None):
        """Waits until a chunk returns something true, and returns that."""
        return self._until(
            lambda: self.lua(code, argument),
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
        """The server is Neovim's child, or, through `sh -c exec`, what that child has become."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        children = pathlib.Path(path).read_text(encoding="ascii").split()
        return int(children[0]) if children else None

    def quit(self):
        """Leaves as people do; returns the exit code. Neovim must not hang."""
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
                raise AssertionError("Neovim has ended")
            if time.monotonic() > end:
                raise AssertionError(failure())
            time.sleep(0.02)


def _vim_string(text):
    """Inside a double-quoted Vim string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _vim_quote(text):
    return "'" + text.replace("'", "''") + "'"
