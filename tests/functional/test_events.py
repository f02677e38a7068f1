# SPDX-License-Identifier: MIT
"""swarm/events: order, filters, replay, deltas, and clients that are slow."""

import os
import time

import pytest

from client import RpcError
from model_server import Gate, ModelServer, call, gate, text

HELLO = [[text("Hello, this is the scripted model speaking.")]]


def items(client, agent_id, start=0):
    return [e["item"] for e in client.events[start:]
            if e["type"] == "item" and e["agentId"] == agent_id]


def seqs(events):
    return [e["seq"] for e in events if "seq" in e]


@pytest.fixture
def model():
    with ModelServer(lambda request: [text(f"Done: {request.task[:40]}")]) as server:
        yield server


@pytest.fixture
def client(start, model):
    return start(config=model.config())


def spawn(client, repository, task="say hello", **params):
    return client.request("swarm/spawn", {"task": task, "cwd": str(repository), **params})["agent"]


def finish(client, repository, task="say hello", **params):
    agent = spawn(client, repository, task, **params)
    client.wait_state(agent["id"], "done", "failed")
    return agent["id"]


def test_all_sees_no_gap(client, repository):
    client.initialize(subscribe="all")
    for number in range(3):
        agent_id = finish(client, repository, f"task {number}")
        client.wait_turn_end(agent_id)
    got = seqs(client.events)
    assert got == list(range(got[0], got[0] + len(got)))
    assert got[0] == 1


def test_the_answer_precedes_the_first_event(client, repository):
    client.initialize(subscribe="all")
    requests = [client.start_request("swarm/spawn", {"task": f"task {n}", "cwd": str(repository)})
                for n in range(8)]
    for request in requests:
        client.wait_response(request)
    client.wait(lambda: len({e["agentId"] for e in client.find_events(type="turn", phase="ended")})
                == 8, "every turn's end")
    seen = set()
    for message in client.messages:
        if "result" in message and "agent" in (message["result"] or {}):
            seen.add(message["result"]["agent"]["id"])
        elif message.get("method") == "swarm/events":
            for event in message["params"]["events"]:
                assert event["agentId"] in seen


def test_a_turn_as_events(client, repository):
    client.initialize()
    agent_id = finish(client, repository)
    end = client.wait_turn_end(agent_id)
    assert end["stopReason"] == "endTurn"
    kinds = [(i["kind"], i["status"]) for i in items(client, agent_id)]
    assert kinds[0] == ("user", "completed")
    assert ("assistant", "started") in kinds
    assert ("assistant", "completed") in kinds
    assistant = [i for i in items(client, agent_id) if i["kind"] == "assistant"]
    assert assistant[-1]["text"] == "Done: say hello"
    assert assistant[0]["seq"] == assistant[-1]["seq"]
    for event in client.events:
        assert event["time"].endswith("Z") and len(event["time"]) == 24


def test_deltas_rebuild_the_text(start, repository):
    long = "".join(f"Wort {n} \u00e4\u00f6\u00fc \U0001f40c\n" for n in range(800))
    held = Gate()
    with ModelServer([[text(long, 400), gate(held), text("End.")]]) as server:
        client = start(config=server.config())
        client.initialize(subscribe="all")
        agent_id = spawn(client, repository)["id"]
        held.wait_reached()

        def rebuilt():
            text_so_far = b""
            for event in client.find_events(type="delta", agentId=agent_id, kind="assistant"):
                assert event["offset"] <= len(text_so_far)
                text_so_far = text_so_far[:event["offset"]] + event["text"].encode()
            return text_so_far.decode()

        client.wait(lambda: rebuilt() == long, "the whole text")
        deltas = client.find_events(type="delta")
        assert all("seq" not in e for e in deltas)
        begun = next(e for e in client.events if e["type"] == "item"
                     and e["item"]["id"] == deltas[0]["itemId"])
        assert begun["item"]["status"] == "started"
        assert client.events.index(begun) < client.events.index(deltas[0])
        held.open()
        client.wait_state(agent_id, "done")
        last = [i for i in items(client, agent_id) if i["kind"] == "assistant"][-1]
        assert last["text"] == long + "End."


