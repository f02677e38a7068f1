// SPDX-License-Identifier: MIT
// What editors ask of agents that exist: send, cancel, kill, resume, remove, approve; and what
// happens when a turn has ended.
#include "core/base/mem.h"
#include "core/swarm/review.h"
#include "core/swarm/swarm_internal.h"
#include "core/swarm/swarm_own.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool swarm_can_take(struct swarm *swarm, struct err *err)
{
    if (swarm->closing)
        return err_set(err, ERR_REFUSED, "the server is ending");
    return journal_can_take(swarm->setup.journal, err);
}

static void begin_stop(struct agent *agent, enum agent_cause cause, struct swarm_op *op)
{
    if (agent->stopping != CAUSE_KILL)
        agent->stopping = cause;
    if (op) {
        op->agent_num = agent->num;
        list_append(&agent->ops, &op->node);
    }
    if (agent->turn)
        agent->backend->stop(agent, STOP_CANCELLED);
    else if (!agent->setup)
        agent_settle(agent);
}

void agent_settle(struct agent *agent)
{
    struct err ignored; // ending is legal from every active state; ended ones stay as they are
    enum agent_cause cause = agent->stopping;
    agent->stopping = CAUSE_COUNT;
    if (cause != CAUSE_COUNT)
        agent_enter(agent, cause, &ignored);
    struct swarm_op *remove = NULL;
    list_for_each_safe(node, &agent->ops)
    {
        struct swarm_op *op = list_entry(node, struct swarm_op, node);
        list_remove(&op->node);
        if (op->remove && !remove) {
            remove = op;
        } else if (op->remove) {
            err_set(&op->err, ERR_WRONG_STATE, "%s is being removed already", agent->id);
            op_fail(agent->swarm, op);
        } else {
            op_finish(agent, op);
        }
    }
    bool goes_on = agent->interrupted && !list_empty(&agent->queue) && cause == CAUSE_CANCEL;
    agent->interrupted = false;
    if (remove)
        setup_remove(agent, remove); // without a worktree of its own, the agent is gone now
    else if (goes_on)
        agent_enter(agent, CAUSE_SEND, &ignored);
}

void backend_turn_ended(struct agent *agent, enum stop_reason reason, const struct err *error)
{
    struct swarm *swarm = agent->swarm;
    struct err ignored;
    agent->mending = false;
    agent_set_activity(agent, "%s", "");
    agent_set_error(agent, error);
    if (error)
        log_line(swarm->setup.log, LOG_WARNING, agent->id, "%s: %s", err_kind_name(error->kind),
                 error->message);
    if (reason != STOP_NONE) {
        agent->stop_reason = reason;
        event_turn(agent, "ended", reason);
        review_turn_ended(agent);
    }
    if (agent->stopping != CAUSE_COUNT)
        agent_settle(agent);
    else if (reason == STOP_NONE)
        swarm_schedule(swarm); // mended after a restart: its state stays
    else if (reason != STOP_ERROR && !list_empty(&agent->queue))
        agent->backend->start(agent);
    else
        agent_enter(agent, reason == STOP_ERROR ? CAUSE_FAIL : CAUSE_END, &ignored);
    swarm_close_check(swarm);
}

static int queue_message(struct agent *agent, struct str text, struct images *images,
                         enum delivery delivery, struct swarm_op *op)
{
    struct queued_message *message = mem_new(sizeof(*message));
    // The agent event that follows takes this number, so no item ever gets the same id.
    snprintf(message->item_id, sizeof(message->item_id), "i%" PRId64,
             journal_next_seq(agent->swarm->setup.journal));
    memcpy(op->item_id, message->item_id, sizeof(op->item_id));
    message->text = mem_dup(text);
    images_move(&message->images, images);
    message->steer = delivery == DELIVER_STEER;
    if (delivery == DELIVER_INTERRUPT)
        list_append(agent->queue.next, &message->node); // before the first
    else
        list_append(&agent->queue, &message->node);
    int position = 0;
    list_for_each(node, &agent->queue)
    {
        position++;
        if (node == &message->node)
            break;
    }
    return position;
}

bool queue_has_bytes(const struct agent *agent, size_t bytes, struct err *err)
{
    list_for_each(node, &agent->queue)
    {
        const struct queued_message *message = list_entry(node, struct queued_message, node);
        bytes += strlen(message->text) + images_bytes(&message->images);
    }
    return bytes <= AGENT_QUEUE_BYTES_MAX ||
           err_set(err, ERR_LIMIT, "the queued messages of %s would be longer than %d bytes",
                   agent->id, AGENT_QUEUE_BYTES_MAX);
}

static bool queue_has_room(const struct agent *agent, size_t bytes, struct err *err)
{
    size_t count = 0;
    list_for_each(node, &agent->queue) count++;
    if (count >= AGENT_QUEUE_MAX)
        return err_set(err, ERR_LIMIT, "%s has %d queued messages already, the most there can be",
                       agent->id, AGENT_QUEUE_MAX);
    return queue_has_bytes(agent, bytes, err);
}

