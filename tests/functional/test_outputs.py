# SPDX-License-Identifier: MIT
"""Large outputs of tools: as they are, cut, or condensed by a model; whole on disk in any case."""
import re
import threading

import pytest
from agents import get, items, spawn
from model_server import Gate, ModelServer, call, gate, status, text, usage

LABEL = re.compile(r"\[summary of (\S+) output \((\d+) -> (\d+) chars\); whole output: (output:i\d+)\]\n")
LINES = "for i in $(seq 1 {lines}); do echo \"line $i of a build that says much\"; done"
# 4,000 lines of some 38 bytes; an error in the middle, and an exit code
BUILD = (LINES.format(lines=2000) + "; echo 'src/parse.c:77: error: the bracket'; " +
         LINES.format(lines=2000) + "; echo THE END; exit 3")


def is_summary(request):
    return "tools" not in request.body


def system(request):
    return request.messages[0]["content"]


def asked(request):
    return request.messages[1]["content"]


class Model:
    """Runs one command, then is done; condenses by `condense`, a function of the request."""

    def __init__(self, command=BUILD, condense=lambda request: [text("one error: the bracket"), usage(1000, 10)]):
        self.command, self.condense = command, condense
        self.summaries = []
        self.lock = threading.Lock()

    def __call__(self, request):
        if is_summary(request):
            with self.lock:
                self.summaries.append(request)
            return self.condense(request)
        if request.results:
            return [text("done"), usage(500, 5)]
        command = self.command
        return [call("bash", command=command) if isinstance(command, str) else command, usage(100, 5)]


@pytest.fixture
def run(swarm):
    def make(model, states=("done",), spawn_with=None, **config):
        client, server = swarm(model, **config)
        agent = spawn(client, "mend THE PARSER", **(spawn_with or {}))
        done = client.wait_state(agent["id"], *states)
        return client, server, done

    return make


def result(client, agent):
    return items(client, agent, "tool")[0]


def test_a_large_output_is_condensed(run):
    model = Model()
    client, server, agent = run(model)
    tool = result(client, agent)
    label = LABEL.match(tool["output"])
    assert label and label[1] == "bash" and label[4] == f"output:{tool['id']}"
    assert int(label[2]) == tool["bytes"] == len("line of a build that says much\n") * 4000 + \
        2 * sum(1 + len(str(i)) for i in range(1, 2001)) + len("src/parse.c:77: error: the bracket\nTHE END\n")
    summary = tool["output"][label.end():]
    assert int(label[3]) == summary.index("\n[the first error")
    assert summary.count("one error: the bracket") == len(model.summaries) > 1
    # word for word: the first error, the last 40 lines, the exit code
    assert "[the first error, at line 2001:]\nsrc/parse.c:77: error: the bracket\n" in summary
    last = "".join(f"line {i} of a build that says much\n" for i in range(1962, 2001)) + "THE END\n"
    assert summary.endswith("[the last lines:]\n" + last + "[exit code 3]\n")
    assert tool["exitCode"] == 3 and tool["status"] == "failed"
    assert server.requests[-1].results[0]["content"] == "Error: " + tool["output"]


WIDE = "for i in $(seq 1 {lines}); do echo " + 19 * "\u6f22\u5b57" + "; done"  # lines of 39 characters


def test_characters_count_not_bytes(run):
    client, _, agent = run(Model(WIDE.format(lines=150)))
    output = result(client, agent)["output"]
    assert len(output) == 150 * 39 < 6000 < len(output.encode()) and "left out" not in output


def test_below_50000_characters_nothing_is_condensed(run):
    model = Model(WIDE.format(lines=1200))
    client, _, agent = run(model)
    output = result(client, agent)["output"]
    assert " bytes are left out here; " in output and 5500 < len(output) < 6500
    assert not model.summaries


def test_characters_of_a_summary_count_not_bytes(run):
    model = Model(condense=lambda request: [text(4000 * "\u6f22"), usage(10, 1)])
    client, _, agent = run(model)
    assert result(client, agent)["output"].count("\u6f22") == 8000 and len(model.summaries) == 2


def test_what_the_model_is_asked(run):
    model = Model()
    client, _, agent = run(model)
    by_part = sorted(model.summaries, key=lambda r: int(re.search(r"part (\d+) of", asked(r))[1]))
    assert [re.search(r"part (\d+ of \d+)", asked(r))[1] for r in by_part] == ["1 of 2", "2 of 2"]
    whole = "".join(re.split(r"This is what it gave, part \d of 2:\n\n", asked(r))[1] for r in by_part)
    assert whole.startswith("line 1 of") and whole.endswith("THE END\n")
    assert whole.count("\n") == 4002  # nothing is left out, and no line is cut
    for request in by_part:
        assert "mend THE PARSER" in asked(request) and "It called bash: " in asked(request)
        assert "what the agent needs" in system(request)
        for word in ("errors", "warnings", "counts", "names", "Use at most 6000 characters"):
            assert word in system(request)


