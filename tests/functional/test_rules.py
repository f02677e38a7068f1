# SPDX-License-Identifier: MIT
"""Rules of what agents may do: from the file, roles, agents and answers; and what is kept of it all."""

import functools
import json
import os
import sqlite3
import subprocess

import agents
import pytest
from agents import worktree
from client import RpcError, binary
from model_server import call, text

ask = functools.partial(agents.spawn, mode="ask")


def approvals(client, **params):
    return client.request("swarm/approvals", params)["approvals"]


def answer(client, approval, decision="allow", **params):
    return client.request("swarm/approve", {"approvalId": approval["id"], "decision": decision,
                                            **params})["approval"]


def wait_approvals(client, count):
    return client.wait(lambda: (lambda a: a if len(a) == count else None)(approvals(client)),
                       f"{count} open approvals")


def audit(client, **params):
    return client.request("swarm/audit", params)["entries"]


def results(request):
    """What the model got back, in the order of its calls."""
    return [r["content"] for r in sorted(request.results, key=lambda r: r["tool_call_id"])]


def actions(client, agent):
    return [(e["action"], e.get("tool")) for e in audit(client, agentId=agent["id"])]


# --- rules of the file, of roles, of agents ---

def test_rules_of_the_file_and_of_the_agent(swarm):
    client, server = swarm([[call("bash", command="echo one && echo two"),
                             call("bash", command="rm -rf docs"),
                             call("write", path="docs/a.txt", content="x"),
                             call("write", path="b.txt", content="x")], [text("done")]],
                           permissions={"allow": ["bash(echo *)"], "deny": ["bash(rm *)"]})
    agent = ask(client, permissions={"allow": ["write(docs/**)"], "deny": ["edit(b.*)"]})
    done = client.wait_state(agent["id"], "done", "waiting")
    assert done["state"] == "done"
    ran, denied, written, refused = results(server.requests[1])
    assert "one\ntwo" in ran
    assert "not allowed" in denied and "bash(rm *)" in denied and "configuration" in denied
    assert "created docs/a.txt" in written
    assert "not allowed" in refused and "edit(b.*)" in refused
    assert (worktree(done) / "docs/a.txt").exists() and not (worktree(done) / "b.txt").exists()
    assert actions(client, agent) == [("denied", "bash"), ("denied", "write"), ("started", "bash"),
                                      ("ended", "bash"), ("started", "write"), ("ended", "write")]


@pytest.mark.parametrize("mode", ["full", "edit", "ask"])
def test_deny_wins_in_every_mode(swarm, mode):
    client, server = swarm([[call("bash", command="true; git push origin")], [text("done")]],
                           permissions={"deny": ["bash(git push*)"], "allow": ["bash"]})
    client.wait_state(agents.spawn(client, mode=mode)["id"], "done")
    assert "not allowed" in server.requests[1].results[0]["content"]


def test_a_rule_may_ask_even_in_mode_full(swarm):
    client, _ = swarm([[call("bash", command="touch kept")], [text("done")]],
                      permissions={"ask": ["bash(touch *)"]})
    agent = agents.spawn(client)
    client.wait_state(agent["id"], "waiting")
    (asked,) = approvals(client)
    assert "bash(touch *)" in asked["why"]
    answer(client, asked)
    assert (worktree(client.wait_state(agent["id"], "done")) / "kept").exists()


@pytest.mark.parametrize("permissions, says", [
    ({"deny": ["bsh(x)"]}, "deny[0]: the rule 'bsh(x)' names no tool"),
    ({"deny": "bash"}, "deny: expected an array"),
    ({"forbid": []}, "allow, ask and deny")])
def test_wrong_rules_of_an_agent_are_explained(swarm, permissions, says):
    client, _ = swarm([])
    with pytest.raises(RpcError) as error:
        client.request("swarm/spawn", {"task": "x", "permissions": permissions}, valid=None)
    assert error.value.code == -32602 and says in error.value.message


