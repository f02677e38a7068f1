// SPDX-License-Identifier: MIT
// swarm/budget, from the swarm's side.
#include "core/swarm/swarm_internal.h"

enum { ANSWER_BYTES_MAX = 16 << 20 };

static void write_effective(struct json_writer *w, const struct budget *budget)
{
    struct budget shown = *budget;
    for (int i = 0; i < BUDGET_MEASURES; i++)
        if (shown.most[i] <= 0)
            shown.most[i] = -1;
    budget_write_json(w, &shown);
}

void swarm_budget(struct swarm *swarm, const struct budget_target *target, const struct budget *own,
                  struct swarm_op *op)
{
    struct json_writer w;
    if (own && !journal_can_take(swarm->setup.journal, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    buf_init(&op->answer, ANSWER_BYTES_MAX);
    json_writer_init(&w, &op->answer);
    json_begin_object(&w);
    json_add_cstr(&w, "kind", budget_kind_name(target->kind));
    json_key(&w, "resumed");
    json_begin_array(&w);
    if (own) {
        budget_set(swarm, target, own, &w);
        journal_want_sync(swarm->setup.journal);
    }
    json_end_array(&w);
    struct budget most = budget_of(swarm, target);
    json_key(&w, "budget");
    write_effective(&w, &most);
    json_end_object(&w);
    op_await(swarm, op);
}
