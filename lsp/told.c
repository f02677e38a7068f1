// SPDX-License-Identifier: MIT
#include "lsp/told.h"

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "lsp/frame.h"

#include <stdlib.h>
#include <unistd.h>

enum { TOLD_ARENA_MAX = 512 << 20 };

struct told_change { // the last one of its name counts
    struct list node;
    bool add, deltas;
    char *agent, *scope; // one of them, or neither: all
};

void told_init(struct told *told)
{
    *told = (struct told){.position = -1};
    list_init(&told->changes);
    list_init(&told->requests);
}

static void free_change(struct told *told, struct told_change *change)
{
    list_remove(&change->node);
    told->change_count--;
    mem_free(change->agent);
    mem_free(change->scope);
    mem_free(change);
}

static void drop_changes(struct told *told)
{
    list_for_each_safe(node, &told->changes)
        free_change(told, list_entry(node, struct told_change, node));
}

void told_drop(struct told *told, struct told_request *request)
{
    list_remove(&request->node);
    told->kept -= request->body ? request->len : 0;
    rpc_id_release(&request->id);
    mem_free(request->body);
    mem_free(request);
}

void told_release(struct told *told)
{
    drop_changes(told);
    list_for_each_safe(node, &told->requests)
        told_drop(told, list_entry(node, struct told_request, node));
    mem_free(told->initialize);
    mem_free(told->trace);
    told->initialize = told->trace = NULL;
}

// --- subscriptions

static bool same(const char *a, struct str b)
{
    return a ? b.data && str_is(b, a) : !b.data;
}

static void note_change(struct told *told, const struct json *params, bool add)
{
    struct str agent = json_str(params, "agentId"), scope = json_str(params, "scope");
    if (!agent.data && !scope.data && !add)
        drop_changes(told);
    list_for_each_safe(node, &told->changes)
    {
        struct told_change *change = list_entry(node, struct told_change, node);
        if (same(change->agent, agent) && same(change->scope, scope))
            free_change(told, change);
    }
    if (told->change_count >= TOLD_SUBSCRIPTIONS_MAX)
        return; // the session refuses it too
    struct told_change *change = mem_new(sizeof(*change));
    change->add = add;
    change->deltas = json_bool(params, "deltas", true);
    change->agent = agent.data ? mem_dup(agent) : NULL;
    change->scope = scope.data ? mem_dup(scope) : NULL;
    list_append(&told->changes, &change->node);
    told->change_count++;
}

