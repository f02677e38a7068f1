// SPDX-License-Identifier: MIT
// The tool calls of one step: which may run, in which order, and what becomes of them.
#include "core/base/mem.h"
#include "core/swarm/review.h"
#include "core/swarm/review_watch.h"
#include "core/turn/turn.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    INPUT_ARENA_MAX = 8 * ITEM_TEXT_MAX, // a tree of arguments
    EDITED_SHOWN_MAX = 4096,             // bytes of a person's arguments that the model gets back
};

struct turn_call *turn_call_new(struct turn *turn)
{
    struct turn_call *call = mem_new(sizeof(*call));
    call->turn = turn;
    buf_init(&call->input, ITEM_TEXT_MAX);
    buf_init(&call->patch, ITEM_TEXT_MAX);
    list_init(&call->wait.node);
    turn->calls[turn->call_count++] = call;
    return call;
}

void turn_call_free(struct turn_call *call)
{
    live_end(call->turn->agent->swarm, call->live);
    journal_wait_cancel(&call->wait);
    if (call->run_made)
        tool_run_release(&call->run);
    buf_release(&call->input);
    buf_release(&call->patch);
    mem_free(call->call_id);
    mem_free(call->name);
    mem_free(call->opaque);
    mem_free(call->why);
    mem_free(call->remember);
    mem_free(call->by);
    mem_free(call);
}

void turn_calls_release(struct turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++)
        turn_call_free(turn->calls[i]);
    turn->call_count = 0;
}

bool turn_calls_done(const struct turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++) {
        if (turn->calls[i]->phase != CALL_DONE)
            return false;
    }
    return true;
}

// --- the end of a call ---

static void complete(struct turn_call *call, enum item_status status)
{
    struct turn *turn = call->turn;
    live_end(turn->agent->swarm, call->live);
    call->live = NULL;
    call->phase = CALL_DONE;
    call->item->status = status;
    turn->agent->usage.tool_calls++;
    event_item(turn->agent, call->item);
    turn->transcript.bytes += call->item->text.len;
    turn_wake(turn);
}

void turn_call_show(struct turn_call *call)
{
    if (call->item->seq > 0)
        return;
    event_item(call->turn->agent, call->item);
    transcript_add(&call->turn->transcript, call->item);
}

void turn_call_reject(struct turn_call *call, struct str text)
{
    struct item *item = call->item;
    turn_call_show(call); // the model made it, so it has a place in the transcript
    // What a command had printed before it was cut is kept.
    if (item->text.len && item->text.data[item->text.len - 1] != '\n')
        buf_add_char(&item->text, '\n');
    buf_add_str(&item->text, text);
    if (item->bytes == 0)
        item->bytes = (int64_t)item->text.len;
    complete(call, ITEM_FAILED);
}

void turn_call_fail(struct turn_call *call, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX * 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    turn_call_reject(call, str_of(text));
}

static void run_done(void *arg)
{
    struct turn_call *call = arg;
    turn_progress(call->turn);
    if (call->tool->effect == TOOL_RUNS_COMMANDS)
        sandbox_clean_repository(call->turn->agent);
    review_call_ended(call->turn->agent, call->tool);
    if (!turn_condense(call))
        turn_call_ran(call);
}

void turn_call_ran(struct turn_call *call)
{
    struct turn *turn = call->turn;
    struct tool_result *result = &call->run.result;
    struct item *item = call->item;
    turn->busy--;
    buf_clear(&item->text);
    if (item->edited)
        buf_addf(&item->text, "(a person changed the arguments; what ran: %.*s)\n",
                 EDITED_SHOWN_MAX, item->edited);
    buf_add_str(&item->text, buf_str(&result->output));
    item->bytes = result->bytes;
    item->exit_code = result->exit_code;
    item->full = result->full;
    item->paths = result->paths;
    item->blocked = result->blocked;
    result->full = result->paths = result->blocked = NULL;
    overlap_take_call(turn->agent, item->paths);
    complete(call, result->failed ? ITEM_FAILED : ITEM_COMPLETED);
    if (call->tool->effect != TOOL_READS)
        turn_audit(call, "ended", NULL);
    if (item->blocked)
        turn_audit(call, "blocked", NULL);
    if (call->tool->effect == TOOL_RUNS_COMMANDS)
        turn_import(turn);
}

static void run_output(void *arg, struct str piece)
{
    struct turn_call *call = arg;
    turn_progress(call->turn);
    if (!call->live || call->item->text.len + piece.len > TOOL_SHOWN_MAX)
        return;
    buf_add_str(&call->item->text, piece);
    live_changed(call->turn->agent->swarm, call->live);
}

// --- running ---

static void run_committed(struct journal_wait *wait)
{
    struct turn_call *call = list_entry(wait, struct turn_call, wait);
    call->phase = CALL_RUNNING;
    call->turn->busy++;
    if (call->tool->live)
        call->live = live_begin(call->turn->agent, call->item);
    agent_set_activity(call->turn->agent, "%s", call->item->title);
    log_line(call->turn->agent->swarm->setup.log, LOG_DEBUG, call->turn->agent->id, "%s runs %s",
             call->item->id, call->name);
    call->run.output = run_output;
    call->run.done = run_done;
    call->run.arg = call;
    review_call_begins(call->turn->agent, call->tool);
    tool_run_start(&call->run);
}

