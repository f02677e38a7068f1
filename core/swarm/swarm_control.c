// SPDX-License-Identifier: MIT
// Pausing and going on, and the queue of follow-ups.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

#include <string.h>

bool swarm_pause(struct swarm *swarm, struct agent *agent, bool pause, struct swarm_op *op)
{
    enum agent_cause cause = pause ? CAUSE_PAUSE : CAUSE_CONTINUE;
    if (!agent_may(agent, cause, &op->err)) {
        op_fail(swarm, op);
        return false;
    }
    agent_enter(agent, cause, &op->err);
    op_finish(agent, op);
    return true;
}

size_t swarm_pause_all(struct swarm *swarm, bool pause, struct swarm_op *op)
{
    enum agent_cause cause = pause ? CAUSE_PAUSE : CAUSE_CONTINUE;
    size_t count = 0;
    op->agent_num = 0;
    op->agent_id[0] = 0;
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        struct err not_legal; // agents that it means nothing for stay as they are
        bool paused = agent->state == STATE_PAUSED;
        if (paused != pause && agent_enter(agent, cause, &not_legal))
            count++;
    }
    op_await(swarm, op);
    return count;
}

static struct queued_message *find_queued(struct agent *agent, struct str item_id)
{
    list_for_each(node, &agent->queue)
    {
        struct queued_message *message = list_entry(node, struct queued_message, node);
        if (str_is(item_id, message->item_id))
            return message;
    }
    return NULL;
}

// text.data NULL: it is dropped.
static bool may_replace(const struct agent *agent, const struct queued_message *message,
                        struct str text, struct err *err)
{
    size_t before = strlen(message->text);
    if (!text.data)
        return true;
    if (str_trim(text).len == 0)
        return err_set(err, ERR_PARAMS, "text: expected a message, or null to drop it");
    if (text.len > AGENT_TASK_MAX)
        return err_set(err, ERR_PARAMS, "text: at most %d bytes, this has %zu", AGENT_TASK_MAX,
                       text.len);
    return text.len <= before || queue_has_bytes(agent, text.len - before, err);
}

void swarm_queue(struct swarm *swarm, struct agent *agent, struct str item_id, struct str text,
                 struct swarm_op *op)
{
    struct queued_message *message = find_queued(agent, item_id);
    if (!message)
        err_set(&op->err, ERR_PARAMS, "itemId: %s has no queued message '%.*s'; was it sent?",
                agent->id, STR_ARG(item_id));
    if (!message || !may_replace(agent, message, text, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    if (text.data) {
        mem_free(message->text);
        message->text = mem_dup(text);
    } else {
        list_remove(&message->node);
        queued_message_free(message);
    }
    agent_publish(agent);
    journal_want_sync(swarm->setup.journal);
    op_finish(agent, op);
}
