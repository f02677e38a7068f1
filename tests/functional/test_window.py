# SPDX-License-Identifier: MIT
"""The context window: the server counts as a provider does, and refuses what is too large."""
import json
import math
import re
import threading

import pytest
from agents import get, items, spawn
from client import RpcError
from model_server import Gate, call, finish, gate, raw, reasoning, status, text, usage

WINDOW = 32000
RESERVE = 4000


def tokens_of(request):
    """More than swarmd estimates, so that it has to learn the ratio."""
    return math.ceil(len(json.dumps(request.body, ensure_ascii=False).encode()) / 3)


def too_large(request, limit=WINDOW):
    return status(400, body=json.dumps({"error": {
        "code": "context_length_exceeded", "type": "invalid_request_error",
        "message": f"This model's maximum context length is {limit} tokens, {tokens_of(request)} given."}}))


def is_summary(request):
    return "tools" not in request.body


def models(context=WINDOW):
    return f"{{scripted: {{context: {context}, max_output: {RESERVE}}}}}"


def texts(request):
    return [m["content"] for m in request.messages if isinstance(m.get("content"), str)]


class Talker:
    """A model that reads a file of some size in each turn, then says so."""

    def __init__(self, window=WINDOW, summary="SUMMARY of what was before"):
        self.window = window
        self.summary = summary
        self.largest = 0
        self.summaries = 0
        self.lock = threading.Lock()

    def __call__(self, request):
        size = tokens_of(request)
        with self.lock:
            self.largest = max(self.largest, size)
            if is_summary(request):
                self.summaries += 1
                if isinstance(self.summary, str):
                    return [text(f"{self.summary} {self.summaries}"), usage(size, 20)]
                return self.summary
        if size > self.window:
            return too_large(request, self.window)
        if request.results:
            return [text(f"answer to {self.said(request)}"), usage(size, 10)]
        return [text("I look."), call("bash", command=f"seq 1 1500; echo {self.said(request)}"),
                usage(size, 10)]

    @staticmethod
    def said(request):
        return [m for m in request.messages if m["role"] == "user"][-1]["content"]


def run_turns(client, agent, first, last):
    for turn in range(first, last + 1):
        client.request("swarm/send", {"agentId": agent["id"], "text": f"message {turn}"})
        client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == agent["id"] and
                          e["agent"]["state"] in ("done", "failed") and
                          e["agent"]["usage"]["turns"] == turn)
        done = get(client, agent)["agent"]
    return done


def whole_transcript(client, agent):
    found, page = [], {"after": 1}
    while page:
        answer = client.request("swarm/transcript", {"agentId": agent["id"], "limit": 500, **page})
        found += answer["items"]
        page = {"after": answer["next"]} if "next" in answer else None
    return found


def compactions(client, agent):
    return [i for i in whole_transcript(client, agent) if i["kind"] == "compaction"]


@pytest.fixture
def talk(swarm):
    def make(talker=None, **config):
        talker = talker or Talker()
        client, server = swarm(talker, models=config.pop("models", models()), **config)
        agent = spawn(client, "THE TASK: keep me")
        client.wait_state(agent["id"], "done")
        return client, server, agent, talker

    return make


def test_four_hundred_turns_in_a_small_window(talk):
    client, server, agent, talker = talk()
    run_turns(client, agent, 2, 150)
    of_turn = {i["content"][0]["text"]: i for i in items(client, agent, "user")}
    client.request("swarm/pin", {"agentId": agent["id"], "pinned": True,
                                 "itemId": of_turn["message 147"]["id"]})
    done = run_turns(client, agent, 151, 400)
    assert done["usage"]["turns"] == 400 and done["stopReason"] == "endTurn"
    assert talker.largest <= WINDOW
    assert talker.summaries > 3
    last = [r for r in server.requests if not is_summary(r)][-1]
    assert texts(last)[1] == "THE TASK: keep me"
    assert "message 2" in texts(last) and "answer to THE TASK: keep me" in texts(last)  # first turns
    assert "message 400" in texts(last) and "message 399" in texts(last)
    assert "message 250" not in texts(last) and any("message 147" in t for t in texts(last))
    assert get(client, agent)["agent"]["state"] == "done"
    assert any(f"SUMMARY of what was before {talker.summaries}" in t for t in texts(last))
    assert done["usage"]["contextSize"] == WINDOW
    assert 0 < done["usage"]["contextUsed"] < WINDOW
    # the transcript stays whole, and says what was done to the context
    all_items = whole_transcript(client, agent)
    assert sum(i["kind"] == "user" for i in all_items) == 400
    with_summary = [i for i in compactions(client, agent) if i["summary"]]
    assert len(with_summary) == talker.summaries
    for item in with_summary:
        assert item["before"] > item["after"] and item["dropped"] > 0 and item["reason"]


