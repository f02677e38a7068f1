# SPDX-License-Identifier: MIT
"""docs/protocol.schema.json: it is a schema, and it agrees with docs/protocol.md and the server."""

import json
import os
import re
import subprocess

import jsonschema
import pytest

from client import binary, write_config
from contract import DEFS, METHODS, SCHEMA, SOURCE, Conversation, definition, fault
from recorder import Recorder
from test_protocol_page import AGENT, EXAMPLES, ITEM, PAGE

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CALLS = [e for e in EXAMPLES if "method" in e]
ANSWERS = [e for e in EXAMPLES if "jsonrpc" in e and "method" not in e]
BY_ID = {e["id"]: e["method"] for e in CALLS if "id" in e}
SWARM = next(e["result"] for e in ANSWERS
             if e["id"] == 1)["capabilities"]["experimental"]["swarm"]


def name_of(example):
    return str(example.get("method") or example.get("id"))


def test_it_is_a_json_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def references(schema):
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield definition(schema)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def test_every_reference_leads_somewhere_and_every_definition_is_used():
    used = set(references(SCHEMA))
    assert used <= set(DEFS)
    results = {name for name in DEFS if name.endswith(".result")}
    assert set(DEFS) - used == results
    requests = [*METHODS["ClientRequest"], *METHODS["ServerRequest"]]
    assert results == {f"{method}.result" for method in requests}


def test_it_has_what_is_advertised():
    methods = [m for m in METHODS["ClientRequest"] if m.startswith("swarm/")]
    assert methods == SWARM["methods"]
    assert [definition(r).removeprefix("event.") for r in DEFS["Event"]["oneOf"]] == SWARM["events"]


@pytest.mark.parametrize("example", CALLS, ids=name_of)
def test_examples_of_calls(example):
    VALIDATOR.validate(example)
    conversation = Conversation()
    if example["method"] in {**METHODS["ServerNotification"], **METHODS["ServerRequest"]}:
        conversation.received(example)
    else:
        conversation.sent(example)


@pytest.mark.parametrize("example", ANSWERS, ids=name_of)
def test_examples_of_answers(example):
    VALIDATOR.validate(example)
    if "result" in example:
        method = BY_ID[example["id"]]
        assert fault(f"{method}.result", example["result"]) is None


def test_the_examples_of_an_agent_and_an_item():
    assert fault("Agent", AGENT) is None
    assert fault("Item", ITEM) is None
    assert len(CALLS) + len(ANSWERS) + 2 == len(EXAMPLES)


def test_every_method_has_an_example():
    everything = {method for known in METHODS.values() for method in known}
    assert everything - {e["method"] for e in CALLS} <= UNSHOWN


# What LSP says all of, and what the page tells in a sentence.
UNSHOWN = {"initialized", "shutdown", "exit", "$/cancelRequest", "window/showMessage",
           "window/workDoneProgress/create", "window/workDoneProgress/cancel"}


@pytest.mark.parametrize("name", ["ErrorKind", "State", "StopReason", "Mode", "Decision"])
def test_the_page_names_every_value(name):
    for value in DEFS[name]["enum"]:
        assert f"`{value}`" in PAGE, value


def test_it_has_the_names_of_the_source():
    def names(file, pattern):
        return re.findall(pattern, (SOURCE / file).read_text())

    kinds = names("core/base/err.c", r'\[ERR_\w+\] = "(\w+)"')
    assert DEFS["ErrorKind"]["enum"] == [k for k in kinds if k != "params"]
    states = re.search(r"state_names\[.*?\] = \{(.*?)\}", (SOURCE / "core/agent/state.c").read_text(),
                       re.S)[1]
    assert DEFS["State"]["enum"] == re.findall(r'"(\w+)"', states)


# --- the checks of every other test see what is wrong ---

WRONG = [
    (lambda a: a.pop("mode"), "$: 'mode' is a required property"),
    (lambda a: a.update(state="sleeping"), "$.state: 'sleeping' is not one of"),
    (lambda a: a.update(createdAt="2026-11-21T08:41:51Z"), "$.createdAt: '2026-11-21T08:41:51Z'"),
    (lambda a: a.update(queued="1"), "$.queued: '1' is not of type 'integer'"),
    (lambda a: a.update(id="Add me"), "$.id: 'Add me' does not match"),
    (lambda a: a.update(usage={**a["usage"], "turns": -1}), "$.usage.turns: -1 is less than"),
    (lambda a: a.update(error={"kind": "odd", "message": "x"}), "$.error.kind: 'odd' is not one"),
    (lambda a: a.update(colour="red"), "('colour' was unexpected)"),
]


