// SPDX-License-Identifier: MIT
// What an agent may do beside what the configuration says: its own mode and rules, and its
// ancestors'.
#include "core/base/mem.h"
#include "core/permission/permission.h"

// --- the record ---

static void write_rules(struct json_writer *w, const struct rules *rules)
{
    json_key(w, "agentRules");
    rules_write_json(w, rules, RULE_AGENT);
    json_key(w, "roleRules");
    rules_write_json(w, rules, RULE_ROLE);
}

void agent_write_rights(struct json_writer *w, const struct agent *agent)
{
    if (agent->own_mode != agent->mode)
        json_add_cstr(w, "ownMode", mode_name(agent->own_mode));
    if (agent->rules.count)
        write_rules(w, &agent->rules);
    if (!agent->bound_count)
        return;
    json_key(w, "bounds");
    json_begin_array(w);
    for (size_t i = 0; i < agent->bound_count; i++) {
        json_begin_object(w);
        json_add_cstr(w, "mode", mode_name(agent->bounds[i].mode));
        write_rules(w, &agent->bounds[i].rules);
        json_end_object(w);
    }
    json_end_array(w);
}

// A rule of a tool that is gone has nothing left to hold.
static void read_rules(struct rules *rules, const struct json *json)
{
    struct err ignored;
    rules_read_json(rules, json_get(json, "agentRules"), RULE_AGENT, &ignored);
    rules_read_json(rules, json_get(json, "roleRules"), RULE_ROLE, &ignored);
}

// Version 0.1 kept the tools that were answered with ...Always by agent: names, with spaces.
static void read_answered(struct agent *agent, enum rule_effect effect, struct str tools)
{
    struct err ignored;
    while (tools.len) {
        const char *space = memchr(tools.data, ' ', tools.len);
        struct str name = str_from(tools.data, space ? (size_t)(space - tools.data) : tools.len);
        if (name.len)
            rules_add(&agent->rules, effect, RULE_AGENT, name, &ignored);
        tools = str_skip(tools, name.len + (space ? 1 : 0));
    }
}

void agent_read_rights(struct agent *agent, const struct json *record)
{
    agent->own_mode = agent->mode;
    mode_from_name(json_str(record, "ownMode"), &agent->own_mode);
    read_rules(&agent->rules, record);
    read_answered(agent, RULE_ALLOW, json_str(record, "allowed"));
    read_answered(agent, RULE_DENY, json_str(record, "rejected"));
    const struct json *bounds = json_get(record, "bounds");
    if (!bounds || bounds->type != JSON_ARRAY || bounds->count >= PERMISSION_LEVELS_MAX)
        return;
    agent->bounds = mem_new_array(bounds->count, sizeof(*agent->bounds));
    json_for_each(entry, bounds)
    {
        struct agent_bound *bound = &agent->bounds[agent->bound_count++];
        bound->mode = MODE_READ;
        mode_from_name(json_str(entry, "mode"), &bound->mode);
        read_rules(&bound->rules, entry);
    }
}

// --- ancestors ---

static bool add_bound(struct agent_bound *bounds, size_t *count, enum agent_mode mode,
                      const struct rules *rules, struct err *err)
{
    for (size_t i = 0; !rules->count && i < *count; i++) {
        if (bounds[i].rules.count)
            continue;
        bounds[i].mode = mode_stricter(bounds[i].mode, mode); // of two modes one is the bound
        return true;
    }
    if (*count == PERMISSION_LEVELS_MAX - 1)
        return err_set(err, ERR_LIMIT, "parent: more than %d generations have rules of their own",
                       PERMISSION_LEVELS_MAX - 1);
    struct agent_bound *bound = &bounds[(*count)++];
    bound->mode = mode;
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->list[i];
        if (!rules_add(&bound->rules, rule->effect, rule->source, str_of(rule->text), err))
            return false;
    }
    return true;
}

bool agent_bind(struct agent_bound **bounds, size_t *count, const struct agent *parent,
                struct err *err)
{
    *bounds = mem_new_array(PERMISSION_LEVELS_MAX - 1, sizeof(**bounds));
    *count = 0;
    if (!add_bound(*bounds, count, parent->own_mode, &parent->rules, err))
        return false;
    for (size_t i = 0; i < parent->bound_count; i++) {
        if (!add_bound(*bounds, count, parent->bounds[i].mode, &parent->bounds[i].rules, err))
            return false;
    }
    return true;
}
