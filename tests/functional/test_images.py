# SPDX-License-Identifier: MIT
"""Images in a person's messages: to the model of each dialect, into the store, and their limits."""
import base64
import pathlib

import pytest
from agents import get
from client import RpcError
from dialect_server import AnthropicServer, GeminiServer, ResponsesServer
from model_server import Gate, ModelServer, gate, status, text

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
                       "awAAAABJRU5ErkJggg==")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(100))
GIF = b"GIF89a" + bytes(20)
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8 " + bytes(10)
MIB = 1 << 20


def block(content, type="image/png"):
    return {"type": "image", "mimeType": type, "data": base64.b64encode(content).decode()}


def big(size):
    return PNG + bytes(size - len(PNG))


def images_of_chat(body):
    return [part["image_url"]["url"] for message in body["messages"]
            if isinstance(message["content"], list) for part in message["content"]
            if part["type"] == "image_url"]


def images_of_anthropic(body):
    return ["data:%(media_type)s;base64,%(data)s" % part["source"] for message in body["messages"]
            for part in message["content"] if part["type"] == "image"
            and part["source"]["type"] == "base64"]


def images_of_responses(body):
    return [part["image_url"] for item in body["input"] if item.get("role") == "user"
            for part in item["content"] if part["type"] == "input_image"]


def images_of_gemini(body):
    return ["data:%(mimeType)s;base64,%(data)s" % part["inlineData"]
            for content in body["contents"] for part in content["parts"] if "inlineData" in part]


SERVERS = [(ModelServer, images_of_chat), (AnthropicServer, images_of_anthropic),
           (ResponsesServer, images_of_responses), (GeminiServer, images_of_gemini)]


def url(image):
    return f"data:{image['mimeType']};base64,{image['data']}"


def send(client, agent, *content, **more):
    return client.request("swarm/send", {"agentId": agent["id"], "content": list(content), **more})


def user_items(client, agent):
    items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
    return [item for item in items if item["kind"] == "user"]


@pytest.fixture
def idle(start, repository):
    """idle(server) -> (client, an agent that has ended its first turn)."""

    def make(server, **settings):
        client = start(config=server.config(mode="full", **settings))
        client.initialize(root=repository, subscribe="all")
        agent = client.request("swarm/spawn", {"task": "look"})["agent"]
        client.wait_state(agent["id"], "done")
        return client, agent

    return make


@pytest.mark.parametrize("Server, images_of", SERVERS)
def test_to_the_model_and_into_the_store(idle, start, Server, images_of):
    images = [block(PNG), block(JPEG, "image/jpeg"), block(GIF, "image/gif"),
              block(WEBP, "image/webp")]
    words = {"type": "text", "text": "What is this?"}
    with Server(lambda _: [text("A picture.")]) as server:
        client, agent = idle(server)
        start_ = len(client.messages)
        assert send(client, agent, words, *images)["delivery"] == "started"
        client.wait_turn_end(agent["id"], start=start_)
        client.wait(lambda: len(server.requests) == 2, "the request")
        assert images_of(server.requests[1].body) == [url(image) for image in images]
        assert user_items(client, agent)[1]["content"] == [words, *images]
        client.process.kill()
        client.process.wait()

        client = start(config=server.config(mode="full"))
        client.initialize(subscribe="all")
        assert user_items(client, agent)[1]["content"] == [words, *images]
        send(client, agent, block(PNG))  # no text is needed
        client.wait(lambda: len(server.requests) == 3 and server.requests[2].answered.is_set(),
                    "the answer")
        assert images_of(server.requests[2].body) == [url(i) for i in (*images, images[0])]
        assert server.refused == []
        client.wait(lambda: user_items(client, agent)[2]["content"] == [images[0]], "the item")
        assert client.close() == 0


@pytest.mark.parametrize("content, words", [
    ([block(PNG, "image/bmp")], "content[0]: mimeType: expected image/png"),
    ([{"type": "text", "text": "x"}, {"type": "image", "mimeType": "image/png", "data": "a b="}],
     "content[1]: data: expected base64"),
    ([{"type": "image", "mimeType": "image/png", "data": ""}], "data: expected base64"),
    ([{"type": "image", "mimeType": "image/png"}], "data: expected base64"),
    ([block(JPEG)], "this is no image/png, but image/jpeg"),
    ([block(b"hello there")], "this is no image/png"),
    ([block(big(3 * MIB + 1))], "content[0]: an image may have at most 3145728 bytes"),
    ([block(big(3 * MIB)), block(big(3 * MIB)), block(PNG)], "content[2]: the images of a message"),
    ([block(PNG)] * 9, "content[8]: a message takes at most 8 images"),
    ([{"type": "video", "mimeType": "video/mp4"}], "content[0]: expected"),
])
def test_what_is_refused(idle, content, words):
    with ModelServer([[text("Hi.")]]) as server:
        client, agent = idle(server)
        with pytest.raises(RpcError) as error:
            valid = all(image.get("data") is not None and "bmp" not in image["mimeType"]
                        for image in content if image["type"] != "text")
            client.request("swarm/send", {"agentId": agent["id"], "content": content}, valid=valid)
        assert error.value.code == -32602 and words in error.value.message
        assert len(user_items(client, agent)) == 1
        assert client.close() == 0


def test_the_most_there_can_be(idle):
    images = [block(big(3 * MIB))] * 2
    with ModelServer(lambda _: [text("Fine.")]) as server:
        client, agent = idle(server)
        send(client, agent, *images)
        client.wait(lambda: len(server.requests) == 2 and server.requests[1].answered.is_set(),
                    "the answer")
        assert images_of_chat(server.requests[1].body) == [url(image) for image in images]
        assert client.close() == 0