def test_a_late_subscriber_gets_the_live_text_from_its_beginning(start, repository):
    held = Gate()
    with ModelServer([[text("so far ", 2), gate(held), text("and on.")]]) as server:
        client = start(config=server.config())
        client.initialize(subscribe="none")
        agent_id = spawn(client, repository)["id"]
        held.wait_reached()
        assert client.events == []
        client.request("swarm/subscribe", {"agentId": agent_id})
        client.wait(lambda: "".join(e["text"] for e in client.find_events(type="delta"))
                    == "so far ", "the text so far")
        assert client.find_events(type="delta")[0]["offset"] == 0
        # Again: from the beginning again.
        before = len(client.events)
        client.request("swarm/subscribe", {"agentId": agent_id[:-2]})
        client.wait(lambda: client.find_events(before, type="delta"), "the text again")
        assert client.find_events(before, type="delta")[0]["offset"] == 0
        assert client.find_events(before, type="delta")[0]["text"] == "so far "
        held.open()
        client.wait_turn_end(agent_id)


def test_without_deltas(client, repository):
    client.initialize(subscribe="none")
    client.request("swarm/subscribe", {"deltas": False})
    agent_id = finish(client, repository)
    client.wait_turn_end(agent_id)
    assert client.find_events(type="delta") == []
    assert client.find_events(type="item")


def test_own_is_the_scope_of_the_connection(client, repository):
    client.initialize(scope="mine")
    mine = finish(client, repository)
    other = finish(client, repository, scope="other")
    client.wait_turn_end(mine)
    assert client.request("swarm/get", {"agentId": mine})["agent"]["scope"] == "mine"
    assert items(client, mine)
    assert items(client, other) == []
    assert client.find_events(type="turn", agentId=other) == []
    assert client.find_events(type="agent", agentId=other)


def test_none_is_nothing(client, repository):
    client.initialize(subscribe="none")
    agent_id = spawn(client, repository)["id"]
    while client.request("swarm/get", {"agentId": agent_id})["agent"]["state"] != "done":
        time.sleep(0.01)
    assert client.events == []


def test_subscribe_by_scope_and_unsubscribe(client, repository):
    client.initialize(subscribe="none")
    client.request("swarm/subscribe", {"scope": "a"})
    one = finish(client, repository, scope="a")
    client.wait_turn_end(one)
    assert client.request("swarm/unsubscribe", {"scope": "a"}) is None
    count = len(client.events)
    client.request("swarm/subscribe", {"scope": "b"})
    spawn(client, repository, scope="a")
    two = finish(client, repository, scope="b")
    client.wait_turn_end(two)
    assert {e["agentId"] for e in client.events[count:]} == {two}


