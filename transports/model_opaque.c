// SPDX-License-Identifier: MIT
#include "transports/model_opaque.h"

#include "transports/model_stream.h"

const struct json *model_opaque_read(struct arena *arena, const char *kind, struct str provider,
                                     struct str opaque)
{
    struct json *json = NULL;
    struct err ignored;
    if (opaque.len == 0 || !json_parse(&json, arena, opaque, &ignored))
        return NULL;
    struct str by = json_str(json, "provider");
    return str_is(json_str(json, "kind"), kind) && (!by.len || str_equal(by, provider)) ? json
                                                                                        : NULL;
}

bool model_opaque_send(struct model_stream *stream, enum model_part_kind of, unsigned index,
                       struct str opaque, struct err *err)
{
    if (opaque.len > MODEL_OPAQUE_MAX)
        return err_set(err, ERR_LIMIT, "%s: what the server wants back is larger than %d MiB",
                       stream->origin->provider, MODEL_OPAQUE_MAX >> 20);
    if (!stream->stopped)
        stream->sink->opaque(stream->arg, of, index, opaque);
    return !stream->stopped;
}

bool model_opaque_send_str(struct model_stream *stream, enum model_part_kind of, unsigned index,
                           const char *kind, const char *key, struct str value, struct err *err)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 2 * MODEL_OPAQUE_MAX);
    json_writer_init(&w, &text);
    json_begin_object(&w);
    json_add_cstr(&w, "kind", kind);
    json_add_cstr(&w, "provider", stream->origin->provider);
    json_add_str(&w, key, value);
    json_end_object(&w);
    // A buffer that ran over would be no JSON: it is as much too large as it can be.
    size_t len = text.overflow ? text.max : text.len;
    bool ok = model_opaque_send(stream, of, index, str_from(text.data, len), err);
    buf_release(&text);
    return ok;
}
