// SPDX-License-Identifier: MIT
// Calls that are cut off, and after a restart what becomes of those that were: closed, or, when a
// person is still to answer, taken up again.
#include "core/base/mem.h"
#include "core/context/condense.h"
#include "core/tools/tool_output.h"
#include "core/turn/turn.h"

#include <unistd.h>

static const char cut_off[] =
    "(cut off: the server ended while this call was under way. It was not run again; it may have "
    "had effects. Look before you repeat it.)";

static void not_run(struct turn_call *call)
{
    journal_wait_cancel(&call->wait);
    turn_call_fail(call, "(not run: the turn was ended before)");
}

void turn_calls_cut(struct turn *turn, bool keep_questions)
{
    if (!keep_questions)
        turn_close_questions(turn);
    for (size_t i = 0; i < turn->call_count; i++) {
        struct turn_call *call = turn->calls[i];
        bool previewing = call->phase == CALL_PREVIEW && turn->busy > 0;
        bool asking = call->phase == CALL_ASKING && keep_questions;
        if (call->phase == CALL_RUNNING && !call->cut) {
            call->cut = true;
            if (call->condense)
                condense_cancel(call->condense);
            else
                tool_run_cancel(&call->run);
        } else if (call->phase != CALL_RUNNING && call->phase != CALL_DONE && !previewing &&
                   !asking) {
            not_run(call);
        }
    }
}

static bool has_question(const struct turn *turn, const struct item *item)
{
    list_for_each(node, &turn->agent->approvals)
    {
        if (strcmp(list_entry(node, struct approval, node)->call_item, item->id) == 0)
            return true;
    }
    list_for_each(node, &turn->answers)
    {
        if (strcmp(list_entry(node, struct approval, node)->call_item, item->id) == 0)
            return true;
    }
    return false;
}

static void take_up(struct turn *turn, struct item *item)
{
    struct turn_call *call = turn_call_new(turn);
    struct err err;
    call->item = item;
    call->name = mem_dup(str_of(item->name));
    call->call_id = mem_dup(str_of(item->call_id));
    call->phase = CALL_ASKING;
    if (turn->step < item->step)
        turn->step = item->step;
    if (!turn_call_parse(call, str_of(item->input), &err))
        turn_call_fail(call, "%s", err.message);
}

static void tell_cut_off(const struct turn *turn, struct item *item, bool ran)
{
    if (!ran) {
        buf_add_str(&item->text, STR("(not run: the turn was ended before)"));
        return;
    }
    char *name = tool_output_name(item->id);
    char *path = mem_format("%s/output/%s/%s", turn->agent->swarm->setup.state_folder,
                            turn->agent->id, name);
    buf_add_str(&item->text, str_of(cut_off));
    if (access(path, F_OK) == 0)
        buf_addf(&item->text, "\n(what it had printed by then: `read` or `grep` output:%s)",
                 item->id);
    mem_free(path);
    mem_free(name);
}

void turn_calls_mend(struct turn *turn, bool keep_questions)
{
    if (!keep_questions)
        turn_close_questions(turn);
    list_for_each_safe(node, &turn->transcript.items)
    {
        struct item *item = list_entry(node, struct item, node);
        if (item->status != ITEM_STARTED || item->kind == ITEM_APPROVAL)
            continue;
        if (item->kind == ITEM_TOOL && keep_questions && has_question(turn, item)) {
            if (!turn->mend_only && !turn->stop && turn->call_count < MODEL_TOOL_CALLS_MAX)
                take_up(turn, item);
            continue;
        }
        item->status = ITEM_FAILED;
        if (item->kind == ITEM_TOOL)
            tell_cut_off(turn, item, keep_questions);
        event_item(turn->agent, item);
    }
}
