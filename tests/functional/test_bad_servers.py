# SPDX-License-Identifier: MIT
"""Servers that do not keep to HTTP, or are not what they were taken for, in each dialect.

What may be better the next time is tried again; everything else ends with words that say what is
wrong, on one line and not too many of them.
"""

import gzip
import pathlib

import pytest
from agents import get, spawn
from client import RpcError
from dialect_server import AnthropicServer, GeminiServer, ResponsesServer
from model_server import ModelServer, status, text, wire

SERVERS = [ModelServer, AnthropicServer, ResponsesServer, GeminiServer]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HTML = b"<html><head><title>Sign in</title></head><body>" + b"x" * 3000 + b"</body></html>"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML

# Passing: the second answer is a good one.
PASSING = {
    "closes": wire(),
    "no-http": wire(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "half-a-line": wire(b"HTTP/1.1 20"),
    "half-a-header": wire(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "head-only": wire(CHUNKED),
    "no-chunk-size": wire(CHUNKED, b"zz\r\ndata: {}\r\n"),
    "negative-chunk": wire(CHUNKED, b"-5\r\ndata: {}\r\n"),
    "huge-chunk": wire(CHUNKED, b"ffffffffffffffffff\r\ndata: {}\r\n"),
    "half-a-chunk": wire(CHUNKED, b"40\r\ndata: {"),
    "short-body": wire(OK, b"Content-Length: 9999\r\n\r\n", b"data: "),
    "bad-length": wire(OK, b"Content-Length: many\r\n\r\n", b"data: "),
    "nothing": wire(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "empty": wire(OK, b"Content-Length: 0\r\n\r\n"),
    "zipped": wire(OK, b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"data: {}\n\n" * 1000)),
    "a-page": wire(PAGE),
    "an-object": wire(OK, b"\r\n", b'{"choices": []}\n'),
    "not-json": wire(OK, b"\r\n", b"data: hello\n\n"),
    "an-array": wire(OK, b"\r\n", b"data: [1, 2]\n\n"),
    "no-end": wire(OK, b"\r\n", b"data: {}\n\n" * 1000),
    "broken-utf8": wire(OK, b"\r\n", b'data: {"x": "\xff\xfe\x00"}\n\n'),
    "odd-wait": wire(b"HTTP/1.1 429 Later\r\nRetry-After: -5\r\nRetry-After-Ms: soon\r\n"
                     b"x-ratelimit-remaining-tokens: NaN\r\nx-ratelimit-limit-tokens: -1\r\n"
                     b"anthropic-ratelimit-requests-reset: yesterday\r\n\r\n"),
    "long-header": wire(OK, b"X-Long: " + b"y" * 90000 + b"\r\n\r\n"),
    "header-that-never-ends": wire(OK, b"X-Long: ", lambda: b"y" * 65536),
    "endless-error": wire(b"HTTP/1.1 500 Oops\r\n\r\n", lambda: b"no " * 4096),
    "stalls-in-head": wire(b"HTTP/1.1 200 OK\r\n", 60),
    "stalls-in-body": wire(CHUNKED, b"5\r\ndata:", 60),
}

# Not passing: what the error says.
FINAL = {
    "redirects": (wire(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"),
                  "redirects are not followed"),
    "moved": (wire(b"HTTP/1.1 308 Moved\r\nLocation: file:///etc/passwd\r\n\r\n"),
              "redirects are not followed"),
    "sign-in": (wire(b"HTTP/1.1 403 Forbidden\r\n\r\n" + HTML), "(an HTML page)"),
    "controls": (status(400, body='"\\u0007 \\u001b[31m red\\u0000 \\u009b"'), "red"),
    "much-to-say": (status(400, "words " * 20000), "words words"),
    "deep": (wire(OK, b"\r\n", b"data: " + b"[" * 100000 + b"\n\n"), "more than 128 arrays"),
    "an-endless-line": (wire(OK, b"\r\n", b"data: ", lambda: b"z" * 65536), "larger than"),
}


@pytest.mark.parametrize("Server", SERVERS)
def test_what_may_pass_is_tried_again(swarm, Server):
    client, server = swarm({name: [answer, [text("Fine.")]] for name, answer in PASSING.items()},
                           server=Server, max_active=len(PASSING), stall_seconds=1)
    agents = {name: spawn(client, name) for name in PASSING}
    for name, agent in agents.items():
        ended = client.wait_state(agent["id"], "done", "failed")
        assert ended["state"] == "done", (name, ended["error"])
    assert sorted(r.task for r in server.requests) == sorted(2 * list(PASSING))
    assert client.close() == 0
    log = pathlib.Path(client.state, "swarmd.log").read_text()
    # curl itself repeats what went into an old connection that was closed without a byte
    assert log.count("try 1 failed") >= len(PASSING) - 1
    assert max(map(len, log.splitlines())) < 1500


@pytest.mark.parametrize("Server", SERVERS)
def test_what_will_not_pass_says_what_it_is(swarm, Server):
    client, server = swarm({name: [answer] for name, (answer, _) in FINAL.items()}, server=Server,
                           max_active=len(FINAL))
    for name, (_, words) in FINAL.items():
        agent = spawn(client, name)
        error = client.wait_state(agent["id"], "done", "failed")["error"]
        assert error and words in error["message"], (name, error)
        assert error["message"].count("scripted: ") == 1, (name, error)
        assert len(error["message"]) < 1000 and error["message"].isprintable(), (name, error)
        assert error == get(client, agent)["agent"]["error"]
    assert len(server.requests) == len(FINAL)
    assert client.close() == 0


@pytest.mark.parametrize("Server", SERVERS)
def test_comments_alone_are_no_progress(swarm, Server):
    client, _ = swarm({"it": [wire(OK, b"\r\n", *[b": still there\n", 0.2] * 300)]}, server=Server,
                      stall_seconds=1, turn_idle_seconds=2)
    agent = client.wait_state(spawn(client, "it")["id"], "done", "failed")
    assert agent["stopReason"] == "timeout" and "no progress" in agent["error"]["message"]


@pytest.mark.parametrize("Server", SERVERS)
def test_a_type_that_is_not_said_matters_to_nobody(swarm, Server):
    """The same events, with a type that is none, and behind some answers that are none yet."""
    client, server = swarm([[text("Fine.")]], server=Server)
    server.stream_head = (b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + b"HTTP/1.1 103 Early Hints\r\n"
                          b"Link: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n")
    assert client.wait_state(spawn(client)["id"], "done", "failed")["error"] is None


@pytest.mark.parametrize("Server", SERVERS)
@pytest.mark.parametrize("key", ["sk-one\nX-Evil: yes", "sk-one\r\n\r\nGET / HTTP/1.1", "sk one",
                                 "\n", "sk-\x7f"])
def test_keys_that_would_end_a_header(restarts, Server, key):
    connect, server = restarts([], env={"LAB_KEY": key}, server=Server, key_env="LAB_KEY")
    client = connect()
    with pytest.raises(RpcError, match="LAB_KEY") as error:
        spawn(client)
    assert error.value.kind == "auth" and "sk-one" not in error.value.message
    assert server.requests == []