static void write_changes(const struct told *told, struct json_writer *w)
{
    json_begin_array(w);
    list_for_each(node, &told->changes)
    {
        const struct told_change *change = list_entry(node, struct told_change, node);
        json_begin_object(w);
        json_add_bool(w, "add", change->add);
        json_key(w, "params");
        json_begin_object(w);
        if (change->agent)
            json_add_cstr(w, "agentId", change->agent);
        if (change->scope)
            json_add_cstr(w, "scope", change->scope);
        json_add_bool(w, "deltas", change->deltas);
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

// --- the client

static enum told_kind kind_of(const struct rpc_message *message)
{
    static const char *const readers[] = {"swarm/list",  "swarm/get",    "swarm/transcript",
                                          "swarm/stats", "swarm/search", "swarm/unsubscribe"};
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
        if (str_is(message->method, readers[i]))
            return TOLD_REPEATED;
    }
    bool acts = str_is(message->method, "swarm/spawn") || str_is(message->method, "swarm/send");
    if (acts && json_str(message->params, "requestId").len)
        return TOLD_REPEATED;
    if (str_is(message->method, "swarm/subscribe"))
        return TOLD_SUBSCRIBE;
    if (str_is(message->method, "shutdown"))
        return TOLD_SHUTDOWN;
    return TOLD_LOST;
}

static void note_request(struct told *told, const struct rpc_message *message, struct str body)
{
    struct told_request *request = mem_new(sizeof(*request));
    request->id = rpc_id_copy(&message->id);
    request->kind = kind_of(message);
    request->after = -1;
    if (request->kind == TOLD_SUBSCRIBE)
        request->after = json_int(message->params, "after", -1);
    if (str_is(message->method, "initialize") && !told->initialize) {
        request->kind = TOLD_INITIALIZE;
        told->initialize = mem_dup(body);
        told->initialize_len = body.len;
    } else if (request->kind != TOLD_LOST && told->kept + body.len > TOLD_KEPT_MAX) {
        request->kind = TOLD_LOST;
    } else if (request->kind != TOLD_LOST) {
        request->body = mem_dup(body);
        request->len = body.len;
        told->kept += body.len;
    }
    list_append(&told->requests, &request->node);
}

static void forget_asked(struct told *told, const struct rpc_id *id)
{
    for (size_t i = 0; i < told->asked_count && id->kind == RPC_ID_INT; i++) {
        if (told->asked[i] == id->number) {
            told->asked[i] = told->asked[--told->asked_count];
            return;
        }
    }
}

void told_by_client(struct told *told, const struct rpc_message *message, struct str body)
{
    if (message->kind == RPC_RESPONSE)
        forget_asked(told, &message->id);
    if (message->kind == RPC_NOTIFICATION && str_is(message->method, "initialized"))
        told->initialized = true;
    if (message->kind == RPC_NOTIFICATION && str_is(message->method, "$/setTrace")) {
        mem_free(told->trace);
        told->trace = mem_dup(body);
    }
    if (message->kind != RPC_REQUEST)
        return;
    if (str_is(message->method, "swarm/unsubscribe"))
        note_change(told, message->params, false);
    note_request(told, message, body);
}

// --- the host

// Only now: one that is not answered is asked again, and must not be in force before.
static void note_subscription(struct told *told, const struct told_request *request)
{
    struct arena arena;
    struct json *json;
    struct err ignored;
    arena_init(&arena, TOLD_ARENA_MAX);
    if (request->body && json_parse(&json, &arena, str_from(request->body, request->len), &ignored))
        note_change(told, json_get(json, "params"), true);
    arena_release(&arena);
}

static void answered(struct told *told, const struct told_request *request,
                     const struct rpc_message *message)
{
    if (request->kind == TOLD_INITIALIZE) {
        told->welcomed = message->result != NULL;
        if (!told->welcomed) { // the client may try again
            mem_free(told->initialize);
            told->initialize = NULL;
        }
    }
    if (request->kind == TOLD_SHUTDOWN && message->result)
        told->shut = true;
    if (request->kind == TOLD_SUBSCRIBE && message->result) {
        told->lagged = false;
        note_subscription(told, request);
        // What it asked for again is told from there; the host says when that is done.
        if (request->after >= 0 && request->after < told->position)
            told->position = request->after;
    }
}

bool told_by_host(struct told *told, const struct rpc_message *message, enum told_kind *kind)
{
    if (message->kind == RPC_REQUEST && message->id.kind == RPC_ID_INT) {
        if (message->id.number >= told->next_id && message->id.number < INT64_MAX)
            told->next_id = message->id.number + 1;
        if (told->asked_count < TOLD_ASKED_MAX)
            told->asked[told->asked_count++] = message->id.number;
    }
    if (message->kind == RPC_NOTIFICATION && str_is(message->method, "$/swarm/position")) {
        told->position = json_int(message->params, "seq", -1);
        told->lagged = json_bool(message->params, "lagged", false);
    }
    if (message->kind != RPC_RESPONSE)
        return false;
    list_for_each(node, &told->requests)
    {
        struct told_request *request = list_entry(node, struct told_request, node);
        if (!rpc_id_equal(&request->id, &message->id))
            continue;
        *kind = request->kind;
        answered(told, request, message);
        told_drop(told, request);
        return true;
    }
    return false;
}

// --- another host

static void write_bridge(const struct told *told, struct json_writer *w, bool takes_up)
{
    char *folder = getcwd(NULL, 0);
    json_begin_object(w);
    json_add_cstr(w, "folder", folder);
    free(folder);
    if (takes_up) {
        json_add_int(w, "nextId", told->next_id);
        json_add_bool(w, "takesUp", true);
        json_add_int(w, "position", told->position);
        json_add_bool(w, "lagged", told->lagged);
        json_key(w, "subscriptions");
        write_changes(told, w);
    }
    json_end_object(w);
}

// Puts the bridge's member into a copy of the parameters.
static bool put_params(const struct told *told, struct json_writer *w, const struct json *params,
                       struct arena *arena, bool takes_up)
{
    struct buf text;
    struct json_writer inner;
    struct json *bridge;
    struct err ignored;
    buf_init(&text, FRAME_MESSAGE_MAX);
    json_writer_init(&inner, &text);
    write_bridge(told, &inner, takes_up);
    bool ok = !text.overflow && json_parse(&bridge, arena, buf_str(&text), &ignored);
    if (ok) {
        struct json all = {.type = JSON_OBJECT};
        if (params && params->type == JSON_OBJECT)
            all = *params;
        bridge->key = STR("swarmBridge");
        bridge->next = all.first;
        all.first = bridge;
        all.count++;
        json_put_tree(w, &all);
    }
    buf_release(&text);
    return ok;
}

bool told_write_initialize(const struct told *told, struct buf *out, bool takes_up)
{
    struct arena arena;
    struct json *json;
    struct err ignored;
    struct json_writer w;
    arena_init(&arena, TOLD_ARENA_MAX);
    bool ok = json_parse(&json, &arena, str_from(told->initialize, told->initialize_len), &ignored);
    if (ok) {
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_add_cstr(&w, "jsonrpc", "2.0");
        json_key(&w, "id");
        json_put_tree(&w, json_get(json, "id"));
        json_add_cstr(&w, "method", "initialize");
        json_key(&w, "params");
        ok = put_params(told, &w, json_get(json, "params"), &arena, takes_up);
        json_end_object(&w);
    }
    arena_release(&arena);
    return ok && !out->overflow;
}
