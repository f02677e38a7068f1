// SPDX-License-Identifier: MIT
#include "transports/openai_responses.h"

#include "transports/responses_request.h"
#include "transports/responses_stream.h"

static void write(struct buf *out, const struct model_request *request,
                  const struct model_target *target)
{
    responses_request_write(out, request, target->provider);
}

static void path(struct buf *out, const struct model_request *request, struct str base_url)
{
    (void)request;
    (void)base_url;
    buf_add_str(out, STR("/responses"));
}

const struct model_dialect *openai_responses_dialect(void)
{
    static const struct model_dialect dialect = {
        .write = write,
        .path = path,
        .key_header = "Authorization: Bearer ",
        .stream_size = sizeof(struct responses_stream),
        .open = responses_stream_open,
    };
    return &dialect;
}
