# SPDX-License-Identifier: MIT
"""Chat servers that want their reasoning back, and others that refuse it."""

import pytest
from agents import items, spawn
from dialect_server import AnthropicServer
from model_server import Gate, ModelServer, call, gate, reasoning, text
from thinking_server import DeepSeekServer, GroqServer, MistralServer, RouterServer

THINKS = [[reasoning("I look first. "), text("Let me look."), call("read", path="README.md"),
           call("list", {})],
          [call("read", path="README.md")],  # without a thought
          [reasoning("Enough."), text("Done.")],
          [reasoning("Once more."), call("list", {})], [text("All done.")]]


def finish_two_turns(connect, agent):
    """The second one after a crash, on the same state."""
    client = connect()
    agent = spawn(client) if agent is None else agent
    client.wait_state(agent["id"], "done")
    client.process.kill()
    client.process.wait()
    client = connect()
    client.request("swarm/send", {"agentId": agent["id"], "text": "and once more"})
    client.wait_event(lambda e: e["type"] == "turn" and (e["turn"], e["phase"]) == (2, "ended"))
    return client, client.wait_state(agent["id"], "done", "failed")


@pytest.mark.parametrize("Server", [DeepSeekServer, RouterServer])
def test_it_goes_back_also_after_a_restart(restarts, Server):
    connect, server = restarts(THINKS, server=Server)
    client, agent = finish_two_turns(connect, None)
    assert agent["error"] is None and server.refused == []
    assert [i["text"] for i in items(client, agent, "reasoning")] == [
        "I look first. ", "Enough.", "Once more."]
    assert len(server.requests) == 5


def test_who_refuses_it_is_not_sent_it_again(restarts):
    connect, server = restarts({"first": [*THINKS[:3]], "second": THINKS[:3]}, server=GroqServer)
    client = connect()
    agent = client.wait_state(spawn(client, "first")["id"], "done", "failed")
    assert agent["error"] is None
    assert ["reasoning_content" in fault for fault in server.refused] == [True]
    figures = client.request("swarm/stats")["providers"][0]
    assert figures["retries"] == 1 and figures["breaker"] == "closed"
    # all others know it now
    other = client.wait_state(spawn(client, "second")["id"], "done", "failed")
    assert other["error"] is None and len(server.requests) == 7
    assert len(server.refused) == 1
    server.refused.clear()


def test_who_wants_it_gets_it_for_answers_of_others_too(start, repository):
    """The agent comes from another model, whose answers have nothing that this one knows."""
    with ModelServer([[call("list", {})], [text("Done.")]]) as first, \
            DeepSeekServer([[text("Here, too.")], [text("Again.")]]) as second:
        config = first.config() + second.config(mode="full").split("providers:\n")[1].replace(
            "scripted:", "deep:")
        client = start(config="mode: full\n" + config)
        client.initialize(root=repository, subscribe="all")
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        client.request("swarm/configure", {"agentId": agent["id"], "model": "deep/thinker"})
        for turn in (2, 3):
            client.request("swarm/send", {"agentId": agent["id"], "text": "and you?"})
            client.wait_event(lambda e: e["type"] == "turn" and
                              (e["turn"], e["phase"]) == (turn, "ended"))
            assert client.wait_state(agent["id"], "done", "failed")["error"] is None
        assert len(second.refused) == 1 and first.refused == []  # the first request, not the later ones


def test_a_refusal_that_stays_fails_the_turn(swarm):
    """Whatever is tried: it ends, with the server's words."""
    class Never(GroqServer):
        def fault_of_answer(self, at, message):
            return "property 'reasoning_content' is unsupported"

    client, server = swarm(THINKS, server=Never)
    agent = client.wait_state(spawn(client)["id"], "failed")
    assert agent["error"]["kind"] == "provider" and "is unsupported" in agent["error"]["message"]
    assert len(server.refused) == 2
    server.refused.clear()


def test_another_provider_is_not_sent_it(start, repository):
    with DeepSeekServer(THINKS[:3]) as first, AnthropicServer([[text("Done.")]]) as second, \
            GroqServer([[text("Done.")]]) as third:
        config = first.config(mode="full")
        for name, server in (("claude", second), ("groq", third)):
            config += server.config().split("providers:\n")[1].replace("scripted:", name + ":")
        client = start(config=config)
        client.initialize(root=repository, subscribe="all")
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        for turn, model in ((2, "claude/claude-sonnet-4-5"), (3, "groq/any")):
            client.request("swarm/configure", {"agentId": agent["id"], "model": model})
            client.request("swarm/send", {"agentId": agent["id"], "text": "and you?"})
            client.wait_event(lambda e: e["type"] == "turn" and
                              (e["turn"], e["phase"]) == (turn, "ended"))
        assert [s.refused for s in (first, second, third)] == [[], [], []]
        assert client.wait_state(agent["id"], "done", "failed")["error"] is None


def test_a_server_with_other_habits_is_understood_by_what_it_refuses(swarm):
    """Each of them once, whatever comes later."""
    wait = Gate()
    client, server = swarm([[gate(wait), call("list", {}), call("list", {})], [text("I see.")],
                            [call("list", {})], [text("Done.")]], server=MistralServer)
    agent = spawn(client)
    server.wait_requests(2)
    client.request("swarm/send", {"agentId": agent["id"], "text": "and quickly", "delivery": "steer"})
    wait.open()
    agent = client.wait_state(agent["id"], "done", "failed")
    client.request("swarm/send", {"agentId": agent["id"], "text": "and once more"})
    client.wait_event(lambda e: e["type"] == "turn" and (e["turn"], e["phase"]) == (2, "ended"))
    assert client.wait_state(agent["id"], "done", "failed")["error"] is None
    assert [next(word for word in ("stream_options", "length of 9", "after role") if word in fault)
            for fault in server.refused] == ["stream_options", "length of 9", "after role"]
    server.refused.clear()


class OtherAnthropicServer(AnthropicServer):
    """Signs in its own way, as those do that only speak Anthropic's dialect."""

    def fault_of(self, request):
        fault = super().fault_of(request)
        return fault or next(("Invalid `signature` in `thinking` block" for m in request.messages
                              if m["role"] == "assistant" for block in m["content"]
                              if block["type"] == "thinking" and block not in self.sent()), None)

    def sent(self):
        return [thought for thoughts in self.reasoned.values() for thought in thoughts]


def test_signatures_go_to_whom_they_came_from(start, repository):
    def script(id):
        return [[reasoning("I look."), call("list", {}, id=id)], [text("Done.")]]

    with OtherAnthropicServer(script("one")) as first, \
            OtherAnthropicServer(script("two")) as second:
        config = first.config(mode="full") + second.config().split("providers:\n")[1].replace(
            "scripted:", "claude:")
        client = start(config=config)
        client.initialize(root=repository, subscribe="all")
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        client.request("swarm/configure", {"agentId": agent["id"], "model": "claude/any"})
        client.request("swarm/send", {"agentId": agent["id"], "text": "and you?"})
        client.wait_event(lambda e: e["type"] == "turn" and (e["turn"], e["phase"]) == (2, "ended"))
        assert client.wait_state(agent["id"], "done", "failed")["error"] is None
        assert first.refused == [] and second.refused == []