def test_pieces_are_condensed_side_by_side(swarm):
    gates = [Gate(), Gate()]
    waiting = list(gates)
    lock = threading.Lock()

    def condense(_):
        with lock:
            mine = waiting.pop()
        return [gate(mine), text("part"), usage(10, 1)]

    client, server = swarm(Model(condense=condense))
    agent = spawn(client)
    for it in gates:  # both are under way before one is answered
        it.wait_reached()
    activity = get(client, agent)["agent"]["activity"]
    assert activity.startswith("bash: condensing its output")
    for it in gates:
        it.open()
    client.wait_state(agent["id"], "done")
    assert LABEL.match(result(client, agent)["output"])


def test_what_it_costs_is_the_agents(run):
    prices = ("{scripted/scripted: {price: {input: 1, output: 10}},"
              " scripted/cheap: {price: {input: 0.1, output: 1}}}")
    model = Model()
    client, _, agent = run(model, models=prices, summary_model="scripted/cheap")
    assert [r.body["model"] for r in model.summaries] == ["cheap", "cheap"]
    used = get(client, agent)["agent"]["usage"]
    assert used["inputTokens"] == 100 + 2 * 1000 + 500
    assert used["outputTokens"] == 5 + 2 * 10 + 5
    assert abs(used["costUsd"] - (600 * 1 + 10 * 10 + 2000 * 0.1 + 20 * 1) / 1e6) < 1e-9
    assert used["contextUsed"] == 505  # of its own last request, not of these
    told = client.find_events(type="request")
    assert [(e["model"], e["step"]) for e in told] == [
        ("scripted", 1), ("cheap", 0), ("cheap", 0), ("scripted", 2)]


def test_long_answers_are_condensed_again_and_then_cut(run):
    rounds = []

    def condense(request):
        again = "summaries of the parts" in asked(request)
        rounds.append(again)
        return [text("words that do not end " * 800, pieces=5), usage(10, 10)]

    client, _, agent = run(Model(condense=condense))
    assert rounds == [False, False, True, True]  # two pieces, then one, twice: three rounds
    label = LABEL.match(result(client, agent)["output"])
    assert 10000 < int(label[3]) <= 12000
    assert "bytes are left out here" in result(client, agent)["output"]


def test_a_short_answer_ends_it_after_the_second_round(run):
    def condense(request):
        again = "summaries of the parts" in asked(request)
        return [text("SHORT" if again else "long " * 1500, pieces=5), usage(10, 10)]

    model = Model(condense=condense)
    client, _, agent = run(model)
    assert len(model.summaries) == 3
    assert "[part 1 of 2]\nlong long" in asked(model.summaries[-1])
    assert LABEL.sub("", result(client, agent)["output"]).startswith("SHORT\n")


@pytest.mark.parametrize("answer, why", [
    ([text(" ")], "the model gave no answer"),
    (status(400, "no such thing"), "no such thing"),
])
def test_without_a_summary_it_is_cut(run, answer, why):
    client, _, agent = run(Model(condense=lambda _: answer))
    output = result(client, agent)["output"]
    assert output.startswith("line 1 of a build") and "bytes are left out here; all of it" in output
    assert "src/parse.c:77: error: the bracket" in output and "THE END\n[exit code 3]\n" in output
    assert "[there is no summary of it: " in output and why in output
    assert len(output) < 8000
    assert agent["stopReason"] == "endTurn"


def test_no_summary_is_paid_for_when_the_budget_is_used_up(run):
    model = Model()
    client, server, agent = run(model, budgets="{agent: {tokens: 50}}")
    assert agent["stopReason"] == "budget" and model.summaries == []
    output = result(client, agent)["output"]
    assert output.startswith("line 1 of a build") and "no budget" in output


