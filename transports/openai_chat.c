// SPDX-License-Identifier: MIT
#include "transports/openai_chat.h"

#include "transports/openai_habit.h"
#include "transports/openai_request.h"
#include "transports/openai_stream.h"

static void write(struct buf *out, const struct model_request *request,
                  const struct model_target *target)
{
    openai_request_write(out, request, target);
}

static void path(struct buf *out, const struct model_request *request, struct str base_url)
{
    (void)request;
    (void)base_url;
    buf_add_str(out, STR("/chat/completions"));
}

const struct model_dialect *openai_chat_dialect(void)
{
    static const struct model_dialect dialect = {
        .write = write,
        .path = path,
        .key_header = "Authorization: Bearer ",
        .stream_size = sizeof(struct openai_stream),
        .open = openai_stream_open,
        .habits_after = openai_habits_after,
    };
    return &dialect;
}
