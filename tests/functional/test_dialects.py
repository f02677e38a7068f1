# SPDX-License-Identifier: MIT
"""Each dialect as a person meets it: the real binary against a server that speaks it strictly."""
import json

import pytest
from dialect_server import AnthropicServer, GeminiServer, ResponsesServer, redacted
from model_server import (ModelServer, call, cut, finish, raw, reasoning, status, text, usage)

KEY = "sk-dialect-test-4c77"
SERVERS = [AnthropicServer, ResponsesServer, GeminiServer]
ALL = [ModelServer, *SERVERS]


@pytest.fixture
def connect(start, repository):
    """connect(server) gives a Client on the same state each time."""

    def make(server, **settings):
        client = start(config=server.config(key_env="LAB_KEY", mode="full", **settings),
                       env={"LAB_KEY": KEY})
        client.initialize(root=repository, subscribe="all")
        return client

    return make


def spawn(client):
    return client.request("swarm/spawn", {"task": "do it"})["agent"]


def items_of(client, agent, kind):
    items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
    return [item for item in items if item["kind"] == kind]


@pytest.mark.parametrize("Server", SERVERS)
def test_story(connect, Server):
    """Thinking, tools one after the other and at once; a restart; then the talk goes on."""
    script = [
        [reasoning("I look first. "), text("Let me look."), call("read", path="README.md"),
         call("list", {})],
        [reasoning("Now I write."), redacted(),
         call("write", path="new.txt", content="Grüße 😀\n", pieces=30)],
        [text("Grüße 😀", pieces=8), usage(70, 9, 30)],
        [reasoning("Once more."), call("bash", command="cat new.txt")],
        [text("All done.")],
    ]
    with Server(script, key=KEY) as server:
        client = connect(server)
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        assert [i["text"] for i in items_of(client, agent, "assistant")] == ["Let me look.",
                                                                            "Grüße 😀"]
        thoughts = [i["text"] for i in items_of(client, agent, "reasoning")]
        assert [thought for thought in thoughts if thought] == ["I look first. ", "Now I write."]
        assert len(server.requests[1].results) == 2
        client.process.kill()
        client.process.wait()

        client = connect(server)
        client.request("swarm/send", {"agentId": agent["id"], "text": "and once more"})
        client.wait(lambda: len(server.requests) == 5 and server.requests[4].answered.is_set(),
                    "the last answer")
        ended = client.wait_state(agent["id"], "done")
        assert items_of(client, agent, "assistant")[-1]["text"] == "All done."
        assert items_of(client, agent, "tool")[-1]["output"] == "Grüße 😀\n"
        assert server.refused == []
        assert ended["usage"]["cacheReadTokens"] > 0
        assert ended["usage"]["inputTokens"] > ended["usage"]["cacheReadTokens"]
        assert client.close() == 0


@pytest.mark.parametrize("Server", SERVERS)
def test_wrong_key(connect, Server):
    with Server([[text("never")]], key="another") as server:
        client = connect(server)
        error = client.wait_state(spawn(client)["id"], "failed")["error"]
        assert error["kind"] == "auth"
        assert "LAB_KEY" in error["message"] and KEY not in error["message"]
        assert client.close() == 0


@pytest.mark.parametrize("Server, reason, stop", [
    (AnthropicServer, "max_tokens", "maxTokens"),
    (AnthropicServer, "refusal", "refused"),
    (AnthropicServer, "model_context_window_exceeded", "maxTokens"),
    (ResponsesServer, "max_output_tokens", "maxTokens"),
    (ResponsesServer, "content_filter", "refused"),
    (GeminiServer, "MAX_TOKENS", "maxTokens"),
    (GeminiServer, "SAFETY", "refused"),
])
def test_ends(connect, Server, reason, stop):
    with Server([[text("so far"), finish(reason)]]) as server:
        client = connect(server)
        assert client.wait_turn_end(spawn(client)["id"])["stopReason"] == stop
        assert client.close() == 0


def test_a_turn_that_pauses_is_gone_on_with(connect):
    script = [[text("I am looking. "), finish("pause_turn")],
              [text("Here it is."), call("read", path="README.md")], [text("Done.")]]
    with AnthropicServer(script) as server:
        client = connect(server)
        agent = spawn(client)
        assert client.wait_turn_end(agent["id"])["stopReason"] == "endTurn"
        assert server.refused == [] and len(server.requests) == 3
        assert server.requests[1].last["content"] == [{"type": "text", "text": "I am looking."}]
        assert [i["text"] for i in items_of(client, agent, "assistant")] == [
            "I am looking. ", "Here it is.", "Done."]
        assert client.close() == 0


def test_a_turn_that_only_pauses_has_an_end(connect):
    with AnthropicServer(lambda r: [text(f"{r.number} "), finish("pause_turn")]) as server:
        server.check_messages = lambda messages: None
        client = connect(server, step_limit=4)
        assert client.wait_turn_end(spawn(client)["id"])["stopReason"] == "maxSteps"
        assert len(server.requests) == 4
        assert client.close() == 0


@pytest.mark.parametrize("Server, reason", [
    (AnthropicServer, "refusal"), (ModelServer, "content_filter"),
    (ResponsesServer, "content_filter"), (GeminiServer, "PROHIBITED_CONTENT")])
