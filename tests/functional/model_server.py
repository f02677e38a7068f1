# SPDX-License-Identifier: MIT
"""A scripted OpenAI-compatible model server on loopback, for functional tests.

A test says what the model answers and sees what it was asked:

    with ModelServer([[text("Let me look."), call("read", path="README.md")],
                      [text("All done.")]]) as server:
        write_config(server.config())          # a configuration file for swarmd
        ...
        assert server.refused == []

An answer is a list of steps: text(), reasoning(), call(), usage(), finish(), gate(), pause(),
raw(), cut(), stall(); or a single status() or wire(). What is not said is added: finish_reason, usage and
[DONE]. The script is one of
  - a list of answers, one a request, in the order of the requests;
  - a dict from a word of the task (the first user message) to such a list: a conversation each;
  - a function of the Request that returns an answer.

As real servers do, it refuses (400) a request whose tool calls and results do not pair, whose
roles are out of order or whose arguments are no JSON object; `refused` remembers why. A request
that the script does not expect is refused too.

Stand-alone: model_server.py [--port N] [--deltas N] [--pace-ms N] prints its base URL and answers
every request with so many words. (bench/model_server.c is the fast one.)
"""
import argparse
import json
import re
import select
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DEADLINE_S = 60  # of every wait here; a test that meets it fails
TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


# --- steps of an answer

def text(content, pieces=None):
    """Content, word by word, or in as many pieces as said (by character)."""
    return ("delta", [{"content": piece} for piece in cut_up(content, pieces)])


def reasoning(content, pieces=None):
    return ("delta", [{"reasoning_content": piece} for piece in cut_up(content, pieces)])


def call(name, arguments=None, id=None, pieces=3, index=None, **named):
    """A tool call; arguments as a dict, by keyword, or as a string that is sent as it is."""
    if arguments is None:
        arguments = named
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    return ("call", name, arguments, id, pieces, index)


def usage(prompt, completion, cached=0):
    """What is told at the end of the answer."""
    return ("usage", prompt, completion, cached)


def finish(reason):
    return ("finish", reason)


def gate(it):
    """Waits until the test opens the Gate."""
    return ("gate", it)


def pause(seconds):
    return ("pause", seconds)


def raw(content):
    """Bytes or text straight into the body; nothing is added to such an answer any more."""
    return ("raw", content.encode() if isinstance(content, str) else content)


def cut():
    """The connection breaks here."""
    return ("cut",)


def stall():
    """Nothing more comes, and the connection stays."""
    return ("stall",)


def status(code, message="scripted failure", headers=None, body=None):
    """A whole answer that is an error."""
    if body is None:
        body = {"error": {"message": message, "type": "scripted", "code": None}}
    return ("status", code, headers or {}, body if isinstance(body, str) else json.dumps(body))


def wire(*pieces):
    """Instead of an answer: these bytes into the socket, which is closed then. A number is a pause in
    seconds; a function gives bytes until the client goes away."""
    return ("wire", pieces)


def cut_up(content, pieces):
    if pieces is None:
        return re.findall(r"\S+\s*|\s+", content)
    size = max(1, -(-len(content) // max(1, pieces)))
    return [content[at:at + size] for at in range(0, len(content), size)]


class Gate:
    """Where a stream stops until the test says so."""

    def __init__(self):
        self._reached = threading.Event()
        self._open = threading.Event()

    def open(self):
        self._open.set()

    def wait_reached(self):
        assert self._reached.wait(DEADLINE_S), "no stream has come to the gate"


def make_certificate(folder):
    """A file with a certificate for localhost and its key."""
    path = folder / "localhost.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", path, "-out", folder / "certificate.pem"],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "certificate.pem").read_text())
    return path


# --- requests