def test_a_child_never_has_more_rights_than_its_parent(swarm):
    script = {"parent": [[text("done")]],
              "heir": [[text("done")]],
              "child": [[call("bash", command="touch a"), call("write", path="b", content="x"),
                         call("bash", command="echo 1")], [text("done")]]}
    client, server = swarm(script)
    parent = ask(client, task="parent", permissions={"allow": ["bash(echo *)"], "deny": ["write"]})
    client.wait_state(parent["id"], "done")
    child = agents.spawn(client, task="child", mode="full", parent=parent["id"],
                         permissions={"allow": ["bash", "write"]})
    assert child["mode"] == "ask" and child["parentId"] == parent["id"]
    client.wait_state(child["id"], "waiting")
    # Also when its parent is gone.
    client.request("swarm/remove", {"agentId": parent["id"], "force": True})
    (asked,) = approvals(client)
    assert asked["title"] == "bash: touch a" and "parent" in asked["why"]
    answer(client, asked, "reject")
    client.wait_state(child["id"], "done")
    rejected, denied, ran = results(server.requests[-1])
    assert "rejected" in rejected and "not allowed" in denied and "1\n" in ran
    heir = agents.spawn(client, task="heir", mode=None, parent=child["id"])
    assert heir["mode"] == "ask"


def test_a_parent_that_only_reads_has_children_that_only_read(swarm):
    client, server = swarm({"p": [[text("done")]],
                            "c": [[call("write", path="b", content="x")], [text("done")]]})
    parent = agents.spawn(client, task="p", mode="read")
    client.wait_state(parent["id"], "done")
    child = agents.spawn(client, task="c", mode="full", parent=parent["id"])
    done = client.wait_state(child["id"], "done")
    assert done["mode"] == "read" and not (worktree(done) / "b").exists()


def test_rights_survive_a_restart(restarts):
    script = {"parent": [[text("done")]],
              "child": [[text("ready")], [call("write", path="core/a", content="x"),
                                          call("write", path="b", content="x"),
                                          call("bash", command="make")], [text("done")]]}
    connect, server = restarts(script)
    client = connect()
    parent = agents.spawn(client, task="parent", permissions={"deny": ["write(core/)"]})
    client.wait_state(parent["id"], "done")
    child = agents.spawn(client, task="child", parent=parent["id"],
                         permissions={"deny": ["bash(make *)"]})
    client.wait_state(child["id"], "done")
    client.kill()
    client = connect()
    seen = len(client.events)
    client.request("swarm/send", {"agentId": child["id"], "text": "go on"})
    client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended", start=seen)
    denied, written, stopped = results(server.requests[-1])
    assert "of its parent" in denied and "created b" in written and "of the agent" in stopped


# --- answers that are kept ---

def test_an_answer_holds_for_every_agent_of_the_repository_until_it_is_revoked(restarts):
    step = [call("bash", command="git commit --allow-empty -qm x")]
    connect, _ = restarts({"one": [step, [text("done")]], "two": [step, [text("done")]],
                           "three": [step, [text("done")]]})
    client = connect()
    one = ask(client, task="one")
    client.wait_state(one["id"], "waiting")
    (asked,) = approvals(client)
    assert asked["remember"] == {"allow": ["bash(git commit *)"], "reject": ["bash(git commit *)"]}
    answer(client, asked, "allowAlways")
    client.wait_state(one["id"], "done")
    client.kill()
    client = connect()
    (rule,) = client.request("swarm/rules")["rules"]
    assert (rule["effect"], rule["rule"]) == ("allow", "bash(git commit *)")
    assert rule["repository"] == one["repository"] and rule["by"]
    assert client.request("swarm/rules", {"repository": "/elsewhere"})["rules"] == []
    two = ask(client, task="two")
    assert client.wait_state(two["id"], "done", "waiting")["state"] == "done"
    assert "a person's answer" in audit(client, agentId=two["id"])[0]["why"]
    assert client.request("swarm/rules", {"revoke": rule["id"]})["rules"] == []
    with pytest.raises(RpcError) as error:
        client.request("swarm/rules", {"revoke": rule["id"]})
    assert error.value.code == -32602 and str(rule["id"]) in error.value.message
    client.kill()
    client = connect()
    assert client.request("swarm/rules")["rules"] == []
    three = ask(client, task="three")
    client.wait_state(three["id"], "waiting")
    noted = [e for e in audit(client) if e.get("ruleId") == rule["id"]]
    assert [e["action"] for e in noted] == ["remembered", "revoked"] and noted[1]["by"]


