# SPDX-License-Identifier: MIT
"""A second opinion on the dialects: @copilotkit/aimock of npm plays the model's server.

Our own servers (model_server.py, dialect_server.py) are as strict as we read the vendors' pages;
this one is how somebody else has read them.
"""
import json
import os
import re
import subprocess

import pytest

from agents import items
from contract import SOURCE
from node_packages import installed

HERE = SOURCE / "tests/functional/aimock"
NODE_WANTED = (20, 15)
KEY = "sk-aimock-test-27b0"
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
       "rkJggg==")
# kind: (what follows the server's URL, a model, the path of its requests)
KINDS = {
    "openai-chat": ("/v1", "gpt-5.1", "/v1/chat/completions"),
    "openrouter": ("/api/v1", "openai/gpt-5.1", "/api/v1/chat/completions"),  # its own shapes
    "openai-responses": ("/v1", "gpt-5.1", "/v1/responses"),
    "anthropic": ("", "claude-sonnet-4-5", "/v1/messages"),
    "gemini": ("", "gemini-2.5-flash",
               "/v1beta/models/gemini-2.5-flash:streamGenerateContent"),
}
DIALECTS = [kind for kind in KINDS if kind != "openrouter"]


def node_version():
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return (0, 0)
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


pytestmark = pytest.mark.skipif(node_version() < NODE_WANTED,
                                reason="aimock wants Node.js 20.15 or later")


@pytest.fixture(scope="module")
def modules():
    return installed(HERE, "@copilotkit/aimock")


class Mock:
    def __init__(self, modules, fixtures):
        self.process = subprocess.Popen(["node", str(HERE / "serve.mjs")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, "MODULES": str(modules)})
        self.url = self.ask(fixtures)

    def ask(self, value=None):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def requests(self):
        return json.loads(self.ask())

    def config(self, kind, **settings):
        base, model, _ = KINDS[kind]
        kind = "openai-chat" if kind == "openrouter" else kind
        lines = [f"{name}: {value}" for name, value in settings.items()]
        return "\n".join([f"model: mock/{model}", "mode: full", *lines, "providers:",
                          f'  mock: {{kind: {kind}, base_url: "{self.url}{base}", '
                          "api_key_env: MOCK_KEY}", ""])

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture
def mock(modules):
    made = []

    def make(*fixtures):
        made.append(Mock(modules, fixtures))
        return made[-1]

    yield make
    for mock in made:
        mock.close()


def in_order(*responses, message="do it"):
    return [{"match": {"userMessage": message, "sequenceIndex": at}, "response": response}
            for at, response in enumerate(responses)]


def call(id, name, **arguments):
    return {"id": id, "name": name, "arguments": json.dumps(arguments)}


def connect(start, repository, config):
    client = start(config=config, env={"MOCK_KEY": KEY})
    client.initialize(root=repository, subscribe="all")
    return client


