# SPDX-License-Identifier: MIT
"""swarm/models: the providers' lists, remembered, merged with the catalogue; and what fails."""

import http.server
import json
import threading
import urllib.parse

import pytest
from client import RpcError


class ListServer:
    """Answers GET with what `pages` has for the path and query; counts, and can hold answers."""

    def __init__(self, pages):
        outer = self
        self.pages, self.asked, self.open = pages, [], threading.Event()
        self.open.set()
        self.reached = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                outer.reached.set()
                outer.open.wait(30)
                status, body = outer.pages.get(self.path, (404, {"error": {"message": "what?"}}))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def lists(start, repository):
    servers = []

    def make(pages, kind="openai-chat", path="/v1", key=None, more=""):
        server = ListServer(pages)
        servers.append(server)
        named = ", api_key_env: LIST_KEY" if key else ""
        config = (f'model: lab/one\n{more}providers:\n'
                  f'  lab: {{kind: {kind}, base_url: "{server.url}{path}"{named}}}\n')
        client = start(config=config, env={"LIST_KEY": key} if key else None)
        client.initialize(root=repository)
        return client, server

    yield make
    for server in servers:
        server.close()


def only(answer):
    """The one provider of an answer, with its models."""
    provider, = answer["providers"]
    assert all(m["id"] == f"{provider['provider']}/{m['model']}" for m in answer["models"])
    return {**provider, "models": answer["models"]}


def lab(client, **params):
    answer = client.request("swarm/models", {"provider": "lab", **params})
    assert answer["default"] == "lab/one"
    return only(answer)


def names(provider):
    return [m["model"] for m in provider["models"]]


def ids(*models, **members):
    return 200, {"data": [{"id": m} for m in models], **members}


def test_the_list_is_merged_with_the_catalogue(lists):
    client, _ = lists({"/v1/models": ids("gpt-5.1-2025-11-13", "new-thing", "mine")},
                      more="models: {lab/mine: {context: 77, price: {input: 0, output: 0.5}}}\n")
    provider = lab(client)
    assert provider["listed"] is True and "error" not in provider
    assert names(provider) == ["gpt-5.1-2025-11-13", "new-thing", "mine"]
    known, new, mine = provider["models"]
    assert known["known"] and known["prices"]["input"] == 1.25 and known["contextSize"] == 400000
    assert not new["known"] and new["prices"] is None and new["contextSize"] == 256000
    assert mine["contextSize"] == 77 and mine["prices"]["output"] == 0.5


def test_it_is_asked_once_and_again_when_that_is_wished(lists):
    client, server = lists({"/v1/models": ids("one")})
    for _ in range(3):
        assert names(lab(client)) == ["one"]
    assert len(server.asked) == 1
    server.pages["/v1/models"] = ids("one", "two")
    assert names(lab(client)) == ["one"]
    assert names(lab(client, refresh=True)) == ["one", "two"]
    assert names(lab(client)) == ["one", "two"] and len(server.asked) == 2


def test_who_asks_at_the_same_time_shares_an_answer(lists):
    client, server = lists({"/v1/models": ids("one")})
    server.open.clear()
    asked = [client.start_request("swarm/models", {"provider": "lab"}) for _ in range(2)]
    assert server.reached.wait(60)
    client.request("swarm/list", {})  # others are answered meanwhile
    server.open.set()
    for request in asked:
        assert names(only(client.wait_response(request))) == ["one"]
    assert len(server.asked) == 1


def test_a_failure_is_told_and_not_kept(lists):
    client, server = lists({"/v1/models": (500, {"error": {"message": "out of order"}})})
    provider = lab(client)
    assert provider["listed"] is False and "out of order" in provider["error"]["message"]
    server.pages["/v1/models"] = ids("one")
    assert names(lab(client)) == ["one"]
    server.pages["/v1/models"] = (500, {"error": {"message": "out of order"}})
    assert lab(client, refresh=True)["listed"] is False


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"data": 5}', b"[1, 2", b"x" * (9 << 20)],
                         ids=["html", "nothing", "number", "cut", "large"])
def test_what_is_no_list_is_an_error(lists, body):
    client, _ = lists({"/v1/models": (200, body)})
    assert lab(client)["error"]["kind"] in ("provider", "limit")


def test_odd_entries_are_left_out(lists):
    odd = [{"id": "good"}, {"id": ""}, {"id": "a b"}, {"id": "x" * 300}, {"id": 5}, 7, {}]
    client, _ = lists({"/v1/models": (200, odd)})
    assert names(lab(client)) == ["good"]


def test_the_catalogue_stands_in_for_a_vendor_that_cannot_be_asked(start, repository):
    client = start(config="model: demo/tour\n", env={"ANTHROPIC_API_KEY": ""})
    client.initialize(root=repository)
    answer = only(client.request("swarm/models", {"provider": "anthropic"}))
    assert answer["error"]["kind"] == "auth" and answer["listed"] is False
    assert "claude-sonnet-4-5" in names(answer)
    answer = only(client.request("swarm/models", {"provider": "demo"}))
    assert names(answer) == ["tour"] and answer["models"][0]["prices"]["input"] == 0


def test_pages_and_the_key_of_anthropic(lists):
    first = "/v1/models?limit=1000"
    client, server = lists({first: ids("a", "b", has_more=True, last_id="b"),
                            first + "&after_id=b": ids("c", has_more=False, last_id="c")},
                           kind="anthropic", path="", key="secret-key")
    assert names(lab(client)) == ["a", "b", "c"]
    headers = {k.lower(): v for k, v in server.asked[1][1].items()}
    assert headers["x-api-key"] == "secret-key" and "anthropic-version" in headers


def test_pages_of_gemini(lists):
    def page(*models, **members):
        return 200, {"models": [{"name": f"models/{m}",
                                 "supportedGenerationMethods": ["generateContent"]}
                                for m in models] +
                     [{"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}],
                     **members}
    first = "/v1beta/models?pageSize=1000"
    token = urllib.parse.quote("t/=", safe="")
    client, _ = lists({first: page("gemini-a", nextPageToken="t/="),
                       f"{first}&pageToken={token}": page("gemini-b")}, kind="gemini", path="")
    assert names(lab(client)) == ["gemini-a", "gemini-b"]


def test_endless_pages_end(lists):
    first = "/v1/models?limit=1000"
    client, server = lists({first: ids("a", has_more=True, last_id="a"),
                            first + "&after_id=a": ids("a", has_more=True, last_id="a")},
                           kind="anthropic", path="")
    assert names(lab(client)) == ["a"] * 10 and len(server.asked) == 10


def test_a_key_is_not_in_the_error(lists):
    client, _ = lists({"/v1/models": (401, {"error": {"message": "bad key secret-key"}})},
                      key="secret-key")
    error = lab(client)["error"]
    assert error["kind"] == "auth" and "secret-key" not in error["message"]


def test_all_providers_at_once_and_none_that_is_unknown(lists):
    client, _ = lists({"/v1/models": ids("one")})
    found = {p["provider"]: p for p in client.request("swarm/models", {})["providers"]}
    assert {"lab", "demo", "anthropic", "openai"} <= set(found)
    with pytest.raises(RpcError, match="nobody"):
        client.request("swarm/models", {"provider": "nobody"})


def test_the_end_does_not_wait_for_a_list(lists):
    client, server = lists({"/v1/models": ids("one")})
    server.open.clear()
    client.start_request("swarm/models", {"provider": "lab"})
    assert server.reached.wait(60)
    client.close()
