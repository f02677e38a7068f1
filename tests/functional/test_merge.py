# SPDX-License-Identifier: MIT
"""swarm/merge, as a person has it: beside their own work in the same repository."""

import subprocess

import pytest

from agents import get, items, spawn, worktree
from client import RpcError
from model_server import call, gate, Gate, text


def git(folder, *arguments, check=True):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert not check or done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def write(path, content):
    return call("write", path=path, content=content)


def merge(client, agent, **params):
    return client.request("swarm/merge", {"agentId": agent["id"], **params})


def refused(client, agent, **params):
    with pytest.raises(RpcError) as error:
        merge(client, agent, **params)
    return error.value


def person(repository):
    """All that must stay as it is when nothing happens."""
    return (git(repository, "status", "--porcelain=v2"), git(repository, "rev-parse", "HEAD", "main"),
            (repository / ".git/index").read_bytes(), sorted(p.name for p in (repository / ".git").iterdir()))


@pytest.fixture
def merged(swarm):
    """merged(script, **config) -> (client, the agent, whose turn has ended)"""

    def make(script, **config):
        client, _ = swarm(script, **config)
        agent = spawn(client, task="add a note\nwith more to it")
        return client, client.wait_state(agent["id"], "done")

    return make


def test_a_dry_run_and_then_the_merge(merged, repository):
    client, agent = merged([[write("note.txt", "noted\n")], [text("There is a note now.")]])
    (repository / "mine.txt").write_text("not committed\n")
    before = person(repository)
    dry = merge(client, agent, dryRun=True)
    assert person(repository) == before
    assert (dry["commit"], dry["into"], dry["strategy"], dry["dirty"]) == (None, "main", "merge", [])
    assert dry["files"] == [{"path": "note.txt", "status": "added"}]
    assert dry["message"].startswith("add a note\n\nThere is a note now.\n\nCo-authored-by: ")
    assert (dry["uncommitted"], dry["upToDate"], dry["fileCount"]) == (1, False, 1)

    done = merge(client, agent, message="A note\n")
    assert done["commit"] == git(repository, "rev-parse", "main")
    assert (repository / "note.txt").read_text() == "noted\n"
    assert git(repository, "status", "--porcelain") == "?? mine.txt"
    assert git(repository, "log", "--format=%s", "-1") == "A note"
    assert git(repository, "log", "--format=%(trailers:key=Co-authored-by,valueonly)", "-1") \
        == f"{agent['model']} <{agent['id']}@swarmd.invalid>"
    (item,) = items(client, agent, "merge")
    assert (item["into"], item["commit"], item["paths"]) == ("main", done["commit"], ["note.txt"])

    again = merge(client, agent)
    assert again["upToDate"] and again["commit"] == done["commit"]
    assert len(items(client, agent, "merge")) == 1
    client.request("swarm/remove", {"agentId": agent["id"]})  # nothing of it is only there
    assert client.close() == 0


@pytest.mark.parametrize("strategy,commits", [("squash", 1), ("rebase", 2), ("ff", 2), ("merge", 3)])
def test_strategies(merged, repository, strategy, commits):
    script = [[call("bash", command="echo 1 > one; git add one; git commit -qm one")], [write("two", "2\n")], [text("x")]]
    client, agent = merged(script, merge="{author: Ada Lovelace <ada@example.org>, co_author: false}")
    result = merge(client, agent, strategy=strategy)
    assert git(repository, "rev-list", "--count", "main@{1}..main") == str(commits)
    assert git(repository, "show", "main:one") == "1" and git(repository, "show", "main:two") == "2"
    assert git(repository, "log", "-1", "--format=%an <%ae>", "main") == "Ada Lovelace <ada@example.org>"
    assert "Co-authored-by" not in git(repository, "log", "-1", "--format=%B", "main")
    assert git(repository, "status", "--porcelain") == ""
    assert result["strategy"] == strategy
    assert client.close() == 0


def test_what_is_not_committed_in_the_target_is_never_touched(merged, repository):
    client, agent = merged([[write("README.md", "# Another title\n")], [text("done")]])
    (repository / "README.md").write_text("# My own title\n")
    before = person(repository)
    error = refused(client, agent)
    assert error.kind == "dirty"
    assert error.data["files"] == [{"path": "README.md", "kind": "changed"}]
    assert person(repository) == before
    assert merge(client, agent, dryRun=True)["dirty"] == error.data["files"]
    git(repository, "switch", "-q", "-c", "aside")
    merge(client, agent, into="main")
    assert (repository / "README.md").read_text() == "# My own title\n"
    assert git(repository, "show", "main:README.md") == "# Another title"
    assert client.close() == 0