def test_between_cuts_a_request_begins_with_the_one_before(talk):
    # a summary that is too long is cut: always at the same place
    client, server, agent, _ = talk(Talker(summary="SUMMARY " + "of what was before " * 800))
    run_turns(client, agent, 2, 30)
    asked = [r for r in server.requests if not is_summary(r)]
    cuts = sum(i["turn"] > 0 for i in compactions(client, agent))
    broken = 0
    for before, after in zip(asked, asked[1:]):
        messages, rest = before.raw.rsplit(b'}],"tools":', 1)
        assert after.raw.endswith(b'}],"tools":' + rest)
        broken += not after.raw.startswith(messages + b"},")
    assert 0 < broken <= cuts
    assert any("SUMMARY" in t and "bytes are left out here]" in t for t in texts(asked[-1]))


def test_a_notice_comes_before_the_first_cut(talk):
    client, _, agent, _ = talk()
    run_turns(client, agent, 2, 20)
    all_items = whole_transcript(client, agent)
    kinds = [i["kind"] for i in all_items if i["kind"] == "compaction" or
             i["kind"] == "notice" and "The context is at" in i["text"]]
    assert kinds[0] == "notice" and kinds.count("notice") == 1 and "compaction" in kinds


def test_shortened_results_say_what_is_missing(talk):
    client, server, agent, _ = talk()
    run_turns(client, agent, 2, 30)
    short = [m["content"] for r in server.requests for m in r.messages
             if m["role"] == "tool" and "bytes are left out here. All of it" in m["content"]]
    assert short and all(len(s) < 2000 for s in short)
    assert all(s.startswith("1\n2\n") and re.search(r"message \d+|THE TASK", s[-60:]) for s in short)


def test_without_a_summary_it_is_put_together_by_hand(talk):
    client, server, agent, talker = talk(Talker(summary=status(400, "no")))
    done = run_turns(client, agent, 2, 40)
    assert done["state"] == "done" and talker.largest <= WINDOW
    item = [i for i in compactions(client, agent) if i["summary"]][0]
    assert "no model could be asked" in item["reason"]
    assert "Tools called: bash" in item["summary"] and "seq 1 1500" in item["summary"]


def test_a_provider_whose_window_is_smaller_than_thought(talk):
    client, server, agent, talker = talk(Talker(window=12000), models=models(100000))
    done = run_turns(client, agent, 2, 25)
    assert done["state"] == "done"
    refused = [r for r in server.requests if tokens_of(r) > 12000]
    assert 1 <= len(refused) <= 3  # then it is known


def test_a_window_that_the_error_names_is_known_at_once(talk):
    client, server, agent, talker = talk(Talker(window=12000), models=models(100000))
    run_turns(client, agent, 2, 2)
    client.request("swarm/send", {"agentId": agent["id"], "text": "word " * 30000})
    client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == agent["id"] and
                      e["agent"]["state"] == "done" and e["agent"]["usage"]["turns"] == 3)
    assert get(client, agent)["agent"]["state"] == "done"
    assert len([r for r in server.requests if tokens_of(r) > 12000]) == 1


