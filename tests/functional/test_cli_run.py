# SPDX-License-Identifier: MIT
"""`swarmd run`: what a person at a shell, or a script, sees of one agent."""
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from client import binary, make_repository, write_config
from model_server import Gate, ModelServer, call, cut, gate, reasoning, status, text, usage

DEADLINE = 60


class Runner:
    def __init__(self, folder):
        self.folder = folder
        self.repository = make_repository(folder / "with space é")
        self.state = folder / "state"
        write_config(folder, {"model": "demo/tour"})
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("SWARMD_") and not k.endswith("_API_KEY")}
        self.env.update(SWARMD_STATE_DIR=str(self.state), SWARMD_DEMO_DELAY_MS="0",
                        SWARMD_CONFIG=str(folder / "config.yaml"), NO_COLOR="1",
                        ASAN_OPTIONS="exitcode=99", UBSAN_OPTIONS="exitcode=99")

    def configure(self, config):
        write_config(self.folder, config)

    def start(self, *args, cwd=None, **options):
        return subprocess.Popen([binary(), *args], cwd=cwd or self.repository, env=self.env,
                                **{**dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE), **options})

    def run(self, *args, cwd=None):
        process = self.start(*args, cwd=cwd)
        out, errors = process.communicate(timeout=DEADLINE)
        return process.returncode, out.decode(), errors.decode()

    def git(self, *args, cwd=None):
        return subprocess.run(["git", *args], cwd=cwd or self.repository, env=self.env, check=True,
                              capture_output=True, text=True).stdout.strip()

    def person_tree(self):
        """What must not change: HEAD, index, files."""
        git = self.repository / ".git"
        files = sorted(p.name for p in self.repository.iterdir())
        sums = [hashlib.sha1((git / n).read_bytes()).hexdigest() for n in ("HEAD", "index")]
        return files, sums, self.git("status", "--porcelain"), self.git("stash", "list")


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


def worktree_of(output):
    return pathlib.Path(re.search(r"^Worktree  (.*)$", output, re.M).group(1))


def test_whole_story(runner):
    before = runner.person_tree()
    code, out, errors = runner.run("run", "add", "a CONTRIBUTING file")
    assert (code, errors) == (0, "")
    assert "* write CONTRIBUTING.md\n  ok" in out
    assert "not a language model" in out
    assert re.search(r"^Agent     add-a-contributing-file-\w+: done, endTurn$", out, re.M)
    branch = re.search(r"^Branch    (swarm/\S+), from \w{12}$", out, re.M).group(1)
    worktree = worktree_of(out)
    assert "+++ b/CONTRIBUTING.md" in out and "\n+# Contributing\n" in out
    assert runner.git("status", "--porcelain", cwd=worktree) == "?? CONTRIBUTING.md"
    assert runner.git("branch", "--show-current", cwd=worktree) == branch
    assert branch in runner.git("branch", "--list", "swarm/*")
    assert runner.person_tree() == before


def test_json_is_for_scripts(runner):
    code, out, _ = runner.run("run", "--json", "add a CONTRIBUTING file")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert {"agent", "turn", "item", "end"} <= {event["type"] for event in events}
    end = events[-1]
    assert end["type"] == "end" and end["agent"]["state"] == "done"
    assert "+++ b/CONTRIBUTING.md" in end["patch"]


@pytest.mark.parametrize("args", [
    ["run"], ["run", "--no-such-flag", "task"], ["run", "--mode"], ["run", "--mode", "wild", "task"],
    ["walk"], ["--stdio", "more"],
])
def test_usage(runner, args):
    code, out, errors = runner.run(*args)
    assert code == 2 and out == ""
    assert "swarmd" in errors and "\n" == errors[-1]


def test_help_and_version(runner):
    assert "swarmd run" in runner.run("--help")[1]
    assert "--mode" in runner.run("run", "--help")[1]
    assert "--json" in runner.run("audit", "--help")[1]
    assert "--clear" in runner.run("prune", "--help")[1]
    assert re.fullmatch(r"swarmd \d+\.\d+\.\d+\n", runner.run("--version")[1])