// `started` is on disk before the first effect.
static void start(struct turn_call *call)
{
    struct agent *agent = call->turn->agent;
    call->phase = CALL_STARTING;
    agent->touched = agent->touched || call->tool->effect != TOOL_READS;
    turn_call_show(call);
    call->run.item_id = call->item->id;
    turn_audit(call, "started", NULL);
    call->wait.fn = run_committed;
    journal_wait(agent->swarm->setup.journal, &call->wait);
}

void turn_calls_run(struct turn *turn)
{
    bool all_read = true; // every call before this one is done, or only reads
    bool held = review_holds_tools(turn->agent); // done: turn_wake()
    size_t under_way = 0;
    for (size_t i = 0; i < turn->call_count; i++) {
        struct turn_call *call = turn->calls[i];
        if (call->phase == CALL_DONE)
            continue;
        bool reads = call->tool && call->tool->effect == TOOL_READS;
        if (call->phase == CALL_READY && call->tool && under_way < TURN_READS_MAX &&
            (reads || !held) && (under_way == 0 || (reads && all_read)))
            start(call);
        under_way++;
        all_read = all_read && reads;
    }
}

// --- the calls of an answer ---

static void make_item(struct turn_call *call)
{
    struct turn *turn = call->turn;
    struct item *item = item_new(ITEM_TOOL);
    struct str input = str_trim(buf_str(&call->input));
    item->turn = turn->agent->usage.turns;
    item->step = turn->step;
    item->name = mem_dup(str_of(call->name));
    item->call_id = mem_dup(str_of(call->call_id));
    item->exit_code = -1;
    item->opaque = call->opaque;
    call->opaque = NULL;
    // The title is made from the arguments once they are understood.
    item->title = mem_dup(str_of(call->name));
    struct buf text;
    struct json_writer w;
    buf_init(&text, ITEM_TEXT_MAX * 2);
    json_writer_init(&w, &text);
    json_put_str(&w, input);
    item->input = buf_detach(&text, NULL);
    call->item = item;
}

static void take_title(struct turn_call *call)
{
    struct buf title;
    buf_init(&title, 1024);
    call->tool->title(call->run.input, &title);
    mem_free(call->item->title);
    call->item->title = buf_detach(&title, NULL);
    if (!call->item->title)
        call->item->title = mem_dup(str_of(call->name));
}

bool turn_call_parse(struct turn_call *call, struct str input, struct err *err)
{
    struct turn *turn = call->turn;
    call->tool = tool_find(str_of(call->name));
    if (!call->tool)
        return err_set(err, ERR_PARAMS,
                       "there is no tool '%s'; there are read, write, edit, list, glob, grep and "
                       "bash",
                       call->name);
    tool_run_init(&call->run, call->tool, &turn->place);
    call->run_made = true;
    call->run.sizes = turn_output_sizes(turn, call->tool);
    if (!tool_run_parse(&call->run, input, err))
        return false;
    take_title(call);
    return true;
}

bool turn_call_edit(struct turn_call *call, const char *input, struct err *err)
{
    tool_run_release(&call->run);
    call->run_made = false;
    if (!turn_call_parse(call, str_of(input), err))
        return false;
    mem_free(call->item->edited);
    call->item->edited = mem_dup(str_of(input));
    return true;
}

// As the store will give it back: a later request begins with the very bytes of this one, and
// prompt caches hit. NULL when it is no object.
static char *compact_object(struct str input)
{
    struct arena arena;
    struct json *json;
    struct err ignored;
    struct buf text;
    struct json_writer w;
    arena_init(&arena, INPUT_ARENA_MAX);
    buf_init(&text, ITEM_TEXT_MAX * 2);
    json_writer_init(&w, &text);
    if (json_parse(&json, &arena, input, &ignored) && json->type == JSON_OBJECT)
        json_put_tree(&w, json);
    char *object = text.len && !text.overflow ? buf_detach(&text, NULL) : NULL;
    buf_release(&text);
    arena_release(&arena);
    return object;
}

static bool is_id_taken(const struct turn *turn, struct str id)
{
    list_for_each(node, &turn->transcript.items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_TOOL && str_is(id, item->call_id))
            return true;
    }
    return false;
}

// Some servers give the same ids in each answer; others want each to be there once. The first
// number to try grows with the calls: a long transcript is not looked through for each of them.
static void make_id(struct turn_call *call)
{
    char *given = call->call_id;
    if (!given || !*given) {
        mem_free(given);
        given = mem_dup(STR("call"));
    }
    call->call_id = mem_dup(str_of(given));
    int64_t number = call->turn->agent->usage.tool_calls + 1;
    for (; is_id_taken(call->turn, str_of(call->call_id)); number++) {
        mem_free(call->call_id);
        call->call_id = mem_format("%.40s-%" PRId64, given, number);
    }
    mem_free(given);
}

static void begin_call(struct turn_call *call)
{
    struct err err;
    if (!call->name)
        call->name = mem_dup(STR("?"));
    make_id(call);
    make_item(call);
    struct str input = str_trim(buf_str(&call->input));
    if (input.len == 0)
        input = STR("{}"); // tools without arguments are called with nothing by some servers
    bool good = turn_call_parse(call, input, &err);
    char *object = compact_object(input);
    if (object) { // what is none stays a string: people see what the model wrote
        mem_free(call->item->input);
        call->item->input = object;
    }
    bool cut = call->turn->end.finish == MODEL_MAX_TOKENS;
    if (good)
        turn_permit(call);
    else
        turn_call_fail(call, "%s%s", err.message,
                       cut ? " (the answer was cut at the model's output limit: do less in one "
                             "call)"
                           : "");
}

void turn_calls_begin(struct turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++)
        begin_call(turn->calls[i]);
    turn_wake(turn);
}
