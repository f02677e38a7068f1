// SPDX-License-Identifier: MIT
// Spawning: the parameters, the probe of the repository on LANE_GIT, and the new agent.
#include "core/agent/role.h"
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/worktree.h"
#include "core/permission/permission.h"
#include "core/swarm/swarm_internal.h"

#include <fcntl.h>
#include <unistd.h>

struct spawn {
    struct work work;
    struct swarm *swarm;
    struct swarm_op *op;
    struct repository_info info;
    struct err err;
    char *task, *name, *role, *provider, *model, *cwd, *base, *scope, *swarm_id, *parent_id,
        *context;
    char *image_files; // as in the parameters
    size_t image_files_len;
    struct images images;
    const struct role_config *role_config; // or NULL
    enum agent_mode mode;
    struct rules rules;
    struct agent_bound *bounds;
    size_t bound_count;
    bool isolated;
    struct agent_limits limits;
    struct budget budget;
    bool model_configured;
};

static char *copy(struct str s)
{
    return s.len ? mem_dup(s) : NULL;
}

static void spawn_free(struct spawn *spawn)
{
    char *strings[] = {spawn->task,     spawn->name,      spawn->role,   spawn->provider,
                       spawn->model,    spawn->cwd,       spawn->base,   spawn->scope,
                       spawn->swarm_id, spawn->parent_id, spawn->context};
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
        mem_free(strings[i]);
    mem_free(spawn->image_files);
    images_release(&spawn->images);
    rules_release(&spawn->rules);
    for (size_t i = 0; i < spawn->bound_count; i++)
        rules_release(&spawn->bounds[i].rules);
    mem_free(spawn->bounds);
    repository_info_release(&spawn->info);
    mem_free(spawn);
}

// What was asked for, else what the role says, else the connection, else the configuration.
static struct str choose(struct str asked, const char *role, struct str otherwise,
                         const char *configured)
{
    if (asked.len)
        return asked;
    if (role)
        return str_of(role);
    return otherwise.len ? otherwise : str_of(configured);
}

static bool take_model(struct spawn *spawn, const struct spawn_params *p, struct err *err)
{
    const struct role_config *role = spawn->role_config;
    struct str full = choose(p->model, role ? role->model : NULL, p->default_model,
                             spawn->swarm->setup.config->model);
    if (!p->model.len)
        full = fallback_of(spawn->swarm, full);
    spawn->model_configured = !p->model.len;
    long slash = str_find(full, STR("/"));
    if (slash <= 0 || (size_t)slash + 1 >= full.len)
        return err_set(err, ERR_PARAMS, "model: expected \"provider/model\", not '%.*s'",
                       STR_ARG(full));
    struct str provider = str_from(full.data, (size_t)slash);
    if (!spawn->swarm->setup.providers.find(spawn->swarm->setup.providers.ctx, provider, err))
        return false;
    spawn->provider = mem_dup(provider);
    spawn->model = mem_dup(str_skip(full, (size_t)slash + 1));
    return true;
}

static bool take_parent(struct spawn *spawn, struct str parent, struct err *err)
{
    if (parent.len == 0)
        return true;
    const struct agent *agent = swarm_find(spawn->swarm, parent, err);
    if (!agent)
        return false;
    spawn->parent_id = mem_dup(str_of(agent->id));
    if (!spawn->swarm_id)
        spawn->swarm_id = copy(str_of(agent->swarm_id));
    return agent_bind(&spawn->bounds, &spawn->bound_count, agent, err);
}

static bool take_mode(struct spawn *spawn, const struct spawn_params *p, struct err *err)
{
    const struct role_config *role = spawn->role_config;
    const char *role_mode = role ? role->mode : NULL;
    struct err ignored;
    struct agent *parent = p->parent.len ? swarm_find(spawn->swarm, p->parent, &ignored) : NULL;
    // A child works as its parent does, unless it is told otherwise.
    struct str mode =
        parent ? choose(p->mode, role_mode, STR_NONE, mode_name(parent->own_mode))
               : choose(p->mode, role_mode, p->default_mode, spawn->swarm->setup.config->mode);
    return mode_from_name(mode, &spawn->mode) ||
           err_set(err, ERR_PARAMS, "mode: expected ask, edit, full or read, not '%.*s'",
                   STR_ARG(mode));
}

static int64_t first_given(int64_t asked, int64_t role, int64_t otherwise)
{
    return asked >= 0 ? asked : role > 0 ? role : otherwise;
}

static void take_limits(struct spawn *spawn, const struct spawn_params *p)
{
    static const struct role_config none;
    const struct role_config *role = spawn->role_config ? spawn->role_config : &none;
    const struct agent_limits *asked = &p->limits, *otherwise = &p->default_limits;
    spawn->limits.steps = first_given(asked->steps, role->steps, otherwise->steps);
    spawn->limits.seconds = first_given(asked->seconds, role->seconds, otherwise->seconds);
    const int64_t roles[BUDGET_MEASURES] = {
        [BUDGET_TOKENS] = role->tokens, [BUDGET_COST] = role->cost};
    for (int i = 0; i < BUDGET_MEASURES; i++) {
        int64_t most = p->budget.most[i];
        spawn->budget.most[i] = most >= -1     ? most
                                : roles[i] > 0 ? roles[i]
                                               : p->default_budget.most[i];
    }
}

