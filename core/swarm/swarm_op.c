// SPDX-License-Identifier: MIT
// How a request ends: at once with an error, or when what it did is on disk.
#include "core/swarm/swarm_internal.h"

#include <stdio.h>

static void op_done_later(struct deferred *deferred)
{
    struct swarm_op *op = list_entry(deferred, struct swarm_op, later);
    op->done(op);
}

static void op_committed(struct journal_wait *wait)
{
    struct swarm_op *op = list_entry(wait, struct swarm_op, wait);
    op->agent = swarm_find_num(op->swarm, op->agent_num);
    op->done(op);
}

void op_fail(struct swarm *swarm, struct swarm_op *op)
{
    op->swarm = swarm;
    op->agent = NULL;
    op->later.fn = op_done_later;
    list_init(&op->later.node);
    port_defer(swarm->setup.ports, &op->later);
}

static const char *const deliveries[] = {"started", "queued", "steered"};

static void write_result(struct json_writer *w, const struct swarm_op *op)
{
    json_begin_object(w);
    json_add_cstr(w, "agentId", op->agent_id);
    json_add_int(w, "seq", op->seq);
    json_add_cstr(w, "itemId", op->item_id);
    json_add_cstr(w, "delivery", op->delivery);
    json_add_int(w, "position", op->position);
    json_end_object(w);
}

void op_read_result(struct swarm *swarm, const struct json *json, struct swarm_op *op)
{
    struct err ignored;
    struct str id = json_str(json, "agentId"), item = json_str(json, "itemId");
    struct agent *agent = swarm_find(swarm, id, &ignored);
    op->agent = agent && str_is(id, agent->id) ? agent : NULL;
    snprintf(op->agent_id, sizeof(op->agent_id), "%.*s", STR_ARG(id));
    snprintf(op->item_id, sizeof(op->item_id), "%.*s", STR_ARG(item));
    op->seq = json_int(json, "seq", 0);
    op->position = (int)json_int(json, "position", 0);
    for (size_t i = 0; i < sizeof(deliveries) / sizeof(*deliveries); i++) {
        if (str_is(json_str(json, "delivery"), deliveries[i]))
            op->delivery = deliveries[i];
    }
}

static void remember_request(struct swarm *swarm, const struct swarm_op *op)
{
    struct buf result;
    struct json_writer w;
    if (!op->request.len)
        return;
    buf_init(&result, 4096);
    json_writer_init(&w, &result);
    write_result(&w, op);
    journal_put_request(swarm->setup.journal, op->request, buf_str(&result));
    buf_release(&result);
}

void op_finish(struct agent *agent, struct swarm_op *op)
{
    op->agent_num = agent->num;
    memcpy(op->agent_id, agent->id, sizeof(op->agent_id));
    op_await(agent->swarm, op);
}

void op_await(struct swarm *swarm, struct swarm_op *op)
{
    op->swarm = swarm;
    op->err.kind = ERR_NONE;
    op->seq = journal_next_seq(swarm->setup.journal) - 1;
    remember_request(swarm, op);
    op->wait.fn = op_committed;
    list_init(&op->wait.node);
    journal_wait(swarm->setup.journal, &op->wait);
}
