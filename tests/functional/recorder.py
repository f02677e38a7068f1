#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stands where an editor starts swarmd, and notes what both say, to be held against the contract.

    recorder = Recorder(folder)
    ... an editor whose server is recorder.program ...
    recorder.check()         # AssertionError for what is no valid message

The process that the editor started becomes the server itself, so that its id and its end are the
server's. As a script: recorder.py FOLDER SERVER ARGUMENT...
"""

import itertools
import json
import os
import pathlib
import shlex
import sys
import threading


# --- the script ---

def pump(source, target, note):
    """Until one of them ends; a note never lacks what the other side has got."""
    try:
        while data := os.read(source, 1 << 16):
            os.write(note, data)
            while data:
                data = data[os.write(target, data):]
    except OSError:
        pass
    os.close(target)
    os.close(source)


def record(folder, pipes):
    """In a process of its own, which nobody waits for."""
    os.setsid()
    if os.fork():
        os._exit(0)
    notes = [os.open(os.path.join(folder, f"{os.getpid()}.{side}"), os.O_WRONLY | os.O_CREAT, 0o600)
             for side in ("client", "server")]
    threading.Thread(target=pump, args=(0, pipes[1], notes[0]), daemon=True).start()
    pump(pipes[2], 1, notes[1])
    os._exit(0)


def become_the_server(folder, server):
    pipes = [*os.pipe(), *os.pipe()]  # to the server, then from it
    child = os.fork()
    if child == 0:
        os.close(pipes[0])
        os.close(pipes[3])
        record(folder, pipes)
    os.waitpid(child, 0)
    os.dup2(pipes[0], 0)
    os.dup2(pipes[3], 1)
    os.execv(server[0], server)


# --- for tests ---

def messages(path):
    """What a side has said in whole messages; one that was cut off by a kill is none."""
    data = path.read_bytes()
    if data.startswith(b"{"):
        yield from (json.loads(line) for line in data.splitlines(keepends=True)
                    if line.endswith(b"\n"))
        return
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        size = next((int(line[15:]) for line in head.split(b"\r\n")
                     if line.lower().startswith(b"content-length:")), None)
        if size is None or len(rest) < size:
            return
        yield json.loads(rest[:size])
        data = rest[size:]


class Recorder:
    numbers = itertools.count()

    def __init__(self, folder, server):
        self.folder = pathlib.Path(folder) / f"recorded-{next(self.numbers)}"
        self.folder.mkdir()
        self.program = self.folder / "swarmd"
        words = [sys.executable, "-E", "-S", __file__, self.folder, server]
        self.program.write_text("#!/bin/sh\nexec " + " ".join(shlex.quote(str(w)) for w in words)
                                + ' "$@"\n')
        self.program.chmod(0o755)

    def check(self):
        """Returns the methods that were used."""
        from contract import Conversation  # not in the script: it has to start at once
        methods = set()
        for client in self.folder.glob("*.client"):
            conversation = Conversation()
            for message in messages(client):
                conversation.sent(message)
                methods.add(message.get("method"))
            for message in messages(client.with_suffix(".server")):
                conversation.received(message)
                methods.add(message.get("method"))
        return methods


if __name__ == "__main__":
    become_the_server(sys.argv[1], sys.argv[2:])
