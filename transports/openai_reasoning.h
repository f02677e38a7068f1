// SPDX-License-Identifier: MIT
// Reasoning that chat servers want back with the answer that it led to. OpenAI's own dialect knows
// none of it; others have added to it, each in its way:
//
// reasoning_content  a text (DeepSeek, Moonshot, Z.ai, llama.cpp and many more). DeepSeek and
// Moonshot
//                    refuse requests in which an answer lacks it: when one of a transcript had it,
//                    all get it, a space where there was none.
// reasoning          a text (Ollama, vLLM, Cerebras): of the present turn.
// reasoning_details  a list, its parts signed or encrypted (OpenRouter, MiniMax). It comes in
// pieces,
//                    told apart by `type` and `index`.
// extra_content      of a call (Google's server for this dialect): has its signature.
//
// Groq and other strict ones refuse all of these. So each goes only to the provider that it came
// from, and a server that refuses a request because of it, or for the want of it, gets it made anew
// (openai_habit.h).
//
// What came is kept as the opaque of the answer's first call, else of its text:
// {"kind": "openai-chat", "provider": "lab", "field": "reasoning_content", "reasoning_details":
// [...], "extra_content": {...}}. The text of the reasoning is the reasoning's own part.
#ifndef SWARMD_TRANSPORTS_OPENAI_REASONING_H
#define SWARMD_TRANSPORTS_OPENAI_REASONING_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"

#define OPENAI_CHAT_KIND "openai-chat"

enum { OPENAI_DETAILS_MAX = 256 }; // parts of one answer's list; of more nothing is sent back

struct openai_stream;

struct openai_detail {
    char *type, *id, *format;   // the latter two may be NULL
    int64_t index;              // -1: not said
    struct buf body, signature; // body: its text, summary or data
};

// Of an answer that streams; all zeroes at first.
struct openai_reasoning {
    const char *field; // that its text came in; or NULL
    struct openai_detail *details;
    size_t count;
    bool given_up; // not all of the list is known
};

// The member that has a piece of the text came.
void openai_reasoning_named(struct openai_stream *stream, const struct json *member);
// The member `reasoning_details` of a piece.
void openai_reasoning_take(struct openai_stream *stream, const struct json *list, bool smuggled);
// The answer is whole: hands the opaques to the sink. False as model_opaque_send().
bool openai_reasoning_end(struct openai_stream *stream, struct err *err);
void openai_reasoning_release(struct openai_reasoning *reasoning);

#endif
