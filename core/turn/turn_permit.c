// SPDX-License-Identifier: MIT
// Which calls may run: what the rules say of them, and what becomes of that.
#include "core/base/mem.h"
#include "core/permission/permission.h"
#include "core/turn/turn.h"

// The command, or where the path leads as far as it can be told without looking; mem_free.
static char *argument_of(const struct agent *agent, const struct tool *tool,
                         const struct json *input)
{
    bool command = tool->effect == TOOL_RUNS_COMMANDS;
    struct str text = json_str(input, command ? "command" : "path");
    if (command || text.len == 0 || !agent->worktree)
        return text.len ? mem_dup(text) : NULL;
    bool real = agent->turn && agent->turn->root.path;
    struct root root = {.fd = -1, .path = real ? agent->turn->root.path : agent->worktree};
    struct err ignored;
    char *relative = root_relative(&root, text, &ignored);
    return relative ? relative : mem_dup(text);
}

static size_t answered_rules(const struct agent *agent, const struct rule **out, size_t max)
{
    size_t count = 0;
    list_for_each(node, &agent->swarm->answered)
    {
        const struct answered_rule *answered = list_entry(node, struct answered_rule, node);
        if (count < max && agent->repository &&
            strcmp(answered->repository, agent->repository) == 0)
            out[count++] = &answered->rule;
    }
    return count;
}

void agent_judge(const struct agent *agent, const struct tool *tool, const struct json *input,
                 struct permission *permission)
{
    const struct rule **answered = mem_new_array(SWARM_RULES_MAX, sizeof(*answered));
    char *argument = argument_of(agent, tool, input);
    struct permission_call call = {tool->schema.name, tool->effect, str_of(argument)};
    struct permission_place place = {
        .user = &agent->swarm->setup.config->permissions,
        .answered = answered,
        .answered_count = answered_rules(agent, answered, SWARM_RULES_MAX),
        .levels = {{agent->own_mode, &agent->rules}},
        .level_count = 1,
    };
    for (size_t i = 0; i < agent->bound_count; i++)
        place.levels[place.level_count++] =
            (struct permission_level){agent->bounds[i].mode, &agent->bounds[i].rules};
    permission_judge(permission, &place, &call);
    mem_free(argument);
    mem_free(answered);
}

char *permission_remember(const struct permission *permission)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 64 << 10);
    json_writer_init(&w, &text);
    json_begin_object(&w);
    json_key(&w, "allow");
    json_begin_array(&w);
    for (size_t i = 0; i < permission->allow_count; i++)
        json_put_str(&w, str_of(permission->allow_always[i]));
    json_end_array(&w);
    json_key(&w, "reject");
    json_begin_array(&w);
    if (permission->reject_always)
        json_put_str(&w, str_of(permission->reject_always));
    json_end_array(&w);
    json_end_object(&w);
    return buf_detach(&text, NULL);
}

void turn_audit(const struct turn_call *call, const char *action, const char *approval_id)
{
    const struct agent *agent = call->turn->agent;
    char *argument =
        call->tool && call->run.input ? argument_of(agent, call->tool, call->run.input) : NULL;
    struct audit audit = {
        .item_id = call->item->id,
        .approval_id = approval_id,
        .tool = call->name,
        .argument = str_of(argument),
        .why = call->why,
        .by = call->by,
    };
    if (strcmp(action, "blocked") == 0)
        audit.reason = call->item->blocked;
    if (strcmp(action, "ended") == 0 && call->item->exit_code >= 0) {
        audit.has_exit_code = true;
        audit.exit_code = call->item->exit_code;
    }
    audit_add(agent, action, &audit);
    mem_free(argument);
}

static void preview_run(struct work *work)
{
    struct turn_call *call = list_entry(work, struct turn_call, preview);
    call->tool->preview(&call->turn->place, call->run.input, &call->patch, &call->preview_err);
}

static void preview_done(struct work *work)
{
    struct turn_call *call = list_entry(work, struct turn_call, preview);
    call->turn->busy--;
    if (call->turn->stop)
        turn_wake(call->turn);
    else if (call->preview_err.kind != ERR_NONE)
        turn_call_fail(call, "%s", call->preview_err.message); // it could not be done anyway
    else
        turn_ask(call);
}

static void ask(struct turn_call *call)
{
    if (!call->tool->preview) {
        turn_ask(call);
        return;
    }
    call->phase = CALL_PREVIEW;
    call->turn->busy++;
    call->preview.run = preview_run;
    call->preview.done = preview_done;
    port_work(call->turn->agent->swarm->setup.ports, LANE_FILES, &call->preview);
}

void turn_permit(struct turn_call *call)
{
    struct permission permission;
    struct buf why;
    agent_judge(call->turn->agent, call->tool, call->run.input, &permission);
    buf_init(&why, 2 * RULE_TEXT_MAX);
    permission_say(&permission, &why);
    call->why = buf_detach(&why, NULL);
    switch (permission.verdict) {
    case VERDICT_ALLOW:
        call->phase = CALL_READY;
        break;
    case VERDICT_DENY:
        turn_call_fail(call, "%s is not allowed for this agent (%s)", call->name,
                       call->why ? call->why : "");
        turn_audit(call, "denied", NULL);
        break;
    case VERDICT_ASK:
        call->remember = permission_remember(&permission);
        ask(call);
    }
    permission_release(&permission);
}