def test_a_call_of_an_answer_that_was_refused_is_not_run(connect, Server, reason):
    answer = [text("I write. "), call("write", path="new.txt", content="x"), finish(reason)]
    with Server([answer, [text("Else?")]]) as server:
        client = connect(server)
        agent = spawn(client)
        assert client.wait_turn_end(agent["id"])["stopReason"] == "refused"
        assert items_of(client, agent, "tool") == []
        client.request("swarm/send", {"agentId": agent["id"], "text": "then something else"})
        client.wait(lambda: len(server.requests) == 2 and server.requests[1].answered.is_set(),
                    "the second answer")
        client.wait_state(agent["id"], "done")
        assert server.refused == []
        assert client.close() == 0


@pytest.mark.parametrize("Server, reason", [
    (AnthropicServer, "max_tokens"), (ModelServer, "length"),
    (ResponsesServer, "max_output_tokens")])
def test_a_call_that_the_limit_cut_is_not_run(connect, Server, reason):
    script = [[call("write", '{"path": "new.txt", "content": "half of'), finish(reason)],
              [text("I see.")]]
    with Server(script) as server:
        client = connect(server)
        agent = spawn(client)
        assert client.wait_turn_end(agent["id"])["stopReason"] == "endTurn"
        tool, = items_of(client, agent, "tool")
        assert tool["status"] == "failed" and "cut at the model's output limit" in tool["output"]
        assert server.refused == []
        assert client.close() == 0


TOO_LARGE = {  # as each vendor says it
    ModelServer: {"error": {"type": "invalid_request_error", "code": "context_length_exceeded",
                            "message": "This model's maximum context length is 9 tokens."}},
    ResponsesServer: {"error": {"type": "invalid_request_error", "code": "context_length_exceeded",
                                "message": "Your input exceeds the context window."}},
    AnthropicServer: {"type": "error", "error": {
        "type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}},
    GeminiServer: {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
                             "The input token count (9) exceeds the maximum number of tokens "
                             "allowed (8)."}},
}


@pytest.mark.parametrize("Server", ALL)
def test_a_request_that_is_too_large_is_made_once_more_and_smaller(connect, Server):
    refused = []

    def script(request):
        size = len(json.dumps(request.body))
        if request.number < 4:
            return [call("bash", command="seq 1 1200")]
        if not refused or size >= refused[0]:
            refused.append(size)
            return status(400, body=json.dumps(TOO_LARGE[Server]))
        return [text("Done.")]

    with Server(script) as server:
        client = connect(server)
        agent = spawn(client)
        assert client.wait_turn_end(agent["id"])["stopReason"] == "endTurn"
        assert len(refused) == 1 and server.refused == []
        assert items_of(client, agent, "compaction")
        assert client.close() == 0


@pytest.mark.parametrize("Server", ALL)
def test_an_answer_that_was_made_anew_stays_forgotten(connect, Server):
    """Also in later turns, and what was whole of it: reasoning would come back twice."""
    broken = [reasoning("A first thought."), text("Half of"), cut()]
    only_thought = [reasoning("A second thought."), text("x"), cut()]
    script = [broken, only_thought, [reasoning("The third."), call("list", {})],
              broken, [reasoning("More."), text("The first turn's end.")], [text("Again.")]]
    with Server(script) as server:
        client = connect(server)
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        assert {i["status"] for i in items_of(client, agent, "reasoning")
                if "first" in i["text"] or "second" in i["text"]} == {"failed"}
        client.process.kill()
        client.process.wait()
        client = connect(server)
        client.request("swarm/send", {"agentId": agent["id"], "text": "and once more"})
        client.wait(lambda: len(server.requests) == 6 and server.requests[5].answered.is_set(),
                    "the last answer")
        client.wait_state(agent["id"], "done")
        assert server.refused == []
        last = str(server.requests[5].messages)
        assert "The first turn's end." in last
        assert not any(words in last for words in ("Half of", "A first", "A second"))
        assert client.close() == 0


ANTHROPIC_OVERLOADED = {"type": "error", "error": {"type": "overloaded_error",
                                                   "message": "Overloaded"}}


@pytest.mark.parametrize("Server, answer, kind, words", [
    (AnthropicServer, status(413, body='{"type": "error", "error": {"type": "request_too_large", '
                                       '"message": "Request exceeds the maximum size"}}'),
     "limit", "HTTP 413: Request exceeds the maximum size"),
    (AnthropicServer, [text("half"), raw("event: error\ndata: " + str(ANTHROPIC_OVERLOADED)
                                         .replace("'", '"') + "\n\n")],
     "provider", "HTTP 529: Overloaded"),
    (AnthropicServer, [text("half"), raw("")], "provider", "ended early"),
    (ResponsesServer, status(429, "Rate limit reached"), "rateLimited", "HTTP 429: Rate limit"),
    (ResponsesServer, [text("half"), raw('data: {"type": "response.failed", "response": {"error": '
                                         '{"code": "server_error", "message": "Oops"}}}\n\n')],
     "provider", "HTTP 500: Oops"),
    (ResponsesServer, [text("half"), raw("")], "provider", "ended early"),
    (GeminiServer, status(400, body='[{"error": {"code": 400, "message": "API key not valid.", '
                                    '"details": [{"reason": "API_KEY_INVALID"}]}}]'),
     "auth", "LAB_KEY"),
    (GeminiServer, [text("half"), finish("MALFORMED_FUNCTION_CALL")], "provider",
     "broke off: MALFORMED_FUNCTION_CALL"),
    (GeminiServer, [text("half"), raw("")], "provider", "ended early"),
])
def test_failures(connect, Server, answer, kind, words):
    with Server(lambda _: answer) as server:
        client = connect(server)
        error = client.wait_state(spawn(client)["id"], "failed")["error"]
        assert error["kind"] == kind
        assert words in error["message"] and error["message"].startswith("scripted: ")
        assert client.close() == 0
