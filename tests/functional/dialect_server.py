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
        self.paused = []    # texts of answers that paused
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
        for kind, *details in answer:  # some is told at the beginning
            if kind == "usage":
                self.do_usage(*details)
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

    @property
    def asked(self):
        return sum(block["type"] == "text" for message in self.messages
                   if message["role"] == "user" for block in message["content"])


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
        self.said = "".join(pieces)
        self.block({"type": "text", "text": ""},
                   [{"type": "text_delta", "text": piece} for piece in pieces])

    def call(self, id, name, arguments, pieces):
        self.block({"type": "tool_use", "id": id, "name": name, "input": {}},
                   [{"type": "input_json_delta", "partial_json": piece}
                    for piece in ["", *pieces]])

    def end(self, reason):
        reason = reason or ("tool_use" if self.calls else "end_turn")
        if reason == "pause_turn":
            self.server.paused.append(self.said)
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
        last = messages[-1]
        if last["role"] == "assistant":
            said = "".join(block.get("text", "") for block in last["content"])
            check(said and any(it.rstrip() == said for it in self.paused),
                  f"the conversation must end with a user message: {last}")

    def check_thoughts(self, where, blocks, calls):
        given = [block for block in blocks if "thinking" in block["type"]]
        for id in calls:
            check(given == self.reasoned.get(id, []),
                  f"{where}: thinking blocks cannot be modified: they must remain as they were "
                  f"in the original response: {given} for {self.reasoned.get(id)}")


# --- OpenAI's Responses

class ResponsesRequest(Request):
    def messages_of(self, body):
        return body.get("input") or []

    @property
    def task(self):
        return self.messages[0]["content"][0]["text"]

    @property
    def results(self):
        """Those behind the newest message of a person."""
        newest = max(at for at, item in enumerate(self.messages) if item.get("role") == "user")
        return [i for i in self.messages[newest:] if i["type"] == "function_call_output"]

    @property
    def asked(self):
        return sum(item.get("role") == "user" for item in self.messages)


class ResponsesStream(DialectStream):
    def begin(self):
        self.place = 0
        self.event("response.created", response={"id": "resp_1", "status": "in_progress"})
        self.event("response.in_progress", response={"id": "resp_1", "status": "in_progress"})

    def item(self, item, begun, events):
        self.event("response.output_item.added", output_index=self.place, item={**item, **begun})
        for type, members in events:
            self.event(type, output_index=self.place, item_id=item["id"], **members)
        self.event("response.output_item.done", output_index=self.place, item=item)
        self.place += 1

    def reason_about(self, pieces):
        whole = "".join(pieces)
        item = {"type": "reasoning", "id": f"rs_{self.request.number}_{self.place}",
                "summary": [{"type": "summary_text", "text": whole}] if whole else [],
                "encrypted_content": signature_of(self.request.number, self.place, whole)}
        self.thoughts.append(item)
        self.item(item, {"summary": [], "encrypted_content": "not all of it"},
                  [("response.reasoning_summary_text.delta", {"summary_index": 0, "delta": piece})
                   for piece in pieces])

    def think(self, pieces):
        self.reason_about(pieces)

    def redact(self):
        self.reason_about([])

    def say(self, pieces):
        whole = [{"type": "output_text", "text": "".join(pieces), "annotations": []}]
        self.item({"type": "message", "id": "msg_1", "role": "assistant", "content": whole,
                   "phase": "commentary"},
                  {"content": []},
                  [("response.output_text.delta", {"content_index": 0, "delta": piece})
                   for piece in pieces])

    def call(self, id, name, arguments, pieces):
        self.item({"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name,
                   "arguments": arguments, "status": "completed"},
                  {"arguments": "", "status": "in_progress"},
                  [("response.function_call_arguments.delta", {"delta": piece})
                   for piece in pieces])

    def end(self, reason):
        prompt, completion, cached = self.usage or (50, self.words, 20)
        status = "incomplete" if reason else "completed"
        self.event("response." + status, response={
            "id": "resp_1", "status": status,
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": {"input_tokens": prompt,
                      "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
                      "output_tokens": completion, "total_tokens": prompt + completion,
                      "output_tokens_details": {"reasoning_tokens": 0}}})


