// SPDX-License-Identifier: MIT
#include "lsp/batch.h"

#include "lsp/rpc.h"

void batch_init(struct batch *batch, struct session *session)
{
    batch->session = session;
    batch->open = false;
}

void batch_send(struct batch *batch)
{
    if (!batch->open)
        return;
    batch->open = false;
    json_end_array(&batch->out.json);
    json_end_object(&batch->out.json);
    json_end_object(&batch->out.json);
    outgoing_send(&batch->out);
}

struct json_writer *batch_event(struct batch *batch)
{
    if (batch->open && batch->out.buf.len >= BATCH_BYTES)
        batch_send(batch);
    if (!batch->open) {
        outgoing_begin(&batch->out, batch->session);
        rpc_begin_notification(&batch->out.json, "swarm/events");
        json_begin_object(&batch->out.json);
        json_key(&batch->out.json, "events");
        json_begin_array(&batch->out.json);
        batch->open = true;
    }
    return &batch->out.json;
}

bool batch_is_full(const struct batch *batch)
{
    size_t here = batch->open ? batch->out.buf.len : 0;
    return session_unread(batch->session) + here >= SESSION_EVENTS_MAX;
}
