// SPDX-License-Identifier: MIT
// A turn and its context window: before each request the view is made to fit, with a summary by
// the model where shortening is not enough.
#include "core/base/mem.h"
#include "core/context/compaction.h"
#include "core/model/tokens.h"
#include "core/turn/prompt.h"
#include "core/turn/turn.h"

#include <stdio.h>

enum {
    HTTP_TOO_LARGE = 413,
    SUMMARY_TOKENS_MAX = 4096, // of the model's answer
    REASON_MAX = 240,
};

// --- what every request has in front ---

void turn_head_make(const struct turn *turn, struct turn_head *head)
{
    size_t count;
    const struct tool *const *tools = tool_all(&count);
    head->tool_count = 0;
    for (size_t i = 0; i < count && head->tool_count < TURN_TOOLS_MAX; i++) {
        if (turn->agent->mode != MODE_READ || tools[i]->effect == TOOL_READS)
            head->tools[head->tool_count++] = tools[i]->schema;
    }
    head->model = swarm_model(turn->agent);
    buf_init(&head->system, TURN_SYSTEM_BYTES_MAX);
    prompt_system(turn->agent, &head->system);
    head->tokens = tokens_of_head(buf_str(&head->system), head->tools, head->tool_count);
    int64_t size = head->model.context_size;
    int64_t reserve = head->model.max_output ? head->model.max_output : WINDOW_RESERVE;
    if (head->model.max_input > 0 && head->model.max_input + reserve < size)
        size = head->model.max_input + reserve;
    window_limits(&turn->agent->window, size, reserve,
                  turn->agent->swarm->setup.config->context_percent, head->tokens, &head->limits);
}

void turn_head_release(struct turn_head *head)
{
    buf_release(&head->system);
}

// --- what was done is told ---

static int64_t reported(const struct turn *turn, const struct turn_head *head, int64_t estimate)
{
    return tokens_corrected(estimate + head->tokens, turn->agent->window.ratio);
}

static void tell_cut(struct turn *turn, const struct turn_head *head, const struct window_cut *cut,
                     const char *reason)
{
    struct item *item = item_new(ITEM_COMPACTION);
    item->turn = turn->agent->usage.turns;
    item->status = ITEM_COMPLETED;
    item->before = reported(turn, head, cut->before);
    item->after = reported(turn, head, cut->after);
    item->title = mem_dup(str_of(reason));
    turn->agent->usage.context_used = item->after;
    event_item(turn->agent, item);
    item_free(item);
    agent_publish(turn->agent);
}

static void describe_cut(const struct window_cut *cut, char reason[REASON_MAX])
{
    int len = snprintf(reason, REASON_MAX, "the context was full:");
    if (cut->results)
        len += snprintf(reason + len, REASON_MAX - (size_t)len,
                        " %zu older tool calls are shown shortened", cut->results);
    if (cut->reasonings)
        len += snprintf(reason + len, REASON_MAX - (size_t)len,
                        "%s reasoning and images of earlier turns are left out",
                        cut->results ? "," : "");
    if (cut->images)
        len += snprintf(reason + len, REASON_MAX - (size_t)len,
                        "%s images of %zu older messages are left out",
                        cut->results || cut->reasonings ? "," : "", cut->images);
    if (cut->parts)
        snprintf(reason + len, REASON_MAX - (size_t)len, "%s the largest texts are cut",
                 cut->results || cut->reasonings || cut->images ? "," : "");
}

static void warn(struct turn *turn, const struct turn_head *head, int64_t tokens)
{
    struct window *window = &turn->agent->window;
    if (window->warned || tokens <= head->limits.warn)
        return;
    window->warned = true;
    event_notice(turn->agent, "info",
                 "The context is at %lld of %lld tokens. What is older will soon be shown to the "
                 "model shortened, then as a summary; the transcript here stays whole.",
                 (long long)reported(turn, head, tokens), (long long)head->model.context_size);
    agent_store(turn->agent, false);
}

// --- compaction ---

static void finish_compaction(struct turn *turn, struct str summary, const char *reason)
{
    struct agent *agent = turn->agent;
    struct window_cut cut;
    struct err ignored;
    struct turn_head head;
    const struct compaction compaction = {&agent->window, &turn->transcript, turn->boundary};
    struct item *item = item_new(ITEM_COMPACTION);
    item->turn = agent->usage.turns;
    item->status = ITEM_COMPLETED;
    item->dropped = (int64_t)compaction_items(&compaction);
    item->title = mem_dup(str_of(reason));
    buf_add_str(&item->text, summary);
    // Its number is known before its event is written: the event says how large the context is
    // with it.
    item->seq = journal_next_seq(agent->swarm->setup.journal);
    transcript_add(&turn->transcript, item);
    turn_head_make(turn, &head);
    window_compacted(&agent->window, &head.limits, turn->boundary, item->seq);
    window_measure(&agent->window, &turn->transcript, &cut, &ignored);
    item->before = reported(turn, &head, turn->full_tokens);
    item->after = reported(turn, &head, cut.after);
    turn_head_release(&head);
    agent->usage.context_used = item->after;
    item->seq = 0;
    event_item(agent, item);
    transcript_forget(&turn->transcript, &agent->window);
    agent_publish(agent);
}

