// SPDX-License-Identifier: MIT
#include "lsp/restore.h"

#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/server_parts.h"
#include "lsp/subscription.h"

struct restore {
    char *text; // of swarmBridge, until it is applied
    int64_t told;
    bool told_lagged;
};

struct restore *restore_read(struct session *session, const struct json *params)
{
    const struct json *bridge = json_get(params, "swarmBridge");
    struct buf text;
    struct json_writer w;
    if (!bridge || bridge->type != JSON_OBJECT)
        return NULL;
    int64_t next_id = json_int(bridge, "nextId", 0);
    if (next_id > session->next_id)
        session->next_id = next_id;
    struct str folder = json_str(bridge, "folder");
    if (!session->folder && folder.len && folder.data[0] == '/')
        session->folder = mem_dup(folder);
    struct restore *restore = mem_new(sizeof(*restore));
    buf_init(&text, FRAME_MESSAGE_MAX);
    json_writer_init(&w, &text);
    json_put_tree(&w, bridge);
    restore->text = buf_detach(&text, NULL);
    restore->told = -1;
    return restore;
}

void restore_free(struct restore *restore)
{
    if (restore)
        mem_free(restore->text);
    mem_free(restore);
}

// What cannot be restored (an agent that is removed) is nothing that anything could come of.
static void restore_subscriptions(struct session *session, const struct json *list)
{
    struct filter *filter = &session->subscription->filter;
    struct err ignored;
    json_for_each(one, list)
    {
        struct filter_entry entry;
        struct swarm *swarm = session->server->swarm;
        if (!watch_read_entry(swarm, json_get(one, "params"), &entry, &ignored))
            continue;
        if (json_bool(one, "add", false))
            filter_add(filter, &entry, &ignored);
        else
            filter_remove(filter, &entry);
    }
}

void restore_apply(struct restore *restore, struct session *session)
{
    struct json *bridge;
    struct arena arena;
    struct err err;
    if (!restore->text)
        return;
    arena_init(&arena, SESSION_ARENA_MAX);
    if (json_parse(&bridge, &arena, str_of(restore->text), &err) &&
        json_bool(bridge, "takesUp", false)) {
        restore_subscriptions(session, json_get(bridge, "subscriptions"));
        subscription_take_up(session->subscription, json_int(bridge, "position", -1),
                             json_bool(bridge, "lagged", false));
        swarm_resume_cut_off(session->server->swarm);
    }
    arena_release(&arena);
    mem_free(restore->text);
    restore->text = NULL;
    subscription_flush_soon(session->subscription);
}

void restore_position_fell(struct restore *restore)
{
    if (restore)
        restore->told = -1;
}

void restore_tell_position(struct restore *restore, struct session *session, int64_t position,
                           bool lagged)
{
    struct outgoing out;
    if (restore->told == position && restore->told_lagged == lagged)
        return;
    restore->told = position;
    restore->told_lagged = lagged;
    outgoing_begin(&out, session);
    rpc_begin_notification(&out.json, "$/swarm/position");
    json_begin_object(&out.json);
    json_add_int(&out.json, "seq", position);
    json_add_bool(&out.json, "lagged", lagged);
    json_end_object(&out.json);
    json_end_object(&out.json);
    outgoing_send(&out);
}
