# SPDX-License-Identifier: MIT
"""One more connection to a server that runs, through its control socket."""

import socket
import threading
import types

from client import Client
from contract import Conversation


class Connection(Client):
    """host: the Client that started it, or another with the same state folder."""

    def __init__(self, host, read=True, framing="headers"):
        self.framing = framing
        self.messages, self.events, self.requests, self.responses = [], [], [], {}
        self.stderr, self.ended, self.broken = b"", False, None
        self.conversation, self.violation = Conversation(), None
        self._changed = threading.Condition()
        self._next_id = 0
        self._threads = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(host.state / "swarmd.sock"))
        self.process = types.SimpleNamespace(stdin=self.socket.makefile("wb"),
                                             stdout=self.socket.makefile("rb"),
                                             pid=host.process.pid)
        if read:
            self.start_reading()

    def send_some(self, data):
        """As much of it as is taken at once; how much that was."""
        self.process.stdin.flush()
        self.socket.setblocking(False)
        sent = 0
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent:sent + 65536])
        except BlockingIOError:
            pass
        self.socket.setblocking(True)
        return sent

    def hang_up(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for file in (self.process.stdin, self.process.stdout, self.socket):
            file.close()
        self.check()