def test_what_is_too_large_after_all_cuts_fails_with_a_reason(swarm):
    client, server = swarm(lambda request: too_large(request, 10), models=models())
    agent = spawn(client, "task " * 2000)
    failed = client.wait_state(agent["id"], "failed")
    assert len(server.requests) <= 3  # once more, cut harder
    why = failed["error"]["message"]
    assert re.search(r"too large for scripted after all cuts.* about \d+ tokens, of which system prompt"
                     r" and tools take \d+, and the largest part, a message or summary, \d+", why)
    assert "10 tokens" in why  # what the provider said


def test_what_is_in_use_is_always_told(talk):
    client, server, agent, talker = talk()
    assert agent["usage"]["contextSize"] == WINDOW  # before any request
    for turn in range(2, 14):
        done = run_turns(client, agent, turn, turn)
        last = [r for r in server.requests if not is_summary(r)][-1]
        assert done["usage"]["contextUsed"] == tokens_of(last) + 10
    # while a request is under way it is an estimate, and after a cut it is what is left
    cut = [i for i in compactions(client, agent)][0]
    at = next(n for n, e in enumerate(client.events) if e.get("item", {}).get("id") == cut["id"])
    told = next(e for e in client.events[at:] if e["type"] == "agent")["agent"]["usage"]
    assert told["contextUsed"] == cut["after"] < cut["before"]


def test_the_context_in_use_without_a_provider_that_counts(swarm):
    hold = Gate()
    client, _ = swarm([[gate(hold), text("hi"), raw("data: [DONE]\n\n")]], models=models())
    agent = spawn(client, "word " * 1000)
    hold.wait_reached()
    used = client.wait_event(lambda e: e["type"] == "agent" and e["agent"]["usage"]["contextUsed"] > 0)
    assert 5000 / 3.5 < used["agent"]["usage"]["contextUsed"] < 5000
    hold.open()
    done = client.wait_state(agent["id"], "done", "failed")
    assert 5000 / 3.5 < done["usage"]["contextUsed"] < 5000


def test_the_notice_comes_before_a_sudden_cut_too(swarm):
    steps = iter(range(100))

    def model(request):
        if is_summary(request):
            return [text("SUMMARY")]
        if next(steps) < 2:
            return [call("bash", command="seq 1 1400") for _ in range(14)]
        return [text("done")]

    client, _ = swarm(model, models=models())
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    kinds = [i["kind"] for i in whole_transcript(client, agent) if i["kind"] == "compaction" or
             i["kind"] == "notice" and "The context is at" in i["text"]]
    assert kinds[0] == "notice" and kinds.count("notice") == 1 and "compaction" in kinds


class Held(Talker):
    """Its first summary does not come."""
    hold = None

    def __call__(self, request):
        if is_summary(request) and self.hold:
            return [gate(self.hold), text("late")]
        return super().__call__(request)


def test_killed_in_the_middle_of_a_compaction(restarts):
    talker = Held()
    talker.hold = Gate()
    connect, server = restarts(talker, models=models())
    client = connect()
    agent = spawn(client, "THE TASK: keep me")
    client.wait_state(agent["id"], "done")
    for turn in range(2, 40):
        client.request("swarm/send", {"agentId": agent["id"], "text": f"message {turn}"})
        client.wait(lambda: talker.hold._reached.is_set() or client.find_events(
            type="turn", phase="ended", turn=turn), "the end of the turn, or a compaction")
        if talker.hold._reached.is_set():
            break
    talker.hold.wait_reached()
    client.kill()
    talker.hold = None
    client = connect()
    assert compactions(client, agent) == [] or not any(i["summary"] for i in compactions(client, agent))
    client.request("swarm/resume", {"agentId": agent["id"]})
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "endTurn" and talker.largest <= WINDOW
    assert [i for i in compactions(client, agent) if i["summary"]]
    last = [r for r in server.requests if not is_summary(r)][-1]
    assert "THE TASK: keep me" in texts(last) and any("SUMMARY of what was before" in t for t in texts(last))


