# SPDX-License-Identifier: MIT
"""The agent loop: turns, tool calls, limits, cancel and kill, against a scripted model."""

import subprocess

import pytest
from agents import items, spawn, worktree
from client import RpcError
from model_server import Gate, call, finish, gate, reasoning, stall, status, text


def item_started(client, kind, name=None):
    return client.wait_event(lambda e: e["type"] == "item" and e["item"]["kind"] == kind
                             and e["item"]["status"] == "started"
                             and name in (None, e["item"].get("name")))["item"]


def test_a_turn_with_tools_from_task_to_done(swarm, repository):
    client, server = swarm([
        [text("Let me look. "), call("read", path="README.md")],
        [call("write", path="src/new.txt", content="new\n")],
        [text("All done.")]])
    agent = spawn(client, "write a file")
    done = client.wait_state(agent["id"], "done")
    assert done["stopReason"] == "endTurn"
    assert done["error"] is None and done["activity"] is None
    assert done["usage"]["turns"] == 1 and done["usage"]["toolCalls"] == 2
    assert done["usage"]["inputTokens"] > 0 and done["usage"]["contextUsed"] > 0
    assert (worktree(done) / "src/new.txt").read_text() == "new\n"
    assert not (repository / "src").exists()
    kinds = [(i["kind"], i["status"]) for i in items(client, agent)]
    assert kinds == [("user", "completed"), ("assistant", "completed"),
                     ("tool", "completed"), ("tool", "completed"), ("assistant", "completed")]
    assert "A repository" in server.requests[1].results[0]["content"]
    assert client.close() == 0