class ResponsesServer(DialectServer):
    kind = "openai-responses"
    request_class = ResponsesRequest
    stream_class = ResponsesStream

    def key_of(self, headers):
        return ModelServer.key_of(self, headers)

    def check(self, request):
        body = request.body
        check(request.path == "/v1/responses", f"no such path: {request.path}")
        check(body.get("stream") is True, "stream is not true")
        check(body.get("store") is False, "this organisation must not store")
        for tool in body.get("tools", []):
            check(tool["type"] == "function" and TOOL_NAME.match(tool["name"]), f"tools: {tool}")
            check(tool["parameters"]["type"] == "object", "tools: parameters")
        self.check_input(body["input"])

    def check_input(self, items):
        called, reasoning = {}, []
        for at, item in enumerate(items):
            where = f"input[{at}]"
            if item["type"] == "reasoning":
                check(set(item) <= {"type", "id", "summary", "encrypted_content", "content"},
                      f"{where}: Unknown parameter in {item}")
                reasoning.append(item)
            elif item["type"] == "function_call":
                json.loads(item["arguments"])
                check(reasoning == self.reasoned.get(item["call_id"], []),
                      f"{where}: 'function_call' was provided without its required 'reasoning' "
                      f"item: {reasoning}")
                called[item["call_id"]] = None
            elif item["type"] == "function_call_output":
                check(item["call_id"] in called, f"{where}: No tool call found")
                check(called.pop(item["call_id"], None) is None, where)
                reasoning = []
            else:
                check(item["type"] == "message" and item["content"], f"{where}: {item}")
                check(item["role"] == "user" or item.get("phase") == "commentary",
                      f"{where}: the phase is lost")
                check(not called, f"{where}: No tool output found for {list(called)}")
                if item["role"] == "user":
                    reasoning = []
        check(not called, f"No tool output found for {list(called)}")
        check(items[-1]["type"] != "reasoning", "reasoning without its following item")


# --- the Gemini API

class GeminiRequest(Request):
    def messages_of(self, body):
        return body.get("contents") or []

    @property
    def task(self):
        return self.messages[0]["parts"][0]["text"]

    @property
    def results(self):
        return [part for part in self.last["parts"] if "functionResponse" in part]

    @property
    def asked(self):
        return sum("text" in part for content in self.messages if content["role"] == "user"
                   for part in content["parts"])


class GeminiStream(DialectStream):
    def begin(self):
        self.signature = None  # of this answer: the first call has it

    def piece(self, *parts, **members):
        content = json.dumps({"candidates": [
            {"content": {"role": "model", "parts": list(parts)}, "index": 0, **members}],
            "modelVersion": self.request.path})
        self.handler.send_bytes(f"data: {content}\r\n\r\n".encode())

    def think(self, pieces):
        for piece in pieces:
            self.piece({"text": piece, "thought": True})

    def redact(self):
        pass  # thoughts that nobody may read do not show at all here

    def say(self, pieces):
        for piece in pieces:
            self.piece({"text": piece})

    def do_call(self, name, arguments, id, pieces, index):
        part = {"functionCall": {"name": name, "args": json.loads(arguments)}}
        if self.calls == 0:
            part["thoughtSignature"] = signature_of(self.request.number, name)
            self.server.reasoned[part["thoughtSignature"]] = part["functionCall"]
        self.calls += 1
        self.piece(part)

    def end(self, reason):
        prompt, completion, cached = self.usage or (50, self.words, 20)
        self.piece(finishReason=reason or "STOP")
        content = json.dumps({"usageMetadata": {
            "promptTokenCount": prompt, "cachedContentTokenCount": cached,
            "candidatesTokenCount": completion, "thoughtsTokenCount": 1,
            "totalTokenCount": prompt + completion + 1}})
        self.handler.send_bytes(f"data: {content}\r\n\r\n".encode())


class GeminiServer(DialectServer):
    kind = "gemini"
    root = "/v1beta"
    key_header = "x-goog-api-key"
    request_class = GeminiRequest
    stream_class = GeminiStream

    def config(self, model="gemini-3-scripted", **settings):
        return super().config(model, **settings)

    def check(self, request):
        wanted = "/v1beta/models/gemini-3-scripted:streamGenerateContent?alt=sse"
        check(request.path == wanted, f"no such path: {request.path}")
        for tool in request.body.get("tools", []):
            for function in tool["functionDeclarations"]:
                check(TOOL_NAME.match(function["name"]), f"tools: {function}")
                check(function["parametersJsonSchema"]["type"] == "object", f"tools: {function}")
        self.check_contents(request.body["contents"])

    def check_contents(self, contents):
        called = []  # (id, name) without a response
        for at, content in enumerate(contents):
            where, parts = f"contents[{at}]", content["parts"]
            check(content["role"] == ("model" if at % 2 else "user"), f"{where}: roles")
            check(parts and all(p.get("text") != "" for p in parts), f"{where}: empty text")
            responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
            check([(r.get("id"), r["name"]) for r in responses] == called,
                  f"{where}: the number of function response parts must be that of the calls")
            check(all(isinstance(r["response"], dict) for r in responses), f"{where}: response")
            calls = [part for part in parts if "functionCall" in part]
            called = [(c["functionCall"].get("id"), c["functionCall"]["name"]) for c in calls]
            if calls:
                self.check_signature(where, calls[0])
        check(contents[-1]["role"] == "user", "the last content must be the user's")

    def check_signature(self, where, call):
        given = self.reasoned.get(call.get("thoughtSignature"))
        sent = {key: call["functionCall"][key] for key in ("name", "args")}
        check(given == sent, f"{where}: Function call is missing a thought_signature: {call}")