def test_killed_in_the_middle_of_a_compaction_that_was_asked_for(restarts):
    talker = Held()
    connect, server = restarts(talker, models=models())
    client = connect()
    agent = spawn(client, "THE TASK: keep me")
    client.wait_state(agent["id"], "done")
    run_turns(client, agent, 2, 6)
    talker.hold = Gate()
    client.request("swarm/compact", {"agentId": agent["id"], "instructions": "mind the parser"})
    talker.hold.wait_reached()
    client.kill()
    talker.hold = None
    client = connect()
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    item = compactions(client, agent)[-1]
    assert item["reason"] == "asked for" and item["summary"].startswith("SUMMARY")
    assert "mind the parser" in server.requests[-1].messages[0]["content"]


def test_a_cut_answer_is_the_same_after_a_restart(restarts):
    hold = Gate()
    connect, server = restarts([[text("half an answer "), gate(hold), text("and the rest")],
                                [text("second")], [text("third")]])
    client = connect()
    agent = spawn(client, "first")
    client.wait_event(lambda e: e["type"] == "delta" and "answer" in e["text"])
    client.request("swarm/cancel", {"agentId": agent["id"]})
    client.wait_turn_end(agent["id"])
    hold.open()

    def say(words, turns):
        client.request("swarm/send", {"agentId": agent["id"], "text": words})
        client.wait_event(lambda e: e["type"] == "agent" and e["agent"]["state"] == "done" and
                          e["agent"]["usage"]["turns"] == turns)

    say("go on", 2)
    client.close()
    client = connect()
    say("and on", 3)
    before, after = server.requests[-2].messages, server.requests[-1].messages
    assert after[:len(before)] == before and "half an answer" in before[2]["content"]


def test_a_window_that_is_too_small_for_anything(swarm):
    client, server = swarm([], models="{scripted: {context: 1000, max_output: 200}}")
    failed = client.wait_state(spawn(client)["id"], "failed")
    assert failed["error"]["kind"] == "limit" and "too small" in failed["error"]["message"]
    assert server.requests == []


def test_one_huge_message_is_cut_not_sent(talk):
    client, server, agent, talker = talk()
    client.request("swarm/send", {"agentId": agent["id"], "text": "BEGIN " + "long " * 60000 + "END"})
    client.wait_event(lambda e: e["type"] == "agent" and e["agent"]["state"] == "done" and
                      e["agent"]["usage"]["turns"] == 2)
    done = get(client, agent)["agent"]
    assert done["stopReason"] == "endTurn" and talker.largest <= WINDOW
    sent = Talker.said([r for r in server.requests if not is_summary(r)][-1])
    assert "BEGIN long" in sent and sent.endswith("END") and "bytes are left out here" in sent


def test_compact_when_asked(talk):
    client, server, agent, talker = talk()
    run_turns(client, agent, 2, 6)
    answer = client.request("swarm/compact", {"agentId": agent["id"],
                                              "instructions": "mind the parser"})
    assert answer["delivery"] == "started"
    client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "compaction")
    client.wait_state(agent["id"], "done")
    summary = [r for r in server.requests if is_summary(r)]
    assert len(summary) == 1 and "mind the parser" in summary[0].messages[0]["content"]
    assert not is_summary(server.requests[-2]) and is_summary(server.requests[-1])  # nothing else
    item = compactions(client, agent)[-1]
    assert item["reason"] == "asked for" and item["summary"].startswith("SUMMARY")
    run_turns(client, agent, 8, 8)  # the seventh was the compaction
    assert any("SUMMARY of what was before 1" in t for t in texts(server.requests[-1]))
    assert "message 3" not in texts(server.requests[-1])


def test_compact_with_nothing_to_compact(talk):
    client, server, agent, _ = talk()
    client.request("swarm/compact", {"agentId": agent["id"]})
    client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "notice" and
                      "nothing to compact" in e["item"]["text"])
    client.wait_state(agent["id"], "done")
    assert not any(is_summary(r) for r in server.requests)