static void end_compaction(struct turn *turn, struct str summary, const char *reason)
{
    if (turn->inquiry) {
        inquiry_count(turn->inquiry, turn->inquiry->err.kind == ERR_NONE);
        finish_compaction(turn, summary, reason);
        inquiry_release(turn->inquiry);
        mem_free(turn->inquiry);
        turn->inquiry = NULL;
    } else {
        finish_compaction(turn, summary, reason);
    }
    swarm_compact_done(turn->agent);
    turn->phase = TURN_TOOLS; // with no calls: the next request
    turn_wake(turn);
}

static void compact_by_hand(struct turn *turn, const struct err *err)
{
    const struct compaction compaction = {&turn->agent->window, &turn->transcript, turn->boundary};
    struct buf summary;
    char reason[REASON_MAX];
    buf_init(&summary, INQUIRY_ANSWER_MAX);
    compaction_mechanical(&compaction, &summary);
    snprintf(reason, sizeof(reason), "%s; no model could be asked for the summary: %.120s",
             turn->compact_reason, err->message);
    end_compaction(turn, buf_str(&summary), reason);
    buf_release(&summary);
}

static void answered(struct inquiry *inquiry)
{
    struct turn *turn = inquiry->arg;
    turn_progress(turn);
    if (inquiry->err.kind == ERR_NONE)
        end_compaction(turn, str_trim(buf_str(&inquiry->answer)), turn->compact_reason);
    else
        compact_by_hand(turn, &inquiry->err);
}

static void begin_compaction(struct turn *turn, const struct turn_head *head,
                             const struct window_cut *cut, const char *reason)
{
    struct agent *agent = turn->agent;
    const struct compaction compaction = {&agent->window, &turn->transcript, turn->boundary};
    turn->full_tokens = cut->before;
    turn->compact_reason = reason;
    turn->phase = TURN_COMPACTING;
    agent_set_activity(agent, "compacting the context");
    turn->inquiry = mem_new(sizeof(*turn->inquiry));
    inquiry_init(turn->inquiry);
    turn->inquiry->agent = agent;
    turn->inquiry->user = &turn->user;
    turn->inquiry->max_output = SUMMARY_TOKENS_MAX;
    turn->inquiry->done = answered;
    turn->inquiry->arg = turn;
    buf_init(&turn->inquiry->system, TURN_SYSTEM_BYTES_MAX);
    buf_init(&turn->inquiry->text, TURN_REQUEST_BYTES_MAX);
    compaction_prompt(str_of(agent->compact), &turn->inquiry->system);
    compaction_text(&compaction, tokens_to_bytes(head->limits.limit), &turn->inquiry->text);
    inquiry_start(turn->inquiry);
}

void turn_window_cut(struct turn *turn)
{
    if (!turn->inquiry)
        return;
    inquiry_release(turn->inquiry);
    inquiry_count(turn->inquiry, false);
    mem_free(turn->inquiry);
    turn->inquiry = NULL;
    turn->phase = TURN_TOOLS;
}

// --- before a request ---

static void unlearn(struct turn *turn)
{
    turn->agent->window.size = turn->size_before;
    turn->agent->window.part_max = turn->part_max_before;
}

static void too_big(struct turn *turn, const struct turn_head *head, const struct window_cut *cut)
{
    struct err err;
    if (turn->overflowed) { // the provider says why; that nothing can be cut teaches no size
        unlearn(turn);
        err = turn->end.err;
    } else if (head->limits.limit <= 0) {
        err_set(&err, ERR_LIMIT,
                "the context window of %s (%lld tokens) is too small: the system prompt and the "
                "tools alone take %lld. Set another model or its context size (`models` in the "
                "configuration).",
                turn->agent->model, (long long)head->model.context_size,
                (long long)reported(turn, head, 0));
    } else {
        err_set(&err, ERR_LIMIT,
                "the newest message and what is pinned take %lld tokens, and the context window of "
                "%s has %lld: send less at once, or unpin something (swarm/pin)",
                (long long)reported(turn, head, cut->after), turn->agent->model,
                (long long)head->model.context_size);
    }
    turn_stop(turn, STOP_ERROR, &err);
}