def test_sizes_by_tool_and_role(swarm, tmp_path):
    roles = tmp_path / "roles"
    roles.mkdir()
    (roles / "reader.yaml").write_text(
        "outputs: {whole: 40000, tools: {bash: {cut: 1000000}}}\nsummary_model: scripted/other\n")
    (roles / "brief.yaml").write_text(
        "outputs: {cut: 1000, summary: 600}\nsummary_model: scripted/other\n")
    model = Model(LINES.format(lines=900), condense=lambda _: [text("x" * 100), usage(1, 1)])
    client, _ = swarm(model, outputs="{tools: {bash: {whole: 50000}, grep: {whole: 500}}}")
    wholes = {}
    for role in ("brief", "reader"):
        agent = spawn(client, role=role)
        client.wait_state(agent["id"], "done")
        wholes[role] = result(client, agent)
    assert wholes["brief"]["output"].count("\n") == 900  # a tool's own size: smaller than that
    assert wholes["reader"]["output"].count("\n") == 900 and model.summaries == []
    model.command = LINES.format(lines=2000)
    agent = spawn(client, role="brief")
    client.wait_state(agent["id"], "done")
    assert LABEL.match(result(client, agent)["output"])
    assert {r.body["model"] for r in model.summaries} == {"other"}
    assert "Use at most 600 characters" in system(model.summaries[0])
    agent = spawn(client, role="reader")
    client.wait_state(agent["id"], "done")
    assert len(model.summaries) == 1 and "bytes are left out" in result(client, agent)["output"]
    assert 37000 < len(result(client, agent)["output"]) < 42000


def test_summaries_can_be_turned_off(run):
    model = Model()
    client, _, agent = run(model, outputs="{summary: off}")
    assert model.summaries == [] and "no summary" not in result(client, agent)["output"]


def test_cancelled_while_it_is_condensed(swarm):
    hold = Gate()
    client, server = swarm(Model(condense=lambda _: [gate(hold), text("late")]))
    agent = spawn(client)
    hold.wait_reached()
    client.request("swarm/cancel", {"agentId": agent["id"]})
    ended = client.wait_turn_end(agent["id"])
    assert ended["stopReason"] == "cancelled"
    output = result(client, agent)["output"]
    assert output.startswith("line 1 of a build") and output.endswith("[exit code 3]\n")
    for request in server.requests[1:]:
        assert request.disconnected.wait(20)
    hold.open()
    client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
    client.wait_event(lambda e: e["type"] == "agent" and e["agent"]["state"] == "done" and
                      e["agent"]["usage"]["turns"] == 2)


def test_killed_while_it_is_condensed(restarts):
    hold = Gate()
    connect, server = restarts(Model(condense=lambda _: [gate(hold), text("late")]))
    client = connect()
    agent = spawn(client)
    hold.wait_reached()
    client.kill()
    client = connect()
    client.request("swarm/resume", {"agentId": agent["id"]})
    client.wait_state(agent["id"], "done")
    tool = result(client, agent)
    assert tool["status"] == "failed" and "was not run again" in tool["output"]
    assert f"output:{tool['id']}" in tool["output"]  # what it had printed is there
    assert server.requests[-1].results[0]["content"] == "Error: " + tool["output"]


def test_of_a_huge_output_a_part_is_read(run):
    command = LINES.format(lines=9000) + "; echo 'x.c:1: error: rare'; " + LINES.format(lines=9000)
    model = Model(command)
    client, server, agent = run(model, outputs="{read: 100000}")
    label = LABEL.match(result(client, agent)["output"])
    assert label and int(label[2]) > 600000  # the size of all of it
    assert sum(len(asked(r)) for r in model.summaries) < 110000
    everything = "".join(asked(r) for r in model.summaries)
    assert "1 lines among them look like errors:]\n[line 9001] x.c:1: error: rare\n" in everything
    assert "line 1 of a build" in everything and "line 9000 of a build" in everything


def test_the_handle_reads_and_searches_the_whole(swarm):
    def model(request):
        if is_summary(request):
            return [text("short")]
        step = request.turns
        handle = LABEL.search(request.messages[3]["content"])[4] if step else None
        return [[call("bash", command=BUILD)],
                [call("read", path=handle, offset=2001, limit=1)],
                [call("grep", path=handle, pattern="line 1234 of")],
                [text("done")]][step]

    client, server = swarm(model)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    _, read, found = items(client, agent, "tool")
    assert "src/parse.c:77: error: the bracket" in read["output"]
    assert found["output"].count("line 1234 of a build") == 2


def test_a_summary_model_of_another_provider(start, repository):
    """Its requests wait with that provider, not among those to the agent's own."""
    model = Model(LINES.format(lines=20000))
    with ModelServer(model) as server, ModelServer(model.condense) as other:
        config = server.config(summary_model="other/small",
                               models="{other/small: {context: 16000}}")  # so that there are many pieces
        client = start(config=config + '  other: {kind: openai-chat, concurrency: 2, '
                                       f'base_url: "{other.base_url}"}}\n')
        client.initialize(root=repository)
        agent = spawn(client)
        client.wait_state(agent["id"], "done")
        assert model.summaries == [] and len(other.requests) > 16
        assert {r.body["model"] for r in other.requests} == {"small"} and other.refused == []
    assert LABEL.match(result(client, agent)["output"])
    assert get(client, agent)["agent"]["usage"]["inputTokens"] == 600 + 1000 * len(other.requests)
