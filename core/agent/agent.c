// SPDX-License-Identifier: MIT
#include "core/agent/agent.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/swarm/review_watch.h"
#include "core/swarm/swarm_internal.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const mode_names[MODE_COUNT] = {"ask", "edit", "full", "read"};

static const char *const stop_names[] = {
    NULL, "endTurn", "maxTokens", "maxSteps", "timeout", "budget", "cancelled", "refused", "error",
};

static const char *const decision_names[] = {
    NULL, "allow", "allowAlways", "reject", "rejectAlways",
};

const char *mode_name(enum agent_mode mode)
{
    return mode_names[mode];
}

bool mode_from_name(struct str name, enum agent_mode *mode)
{
    for (int i = 0; i < MODE_COUNT; i++) {
        if (str_is(name, mode_names[i])) {
            *mode = (enum agent_mode)i;
            return true;
        }
    }
    return false;
}

const char *stop_reason_name(enum stop_reason reason)
{
    return stop_names[reason];
}

const char *decision_name(enum decision decision)
{
    return decision_names[decision];
}

bool decision_from_name(struct str name, enum decision *decision)
{
    for (int i = DECISION_ALLOW; i <= DECISION_REJECT_ALWAYS; i++) {
        if (str_is(name, decision_names[i])) {
            *decision = (enum decision)i;
            return true;
        }
    }
    return false;
}

struct agent *agent_new(struct swarm *swarm)
{
    struct agent *agent = mem_new(sizeof(*agent));
    agent->swarm = swarm;
    agent->backend = &backend_builtin;
    agent->stopping = CAUSE_COUNT;
    list_init(&agent->node);
    list_init(&agent->by_change);
    list_init(&agent->queue);
    list_init(&agent->approvals);
    list_init(&agent->ops);
    list_init(&agent->reviews);
    return agent;
}

void approval_free(struct approval *approval)
{
    mem_free(approval->tool);
    mem_free(approval->title);
    mem_free(approval->input);
    mem_free(approval->patch);
    mem_free(approval->by);
    mem_free(approval->reason);
    mem_free(approval->why);
    mem_free(approval->remember);
    mem_free(approval->edited);
    mem_free(approval);
}

void queued_message_free(struct queued_message *message)
{
    images_release(&message->images);
    mem_free(message->text);
    mem_free(message);
}

void agent_free(struct agent *agent)
{
    list_for_each_safe(node, &agent->queue)
    {
        struct queued_message *message = list_entry(node, struct queued_message, node);
        queued_message_free(message);
    }
    list_for_each_safe(node, &agent->approvals)
    {
        approval_free(list_entry(node, struct approval, node));
    }
    char **strings[] = {
        &agent->name,         &agent->task,        &agent->activity,   &agent->provider,
        &agent->model,        &agent->role,        &agent->parent_id,  &agent->parent_item_id,
        &agent->swarm_id,     &agent->scope,       &agent->repository, &agent->cwd,
        &agent->base,         &agent->base_name,   &agent->branch,     &agent->worktree,
        &agent->merge_intent, &agent->merged_work, &agent->merged_as,
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
        mem_free(*strings[i]);
    review_watch_free(agent);
    window_release(&agent->window);
    mem_free(agent->compact);
    rules_release(&agent->rules);
    for (size_t i = 0; i < agent->bound_count; i++)
        rules_release(&agent->bounds[i].rules);
    mem_free(agent->bounds);
    mem_free(agent->error);
    mem_free(agent);
}

bool agent_may(const struct agent *agent, enum agent_cause cause, struct err *err)
{
    enum agent_state next;
    if (state_next(agent->state, cause, &next))
        return true;
    return err_set(err, ERR_WRONG_STATE, "%s is %s: %s is not possible then", agent->id,
                   state_name(agent->state), cause_name(cause));
}

bool agent_enter(struct agent *agent, enum agent_cause cause, struct err *err)
{
    enum agent_state next;
    if (!agent_may(agent, cause, err) || !state_next(agent->state, cause, &next))
        return false;
    struct swarm *swarm = agent->swarm;
    log_line(swarm->setup.log, LOG_INFO, agent->id, "%s -> %s (%s)", state_name(agent->state),
             state_name(next), cause_name(cause));
    swarm->active -= state_is_active(agent->state);
    swarm->queued -= agent->state == STATE_QUEUED;
    if (agent->state == STATE_WORKING && next != STATE_WORKING)
        agent_count_work(agent);
    if (next == STATE_WORKING && agent->state != STATE_WORKING)
        agent->working_since = port_mono_ms(swarm->setup.ports);
    agent->state = next;
    agent->cut_off = false;
    agent->out_of_quota = agent->out_of_quota && next == STATE_BLOCKED;
    swarm->active += state_is_active(next);
    swarm->queued += next == STATE_QUEUED;
    swarm_schedule(swarm);
    agent_publish(agent);
    return true;
}

void agent_store(const struct agent *agent, bool removed)
{
    struct swarm *swarm = agent->swarm;
    struct buf record;
    struct json_writer writer;
    buf_init(&record, RECORD_BYTES_MAX);
    json_writer_init(&writer, &record);
    agent_write_record(&writer, agent);
    if (record.overflow) // half a record could not be read again; the one before it can
        log_line(swarm->setup.log, LOG_ERROR, agent->id, "its record is over %d bytes",
                 RECORD_BYTES_MAX);
    else
        journal_put_agent(swarm->setup.journal, agent->num, str_of(agent->id), buf_str(&record),
                          removed);
    buf_release(&record);
}

int64_t agent_publish(struct agent *agent)
{
    agent_touch(agent);
    struct json_writer *w = event_begin(agent, EVENT_AGENT, "agent");
    json_key(w, "agent");
    agent_write_json(w, agent);
    int64_t seq = event_end(agent, EVENT_AGENT);
    agent->published_seq = seq;
    agent->published_change = agent->changed;

    agent_store(agent, false);
    return seq;
}

void agent_touch(struct agent *agent)
{
    struct swarm *swarm = agent->swarm;
    agent->updated_at = port_wall_ms(swarm->setup.ports);
    agent->changed = ++swarm->change;
    list_remove(&agent->by_change);
    list_append(&swarm->by_change, &agent->by_change);
    swarm_tell(swarm);
}

void agent_set_activity(struct agent *agent, const char *format, ...)
{
    char text[AGENT_ACTIVITY_MAX + 1];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t bytes = length < 0 ? 0 : (size_t)length;
    if (bytes > AGENT_ACTIVITY_MAX)
        bytes = AGENT_ACTIVITY_MAX;
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    }
    struct str cut = utf8_cut(str_from(text, bytes), AGENT_ACTIVITY_MAX);
    if (agent->activity && str_equal(cut, str_of(agent->activity)))
        return;
    mem_free(agent->activity);
    agent->activity = cut.len ? mem_dup(cut) : NULL;
    agent_touch(agent);
}

void agent_set_error(struct agent *agent, const struct err *error)
{
    mem_free(agent->error);
    agent->error = NULL;
    if (error) {
        agent->error = mem_new(sizeof(*error));
        *agent->error = *error;
    }
}

void agent_slug(struct str task, char out[25])
{
    size_t len = 0;
    for (size_t i = 0; i < task.len && len < 24; i++) {
        char c = task.data[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain)
            out[len++] = c;
        else if (len > 0 && out[len - 1] != '-')
            out[len++] = '-';
    }
    while (len > 0 && out[len - 1] == '-')
        len--;
    out[len] = 0;
    if (len == 0)
        memcpy(out, "agent", sizeof("agent"));
}