def test_queued(restarts, start):
    held = Gate()
    connect, server = restarts([[gate(held), text("One.")], [text("Two.")]])
    client = connect()
    agent = client.request("swarm/spawn", {"task": "look"})["agent"]
    server.wait_requests(1)
    assert send(client, agent, block(PNG))["delivery"] == "queued"
    queue = client.request("swarm/get", {"agentId": agent["id"]})["queue"]
    assert [(message["text"], message["images"]) for message in queue] == [("", 1)]
    held.open()
    server.wait_requests(2)
    client.wait_state(agent["id"], "done")
    assert images_of_chat(server.requests[1].body) == [url(block(PNG))]
    assert client.close() == 0


def test_a_model_that_takes_none(idle):
    with ModelServer([[text("Hi.")]]) as server:
        client, agent = idle(server, model="gpt-oss-20b")
        with pytest.raises(RpcError) as error:
            send(client, agent, block(PNG))
        assert error.value.code == -32602
        assert "scripted/gpt-oss-20b takes no images" in error.value.message
        assert client.close() == 0


def test_a_provider_that_takes_none(idle):
    answers = [[text("Hi.")], status(400, "invalid content type")]
    with ModelServer(answers) as server:
        client, agent = idle(server)
        send(client, agent, block(PNG))
        error = client.wait_state(agent["id"], "failed")["error"]
        assert "invalid content type" in error["message"] and "have images" in error["message"]
        assert client.close() == 0


def test_in_the_context_of_a_task(start, repository, tmp_path):
    names = {"a.png": PNG, "b c.JPG": JPEG, "fake.png": b"no image", "huge.png": big(3 * MIB + 1)}
    for name, content in names.items():
        (tmp_path / name).write_bytes(content)

    def context(*files):
        return [{"uri": (tmp_path / name).as_uri()} for name in files]

    with ModelServer(lambda _: [text("Hi.")]) as server:
        client = start(config=server.config(mode="full"))
        client.initialize(root=repository, subscribe="all")
        files = context("a.png", "b c.JPG", "fake.png", "missing.png")
        agent = client.request("swarm/spawn", {"task": "look", "context": files})["agent"]
        client.wait_state(agent["id"], "done")
        assert images_of_chat(server.requests[0].body) == [url(block(PNG)),
                                                           url(block(JPEG, "image/jpeg"))]
        said = user_items(client, agent)[0]["content"][0]["text"]
        assert all(str(tmp_path / name) in said for name in ("a.png", "fake.png", "missing.png"))
        with pytest.raises(RpcError) as error:
            client.request("swarm/spawn", {"task": "look", "context": context("huge.png")})
        assert error.value.code == -32602
        assert "huge.png" in error.value.message and "3145728" in error.value.message
        assert client.close() == 0


def cuts(client, agent):
    items = client.request("swarm/transcript", {"agentId": agent["id"]})["items"]
    return [item["reason"] for item in items if item["kind"] == "compaction"]


def send_and_wait(client, agent, *content):
    turn = get(client, agent)["agent"]["usage"]["turns"] + 1
    send(client, agent, *content)
    return client.wait_event(lambda e: e["type"] == "turn" and e["agentId"] == agent["id"]
                             and e["phase"] == "ended" and e["turn"] == turn)


def test_the_agent_goes_on_however_many_images_it_was_sent(idle, start):
    images = [block(big(3 * MIB)), block(big(3 * MIB))]
    with ModelServer(lambda _: [text("Seen.")]) as server:
        client, agent = idle(server)
        for _ in range(9):
            send_and_wait(client, agent, *images)
            body = server.requests[-1].body
            assert 2 <= len(images_of_chat(body)) <= 5
            assert sum(map(len, images_of_chat(body))) <= 20 * MIB + 1000
        assert "[image of 3.0 MB left out: too old]" in str(body["messages"][1:4])[:3000]
        assert any("images of 2 older messages are left out" in cut for cut in cuts(client, agent))
        client.process.kill()
        client.process.wait()

        client = start(config=server.config(mode="full"))
        client.initialize(subscribe="all")
        send_and_wait(client, agent, {"type": "text", "text": "and now?"})
        assert 2 <= len(images_of_chat(server.requests[-1].body)) <= 4
        assert server.refused == []
        assert client.close() == 0


def test_too_many_bytes_cost_images_and_not_the_window(idle):
    def answer(request):
        if len(images_of_chat(request.body)) > 1:
            return status(413, "request entity too large")
        return [text("Seen.")]

    with ModelServer(answer) as server:
        client, agent = idle(server)
        for _ in range(3):
            done = send_and_wait(client, agent, {"type": "text", "text": "this " * 20}, block(PNG))
            assert done["stopReason"] == "endTurn"
        assert len(images_of_chat(server.requests[-1].body)) == 1
        reasons = cuts(client, agent)
        assert len(reasons) == 2
        assert all("too many bytes for the provider: images of 1 older" in r for r in reasons)


def test_bytes_that_no_cut_helps_leave_the_window_as_it_was(idle):
    with ModelServer(lambda request: status(413) if images_of_chat(request.body) and
                     "enough" not in str(request.messages[-1]) else [text("Seen.")]) as server:
        client, agent = idle(server)
        assert send_and_wait(client, agent, block(PNG))["stopReason"] == "error"
        long = " ".join(f"word{i}" for i in range(20000))
        done = send_and_wait(client, agent, {"type": "text", "text": f"enough {long}"})
        assert done["stopReason"] == "endTurn"
        assert long in str(server.requests[-1].messages)
