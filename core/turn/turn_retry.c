// SPDX-License-Identifier: MIT
// Requests that failed: the class of the failure decides which are made again, and when.
#include "core/model/account.h"
#include "core/turn/turn.h"

#include <stdio.h>
#include <sys/random.h>

// Where the server says that nothing remains, and when there will be; -1 where it does not.
static int64_t until_whole(const struct model_limits *limits)
{
    const struct model_limit *const all[] = {&limits->requests, &limits->tokens,
                                             &limits->input_tokens, &limits->output_tokens};
    int64_t longest = -1;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        bool is_empty = all[i]->limit > 0 && all[i]->remaining == 0;
        if (is_empty && all[i]->reset_ms > longest)
            longest = all[i]->reset_ms;
    }
    return longest;
}

// Exponential with full jitter: clients that failed together do not come back together.
static int64_t jitter(const struct turn *turn)
{
    const struct config *config = turn->agent->swarm->setup.config;
    int64_t most = (int64_t)config->retry_first_ms << (turn->tries - 1);
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = UINT32_MAX;
    if (most > config->retry_max_ms)
        most = config->retry_max_ms;
    return 1 + (int64_t)random * most / UINT32_MAX;
}

static int64_t retry_delay(const struct turn *turn)
{
    if (turn->end.retry_after_ms >= 0)
        return turn->end.retry_after_ms;
    int64_t reset =
        turn->end.failure == MODEL_FAILURE_RATE_LIMITED ? until_whole(&turn->limits) : -1;
    return reset >= 0 ? reset : jitter(turn);
}

static bool try_again(struct turn *turn)
{
    int64_t delay = retry_delay(turn);
    if (!model_failure_is_passing(turn->end.failure) || turn->tries >= TURN_TRIES_MAX ||
        delay > TURN_RETRY_AFTER_MS_MAX)
        return false;
    char status[16];
    const char *why = model_failure_name(turn->end.failure);
    snprintf(status, sizeof(status), "%d", turn->end.http_status);
    if (turn->end.http_status >= 400)
        why = status;
    log_line(turn->agent->swarm->setup.log, LOG_WARNING, turn->agent->id,
             "try %d failed, the next in %lld ms: %s", turn->tries, (long long)delay,
             turn->end.err.message);
    agent_set_activity(turn->agent, "retry in %lld s (%s)", (long long)(delay + 999) / 1000, why);
    account_count_retry(turn->account);
    turn->phase = TURN_RETRYING;
    turn_wait_until(turn, port_mono_ms(turn->agent->swarm->setup.ports) + delay);
    return true;
}

// What had come of an answer that is made anew stays in the store, as failed, what was complete of
// it, too; the model is not told of it, now or later (window_parts.c).
static void forget_partial_text(struct turn *turn)
{
    list_for_each_safe(node, &turn->transcript.items)
    {
        struct item *item = list_entry(node, struct item, node);
        bool partial = item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING;
        if (!partial || item->turn != turn->agent->usage.turns || item->step != turn->step)
            continue;
        if (item->status == ITEM_COMPLETED) {
            item->status = ITEM_FAILED;
            event_item(turn->agent, item);
        }
        list_remove(node);
        item_free(item);
    }
}

// A pause that is too long for a turn is a quota, too, whatever the server calls it.
static bool wait_for_quota(struct turn *turn)
{
    bool asked_long = model_failure_is_passing(turn->end.failure) &&
                      turn->end.retry_after_ms > TURN_RETRY_AFTER_MS_MAX;
    if (turn->end.failure != MODEL_FAILURE_QUOTA_EXHAUSTED && !asked_long)
        return false;
    if (!account_exhausted(turn->account, turn->agent->model, &turn->end))
        return false;
    turn->tries--; // it is not this request's fault
    return true;
}

void turn_request_failed(struct turn *turn)
{
    turn_end_texts(turn, ITEM_FAILED);
    turn_calls_release(turn);
    bool too_large = turn->end.failure == MODEL_FAILURE_CONTEXT_TOO_LARGE;
    if (too_large && !turn->overflowed) {
        forget_partial_text(turn);
        turn_window_overflowed(turn);
    } else if (turn->end.model_gone && fallback_take(turn->agent)) {
        forget_partial_text(turn);
        turn_window_again(turn);
    } else if (wait_for_quota(turn)) {
        forget_partial_text(turn);
        turn_retry(turn);
    } else if (try_again(turn)) {
        forget_partial_text(turn);
    } else {
        if (too_large)
            turn_window_blame(turn);
        bool refused = turn->end.failure == MODEL_FAILURE_REFUSED;
        turn_stop(turn, refused ? STOP_REFUSED : STOP_ERROR, &turn->end.err);
    }
}
