// SPDX-License-Identifier: MIT
#include "lsp/call.h"

#include "core/base/mem.h"

// `files`: data.files, as JSON, or empty.
static void fail_id_with(struct session *session, const struct rpc_id *id, const struct err *err,
                         struct str files)
{
    if (id->kind == RPC_ID_NONE) {
        session_show(session, SHOW_ERROR, err->message);
        return;
    }
    struct outgoing out;
    outgoing_begin(&out, session);
    rpc_write_failure_with(&out.json, id, err, files);
    outgoing_send(&out);
}

static void fail_id(struct session *session, const struct rpc_id *id, const struct err *err)
{
    fail_id_with(session, id, err, STR_NONE);
}

static void fail_too_large(struct session *session, const struct rpc_id *id)
{
    struct err err;
    err_set(&err, ERR_LIMIT, "the answer is larger than 64 MiB: ask for less at a time (limit)");
    fail_id(session, id, &err);
}

struct json_writer *call_begin(struct call *call)
{
    outgoing_begin(&call->out, call->session);
    rpc_begin_result(&call->out.json, &call->id);
    return &call->out.json;
}

void call_end(struct call *call)
{
    json_end_object(&call->out.json);
    if (call->id.kind == RPC_ID_NONE)
        buf_release(&call->out.buf);
    else if (!outgoing_send(&call->out))
        fail_too_large(call->session, &call->id);
}

void call_fail(struct call *call, const struct err *err)
{
    fail_id(call->session, &call->id, err);
}

// --- answered later ---

static void leave(struct pending *pending)
{
    list_remove(&pending->node);
    pending->session->pending_count--;
    pending->session->large_count -= pending->kind->is_large;
    pending->session = NULL;
    rpc_id_release(&pending->id);
}

static void answer(struct pending *pending, const struct err *err)
{
    struct session *session = pending->session;
    if (pending->left) {
        // nobody waits for it
    } else if (err->kind != ERR_NONE) {
        fail_id_with(session, &pending->id, err,
                     err->kind == ERR_CONFLICT || err->kind == ERR_DIRTY
                         ? buf_str(&pending->op.answer)
                         : STR_NONE);
    } else if (pending->id.kind != RPC_ID_NONE) {
        struct outgoing out;
        outgoing_begin(&out, session);
        rpc_begin_result(&out.json, &pending->id);
        pending->kind->result(pending, &out.json);
        json_end_object(&out.json);
        if (!outgoing_send(&out))
            fail_too_large(session, &pending->id);
    }
    leave(pending);
    session_answered(session);
}

static void finish(struct pending *pending, const struct err *err);

// The same result for whoever asked the same once more.
static void follow(struct pending *follower, const struct swarm_op *first, const struct err *err)
{
    follower->op.agent = first->agent;
    follower->op.seq = first->seq;
    follower->op.delivery = first->delivery;
    follower->op.position = first->position;
    memcpy(follower->op.agent_id, first->agent_id, sizeof(first->agent_id));
    memcpy(follower->op.item_id, first->item_id, sizeof(first->item_id));
    finish(follower, err);
}

static void finish(struct pending *pending, const struct err *err)
{
    if (pending->session)
        answer(pending, err);
    list_remove(&pending->by_request);
    list_for_each_safe(node, &pending->followers)
        follow(list_entry(node, struct pending, by_request), &pending->op, err);
    mem_free(pending->request_key);
    buf_release(&pending->op.answer);
    journal_read_release(&pending->read);
    mem_free(pending->agent_id);
    mem_free(pending);
}

static void on_op_done(struct swarm_op *op)
{
    struct pending *pending = list_entry(op, struct pending, op);
    if (op->err.kind == ERR_NONE && pending->kind->shows_agent && !op->agent)
        err_set(&op->err, ERR_UNKNOWN_AGENT, "%s was removed meanwhile", op->agent_id);
    finish(pending, &op->err);
}

static void on_read_done(struct journal_read *read)
{
    finish(list_entry(read, struct pending, read), &read->err);
}

struct pending *pending_new(struct call *call, const struct pending_kind *kind)
{
    struct session *session = call->session;
    if (session->pending_count >= SESSION_PENDING_MAX) {
        struct err err;
        err_set(&err, ERR_LIMIT, "%d requests of this connection are under way: wait for answers",
                SESSION_PENDING_MAX);
        call_fail(call, &err);
        return NULL;
    }
    struct pending *pending = mem_new(sizeof(*pending));
    list_init(&pending->by_request);
    list_init(&pending->followers);
    pending->session = session;
    pending->id = rpc_id_copy(&call->id);
    pending->kind = kind;
    pending->op.done = on_op_done;
    pending->read.done = on_read_done;
    list_append(&session->pending, &pending->node);
    session->pending_count++;
    session->large_count += kind->is_large;
    return pending;
}

bool pending_cancel(struct session *session, const struct rpc_id *id)
{
    list_for_each(node, &session->pending)
    {
        struct pending *pending = list_entry(node, struct pending, node);
        if (!pending->kind->can_be_left || pending->left || !rpc_id_equal(&pending->id, id))
            continue;
        struct outgoing out;
        outgoing_begin(&out, session);
        rpc_write_error(&out.json, id, RPC_CANCELLED, STR("cancelled by the client"));
        outgoing_send(&out);
        pending->left = true;
        return true;
    }
    return false;
}

void pending_leave_all(struct session *session)
{
    list_for_each_safe(node, &session->pending) leave(list_entry(node, struct pending, node));
}
