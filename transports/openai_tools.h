// SPDX-License-Identifier: MIT
// The tool calls of an OpenAI-compatible answer, put together from their pieces.
//
// Used by transports/openai_stream.c only.
#ifndef SWARMD_TRANSPORTS_OPENAI_TOOLS_H
#define SWARMD_TRANSPORTS_OPENAI_TOOLS_H

#include "core/base/json.h"
#include "transports/openai_stream.h"

// One element of delta.tool_calls. False with err, or when the stream was stopped.
bool openai_tools_take(struct openai_stream *stream, const struct json *piece, bool smuggled,
                       struct err *err);

// The answer is over: every call must have got its name by now.
bool openai_tools_end(struct openai_stream *stream, struct err *err);

void openai_tools_release(struct openai_stream *stream);

#endif
