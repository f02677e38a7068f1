// SPDX-License-Identifier: MIT
// What is wanted in a fresh worktree: ignored files of the person's own tree, and commands. Nothing
// of it comes from the repository unless they said so.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"
#include "core/swarm/swarm_own.h"
#include "core/tools/tool.h"

enum {
    SEED_SECONDS_MAX = 3600,       // of the command
    SEED_PATTERNS_MAX = 128 << 10, // bytes, of the configuration and the repository
    SEED_JSON_MAX = 1 << 20,
};

struct swarm_seed {
    struct agent *agent;
    const struct repository_config *config; // or NULL
    struct worktree_seeded seeded;
    struct own_files own;
    const char *command, *title; // of the setup; NULL: none
    bool runs;
    struct root root;
    struct buf sandbox;
    char *output_folder;
    struct tool_place place;
    struct tool_run run;
    void (*done)(void *arg);
    void *arg;
};

const struct repository_config *swarm_seeding(const struct agent *agent)
{
    const struct config *config = agent->swarm->setup.config;
    for (size_t i = 0; i < config->repository_count; i++)
        if (agent->repository && strcmp(config->repositories[i].path, agent->repository) == 0)
            return &config->repositories[i];
    return NULL;
}

struct swarm_seed *swarm_seed_create(struct agent *agent)
{
    struct swarm_seed *seed = mem_new(sizeof(*seed));
    seed->agent = agent;
    seed->config = swarm_seeding(agent);
    seed->root.fd = -1;
    buf_init(&seed->sandbox, SANDBOX_SPEC_MAX);
    return seed;
}

void swarm_seed_free(struct swarm_seed *seed)
{
    if (!seed)
        return;
    root_close(&seed->root);
    buf_release(&seed->sandbox);
    own_release(&seed->own);
    mem_free(seed->output_folder);
    mem_free(seed);
}

// --- files ---

void swarm_seed_read(struct swarm_seed *seed)
{
    own_read(&seed->own, seed->agent->repository);
}

static bool is_used(const struct swarm_seed *seed, enum own_kind kind)
{
    return seed->own.files[kind].state == OWN_USED;
}

enum seed_step swarm_seed_decide(struct swarm_seed *seed)
{
    if (!own_decide(&seed->own, seed->agent, seed->config))
        return SEED_ASK;
    bool configured = seed->config && seed->config->setup;
    if (configured) {
        seed->command = seed->title = seed->config->setup;
    } else if (is_used(seed, OWN_SETUP)) {
        seed->command = seed->own.files[OWN_SETUP].text.data;
        seed->title = own_file_name(OWN_SETUP);
    }
    bool copies = (seed->config && seed->config->include) || is_used(seed, OWN_INCLUDE);
    return copies ? SEED_COPY : SEED_RUN;
}

void swarm_seed_ask(struct swarm_seed *seed)
{
    own_ask(&seed->own, seed->agent);
}

bool swarm_seed_copy(struct swarm_seed *seed, const struct worktree_spec *spec, struct err *err)
{
    struct buf patterns;
    buf_init(&patterns, SEED_PATTERNS_MAX);
    if (seed->config && seed->config->include)
        buf_add_str(&patterns, str_of(seed->config->include));
    if (is_used(seed, OWN_INCLUDE))
        buf_add_str(&patterns, buf_str(&seed->own.files[OWN_INCLUDE].text));
    bool ok = true;
    if (patterns.overflow)
        ok = err_set(err, ERR_CONFIG,
                     "the patterns of files for the worktrees of %s are longer than "
                     "%d bytes",
                     seed->agent->repository, SEED_PATTERNS_MAX);
    else if (patterns.len)
        ok = worktree_seed(spec, patterns.data, &seed->seeded, err);
    buf_release(&patterns);
    return ok;
}