class Request:
    """One request of swarmd: what it asks, and what became of it."""

    def __init__(self, number, path, headers, body):
        self.number = number            # from 0, over the whole server
        self.path = path
        self.headers = headers
        self.body = body
        self.messages = self.messages_of(body)
        self.disconnected = threading.Event()  # the client has closed before the answer's end
        self.answered = threading.Event()      # the whole answer is written
        self.refused = None

    def messages_of(self, body):
        return body.get("messages") or []

    @property
    def task(self):
        return next((m["content"] for m in self.messages if m.get("role") == "user"), "")

    @property
    def last(self):
        return self.messages[-1]

    @property
    def turns(self):
        """How many answers of the model the transcript has."""
        return sum(m.get("role") == "assistant" for m in self.messages)

    @property
    def asked(self):
        """How many messages of people it has."""
        return sum(m.get("role") == "user" for m in self.messages)

    @property
    def results(self):
        """The tool messages behind the newest answer: [{tool_call_id, content}]."""
        found = []
        for message in reversed(self.messages):
            if message.get("role") != "tool":
                break
            found.insert(0, message)
        return found


def fault_of(body):
    """Why a real server would refuse this request, or None."""
    if body.get("stream") is not True:
        return "stream is not true"
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "model is missing"
    for tool in body.get("tools", []):
        function = tool.get("function", {})
        if tool.get("type") != "function" or not TOOL_NAME.match(function.get("name", "")):
            return f"tools: {tool!r} is no function"
        if function.get("parameters", {}).get("type") != "object":
            return f"tools: the parameters of {function['name']} are no object"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages is missing"
    return fault_of_messages(messages)


def is_content(content):
    """A string, or parts with text or images."""
    return isinstance(content, str) or all(
        part["type"] == "text" and part["text"] or
        part["type"] == "image_url" and part["image_url"]["url"].startswith("data:image/")
        for part in content)


def fault_of_messages(messages):
    expected = []  # ids of calls without a result
    conversation = False
    for at, message in enumerate(messages):
        role, where = message.get("role"), f"messages[{at}]"
        if role not in ("system", "user", "assistant", "tool"):
            return f"{where}: unknown role {role!r}"
        if role == "tool":
            if message.get("tool_call_id") not in expected:
                return f"{where}: result of {message.get('tool_call_id')!r}, which was not called"
            if not isinstance(message.get("content"), str):
                return f"{where}: content of a result must be a string"
            expected.remove(message["tool_call_id"])
            continue
        if expected:
            return f"{where}: the calls {expected} have no result before the next message"
        if role == "system" and at > 0:
            return f"{where}: a system message in the middle"
        if role == "assistant" and not conversation:
            return f"{where}: the conversation must begin with a user message"
        if role == "user":
            conversation = True
            if not message.get("content") or not is_content(message["content"]):
                return f"{where}: a user message without content: {message.get('content')!r}"
        if role == "assistant":
            fault, expected = fault_of_assistant(message)
            if fault:
                return f"{where}: {fault}"
    if expected:
        return f"the calls {expected} have no result"
    if messages[-1]["role"] not in ("user", "tool"):
        return "the last message must be the user's or a result"
    return None


def fault_of_assistant(message):
    calls = message.get("tool_calls")
    if calls is None:
        if not message.get("content"):
            return "an assistant message with neither content nor calls", []
        return None, []
    ids = []
    if not calls:
        return "tool_calls is empty", []
    for it in calls:
        function = it.get("function", {})
        if it.get("type") != "function" or not it.get("id"):
            return f"{it!r} is no call", []
        if it["id"] in ids:
            return f"two calls have the id {it['id']!r}", []
        ids.append(it["id"])
        if not TOOL_NAME.match(function.get("name", "")):
            return f"{function.get('name')!r} is no name of a tool", []
        try:
            fine = isinstance(json.loads(function.get("arguments")), dict)
        except (TypeError, ValueError):
            fine = False
        if not fine:
            return f"arguments of {it['id']!r} are no JSON object in a string", []
    return None, ids


# --- the server

