# SPDX-License-Identifier: MIT
"""What version 1 promises (protocol_v1.json) against the schema and the server that was built."""

import copy
import json

import pytest

import record_protocol
from record_protocol import Changes, describe, load

HOW = ("Version 1 keeps what it promised. Additions are recorded by running "
       "tests/functional/record_protocol.py, which tells about the rest.")


def test_nothing_has_changed_unseen():
    changes = Changes(load(), describe())
    assert not changes, f"the protocol has changed:\n{changes.report()}\n{HOW}"


def test_the_server_advertises_what_is_recorded(start):
    swarm = start().initialize()["capabilities"]["experimental"]["swarm"]
    recorded = load()
    assert swarm == {key: recorded[key] for key in ("version", "methods", "events")}, HOW


def member(definition, path):
    return lambda d: d["definitions"][definition]["members"].pop(path)


def retype(definition, path, new):
    return lambda d: d["definitions"][definition]["members"].update({path: new})


def reshape(definition, new):
    return lambda d: d["definitions"][definition].update(type=new)


@pytest.mark.parametrize("change,kind,says", [
    (lambda d: d["methods"].remove("swarm/get"), "broken", "methods: swarm/get is gone"),
    (lambda d: d["events"].remove("turn"), "broken", "events: turn is gone"),
    (lambda d: d["messages"]["ServerNotification"].remove("swarm/events"), "broken",
     "ServerNotification: swarm/events is gone"),
    (lambda d: d["definitions"].pop("Agent"), "broken", "definitions: Agent is gone"),
    (lambda d: d.update(version=2), "broken", "version: was 1, is 2"),
    (member("Agent", "branch"), "broken", "Agent: member branch is gone"),
    (member("initialize.result", "serverInfo.name"), "broken", "serverInfo.name is gone"),
    (retype("Agent", "queued", "required string"), "changed", "was 'Count', is 'string'"),
    (retype("Agent", "queued", "required Count|null"), "changed", "was 'Count', is 'Count|null'"),
    (retype("Agent", "queued", "optional Count"), "broken", "queued is now optional"),
    (retype("swarm/spawn.params", "role", "required string|null"), "broken", "role is now req"),
    (retype("swarm/spawn.params", "colour", "required string"), "broken", "colour, required"),
    (retype("swarm/spawn.params", "colour", "optional string"), "added", "colour, optional"),
    (retype("swarm/spawn.params", "task", "optional Words"), "added", "task is now optional"),
    (retype("swarm/spawn.params", "task", "required Words|null"), "added", "task: null"),
    (retype("Agent", "colour", "required string"), "added", "Agent: colour"),
    (reshape("Mode", 'one of "ask", "edit", "full"'), "broken", 'Mode: "read" is gone'),
    (reshape("Mode", 'one of "ask", "edit", "full", "read", "dream"'), "added", 'Mode: "dream"'),
    (reshape("Progress", "progress.begin|progress.report|progress.end|Agent"), "added",
     "Progress: Agent"),
    (lambda d: d["methods"].append("swarm/dream"), "added", "methods: swarm/dream"),
], ids=range(20))
def test_a_change_is_seen_and_named(change, kind, says):
    old = load()
    new = copy.deepcopy(old)
    change(new)
    changes = Changes(old, new)
    assert [c for c in getattr(changes, kind) if says in c], changes.report()
    others = {"broken", "changed", "added"} - {kind}
    assert not any(getattr(changes, other) for other in others), changes.report()
    assert says in changes.report()
    assert not Changes(old, old)


def test_only_what_breaks_nobody_is_recorded(tmp_path, monkeypatch):
    record = tmp_path / "record.json"
    monkeypatch.setattr(record_protocol, "RECORD", record)

    def run(change, *arguments):
        old = describe()
        change(old)  # so that the schema of today is a change of it
        record.write_text(json.dumps(old))
        monkeypatch.setattr("sys.argv", ["record_protocol.py", *arguments])
        try:
            record_protocol.main()
        except SystemExit:
            assert load() == old
            return False
        assert load() == describe()
        return True

    assert run(member("Agent", "branch"))
    assert run(lambda d: d["methods"].remove("swarm/get"))
    assert not run(lambda d: d["methods"].append("swarm/dream"))
    assert not run(lambda d: d["methods"].append("swarm/dream"), "--compatible")
    assert not run(retype("Agent", "queued", "required string"))
    assert run(retype("Agent", "queued", "required string"), "--compatible")