static void tell_files(const struct swarm_seed *seed)
{
    if (seed->seeded.files)
        event_notice(seed->agent, seed->seeded.cut ? "warning" : "info",
                     "%zu ignored file%s of your checkout %s copied into the worktree%s.",
                     seed->seeded.files, seed->seeded.files == 1 ? "" : "s",
                     seed->seeded.files == 1 ? "was" : "were",
                     seed->seeded.cut ? "; there were more than may be copied" : "");
}

// --- the command ---

static void finish(struct swarm_seed *seed)
{
    seed->runs = false;
    seed->done(seed->arg);
}

static void ended(void *arg)
{
    struct swarm_seed *seed = arg;
    const struct tool_result *result = &seed->run.result;
    struct item *item = item_new(ITEM_NOTICE);
    item->status = ITEM_COMPLETED;
    item->name = mem_dup(result->failed ? STR("warning") : STR("info"));
    item->turn = seed->agent->usage.turns;
    buf_addf(&item->text, "setup%s: %s\n", result->failed ? " failed" : "", seed->title);
    buf_add_str(&item->text, buf_str(&result->output));
    event_item(seed->agent, item);
    item_free(item);
    tool_run_release(&seed->run);
    finish(seed);
}

static bool open_place(struct swarm_seed *seed, struct err *err)
{
    const struct agent *agent = seed->agent;
    const struct swarm_setup *setup = &agent->swarm->setup;
    struct sandbox_place where = {
        .state_folder = setup->state_folder,
        .agent_id = agent->id,
        .worktree = agent->worktree,
        .repository = agent->repository,
        .isolated = agent->isolated,
    };
    if (!root_open(&seed->root, agent->worktree, err))
        return false;
    sandbox_describe(&seed->sandbox, &setup->config->sandbox, &where);
    if (seed->sandbox.overflow)
        return err_set(err, ERR_CONFIG, "sandbox: its paths are more than %d bytes",
                       (int)SANDBOX_SPEC_MAX);
    seed->output_folder = mem_format("%s/output/%s", setup->state_folder, agent->id);
    seed->place = (struct tool_place){
        .ports = setup->ports,
        .root = &seed->root,
        .output_folder = seed->output_folder,
        .envp = setup->tool_envp,
        .sandbox = buf_str(&seed->sandbox),
        .policy = &setup->config->sandbox,
    };
    return true;
}

static bool start(struct swarm_seed *seed, struct err *err)
{
    struct buf input;
    struct json_writer w;
    if (!open_place(seed, err))
        return false;
    buf_init(&input, SEED_JSON_MAX);
    json_writer_init(&w, &input);
    json_begin_object(&w);
    json_add_cstr(&w, "command", seed->command);
    json_add_int(&w, "timeout", SEED_SECONDS_MAX);
    json_end_object(&w);
    tool_run_init(&seed->run, tool_find(STR("bash")), &seed->place);
    bool ok = tool_run_parse(&seed->run, buf_str(&input), err);
    buf_release(&input);
    if (!ok) {
        tool_run_release(&seed->run);
        return false;
    }
    seed->run.item_id = "setup";
    seed->run.done = ended;
    seed->run.arg = seed;
    seed->runs = true;
    agent_set_activity(seed->agent, "setup: %s", seed->title);
    tool_run_start(&seed->run);
    return true;
}

void swarm_seed_run(struct swarm_seed *seed, void (*done)(void *arg), void *arg)
{
    struct err err;
    seed->done = done;
    seed->arg = arg;
    tell_files(seed);
    bool ends = seed->agent->swarm->closing || seed->agent->stopping != CAUSE_COUNT;
    if (!seed->command || ends) {
        finish(seed);
    } else if (!start(seed, &err)) {
        event_notice(seed->agent, "warning", "setup: %s", err.message);
        finish(seed);
    }
}

bool swarm_seed_runs(const struct swarm_seed *seed)
{
    return seed && seed->runs;
}

void swarm_seed_show(struct swarm_seed *seed)
{
    if (seed->agent->swarm->closing || seed->agent->stopping != CAUSE_COUNT)
        tool_run_cancel(&seed->run);
}