def test_replay_of_all(client, repository):
    client.initialize(subscribe="all")
    for number in range(4):
        client.wait_turn_end(finish(client, repository, f"task {number}"))
    live = [e for e in client.events if "seq" in e]
    for after in (0, 1, live[len(live) // 2]["seq"], live[-1]["seq"]):
        before = len(client.events)
        newest = client.request("swarm/subscribe", {"after": after})["seq"]
        expected = [e for e in live if e["seq"] > after]
        if expected:
            client.wait(lambda: seqs(client.events[before:])[-1:] == [newest], "the replay")
        assert [e for e in client.events[before:] if "seq" in e] == expected


def test_replay_goes_on_live(client, repository):
    """Ascending, none missing, none twice, while others are working."""
    client.initialize(subscribe="none")
    for number in range(3):
        spawn(client, repository, f"task {number}")
    client.request("swarm/subscribe", {"after": 0})
    last = finish(client, repository, "the last")
    client.wait_turn_end(last)
    client.wait(lambda: len(client.find_events(type="turn", phase="ended")) == 4, "all turns")
    got = seqs(client.events)
    assert got == list(range(1, len(got) + 1))


def test_replay_of_one_agent(client, repository):
    client.initialize(subscribe="none")
    client.request("swarm/subscribe", {})
    ids = [finish(client, repository, f"task {n}") for n in range(2)]
    for agent_id in ids:
        client.wait_turn_end(agent_id)
    live = [e for e in client.events if "seq" in e and e["agentId"] == ids[0]]
    client.request("swarm/unsubscribe", {})
    before = len(client.events)
    client.request("swarm/subscribe", {"agentId": ids[0], "after": 0})
    client.wait(lambda: len(seqs(client.events[before:])) == len(live), "the replay")
    assert [e for e in client.events[before:] if "seq" in e] == live


@pytest.mark.parametrize("whose", ["agentId", "scope"])
def test_the_newest_snapshot_follows_a_replay(start, repository, whose):
    """What is replayed is older than an activity, which has no seq and was told already."""
    with ModelServer([[call("bash", command="sleep 600")]]) as server:
        client = start(config=server.config(mode="full"))
        client.initialize(scope="here")
        agent = spawn(client, repository, scope="here")

        def activity():
            return [e["agent"]["activity"] for e in client.events if e["type"] == "agent"][-1:]

        client.wait(lambda: activity() == ["bash: sleep 600"], "the activity")
        said = len(client.events)
        answer = client.request("swarm/subscribe", {whose: agent["id" if whose == "agentId" else "scope"], "after": 0})
        client.wait(lambda: answer["seq"] in seqs(client.events[said:]), "the replay")
        client.wait(lambda: activity() == ["bash: sleep 600"], "the activity once more")
        assert [e for e in client.events[said:] if e["type"] == "agent" and "seq" in e]


def test_replay_after_a_restart(start, repository):
    with ModelServer(lambda _: [text("Done.")]) as server:
        first = start(config=server.config())
        first.initialize(subscribe="all")
        first.wait_turn_end(finish(first, repository))
        assert first.close() == 0
        old = [e for e in first.events if "seq" in e]
        second = start(config=server.config())
        second.initialize(subscribe="none")
        second.request("swarm/subscribe", {"after": 0})
        second.wait(lambda: len(seqs(second.events)) >= len(old), "the replay")
        assert [e for e in second.events if "seq" in e][:len(old)] == old


def test_events_of_removed_agents_are_replayed(client, repository):
    client.initialize()
    agent_id = finish(client, repository)
    assert client.request("swarm/remove", {"agentId": agent_id}) == {"removed": agent_id}
    client.wait_event(lambda e: e["type"] == "removed" and e["agentId"] == agent_id)
    assert client.request("swarm/list")["agents"] == []
    before = len(client.events)
    newest = client.request("swarm/subscribe", {"after": 0})["seq"]
    client.wait(lambda: seqs(client.events[before:])[-1:] == [newest], "the replay")
    assert seqs(client.events[before:]) == list(range(1, newest + 1))


def test_after_from_another_store_is_a_reset(client, repository):
    client.initialize(subscribe="none")
    agent_id = spawn(client, repository)["id"]
    client.request("swarm/subscribe", {"after": 1000000})
    client.wait_event(lambda e: e["type"] == "agent" and e["agentId"] == agent_id)
    assert client.events[0]["type"] == "reset"
    assert client.events[1]["type"] == "agent"


def test_list_pages(client, repository):
    client.initialize()
    ids = [spawn(client, repository, f"task {n}", scope="ab"[n % 2])["id"] for n in range(5)]
    for agent_id in ids:
        client.wait_state(agent_id, "done")
    got, after = [], None
    while True:
        page = client.request("swarm/list", {"limit": 2, **({"after": after} if after else {})})
        got += [a["id"] for a in page["agents"]]
        after = page.get("next")
        if not after:
            break
    assert got == ids
    listed = client.request("swarm/list", {"scope": "b", "states": ["done", "unknown"]},
                            valid=False)["agents"]
    assert [a["id"] for a in listed] == ids[1::2]
    assert client.request("swarm/list", {"states": ["working"]})["agents"] == []


def test_transcript_pages(start, repository):
    answers = [[call("read", path="README.md")] for _ in range(5)] + [[text("Done.")]]
    with ModelServer(answers) as server:
        client = start(config=server.config())
        client.initialize(subscribe="all")
        agent_id = finish(client, repository)
        client.wait_turn_end(agent_id)
        last = {i["id"]: i for i in items(client, agent_id)}
        everything = sorted(last.values(), key=lambda i: i["seq"])
        whole = client.request("swarm/transcript", {"agentId": agent_id})
        assert whole["items"] == everything
        assert "next" not in whole
        for direction in ("before", "after"):
            got, at = [], {} if direction == "before" else {"after": 0}
            while True:
                page = client.request("swarm/transcript", {"agentId": agent_id, "limit": 2, **at})
                assert 1 <= len(page["items"]) <= 2
                got = page["items"] + got if direction == "before" else got + page["items"]
                if "next" not in page:
                    break
                at = {direction: page["next"]}
            assert got == everything


def test_cancelled_requests_are_answered(client, repository):
    client.initialize()
    agent_id = finish(client, repository)
    request = client.start_request("swarm/transcript", {"agentId": agent_id})
    client.notify("$/cancelRequest", {"id": request})
    try:
        assert client.wait_response(request)["items"]
    except RpcError as error:
        assert error.code == -32800
    request = client.start_request("swarm/spawn", {"task": "x", "cwd": str(repository)})
    client.notify("$/cancelRequest", {"id": request})
    assert client.wait_response(request)["agent"]["id"]


def test_a_client_that_never_reads(start, repository):
    """It costs bounded memory, then it lags; the agents do not notice."""
    agents = 120
    big = "x" * 200000  # 24 MB in all: more than the ring, the connection and the pipe hold
    with ModelServer(lambda _: [text(big, 4)]) as server:
        client = start(config=server.config(), read=False)
        client.send({"id": "first", "method": "initialize",
                     "params": {"capabilities": {}, "initializationOptions": {"subscribe": "all"}}})
        for number in range(agents):
            client.notify("swarm/spawn", {"task": f"task {number}", "cwd": str(repository),
                                          "isolation": "none"})
        server.wait_requests(agents)
        assert client.memory() < 400 << 20  # of which the sanitizers take most
        client.start_reading()
        lagged = client.wait_event(lambda e: e["type"] == "lagged")
        missing = client.find_events(type="item")
        assert missing, "something was written before it lagged"
        seen = seqs(client.events)
        assert seen == list(range(1, len(seen) + 1))
        assert lagged["after"] == seen[-1]
        client.request("swarm/subscribe", {"after": seen[-1]})
        client.wait(lambda: len(client.find_events(type="turn", phase="ended")) == agents,
                    "every turn's end")
        got = seqs(client.events)
        assert got == list(range(1, len(got) + 1))


def test_unread_answers_are_bounded(start, repository):
    """Who asks without reading is not read from any more."""
    client = start(read=False)
    client.send({"id": "first", "method": "initialize", "params": {"capabilities": {}}})
    # Far more answers than may be unread: an error for each of these, with the id of 4000 bytes.
    os.set_blocking(client.process.stdin.fileno(), False)
    sent = 0
    message = client.encode({"jsonrpc": "2.0", "id": "i" * 4000, "method": "no/such"},
                            valid=False)
    quiet_since = time.monotonic()
    pending = message
    while time.monotonic() - quiet_since < 2 and sent < 200 << 20:
        try:
            written = os.write(client.process.stdin.fileno(), pending)
            pending = pending[written:] or message
            sent += written
            quiet_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    assert sent < 64 << 20
    os.set_blocking(client.process.stdin.fileno(), True)
    client.start_reading()
    if pending != message:
        client.send_raw(pending)
    client.request("swarm/list")


def test_a_repeated_request_is_done_once(start, repository):
    with ModelServer(lambda _: [text("Done.")]) as server:
        first = start(config=server.config())
        first.initialize(subscribe="all")
        spawn_params = {"task": "once", "cwd": str(repository), "requestId": "r1"}
        # Together: the later ones meet it while it is under way.
        requests = [first.start_request("swarm/spawn", spawn_params) for _ in range(3)]
        agents = [first.wait_response(r) for r in requests]
        agent_id = agents[0]["agent"]["id"]
        assert {(a["agent"]["id"], a["seq"]) for a in agents} == {(agent_id, agents[0]["seq"])}
        first.wait_state(agent_id, "done")
        send_params = {"agentId": agent_id, "text": "more", "requestId": "r1"}
        sent = first.request("swarm/send", send_params)
        assert sent["delivery"] == "started"
        first.wait(lambda: len(first.find_events(type="turn", phase="ended")) == 2, "both turns")
        assert first.request("swarm/send", send_params) == sent
        assert first.close() == 0

        second = start(config=server.config())
        second.initialize(subscribe="all")
        again = second.request("swarm/spawn", spawn_params)
        assert (again["agent"]["id"], again["seq"]) == (agent_id, agents[0]["seq"])
        assert second.request("swarm/send", send_params) == sent
        assert len(second.request("swarm/list")["agents"]) == 1
        assert len(server.requests) == 2
        # Another id is another request.
        other = second.request("swarm/spawn", {**spawn_params, "requestId": "r2"})
        assert other["agent"]["id"] != agent_id


def test_a_failed_request_may_be_repeated(client, repository, tmp_path):
    client.initialize()
    params = {"task": "x", "requestId": "r"}
    with pytest.raises(RpcError):
        client.request("swarm/spawn", {**params, "cwd": str(tmp_path)})
    assert client.request("swarm/spawn", {**params, "cwd": str(repository)})["agent"]["id"]


def test_requests_under_way_are_bounded(start, repository):
    """Kills wait for a command that does not want to end: the 1025th is one too many."""
    stubborn = "trap '' TERM; echo ready; sleep 600"
    with ModelServer([[call("bash", command=stubborn)]]) as server:
        client = start(config=server.config(mode="full"))
        client.initialize(subscribe="all")
        agent_id = spawn(client, repository)["id"]
        client.wait_event(lambda e: e["type"] == "delta" and "ready" in e["text"])
        requests = [client.start_request("swarm/kill", {"agentId": agent_id}) for _ in range(1025)]
        with pytest.raises(RpcError) as caught:
            client.wait_response(requests[-1])
        assert caught.value.kind == "limit"
        for request in requests[:-1]:
            assert client.wait_response(request)["agent"]["state"] == "killed"
        assert client.request("swarm/get", {"agentId": agent_id})["agent"]["state"] == "killed"


def test_a_long_replay_does_not_lag(start, repository):
    """What falls off the ring while a replay waits for its reader is replayed too."""
    big = "x" * 200000
    with ModelServer(lambda _: [text(big, 4)]) as server:
        client = start(config=server.config(), read=False)
        client.send({"id": "first", "method": "initialize", "params": {
            "capabilities": {}, "initializationOptions": {"subscribe": "none"}}})

        def spawn_many(count):
            for number in range(count):
                client.notify("swarm/spawn", {"task": f"task {number}", "cwd": str(repository),
                                              "isolation": "none"})

        spawn_many(60)
        server.wait_requests(60)
        client.start_request("swarm/subscribe", {"after": 0})
        spawn_many(120)
        server.wait_requests(180)
        client.start_reading()
        client.wait(lambda: len(client.find_events(type="turn", phase="ended")) == 180,
                    "every turn's end")
        got = seqs(client.events)
        assert got == list(range(1, len(got) + 1))
        assert client.find_events(type="lagged") == []
