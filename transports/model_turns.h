// SPDX-License-Identifier: MIT
// Messages of a request for providers that want user and assistant to take turns: what one side
// says in a row becomes one message.
#ifndef SWARMD_TRANSPORTS_MODEL_TURNS_H
#define SWARMD_TRANSPORTS_MODEL_TURNS_H

#include "core/base/json.h"
#include "core/model/model.h"

struct model_turns {
    struct json_writer *w;
    const char *key;  // of a message's parts: "content"
    const char *role; // of the message that is open, or NULL
};

static inline bool model_is_assistant(const struct model_part *part)
{
    return part->kind == MODEL_ASSISTANT_TEXT || part->kind == MODEL_REASONING ||
           part->kind == MODEL_TOOL_CALL;
}

static inline bool model_is_user(const struct model_part *part)
{
    return part->kind == MODEL_USER_TEXT || part->kind == MODEL_USER_IMAGE;
}

// Begins a part, an object, in a message of this role: in the open one, or in a new one. The
// caller writes its members and ends it.
void model_turns_begin(struct model_turns *turns, const char *role);
void model_turns_end(struct model_turns *turns); // no part follows

#endif