static bool take_role(struct spawn *spawn, const struct spawn_params *p, struct err *err)
{
    const struct config *config = spawn->swarm->setup.config;
    if (!role_check(config, p->role, err))
        return false;
    spawn->role = copy(p->role);
    spawn->role_config = role_find(config, p->role);
    if (spawn->role_config &&
        !rules_copy(&spawn->rules, &spawn->role_config->permissions, RULE_ROLE, err))
        return false;
    return rules_read_json(&spawn->rules, p->permissions, RULE_AGENT, err) ||
           err_wrap(err, "permissions");
}

// A model that cannot see them gets their names.
static void take_image_files(struct spawn *spawn, struct str files)
{
    struct model_info model =
        catalogue_find(spawn->swarm->catalogue, str_of(spawn->provider), str_of(spawn->model));
    if (files.len == 0 || model.images == ABILITY_NO)
        return;
    spawn->image_files = mem_new(files.len);
    memcpy(spawn->image_files, files.data, files.len);
    spawn->image_files_len = files.len;
}

static bool take_params(struct spawn *spawn, const struct spawn_params *p, struct err *err)
{
    const struct swarm *swarm = spawn->swarm;
    struct str task = str_trim(p->task);
    if (swarm->closing)
        return err_set(err, ERR_REFUSED, "the server is ending");
    if (!journal_can_take(swarm->setup.journal, err))
        return false;
    if (swarm->agent_count >= SWARM_AGENTS_MAX)
        return err_set(err, ERR_LIMIT, "there are %d agents, the most there can be: remove some",
                       SWARM_AGENTS_MAX);
    if (task.len && memchr(task.data, 0, task.len))
        return err_set(err, ERR_PARAMS, "task: has a character U+0000 in it");
    if (task.len == 0)
        return err_set(err, ERR_PARAMS, "task: expected what the agent is to do, not nothing");
    if (task.len + p->context.len > AGENT_TASK_MAX)
        return err_set(err, ERR_PARAMS, "task: at most %d bytes with its context, this has %zu",
                       AGENT_TASK_MAX, task.len + p->context.len);
    spawn->isolated = p->isolation.len == 0 || str_is(p->isolation, "worktree");
    if (!spawn->isolated && !str_is(p->isolation, "none"))
        return err_set(err, ERR_PARAMS, "isolation: expected worktree or none, not '%.*s'",
                       STR_ARG(p->isolation));
    if (p->swarm_id.len > SWARM_ID_MAX)
        return err_set(err, ERR_PARAMS, "swarmId: expected a name of at most %d bytes",
                       SWARM_ID_MAX);
    if (p->cwd.len == 0 || p->cwd.data[0] != '/')
        return err_set(err, ERR_PARAMS, "cwd: expected an absolute path, not '%.*s'",
                       STR_ARG(p->cwd));
    spawn->task = mem_dup(task);
    spawn->name = copy(p->name);
    spawn->cwd = copy(p->cwd);
    spawn->base = copy(p->base);
    spawn->scope = copy(p->scope);
    spawn->swarm_id = copy(p->swarm_id);
    spawn->context = copy(p->context);
    if (!take_role(spawn, p, err) || !take_model(spawn, p, err) ||
        !take_parent(spawn, p->parent, err) || !take_mode(spawn, p, err))
        return false;
    take_limits(spawn, p);
    take_image_files(spawn, p->image_files);
    return true;
}

static void move(char **to, char **from)
{
    *to = *from;
    *from = NULL;
}

static void place_worktree(struct agent *agent, struct spawn *spawn)
{
    move(&agent->repository, &spawn->info.root);
    move(&agent->base, &spawn->info.base);
    move(&agent->base_name, &spawn->info.base_name);
    agent->isolated = spawn->isolated;
    if (!agent->isolated) {
        agent->worktree = mem_dup(str_of(agent->repository));
        agent->worktree_made = true;
        return;
    }
    const char *slash = strrchr(agent->repository, '/');
    const char *folder = slash && slash[1] ? slash + 1 : "root";
    agent->branch = mem_format("swarm/%s", agent->id);
    agent->worktree =
        mem_format("%s/worktrees/%s/%s", agent->swarm->setup.state_folder, folder, agent->id);
}

static void give_task(struct agent *agent, struct spawn *spawn)
{
    struct item *item = item_new_user(NULL, str_of(spawn->task), NULL);
    if (spawn->context) {
        buf_add_str(&item->text, STR("\n\n"));
        buf_add_str(&item->text, str_of(spawn->context));
    }
    // Editors name files where the person has them; the agent can only reach its own.
    if (agent->isolated && str_find(buf_str(&item->text), str_of(agent->repository)) >= 0)
        buf_addf(&item->text,
                 "\n\nPaths above that begin with %s are in the person's checkout. You have the "
                 "same files in your working directory: leave that beginning away.",
                 agent->repository);
    item->turn = 1;
    images_move(&item->images, &spawn->images);
    event_item(agent, item);
    struct err full; // it is the first one
    window_pin(&agent->window, item->seq, true, &full);
    item_free(item);
}