static bool fit(struct turn *turn, const struct turn_head *head)
{
    struct agent *agent = turn->agent;
    bool asked = agent->compact != NULL;
    struct window_cut cut;
    struct err err;
    char reason[REASON_MAX];
    switch (window_fit(&agent->window, &turn->transcript, &head->limits, asked, &cut, &err)) {
    case WINDOW_FITS:
        if (asked) {
            event_notice(agent, "info", "There is nothing to compact yet.");
            swarm_compact_done(agent);
        }
        warn(turn, head, cut.after);
        return true;
    case WINDOW_CUT:
        warn(turn, head, cut.before);
        describe_cut(&cut, reason);
        tell_cut(turn, head, &cut, reason);
        transcript_forget(&turn->transcript, &agent->window);
        return true;
    case WINDOW_COMPACT:
        if (!asked)
            warn(turn, head, cut.before);
        turn->boundary = window_boundary(&agent->window, &turn->transcript, &head->limits);
        begin_compaction(turn, head, &cut, asked ? "asked for" : "the context was full");
        return false;
    case WINDOW_TOO_BIG:
        too_big(turn, head, &cut);
        return false;
    case WINDOW_ERROR:
        break;
    }
    turn_stop(turn, STOP_ERROR, &err);
    return false;
}

bool turn_window_ready(struct turn *turn)
{
    struct turn_head head;
    turn_head_make(turn, &head);
    bool ready = fit(turn, &head);
    turn_head_release(&head);
    return ready;
}

// Images are most of the bytes and few of the tokens: without them the window need not be smaller.
static bool dropped_images(struct turn *turn)
{
    struct window_cut before, cut;
    struct err ignored;
    struct turn_head head;
    char reason[REASON_MAX];
    struct window *window = &turn->agent->window;
    window_measure(window, &turn->transcript, &before, &ignored);
    size_t dropped = window_drop_images(window, &turn->transcript);
    if (dropped == 0)
        return false;
    window_measure(window, &turn->transcript, &cut, &ignored);
    cut.before = before.before;
    snprintf(reason, sizeof(reason),
             "the request had too many bytes for the provider: images of %zu older messages are "
             "left out",
             dropped);
    turn_head_make(turn, &head);
    tell_cut(turn, &head, &cut, reason);
    turn_head_release(&head);
    transcript_forget(&turn->transcript, window);
    return true;
}

// What the provider names counts, unless it is more than was thought.
static void learn_size(struct turn *turn)
{
    int64_t named = turn->end.context_size, thought = swarm_model(turn->agent).context_size;
    struct window *window = &turn->agent->window;
    if (named > 0 && named < thought && (window->size <= 0 || named < window->size))
        window->size = named;
}

void turn_window_overflowed(struct turn *turn)
{
    enum { KEPT_PERCENT = 80 };
    struct window *window = &turn->agent->window;
    if (turn->end.http_status == HTTP_TOO_LARGE && dropped_images(turn)) {
        turn_window_again(turn);
        return;
    }
    turn->overflowed = true;
    learn_size(turn);
    turn->size_before = window->size;
    turn->part_max_before = window->part_max;
    int64_t size = tokens_corrected(turn->estimate, window->ratio) * KEPT_PERCENT / 100;
    if (window->size <= 0 || size < window->size)
        window->size = size; // else what the provider has named is less
    turn_window_again(turn);
}

void turn_window_again(struct turn *turn)
{
    turn->phase = TURN_TOOLS; // with no calls: the request is made anew
    turn->step--;
    turn_wake(turn);
}

// --- what is too large ---

static const char *kind_of(const struct model_part *part)
{
    switch (part->kind) {
    case MODEL_TOOL_CALL:
        return "the arguments of a call of ";
    case MODEL_TOOL_RESULT:
        return "the result of a call of ";
    case MODEL_USER_IMAGE:
        return "an image";
    case MODEL_USER_TEXT:
        return "a message or summary";
    default:
        return "an answer";
    }
}

void turn_window_blame(struct turn *turn)
{
    struct err *err = &turn->end.err;
    if (turn->end.http_status == HTTP_TOO_LARGE)
        unlearn(turn); // bytes: fewer tokens have not helped
    struct turn_head head;
    struct arena arena;
    struct model_part *parts;
    const struct model_part *largest = NULL;
    struct err ignored;
    size_t count;
    arena_init(&arena, TURN_REQUEST_BYTES_MAX);
    turn_head_make(turn, &head);
    if (window_parts(&turn->agent->window, &turn->transcript, &arena, &parts, &count, &ignored))
        for (size_t i = 0; i < count; i++)
            if (!largest || tokens_of_part(&parts[i]) > tokens_of_part(largest))
                largest = &parts[i];
    if (largest) {
        bool named = largest->kind == MODEL_TOOL_CALL || largest->kind == MODEL_TOOL_RESULT;
        struct err said = *err;
        err_set(err, said.kind,
                "the request is too large for %s after all cuts, too: about %lld tokens, of which "
                "system prompt and tools take %lld, and the largest part, %s%.*s, %lld. It said: "
                "%s",
                turn->agent->model, (long long)reported(turn, &head, tokens_of_parts(parts, count)),
                (long long)reported(turn, &head, 0), kind_of(largest),
                named ? (int)largest->name.len : 0, named ? largest->name.data : "",
                (long long)tokens_corrected(tokens_of_part(largest), turn->agent->window.ratio),
                said.message);
    }
    turn_head_release(&head);
    arena_release(&arena);
}