def test_conflicts_are_told_and_nothing_happens(merged, repository):
    client, agent = merged([[write("README.md", "# Theirs\n")], [text("done")]])
    (repository / "README.md").write_text("# Mine\n")
    git(repository, "commit", "-qam", "mine")
    before = person(repository)
    error = refused(client, agent)
    assert error.kind == "conflict"
    assert error.data["files"] == [{"path": "README.md", "kind": "content"}]
    (file,) = refused(client, agent, dryRun=True).data["files"]
    assert file["text"] == f"<<<<<<< main\n# Mine\n=======\n# Theirs\n>>>>>>> {agent['branch']}\n"
    assert person(repository) == before
    assert client.close() == 0


def test_not_while_its_turn_runs(swarm, repository):
    held = Gate()
    client, _ = swarm([[write("a", "a\n")], [gate(held), text("done")]])
    agent = spawn(client)
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("name") == "write" and e["item"]["status"] == "completed")
    assert refused(client, agent).kind == "wrongState"
    assert merge(client, agent, dryRun=True)["files"] == [{"path": "a", "status": "added"}]
    held.open()
    client.wait_state(agent["id"], "done")
    assert merge(client, agent)["files"] == [{"path": "a", "status": "added"}]
    assert client.close() == 0


@pytest.mark.parametrize("params,kind,says", [
    ({"into": "nowhere"}, "repository", "no branch 'nowhere'"),
    ({"strategy": "octopus"}, None, "merge, squash, rebase or ff"),
])
def test_wrong_parameters(merged, params, kind, says):
    client, agent = merged([[write("a", "a\n")], [text("done")]])
    valid = None if "strategy" in params else True
    with pytest.raises(RpcError) as error:
        client.request("swarm/merge", {"agentId": agent["id"], **params}, valid=False if "strategy" in params else valid)
    assert error.value.kind == kind and says in error.value.message
    assert client.close() == 0


def test_two_into_one_branch_follow_each_other(swarm, repository):
    client, _ = swarm({name: [[write(name, name)], [text("done")]] for name in ("one", "two", "three")})
    agents = [spawn(client, task=name) for name in ("one", "two", "three")]
    for agent in agents:
        client.wait_state(agent["id"], "done")
    asked = [client.start_request("swarm/merge", {"agentId": a["id"]}) for a in agents]
    for request in asked:
        client.wait_response(request)
    assert git(repository, "ls-files").split() == ["README.md", "one", "three", "two"]
    assert git(repository, "status", "--porcelain") == ""
    assert client.close() == 0


def test_a_message_begins_its_turn_after_the_merge(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")], [text("more")]])
    asked = client.start_request("swarm/merge", {"agentId": agent["id"]})
    client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
    client.wait_response(asked)
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "more")
    assert get(client, agent)["agent"]["error"] is None
    assert (worktree(agent) / "a").exists()
    assert client.close() == 0


def update(client, agent, **params):
    return client.request("swarm/update", {"agentId": agent["id"], **params})