static bool takes_images(const struct agent *agent, const struct images *images, struct err *err)
{
    if (images->count == 0 || swarm_model(agent).images != ABILITY_NO)
        return true;
    return err_set(err, ERR_PARAMS, "content: the model %s/%s takes no images", agent->provider,
                   agent->model);
}

void swarm_send(struct swarm *swarm, struct agent *agent, struct str text, struct images *images,
                enum delivery delivery, struct swarm_op *op)
{
    if (text.len && memchr(text.data, 0, text.len))
        err_set(&op->err, ERR_PARAMS, "text: has a character U+0000 in it");
    else if (str_trim(text).len == 0 && images->count == 0)
        err_set(&op->err, ERR_PARAMS, "text: expected a message that is not empty");
    else if (text.len > AGENT_TASK_MAX)
        err_set(&op->err, ERR_PARAMS, "text: at most %d bytes, this has %zu", AGENT_TASK_MAX,
                text.len);
    else if (agent->removing)
        err_set(&op->err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    else if (takes_images(agent, images, &op->err) && swarm_can_take(swarm, &op->err) &&
             agent_may(agent, CAUSE_SEND, &op->err) &&
             queue_has_room(agent, text.len + images_bytes(images), &op->err))
        op->err.kind = ERR_NONE;
    if (op->err.kind != ERR_NONE) {
        op_fail(swarm, op);
        return;
    }
    enum agent_state next;
    state_next(agent->state, CAUSE_SEND, &next);
    bool starts = next != agent->state;
    op->position = queue_message(agent, text, images, delivery, op);
    journal_want_sync(swarm->setup.journal);
    if (starts) {
        op->delivery = "started";
        op->position = 0;
        agent_set_error(agent, NULL);
        agent_enter(agent, CAUSE_SEND, &op->err);
        swarm_schedule(swarm);
    } else {
        op->delivery = delivery == DELIVER_STEER && agent->turn ? "steered" : "queued";
        agent_publish(agent);
    }
    op_finish(agent, op);
    if (!starts && delivery == DELIVER_INTERRUPT && agent->turn) {
        agent->interrupted = true;
        begin_stop(agent, CAUSE_CANCEL, NULL);
    }
}

static void stop_for(struct swarm *swarm, struct agent *agent, enum agent_cause cause,
                     struct swarm_op *op)
{
    bool ok = agent_may(agent, cause, &op->err);
    if (ok && agent->leaving)
        ok = err_set(&op->err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    if (!ok) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    // Questions may be open although no turn is under way: about what the repository brings, and
    // after a restart. They are closed too.
    if (agent->turn || agent->setup || !list_empty(&agent->approvals)) {
        own_close(agent);
        if (!agent->turn && !agent->setup && !list_empty(&agent->approvals))
            agent->backend->mend(agent);
        begin_stop(agent, cause, op);
        return;
    }
    enum agent_state next;
    if (state_next(agent->state, cause, &next) && next != agent->state)
        agent_enter(agent, cause, &op->err);
    op_finish(agent, op);
}

void swarm_cancel(struct swarm *swarm, struct agent *agent, struct swarm_op *op)
{
    stop_for(swarm, agent, CAUSE_CANCEL, op);
}

void swarm_kill(struct swarm *swarm, struct agent *agent, struct swarm_op *op)
{
    stop_for(swarm, agent, CAUSE_KILL, op);
}

void swarm_resume(struct swarm *swarm, struct agent *agent, struct swarm_op *op)
{
    bool ok = swarm_can_take(swarm, &op->err);
    if (ok && agent->removing)
        ok = err_set(&op->err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    if (!ok || !agent_may(agent, CAUSE_RESUME, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    agent_set_error(agent, NULL);
    agent_enter(agent, CAUSE_RESUME, &op->err);
    swarm_schedule(swarm);
    op_finish(agent, op);
}

void swarm_remove(struct swarm *swarm, struct agent *agent, bool force, struct swarm_op *op)
{
    enum agent_state next;
    bool busy = agent->turn || !state_next(agent->state, CAUSE_REMOVE, &next);
    op->err.kind = ERR_NONE;
    if (agent->leaving)
        err_set(&op->err, ERR_WRONG_STATE, "%s is being removed already", agent->id);
    else if (agent->merge)
        err_set(&op->err, ERR_WRONG_STATE, "%s is being merged: try again", agent->id);
    else if (busy && !force)
        err_set(&op->err, ERR_WRONG_STATE,
                "%s is %s: cancel or kill it first, or remove it with force", agent->id,
                state_name(agent->state));
    if (op->err.kind != ERR_NONE) {
        op_fail(swarm, op);
        return;
    }
    op->remove = true;
    op->force = force;
    own_close(agent);
    if (busy || agent->setup)
        begin_stop(agent, CAUSE_KILL, op);
    else
        setup_remove(agent, op);
}
