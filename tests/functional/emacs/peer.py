#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that is none: it says what a script says, and notes what it hears.

peer.py SCRIPT LOG: SCRIPT is a JSON object, from a method to a list of turns; each time the method is
heard the next turn is taken (the last one again and again). A turn is a list of steps:
  {"result": ...} or {"error": ...}   answers it
  {"method": ..., "params": ...}      a notification; all of a turn are written at once
  {"stderr": text}, {"exit": code}, {"signal": number}
A method without turns is answered with {} (a notification: not at all). LOG gets one message a line.
"""

import json
import os
import sys


def read(stream):
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if length else None


def frame(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def main():
    turns = json.load(open(sys.argv[1], encoding="utf-8"))
    log = open(sys.argv[2], "a", encoding="utf-8")
    while (heard := read(sys.stdin.buffer)) is not None:
        print(json.dumps(heard), file=log, flush=True)
        turn = [{"result": {}}] if "id" in heard else []
        if left := turns.get(heard["method"]):
            turn = left.pop(0) if len(left) > 1 else left[0]
        out = b""
        for step in turn:
            if "stderr" in step:
                sys.stderr.write(step["stderr"])
                sys.stderr.flush()
            elif "exit" in step or "signal" in step:
                os.write(1, out)
                if "signal" in step:
                    os.kill(os.getpid(), step["signal"])
                sys.exit(step["exit"])
            elif "method" in step:
                out += frame(step)
            else:
                out += frame({"id": heard["id"], **step})
        while out:
            out = out[os.write(1, out):]


main()
