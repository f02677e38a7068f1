#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records what version 1 of the protocol promises, in protocol_v1.json beside this file.

    tests/functional/record_protocol.py                 records additions; refuses what breaks clients
    tests/functional/record_protocol.py --compatible    records changes of types and ranges, too: only
                                                        for what you have judged to break nobody, such
                                                        as a parameter that takes more than before

It reads docs/protocol.schema.json. test_protocol_version.py compares, so that the contract does not
change unseen: what is recorded is in the diff that a reviewer reads.
"""

import json
import pathlib
import sys

from contract import DEFS, METHODS, definition

RECORD = pathlib.Path(__file__).with_name("protocol_v1.json")
FROM_CLIENT = ("ClientRequest", "ClientNotification")
TOLD_BY_MEMBERS = {"description", "type", "properties", "required", "additionalProperties"}


def load():
    return json.loads(RECORD.read_text())


# --- the description ---

def references(schema):
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield definition(schema)
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def reachable(names):
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += references(DEFS[name])
    return found


def written_by(side):
    """The definitions of what the client, or the server, writes."""
    mine = {m for e in METHODS if (e in FROM_CLIENT) == (side == "client") for m in METHODS[e].values()}
    asked = "ServerRequest" if side == "client" else "ClientRequest"
    results = {f"{method}.result" for method in METHODS[asked]}
    return reachable({params for params, _ in mine} | results | {"Error"})


def type_of(schema):
    """The constraint in one line, without what only explains."""
    if "$ref" in schema:
        return definition(schema)
    if "enum" in schema:
        return "one of " + ", ".join(map(json.dumps, schema["enum"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    rest = {k: v for k, v in schema.items() if k not in TOLD_BY_MEMBERS}
    items = rest.pop("items", None)
    branches = rest.pop("oneOf", None) if "type" not in schema else None
    kinds = schema.get("type", [])
    line = "|".join([kinds] if isinstance(kinds, str) else kinds)
    if branches:
        line = "|".join(type_of(b) for b in branches)
    if items:
        line += f" of {type_of(items)}"
    return line + "".join(f" {k} {json.dumps(rest[k], sort_keys=True)}" for k in sorted(rest))


def members_of(schema, prefix=""):
    """{path: "required <type>" or "optional <type>"}, into objects that have no name of their own."""
    found = {}
    for name, member in schema.get("properties", {}).items():
        word = "required" if name in schema.get("required", []) else "optional"
        found[prefix + name] = f"{word} {type_of(member)}"
        found.update(members_of(member, f"{prefix}{name}."))
        found.update(members_of(member.get("items", {}), f"{prefix}{name}[]."))
    return found


def describe():
    sides = {side: written_by(side) for side in ("client", "server")}
    swarm = [m for m in METHODS["ClientRequest"] if m.startswith("swarm/")]
    version = DEFS["initialize.result"]["properties"]["capabilities"]["properties"]["experimental"]
    version = version["properties"]["swarm"]["properties"]["version"]["const"]
    return {
        "version": version,
        "methods": swarm,
        "events": [r.removeprefix("event.") for r in references(DEFS["Event"])],
        "messages": {envelope: list(known) for envelope, known in METHODS.items()},
        "definitions": {
            name: {"from": ", ".join(side for side in sides if name in sides[side]),
                   "type": type_of(DEFS[name]), "members": members_of(DEFS[name])}
            for name in DEFS if any(name in side for side in sides.values())},
    }


# --- the comparison ---

class Changes:
    """broken: a client may fail. changed: it depends on how. added: nobody minds."""

    def __init__(self, old, new):
        self.broken, self.changed, self.added = [], [], []
        if old["version"] != new["version"]:
            self.broken.append(f"version: was {old['version']}, is {new['version']}")
        for key in ("methods", "events"):
            self._names(key, old[key], new[key])
        for envelope in old["messages"]:
            self._names(envelope, old["messages"][envelope], new["messages"].get(envelope, []))
        self._names("definitions", old["definitions"], new["definitions"])
        for name, was in old["definitions"].items():
            if name in new["definitions"]:
                self._definition(name, was, new["definitions"][name])

    def __bool__(self):
        return bool(self.broken or self.changed or self.added)

    def report(self):
        return "\n".join([f"  breaks clients: {c}" for c in self.broken]
                         + [f"  changed: {c}" for c in self.changed]
                         + [f"  added: {c}" for c in self.added])

    def _names(self, where, old, new):
        self.broken += [f"{where}: {name} is gone" for name in old if name not in new]
        self.added += [f"{where}: {name}" for name in new if name not in old]

    def _definition(self, name, was, now):
        client = "client" in was["from"] + now["from"]
        server = "server" in was["from"] + now["from"]
        self._type(name, was["type"], now["type"], server)
        for path, old in was["members"].items():
            new = now["members"].get(path)
            if new is None:
                self.broken.append(f"{name}: member {path} is gone")
                continue
            (old_word, old_type), (new_word, new_type) = old.split(" ", 1), new.split(" ", 1)
            self._type(f"{name}: {path}", old_type, new_type, server)
            if old_word != new_word:
                breaks = client if new_word == "required" else server
                (self.broken if breaks else self.added).append(f"{name}: {path} is now {new_word}")
        for path, new in now["members"].items():
            if path not in was["members"]:
                parent = path.rpartition(".")[0].removesuffix("[]")
                needed = new.startswith("required") and (not parent or parent in was["members"])
                breaks = client and needed
                (self.broken if breaks else self.added).append(f"{name}: {path}, {new}")

    def _type(self, where, old, new, server):
        """More values, or another kind of event, are additions; so is all that a client may send."""
        one_of = old.startswith("one of ") and new.startswith("one of ")
        was, now = (set(t.removeprefix("one of ").split(", " if one_of else "|")) for t in (old, new))
        if old == new:
            return
        if one_of and was - now:
            self.broken += [f"{where}: {value} is gone" for value in sorted(was - now)]
        if was < now and (one_of or not server or now <= set(DEFS)):
            self.added += [f"{where}: {value}" for value in sorted(now - was)]
        elif not one_of:
            self.changed.append(f"{where}: was {old!r}, is {new!r}")


def main():
    new = describe()
    changes = Changes(load(), new) if RECORD.exists() else None
    if sys.argv[1:] not in ([], ["--compatible"]):
        sys.exit(__doc__)
    if changes:
        print(changes.report())
        if changes.broken or (changes.changed and not sys.argv[1:]):
            sys.exit("Not recorded: version 1 keeps what it promised (docs/protocol.md).")
    RECORD.write_text(json.dumps(new, indent=1, ensure_ascii=False) + "\n")
    print(f"recorded in {RECORD}")


if __name__ == "__main__":
    main()
