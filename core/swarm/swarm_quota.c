// SPDX-License-Identifier: MIT
// Agents whose provider's quota is used up: blocked, without a place, until it is back.
#include "core/swarm/swarm_internal.h"

static bool waits_for(const struct agent *agent, struct str provider)
{
    return agent->state == STATE_BLOCKED && agent->out_of_quota &&
           str_is(provider, agent->provider);
}

bool swarm_awaits_quota(void *arg, struct str provider)
{
    struct swarm *swarm = arg;
    list_for_each(node, &swarm->agents)
    {
        if (waits_for(list_entry(node, struct agent, node), provider))
            return true;
    }
    return false;
}

void swarm_quota_back(void *arg, struct str provider)
{
    struct swarm *swarm = arg;
    struct err ignored;
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (waits_for(agent, provider))
            agent_enter(agent, CAUSE_UNBLOCK, &ignored);
    }
}
