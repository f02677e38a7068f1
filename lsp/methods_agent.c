// SPDX-License-Identifier: MIT
// Looking at agents (list, get, transcript) and acting on one (cancel, kill, resume, remove).
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/server_parts.h"

#include <stdio.h>

enum {
    LIST_DEFAULT = 1000,
    LIST_MAX = 10000,
    TRANSCRIPT_DEFAULT = 50,
    TRANSCRIPT_MAX = 500,
    PAGE_ARENA_MAX = 256 << 20,
};

// --- list ---

struct list_params {
    struct str scope, after;
    const struct json *states;
    int64_t limit;
};

static bool read_list(const struct json *params, struct list_params *list, struct err *err)
{
    *list = (struct list_params){.limit = LIST_DEFAULT};
    if (!json_get_str(params, "scope", &list->scope, err) ||
        !json_get_str(params, "after", &list->after, err) ||
        !json_get_array(params, "states", &list->states, err) ||
        !params_get_int(params, "limit", 1, INT64_MAX, &list->limit, err))
        return false;
    if (list->limit > LIST_MAX)
        list->limit = LIST_MAX;
    json_for_each(state, list->states)
    {
        if (state->type != JSON_STRING)
            return err_set(err, ERR_PARAMS, "states: expected an array of strings");
    }
    return true;
}

static bool is_listed(const struct list_params *list, const struct agent *agent)
{
    if (list->scope.data && !str_equal(list->scope, str_of(agent->scope)))
        return false;
    if (!list->states)
        return true;
    json_for_each(state, list->states)
    {
        if (str_is(state->string, state_name(agent->state)))
            return true;
    }
    return false;
}

static void write_list(struct call *call, const struct list_params *list, struct agent *agent)
{
    struct json_writer *json = call_begin(call);
    const struct agent *last = NULL;
    int64_t count = 0;
    json_begin_object(json);
    json_key(json, "agents");
    json_begin_array(json);
    for (; agent && count < list->limit; agent = swarm_next(call->swarm, agent)) {
        if (!is_listed(list, agent))
            continue;
        agent_write_json(json, agent);
        last = agent;
        count++;
    }
    json_end_array(json);
    while (agent && !is_listed(list, agent))
        agent = swarm_next(call->swarm, agent);
    if (agent && last)
        json_add_cstr(json, "next", last->id);
    json_add_int(json, "seq", journal_committed(call->session->server->journal));
    json_end_object(json);
    call_end(call);
}

void method_list(struct call *call)
{
    struct list_params list;
    struct err err;
    struct agent *first = swarm_first(call->swarm);
    bool ok = read_list(call->params, &list, &err);
    if (ok && list.after.len) {
        struct agent *after = swarm_find(call->swarm, list.after, &err);
        ok = after != NULL;
        first = ok ? swarm_next(call->swarm, after) : NULL;
    }
    if (ok)
        write_list(call, &list, first);
    else
        call_fail(call, &err);
}

// --- get ---

static void put_approvals(struct json_writer *json, const struct agent *agent)
{
    json_begin_array(json);
    list_for_each(node, &agent->approvals)
        approval_write_json(json, agent, list_entry(node, struct approval, node));
    json_end_array(json);
}

static void put_children(struct json_writer *json, struct swarm *swarm, const struct agent *agent)
{
    json_begin_array(json);
    for (struct agent *a = swarm_first(swarm); a; a = swarm_next(swarm, a)) {
        if (a->parent_id && strcmp(a->parent_id, agent->id) == 0)
            json_put_str(json, str_of(a->id));
    }
    json_end_array(json);
}

void method_get(struct call *call)
{
    struct agent *agent;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err)) {
        call_fail(call, &err);
        return;
    }
    struct json_writer *json = call_begin(call);
    json_begin_object(json);
    json_key(json, "agent");
    agent_write_json(json, agent);
    json_key(json, "queue");
    agent_write_queue(json, agent);
    json_key(json, "approvals");
    put_approvals(json, agent);
    json_key(json, "children");
    put_children(json, call->swarm, agent);
    json_key(json, "pins");
    agent_write_pins(json, agent);
    json_add_int(json, "seq", journal_committed(call->session->server->journal));
    json_end_object(json);
    call_end(call);
}

