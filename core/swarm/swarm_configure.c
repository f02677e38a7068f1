// SPDX-License-Identifier: MIT
// What of an agent can be changed after its spawn: its model and its mode.
#include "core/base/mem.h"
#include "core/permission/permission.h"
#include "core/swarm/swarm_internal.h"

static bool check_model(const struct swarm *swarm, const struct agent *agent, struct str model,
                        struct err *err)
{
    long slash = str_find(model, STR("/"));
    if (slash <= 0 || (size_t)slash + 1 >= model.len)
        return err_set(err, ERR_PARAMS, "model: expected \"provider/model\", not '%.*s'",
                       STR_ARG(model));
    // A turn has its place with the provider, and the transcript in that one's dialect.
    if (agent->turn)
        return err_set(err, ERR_WRONG_STATE,
                       "%s has a turn under way: its model can be changed when that has ended",
                       agent->id);
    const struct provider_port *providers = &swarm->setup.providers;
    return providers->find(providers->ctx, str_from(model.data, (size_t)slash), err);
}

static void set_model(struct agent *agent, struct str model)
{
    size_t slash = (size_t)str_find(model, STR("/"));
    mem_free(agent->provider);
    mem_free(agent->model);
    agent->provider = mem_dup(str_from(model.data, slash));
    agent->model = mem_dup(str_skip(model, slash + 1));
    agent->model_configured = false;
    agent_model_changed(agent);
}

static void set_mode(struct agent *agent, enum agent_mode mode)
{
    agent->mode = agent->own_mode = mode;
    for (size_t i = 0; i < agent->bound_count; i++)
        agent->mode = mode_stricter(agent->mode, agent->bounds[i].mode);
}

void swarm_configure(struct swarm *swarm, struct agent *agent, struct str model, struct str mode,
                     struct swarm_op *op)
{
    enum agent_mode new_mode = agent->own_mode;
    op->err.kind = ERR_NONE;
    if (!model.len && !mode.len)
        err_set(&op->err, ERR_PARAMS, "expected model or mode");
    else if (mode.len && !mode_from_name(mode, &new_mode))
        err_set(&op->err, ERR_PARAMS, "mode: expected ask, edit, full or read, not '%.*s'",
                STR_ARG(mode));
    else if (agent->removing)
        err_set(&op->err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    else if (swarm_can_take(swarm, &op->err) && model.len)
        check_model(swarm, agent, model, &op->err);
    if (op->err.kind != ERR_NONE) {
        op_fail(swarm, op);
        return;
    }
    if (model.len)
        set_model(agent, model);
    if (mode.len)
        set_mode(agent, new_mode);
    log_line(swarm->setup.log, LOG_INFO, agent->id, "configured: model %s/%s, mode %s",
             agent->provider, agent->model, mode_name(agent->mode));
    agent_publish(agent);
    journal_want_sync(swarm->setup.journal);
    op_finish(agent, op);
}
