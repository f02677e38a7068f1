# SPDX-License-Identifier: MIT
"""initialize, shutdown, exit and their order, in both framings."""

import json
import subprocess

import pytest

from client import RpcError, binary

FRAMINGS = ["headers", "lines"]


@pytest.fixture(params=FRAMINGS)
def client(request, start):
    return start(framing=request.param)


def refused(client, method, params=None, valid=True):
    with pytest.raises(RpcError) as caught:
        client.request(method, params, valid=valid)
    return caught.value


def test_initialize_tells_who_and_what(client):
    result = client.initialize()
    assert result["serverInfo"]["name"] == "swarmd"
    assert result["serverInfo"]["version"]
    swarm = result["capabilities"]["experimental"]["swarm"]
    assert swarm["version"] == 1
    for method in ("spawn send list get transcript subscribe unsubscribe cancel kill resume remove "
                   "approve").split():
        assert f"swarm/{method}" in swarm["methods"]
    assert {"agent", "removed", "turn", "item", "delta", "lagged", "reset"} <= set(swarm["events"])


def test_what_is_advertised_exists_and_the_rest_does_not(client):
    methods = client.initialize()["capabilities"]["experimental"]["swarm"]["methods"]
    for method in methods:
        try:
            client.request(method, {}, valid=None)
        except RpcError as error:
            assert error.code != -32601, method
    for method in ("swarm/none", "textDocument/hover", "$/unknown", "exit", "initialized"):
        assert refused(client, method, valid=False).code == -32601


def test_before_initialize(client):
    assert refused(client, "swarm/list").code == -32002
    assert refused(client, "shutdown").code == -32002
    assert refused(client, "no/such", valid=False).code == -32002
    client.notify("swarm/spawn", {"task": "must not be done"})
    client.notify("no/such", valid=False)
    client.initialize()
    assert client.request("swarm/list")["agents"] == []


def test_second_initialize(client):
    client.initialize()
    assert refused(client, "initialize", {"capabilities": {}}).code == -32600
    assert client.request("swarm/list")["agents"] == []


def test_after_shutdown(client):
    client.initialize()
    assert client.request("shutdown") is None
    for method in ("swarm/list", "shutdown", "initialize", "no/such"):
        assert refused(client, method, valid=None).code == -32600
    client.notify("swarm/spawn", {"task": "must not be done"})
    client.notify("exit")
    assert client.wait_exit() == 0


def test_exit_without_shutdown(client):
    client.initialize()
    client.notify("exit")
    assert client.wait_exit() == 1


def test_exit_before_initialize(client):
    if client.framing == "lines":
        client.send_raw(b'{"jsonrpc":"2.0","method":"exit"}\n')
    else:
        client.notify("exit")
    assert client.wait_exit() == 1


def test_the_end_comes_whatever_its_params(client):
    """Some libraries make a list of the arguments, also of none and of undefined."""
    client.initialize()
    client.send({"id": "end", "method": "shutdown", "params": []}, valid=False)
    assert client.wait_response("end") is None
    client.send({"method": "exit", "params": [None]}, valid=False)
    assert client.wait_exit() == 0


def test_end_of_input_is_exit(client):
    client.initialize()
    client.process.stdin.close()
    assert client.wait_exit() == 1


def test_end_of_input_after_shutdown(client):
    client.initialize()
    client.request("shutdown")
    client.process.stdin.close()
    assert client.wait_exit() == 0


def test_end_of_input_at_once(start):
    client = start()
    client.process.stdin.close()
    assert client.wait_exit() == 1


def test_unknown_notifications_are_ignored(client):
    client.initialize()
    client.notify("$/unknown", valid=False)
    client.notify("$/setTrace", {"value": "off"})
    client.notify("textDocument/didOpen", {"textDocument": {}}, valid=False)
    client.notify("$/cancelRequest", {"id": 12345})
    assert client.request("swarm/list")["agents"] == []


def test_ids_are_given_back_as_they_came(client):
    client.initialize()
    for request_id in (0, -1, 9223372036854775807, "", "a\"\\\u00e9\u0000", "7", 7):
        client.start_request("swarm/list", request_id=request_id)
        assert client.wait_response(request_id)["agents"] == []


