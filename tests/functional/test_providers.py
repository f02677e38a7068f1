# SPDX-License-Identifier: MIT
"""Providers as a person meets them: the real binary against a model server."""
import pathlib

import pytest
from agents import items
from client import RpcError
from model_server import (Gate, ModelServer, call, cut, finish, gate, make_certificate, raw,
                          reasoning, stall, status, text, usage)

KEY = "sk-functional-test-9f31"


@pytest.fixture
def session(start, repository):
    """session(server, ...) gives a Client that is initialized and spawn(task)."""

    def make(server, env=None, **settings):
        client = start(config=server.config(**{"mode": "full", **settings}), env=env)
        client.initialize(root=repository)

        def spawn(task="do it"):
            return client.request("swarm/spawn", {"task": task, "cwd": str(repository)})["agent"]

        return client, spawn

    return make


def test_tools_and_texts(session):
    script = [[reasoning("I think. "), text("Let me look."), call("read", path="README.md"),
               call("list", {})],
              [text("Grüße 😀", pieces=8), usage(70, 9, 30)]]
    with ModelServer(script) as server:
        client, spawn = session(server)
        agent = spawn()
        ended = client.wait_state(agent["id"], "done")
        assert [i["text"] for i in items(client, agent, "assistant")] == ["Let me look.",
                                                                            "Grüße 😀"]
        assert [i["text"] for i in items(client, agent, "reasoning")] == ["I think. "]
        assert len(server.requests[1].results) == 2
        assert "# A repository" in server.requests[1].results[0]["content"]
        assert server.refused == []
        assert ended["usage"]["outputTokens"] >= 9
        names = {tool["function"]["name"] for tool in server.requests[0].body["tools"]}
        assert names == {"read", "write", "edit", "list", "glob", "grep", "bash"}
        assert client.close() == 0


def failed(client, agent):
    return client.wait_state(agent["id"], "failed")["error"]


def test_key(session):
    with ModelServer([[call("bash", command="env; cat /proc/$PPID/environ; true")],
                      [text("fine")]], key=KEY) as server:
        client, spawn = session(server, env={"LAB_KEY": KEY}, key_env="LAB_KEY")
        agent = spawn()
        client.wait_state(agent["id"], "done")
        output = items(client, agent, "tool")[0]["output"]
        assert "HOME=" in output and KEY not in output
        assert client.close() == 0
        for path in pathlib.Path(client.state).rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path
        assert KEY.encode() not in client.stderr
        assert not any(KEY in str(message) for message in client.messages)


def test_wrong_key(session):
    with ModelServer([[text("never")]], key="another") as server:
        client, spawn = session(server, env={"LAB_KEY": KEY}, key_env="LAB_KEY")
        error = failed(client, spawn())
        assert error["kind"] == "auth"
        assert "LAB_KEY" in error["message"] and KEY not in error["message"]
        assert client.close() == 0


def test_missing_key(session):
    with ModelServer([]) as server:
        client, spawn = session(server, key_env="LAB_KEY")
        with pytest.raises(RpcError) as error:
            failure = failed(client, spawn())
            raise RpcError({"code": 0, "message": failure["message"], "data": failure})
        assert error.value.kind == "auth" and "LAB_KEY" in error.value.message
        assert server.requests == []
        assert client.close() == 0


@pytest.mark.parametrize("answer, kind, words", [
    (status(400, "no such thing"), "provider", "HTTP 400: no such thing"),
    (status(404, "no model scripted"), "provider", "no model scripted"),
    ([text("half"), raw('data: {"error": {"message": "out of memory"}}\n\n')], "provider",
     "out of memory"),
    ([text("half"), raw("data: {broken\n\n")], "provider", "not JSON"),
    ([raw("")], "provider", "ended early"),
])
def test_failures(session, answer, kind, words):
    with ModelServer(lambda _: answer) as server:
        client, spawn = session(server)
        error = failed(client, spawn())
        assert error["kind"] == kind
        assert words in error["message"] and error["message"].startswith("scripted: ")
        assert client.close() == 0


def test_partial_text_is_kept_when_the_connection_breaks(session):
    with ModelServer(lambda _: [text("the first half"), cut()]) as server:
        client, spawn = session(server)
        agent = spawn()
        failed(client, agent)
        assert items(client, agent, "assistant")[0]["text"] == "the first half"
        assert client.close() == 0


def test_stalled_stream(session):
    with ModelServer(lambda _: [text("so far"), stall()]) as server:
        client, spawn = session(server, stall_seconds=1)
        error = failed(client, spawn())
        assert "no byte came for 1 s" in error["message"]
        assert server.requests[0].disconnected.wait(60)
        assert client.close() == 0


def test_cancel_closes_the_stream(session):
    half = Gate()
    with ModelServer([[text("so far "), gate(half), text("never")]]) as server:
        client, spawn = session(server)
        agent = spawn()
        half.wait_reached()
        client.wait(lambda: any(e["type"] == "delta" for e in client.events), "a delta")
        client.request("swarm/cancel", {"agentId": agent["id"]})
        assert server.requests[0].disconnected.wait(60)
        assert items(client, agent, "assistant")[0]["text"].startswith("so far")
        assert client.close() == 0


def test_answer_cut_by_its_limit(session):
    with ModelServer([[text("a long"), finish("length")]]) as server:
        client, spawn = session(server)
        agent = spawn()
        end = client.wait_turn_end(agent["id"])
        assert end["stopReason"] == "maxTokens"
        assert client.close() == 0


def test_tls_without_http2(session, tmp_path):
    """Verified, and more streams at once than an HTTP/2 host would get connections."""
    certificate = make_certificate(tmp_path)
    gates = {}

    def script(request):
        it = gates[request.task] = Gate()
        return [text("begun "), gate(it), text("ended")]

    with ModelServer(script, certificate=certificate) as server:
        trusting = {"CURL_CA_BUNDLE": str(tmp_path / "certificate.pem")}
        client, spawn = session(server, env=trusting, max_active=20)
        agents = [spawn(f"task {number}") for number in range(20)]
        server.wait_requests(20)
        for it in list(gates.values()):
            it.open()
        for agent in agents:
            client.wait_state(agent["id"], "done")
        assert server.refused == []
        assert client.close() == 0


def test_tls_is_verified(session, tmp_path):
    with ModelServer([[text("never")]], certificate=make_certificate(tmp_path)) as server:
        client, spawn = session(server)
        error = failed(client, spawn())
        assert "certificate" in error["message"]
        assert server.requests == []
        assert client.close() == 0
