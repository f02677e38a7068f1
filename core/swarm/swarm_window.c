// SPDX-License-Identifier: MIT
// What editors ask of an agent's context window: a compaction, and what stays word for word.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"
#include "core/turn/turn.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PIN_PAGE_ITEMS = 500 };

// --- compaction ---

void swarm_compact_done(struct agent *agent)
{
    mem_free(agent->compact);
    agent->compact = NULL;
}

// Nothing is cut off that a compaction would close in passing.
static bool is_at_rest(enum agent_state state)
{
    return state == STATE_IDLE || state == STATE_DONE || state == STATE_FAILED ||
           state == STATE_KILLED;
}

void swarm_compact(struct swarm *swarm, struct agent *agent, struct str instructions,
                   struct swarm_op *op)
{
    op->err.kind = ERR_NONE;
    if (instructions.len > SWARM_INSTRUCTIONS_MAX)
        err_set(&op->err, ERR_PARAMS, "instructions: at most %d bytes, this has %zu",
                SWARM_INSTRUCTIONS_MAX, instructions.len);
    else if (agent->removing)
        err_set(&op->err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    else
        swarm_can_take(swarm, &op->err);
    if (op->err.kind != ERR_NONE) {
        op_fail(swarm, op);
        return;
    }
    mem_free(agent->compact);
    agent->compact = mem_dup(str_trim(instructions));
    op->delivery = "queued";
    if (is_at_rest(agent->state) && agent_enter(agent, CAUSE_SEND, &op->err)) {
        op->delivery = "started";
        swarm_schedule(swarm);
    } else {
        agent_publish(agent);
    }
    journal_want_sync(swarm->setup.journal);
    op_finish(agent, op);
}

// --- pins ---

// An item's seq is not in its id: of a message that waited, the id is older.
struct pinning {
    struct swarm *swarm;
    struct swarm_op *op;
    int64_t agent_num;
    char item_id[ITEM_ID_MAX];
    bool pinned;
    struct journal_read read;
};

static void pin(struct swarm *swarm, struct agent *agent, int64_t seq, bool pinned,
                struct swarm_op *op)
{
    if (!window_pin(&agent->window, seq, pinned, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    agent_publish(agent);
    journal_want_sync(swarm->setup.journal);
    op_finish(agent, op);
}

// Its seq, or 0 when it is not in the page; *last is where the next page begins.
static int64_t find_in_page(struct str page, const char *item_id, int64_t *last)
{
    struct arena arena;
    int64_t found = 0;
    arena_init(&arena, 2 * (size_t)ITEM_TEXT_MAX + (64 << 20));
    while (page.len && !found) {
        long end = str_find(page, STR("\n"));
        size_t len = end < 0 ? page.len : (size_t)end;
        struct json *json;
        struct err ignored;
        arena_reset(&arena);
        if (len && json_parse(&json, &arena, str_from(page.data, len), &ignored)) {
            *last = json_int(json, "seq", *last);
            if (str_is(json_str(json, "id"), item_id))
                found = *last;
        }
        page = str_skip(page, end < 0 ? page.len : len + 1);
    }
    arena_release(&arena);
    return found;
}

static void page_read(struct journal_read *read)
{
    struct pinning *pinning = list_entry(read, struct pinning, read);
    struct swarm *swarm = pinning->swarm;
    struct swarm_op *op = pinning->op;
    struct agent *agent = swarm_find_num(swarm, pinning->agent_num);
    int64_t last = read->after, seq = 0;
    bool more = read->more;
    op->err = read->err;
    if (read->err.kind == ERR_NONE)
        seq = find_in_page(buf_str(&read->out), pinning->item_id, &last);
    journal_read_release(read);
    if (op->err.kind == ERR_NONE && agent && !seq && more && last > read->after) {
        read->after = last;
        journal_read(swarm->setup.journal, read);
        return;
    }
    if (op->err.kind == ERR_NONE && !agent)
        err_set(&op->err, ERR_UNKNOWN_AGENT, "the agent was removed meanwhile");
    else if (op->err.kind == ERR_NONE && !seq)
        err_set(&op->err, ERR_PARAMS, "itemId: %s has no item '%s'", agent->id, pinning->item_id);
    if (op->err.kind == ERR_NONE)
        pin(swarm, agent, seq, pinning->pinned, op);
    else
        op_fail(swarm, op);
    mem_free(pinning);
}

void swarm_pin(struct swarm *swarm, struct agent *agent, struct str item_id, bool pinned,
               struct swarm_op *op)
{
    int64_t number = item_id.len > 1 && item_id.len < ITEM_ID_MAX && item_id.data[0] == 'i'
                         ? strtoll(item_id.data + 1, NULL, 10)
                         : 0;
    if (number < 1)
        err_set(&op->err, ERR_PARAMS, "itemId: expected the id of an item, as in i12");
    else if (swarm_can_take(swarm, &op->err))
        op->err.kind = ERR_NONE;
    if (op->err.kind != ERR_NONE) {
        op_fail(swarm, op);
        return;
    }
    struct pinning *pinning = mem_new(sizeof(*pinning));
    pinning->swarm = swarm;
    pinning->op = op;
    pinning->agent_num = agent->num;
    memcpy(pinning->item_id, item_id.data, item_id.len);
    pinning->pinned = pinned;
    pinning->read.agent = agent->num;
    pinning->read.after = number > 1 ? number - 1 : 1;
    pinning->read.limit = PIN_PAGE_ITEMS;
    pinning->read.done = page_read;
    journal_read(swarm->setup.journal, &pinning->read);
}