static void give_rights(struct agent *agent, struct spawn *spawn)
{
    agent->mode = agent->own_mode = spawn->mode;
    for (size_t i = 0; i < spawn->bound_count; i++)
        agent->mode = mode_stricter(agent->mode, spawn->bounds[i].mode);
    agent->rules = spawn->rules;
    agent->bounds = spawn->bounds;
    agent->bound_count = spawn->bound_count;
    spawn->rules = (struct rules){0};
    spawn->bounds = NULL;
    spawn->bound_count = 0;
}

static bool make_agent(struct spawn *spawn, struct err *err)
{
    struct swarm *swarm = spawn->swarm;
    struct agent *agent = agent_new(swarm);
    if (!swarm_make_id(swarm, str_of(spawn->task), agent->id, err)) {
        agent_free(agent);
        return false;
    }
    agent->num = ++swarm->last_agent;
    agent->created_at = port_wall_ms(swarm->setup.ports);
    place_worktree(agent, spawn);
    if (!spawn->name)
        spawn->name = mem_dup(str_of(agent->id));
    move(&agent->name, &spawn->name);
    agent->task = mem_dup(str_of(spawn->task));
    move(&agent->role, &spawn->role);
    move(&agent->cwd, &spawn->cwd);
    move(&agent->provider, &spawn->provider);
    move(&agent->model, &spawn->model);
    move(&agent->scope, &spawn->scope);
    move(&agent->swarm_id, &spawn->swarm_id);
    move(&agent->parent_id, &spawn->parent_id);
    give_rights(agent, spawn);
    agent->limits = spawn->limits;
    agent->budget = spawn->budget;
    agent->model_configured = spawn->model_configured;
    agent_model_changed(agent);
    swarm_index_add(swarm, agent);
    log_line(swarm->setup.log, LOG_INFO, agent->id, "spawned in %s with %s/%s, mode %s",
             agent->repository, agent->provider, agent->model, mode_name(agent->mode));
    agent_publish(agent);
    give_task(agent, spawn);
    journal_want_sync(swarm->setup.journal);
    swarm_schedule(swarm);
    op_finish(agent, spawn->op);
    return true;
}

// What is no file, cannot be read or is no image stays a name in the text.
static bool load_image(struct spawn *spawn, const char *path, struct err *err)
{
    struct stat seen;
    struct buf bytes;
    struct err ignored;
    buf_init(&bytes, (size_t)IMAGE_BYTES_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool loaded = fd >= 0 && fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
    bool ok = true;
    if (loaded && seen.st_size > IMAGE_BYTES_MAX)
        ok = err_set(err, ERR_PARAMS,
                     "an image may have at most %d bytes (3 MiB), this one has "
                     "%lld: make it smaller",
                     (int)IMAGE_BYTES_MAX, (long long)seen.st_size);
    else if (loaded && file_load_fd(fd, path, &bytes, &ignored) && image_type(buf_str(&bytes)))
        ok = images_add_bytes(&spawn->images, buf_str(&bytes), err);
    if (fd >= 0)
        close(fd);
    buf_release(&bytes);
    return ok || err_wrap(err, "context: %s", path);
}

static void load_images(struct spawn *spawn)
{
    const char *path = spawn->image_files, *end = path + spawn->image_files_len;
    for (; path < end && spawn->err.kind == ERR_NONE; path += strlen(path) + 1)
        load_image(spawn, path, &spawn->err);
}

static void spawn_probe(struct work *work)
{
    struct spawn *spawn = list_entry(work, struct spawn, work);
    if (git_start(&spawn->err) &&
        repository_probe(spawn->cwd, spawn->base, &spawn->info, &spawn->err))
        load_images(spawn);
}

static void spawn_probed(struct work *work)
{
    struct spawn *spawn = list_entry(work, struct spawn, work);
    struct swarm *swarm = spawn->swarm;
    struct swarm_op *op = spawn->op;
    swarm->spawning--;
    op->err = spawn->err;
    bool made = op->err.kind == ERR_NONE;
    if (made && swarm->closing)
        made = err_set(&op->err, ERR_REFUSED, "the server is ending");
    if (made)
        made = make_agent(spawn, &op->err);
    if (!made)
        op_fail(swarm, op);
    spawn_free(spawn);
    swarm_close_check(swarm);
}

void swarm_spawn(struct swarm *swarm, const struct spawn_params *params, struct swarm_op *op)
{
    struct spawn *spawn = mem_new(sizeof(*spawn));
    spawn->swarm = swarm;
    spawn->op = op;
    op->swarm = swarm;
    if (!take_params(spawn, params, &op->err)) {
        spawn_free(spawn);
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    spawn->work.run = spawn_probe;
    spawn->work.done = spawn_probed;
    swarm->spawning++;
    port_work(swarm->setup.ports, LANE_GIT, &spawn->work);
}
