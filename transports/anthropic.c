// SPDX-License-Identifier: MIT
#include "transports/anthropic.h"

#include "transports/anthropic_request.h"
#include "transports/anthropic_stream.h"

static void write(struct buf *out, const struct model_request *request,
                  const struct model_target *target)
{
    anthropic_request_write(out, request, target->provider);
}

static void path(struct buf *out, const struct model_request *request, struct str base_url)
{
    (void)request;
    buf_add_str(out, str_ends(base_url, STR("/v1")) ? STR("/messages") : STR("/v1/messages"));
}

const struct model_dialect *anthropic_dialect(void)
{
    static const struct model_dialect dialect = {
        .write = write,
        .path = path,
        .key_header = "x-api-key: ",
        .header = "anthropic-version: 2023-06-01",
        .stream_size = sizeof(struct anthropic_stream),
        .open = anthropic_stream_open,
    };
    return &dialect;
}
