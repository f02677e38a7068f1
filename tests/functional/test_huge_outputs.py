# SPDX-License-Identifier: MIT
"""Outputs of any size and kind: memory stays bounded, and a model can read what it gets.

The bound is in docs/context.md: 64 MiB over what the server had before the command.
"""
import os
import re

import pytest
from agents import items, spawn
from model_server import call, text

BOUND = 64 << 20
# Freed memory that the sanitizer holds back to find mistakes is no memory of ours.
SMALL_QUARANTINE = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}


def is_summary(request):
    return "tools" not in request.body


def peak(client):
    """The most resident bytes that the server has had."""
    with open(f"/proc/{client.process.pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+) kB", f.read())[1]) << 10


@pytest.fixture
def run(swarm):
    def make(command, **config):
        read = []

        def model(request):
            if is_summary(request):
                read.append(len(request.messages[1]["content"]))
                return [text("a summary")]
            return [text("done")] if request.results else [call("bash", command=command)]

        client, _ = swarm(model, env=SMALL_QUARANTINE, **config)
        client.request("swarm/stats")
        before = peak(client)
        agent = spawn(client)
        client.wait_state(agent["id"], "done", timeout=300)
        return items(client, agent, "tool")[0], peak(client) - before, read

    return make


@pytest.mark.parametrize("summary", ["12000", "off"])
def test_two_hundred_megabytes(run, summary):
    size = 200_000_000
    line = "one line of a log that is neither short nor long, as they are, you see"
    tool, grown, read = run(f"yes '{line}' | head -c {size}; echo; exit 3",
                            outputs=f"{{summary: {summary}}}")
    assert size <= tool["bytes"] <= size + 1 and tool["exitCode"] == 3
    assert os.path.getsize(tool["full"].removeprefix("file://")) == tool["bytes"]
    assert tool["output"].endswith("[exit code 3]\n") and len(tool["output"]) < 16000
    assert (sum(read) <= 1_000_000 + 20_000 and len(read) > 5) if summary != "off" else read == []
    print("grown by", grown >> 20, "MiB")
    assert grown < BOUND


ODD = {
    "an endless line": ("head -c 20000000 /dev/zero | tr '\\0' x", r"x{100}$"),
    "a progress bar": ("yes 'now at 50 %' | head -n 1000000 | tr '\\n' '\\r'; printf '\\rdone: 100 %%\\n'",
                       r"^done: 100 %$"),
    "colours": ("yes \"$(printf '\\033[31mred\\033[0m and \\033[1mbold\\033[0m')\" | head -n 200000",
                r"^red and bold$"),
    "no text": ("head -c 20000000 /dev/urandom", r"bytes of binary data\]$"),
    "zeros": ("head -c 20000000 /dev/zero", r"bytes of binary data\]$"),
}


@pytest.mark.parametrize("kind", ODD)
def test_of_any_kind(run, kind):
    command, line = ODD[kind]
    tool, grown, _ = run(command)
    assert tool["status"] == "completed" and grown < BOUND
    assert len(tool["output"]) < 30000 and re.search(line, tool["output"], re.MULTILINE)
    assert max(len(line.encode()) for line in tool["output"].split("\n")) <= 2000
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", tool["output"])
