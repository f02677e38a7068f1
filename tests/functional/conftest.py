# SPDX-License-Identifier: MIT
import pytest

from client import Client, binary, make_repository
from model_server import ModelServer
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


@pytest.fixture
def restarts(start, repository):
    """restarts(script, **config) -> (connect, model server).

    connect() starts a server on the same state folder and gives its Client, initialized in the
    repository. server: one of another dialect.
    """
    servers = []

    def make(script, env=None, server=ModelServer, **config):
        server = server(script)
        servers.append(server)

        def connect():
            client = start(config=server.config(**config), env=env)
            client.initialize(root=repository, subscribe="all")
            return client

        return connect, server

    yield make
    for server in servers:
        server.close()
        assert server.refused == []


@pytest.fixture
def swarm(restarts):
    """swarm(script, **config) -> (client, model server), of a server that is started once."""

    def make(script, env=None, **config):
        connect, server = restarts(script, env=env, **config)
        return connect(), server

    return make
