# SPDX-License-Identifier: MIT
"""Chat servers that have ideas of their own, most about reasoning; model_server.py's steps otherwise."""
import re

from model_server import ModelServer, Stream


class ThinkingStream(Stream):
    def __init__(self, handler, request):
        super().__init__(handler, request)
        self.thought = ""

    def do_delta(self, deltas):
        self.thought += "".join(delta.get("reasoning_content", "") for delta in deltas)
        super().do_delta(self.server.renamed(deltas))

    def do_call(self, name, arguments, id, pieces, index):
        id = f"call_{self.request.number}_{self.calls}" if id is None else id
        self.server.thoughts[id] = self.thought
        super().do_call(name, arguments, id, pieces, index)


class Thinking(ModelServer):
    stream_class = ThinkingStream

    def __init__(self, *args, **named):
        self.thoughts = {}  # id of a call -> what was thought before it
        super().__init__(*args, **named)

    def renamed(self, deltas):
        return deltas

    def fault_of(self, request):
        fault = super().fault_of(request)
        for at, message in enumerate(request.messages):
            if not fault and message["role"] == "assistant":
                fault = self.fault_of_answer(at, message)
            if not fault and message["role"] == "user" and at:
                fault = self.fault_of_user(request.messages[at - 1])
        return fault

    def fault_of_user(self, before):
        return None

    def expected(self, message):
        calls = message.get("tool_calls") or []
        return self.thoughts.get(calls[0]["id"], "") if calls else ""


class DeepSeekServer(Thinking):
    """Wants all reasoning back, also of earlier turns, and something in its place where none was."""

    def fault_of_answer(self, at, message):
        sent, wanted = message.get("reasoning_content"), self.expected(message)
        if sent and (sent == wanted or not wanted):
            return None
        return "The `reasoning_content` in the thinking mode must be passed back to the API."


class GroqServer(Thinking):
    """Says what it thinks, and refuses to hear it."""

    def fault_of_answer(self, at, message):
        for name in ("reasoning_content", "reasoning", "reasoning_details"):
            if name in message:
                return (f"'messages.{at}' : for 'role:assistant' the following must be satisfied"
                        f"[('messages.{at}' : property '{name}' is unsupported)]")
        return None


class RouterServer(Thinking):
    """Thinks in parts that are signed, as OpenRouter does, and wants them back as they were."""

    def renamed(self, deltas):
        if "reasoning_content" not in deltas[0]:
            return deltas
        parts = [{"type": "reasoning.text", "text": delta["reasoning_content"], "index": 0,
                  "format": "anthropic-claude-v1"} for delta in deltas]
        parts.append({"type": "reasoning.text", "signature": self.signature, "index": 0})
        return [{"reasoning": part.get("text", ""), "reasoning_details": [part]} for part in parts]

    signature = "c2lnbmVk"

    def fault_of_answer(self, at, message):
        wanted = self.expected(message)
        details = [{"type": "reasoning.text", "text": wanted, "signature": self.signature,
                    "format": "anthropic-claude-v1", "index": 0}]
        if not wanted or message.get("reasoning_details") == details:
            return None
        return "reasoning details need to be preserved in each request"


class MistralServer(Thinking):
    """Takes nothing that it does not know, ids of nine signs, and no message right behind a result."""

    def fault_of(self, request):
        if "stream_options" in request.body:
            return ("{'type': 'extra_forbidden', 'loc': ['body', 'stream_options', 'include_usage'], "
                    "'msg': 'Extra inputs are not permitted'}")
        return super().fault_of(request)

    def fault_of_answer(self, at, message):
        for it in message.get("tool_calls") or []:
            if not re.fullmatch("[a-zA-Z0-9]{9}", it["id"]):
                return f"Tool call id was {it['id']} but must be a-z, A-Z, 0-9, with a length of 9."
        return None

    def fault_of_user(self, before):
        return "Unexpected role 'user' after role 'tool'" if before["role"] == "tool" else None
