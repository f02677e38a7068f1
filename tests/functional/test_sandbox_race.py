# SPDX-License-Identifier: MIT
"""swarmd replaces files of an agent's git directory while a command's sandbox is being made."""

import os
import threading

from agents import items, spawn
from model_server import call, text

COMMANDS = 40


def test_a_file_that_is_replaced_meanwhile_keeps_no_command_from_running(swarm):
    def script(request):
        return [call("bash", command="true")] if request.turns < COMMANDS else [text("done")]

    client, server = swarm(script)
    agent = spawn(client)
    server.wait_requests(2)
    path = client.state / "git" / agent["id"] / "packed-refs"
    content = path.read_bytes()
    ended = threading.Event()

    def replace():
        while not ended.is_set():
            new = path.with_name("packed-refs.new")
            new.write_bytes(content)
            os.rename(new, path)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        client.wait_state(agent["id"], "done")
    finally:
        ended.set()
        thread.join()
    ran = [(i["status"], i["output"]) for i in items(client, agent, "tool")]
    assert len(ran) == COMMANDS and {status for status, _ in ran} == {"completed"}, ran
