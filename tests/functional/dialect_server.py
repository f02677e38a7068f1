# SPDX-License-Identifier: MIT
"""Scripted servers of the other dialects: model_server.py's steps, in another wire form.

    with AnthropicServer([[reasoning("Hm."), call("read", path="README.md")], [text("Done.")]]) as s:
        write_config(s.config())

They refuse what the real ones refuse: calls and results that do not pair, roles that do not take
turns, empty texts, and above all reasoning that does not come back as it was sent, with its
signature, in front of the calls that it led to.
"""
import hashlib
import json

from model_server import ModelServer, Request, Stream, TOOL_NAME, cut_up


class Refused(Exception):
    """Why a real server would refuse the request."""


def check(fine, why):
    if not fine:
        raise Refused(why)


def signature_of(*what):
    return hashlib.sha256(repr(what).encode()).hexdigest()


class DialectServer(ModelServer):
    key_header = None

    def __init__(self, *args, **named):
        self.reasoned = {}  # id of a call -> the reasoning in front of it, as it must come back
        super().__init__(*args, **named)

    def fault_of(self, request):
        try:
            self.check(request)
        except Refused as why:
            return str(why)
        return None

    def key_of(self, headers):
        return {name.lower(): value for name, value in headers.items()}.get(self.key_header)


class DialectStream(Stream):
    """An answer in which reasoning, text and calls are blocks of their own."""

    def event(self, type, **members):
        content = json.dumps({"type": type, **members})
        self.handler.send_bytes(f"event: {type}\ndata: {content}\n\n".encode())

    def run(self, answer):
        self.handler.begin_stream()
        self.thoughts = []  # of this answer, as they must come back
        self.reason = None
        self.begin()
        for kind, *details in answer:
            getattr(self, "do_" + kind)(*details)
        if not self.as_it_is:
            self.end(self.reason)
        self.handler.wfile.write(b"0\r\n\r\n")

    def do_delta(self, deltas):
        self.words += len(deltas)
        thinks = "reasoning_content" in deltas[0]
        pieces = [delta["reasoning_content" if thinks else "content"] for delta in deltas]
        (self.think if thinks else self.say)(pieces)

    def do_call(self, name, arguments, id, pieces, index):
        id = f"call_{self.request.number}_{self.calls}" if id is None else id
        self.calls += 1
        self.server.reasoned[id] = list(self.thoughts)
        self.call(id, name, arguments, cut_up(arguments, pieces))

    def do_finish(self, reason):
        self.reason = reason

    def do_redacted(self):
        self.redact()


def redacted():
    """Reasoning that nobody may read."""
    return ("redacted",)


# --- Anthropic's Messages

class AnthropicRequest(Request):
    @property
    def task(self):
        blocks = self.messages[0]["content"]
        return next((block["text"] for block in blocks if block["type"] == "text"), "")

    @property
    def results(self):
        return [b for b in self.last["content"] if b["type"] == "tool_result"]


class AnthropicStream(DialectStream):
    def begin(self):
        self.index = 0
        prompt, _, cached = self.usage or (50, 0, 20)
        self.event("message_start", message={
            "id": f"msg_{self.request.number}", "type": "message", "role": "assistant",
            "model": self.request.body["model"], "content": [], "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": prompt - cached, "cache_creation_input_tokens": 0,
                      "cache_read_input_tokens": cached, "output_tokens": 1}})
        self.event("ping")

    def block(self, start, deltas):
        self.event("content_block_start", index=self.index, content_block=start)
        for delta in deltas:
            self.event("content_block_delta", index=self.index, delta=delta)
        self.event("content_block_stop", index=self.index)
        self.index += 1

    def think(self, pieces):
        whole = "".join(pieces)
        signature = signature_of(self.request.number, whole)
        self.thoughts.append({"type": "thinking", "thinking": whole, "signature": signature})
        self.block({"type": "thinking", "thinking": "", "signature": ""},
                   [{"type": "thinking_delta", "thinking": piece} for piece in pieces] +
                   [{"type": "signature_delta", "signature": signature}])

    def redact(self):
        data = signature_of(self.request.number, self.index)
        self.thoughts.append({"type": "redacted_thinking", "data": data})
        self.block({"type": "redacted_thinking", "data": data}, [])

    def say(self, pieces):
        self.block({"type": "text", "text": ""},
                   [{"type": "text_delta", "text": piece} for piece in pieces])

    def call(self, id, name, arguments, pieces):
        self.block({"type": "tool_use", "id": id, "name": name, "input": {}},
                   [{"type": "input_json_delta", "partial_json": piece}
                    for piece in ["", *pieces]])

    def end(self, reason):
        reason = reason or ("tool_use" if self.calls else "end_turn")
        completion = self.usage[1] if self.usage else self.words
        self.event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                   usage={"output_tokens": completion})
        self.event("message_stop")


class AnthropicServer(DialectServer):
    kind = "anthropic"
    root = ""
    key_header = "x-api-key"
    request_class = AnthropicRequest
    stream_class = AnthropicStream

    def check(self, request):
        body = request.body
        headers = {name.lower(): value for name, value in request.headers.items()}
        check(request.path == "/v1/messages", f"no such path: {request.path}")
        check(headers.get("anthropic-version") == "2023-06-01", "anthropic-version: missing")
        check(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
        check(body.get("stream") is True, "stream is not true")
        for tool in body.get("tools", []):
            check(TOOL_NAME.match(tool["name"]), f"tools: {tool['name']!r}")
            check(tool["input_schema"]["type"] == "object", "tools: input_schema")
        marks = json.dumps(body).count('"cache_control"')
        check(1 <= marks <= 4, f"{marks} blocks with cache_control; at least one is wanted, "
                               "4 are allowed")
        self.check_messages(body["messages"])

    def check_messages(self, messages):
        expected = []  # ids of calls without a result
        for at, message in enumerate(messages):
            where, blocks = f"messages.{at}", message["content"]
            check(message["role"] == ("assistant" if at % 2 else "user"),
                  f"{where}: roles must alternate")
            check(blocks, f"{where}: content must not be empty")
            results = [block for block in blocks if block["type"] == "tool_result"]
            check(blocks[:len(results)] == results, f"{where}: results must come first")
            check([r["tool_use_id"] for r in results] == expected,
                  f"{where}: the calls {expected} want their results here")
            for block in blocks:
                check(block["type"] != "text" or block["text"].strip(),
                      f"{where}: text content blocks must contain non-whitespace text")
            expected = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if message["role"] == "assistant":
                self.check_thoughts(where, blocks, expected)
        check(messages[-1]["role"] == "user", "the conversation must end with a user message")

    def check_thoughts(self, where, blocks, calls):
        given = [block for block in blocks if "thinking" in block["type"]]
        for id in calls:
            check(given == self.reasoned.get(id, []),
                  f"{where}: thinking blocks cannot be modified: they must remain as they were "
                  f"in the original response: {given} for {self.reasoned.get(id)}")