def test_an_answer_that_is_kept_answers_the_same_question_of_others(swarm):
    client, _ = swarm({word: [[call("bash", command=f"echo {word}")], [text("done")]]
                       for word in ("one", "two", "three")})
    working = [ask(client, task=word) for word in ("one", "two", "three")]
    asked = wait_approvals(client, 3)
    answer(client, asked[1], "allowAlways")
    for agent in working:
        client.wait_state(agent["id"], "done")
    assert approvals(client) == []


def test_what_cannot_be_understood_is_asked_and_not_remembered(swarm):
    client, _ = swarm([[call("bash", command="case x in x) echo hi;; esac")],
                       [call("bash", command="case x in x) echo hi;; esac")], [text("done")]],
                      permissions={"allow": ["bash(*)"]})
    agent = ask(client)
    for _ in range(2):
        (asked,) = wait_approvals(client, 1)
        assert asked["remember"]["allow"] == []
        answer(client, asked, "allowAlways")
        client.wait(lambda: asked["id"] not in [a["id"] for a in approvals(client)], "closed")
    client.wait_state(agent["id"], "done")
    assert client.request("swarm/rules")["rules"] == []


# --- edited input ---

def test_an_edited_input_is_run_instead(swarm):
    client, server = swarm([[call("bash", command="echo wrong > a.txt")], [text("done")]],
                           permissions={"deny": ["bash(rm *)"]})
    agent = ask(client)
    client.wait_state(agent["id"], "waiting")
    (asked,) = approvals(client)
    for wrong, says in [({"command": 5}, "command"), ({}, "command"), ({"command": "x", "comand": "x"}, "comand")]:
        with pytest.raises(RpcError) as error:
            answer(client, asked, input=wrong)
        assert error.value.code == -32602 and says in error.value.message
    with pytest.raises(RpcError) as error:
        answer(client, asked, input={"command": "rm x"})
    assert error.value.kind == "refused" and "bash(rm *)" in error.value.message
    with pytest.raises(RpcError) as error:
        answer(client, asked, "reject", input={"command": "true"})
    assert error.value.code == -32602
    assert len(approvals(client)) == 1
    decided = answer(client, asked, input={"command": "echo right > a.txt"})
    assert decided["input"] == {"command": "echo wrong > a.txt"}
    assert decided["editedInput"] == {"command": "echo right > a.txt"}
    done = client.wait_state(agent["id"], "done")
    assert (worktree(done) / "a.txt").read_text() == "right\n"
    (tool,) = agents.items(client, agent, "tool")
    assert tool["input"] == {"command": "echo wrong > a.txt"} and "right" in tool["title"]
    assert tool["editedInput"] == {"command": "echo right > a.txt"}
    assert "echo right > a.txt" in server.requests[1].results[0]["content"]
    assert "right" in audit(client, agentId=agent["id"])[-1]["argument"]


def test_an_edited_input_is_run_after_a_restart(restarts):
    connect, _ = restarts([[call("write", path="a.txt", content="one\n")], [text("done")]])
    client = connect()
    agent = ask(client)
    client.wait_state(agent["id"], "waiting")
    before = approvals(client)
    client.kill()
    client = connect()
    assert approvals(client) == before
    answer(client, before[0], input={"path": "b.txt", "content": "two\n"})
    done = client.wait_state(agent["id"], "done")
    assert (worktree(done) / "b.txt").read_text() == "two\n"
    assert not (worktree(done) / "a.txt").exists()


