// SPDX-License-Identifier: MIT
#include "lsp/repeat.h"

#include "core/base/mem.h"
#include "lsp/server_parts.h"

enum { RESULT_ARENA_MAX = 1 << 20 };

struct lookup {
    struct session *session; // NULL: nobody waits for it any more
    char *key;
    bool done;
    struct journal_read read;
};

static void lookup_free(struct lookup *lookup)
{
    journal_read_release(&lookup->read);
    mem_free(lookup->key);
    mem_free(lookup);
}

static void on_found(struct journal_read *read)
{
    struct lookup *lookup = list_entry(read, struct lookup, read);
    lookup->done = true;
    if (lookup->session)
        session_retry(lookup->session);
    else
        lookup_free(lookup);
}

static void start_lookup(struct call *call, const char *key)
{
    struct lookup *lookup = mem_new(sizeof(*lookup));
    lookup->session = call->session;
    lookup->key = mem_dup(str_of(key));
    lookup->read.request = str_of(lookup->key);
    lookup->read.done = on_found;
    call->session->lookup = lookup;
    call->waits = true;
    journal_read(call->session->server->journal, &lookup->read);
}

void repeat_drop(struct session *session)
{
    struct lookup *lookup = session->lookup;
    session->lookup = NULL;
    if (!lookup)
        return;
    lookup->session = NULL;
    if (lookup->done)
        lookup_free(lookup);
}

static struct pending *find_first(struct server *server, const char *key)
{
    list_for_each(node, &server->repeatable)
    {
        struct pending *pending = list_entry(node, struct pending, by_request);
        if (str_is(pending->op.request, key))
            return pending;
    }
    return NULL;
}

// What the store knows of the first one is the answer.
static void answer_again(struct pending *pending, struct str stored)
{
    struct arena arena;
    struct json *json = NULL;
    arena_init(&arena, RESULT_ARENA_MAX);
    if (json_parse(&json, &arena, stored, &pending->op.err)) {
        pending->op.err.kind = ERR_NONE;
        op_read_result(pending->session->server->swarm, json, &pending->op);
    } else {
        pending->op.err.kind = ERR_STORAGE;
    }
    arena_release(&arena);
    pending->op.done(&pending->op);
}

static struct pending *first_or_again(struct call *call, const struct lookup *lookup,
                                      const struct pending_kind *kind)
{
    if (lookup->read.err.kind != ERR_NONE) {
        call_fail(call, &lookup->read.err);
        return NULL;
    }
    struct pending *pending = pending_new(call, kind);
    if (!pending)
        return NULL;
    if (lookup->read.out.len) {
        answer_again(pending, buf_str(&lookup->read.out));
        return NULL;
    }
    pending->request_key = mem_dup(str_of(lookup->key));
    pending->op.request = str_of(pending->request_key);
    list_append(&call->session->server->repeatable, &pending->by_request);
    return pending;
}

struct pending *repeat_pending(struct call *call, const char *method,
                               const struct pending_kind *kind)
{
    struct str id = STR_NONE;
    struct err err;
    bool ok = json_get_str(call->params, "requestId", &id, &err);
    if (ok && id.len > REQUEST_ID_MAX)
        ok = err_set(&err, ERR_PARAMS, "requestId: expected a string of at most %d bytes",
                     REQUEST_ID_MAX);
    if (!ok) {
        call_fail(call, &err);
        return NULL;
    }
    if (!id.len)
        return pending_new(call, kind);
    char *key = mem_format("%s:%.*s", method, STR_ARG(id));
    struct session *session = call->session;
    struct pending *first = find_first(session->server, key);
    struct pending *pending = NULL;
    if (first) {
        struct pending *follower = pending_new(call, kind);
        if (follower)
            list_append(&first->followers, &follower->by_request);
    } else if (!session->lookup) {
        start_lookup(call, key);
    } else {
        pending = first_or_again(call, session->lookup, kind);
    }
    mem_free(key);
    return pending;
}
