// SPDX-License-Identifier: MIT
// Requests that failed: which are made again, and when.
#include "core/turn.h"

#include <stdio.h>
#include <sys/random.h>

// Too many requests, a server that is overloaded or broken, no answer at all. Everything else
// would fail the same way again.
static bool is_passing(const struct model_end *end)
{
    int status = end->http_status;
    bool no_answer = (status == 0 || status == 200) && end->err.kind == ERR_PROVIDER;
    return status == 408 || status == 429 || status >= 500 || no_answer;
}

// Exponential with full jitter: clients that failed together do not come back together.
static int64_t retry_delay(const struct turn *turn)
{
    if (turn->end.retry_after_ms >= 0)
        return turn->end.retry_after_ms;
    int64_t most = (int64_t)TURN_RETRY_MS << (turn->tries - 1);
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = UINT32_MAX;
    if (most > TURN_RETRY_MS_MAX)
        most = TURN_RETRY_MS_MAX;
    return 1 + (int64_t)random * most / UINT32_MAX;
}

static bool try_again(struct turn *turn)
{
    int64_t delay = retry_delay(turn);
    if (!is_passing(&turn->end) || turn->tries >= TURN_TRIES_MAX || delay > TURN_RETRY_AFTER_MS_MAX)
        return false;
    char why[32] = "no answer";
    if (turn->end.http_status >= 400)
        snprintf(why, sizeof(why), "%d", turn->end.http_status);
    log_line(turn->agent->swarm->setup.log, LOG_WARNING, turn->agent->id,
             "try %d failed, the next in %lld ms: %s", turn->tries, (long long)delay,
             turn->end.err.message);
    agent_set_activity(turn->agent, "retry in %lld s (%s)", (long long)(delay + 999) / 1000, why);
    turn->phase = TURN_RETRYING;
    turn_wait_until(turn, port_mono_ms(turn->agent->swarm->setup.ports) + delay);
    return true;
}

// What had come of an answer that is made anew stays in the store, as failed; the model is not
// told of it.
static void forget_partial_text(struct turn *turn)
{
    list_for_each_safe(node, &turn->transcript.items)
    {
        struct item *item = list_entry(node, struct item, node);
        bool partial = item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING;
        if (partial && item->turn == turn->agent->usage.turns && item->step == turn->step) {
            list_remove(node);
            item_free(item);
        }
    }
}

void turn_request_failed(struct turn *turn)
{
    turn_end_texts(turn, ITEM_FAILED);
    turn_calls_release(turn);
    if (try_again(turn))
        forget_partial_text(turn);
    else
        turn_stop(turn, turn->end.err.kind == ERR_REFUSED ? STOP_REFUSED : STOP_ERROR,
                  &turn->end.err);
}
