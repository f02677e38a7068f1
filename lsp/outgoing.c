// SPDX-License-Identifier: MIT
// What goes out of a session: see session.h.
#include "core/base/mem.h"
#include "lsp/session.h"
#include "transports/stream.h"

void outgoing_begin(struct outgoing *out, struct session *session)
{
    out->session = session;
    frame_open(&out->buf, FRAME_MESSAGE_MAX);
    json_writer_init(&out->json, &out->buf);
}

bool outgoing_send(struct outgoing *out)
{
    struct session *session = out->session;
    frame_close(&out->buf, session->frame.framing);
    if (out->buf.overflow) {
        buf_release(&out->buf);
        return false;
    }
    size_t len;
    char *bytes = buf_detach(&out->buf, &len);
    if (session->closing)
        mem_free(bytes);
    else
        stream_write(session->stream, bytes, len);
    return true;
}

size_t session_unread(const struct session *session)
{
    return stream_queued(session->stream);
}

void session_show(struct session *session, enum session_show type, const char *text)
{
    if (session->phase != SESSION_OPEN || session->closing)
        return;
    struct outgoing out;
    outgoing_begin(&out, session);
    rpc_begin_notification(&out.json, "window/showMessage");
    json_begin_object(&out.json);
    json_add_int(&out.json, "type", type);
    json_add_cstr(&out.json, "message", text);
    json_end_object(&out.json);
    json_end_object(&out.json);
    outgoing_send(&out);
}
