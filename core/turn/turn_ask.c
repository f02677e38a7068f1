// SPDX-License-Identifier: MIT
// Approvals: a call that a person must decide waits here, across a restart too.
#include "core/base/mem.h"
#include "core/turn/turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void approval_event(struct agent *agent, const struct approval *approval, enum item_status status)
{
    struct item *item = item_new(ITEM_APPROVAL);
    struct buf json;
    struct json_writer w;
    buf_init(&json, ITEM_TEXT_MAX * 4);
    json_writer_init(&w, &json);
    approval_write_json(&w, agent, approval);
    memcpy(item->id, approval->item_id, sizeof(item->id));
    item->seq = strtoll(approval->item_id + 1, NULL, 10); // "i<its first seq>"
    item->time = approval->asked_at;
    item->turn = agent->usage.turns;
    item->status = status;
    item->input = buf_detach(&json, NULL);
    event_item(agent, item);
    item_free(item);
}

static struct approval *approval_new(struct turn_call *call)
{
    struct agent *agent = call->turn->agent;
    struct approval *approval = mem_new(sizeof(*approval));
    snprintf(approval->item_id, sizeof(approval->item_id), "i%" PRId64,
             journal_next_seq(agent->swarm->setup.journal));
    snprintf(approval->id, sizeof(approval->id), "%s.%s", agent->id, approval->item_id);
    memcpy(approval->call_item, call->item->id, sizeof(approval->call_item));
    approval->asked_at = port_wall_ms(agent->swarm->setup.ports);
    approval->tool = mem_dup(str_of(call->name));
    approval->title = mem_dup(str_of(call->item->title));
    approval->input = mem_dup(str_of(call->item->input));
    if (call->patch.len)
        approval->patch = buf_detach(&call->patch, NULL);
    if (call->why)
        approval->why = mem_dup(str_of(call->why));
    if (call->remember)
        approval->remember = mem_dup(str_of(call->remember));
    return approval;
}

static size_t size_of(const char *input, size_t patch)
{
    return (input ? strlen(input) : 0) + patch;
}

static bool has_room(const struct agent *agent, const struct turn_call *call)
{
    size_t bytes = size_of(call->item->input, call->patch.len);
    list_for_each(node, &agent->approvals)
    {
        const struct approval *open = list_entry(node, struct approval, node);
        bytes += size_of(open->input, open->patch ? strlen(open->patch) : 0);
    }
    return bytes <= AGENT_APPROVALS_BYTES_MAX;
}

void turn_ask(struct turn_call *call)
{
    struct turn *turn = call->turn;
    struct agent *agent = turn->agent;
    struct err ignored;
    if (!has_room(agent, call)) {
        turn_call_fail(call, "(not run: a person is asked about more than %d bytes already)",
                       AGENT_APPROVALS_BYTES_MAX);
        return;
    }
    call->phase = CALL_ASKING;
    turn_call_show(call);
    struct approval *approval = approval_new(call);
    list_append(&agent->approvals, &approval->node);
    approval_event(agent, approval, ITEM_STARTED);
    turn_audit(call, "asked", approval->id);
    agent_set_activity(agent, "waiting: may I run %s?", call->item->title);
    agent_enter(agent, CAUSE_ASK, &ignored);
}

static struct turn_call *call_of(struct turn *turn, const struct approval *approval)
{
    for (size_t i = 0; i < turn->call_count; i++) {
        if (turn->calls[i]->item && strcmp(turn->calls[i]->item->id, approval->call_item) == 0)
            return turn->calls[i];
    }
    return NULL;
}

static void allowed(struct turn_call *call, const struct approval *approval)
{
    struct err err;
    mem_free(call->by);
    call->by = approval->by ? mem_dup(str_of(approval->by)) : NULL;
    if (approval->edited && !turn_call_edit(call, approval->edited, &err))
        turn_call_fail(call, "(not run: the arguments that a person gave do not fit: %s)",
                       err.message);
    else
        call->phase = CALL_READY;
}

static void rejected(struct turn_call *call, const struct approval *approval)
{
    char *text = approval->reason ? mem_format("A person rejected this call: %s", approval->reason)
                                  : mem_dup(STR("A person rejected this call."));
    turn_call_reject(call, str_of(text));
    mem_free(text);
}

void turn_decided(struct turn *turn, struct approval *approval)
{
    struct turn_call *call = call_of(turn, approval);
    bool yes = approval->decision == DECISION_ALLOW || approval->decision == DECISION_ALLOW_ALWAYS;
    turn_progress(turn);
    if (call && call->phase == CALL_ASKING) {
        if (yes)
            allowed(call, approval);
        else
            rejected(call, approval);
    }
    approval_free(approval);
    turn_wake(turn);
}

void turn_close_questions(struct turn *turn)
{
    struct agent *agent = turn->agent;
    list_for_each_safe(node, &agent->approvals)
    {
        struct approval *approval = list_entry(node, struct approval, node);
        list_remove(&approval->node);
        approval_event(agent, approval, ITEM_FAILED);
        audit_add(agent, "closed",
                  &(struct audit){.item_id = approval->call_item,
                                  .approval_id = approval->id,
                                  .tool = approval->tool});
        approval_free(approval);
    }
}