def test_where_no_agent_can_work(runner, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    code, out, errors = runner.run("run", "task", cwd=plain)
    assert code == 1 and "git init" in errors + out


def test_configuration_error_is_told(runner):
    runner.configure("modle: demo/tour\n")
    code, _, errors = runner.run("run", "task")
    assert code == 1 and re.fullmatch(r"swarmd: .*'modle'.*\n", errors)


def test_provider_failure(runner):
    with ModelServer([]) as server:
        runner.configure(server.config())
        code, out, _ = runner.run("run", "task")
    assert code == 1
    assert re.search(r"^Agent     task-\w+: failed", out, re.M) and "\nError     " in out


def test_what_is_made_anew_is_said_and_not_shown_twice(runner):
    script = [status(429, "later", headers={"Retry-After": "1"}),
              [reasoning("A whole thought."), text("Half of"), cut()], [text("All of it.")]]
    with ModelServer(script) as server:
        runner.configure(server.config())
        code, out, _ = runner.run("run", "task")
    assert code == 0
    assert "  retry in 1 s (429)\n" in out and "Half of\n  (broken off)\n" in out
    assert out.count("A whole thought.") == 1 and "\nAll of it.\n" in out


def test_streams_edits(runner):
    """Text comes while the model still speaks."""
    wait = Gate()
    script = [[text("One word. "), gate(wait), text("And another.")],
              [call("write", path="new/file.txt", content="hello\n"),
               call("edit", path="README.md",
                    edits=[{"old_text": "A repository", "new_text": "Changed"}])],
              [text("Done.")]]
    script[0].append(call("read", path="README.md"))
    with ModelServer(script) as server:
        runner.configure(server.config())
        process = runner.start("run", "task")
        seen = b""
        while b"word." not in seen:
            assert select.select([process.stdout], [], [], DEADLINE)[0], seen
            seen += os.read(process.stdout.fileno(), 4096)
        wait.open()
        rest, _ = process.communicate(timeout=DEADLINE)
        assert server.refused == []
    out = (seen + rest).decode()
    assert process.returncode == 0
    assert "One word. And another." in out
    assert "+++ b/new/file.txt" in out and "-# A repository\n+# Changed" in out


def test_asking_without_a_terminal_means_no(runner):
    code, out, _ = runner.run("run", "--mode", "ask", "add a CONTRIBUTING file")
    assert "not allowed: Nobody is there to ask" in out
    assert "+++ b/" not in out
    assert code == 0


@pytest.mark.parametrize("known", [True, False])
def test_the_cost_is_said_when_it_is_known(runner, known):
    prices = "{scripted: {price: {input: 3, output: 15}}}" if known else "{}"
    with ModelServer([[text("Done."), usage(4000, 120)]]) as server:
        runner.configure(server.config(models=prices))
        code, out, _ = runner.run("run", "say it")
    assert code == 0
    found = re.search(r"^Cost      (.*)$", out, re.M)
    assert (found and found.group(1)) == ("$0.0138 (4000 tokens in, 120 out)" if known else None)


def test_no_changes_is_said(runner):
    with ModelServer([[text("Nothing to do.")]]) as server:
        runner.configure(server.config())
        code, out, _ = runner.run("run", "task")
    assert code == 0 and out.endswith("\nDiff      no changes\n")


def at_terminal(runner, *args):
    leader, follower = pty.openpty()
    process = runner.start(*args, stdin=follower, stdout=follower, stderr=follower,
                           start_new_session=True)
    os.close(follower)
    return leader, process


def read_until(terminal, words, seen=b""):
    deadline = time.monotonic() + DEADLINE
    while words not in seen:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], seen
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end is gone
            piece = b""
        assert piece, seen
        seen += piece
    return seen