def test_a_long_reason_reaches_the_model_whole(swarm):
    client, server = swarm([[call("bash", command="make")], [text("done")]])
    agent = ask(client)
    client.wait_state(agent["id"], "waiting")
    reason = "No: " + "because. " * 1000
    answer(client, approvals(client)[0], "reject", reason=reason)
    client.wait_state(agent["id"], "done")
    assert reason in server.requests[1].results[0]["content"]


# --- the inbox ---

def test_fifty_agents_ask_one_editor_answers_another_sees_it(swarm, start):
    count = 50
    client, server = swarm({f"task {i:02}": [[call("write", path="a.txt", content=f"{i}\n")],
                                             [text("done")]] for i in range(count)}, max_active=count)
    working = [ask(client, task=f"task {i:02}") for i in range(count)]
    asked = wait_approvals(client, count)
    assert {a["agentId"] for a in asked} == {a["id"] for a in working}
    assert all(a["agentName"] and a["tool"] == "write" and a["patch"] for a in asked)
    assert [a["askedAt"] for a in asked] == sorted(a["askedAt"] for a in asked)
    pages, after = [], 0
    while after is not None:
        page = client.request("swarm/approvals", {"limit": 20, "after": after})
        pages.append(page["approvals"])
        after = page.get("next")
    assert [len(p) for p in pages] == [20, 20, 10] and sum(pages, []) == asked
    for approval in asked:
        assert answer(client, approval)["decision"] == "allow"
    for agent in working:
        client.wait_state(agent["id"], "done")
    assert client.request("swarm/approvals") | {"seq": 0} == {"approvals": [], "total": 0, "seq": 0}
    closed = [e["item"] for e in client.find_events(type="item")
              if e["item"]["kind"] == "approval" and e["item"]["status"] == "completed"]
    assert len(closed) == count


def test_a_second_editor_sees_what_the_first_one_answers(restarts):
    words = [f"task {i:02}" for i in range(50)]
    connect, _ = restarts({word: [[call("write", path="a.txt", content="x")], [text("done")]]
                           for word in words}, max_active=len(words))
    first, second = connect(), connect()  # the second one is a bridge to the first
    working = [ask(first, task=word) for word in words]
    asked = wait_approvals(second, len(words))
    assert approvals(first) == asked and len({a["agentId"] for a in asked}) == len(words)
    for approval in asked:
        answer(first, approval, "reject", reason="not now")
        closed = second.wait_event(
            lambda e: e["type"] == "item" and e["item"]["kind"] == "approval"
            and e["item"]["approval"]["id"] == approval["id"]
            and e["item"]["status"] == "completed")["item"]["approval"]
        assert (closed["decision"], closed["reason"]) == ("reject", "not now")
        assert answer(second, approval)["decision"] == "reject"  # the first answer wins
    assert approvals(second) == approvals(first) == []
    for agent in working:
        second.wait_state(agent["id"], "done")


# --- stores of older versions ---

def test_answers_of_an_older_version_hold_for_their_agent(restarts):
    """0.1 kept the tools that were answered "always" in the agent's record: their names."""
    step = [call("write", path="a.txt", content="x"), call("bash", command="touch b")]
    connect, server = restarts([[text("ready")], step, [text("done")]])
    client = connect()
    agent = ask(client)
    client.wait_state(agent["id"], "done")
    client.kill()
    (path,) = client.state.rglob("swarmd.db")
    with sqlite3.connect(path) as store:
        (record,) = store.execute("SELECT record FROM agents WHERE id = ?",
                                  (agent["id"],)).fetchone()
        record = json.loads(record)
        for newer in ("agentRules", "roleRules", "ownMode", "bounds"):
            record["private"].pop(newer, None)
        record["private"] |= {"allowed": "write gone_tool", "rejected": "bash"}
        store.execute("UPDATE agents SET record = ? WHERE id = ?",
                      (json.dumps(record).encode(), agent["id"]))
    client = connect()
    seen = len(client.events)
    client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
    client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended", start=seen)
    written, denied = results(server.requests[-1])
    assert "created a.txt" in written and "not allowed" in denied and "deny bash" in denied
    assert not (worktree(agent) / "b").exists()


# --- links ---

