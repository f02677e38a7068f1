# SPDX-License-Identifier: MIT
"""Malformed input is answered, and the stream goes on."""

import pytest

from client import RpcError

MIB = 1 << 20


@pytest.fixture
def client(start):
    client = start()
    client.initialize()
    return client


def errors(client):
    return [m["error"]["code"] for m in client.messages if m.get("id", 0) is None]


def still_there(client):
    assert client.request("swarm/list")["agents"] == []


@pytest.mark.parametrize("garbage", [
    b"this is no header\r\n\r\n",
    b"\x00\xff\xfe garbage \r\n",
    b"Content-Length: abc\r\n\r\n",
    b"Content-Length: -5\r\n\r\n",
    b"Content-Length: 99999999999999999999999\r\n\r\n",
    b"X-Header: 5\r\n\r\n",
    b"a" * 20000,
    b"{}{}{}",
], ids=range(8))
def test_garbage_is_answered_once(client, garbage):
    client.send_raw(garbage)
    still_there(client)
    assert errors(client) == [-32700]


@pytest.mark.parametrize("body", [
    b"", b"{", b"nonsense", b'{"jsonrpc":"2.0",}', b'{"a":"\xff"}', b"\xef\xbb\xbf{}",
    b'{"a":"\\ud800"}', b"[" * 100000, b'{"a":' * 100000, b"{} {}",
], ids=range(10))
def test_a_malformed_body_is_answered(client, body):
    client.send_raw(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    still_there(client)
    assert len(errors(client)) == 1
    assert errors(client)[0] in (-32700, -32600)


@pytest.mark.parametrize("body", [
    b"[]", b"1", b"null", b"{}", b'{"id":1,"method":"swarm/list"}',
    b'[{"jsonrpc":"2.0","id":1,"method":"swarm/list"}]',
    b'{"jsonrpc":"2.0","id":null,"method":"swarm/list"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"swarm/list"}',
    b'{"jsonrpc":"2.0","id":[1],"method":"swarm/list"}',
    b'{"jsonrpc":"2.0","id":77,"method":"swarm/list","params":"x"}',
    b'{"jsonrpc":"2.0","id":77,"method":5}',
], ids=range(11))
def test_what_is_no_request_is_answered(client, body):
    before = len(client.messages)
    client.send_raw(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    still_there(client)
    answer = client.messages[before]
    assert answer["error"]["code"] == -32600
    assert answer["error"]["message"]


def test_answers_to_nothing_are_ignored(client):
    client.send({"id": 1 << 30, "result": {}})
    client.send({"id": "x", "error": {"code": 1, "message": ""}}, valid=False)
    still_there(client)
    assert errors(client) == []


def test_a_message_that_is_too_large_is_skipped(client):
    size = 64 * MIB + 1
    client.send_raw(b"Content-Length: %d\r\n\r\n" % size)
    client.wait(lambda: errors(client), "the error, before the bytes")
    dropped = b'{"jsonrpc":"2.0","id":5,"method":"shutdown"}'.ljust(MIB)
    for _ in range(64):
        client.send_raw(dropped)
    client.send_raw(b"}")
    still_there(client)
    assert errors(client) == [-32600]
    assert "64 MiB" in client.messages[-2]["error"]["message"]


def test_a_large_message_is_taken_and_its_memory_given_back(client):
    task = "x" * (20 * MIB)
    with pytest.raises(RpcError) as caught:
        client.request("swarm/send", {"agentId": "none", "text": task})
    assert caught.value.code == -32602
    still_there(client)


def test_a_foreign_charset_is_refused(client):
    body = b'{"jsonrpc":"2.0","id":5,"method":"shutdown"}'
    head = b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=%s\r\n\r\n"
    client.send_raw(head % (len(body), b"utf-16") + body)
    still_there(client)
    assert errors(client) == [-32600]
    body = b'{"jsonrpc":"2.0","id":6,"method":"swarm/list"}'
    for number, charset in enumerate((b"utf8", b"UTF-8", b'"utf-8"')):
        client.responses.pop(6, None)
        client.send_raw(head % (len(body), charset) + body)
        assert client.wait_response(6)["agents"] == []
    assert errors(client) == [-32600]


def test_broken_lines_are_answered(start):
    client = start(framing="lines")
    client.initialize()
    client.send_raw(b"\n\r\n  \nnonsense\n[]\n{\n")
    still_there(client)
    assert errors(client) == [-32700, -32600, -32700]


def test_a_message_may_come_in_any_pieces(client):
    message = client.encode({"jsonrpc": "2.0", "id": "slow", "method": "swarm/list"})
    for i in range(len(message)):
        client.send_raw(message[i:i + 1])
    assert client.wait_response("slow")["agents"] == []


@pytest.mark.parametrize("method,params,field", [
    ("swarm/spawn", {}, "task"),
    ("swarm/spawn", {"task": 5}, "task"),
    ("swarm/spawn", {"task": "  "}, "task"),
    ("swarm/spawn", {"task": "x", "mode": "wild"}, "mode"),
    ("swarm/spawn", {"task": "x", "isolation": "box"}, "isolation"),
    ("swarm/spawn", {"task": "x", "limits": {"steps": "many"}}, "steps"),
    ("swarm/spawn", {"task": "x", "limits": {"costUsd": -1}}, "costUsd"),
    ("swarm/spawn", {"task": "x", "context": [{}]}, "uri"),
    ("swarm/spawn", {"task": "x", "cwd": "relative"}, "cwd"),
    ("swarm/send", {}, "text"),
    ("swarm/send", {"text": "x"}, "agentId"),
    ("swarm/send", {"text": "x", "agentId": "a", "delivery": "pigeon"}, "delivery"),
    ("swarm/send", {"content": [{"type": "image"}], "agentId": "a"}, "content"),
    ("swarm/list", {"limit": 0}, "limit"),
    ("swarm/list", {"limit": "all"}, "limit"),
    ("swarm/list", {"states": ["done", 5]}, "states"),
    ("swarm/get", {}, "agentId"),
    ("swarm/get", {"agentId": 5}, "agentId"),
    ("swarm/transcript", {"agentId": ""}, "agentId"),
    ("swarm/subscribe", {"after": -1}, "after"),
    ("swarm/subscribe", {"agentId": "a", "scope": "b"}, "scope"),
    ("swarm/spawn", {"task": "x", "requestId": 5}, "requestId"),
    ("swarm/spawn", {"task": "x", "requestId": "r" * 257}, "requestId"),
    ("swarm/approve", {"approvalId": "x"}, "decision"),
    ("swarm/approve", {"approvalId": "x", "decision": "allow", "input": 5}, "input"),
    ("swarm/approve", {"approvalId": "x", "decision": "maybe"}, "decision"),
    ("swarm/list", [1], "params"),
])
def test_wrong_params_are_named(client, method, params, field):
    with pytest.raises(RpcError) as caught:
        client.request(method, params, valid=False)
    assert caught.value.code == -32602
    assert field in caught.value.message


def test_an_approval_that_is_not_there(client):
    with pytest.raises(RpcError) as caught:
        client.request("swarm/approve", {"approvalId": "nothing.i5", "decision": "allow"})
    assert caught.value.code == -32602
    assert "approvalId" in caught.value.message


@pytest.mark.parametrize("method", ["get", "transcript", "cancel", "kill", "resume", "remove",
                                    "subscribe"])
def test_unknown_agents(client, method):
    with pytest.raises(RpcError) as caught:
        client.request(f"swarm/{method}", {"agentId": "no-such-agent"})
    assert caught.value.code == -32803
    assert caught.value.kind == "unknownAgent"
    assert "no-such-agent" in caught.value.message


def test_a_failed_notification_is_shown(client):
    client.notify("swarm/spawn", {"task": "x", "cwd": "/nonexistent"})
    shown = client.wait(lambda: [m for m in client.messages
                                 if m.get("method") == "window/showMessage"], "a message")
    assert shown[0]["params"]["type"] == 1
    assert "/nonexistent" in shown[0]["params"]["message"]


def test_a_place_without_repository(client, tmp_path):
    with pytest.raises(RpcError) as caught:
        client.request("swarm/spawn", {"task": "x", "cwd": str(tmp_path)})
    assert caught.value.code == -32803
    assert caught.value.kind == "repository"
