// SPDX-License-Identifier: MIT
#include "core/permission/rule.h"

#include "core/base/glob.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tools/tool.h"

#include <stdio.h>

enum { CAPACITY_MIN = 4, TEXT_SHOWN_MAX = 80 };

static const char *const effects[] = {"allow", "ask", "deny"};
static const char *const sources[] = {"user", "role", "agent", "answer"};
static const char *const own[OWN_COUNT] = {"worktreeinclude", "worktreesetup"};

const char *rule_effect_name(enum rule_effect effect)
{
    return effects[effect];
}

bool rule_effect_from_name(struct str name, enum rule_effect *effect)
{
    for (int i = RULE_ALLOW; i <= RULE_DENY; i++) {
        if (str_is(name, effects[i])) {
            *effect = (enum rule_effect)i;
            return true;
        }
    }
    return false;
}

const char *rule_source_name(enum rule_source source)
{
    return sources[source];
}

const char *own_rule_name(enum own_kind kind)
{
    return own[kind];
}

// --- parsing ---

static bool fail(struct str text, const char *what, struct err *err)
{
    return err_set(err, ERR_PARAMS,
                   "the rule '%.*s' %s; expected a tool, or a tool and a pattern, as in bash(git "
                   "status*) or write(docs/**)",
                   STR_ARG(utf8_cut(text, TEXT_SHOWN_MAX)), what);
}

static bool is_tool_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  (c && strchr("_-.*", c));
        if (!ok)
            return false;
    }
    return name.len > 0;
}

// A name that no tool has would be a rule that holds nothing back.
static bool check_tool(struct str text, struct str name, struct err *err)
{
    if (!is_tool_name(name))
        return fail(text, "begins with no tool's name", err);
    if (memchr(name.data, '*', name.len) || tool_find(name))
        return true;
    for (int i = 0; i < OWN_COUNT; i++)
        if (str_is(name, own[i]))
            return true;
    char names[200] = "";
    size_t count, len = 0;
    const struct tool *const *tools = tool_all(&count);
    for (size_t i = 0; i < count && len < sizeof names; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "",
                                tools[i]->schema.name);
    return err_set(err, ERR_PARAMS, "the rule '%.*s' names no tool; there are %s",
                   STR_ARG(utf8_cut(text, TEXT_SHOWN_MAX)), names);
}

static bool is_command_tool(struct str name)
{
    const struct tool *tool = tool_find(name);
    return tool && tool->effect == TOOL_RUNS_COMMANDS;
}

static bool check_pattern(struct str text, struct str tool, struct str pattern, struct err *err)
{
    struct glob glob;
    struct err why;
    if (pattern.len == 0)
        return fail(text, "has an empty pattern", err);
    if (is_command_tool(tool))
        return true;
    if (!glob_init(&glob, pattern, &why))
        return err_set(err, ERR_PARAMS, "the rule '%.*s': %s",
                       STR_ARG(utf8_cut(text, TEXT_SHOWN_MAX)), why.message);
    glob_release(&glob);
    return true;
}

bool rule_parse(struct rule *rule, enum rule_effect effect, struct str text, struct err *err)
{
    *rule = (struct rule){.effect = effect};
    text = str_trim(text);
    if (text.len > RULE_TEXT_MAX)
        return err_set(err, ERR_PARAMS, "a rule has at most %d bytes, this one %zu", RULE_TEXT_MAX,
                       text.len);
    if (text.len == 0 || memchr(text.data, '\0', text.len) || !utf8_is_valid(text))
        return fail(text, text.len ? "is no text" : "is empty", err);
    const char *open = memchr(text.data, '(', text.len);
    struct str tool = str_from(text.data, open ? (size_t)(open - text.data) : text.len);
    if (!check_tool(text, tool, err))
        return false;
    if (open && text.data[text.len - 1] != ')')
        return fail(text, "does not end with ')'", err);
    if (open) {
        struct str pattern = str_from(open + 1, text.len - tool.len - 2);
        if (!check_pattern(text, tool, pattern, err))
            return false;
        bool folder = !is_command_tool(tool) && str_ends(pattern, STR("/"));
        rule->pattern = mem_format("%.*s%s", STR_ARG(pattern), folder ? "**" : "");
    }
    rule->tool = mem_dup(tool);
    rule->text = mem_dup(text);
    return true;
}