def test_rules_look_at_a_path_as_it_is_written(swarm):
    client, server = swarm([[call("bash", command="mkdir kept && ln -s kept other && ln -s .git hidden "
                                                  "&& ln -s / out")],
                            [call("write", path="other/../kept/a", content="x"),
                             call("write", path="other/b", content="x"),
                             call("write", path="out/tmp/c", content="x"),
                             call("write", path="hidden", content="x")], [text("done")]],
                           permissions={"deny": ["write(kept/)"]})
    agent = client.wait_state(agents.spawn(client)["id"], "done")
    denied, written, outside, hidden = results(server.requests[2])
    assert "not allowed" in denied and "created other/b" in written  # the page says so
    assert "outside the worktree" in outside and "created" not in hidden and "replaced" not in hidden
    assert (worktree(agent) / ".git").read_text().startswith("gitdir:")


def test_the_inbox_is_that_of_a_scope(swarm):
    script = {word: [[call("bash", command="make")], [text("done")]] for word in ("one", "two")}
    client, _ = swarm(script)
    mine, other = ask(client, task="one", scope="mine"), ask(client, task="two", scope="other")
    wait_approvals(client, 2)
    assert [a["agentId"] for a in approvals(client, scope="mine")] == [mine["id"]]
    assert [a["agentId"] for a in approvals(client, scope="other")] == [other["id"]]
    assert approvals(client, scope="nobody") == []


# --- roles ---

@pytest.fixture
def reviewer(tmp_path):
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles/reviewer.yaml").write_text(
        "mode: ask\nprompt: Look closely at *tests*.\n"
        "permissions: {allow: ['bash(echo *)'], deny: [write]}\n"
        "limits: {steps: 7}\nenvironment: [REVIEW_TOKEN]\n")


def test_a_role_gives_mode_rules_prompt_and_environment(reviewer, swarm):
    script = {"review": [[call("bash", command="echo $REVIEW_TOKEN"),
                          call("write", path="a.txt", content="x")], [text("done")]],
              "other": [[call("bash", command="echo .$REVIEW_TOKEN.")], [text("done")]]}
    client, server = swarm(script, env={"REVIEW_TOKEN": "t0ken"})
    agent = agents.spawn(client, task="review", mode=None, role="reviewer")
    assert (agent["mode"], agent["role"]) == ("ask", "reviewer")
    client.wait_state(agent["id"], "done")
    assert "Look closely at *tests*." in server.requests[0].messages[0]["content"]
    ran, denied = results(server.requests[1])
    assert "t0ken" in ran and "not allowed" in denied and "role" in denied
    other = agents.spawn(client, task="other")
    client.wait_state(other["id"], "done")
    assert "Look closely" not in server.requests[2].messages[0]["content"]
    assert "t0ken" not in server.requests[3].results[0]["content"]


def test_what_the_spawn_says_outweighs_the_role(reviewer, swarm):
    client, _ = swarm([[text("done")]])
    assert agents.spawn(client, mode="edit", role="reviewer")["mode"] == "edit"


def test_an_unknown_role_is_an_error_that_names_those_there_are(reviewer, swarm):
    client, _ = swarm([])
    with pytest.raises(RpcError) as error:
        agents.spawn(client, role="revewer")
    assert error.value.code == -32602
    assert "no role 'revewer'; there are reviewer" in error.value.message


def test_without_roles_a_role_is_a_free_word(swarm):
    client, _ = swarm([[text("done")]])
    assert agents.spawn(client, role="whatever")["role"] == "whatever"


# --- the audit ---