@pytest.mark.parametrize("kind", KINDS)
def test_story(start, repository, mock, kind):
    """Thoughts, texts, calls at once and alone, results, then an image with a second message."""
    first = {"content": "Let me look.", "reasoning": "I look first.",
             "reasoningSignature": "c2lnbmF0dXJl",
             "toolCalls": [call("call_1", "read", path="README.md"), call("call_2", "list")]}
    second = {"toolCalls": [call("call_3", "write", path="new.txt", content="Grüße 😀\n")]}
    third = {"content": "Grüße 😀, it is written.",
             "usage": {"prompt_tokens": 70, "completion_tokens": 9, "input_tokens": 70,
                       "output_tokens": 9, "promptTokenCount": 70, "candidatesTokenCount": 9}}
    server = mock(*in_order(first, second, third),
                  *in_order({"content": "A dot."}, message="and this"))
    client = connect(start, repository, server.config(kind))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    ended = client.wait_state(agent["id"], "done", "failed")
    assert ended["state"] == "done", ended["error"]
    assert [i["text"] for i in items(client, agent, "assistant")] == ["Let me look.",
                                                                      third["content"]]
    thoughts = [i["text"] for i in items(client, agent, "reasoning")]
    assert [thought for thought in thoughts if thought] == ["I look first."]
    tools = items(client, agent, "tool")
    assert [(t["name"], t["status"]) for t in tools] == [("read", "completed"),
                                                         ("list", "completed"),
                                                         ("write", "completed")]
    assert tools[2]["input"] == {"path": "new.txt", "content": "Grüße 😀\n"}
    assert ended["usage"]["outputTokens"] >= 9

    client.request("swarm/send", {"agentId": agent["id"], "content": [
        {"type": "text", "text": "and this"},
        {"type": "image", "mimeType": "image/png", "data": PNG}]})
    client.wait_event(lambda e: e["type"] == "turn" and (e["turn"], e["phase"]) == (2, "ended"))
    assert items(client, agent, "assistant")[-1]["text"] == "A dot."
    seen = [r for r in server.requests() if r["method"] == "POST"]
    assert [r["response"]["status"] for r in seen] == [200] * 4
    assert {r["path"].split("?")[0] for r in seen} == {KINDS[kind][2]}
    if kind in ("openai-chat", "openrouter"):  # of the others it keeps only what has a place in this one
        assert PNG in json.dumps(seen[3]["body"])
    assert client.close() == 0


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("status, type, error", [
    (401, "authentication_error", "auth"),
    (400, "invalid_request_error", "provider"),
])
def test_errors(start, repository, mock, kind, status, type, error):
    server = mock({"match": {"userMessage": "do it"},
                   "response": {"error": {"message": "that was wrong", "type": type},
                                "status": status}})
    client = connect(start, repository, server.config(kind))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    failed = client.wait_state(agent["id"], "failed")["error"]
    assert failed["kind"] == error
    assert f"HTTP {status}: that was wrong" in failed["message"]
    assert client.close() == 0


@pytest.mark.parametrize("kind", DIALECTS)
@pytest.mark.parametrize("trouble", [
    {"response": {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429,
                  "retryAfter": 1}},
    {"response": {"error": {"message": "busy", "type": "overloaded_error"}, "status": 503}},
    {"response": {"content": "this answer will be cut somewhere in the middle"},
     "truncateAfterChunks": 4},
], ids=["429", "503", "cut"])
def test_trouble_that_passes(start, repository, mock, kind, trouble):
    fixtures = in_order(trouble["response"], {"content": "Done."})
    fixtures[0].update({key: value for key, value in trouble.items() if key != "response"})
    server = mock(*fixtures)
    client = connect(start, repository, server.config(kind))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    ended = client.wait_state(agent["id"], "done", "failed")
    assert ended["state"] == "done", ended["error"]
    assert items(client, agent, "assistant")[-1]["text"] == "Done."
    assert len([r for r in server.requests() if r["method"] == "POST"]) == 2
    assert client.close() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_of_the_output(start, repository, mock, kind):
    server = mock({"match": {"userMessage": "do it"},
                   "response": {"content": "So far", "finishReason": "length"}})
    client = connect(start, repository, server.config(kind))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    assert client.wait_turn_end(agent["id"])["stopReason"] == "maxTokens"
    assert items(client, agent, "assistant")[0]["text"] == "So far"
    assert client.close() == 0


@pytest.mark.parametrize("kind", ["openai-chat", "openrouter", "gemini"])  # it fails the others
def test_a_filter(start, repository, mock, kind):
    server = mock({"match": {"userMessage": "do it"},
                   "response": {"content": "So", "finishReason": "content_filter"}})
    client = connect(start, repository, server.config(kind))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    assert client.wait_turn_end(agent["id"])["stopReason"] == "refused"
    assert client.close() == 0


def test_thinking_that_nobody_may_read(start, repository, mock):
    """It must come back as it was, in front of the call."""
    server = mock(*in_order({"reasoning": "I look.", "reasoningSignature": "c2lnbmF0dXJl",
                             "redactedThinking": ["c2VjcmV0"], "toolCalls": [call("one", "list")]},
                            {"content": "Done."}))
    client = connect(start, repository, server.config("anthropic"))
    agent = client.request("swarm/spawn", {"task": "do it"})["agent"]
    assert client.wait_state(agent["id"], "done", "failed")["error"] is None
    assert [r["response"]["status"] for r in server.requests()] == [200, 200]
    assert client.close() == 0