void rule_release(struct rule *rule)
{
    mem_free(rule->text);
    mem_free(rule->tool);
    mem_free(rule->pattern);
    *rule = (struct rule){.effect = RULE_DENY};
}

// --- matching ---

static bool changes_a_file(const char *tool)
{
    return strcmp(tool, "write") == 0 || strcmp(tool, "edit") == 0;
}

bool rule_is_for(const struct rule *rule, const char *tool)
{
    if (glob_match(str_of(rule->tool), str_of(tool), 0))
        return true;
    return changes_a_file(tool) && (glob_match(str_of(rule->tool), STR("write"), 0) ||
                                    glob_match(str_of(rule->tool), STR("edit"), 0));
}

bool rule_takes_path(const struct rule *rule, struct str path)
{
    struct glob glob;
    struct err ignored;
    if (!rule->pattern)
        return true;
    if (path.len == 0 || !glob_init(&glob, str_of(rule->pattern), &ignored))
        return false;
    bool takes = glob_matches(&glob, path);
    glob_release(&glob);
    return takes;
}

bool rule_takes_command(const struct rule *rule, struct str command)
{
    struct str pattern = str_of(rule->pattern);
    if (!rule->pattern || glob_match(pattern, command, 0))
        return true;
    return str_ends(pattern, STR(" *")) &&
           glob_match(str_from(pattern.data, pattern.len - 2), command, 0);
}

// --- lists ---

static struct rule *grow(struct rules *rules)
{
    if (rules->count == rules->capacity) {
        rules->capacity = rules->capacity ? 2 * rules->capacity : CAPACITY_MIN;
        rules->list = mem_resize(rules->list, rules->capacity, sizeof(*rules->list));
    }
    return &rules->list[rules->count];
}

bool rules_add(struct rules *rules, enum rule_effect effect, enum rule_source source,
               struct str text, struct err *err)
{
    if (rules->count == RULES_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d rules", RULES_MAX);
    struct rule *rule = grow(rules);
    if (!rule_parse(rule, effect, text, err))
        return false;
    rule->source = source;
    rules->count++;
    return true;
}

bool rules_copy(struct rules *to, const struct rules *from, enum rule_source source,
                struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct rule *rule = &from->list[i];
        if (!rules_add(to, rule->effect, source, str_of(rule->text), err))
            return false;
    }
    return true;
}

void rules_release(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        rule_release(&rules->list[i]);
    mem_free(rules->list);
    *rules = (struct rules){0};
}

static bool read_effect(struct rules *rules, const struct json *member, enum rule_effect effect,
                        enum rule_source source, struct err *err)
{
    const char *name = rule_effect_name(effect);
    int index = 0;
    if (member->type != JSON_ARRAY)
        return err_set(err, ERR_PARAMS, "%s: expected an array of rules", name);
    json_for_each(text, member)
    {
        if (text->type != JSON_STRING)
            return err_set(err, ERR_PARAMS, "%s[%d]: expected a string", name, index);
        if (!rules_add(rules, effect, source, text->string, err))
            return err_wrap(err, "%s[%d]", name, index);
        index++;
    }
    return true;
}

bool rules_read_json(struct rules *rules, const struct json *json, enum rule_source source,
                     struct err *err)
{
    json_for_each(member, json)
    {
        enum rule_effect effect;
        if (!rule_effect_from_name(member->key, &effect))
            return err_set(err, ERR_PARAMS, "expected allow, ask and deny, not '%.*s'",
                           STR_ARG(utf8_cut(member->key, TEXT_SHOWN_MAX)));
        if (member->type != JSON_NULL && !read_effect(rules, member, effect, source, err))
            return false;
    }
    return true;
}

void rules_write_json(struct json_writer *w, const struct rules *rules, enum rule_source source)
{
    json_begin_object(w);
    for (int effect = RULE_ALLOW; effect <= RULE_DENY; effect++) {
        json_key(w, rule_effect_name((enum rule_effect)effect));
        json_begin_array(w);
        for (size_t i = 0; i < rules->count; i++) {
            const struct rule *rule = &rules->list[i];
            if (rule->effect == (enum rule_effect)effect && rule->source == source)
                json_put_str(w, str_of(rule->text));
        }
        json_end_array(w);
    }
    json_end_object(w);
}
