# SPDX-License-Identifier: MIT
"""Documents made at random, from seeds: our JSON reader and writer against Python's.

What Python writes must come back from ours with the same meaning; what is damaged must be
refused where Python refuses it, but for the few differences that are named below.
"""
import json
import math
import os
import random
import subprocess

import pytest

JSON_CHECK = os.environ["JSON_CHECK"]
DOCUMENTS = 2000 if os.environ.get("SWARMD_LONG", "0") in ("", "0") else 50000
DEPTH_MAX = 128


def check_lines(lines):
    """Each line of bytes as ours writes it again; None for one that is refused."""
    done = subprocess.run([JSON_CHECK, "--lines"], input=b"\n".join(lines) + b"\n",
                          stdout=subprocess.PIPE, timeout=300)
    assert done.returncode in (0, 1), f"json_check ended with {done.returncode}"
    answers = done.stdout.split(b"\n")[:-1]
    assert len(answers) == len(lines)
    return [None if answer.startswith(b"!") else answer for answer in answers]


def some_text(rng):
    kinds = (
        lambda: chr(rng.randrange(0x20, 0x7f)),
        lambda: chr(rng.randrange(0x00, 0x20)),
        lambda: rng.choice('"\\/\x7f\x00\u2028\u00e9\u20ac\ufffd\uffff'),
        lambda: chr(rng.randrange(0x80, 0xd800)),
        lambda: chr(rng.randrange(0xe000, 0x10000)),
        lambda: chr(rng.randrange(0x10000, 0x110000)),
        lambda: "run of plain letters, longer than one step of any fast path",
    )
    weights = (20, 1, 1, 2, 1, 1, 1)
    length = rng.choice((0, 1, 3, 8, 15, 16, 17, 40))
    return "".join(kind() for kind in rng.choices(kinds, weights, k=length))


def some_number(rng):
    kind = rng.randrange(7)
    if kind == 0:
        return rng.randrange(-100, 100)
    if kind == 1:
        return rng.choice((2**63 - 1, -2**63, 2**53 + 1, -2**53 - 1, 0))
    if kind == 2:
        return rng.randrange(-2**63, 2**63)
    if kind == 3:
        return rng.choice((0.0, -0.0, 0.1, 1e22, 1e23, 5e-324, 1.7976931348623157e308, 1e-7))
    if kind == 4:
        return rng.uniform(-1000, 1000)
    if kind == 5:
        return round(rng.uniform(-1000, 1000), rng.randrange(8))
    return math.ldexp(rng.uniform(-1, 1), rng.randrange(-1070, 1024))


def some_value(rng, depth):
    kind = rng.randrange(7 if depth else 5)
    if kind < 2:
        return some_text(rng)
    if kind < 4:
        return some_number(rng)
    if kind == 4:
        return rng.choice((True, False, None))
    count = rng.choice((0, 1, 2, 3, 6))
    if kind == 5:
        return [some_value(rng, depth - 1) for _ in range(count)]
    return {some_text(rng): some_value(rng, depth - 1) for _ in range(count)}


def some_document(rng):
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\t", "\r: ")))
    value = some_value(rng, rng.randrange(7))
    return json.dumps(value, ensure_ascii=rng.random() < 0.5, separators=separators).encode()


def exactly(value):
    """A form in which 1, 1.0 and True, 0.0 and -0.0 are all different."""
    if isinstance(value, dict):
        return {key: exactly(member) for key, member in value.items()}
    if isinstance(value, list):
        return [exactly(member) for member in value]
    return (type(value).__name__, repr(value))


def test_what_python_writes_comes_back_unchanged():
    rng = random.Random(1)
    documents = [some_document(rng) for _ in range(DOCUMENTS)]
    answers = check_lines(documents)
    for document, answer in zip(documents, answers):
        assert answer is not None, document
        assert exactly(json.loads(answer)) == exactly(json.loads(document)), document
    assert check_lines(answers) == answers, "what is written once is written so again"


def test_members_keep_their_order_and_repeated_keys_their_last_value():
    rng = random.Random(2)
    members = [[(rng.choice("abcdef"), rng.randrange(100)) for _ in range(rng.randrange(12))]
               for _ in range(200)]
    documents = ["{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
                 for pairs in members]
    for pairs, answer in zip(members, check_lines([text.encode() for text in documents])):
        assert list(json.loads(answer).items()) == list(dict(pairs).items())


def damage(rng, document):
    """One to three bytes changed, removed, added or repeated, no new line among them."""
    text = bytearray(document)
    pieces = (b'"', b"\\", b",", b":", b"[", b"]", b"{", b"}", b"0", b"-", b".", b"e", b" ",
              b"\\ud83d", b"\\u0000", b"\xc3", b"\x80")
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            text[at:at + 1] = bytes((rng.randrange(256),))
        elif kind == 1:
            del text[at:at + 1]
        elif kind == 2:
            text[at:at] = rng.choice(pieces)
        else:
            text[at:at] = text[at:at + rng.randrange(1, 8)]
    return bytes(text).replace(b"\n", b" ")


def finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("out of range")
    return value


def integer(text):
    return int(text) if -2**63 <= int(text) < 2**63 else finite(text)


def no_constant(text):
    raise ValueError(text)


def well_formed_pairs(pairs):
    for key, value in pairs:
        key.encode()
        well_formed(value)
    return dict(pairs)


def well_formed(value):
    """Python's strings may hold half of a surrogate pair, which encode() refuses."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for member in value:
            well_formed(member)


def read_strictly(document):
    """Python's reader, made as strict as RFC 8259 and core/base/json.h."""
    value = json.loads(document.decode(), parse_float=finite, parse_int=integer,
                       parse_constant=no_constant, object_pairs_hook=well_formed_pairs)
    well_formed(value)
    return value


def test_damaged_documents_are_refused_as_python_refuses_them():
    rng = random.Random(3)
    documents = [damage(rng, some_document(rng)) for _ in range(3 * DOCUMENTS)]
    accepted = refused = 0
    for document, answer in zip(documents, check_lines(documents)):
        try:
            expected = read_strictly(document)
        except ValueError as error:
            assert answer is None, f"{document!r} should be refused: {error}"
            refused += 1
        else:
            assert answer is not None, f"{document!r} should be accepted"
            assert exactly(json.loads(answer)) == exactly(expected), document
            accepted += 1
    assert min(accepted, refused) > len(documents) // 20, "the damage is too small or too large"


@pytest.mark.parametrize("depth", (1, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 100000))
def test_depth(depth):
    answers = check_lines([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])
    assert [answer is not None for answer in answers] == [depth <= DEPTH_MAX] * 2