def test_the_audit_tells_what_was_asked_by_whom_it_was_allowed_and_what_ran(swarm):
    client, _ = swarm([[call("bash", command="exit 3"), call("read", path="README.md")],
                       [call("bash", command="make")], [text("done")]])
    agent = ask(client)
    client.wait_state(agent["id"], "waiting")
    answer(client, approvals(client)[0])
    (asked,) = client.wait(lambda: [a for a in approvals(client) if "make" in a["title"]] or None,
                           "the second question")
    client.request("swarm/cancel", {"agentId": agent["id"]})
    entries = audit(client, agentId=agent["id"][:9])
    assert [(e["action"], e["tool"]) for e in entries] == [
        ("asked", "bash"), ("answered", "bash"), ("started", "bash"), ("ended", "bash"),
        ("started", "read"), ("asked", "bash"), ("closed", "bash")]
    first = entries[0]
    assert first["argument"] == "exit 3" and first["why"] == "its mode is ask"
    assert entries[1]["decision"] == "allow" and entries[1]["by"]
    assert entries[2]["by"] == entries[1]["by"] and entries[3]["exitCode"] == 3
    assert entries[4]["argument"] == "README.md" and entries[6]["approvalId"] == asked["id"]
    pages, params = [], {}
    while params is not None:
        page = client.request("swarm/audit", {"agentId": agent["id"], "limit": 3, **params})
        pages.insert(0, page["entries"])
        params = {"before": page["next"]} if "next" in page else None
    assert [len(p) for p in pages] == [1, 3, 3] and sum(pages, []) == entries
    later = client.request("swarm/audit", {"after": entries[2]["id"], "limit": 2})
    assert later["entries"] == entries[3:5] and later["next"] == entries[4]["id"]


def test_the_audit_keeps_the_longest_reason_whole(swarm):
    client, _ = swarm([[call("bash", command="\x01" * 5000)], [text("done")]])
    agent = ask(client)
    client.wait_state(agent["id"], "waiting")
    reason = "\x01" * (64 << 10)  # six bytes each in JSON
    answer(client, approvals(client)[0], "reject", reason=reason)
    client.wait_state(agent["id"], "done")
    assert [(e["action"], e.get("reason")) for e in audit(client)] == [("asked", None), ("answered", reason)]


def test_what_the_sandbox_denied_is_in_the_audit(swarm):
    client, _ = swarm([[call("bash", command="touch /usr/swarmd-test")], [text("done")]])
    agent = agents.spawn(client)
    client.wait_state(agent["id"], "done")
    (tool,) = agents.items(client, agent, "tool")
    blocked = [e for e in audit(client, agentId=agent["id"]) if e["action"] == "blocked"]
    assert [e["reason"] for e in blocked] == ([tool["blocked"]] if "blocked" in tool else [])


def test_swarmd_audit_prints_it(swarm, start):
    client, server = swarm([[call("bash", command="exit 3")], [text("done")]])
    agent = agents.spawn(client, permissions={"allow": ["bash(exit *)"]}, mode="ask")
    client.wait_state(agent["id"], "done")
    environment = {**os.environ, "SWARMD_STATE_DIR": str(client.state),
                   "SWARMD_CONFIG": str(client.folder / "config.yaml")}

    def run(*words):
        return subprocess.run([binary(), "audit", *words], env=environment, capture_output=True,
                              text=True, timeout=60)

    printed = run(agent["id"]).stdout.splitlines()
    assert len(printed) == 2 and "started" in printed[0] and "bash: exit 3" in printed[0]
    assert "the rule allow bash(exit *) of the agent" in printed[0] and "exit code 3" in printed[1]
    entries = [json.loads(line) for line in run("--json").stdout.splitlines()]
    assert entries == audit(client)
    assert run("--what").returncode == 2 and run("a", "b").returncode == 2


def test_the_audit_outlives_its_agent_and_cannot_be_changed(swarm, tmp_path):
    client, _ = swarm([[call("bash", command="true")], [text("done")]])
    agent = agents.spawn(client)
    client.wait_state(agent["id"], "done")
    before = audit(client, agentId=agent["id"])
    client.request("swarm/remove", {"agentId": agent["id"], "force": True})
    assert before and audit(client, agentId=agent["id"]) == before
    (path,) = tmp_path.rglob("swarmd.db")
    with sqlite3.connect(path) as store:
        for change in ("DELETE FROM audit", "UPDATE audit SET body = '{}'"):
            with pytest.raises(sqlite3.IntegrityError, match="audit is never"):
                store.execute(change)
