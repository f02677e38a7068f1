# SPDX-License-Identifier: MIT
"""Another client than ours: vscode-jsonrpc of npm drives the whole protocol (vscode/drive.mjs)."""

import json
import os
import subprocess

import pytest

from client import binary, write_config
from contract import METHODS, SOURCE, Conversation
from model_server import Gate, ModelServer, call, gate, reasoning, stall, text
from node_packages import TIMEOUT, installed

HERE = SOURCE / "tests/functional/vscode"


@pytest.fixture(scope="module")
def modules():
    return installed(HERE, "vscode-jsonrpc")


def write_file(first):
    return [[reasoning("Hm. "), text("I write it."), *first,
             call("write", path="new.txt", content="new\n")],
            [text("Written.")]]


def conversations(first):
    return {
        "plain: write": write_file([]),
        "plain: hold": [[text("Holding."), stall()]],
        "write a file": write_file([gate(first)]) + [[text("First, too.")], [text("Once more.")],
                                                   [text("A summary.")]],
        "hold on": [[text("Holding."), stall()], [call("bash", command="sleep 600")],
                    [text("Back.")]],
    }


def run(environment, first):
    """Its output, without the lines that are for us; its end is a failure when it is one."""
    node = subprocess.Popen(["node", str(HERE / "drive.mjs")], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    lines = []
    try:
        for line in node.stdout:
            if line == "open first\n":
                first.open()
            else:
                lines.append(line)
        assert node.wait(TIMEOUT) == 0, "".join(lines)
    finally:
        node.kill()
        node.wait()
    return "".join(lines)


def check(trace):
    """Every message against the schema; returns the methods of each envelope that were seen."""
    talks, seen = {}, set()
    for line in trace.read_text().splitlines():
        entry = json.loads(line)
        conversation = talks.setdefault(entry["editor"], Conversation())
        if entry["from"] == "client":
            conversation.sent(entry["message"])
        else:
            conversation.received(entry["message"])
        seen.add(entry["message"].get("method"))
    return seen


def test_another_client_drives_the_whole_protocol(tmp_path, repository, modules):
    first = Gate()
    trace = tmp_path / "trace"
    with ModelServer(conversations(first)) as server:
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("SWARMD_")},
                       "SWARMD": binary(), "MODULES": str(modules), "TRACE": str(trace),
                       "REPOSITORY": repository.as_uri(), "SWARMD_STATE_DIR": str(tmp_path / "state"),
                       "SWARMD_CONFIG": str(write_config(tmp_path, server.config()))}
        output = run(environment, first)
        assert server.refused == []
    seen = check(trace)
    advertised = output.splitlines()[-1].removeprefix("methods ").split()
    assert set(advertised) <= seen, "drive.mjs does not use all there is"
    missed = {method for known in METHODS.values() for method in known} - seen
    assert missed == set()