class Gone(Exception):
    """The client has closed the connection, or the server stops."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_whole(200, {}, json.dumps({"object": "list", "data": [
            {"id": "scripted", "object": "model"}]}))

    def do_POST(self):
        model_server = self.server.model_server
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        request = model_server._record(self.path, dict(self.headers), content)
        self.request_seen = request
        try:
            model_server._answer(self, request)
            request.answered.set()
        except (Gone, OSError):
            self.close_connection = True
            request.disconnected.set()

    def send_whole(self, code, headers, body):
        content = body.encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def send_wire(self, pieces):
        self.close_connection = True
        for piece in pieces:
            if isinstance(piece, (int, float)):
                self.wait_for(threading.Event(), piece)
            while callable(piece) and not self.server.model_server._stopping.is_set():
                self.wfile.write(piece())
            if isinstance(piece, bytes):
                self.wfile.write(piece)

    def begin_stream(self):
        if self.server.model_server.stream_head:
            self.wfile.write(self.server.model_server.stream_head)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_bytes(self, content):
        if content:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def wait_for(self, event, seconds=float("inf")):
        """Until the event or the time; Gone when the client or the server goes first."""
        end = time.monotonic() + seconds
        while not event.wait(0.02) and time.monotonic() < end:
            if self.server.model_server._stopping.is_set():
                raise Gone
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise Gone


class Stream:
    """One answer on its way."""

    def __init__(self, handler, request):
        self.handler, self.request = handler, request
        self.server = handler.server.model_server
        self.calls = 0
        self.words = 0
        self.finished = self.as_it_is = False
        self.usage = None  # (prompt, completion, cached), when the script says it
        self.id = f"chatcmpl-{request.number}"

    def send(self, **members):
        chunk = {"id": self.id, "object": "chat.completion.chunk", "created": int(time.time()),
                 "model": self.request.body.get("model"), **members}
        self.handler.send_bytes(b"data: %s\n\n" % json.dumps(chunk).encode())

    def delta(self, delta, finish_reason=None):
        self.send(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def run(self, answer):
        self.handler.begin_stream()
        self.delta({"role": "assistant", "content": ""})
        for kind, *details in answer:
            getattr(self, "do_" + kind)(*details)
        if self.as_it_is:
            self.handler.wfile.write(b"0\r\n\r\n")
            return
        if not self.finished:
            self.do_finish("tool_calls" if self.calls else "stop")
        self.send_usage()
        self.handler.send_bytes(b"data: [DONE]\n\n")
        self.handler.wfile.write(b"0\r\n\r\n")

    def do_delta(self, deltas):
        for delta in deltas:
            self.words += 1
            self.delta(delta)

    def do_call(self, name, arguments, id, pieces, index):
        index = self.calls if index is None else index
        self.calls += 1
        id = f"call_{self.request.number}_{index}" if id is None else id
        self.delta({"tool_calls": [{"index": index, "id": id, "type": "function",
                                    "function": {"name": name, "arguments": ""}}]})
        for piece in cut_up(arguments, pieces):
            self.delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    def do_usage(self, prompt, completion, cached):
        self.usage = (prompt, completion, cached)

    def send_usage(self):
        estimate = (len(json.dumps(self.request.messages)) // 4, self.words, 0)
        prompt, completion, cached = self.usage or estimate
        self.send(choices=[], usage={
            "prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached}})

    def do_finish(self, reason):
        self.finished = True
        self.delta({}, reason)

    def do_gate(self, it):
        it._reached.set()
        self.handler.wait_for(it._open)

    def do_pause(self, seconds):
        time.sleep(seconds)

    def do_raw(self, content):
        self.as_it_is = True
        self.handler.send_bytes(content)

    def do_cut(self):
        self.handler.connection.shutdown(socket.SHUT_RDWR)
        raise Gone

    def do_stall(self):
        self.handler.wait_for(threading.Event())


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    tls = None

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:  # the handshake is made by the connection's own thread
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        pass  # a client that went away


class ModelServer:
    """Speaks the chat completions; dialect_server.py has servers of the other dialects."""
    kind = "openai-chat"
    root = "/v1"  # the base URL's path
    stream_head = None  # bytes instead of the head of a stream
    request_class = Request
    stream_class = Stream

    def fault_of(self, request):
        if request.path != "/v1/chat/completions":
            return f"no such path: {request.path}"
        return fault_of(request.body)

    def key_of(self, headers):
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def __init__(self, script=None, key=None, port=0, certificate=None):
        """key: the one that requests must bring; without, none is looked at.
        certificate: a file with a certificate for localhost and its key; then it speaks TLS."""
        self.script = script if script is not None else []
        self.key = key
        self.requests = []  # of Request, in order of arrival
        self.refused = []   # why requests were refused
        self._taken = {}    # answers taken of each list
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._listener = Listener(("127.0.0.1", port), Handler)
        self._listener.model_server = self
        if certificate:
            self._listener.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._listener.tls.load_cert_chain(certificate)
        self._thread = threading.Thread(target=self._listener.serve_forever,
                                        kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def port(self):
        return self._listener.server_address[1]

    @property
    def base_url(self):
        if self._listener.tls:
            return f"https://localhost:{self.port}{self.root}"
        return f"http://127.0.0.1:{self.port}{self.root}"

    def config(self, model="scripted", key_env=None, key_from=None, **settings):
        """A configuration file that uses this server. settings: mode="full", max_active=4...;
        key_from: {"api_key_command": ...} or {"api_key_file": ...}; concurrency: of the provider.

        What fails for a passing reason is made again soon, unless `retry` says otherwise.
        """
        settings.setdefault("retry", "{first_ms: 10, max_ms: 100}")
        named = {"api_key_env": key_env} if key_env else key_from or {}
        key = "".join(f", {name}: {json.dumps(str(value))}" for name, value in named.items())
        if "concurrency" in settings:
            key += f", concurrency: {settings.pop('concurrency')}"
        lines = [f"{name}: {value}" for name, value in settings.items()]
        return "\n".join([f"model: scripted/{model}", *lines, "providers:",
                          f'  scripted: {{kind: {self.kind}, base_url: "{self.base_url}"{key}}}',
                          ""])

    def wait_requests(self, count):
        """Waits for so many requests; returns the last of them."""
        with self._changed:
            fine = self._changed.wait_for(lambda: len(self.requests) >= count, DEADLINE_S)
            assert fine, f"{len(self.requests)} of {count} requests came; {self.refused}"
            return self.requests[count - 1]

    def _record(self, path, headers, content):
        fault = None
        try:
            body = json.loads(content)
        except ValueError as error:
            body, fault = {}, f"the body is not JSON: {error}"
        with self._changed:
            request = self.request_class(len(self.requests), path, headers, body)
            request.raw = content
            request.refused = fault or self.fault_of(request)
            if request.refused:
                self.refused.append(request.refused)
            self.requests.append(request)
            self._changed.notify_all()
        return request

    def _next_answer(self, request):
        if callable(self.script):
            return self.script(request)
        answers, name = self.script, None
        if isinstance(answers, dict):
            name = next((word for word in answers if word in request.task), None)
            answers = answers.get(name, [])
        with self._changed:
            at = self._taken.get(name, 0)
            self._taken[name] = at + 1
            if at < len(answers):
                return answers[at]
            fault = f"request {request.number} was not expected: {request.last!r}"[:400]
            self.refused.append(fault)
        return status(400, fault)

    def _answer(self, handler, request):
        if self.key is not None and self.key_of(request.headers) != self.key:
            answer = status(401, "wrong or missing key")
        elif request.refused:
            answer = status(400, request.refused)
        else:
            answer = self._next_answer(request)
        if isinstance(answer, tuple) and answer[0] in ("status", "wire"):
            {"status": handler.send_whole, "wire": handler.send_wire}[answer[0]](*answer[1:])
        else:
            self.stream_class(handler, request).run([answer] if isinstance(answer, tuple) else answer)


def main():
    parser = argparse.ArgumentParser(description="A model server that answers with words.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--deltas", type=int, default=200)
    parser.add_argument("--pace-ms", type=float, default=0)
    options = parser.parse_args()

    def answer(_):
        steps = []
        for number in range(options.deltas):
            steps.append(text(f"word{number} "))
            if options.pace_ms:
                steps.append(pause(options.pace_ms / 1000))
        return steps

    server = ModelServer(answer, port=options.port)
    print(server.base_url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
