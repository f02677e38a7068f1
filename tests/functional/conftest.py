# SPDX-License-Identifier: MIT
import shutil
import tempfile

import pytest

from client import Client, binary, make_repository, write_config
from editors import Editor
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


@pytest.fixture
def vim_editors(tmp_path, repository, recorded):
    """vim_editors("vim" or "nvim") -> edit; edit(...) starts an editor of that kind (editors.py).

    All of a test share a state folder, and are ended.
    """
    home = tmp_path / "home"
    home.mkdir()
    state = tempfile.mkdtemp(prefix="sw")
    editors = []

    def of_kind(kind):
        def edit(options=None, server=None, folder=repository, config="model: demo/tour\n", environment=None,
                 **more):
            variables = {"SWARMD_STATE_DIR": state, "SWARMD_CONFIG": str(write_config(tmp_path, config)),
                         "SWARMD_DEMO_DELAY_MS": "1", **(environment or {})}
            editor = Editor(kind, home, folder, server or recorded, options, variables, **more)
            editors.append(editor)
            return editor

        return edit

    yield of_kind
    for editor in editors:
        editor.end()
    shutil.rmtree(state, ignore_errors=True)