@pytest.mark.parametrize("spoil,expected", WRONG, ids=range(len(WRONG)))
def test_a_fault_is_found_and_told(spoil, expected):
    agent = dict(AGENT)
    spoil(agent)
    event = {"agentId": AGENT["id"], "time": AGENT["createdAt"], "type": "agent", "agent": agent}
    message = {"jsonrpc": "2.0", "method": "swarm/events", "params": {"events": [event]}}
    with pytest.raises(AssertionError) as caught:
        Conversation().received(message)
    assert "swarm/events.params" in str(caught.value)
    assert expected.replace("$", "$.events[0].agent") in str(caught.value)


def answer_remove(answer):
    conversation = Conversation()
    conversation.sent({"jsonrpc": "2.0", "id": 1, "method": "swarm/remove",
                       "params": {"agentId": "a"}})
    conversation.received({"jsonrpc": "2.0", **answer})


@pytest.mark.parametrize("answer", [
    {"id": 1, "result": {}}, {"id": 1, "result": None}, {"id": 1},
    {"id": 1, "error": {"code": -32803, "message": "no kind"}},
    {"id": 1, "error": {"code": -1, "message": "no such code"}},
    {"id": None, "result": {"removed": "a-bcdef"}},
], ids=range(6))
def test_faults_of_answers_are_found(answer):
    answer_remove({"id": 1, "result": {"removed": "a-bcdef"}})
    with pytest.raises(AssertionError):
        answer_remove(answer)


def test_a_test_must_say_that_it_sends_what_is_wrong():
    wrong = {"jsonrpc": "2.0", "id": 1, "method": "swarm/get", "params": {}}
    with pytest.raises(AssertionError):
        Conversation().sent(wrong)
    Conversation().sent(wrong, valid=False)
    with pytest.raises(AssertionError):
        Conversation().sent({**wrong, "params": {"agentId": "a"}}, valid=False)


def test_a_violation_fails_the_test(start, monkeypatch):
    monkeypatch.setattr(Conversation, "received", forbid_everything)
    client = start()
    with pytest.raises(AssertionError, match="forbidden: .*serverInfo"):
        client.initialize()
    with pytest.raises(AssertionError, match="forbidden"):
        client.check()
    client.violation = None  # else the end of this test is its failure


def forbid_everything(_, message):
    raise AssertionError(f"forbidden: {message}")


# --- editors, whose messages go through a recorder ---

def talk_through(recorder, tmp_path, requests):
    config = write_config(tmp_path, {"model": "demo/tour"})
    environment = {"PATH": os.environ["PATH"], "SWARMD_STATE_DIR": str(tmp_path / "state"),
                   "SWARMD_CONFIG": str(config)}
    lines = "".join(json.dumps({"jsonrpc": "2.0", **r}) + "\n" for r in requests)
    done = subprocess.run([recorder.program, "--stdio"], input=lines.encode(), capture_output=True,
                          timeout=60, env=environment)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


START = {"id": 1, "method": "initialize", "params": {"capabilities": {}}}
END = [{"id": 3, "method": "shutdown"}, {"method": "exit"}]


def test_a_recorder_changes_nothing_and_sees_what_is_wrong(tmp_path):
    recorder = Recorder(tmp_path, binary())
    code, answers = talk_through(recorder, tmp_path, [START, *END])
    assert (code, [a["id"] for a in answers]) == (0, [1, 3])
    assert recorder.check() == {"initialize", "shutdown", "exit", None}
    assert talk_through(recorder, tmp_path, [START, {"method": "exit"}])[0] == 1
    talk_through(recorder, tmp_path, [START, {"id": 2, "method": "swarm/get", "params": {}}, *END])
    with pytest.raises(AssertionError, match="'agentId' is a required property"):
        recorder.check()


def test_a_recorder_sees_what_the_server_does_wrong(tmp_path):
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\nread line\necho '{\"jsonrpc\": \"2.0\", \"method\": \"swarm/odd\"}'\n")
    server.chmod(0o755)
    recorder = Recorder(tmp_path, server)
    talk_through(recorder, tmp_path, [START])
    with pytest.raises(AssertionError, match="there is no 'swarm/odd'"):
        recorder.check()
