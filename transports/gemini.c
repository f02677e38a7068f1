// SPDX-License-Identifier: MIT
#include "transports/gemini.h"

#include "transports/gemini_request.h"
#include "transports/gemini_stream.h"

static void write(struct buf *out, const struct model_request *request,
                  const struct model_target *target)
{
    gemini_request_write(out, request, target->provider);
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '/';
}

// A base URL that is only a host names no version of the API.
static bool names_version(struct str base_url)
{
    long scheme = str_find(base_url, STR("://"));
    return scheme >= 0 && str_find(str_skip(base_url, (size_t)scheme + 3), STR("/")) >= 0;
}

// A name may bring its collection along: "tunedModels/mine".
static void path(struct buf *out, const struct model_request *request, struct str base_url)
{
    if (!names_version(base_url))
        buf_add_str(out, STR("/v1beta"));
    bool collection = str_find(request->model, STR("/")) >= 0;
    buf_add_str(out, collection ? STR("/") : STR("/models/"));
    for (size_t i = 0; i < request->model.len; i++) {
        char c = request->model.data[i];
        if (is_plain(c))
            buf_add_char(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    buf_add_str(out, STR(":streamGenerateContent?alt=sse"));
}

const struct model_dialect *gemini_dialect(void)
{
    static const struct model_dialect dialect = {
        .write = write,
        .path = path,
        .key_header = "x-goog-api-key: ",
        .stream_size = sizeof(struct gemini_stream),
        .open = gemini_stream_open,
    };
    return &dialect;
}