def test_asking_at_a_terminal(runner):
    with ModelServer([[call("write", path="yes.txt", content="x\n")],
                      [call("write", path="no.txt", content="x\n")], [text("Done.")]]) as server:
        runner.configure(server.config())
        terminal, process = at_terminal(runner, "run", "--mode", "ask", "task")
        read_until(terminal, b"n[e]ver: ")
        os.write(terminal, b"what?\n")
        read_until(terminal, b"n[e]ver: ")
        os.write(terminal, b"y\n")
        read_until(terminal, b"n[e]ver: ")
        os.write(terminal, b"n\n")
        out = read_until(terminal, b"+++ b/yes.txt")
        assert process.wait(DEADLINE) == 0
        os.close(terminal)
    worktree = worktree_of(out.decode().replace("\r", ""))
    assert (worktree / "yes.txt").exists() and not (worktree / "no.txt").exists()


WILD = "One \x1b[31mred\x07 word\x9b2J\u202e.\tEnd.\n"


def wild_script():
    return [[text(WILD), call("bash", command=r"printf 'bytes \033[2J \233 \377 \t.\n' > wild; "
                                              r"printf 'out \033[2J\n'; false")], [text("Done.")]]


@pytest.mark.parametrize("color", [False, True])
def test_nothing_drives_a_terminal(runner, color):
    """Neither an answer, nor the output of a command, nor a diff."""
    if color:
        del runner.env["NO_COLOR"]
        runner.env["TERM"] = "xterm"
    with ModelServer(wild_script()) as server:
        runner.configure(server.config())
        terminal, process = at_terminal(runner, "run", "task")
        out = read_until(terminal, b"+bytes")
        out = read_until(terminal, b"\t.", out).decode()
        assert process.wait(DEADLINE) == 0
        os.close(terminal)
    if color:
        assert "\x1b[32m+bytes" in out
        out = re.sub("\x1b\\[\\d+m", "", out.replace("[31mred", "red"))
    assert "\x1b" not in out and "\x9b" not in out and "\x07" not in out and "\u202e" not in out
    assert "+bytes \ufffd[2J \ufffd \ufffd \t." in out


def test_a_pipe_gets_what_was_written(runner):
    with ModelServer(wild_script()) as server:
        runner.configure(server.config())
        process = runner.start("run", "task")
        out, _ = process.communicate(timeout=DEADLINE)
    assert WILD.encode() in out
    assert b"+bytes \x1b[2J \x9b \xff \t.\n" in out


@pytest.mark.parametrize("times", [1, 2])
def test_interrupt(runner, times):
    """^C cancels the turn, and what was said is kept; a second one does not wait."""
    wait = Gate()
    with ModelServer([[text("Partial words. "), gate(wait), text("never")]]) as server:
        runner.configure(server.config())
        terminal, process = at_terminal(runner, "run", "task")
        read_until(terminal, b"Partial words.")
        for _ in range(times):
            os.kill(process.pid, signal.SIGINT)
        assert process.wait(DEADLINE) == 130
        wait.open()
        os.close(terminal)
    # The server let go of the state folder: nothing of it is left.
    runner.configure({"model": "demo/tour"})
    assert runner.run("run", "again")[0] == 0


def test_killed_server_is_told(runner):
    wait = Gate()
    with ModelServer([[text("Partial words. "), gate(wait)]]) as server:
        runner.configure(server.config())
        terminal, process = at_terminal(runner, "run", "task")
        seen = read_until(terminal, b"Partial words.")
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGKILL)
        read_until(terminal, b"the server ended (exit code 137)", seen)
        assert process.wait(DEADLINE) == 1
        wait.open()
        os.close(terminal)


def test_a_command_that_fails_shows_how_it_ended(runner):
    with ModelServer([[call("bash", command="echo much output; exit 3")], [text("Oh.")]]) as model:
        runner.configure(model.config())
        _, out, _ = runner.run("run", "try it")
    assert "  failed: [exit code 3]" in out
