# SPDX-License-Identifier: MIT
"""A folder of the worktree becomes a symbolic link and a folder again while an agent writes in it."""

import ctypes
import os
import threading

import agents
import pytest
from agents import worktree
from model_server import call, text

AT_FDCWD, RENAME_EXCHANGE = -100, 2
STEPS, CALLS = 20, 8


class Swapper:
    """Exchanges two names as fast as it can."""

    def __init__(self, one, other):
        self._names = os.fsencode(one), os.fsencode(other)
        self._over = threading.Event()
        self.swaps = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        while not self._over.is_set():
            self.swaps += rename(AT_FDCWD, self._names[0], AT_FDCWD, self._names[1],
                                 RENAME_EXCHANGE) == 0


def test_nothing_outside_changes(swarm, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept\n")
    paths = ["sub/new.txt", "sub/kept.txt", "sub/deep/er/new.txt", "sub/new.txt"]
    steps = [[call("write", path=paths[n % 4], content=f"{step} {n}\n") for n in range(CALLS - 1)]
             + [call("edit", path="sub/kept.txt", edits=[{"old_text": "kept", "new_text": "lost"}])]
             for step in range(STEPS)]
    client, server = swarm([[call("write", path="sub/kept.txt", content="x\n")], [text("ready")],
                            *steps, [text("done")]])
    agent = client.wait_state(agents.spawn(client)["id"], "done")
    folder = worktree(agent)
    (folder / "link").symlink_to(outside)
    with Swapper(folder / "sub", folder / "link") as swapper:
        seen = len(client.events)
        client.request("swarm/send", {"agentId": agent["id"], "text": "go on"})
        client.wait_event(lambda e: e["type"] == "turn" and e["phase"] == "ended", start=seen)
    results = [r["content"] for request in server.requests[3:] for r in request.results]
    written = [r for r in results if r.startswith(("created", "replaced"))]
    assert swapper.swaps > 0 and len(results) >= STEPS * CALLS and written
    assert {p.name: p.read_text() for p in outside.iterdir()} == {"kept.txt": "kept\n"}


@pytest.mark.parametrize("name", ["README.md", "src/new/a.txt"])
def test_a_path_in_the_persons_checkout_is_answered_with_the_same_file(swarm, repository, name):
    path = str(repository / name)
    client, server = swarm([[call("write", path=path, content="x"), call("read", path=path)],
                            [text("done")]])
    client.wait_state(agents.spawn(client)["id"], "done")
    before = (repository / "README.md").read_text()
    for result in server.requests[1].results:
        assert f"the same file of yours is {name} in your working directory" in result["content"]
    assert before == (repository / "README.md").read_text() and not (repository / "src").exists()
