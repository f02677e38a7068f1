# SPDX-License-Identifier: MIT
"""Commands of agents: what ends them, what is left of them (nothing), what they are told."""

import os
import pathlib
import time

import pytest
from agents import items, spawn
from model_server import call, text


def wait_for(path):
    """A command makes the file; nothing tells us but the file itself."""
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < deadline, path
        time.sleep(0.01)
    return [int(line) for line in path.read_text().split()]


def running(marker):
    """The processes of the whole machine whose command line has the marker."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text().rsplit(")")[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(marker).encode() in line and state not in "ZX":
            found.append(int(entry.name))
    return found


# A stubborn tree: the shell ignores TERM, a child, and one that left its session and its parent.
STUBBORN = ("trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ >> {file}; sleep 1000' &) ; "
            "sh -c 'trap \"\" TERM; echo $$ >> {file}; sleep 1000' & echo $$ >> {file}; "
            "echo begun; while :; do sleep 1000; done")


@pytest.mark.parametrize("request_name, state", [("cancel", "done"), ("kill", "killed")])
def test_everything_a_command_started_is_dead_before_the_answer(swarm, tmp_path, request_name,
                                                                state):
    pids_file = tmp_path / "pids"
    client, _ = swarm([[call("bash", command=STUBBORN.format(file=pids_file))]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta" and e["kind"] == "tool"
                      and "begun" in e["text"])
    while len(wait_for(pids_file)) < 3:
        pass
    assert len(running(pids_file)) >= 3
    answer = client.request(f"swarm/{request_name}", {"agentId": agent["id"]})["agent"]
    assert answer["state"] == state
    assert running(pids_file) == []
    assert "begun" in items(client, agent, "tool")[-1]["output"]


def test_nothing_survives_the_servers_sudden_death(swarm, tmp_path):
    pids_file = tmp_path / "pids"
    client, _ = swarm([[call("bash", command=STUBBORN.format(file=pids_file))]])
    spawn(client)
    while len(wait_for(pids_file)) < 3:
        pass
    assert len(running(pids_file)) >= 3
    client.process.kill()
    deadline = time.monotonic() + 60
    while running(pids_file):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_background_processes_end_with_their_command(swarm, tmp_path):
    command = f"sh -c 'echo {tmp_path}; sleep 1000; :' & echo started"
    client, _ = swarm([[call("bash", command=command)], [text("done")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    assert running(tmp_path) == []
    assert "started" in items(client, agent, "tool")[-1]["output"]


def test_exit_codes_and_merged_output(swarm):
    client, server = swarm([[call("bash", command="echo out; echo err >&2; exit 3")],
                            [text("done")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    it = items(client, agent, "tool")[-1]
    assert (it["status"], it["exitCode"]) == ("failed", 3)
    assert "out\nerr\n" in it["output"] and "3" in server.requests[1].results[0]["content"]


def test_a_large_output_is_whole_on_disk_and_readable(swarm):
    def script(request):
        if request.turns == 0:
            return [call("bash", command="seq 1 9000")]
        if request.turns == 1:
            path = next(w for w in request.results[0]["content"].split()
                        if w.startswith("output:")).rstrip("]")
            return [call("read", path=path, offset=5000, limit=2)]
        return [text("done")]

    client, server = swarm(script)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    shown = server.requests[1].results[0]["content"]
    assert "1\n2\n3\n" in shown and "8999\n9000\n" in shown and len(shown) < 6200
    assert "5000" in server.requests[2].results[0]["content"]
    items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
    bash = next(i for i in items if i.get("name") == "bash")
    path = pathlib.Path(bash["full"].removeprefix("file://"))
    assert path.read_text() == "".join(f"{n}\n" for n in range(1, 9001))
    assert path.stat().st_mode & 0o777 == 0o600 and bash["bytes"] == path.stat().st_size


def test_a_timeout_is_said(swarm):
    client, server = swarm([[call("bash", command="echo before; sleep 1000", timeout=1)],
                            [text("done")]])
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    answer = server.requests[1].results[0]["content"]
    assert "before" in answer and "1 s" in answer and items(client, agent, "tool")[-1]["status"] == "failed"


@pytest.mark.parametrize("sandbox", [True, False])
def test_credentials_do_not_reach_commands(swarm, sandbox):
    marker = "sk-marker-8d1f"
    env = {"OPENAI_API_KEY": marker, "ANTHROPIC_API_KEY": marker, "LC_PLAIN": "plain"}
    # Its own, and of every process that it sees.
    command = "env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; cat /proc/[0-9]*/comm; echo end"
    if not sandbox: # then every process above it, up to the server
        command = ("env; p=$PPID; while [ $p -gt 1 ]; do tr '\\0' '\\n' < /proc/$p/environ; "
                   "[ $(cat /proc/$p/comm) = swarmd ] && echo found the server && break; "
                   "p=$(awk '/^PPid/{print $2}' /proc/$p/status); done; echo end")
    client, server = swarm([[call("bash", command=command)], [text("done")]], env=env,
                           sandbox="{enabled: %s}" % str(sandbox).lower())
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    answer = server.requests[1].results[0]["content"]
    assert "PLAIN=plain" in answer and "end\n" in answer and marker not in answer
    assert ("found the server" in answer or "\nswarmd\n" in answer) != sandbox
    state = client.state
    client.close()
    for path in state.rglob("*"):
        if path.is_file():
            assert marker.encode() not in path.read_bytes(), path


def test_a_command_runs_in_the_worktree_with_the_persons_umask(swarm):
    os.umask(0o022)
    client, server = swarm([[call("bash", command="pwd; git branch --show-current; umask")],
                            [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    lines = server.requests[1].results[0]["content"].split("\n")
    assert lines[0].endswith(agent["id"]) and lines[1] == agent["branch"] and lines[2] == "0022"
