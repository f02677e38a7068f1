// SPDX-License-Identifier: MIT
// Between a call's end and its result: a large output becomes a summary by a model, or stays its
// beginning and its end.
#include "core/agent/role.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/context/condense.h"
#include "core/turn/turn.h"

struct output_sizes turn_output_sizes(const struct turn *turn, const struct tool *tool)
{
    const struct config *config = turn->agent->swarm->setup.config;
    const struct role_config *role = role_find(config, str_of(turn->agent->role));
    return output_sizes_of(role ? &role->outputs : NULL, &config->outputs,
                           str_of(tool->schema.name));
}

static const char *summary_model(const struct turn *turn)
{
    const struct config *config = turn->agent->swarm->setup.config;
    const struct role_config *role = role_find(config, str_of(turn->agent->role));
    return role && role->summary_model ? role->summary_model : config->summary_model;
}

static struct str newest_message(const struct turn *turn)
{
    for (const struct list *node = turn->transcript.items.prev; node != &turn->transcript.items;
         node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER)
            return buf_str(&item->text);
    }
    return str_of(turn->agent->task);
}

// Puts the summary in the place of beginning and end; what no summary may lose stays behind it.
static void take_summary(struct turn_call *call, struct str text, int64_t chars)
{
    struct tool_result *result = &call->run.result;
    struct buf out;
    buf_init(&out, ITEM_TEXT_MAX);
    buf_addf(&out, "[summary of %s output (%lld -> %lld chars); whole output: output:%s]\n%.*s%s",
             call->name, (long long)chars, (long long)utf8_count(text), call->item->id,
             STR_ARG(text), str_ends(text, STR("\n")) ? "" : "\n");
    buf_add_str(&out, buf_str(&result->kept));
    buf_release(&result->output);
    result->output = out;
}

static void on_progress(void *arg, size_t answered, size_t pieces)
{
    struct turn_call *call = arg;
    turn_progress(call->turn);
    agent_set_activity(call->turn->agent, "%s: condensing its output (%zu of %zu)", call->name,
                       answered, pieces);
}

static void on_done(void *arg, const struct err *err, struct str text, int64_t chars)
{
    struct turn_call *call = arg;
    if (err->kind == ERR_NONE)
        take_summary(call, str_trim(text), chars);
    else if (!call->cut)
        buf_addf(&call->run.result.output, "[there is no summary of it: %s]\n", err->message);
    condense_free(call->condense);
    call->condense = NULL;
    turn_call_ran(call);
}

bool turn_condense(struct turn_call *call)
{
    struct turn *turn = call->turn;
    const struct tool_run *run = &call->run;
    if (!run->result.full || run->tool->exact || run->sizes.summary == OUTPUT_OFF ||
        run->result.chars <= run->sizes.cut || call->cut || turn->stop)
        return false;
    const struct condense_setup setup = {
        .agent = turn->agent,
        .user = &turn->user,
        .run = run,
        .task = newest_message(turn),
        .call = str_of(call->item->edited ? call->item->edited : call->item->input),
        .model = summary_model(turn),
        .progress = on_progress,
        .done = on_done,
        .arg = call,
    };
    agent_set_activity(turn->agent, "%s: condensing its output", call->name);
    call->condense = condense_start(&setup);
    return true;
}
