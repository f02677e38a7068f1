# SPDX-License-Identifier: MIT
"""docs/protocol.md against the running server: its examples, and that nothing is left out."""

import copy
import json
import os
import pathlib
import re

import pytest

from client import RpcError
from model_server import ModelServer, call, text

PAGE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", "."), "docs/protocol.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)]
REQUESTS = {e["method"]: e for e in EXAMPLES
            if "id" in e and e.get("method", "").startswith(("swarm/", "initialize"))}
AGENT = next(e for e in EXAMPLES if "task" in e)
ITEM = next(e for e in EXAMPLES if e.get("kind") == "tool")
APPROVAL = next(e["result"]["approval"] for e in EXAMPLES if "approval" in e.get("result", {}))


def shape(value):
    """Names of members, all the way down."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    return None


@pytest.fixture
def client(start):
    client = start()
    client.initialize()
    return client


def test_what_is_advertised_is_documented(start):
    client = start()
    result = client.initialize()
    documented = copy.deepcopy(next(e["result"] for e in EXAMPLES if "serverInfo" in e.get("result", {})))
    for whole in (result, documented):  # in any order
        whole["capabilities"]["experimental"]["swarm"]["methods"].sort()
    assert result == documented
    swarm = result["capabilities"]["experimental"]["swarm"]
    for name in swarm["methods"] + swarm["events"]:
        assert f"### `{name}`\n" in PAGE, name
    for method in swarm["methods"]:
        assert method in REQUESTS, method


def test_the_examples_of_requests_are_well_formed(client):
    """Sent as they are, their parameters are taken; only the agent is not there."""
    for method, example in REQUESTS.items():
        if method == "initialize":
            continue
        params = dict(example["params"])
        try:
            client.request(method, params)
        except RpcError as error:
            expected = {"swarm/spawn": "repository"}.get(method, "unknownAgent")
            if method == "swarm/approve":
                assert error.code == -32602 and "there is no approval" in error.message
            else:
                assert (error.code, error.kind) == (-32803, expected), (method, error)


def test_the_example_of_initialize_is_taken(start):
    client = start()
    client.request("initialize", REQUESTS["initialize"]["params"])


def test_agents_items_and_approvals_look_like_their_examples(start, repository):
    answers = [[call("write", path="CONTRIBUTING.md", content="# Contributing\n")],
               [text("Done.")]]
    with ModelServer(answers) as server:
        client = start(config=server.config())
        client.initialize(subscribe="all")
        agent = client.request("swarm/spawn", {"task": "x", "cwd": str(repository)})["agent"]
        assert shape(agent) == shape(AGENT)
        client.wait_state(agent["id"], "waiting")
        got = client.request("swarm/get", {"agentId": agent["id"]})
        assert set(got) == {"agent", "queue", "approvals", "children", "pins", "seq"}
        params = {**REQUESTS["swarm/approve"]["params"], "decision": "allow",
                  "approvalId": got["approvals"][0]["id"]}
        approval = client.request("swarm/approve", params)["approval"]
        assert shape(approval) == shape(APPROVAL)
        client.wait_turn_end(agent["id"])
        tool = [e["item"] for e in client.events if e["type"] == "item"
                and e["item"]["kind"] == "tool"][-1]
        assert shape(tool) == shape(ITEM)


def test_every_error_kind_is_documented():
    source = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", "."), "core/base/err.c").read_text()
    kinds = set(re.findall(r'\[ERR_\w+\] = "(\w+)"', source)) - {"params"}
    assert len(kinds) > 10
    for kind in kinds:
        assert f"| `{kind}` |" in PAGE, kind
