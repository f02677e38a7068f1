# SPDX-License-Identifier: MIT
"""Messages against docs/protocol.schema.json.

    conversation = Conversation()
    conversation.sent(message)       # AssertionError with the message and where it is wrong
    conversation.received(message)

What swarmd writes is held to more than the schema says: a member that the schema does not have is
a violation too, so that nothing is added to the wire without being added to the contract. The same
goes for what a test sends, where a member that nobody knows is a mistake of the test's.
"""

import collections
import functools
import json
import os
import pathlib

import jsonschema

SOURCE = pathlib.Path(os.environ.get("SWARMD_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
SCHEMA = json.loads((SOURCE / "docs/protocol.schema.json").read_text())
DEFS = SCHEMA["$defs"]

# Of each type of event this many are looked at in a conversation, then every SPARSE_STEP-th: some
# tests are about floods, and an event takes about 0.1 ms here.
EVERY_ONE = 1000
SPARSE_STEP = 20


def methods(envelope):
    """{method: (name of its params' definition, whether params are required)} of an envelope."""
    found = {}
    for branch in DEFS[envelope]["oneOf"]:
        properties = branch["properties"]
        required = "params" in branch.get("required", []) + DEFS[envelope]["required"]
        found[properties["method"]["const"]] = (definition(properties["params"]), required)
    return found


def definition(reference):
    name = reference["$ref"].removeprefix("#/$defs/")
    return name.replace("~1", "/").replace("~0", "~")


METHODS = {envelope: methods(envelope) for envelope in
           ("ClientRequest", "ClientNotification", "ServerRequest", "ServerNotification")}


# --- the schema, made fast and strict ---

def discriminator(branches):
    """The member whose constant tells the branches apart, if there is one."""
    for name in ("type", "kind"):
        if all("const" in b.get("properties", {}).get(name, {}) for b in branches):
            return name
    return None


def flatten(schema):
    """The same schema without references (they are slow) and with choices made by one look.

    {"oneOf": [x, {"type": "null"}]} becomes {"orNull": x}, and {"oneOf": [...]} of objects that a
    constant tells apart {"choice": [its member, {constant: object}]}: also the faults are told
    better then. Objects become closed.
    """
    if isinstance(schema, list):
        return [flatten(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return flatten(DEFS[definition(schema)])
    flat = {key: {name: flatten(s) for name, s in value.items()} if key == "properties"
            else value if key in ("enum", "const", "required") else flatten(value)
            for key, value in schema.items()}
    if "object" in flat.get("type", ()) and "properties" in flat:
        flat.setdefault("additionalProperties", False)
    branches = flat.get("oneOf", [])
    if len(branches) == 2 and branches[1] == {"type": "null"}:
        return {"orNull": branches[0]}
    name = discriminator(branches) if branches else None
    if name:
        return {"choice": [name, {b["properties"][name]["const"]: b for b in branches}]}
    return flat


def check_or_null(validator, schema, value, _):
    if value is not None:
        yield from validator.descend(value, schema)


def check_choice(validator, choice, value, _):
    name, branches = choice
    constant = value.get(name) if isinstance(value, dict) else None
    if constant in branches:
        yield from validator.descend(value, branches[constant])
    else:
        yield jsonschema.ValidationError(f"{name} is {constant!r}, which is none of "
                                         + ", ".join(branches))


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"orNull": check_or_null, "choice": check_choice})


@functools.lru_cache(maxsize=None)
def validator_of(name):
    """Of a definition; `<envelope>/head` is that of an envelope without the list of methods."""
    name, head, _ = name.partition("/head")
    schema = DEFS[name]
    return Validator(flatten({k: v for k, v in schema.items() if k != "oneOf"} if head else schema))


def fault(name, value):
    """None, or where and why the value is not what the definition says."""
    error = jsonschema.exceptions.best_match(validator_of(name).iter_errors(value))
    return error and f"{name} {error.json_path}: {error.message[:500]}"


# --- a connection ---

class Conversation:
    """Both directions of one connection. What is no valid message raises AssertionError."""

    def __init__(self):
        self._asked = collections.defaultdict(list)  # methods by id; a test may use one again
        self._asked_by_server = {}
        self._seen = collections.Counter()

    def sent(self, message, valid=True):
        """valid=False: it is wrong on purpose, and the schema must say so, too; None: either."""
        wrong = self._fault_of_sent(message)
        if "method" in message and "id" in message:
            self._asked[repr(message["id"])].append(message["method"])
        if valid is None:
            return
        if valid:
            assert wrong is None, f"{wrong}\nin what the test sends: {shorten(message)}"
        else:
            assert wrong, f"the schema takes what the server must not: {shorten(message)}"

    def received(self, message):
        wrong = self._fault_of_received(message)
        if "method" in message and "id" in message:
            self._asked_by_server[message["id"]] = message["method"]
        assert wrong is None, f"{wrong}\nin what the server sent: {shorten(message)}"

    def _fault_of_sent(self, message):
        if "method" not in message:
            return self._fault_of_answer(message, self._asked_by_server.get(message.get("id")))
        kind = "ClientRequest" if "id" in message else "ClientNotification"
        return fault_of_call(kind, message)

    def _fault_of_received(self, message):
        if "method" not in message:
            asked = self._asked[repr(message.get("id"))]
            return self._fault_of_answer(message, asked.pop(0) if asked else None)
        if message["method"] == "swarm/events":
            message = self._thin_out(message)
            if message is None:
                return None
        kind = "ServerRequest" if "id" in message else "ServerNotification"
        return fault_of_call(kind, message)

    def _fault_of_answer(self, message, method):
        wrong = fault("Response", {**message, "result": None} if "result" in message else message)
        if wrong is None and "result" in message and method and f"{method}.result" in DEFS:
            wrong = fault(f"{method}.result", message["result"])
        return wrong

    def _thin_out(self, message):
        events = message.get("params", {}).get("events")
        if not isinstance(events, list) or not events:
            return message
        chosen = []
        for event in events:
            kind = event.get("type") if isinstance(event, dict) else None
            self._seen[kind] += 1
            if self._seen[kind] <= EVERY_ONE or self._seen[kind] % SPARSE_STEP == 0:
                chosen.append(event)
        return {**message, "params": {**message["params"], "events": chosen}} if chosen else None


def fault_of_call(envelope, message):
    method = message["method"]
    known = METHODS[envelope]
    if method not in known:
        return f"{envelope}: there is no {method!r}"
    params, required = known[method]
    wrong = fault(f"{envelope}/head", {**message, "params": None} if "params" in message else message)
    if wrong or "params" not in message:
        return wrong or (f"{envelope} {method}: params is required" if required else None)
    return fault(params, message["params"])


def shorten(message):
    text = json.dumps(message)
    return text if len(text) < 4000 else f"{text[:3000]} ... {text[-1000:]}"
