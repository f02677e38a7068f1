# SPDX-License-Identifier: MIT
import pytest

from client import Client, binary, make_repository
from recorder import Recorder


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "repository")


@pytest.fixture
def start(tmp_path):
    """start(...) makes a Client in the test's folder; all of them are killed at the end.

    A test fails here, if it has not before, when a message was against the contract.
    """
    clients = []

    def make(**options):
        client = Client(options.pop("folder", tmp_path), **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.kill()
    for client in clients:
        client.check()


@pytest.fixture
def recorded(tmp_path):
    """The server as a program for editors; at the end each of their messages must have been valid."""
    recorder = Recorder(tmp_path, binary())
    yield recorder.program
    recorder.check()
