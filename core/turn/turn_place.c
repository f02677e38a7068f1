// SPDX-License-Identifier: MIT
// A request's place with its provider: asked for before it is made, given back when it has ended.
#include "core/model/account.h"
#include "core/turn/turn.h"

static struct turn *turn_of(struct limiter_ticket *ticket)
{
    return list_entry(ticket, struct turn, ticket);
}

static void show_wait(struct turn *turn)
{
    char text[ACCOUNT_WAIT_MAX];
    account_describe_wait(turn->account, &turn->ticket, text);
    agent_set_activity(turn->agent, "%s", text);
}

static void on_granted(struct limiter_ticket *ticket)
{
    struct turn *turn = turn_of(ticket);
    // A paused agent makes no request: others get the place, and it asks again later.
    if (!state_is_active(turn->agent->state))
        limiter_cancel(ticket);
    else
        turn_wake(turn);
}

// Others get its place among those who work, until the quota is back.
static void block(struct turn *turn)
{
    struct err ignored;
    show_wait(turn);
    limiter_cancel(&turn->ticket);
    turn->agent->out_of_quota = true;
    agent_enter(turn->agent, CAUSE_BLOCK, &ignored);
}

static void on_moved(struct limiter_ticket *ticket)
{
    struct turn *turn = turn_of(ticket);
    if (!state_is_active(turn->agent->state) || turn->stop)
        return;
    if (account_is_exhausted(turn->account))
        block(turn);
    else
        show_wait(turn);
}

void turn_place_init(struct turn *turn)
{
    limiter_user_init(&turn->user);
    turn->ticket.granted = on_granted;
    turn->ticket.moved = on_moved;
}

bool turn_place_take(struct turn *turn, struct err *err)
{
    struct agent *agent = turn->agent;
    if (turn->ticket.held)
        return true;
    turn->account = accounts_find(agent->swarm->accounts, str_of(agent->provider));
    if (!turn->account) { // the provider's own error says more
        const struct provider_port *providers = &agent->swarm->setup.providers;
        if (providers->find(providers->ctx, str_of(agent->provider), err))
            err_set(err, ERR_CONFIG, "no provider is called '%s'", agent->provider);
        return false;
    }
    if (turn->ticket.limiter) // it waits already
        return true;
    if (account_is_exhausted(turn->account)) {
        block(turn);
        return true;
    }
    switch (limiter_take(account_limiter(turn->account), &turn->user, &turn->ticket)) {
    case LIMITER_HELD:
        break;
    case LIMITER_WAITS:
        show_wait(turn);
        break;
    case LIMITER_FULL:
        return err_set(err, ERR_LIMIT, "%d requests wait for %s already, the most there can be",
                       LIMITER_WAITING_MAX, agent->provider);
    }
    return true;
}

void turn_place_give(struct turn *turn)
{
    limiter_cancel(&turn->ticket);
}
