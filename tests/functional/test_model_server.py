# SPDX-License-Identifier: MIT
"""The scripted model server itself: the other tests believe what it says."""
import json
import threading
import urllib.error
import urllib.request

import pytest
from model_server import (Gate, ModelServer, call, cut, fault_of, gate, raw, reasoning, status,
                          text, usage)

TOOLS = [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]


def body_of(*messages):
    return {"model": "m", "stream": True, "tools": TOOLS, "messages": list(messages)}


def user(content="do it"):
    return {"role": "user", "content": content}


def assistant(*ids, content=None, arguments="{}"):
    message = {"role": "assistant", "content": content}
    if ids:
        message["tool_calls"] = [{"id": id, "type": "function",
                                  "function": {"name": "read", "arguments": arguments}}
                                 for id in ids]
    return message


def result(id):
    return {"role": "tool", "tool_call_id": id, "content": "fine"}


def ask(server, body, key=None):
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(server.base_url + "/chat/completions",
                                     json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def deltas(answer):
    events = [line[6:] for line in answer.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


@pytest.mark.parametrize("messages, fault", [
    ([user(), assistant("a", "b"), result("b"), result("a")], None),
    ([{"role": "system", "content": "s"}, user(), assistant(content="x"), user()], None),
    ([user(), assistant("a"), result("a"), assistant("a"), result("a")], None),
    ([user(), assistant("a"), user()], "have no result before"),
    ([user(), assistant("a", "b"), result("a")], "have no result"),
    ([user(), assistant("a"), result("a"), result("a")], "was not called"),
    ([user(), result("a")], "was not called"),
    ([user(), assistant("a"), result("b")], "was not called"),
    ([user(), assistant("a", "a"), result("a")], "two calls have the id"),
    ([user(), assistant("a", arguments="{"), result("a")], "no JSON object"),
    ([user(), assistant("a", arguments={}), result("a")], "no JSON object"),
    ([user(), assistant()], "neither content nor calls"),
    ([assistant(content="x"), user()], "must begin with a user message"),
    ([user(), assistant(content="x")], "the last message"),
    ([user(""), ], "without content"),
    ([{"role": "robot"}], "unknown role"),
    ([user(), {"role": "system", "content": "s"}], "in the middle"),
    ([], "messages is missing"),
])
def test_what_is_refused(messages, fault):
    found = fault_of(body_of(*messages))
    assert found is None if fault is None else fault in found


def test_answers_in_order():
    script = [[text("one two"), reasoning("hm"), call("read", path="x"), usage(5, 6, 4)],
              [text("three")]]
    with ModelServer(script) as server:
        first = deltas(ask(server, body_of(user())))
        pieces = [chunk["choices"][0]["delta"] for chunk in first if chunk["choices"]]
        assert "".join(piece.get("content") or "" for piece in pieces) == "one two"
        arguments = "".join(piece["tool_calls"][0]["function"].get("arguments", "")
                            for piece in pieces if "tool_calls" in piece)
        assert json.loads(arguments) == {"path": "x"}
        assert first[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}
        assert first[-2]["choices"][0]["finish_reason"] == "tool_calls"
        second = deltas(ask(server, body_of(user(), assistant("a"), result("a"))))
        assert second[-2]["choices"][0]["finish_reason"] == "stop"
        assert server.requests[1].results == [result("a")]
        assert server.refused == []
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(server, body_of(user("more")))
        assert "was not expected" in server.refused[0]


def test_conversations_and_functions():
    with ModelServer({"red": [[text("r")]], "blue": [[text("b")]]}) as server:
        assert '"b"' in ask(server, body_of(user("paint it blue")))
        assert '"r"' in ask(server, body_of(user("paint it red")))
    with ModelServer(lambda request: [text(request.task.upper())]) as server:
        assert "HELLO" in ask(server, body_of(user("hello")))


def test_failures():
    script = [status(429, "slow", {"Retry-After": "3"}), [text("half"), cut()], [raw("data: x\n\n")]]
    with ModelServer(script, key="k") as server:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(server, body_of(user()))
        with pytest.raises(urllib.error.HTTPError) as error:
            ask(server, body_of(user()), "k")
        assert error.value.code == 429 and error.value.headers["Retry-After"] == "3"
        with pytest.raises(Exception, match="(?i)incomplete"):
            ask(server, body_of(user()), "k")
        assert server.requests[2].disconnected.wait(30)
        assert ask(server, body_of(user()), "k").endswith("data: x\n\n")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(server, body_of(user(), result("a")), "k")
        assert len(server.refused) == 1


def test_gate():
    half = Gate()
    with ModelServer([[text("a"), gate(half), text("b")]]) as server:
        got = []
        thread = threading.Thread(target=lambda: got.append(ask(server, body_of(user()))))
        thread.start()
        half.wait_reached()
        assert server.wait_requests(1).task == "do it"
        assert got == [] and not server.requests[0].answered.is_set()
        half.open()
        thread.join(30)
        assert "[DONE]" in got[0]
        assert server.requests[0].answered.wait(30)
