// SPDX-License-Identifier: MIT
// swarm/approve: a person's answer to a tool call that waits. swarm/approvals: all that wait.
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/server_parts.h"

#include <stdlib.h>

enum {
    REASON_MAX = 64 << 10,     // bytes
    APPROVALS_DEFAULT = 100,   // of one page
    APPROVALS_MAX = 1000,      //
    APPROVALS_BYTES = 4 << 20, // of one page, which has one approval at least
};

// --- an answer ---

static void result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_raw(json, "approval", buf_str(&pending->op.answer));
    json_end_object(json);
}

static const struct pending_kind kind = {.result = result};

static bool read_answer(const struct json *params, struct str *id, struct answer *answer,
                        struct buf *input, struct err *err)
{
    struct str text = STR_NONE;
    const struct json *edited = NULL;
    if (!params_need_str(params, "approvalId", id, err) ||
        !params_need_str(params, "decision", &text, err) ||
        !json_get_str(params, "reason", &answer->reason, err) ||
        !json_get_object(params, "input", &edited, err))
        return false;
    if (!decision_from_name(text, &answer->decision))
        return err_set(err, ERR_PARAMS,
                       "decision: expected \"allow\", \"allowAlways\", \"reject\" or "
                       "\"rejectAlways\"");
    if (answer->reason.len > REASON_MAX)
        return err_set(err, ERR_PARAMS, "reason: at most %d bytes", REASON_MAX);
    if (edited) {
        struct json_writer w;
        json_writer_init(&w, input);
        json_put_tree(&w, edited);
        answer->input = buf_str(input);
    }
    return !input->overflow || err_set(err, ERR_PARAMS, "input: at most %d bytes", ITEM_TEXT_MAX);
}

void method_approve(struct call *call)
{
    struct str id = STR_NONE;
    struct answer answer = {.decision = DECISION_NONE, .by = str_of(call->session->client)};
    struct pending *pending = NULL;
    struct buf input;
    struct err err;
    buf_init(&input, ITEM_TEXT_MAX);
    if (!read_answer(call->params, &id, &answer, &input, &err))
        call_fail(call, &err);
    else
        pending = pending_new(call, &kind);
    if (pending)
        swarm_approve(call->swarm, id, &answer, &pending->op);
    buf_release(&input);
}

// --- all that wait ---

struct open_approval {
    const struct agent *agent;
    const struct approval *approval;
    int64_t seq; // of its item
};

static int by_seq(const void *a, const void *b)
{
    const struct open_approval *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static size_t collect(struct call *call, struct str scope, int64_t after,
                      struct open_approval **out)
{
    size_t count = 0, capacity = 0;
    *out = NULL;
    for (struct agent *a = swarm_first(call->swarm); a; a = swarm_next(call->swarm, a)) {
        if (scope.data && !str_equal(scope, str_of(a->scope)))
            continue;
        list_for_each(node, &a->approvals)
        {
            const struct approval *approval = list_entry(node, struct approval, node);
            int64_t seq = strtoll(approval->item_id + 1, NULL, 10);
            if (seq <= after)
                continue;
            if (count == capacity) {
                capacity = capacity ? 2 * capacity : 64;
                *out = mem_resize(*out, capacity, sizeof(**out));
            }
            (*out)[count++] = (struct open_approval){a, approval, seq};
        }
    }
    if (count)
        qsort(*out, count, sizeof(**out), by_seq);
    return count;
}

static void write_page(struct call *call, const struct open_approval *open, size_t count,
                       size_t limit)
{
    struct json_writer *json = call_begin(call);
    size_t begin = json->out->len, i = 0;
    json_begin_object(json);
    json_key(json, "approvals");
    json_begin_array(json);
    for (; i < count && i < limit && json->out->len - begin < APPROVALS_BYTES; i++)
        approval_write_json(json, open[i].agent, open[i].approval);
    json_end_array(json);
    json_add_int(json, "total", (int64_t)count);
    if (i > 0 && i < count)
        json_add_int(json, "next", open[i - 1].seq);
    json_add_int(json, "seq", journal_committed(swarm_journal(call->swarm)));
    json_end_object(json);
    call_end(call);
}

void method_approvals(struct call *call)
{
    struct str scope = STR_NONE;
    int64_t limit = APPROVALS_DEFAULT, after = 0;
    struct open_approval *open = NULL;
    struct err err;
    if (!json_get_str(call->params, "scope", &scope, &err) ||
        !params_get_int(call->params, "limit", 1, INT64_MAX, &limit, &err) ||
        !params_get_int(call->params, "after", 0, INT64_MAX, &after, &err)) {
        call_fail(call, &err);
        return;
    }
    size_t count = collect(call, scope, after, &open);
    write_page(call, open, count, limit < APPROVALS_MAX ? (size_t)limit : APPROVALS_MAX);
    mem_free(open);
}