// --- transcript ---

static int64_t seq_of(struct str line)
{
    struct arena arena;
    struct json *json;
    struct err err;
    int64_t seq = 0;
    arena_init(&arena, PAGE_ARENA_MAX);
    if (json_parse(&json, &arena, line, &err))
        seq = json_int(json, "seq", 0);
    arena_release(&arena);
    return seq;
}

static void transcript_result(struct pending *pending, struct json_writer *json)
{
    struct str rest = buf_str(&pending->read.out);
    struct str edge = STR_NONE; // the item that the next page begins behind
    json_begin_object(json);
    json_key(json, "items");
    json_begin_array(json);
    while (rest.len) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.data) : rest.len;
        struct str line = str_from(rest.data, len);
        json_put_raw(json, line);
        if (pending->forward || !edge.data)
            edge = line;
        rest = str_skip(rest, newline ? len + 1 : len);
    }
    json_end_array(json);
    if (pending->read.more && edge.data)
        json_add_int(json, "next", seq_of(edge));
    json_add_int(json, "seq", pending->seq);
    json_end_object(json);
}

static const struct pending_kind transcript_kind = {
    .result = transcript_result, .can_be_left = true, .is_large = true};

static bool read_transcript(struct call *call, struct journal_read *read, struct err *err)
{
    struct agent *agent;
    int64_t limit = TRANSCRIPT_DEFAULT, before = 0, after = -1;
    if (!params_need_agent(call->swarm, call->params, &agent, err) ||
        !params_get_int(call->params, "limit", 1, INT64_MAX, &limit, err) ||
        !params_get_int(call->params, "before", 0, INT64_MAX, &before, err) ||
        !params_get_int(call->params, "after", 0, INT64_MAX, &after, err))
        return false;
    if (before > 0 && after >= 0)
        return err_set(err, ERR_PARAMS, "after: give before or after, not both");
    *read = (struct journal_read){
        .agent = agent->num,
        .before = before,
        .after = after,
        .limit = limit < TRANSCRIPT_MAX ? (size_t)limit : TRANSCRIPT_MAX,
    };
    return true;
}

void method_transcript(struct call *call)
{
    struct journal_read read = {.limit = 0};
    struct err err;
    if (!read_transcript(call, &read, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &transcript_kind);
    if (!pending)
        return;
    struct journal *journal = call->session->server->journal;
    read.done = pending->read.done;
    // For the store 0 is "not given". Nothing is missed by 1: an agent's event is before its items.
    pending->forward = read.after >= 0;
    read.after = read.after == 0 ? 1 : read.after < 0 ? 0 : read.after;
    pending->read = read;
    pending->seq = journal_committed(journal);
    journal_read(journal, &pending->read);
}

// --- acting on one agent ---

static void agent_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "agent");
    agent_write_json(json, pending->op.agent);
    json_end_object(json);
}

static const struct pending_kind agent_kind = {.result = agent_result, .shows_agent = true};

static void act(struct call *call, void (*fn)(struct swarm *, struct agent *, struct swarm_op *))
{
    struct agent *agent;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &agent_kind);
    if (!pending)
        return;
    fn(call->swarm, agent, &pending->op);
}

void method_cancel(struct call *call)
{
    act(call, swarm_cancel);
}

void method_kill(struct call *call)
{
    act(call, swarm_kill);
}

void method_resume(struct call *call)
{
    act(call, swarm_resume);
}

static void remove_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_cstr(json, "removed", pending->agent_id);
    if (pending->op.answer.len)
        json_add_raw(json, "kept", buf_str(&pending->op.answer));
    json_end_object(json);
}

static const struct pending_kind remove_kind = {.result = remove_result};

void method_remove(struct call *call)
{
    struct agent *agent;
    struct err err;
    bool force = false;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !json_get_bool(call->params, "force", &force, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &remove_kind);
    if (!pending)
        return;
    pending->agent_id = mem_dup(str_of(agent->id));
    swarm_remove(call->swarm, agent, force, &pending->op);
}