def test_the_users_tree_is_untouched_and_git_sees_the_worktree(swarm, repository):
    def git(*args, at=repository):
        return subprocess.run(["git", *args], cwd=at, check=True, text=True,
                              capture_output=True).stdout

    (repository / "README.md").write_text("changed by the person\n")
    before = (git("status", "--porcelain"), git("rev-parse", "HEAD"),
              (repository / ".git/index").read_bytes())
    client, _ = swarm([[call("write", path="README.md", content="by the agent\n")],
                       [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    assert before == (git("status", "--porcelain"), git("rev-parse", "HEAD"),
                      (repository / ".git/index").read_bytes())
    assert agent["branch"] in git("branch", "--list", "swarm/*")
    assert git("status", "--porcelain", at=worktree(agent)).split() == ["M", "README.md"]
    assert len(git("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("sandbox", [True, False])
def test_commits_come_into_the_repository_and_nothing_else_does(swarm, repository, sandbox):
    def git(*args, at=repository):
        return subprocess.run(["git", *args], cwd=at, check=True, text=True,
                              capture_output=True).stdout

    files = ("config", "HEAD", "index")
    before = [(repository / ".git" / name).read_bytes() for name in files]
    commit = "git add . && git commit -qm 'by the agent' && git log --oneline -1"
    client, _ = swarm([
        [call("write", path="a.txt", content="1\n"), call("bash", command=commit)],
        [call("bash", command="git config core.fsmonitor true; git checkout -qb more && "
                              "git commit -q --allow-empty -m more")],
        [text("done")]], sandbox=f"{{enabled: {str(sandbox).lower()}}}")
    agent = client.wait_state(spawn(client, mode="full")["id"], "done")
    assert git("log", "--format=%s", "-2", agent["branch"]).split("\n")[:2] == ["more", "by the agent"]
    assert git("show", agent["branch"] + ":a.txt") == "1\n"
    assert before == [(repository / ".git" / name).read_bytes() for name in files]
    assert "more" not in git("branch", "--list").split()
    notices = [item["text"] for item in items(client, agent, "notice")]
    assert any("put back: config" in notice for notice in notices) != sandbox
    assert git("config", "core.fsmonitor", at=worktree(agent)) == "false\n"


def test_reads_run_in_parallel_and_writes_in_order(swarm, repository):
    client, server = swarm([
        [call("read", path="README.md"), call("grep", pattern="repository"), call("list"),
         call("write", path="a.txt", content="1"),
         call("edit", path="a.txt", edits=[{"old_text": "1", "new_text": "2"}]),
         call("read", path="a.txt")],
        [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    assert (worktree(agent) / "a.txt").read_text() == "2"
    results = {r["tool_call_id"]: r["content"] for r in server.requests[1].results}
    assert sorted(results) == [f"call_0_{i}" for i in range(6)]
    assert "2" in results["call_0_5"]
    assert all(t["status"] == "completed" for t in items(client, agent, "tool"))


@pytest.mark.parametrize("arguments, says, shown", [
    ('{"path": "README.md"', "read", '{"path": "README.md"'), ("[]", "object", "[]"),
    ('"x"', "object", '"x"'), ('{"path": 7}', "path", {"path": 7}), ("{}", "path", {}),
    ("", "path", {})])
def test_malformed_arguments_go_back_to_the_model(swarm, arguments, says, shown):
    client, server = swarm([[call("read", arguments)], [text("I see.")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    (tool,) = items(client, agent, "tool")
    assert tool["status"] == "failed"
    assert tool["input"] == shown  # what the model wrote, an object where it is one
    assert says in server.requests[1].results[0]["content"]


def test_an_unknown_tool_is_named_with_those_there_are(swarm):
    client, server = swarm([[call("rocket", to="moon")], [text("Sorry.")]])
    client.wait_state(spawn(client)["id"], "done")
    answer = server.requests[1].results[0]["content"]
    assert "rocket" in answer and "bash" in answer


def test_a_path_outside_is_refused_by_name(swarm, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    client, server = swarm([[call("read", path=str(secret)),
                             call("write", path="../../escape.txt", content="x")],
                            [text("done")]])
    client.wait_state(spawn(client)["id"], "done")
    results = [r["content"] for r in server.requests[1].results]
    assert str(secret) in results[0] and results[0] != "secret"
    assert "../../escape.txt" in results[1]
    assert not list(tmp_path.rglob("escape.txt"))


def test_step_limit(swarm):
    client, server = swarm(lambda request: [call("list")], step_limit=3)
    agent = client.wait_state(spawn(client)["id"], "done")
    assert agent["stopReason"] == "maxSteps"
    assert len(server.requests) == 3
    assert any(i["kind"] == "notice" and "3 steps" in i["text"]
               for i in items(client, agent))


def test_limits_of_one_agent(swarm):
    client, server = swarm(lambda request: [call("list")])
    agent = client.wait_state(spawn(client, limits={"steps": 2})["id"], "done")
    assert agent["stopReason"] == "maxSteps" and len(server.requests) == 2
    agent = client.wait_state(spawn(client, limits={"tokens": 1})["id"], "done")
    assert agent["stopReason"] == "budget" and len(server.requests) == 3


def test_a_turn_without_progress_ends(swarm):
    client, _ = swarm([[text("I think"), stall()]], turn_idle_seconds=1, stall_seconds=60)
    agent = client.wait_state(spawn(client)["id"], "done")
    assert agent["stopReason"] == "timeout"
    assert "no progress for 1 s" in agent["error"]["message"]
    (answer,) = items(client, agent, "assistant")
    assert answer["status"] == "failed" and "I think" in answer["text"]


def test_the_whole_turns_limit(swarm):
    client, _ = swarm([[text("I think"), stall()]])
    agent = client.wait_state(spawn(client, limits={"seconds": 1})["id"], "done")
    assert agent["stopReason"] == "timeout"


def test_cancel_in_the_middle_of_a_stream_keeps_the_text(swarm):
    here = Gate()
    client, server = swarm([[text("One two "), gate(here), text("three")], [text("Again.")]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta" and "two" in e["text"])
    answer = client.request("swarm/cancel", {"agentId": agent["id"]})["agent"]
    assert answer["state"] == "done" and answer["stopReason"] == "cancelled"
    assert server.requests[0].disconnected.wait(10)
    (said,) = items(client, agent, "assistant")
    assert said["status"] == "failed" and said["text"] == "One two "
    sent = client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
    assert sent["delivery"] == "started"
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "Again.")
    said = [m["content"] for m in server.requests[1].messages if m["role"] == "assistant"]
    assert said == ["One two "]


def test_a_failed_provider_is_said_and_resume_goes_on(swarm):
    client, server = swarm([status(400, "no such model"), [text("Now it works.")]])
    agent = client.wait_state(spawn(client)["id"], "failed")
    assert agent["stopReason"] == "error" and agent["error"]["kind"] == "provider"
    assert "no such model" in agent["error"]["message"]
    resumed = client.request("swarm/resume", {"agentId": agent["id"]})["agent"]
    assert resumed["error"] is None
    client.wait_state(agent["id"], "done")
    tasks = [m for m in server.requests[1].messages if m["role"] == "user"]
    assert len(tasks) == 1  # the task is not sent again


def test_finish_reasons_and_reasoning(swarm):
    client, _ = swarm({"long": [[text("cut"), finish("length")]],
                       "bad": [[finish("content_filter")]],
                       "think": [[reasoning("hm hm"), text("yes")]]})
    assert client.wait_state(spawn(client, "long")["id"], "done")["stopReason"] == "maxTokens"
    refused = client.wait_state(spawn(client, "bad")["id"], "done", "failed")
    assert refused["stopReason"] == "refused"
    agent = client.wait_state(spawn(client, "think")["id"], "done")
    said = [(i["kind"], i["text"]) for i in items(client, agent)
            if i["kind"] in ("reasoning", "assistant")]
    assert said == [("reasoning", "hm hm"), ("assistant", "yes")]


def test_messages_to_a_busy_agent_wait_and_are_not_lost(swarm):
    here = Gate()
    client, server = swarm([[text("busy "), gate(here)], [text("second")]])
    agent = spawn(client)
    here.wait_reached()
    first = client.request("swarm/send", {"agentId": agent["id"], "text": "and this"})
    second = client.request("swarm/send", {"agentId": agent["id"], "text": "and that"})
    assert (first["delivery"], first["position"]) == ("queued", 1)
    assert (second["delivery"], second["position"]) == ("queued", 2)
    got = client.request("swarm/get", {"agentId": agent["id"]})
    assert [m["text"] for m in got["queue"]] == ["and this", "and that"]
    here.open()
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "second"
                      and e["item"]["status"] == "completed")
    users = items(client, agent, "user")
    assert [u["id"] for u in users[1:]] == [first["itemId"], second["itemId"]]
    assert [m["content"] for m in server.requests[1].messages if m["role"] == "user"][-1]
    assert len(server.requests) == 2


def test_steer_goes_in_at_the_next_tool_boundary(swarm):
    here = Gate()
    client, server = swarm([[call("list"), gate(here)], [text("ok")]])
    agent = spawn(client)
    here.wait_reached()
    sent = client.request("swarm/send", {"agentId": agent["id"], "text": "be quick",
                                         "delivery": "steer"})
    assert sent["delivery"] == "steered"
    here.open()
    done = client.wait_state(agent["id"], "done")
    assert done["usage"]["turns"] == 1
    roles = [m["role"] for m in server.requests[1].messages]
    assert roles[-2:] == ["tool", "user"]


def test_interrupt_ends_the_turn_and_begins_the_next(swarm):
    client, server = swarm([[text("wrong way "), stall()], [text("right way")]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta")
    client.request("swarm/send", {"agentId": agent["id"], "text": "no, the other",
                                  "delivery": "interrupt"})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "right way"
                      and e["item"]["status"] == "completed")
    ends = [e["stopReason"] for e in client.find_events(type="turn", phase="ended")]
    assert ends[0] == "cancelled"


def test_remove_refuses_work_unless_forced(swarm, repository):
    client, _ = swarm([[call("write", path="a.txt", content="work")], [text("done")]])
    agent = client.wait_state(spawn(client)["id"], "done")
    with pytest.raises(RpcError) as error:
        client.request("swarm/remove", {"agentId": agent["id"]})
    assert error.value.kind == "dirty" and "1 uncommitted" in error.value.message
    assert (worktree(agent) / "a.txt").exists()
    removed = client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert removed["removed"] == agent["id"]
    client.wait_event(lambda e: e["type"] == "removed" and e["agentId"] == agent["id"])
    assert not worktree(agent).exists()
    branches = subprocess.run(["git", "branch"], cwd=repository, capture_output=True, text=True)
    assert "swarm/" not in branches.stdout
    with pytest.raises(RpcError) as error:
        client.request("swarm/get", {"agentId": agent["id"]})
    assert error.value.kind == "unknownAgent"


def test_remove_of_a_running_agent_needs_force(swarm):
    client, _ = swarm([[text("busy "), stall()]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "delta")
    with pytest.raises(RpcError) as error:
        client.request("swarm/remove", {"agentId": agent["id"]})
    assert error.value.kind == "wrongState"
    assert client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert client.request("swarm/list", {})["agents"] == []


@pytest.mark.parametrize("setup, kind, says", [
    ("mkdir plain && cd plain", "repository", "plain"),
    ("git init -q --bare bare && cd bare", "repository", "bare"),
    ("git init -q empty && cd empty", "repository", "commit")])
def test_places_where_no_agent_can_work(swarm, tmp_path, setup, kind, says):
    where = subprocess.run(f"{setup} && pwd", shell=True, cwd=tmp_path, capture_output=True,
                           text=True, check=True).stdout.strip()
    client, _ = swarm([])
    with pytest.raises(RpcError) as error:
        spawn(client, cwd=where)
    assert error.value.code == -32803 and error.value.kind == kind
    assert says in error.value.message


def test_bad_parameters_of_spawn(swarm):
    client, _ = swarm([])
    for params, says in [({"task": "  "}, "task"), ({"task": "x", "mode": "god"}, "mode"),
                         ({"task": "x", "model": "nonsense"}, "model"),
                         ({"task": "x", "isolation": "jail"}, "isolation"), ({}, "task")]:
        with pytest.raises(RpcError) as error:
            client.request("swarm/spawn", params, valid=says == "model")
        assert error.value.code == -32602 and says in error.value.message, params
    with pytest.raises(RpcError) as error:
        spawn(client, base="no-such-branch")
    assert error.value.kind == "repository" and "no-such-branch" in error.value.message
    with pytest.raises(RpcError) as error:
        spawn(client, model="nobody/model")
    assert "nobody" in error.value.message


def test_isolation_none_works_in_the_repository_and_says_so(swarm, repository):
    client, _ = swarm([[call("write", path="here.txt", content="x")], [text("done")]],
                      sandbox="{enabled: false}")
    agent = client.wait_state(spawn(client, isolation="none")["id"], "done")
    assert (repository / "here.txt").exists() and agent["branch"] is None
    notices = [i["text"] for i in items(client, agent, "notice")]
    assert any("not sandboxed" in n for n in notices)
    assert any("isolation" in n and str(repository) in n for n in notices)
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert (repository / "here.txt").exists()


def test_places_for_active_agents(swarm):
    here = Gate()
    client, _ = swarm(lambda request: [text("x "), gate(here)], max_active=2)
    agents = [spawn(client, f"task {i}") for i in range(4)]
    client.wait_state(agents[0]["id"], "working")
    client.wait_state(agents[1]["id"], "working")
    states = [a["state"] for a in client.request("swarm/list", {})["agents"]]
    assert states.count("queued") == 2
    here.open()
    for agent in agents:
        client.wait_state(agent["id"], "done")