def test_requests_may_be_sent_all_at_once(client):
    """What comes before the store is loaded waits its turn."""
    messages = [{"id": 1, "method": "initialize", "params": {"capabilities": {}}}]
    messages += [{"id": n, "method": "swarm/list", "params": {}} for n in range(2, 50)]
    messages += [{"id": 50, "method": "shutdown"}, {"method": "exit"}]
    client.send_raw(b"".join(client.encode({"jsonrpc": "2.0", **m}) for m in messages))
    assert client.wait_exit() == 0
    assert [m["id"] for m in client.messages] == list(range(1, 51))
    assert all("result" in m for m in client.messages)


def test_a_script_may_pipe_its_requests(tmp_path, repository):
    """Everything before the end of input is answered, also what takes a while."""
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"jsonrpc": "2.0", "id": 2, "method": "swarm/spawn",
         "params": {"task": "say hello", "cwd": str(repository)}},
        {"jsonrpc": "2.0", "id": 3, "method": "shutdown"},
    ]
    (tmp_path / "config.yaml").write_text("model: demo/tour\n")
    text = "\n".join(json.dumps(r) for r in requests)  # the last line without its end
    done = subprocess.run([binary()], input=text.encode(), stdout=subprocess.PIPE, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "SWARMD_STATE_DIR": str(tmp_path / "state"),
                               "SWARMD_CONFIG": str(tmp_path / "config.yaml")})
    answers = {m["id"]: m for m in map(json.loads, done.stdout.splitlines()) if "id" in m}
    assert done.returncode == 0
    assert answers[2]["result"]["agent"]["task"] == "say hello"
    assert answers[3]["result"] is None


def test_initialize_options_are_checked(client):
    for options, field in [({"subscribe": "some"}, "subscribe"), ({"scope": 5}, "scope"),
                           ({"scope": "s" * 257}, "scope"),
                           ({"config": {"mode": "wild"}}, "mode"), ({"config": []}, "config"),
                           ({"config": {"limits": {"steps": -1}}}, "steps")]:
        error = refused(client, "initialize",
                        {"capabilities": {}, "initializationOptions": options}, valid=False)
        assert error.code == -32602
        assert field in error.message
    client.initialize()


def test_only_messages_are_on_stdout(client):
    client.initialize()
    assert client.close() == 0
    assert client.broken is None


def test_the_end_of_the_client_s_process_is_exit(client):
    """Although somebody else holds its pipes open."""
    editor = subprocess.Popen(["sleep", "600"])
    try:
        client.request("initialize", {"capabilities": {}, "processId": editor.pid})
        assert client.request("swarm/list")["agents"] == []
    finally:
        editor.kill()
        editor.wait()
    assert client.wait_exit() == 1


@pytest.mark.parametrize("pid", [None, 0, -1, 1 << 40, "editor"])
def test_a_process_that_cannot_be_watched_is_none(client, pid):
    client.request("initialize", {"capabilities": {}, "processId": pid}, valid=pid != "editor")
    assert client.request("swarm/list")["agents"] == []


def test_a_state_folder_that_cannot_be_is_told(start, tmp_path):
    (tmp_path / "file").write_text("")
    client = start(env={"SWARMD_STATE_DIR": str(tmp_path / "file" / "state")})
    error = refused(client, "initialize", {"capabilities": {}})
    assert (error.code, error.kind) == (-32803, "storage")
    assert str(tmp_path / "file") in error.message


def test_plain_files_as_input_and_output(tmp_path, start):
    client = start()  # for its environment
    client.kill()
    requests = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
                {"jsonrpc": "2.0", "id": 2, "method": "swarm/list"},
                {"jsonrpc": "2.0", "id": 3, "method": "shutdown"}]
    (tmp_path / "in").write_text("".join(json.dumps(r) + "\n" for r in requests))
    with open(tmp_path / "in", "rb") as given, open(tmp_path / "out", "wb") as taken:
        code = subprocess.run([binary()], stdin=given, stdout=taken, timeout=60,
                              env=client.environment).returncode
    assert code == 0
    answers = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [a["id"] for a in answers] == [1, 2, 3]


def test_an_output_that_nobody_reads_ends_the_server(start):
    client = start(read=False)
    client.process.stdout.close()
    client.send({"id": 1, "method": "initialize", "params": {}})
    assert client.wait_exit() == 1
