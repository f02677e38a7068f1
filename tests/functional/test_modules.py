# SPDX-License-Identifier: MIT
"""libgit2 and libcurl are loaded when they are needed, from where swarmd is installed."""
import os
import pathlib
import shutil
import subprocess

import pytest
from client import RpcError, binary
from model_server import ModelServer, text


@pytest.fixture
def place(tmp_path, monkeypatch):
    """place(*files) copies some of what was built; its swarmd is the one that tests start."""
    built = pathlib.Path(binary()).parent

    def copy(*files):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name in files:
            shutil.copy2(built / name, folder / name)
        monkeypatch.setenv("SWARMD", str(folder / "swarmd"))
        return folder

    return copy


def spawn(client, repository):
    return client.request("swarm/spawn", {"task": "do it", "cwd": str(repository)})["agent"]["id"]


def loaded(client):
    try:
        maps = pathlib.Path(f"/proc/{client.process.pid}/maps").read_text()
    except PermissionError:
        pytest.skip("only root may look into the server")
    return {name for name in ("libgit2", "libcurl") if name in maps}


def test_loaded_when_needed(start, repository):
    with ModelServer([[text("Hello.")]]) as server:
        client = start(config=server.config())
        client.initialize(root=repository)
        client.request("swarm/list")
        assert loaded(client) == set()
        client.wait_state(spawn(client, repository), "done")
        assert loaded(client) == {"libgit2", "libcurl"}
        assert client.close() == 0


def test_git_is_missing(start, repository, place):
    folder = place("swarmd", "swarmd-exec")
    client = start()
    client.initialize(root=repository)
    with pytest.raises(RpcError) as error:
        spawn(client, repository)
    assert error.value.kind == "repository"
    assert "swarmd-git.so" in error.value.message
    assert f"{folder}/../libexec/swarmd" in error.value.message
    place("swarmd-git.so")
    client.wait_state(spawn(client, repository), "working")
    assert client.close() == 0


def test_http_is_missing(start, repository, place):
    place("swarmd", "swarmd-exec", "swarmd-git.so")
    with ModelServer([[text("Hello.")]]) as server:
        client = start(config=server.config())
        client.initialize(root=repository)
        error = client.wait_state(spawn(client, repository), "failed")["error"]
        assert error["kind"] == "provider" and "swarmd-http.so" in error["message"]
        assert client.close() == 0


def test_module_is_broken(start, repository, place):
    folder = place("swarmd", "swarmd-exec")
    (folder / "swarmd-git.so").write_text("no library\n")
    client = start()
    client.initialize(root=repository)
    with pytest.raises(RpcError) as error:
        spawn(client, repository)
    assert f"{folder}/swarmd-git.so" in error.value.message
    assert client.close() == 0


def test_installed(tmp_path, start, repository, monkeypatch):
    build = pathlib.Path(binary()).parents[1]
    subprocess.run(["cmake", "--install", str(build), "--prefix", str(tmp_path / "usr")],
                   check=True, stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SWARMD", str(tmp_path / "usr/bin/swarmd"))
    assert sorted(os.listdir(tmp_path / "usr/libexec/swarmd")) == \
        ["swarmd-exec", "swarmd-git.so", "swarmd-http.so"]
    with ModelServer([[text("Hello.")]]) as server:
        client = start(config=server.config())
        client.initialize(root=repository)
        client.wait_state(spawn(client, repository), "done")
        assert client.close() == 0