def test_a_pin_keeps_an_item_word_for_word(talk):
    client, server, agent, _ = talk()
    run_turns(client, agent, 2, 6)
    of_turn = {i["content"][0]["text"]: i for i in items(client, agent, "user")}
    pins = client.request("swarm/pin", {"agentId": agent["id"], "pinned": True,
                                        "itemId": of_turn["message 4"]["id"]})["pins"]
    assert of_turn["message 4"]["seq"] in pins
    assert of_turn["THE TASK: keep me"]["seq"] in pins
    client.request("swarm/pin", {"agentId": agent["id"], "pinned": False,
                                 "itemId": of_turn["message 2"]["id"]})
    client.request("swarm/compact", {"agentId": agent["id"]})
    client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == "compaction")
    client.wait_state(agent["id"], "done")
    run_turns(client, agent, 8, 8)  # the seventh was the compaction
    said = texts(server.requests[-1])
    assert any("message 4\n" in t for t in said) and "THE TASK: keep me" in said
    assert not any("message 2\n" in t or "message 3\n" in t for t in said if "seq" not in t)
    assert client.request("swarm/get", {"agentId": agent["id"]})["pins"] == [
        p for p in pins if p != of_turn["message 2"]["seq"]]
    with pytest.raises(RpcError) as wrong:
        client.request("swarm/pin", {"agentId": agent["id"], "itemId": "i999999"})
    assert "has no item" in str(wrong.value)


def test_the_window_outlasts_a_restart(restarts):
    talker = Talker()
    connect, server = restarts(talker, models=models())
    client = connect()
    agent = spawn(client, "THE TASK: keep me")
    client.wait_state(agent["id"], "done")
    run_turns(client, agent, 2, 25)
    summaries = talker.summaries
    assert summaries > 0
    client.close()
    client = connect()
    run_turns(client, agent, 26, 26)
    last = [r for r in server.requests if not is_summary(r)][-1]
    assert "THE TASK: keep me" in texts(last)
    assert any(f"SUMMARY of what was before {summaries}" in t for t in texts(last))
    assert tokens_of(last) <= WINDOW and "message 5" not in texts(last)
    assert get(client, agent)["agent"]["usage"]["turns"] == 26


def test_ids_of_calls_are_unique_whatever_a_server_gives(swarm):
    def model(request):
        if request.turns == 3:
            return [text("done")]
        return [call("bash", command="echo one", id="call_0"),
                call("bash", command="echo two", id="" if request.turns else "call_0-2")]

    client, server = swarm(model)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    calls = [c["id"] for m in server.requests[-1].messages for c in m.get("tool_calls", [])]
    results = [m["tool_call_id"] for m in server.requests[-1].messages if m["role"] == "tool"]
    assert calls == results and len(set(calls)) == 6 and calls[:2] == ["call_0", "call_0-2"]


def test_a_tool_that_there_is_not_does_not_spoil_the_requests_after(swarm):
    client, server = swarm([[call("functions.read", path="x")], [text("done")]])
    agent = spawn(client)
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "endTurn"
    assert items(client, agent, "tool")[0]["name"] == "functions.read"  # as the model wrote it
    assert server.requests[1].messages[2]["tool_calls"][0]["function"]["name"] == "functions_read"


@pytest.mark.parametrize("needs, reason", [
    (8000, "the context was full"),
    (10 ** 9, "no model could be asked for the summary: the model gave no answer within 16384 "
              "tokens, it only thought")])
def test_a_model_that_thinks_until_its_limit_is_given_more_once(swarm, needs, reason):
    talker, limits = Talker(), []

    def model(request):
        if not is_summary(request):
            return talker(request)
        limits.append(request.body.get("max_completion_tokens") or request.body["max_tokens"])
        if limits[-1] < needs:
            return [reasoning("hm, " * 50), finish("length")]
        return [text("SUMMARY"), usage(100, 20)]

    client, _ = swarm(model, models="{scripted: {context: 32000, max_output: 20000}}")
    agent = spawn(client, "THE TASK: keep me")
    client.wait_state(agent["id"], "done")
    run_turns(client, agent, 2, 30)
    found = [c for c in compactions(client, agent) if c.get("dropped")]
    assert found and all(c["reason"].endswith(reason) for c in found)
    assert limits[:2] == [4096, 16384] and len(limits) == 2 * len(found)
