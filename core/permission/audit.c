// SPDX-License-Identifier: MIT
// Rows of the audit. They are put into the commit of the loop turn, and so are there exactly when
// the events that they are about are.
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"
#include "core/swarm/swarm_internal.h"

// A body holds the longest reason (64 KiB) and paths with each byte written as six.
enum { ARGUMENT_MAX = 4096, BODY_MAX = 1 << 20 };

static void begin(struct json_writer *w, struct buf *body, const struct swarm *swarm,
                  const char *action)
{
    char time[25];
    buf_init(body, BODY_MAX);
    json_writer_init(w, body);
    time_format(port_wall_ms(swarm->setup.ports), time);
    json_begin_object(w);
    json_add_cstr(w, "time", time);
    json_add_cstr(w, "action", action);
}

static void end(struct json_writer *w, struct buf *body, const struct swarm *swarm,
                const char *agent)
{
    json_end_object(w);
    if (!body->overflow)
        journal_put_audit(swarm->setup.journal, str_of(agent), buf_str(body));
    buf_release(body);
}

static void add_if(struct json_writer *w, const char *key, const char *value)
{
    if (value && *value)
        json_add_cstr(w, key, value);
}

void audit_add(const struct agent *agent, const char *action, const struct audit *a)
{
    struct json_writer w;
    struct buf body;
    begin(&w, &body, agent->swarm, action);
    json_add_cstr(&w, "agentId", agent->id);
    add_if(&w, "itemId", a->item_id);
    add_if(&w, "approvalId", a->approval_id);
    add_if(&w, "tool", a->tool);
    if (a->argument.len)
        json_add_str(&w, "argument", utf8_cut(a->argument, ARGUMENT_MAX));
    add_if(&w, "why", a->why);
    add_if(&w, "decision", decision_name(a->decision));
    add_if(&w, "by", a->by);
    add_if(&w, "reason", a->reason);
    if (a->has_exit_code)
        json_add_int(&w, "exitCode", a->exit_code);
    end(&w, &body, agent->swarm, agent->id);
}

void audit_rule(const struct swarm *swarm, const char *agent, const char *action,
                const struct answered_rule *answered, const char *by)
{
    struct json_writer w;
    struct buf body;
    begin(&w, &body, swarm, action);
    add_if(&w, "agentId", agent);
    json_add_cstr(&w, "repository", answered->repository);
    json_add_int(&w, "ruleId", answered->id);
    json_add_cstr(&w, "effect", rule_effect_name(answered->rule.effect));
    json_add_cstr(&w, "rule", answered->rule.text);
    add_if(&w, "by", by);
    end(&w, &body, swarm, agent ? agent : "");
}
