// SPDX-License-Identifier: MIT
// What people answered with ...Always: rules for all agents of a repository, until one is revoked.
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/swarm/swarm_internal.h"

static void answered_free(struct answered_rule *answered)
{
    list_remove(&answered->node);
    rule_release(&answered->rule);
    mem_free(answered->repository);
    mem_free(answered->by);
    mem_free(answered);
}

void swarm_rules_release(struct swarm *swarm)
{
    list_for_each_safe(node, &swarm->answered)
    {
        answered_free(list_entry(node, struct answered_rule, node));
    }
}

static struct answered_rule *add(struct swarm *swarm, int64_t id, struct str repository,
                                 enum rule_effect effect, struct str text, struct err *err)
{
    struct rule rule;
    if (!rule_parse(&rule, effect, text, err))
        return NULL;
    struct answered_rule *answered = mem_new(sizeof(*answered));
    rule.source = RULE_ANSWER;
    answered->id = id;
    answered->rule = rule;
    answered->repository = mem_dup(repository);
    list_append(&swarm->answered, &answered->node);
    if (id > swarm->last_rule)
        swarm->last_rule = id;
    return answered;
}

static void add_members(struct json_writer *w, const struct answered_rule *answered)
{
    char time[25];
    time_format(answered->time, time);
    json_add_cstr(w, "repository", answered->repository);
    json_add_cstr(w, "effect", rule_effect_name(answered->rule.effect));
    json_add_cstr(w, "rule", answered->rule.text);
    json_add_cstr(w, "by", answered->by);
    json_add_cstr(w, "time", time);
}

static void store_rule(struct swarm *swarm, const struct answered_rule *answered)
{
    struct buf body;
    struct json_writer w;
    buf_init(&body, 64 << 10);
    json_writer_init(&w, &body);
    json_begin_object(&w);
    add_members(&w, answered);
    json_add_int(&w, "at", answered->time);
    json_end_object(&w);
    journal_put_rule(swarm->setup.journal, answered->id, buf_str(&body));
    buf_release(&body);
}

bool swarm_restore_rule(struct swarm *swarm, int64_t id, struct str body, struct err *err)
{
    struct arena arena;
    struct json *json;
    enum rule_effect effect;
    struct answered_rule *answered = NULL;
    arena_init(&arena, 1 << 20);
    if (json_parse(&json, &arena, body, err)) {
        if (rule_effect_from_name(json_str(json, "effect"), &effect))
            answered =
                add(swarm, id, json_str(json, "repository"), effect, json_str(json, "rule"), err);
        else
            err_set(err, ERR_STORAGE, "it has no effect");
    }
    if (answered) {
        struct str by = json_str(json, "by");
        answered->by = by.data ? mem_dup(by) : NULL;
        answered->time = json_int(json, "at", 0);
    }
    arena_release(&arena);
    return answered ||
           err_wrap(err, "the answered rule %lld of the store is left out", (long long)id);
}

static size_t count_of(const struct swarm *swarm, struct str repository)
{
    size_t count = 0;
    list_for_each(node, &swarm->answered) count +=
        str_is(repository, list_entry(node, struct answered_rule, node)->repository);
    return count;
}

static bool is_known(const struct swarm *swarm, struct str repository, enum rule_effect effect,
                     struct str text)
{
    list_for_each(node, &swarm->answered)
    {
        const struct answered_rule *answered = list_entry(node, struct answered_rule, node);
        if (answered->rule.effect == effect && str_is(text, answered->rule.text) &&
            str_is(repository, answered->repository))
            return true;
    }
    return false;
}

bool swarm_remember(struct agent *agent, enum rule_effect effect, struct str text, const char *by,
                    struct err *err)
{
    struct swarm *swarm = agent->swarm;
    struct str repository = str_of(agent->repository);
    if (is_known(swarm, repository, effect, text))
        return true;
    if (count_of(swarm, repository) >= SWARM_RULES_MAX)
        return err_set(err, ERR_LIMIT,
                       "%d answers are remembered for this repository, the most there can be: "
                       "revoke some (swarm/rules)",
                       SWARM_RULES_MAX);
    // Never one that was used before, also when the newest rule was revoked before a restart.
    int64_t seq = journal_next_seq(swarm->setup.journal);
    int64_t id = seq > swarm->last_rule ? seq : swarm->last_rule + 1;
    struct answered_rule *answered = add(swarm, id, repository, effect, text, err);
    if (!answered)
        return false;
    answered->by = by ? mem_dup(str_of(by)) : NULL;
    answered->time = port_wall_ms(swarm->setup.ports);
    store_rule(swarm, answered);
    audit_rule(swarm, agent->id, "remembered", answered, by);
    return true;
}

void swarm_write_rules(struct swarm *swarm, struct str repository, struct json_writer *w)
{
    json_begin_array(w);
    list_for_each(node, &swarm->answered)
    {
        const struct answered_rule *answered = list_entry(node, struct answered_rule, node);
        if (repository.len && !str_is(repository, answered->repository))
            continue;
        json_begin_object(w);
        json_add_int(w, "id", answered->id);
        add_members(w, answered);
        json_end_object(w);
    }
    json_end_array(w);
}

void swarm_revoke_rule(struct swarm *swarm, int64_t id, struct str by, struct swarm_op *op)
{
    struct answered_rule *found = NULL;
    list_for_each(node, &swarm->answered)
    {
        struct answered_rule *answered = list_entry(node, struct answered_rule, node);
        if (answered->id == id)
            found = answered;
    }
    if (!found)
        err_set(&op->err, ERR_PARAMS, "revoke: there is no rule %lld", (long long)id);
    if (!found || !journal_can_take(swarm->setup.journal, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    char *who = by.len ? mem_dup(by) : NULL;
    journal_put_rule(swarm->setup.journal, id, STR_NONE);
    audit_rule(swarm, NULL, "revoked", found, who);
    journal_want_sync(swarm->setup.journal);
    mem_free(who);
    answered_free(found);
    op->agent_num = 0;
    op->agent_id[0] = 0;
    op_await(swarm, op);
}