def test_the_branch_is_brought_into_the_work(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")], [call("bash", command="git log --oneline; ls")], [text("on")]])
    (repository / "b").write_text("b\n")
    git(repository, "add", "b")
    git(repository, "commit", "-qm", "person")
    assert update(client, agent, dryRun=True)["files"] == [{"path": "b", "status": "added"}]
    assert not (worktree(agent) / "b").exists()
    result = update(client, agent)
    assert (result["from"], result["conflicts"], result["upToDate"]) == ("main", [], False)
    assert result["commit"] == git(repository, "rev-parse", agent["branch"])
    assert (worktree(agent) / "b").read_text() == "b\n"
    assert git(worktree(agent), "status", "--porcelain") == ""
    assert update(client, agent)["upToDate"]
    client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
    client.wait_event(lambda e: e["type"] == "item" and e["item"].get("text") == "on")
    client.wait(lambda: get(client, agent)["agent"]["state"] == "done", "its end")
    assert merge(client, agent, strategy="ff")["files"] == [{"path": "a", "status": "added"}]
    assert client.close() == 0


def test_conflicts_are_given_to_the_agent(swarm, repository):
    asked = []

    def answer(request):
        asked.append(request.messages[-1].get("content"))
        scripts = [[write("README.md", "# Theirs\n")], [text("done")], [write("README.md", "# Both\n")], [text("resolved")]]
        return scripts[len(asked) - 1]

    client, _ = swarm(answer)
    agent = spawn(client)
    client.wait_state(agent["id"], "done")
    (repository / "README.md").write_text("# Mine\n")
    git(repository, "commit", "-qam", "mine")
    with pytest.raises(RpcError) as error:
        update(client, agent)
    assert error.value.kind == "conflict" and error.value.data["files"] == [{"path": "README.md", "kind": "content"}]
    assert (worktree(agent) / "README.md").read_text() == "# Theirs\n"
    start = len(client.events)
    result = update(client, agent, conflicts="resolve")
    assert result["commit"] is None and result["conflicts"] == [{"path": "README.md", "kind": "content"}]
    client.wait_turn_end(agent["id"], start=start)
    assert "- README.md (content)" in asked[2]
    client.wait(lambda: get(client, agent)["agent"]["state"] == "done", "its end")
    merge(client, agent)
    assert (repository / "README.md").read_text() == "# Both\n"
    assert client.close() == 0


def test_markers_that_stay_are_not_merged(merged, repository):
    client, agent = merged([[write("README.md", "# Theirs\n")], [text("done")]])
    (repository / "README.md").write_text("# Mine\n")
    git(repository, "commit", "-qam", "mine")
    update(client, agent, conflicts="markers")
    assert "<<<<<<< swarm/" in (worktree(agent) / "README.md").read_text()
    before = person(repository)
    assert refused(client, agent).data["files"] == [{"path": "README.md", "kind": "content"}]
    assert person(repository) == before
    assert client.close() == 0


def test_a_conflict_after_one_that_was_resolved(merged, repository):
    client, agent = merged([[write("README.md", "# Theirs\n")], [text("done")]])
    for title in ("# Mine\n", "# Mine again\n"):
        (repository / "README.md").write_text(title)
        git(repository, "commit", "-qam", "mine")
        if title == "# Mine\n":
            update(client, agent, conflicts="markers")
            (worktree(agent) / "README.md").write_text("# Both\n")
    assert refused(client, agent).data["files"] == [{"path": "README.md", "kind": "content"}]
    assert client.close() == 0


def test_files_are_not_rewound_in_the_middle_of_a_merge(merged, repository):
    client, agent = merged([[write("README.md", "# Theirs\n")], [text("done")]])
    (repository / "README.md").write_text("# Mine\n")
    git(repository, "commit", "-qam", "mine")
    update(client, agent, conflicts="markers")
    with pytest.raises(RpcError) as error:
        client.request("swarm/rewind", {"agentId": agent["id"], "turn": 1})
    assert error.value.kind == "wrongState" and "merge --abort" in str(error.value)
    git(worktree(agent), "merge", "--abort")
    client.request("swarm/rewind", {"agentId": agent["id"], "turn": 1})
    assert (worktree(agent) / "README.md").read_text() == "# Theirs\n"
    assert refused(client, agent).kind == "conflict"
    assert client.close() == 0


# --- the target changes under it ---

def test_the_branch_was_force_pushed(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")]])
    git(repository, "checkout", "-q", "--orphan", "anew")
    git(repository, "commit", "-qm", "another beginning")
    git(repository, "branch", "-M", "anew", "main")
    error = refused(client, agent)
    assert error.kind == "refused" and "no history in common" in error.message
    git(repository, "branch", "other", agent["base"])
    assert merge(client, agent, into="other")["files"] == [{"path": "a", "status": "added"}]
    assert client.close() == 0


def test_the_branch_was_moved_back_and_elsewhere(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")], [write("b", "b\n")], [text("more")]])
    merge(client, agent)
    git(repository, "reset", "-q", "--hard", agent["base"])  # the merge is taken back
    again = merge(client, agent)
    assert not again["upToDate"] and (repository / "a").exists()
    git(repository, "reset", "-q", "--hard", agent["base"])
    (repository / "c").write_text("c\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "other work")
    merge(client, agent, strategy="squash")
    assert git(repository, "ls-files").split() == ["README.md", "a", "c"]
    assert client.close() == 0


def test_the_branch_was_deleted(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")]])
    git(repository, "switch", "-q", "-c", "other")
    git(repository, "branch", "-D", "main")
    error = refused(client, agent)
    assert error.kind == "repository" and "'main', which is no branch" in error.message
    assert merge(client, agent, into="other")["into"] == "other"
    assert client.close() == 0


@pytest.mark.parametrize("how", ["delete", "move"])
def test_the_agents_own_branch_was_changed_by_hand(merged, repository, how):
    client, agent = merged([[call("bash", command="echo a > a; git add a; git commit -qm a")], [text("done")]])
    if how == "delete":
        git(repository, "branch", "-D", agent["branch"])
    else:
        git(repository, "branch", "-f", agent["branch"], agent["base"])
    assert merge(client, agent)["files"] == [{"path": "a", "status": "added"}]  # its work is what it has
    there = git(repository, "branch", "--list", agent["branch"])
    assert there == "" if how == "delete" else git(repository, "rev-parse", agent["branch"]) == agent["base"]
    assert client.close() == 0


def test_the_repository_is_gone(merged, repository):
    client, agent = merged([[write("a", "a\n")], [text("done")]])
    # Jobs take turns: its checkpoint is made by now. (libgit2 leaks what it has of a database that goes meanwhile.)
    client.request("swarm/checkpoints", {"agentId": agent["id"]})
    repository.rename(repository.with_name("elsewhere"))
    assert refused(client, agent).kind in ("repository", "worktree")
    repository.with_name("elsewhere").rename(repository)
    merge(client, agent)
    assert client.close() == 0
