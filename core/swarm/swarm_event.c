// SPDX-License-Identifier: MIT
// Events as the swarm appends them; `item` stands last in its event (store.h relies on it).
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/swarm/swarm_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct json_writer *event_begin(struct agent *agent, enum event_type type, const char *name)
{
    (void)type;
    struct swarm *swarm = agent->swarm;
    char time[25];
    time_format(port_wall_ms(swarm->setup.ports), time);
    buf_clear(&swarm->event);
    json_writer_init(&swarm->writer, &swarm->event);
    struct json_writer *w = &swarm->writer;
    json_begin_object(w);
    json_add_int(w, "seq", journal_next_seq(swarm->setup.journal));
    json_add_cstr(w, "agentId", agent->id);
    json_add_cstr(w, "time", time);
    json_add_cstr(w, "type", name);
    return w;
}

int64_t event_end(struct agent *agent, enum event_type type)
{
    struct swarm *swarm = agent->swarm;
    json_end_object(&swarm->writer);
    return journal_append(swarm->setup.journal, agent->num, type, buf_str(&swarm->event));
}

void event_item(struct agent *agent, struct item *item)
{
    struct swarm *swarm = agent->swarm;
    if (item->seq == 0) {
        item->seq = journal_next_seq(swarm->setup.journal);
        item->time = port_wall_ms(swarm->setup.ports);
        if (!item->id[0])
            snprintf(item->id, sizeof(item->id), "i%" PRId64, item->seq);
    } else if (item->status != ITEM_STARTED && item->ended == 0) {
        item->ended = port_wall_ms(swarm->setup.ports);
    }
    struct json_writer *w = event_begin(agent, EVENT_ITEM, "item");
    json_key(w, "item");
    item_write_json(w, item, str_of(agent->id));
    event_end(agent, EVENT_ITEM);
}

void event_turn(struct agent *agent, const char *phase, enum stop_reason reason)
{
    bool ended = reason != STOP_NONE;
    if (ended)
        agent_count_work(agent);
    struct json_writer *w = event_begin(agent, EVENT_TURN, "turn");
    json_add_cstr(w, "phase", phase);
    json_add_int(w, "turn", agent->usage.turns);
    if (reason != STOP_NONE)
        json_add_cstr(w, "stopReason", stop_reason_name(reason));
    if (ended) {
        struct usage_sum sum = usage_sum_since(&agent->usage.sum, &agent->turn_start);
        json_key(w, "usage");
        json_begin_object(w);
        usage_add_members(w, &sum);
        json_end_object(w);
    }
    event_end(agent, EVENT_TURN);
}

void event_notice(struct agent *agent, const char *level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct item *item = item_new(ITEM_NOTICE);
    item->status = ITEM_COMPLETED;
    item->name = mem_dup(str_of(level));
    item->turn = agent->usage.turns;
    buf_add_str(&item->text, str_of(text));
    event_item(agent, item);
    item_free(item);
}

struct item *item_new_user(const char *id, struct str text, const char *from)
{
    struct item *item = item_new(ITEM_USER);
    item->status = ITEM_COMPLETED;
    if (id)
        snprintf(item->id, sizeof(item->id), "%s", id);
    if (from)
        item->name = mem_dup(str_of(from));
    buf_add_str(&item->text, text);
    return item;
}
