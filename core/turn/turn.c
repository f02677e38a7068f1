// SPDX-License-Identifier: MIT
// The life of a turn, and the built-in backend's doors.
#include "core/turn/turn.h"

#include "core/agent/role.h"
#include "core/base/mem.h"
#include "core/swarm/review.h"

static void advance(struct deferred *deferred);
static void tick(void *arg);

static const struct ports *ports_of(const struct turn *turn)
{
    return turn->agent->swarm->setup.ports;
}

void turn_wake(struct turn *turn)
{
    port_defer(ports_of(turn), &turn->advance);
}

void turn_progress(struct turn *turn)
{
    turn->progress_at = port_mono_ms(ports_of(turn));
}

void turn_stop(struct turn *turn, enum stop_reason reason, const struct err *error)
{
    if (!turn->stop) {
        turn->stop = true;
        turn->reason = reason;
        if (error)
            turn->error = *error;
    }
    turn_wake(turn);
}

// --- limits ---

static bool is_due(const struct turn *turn)
{
    return turn->phase == TURN_RETRYING && port_mono_ms(ports_of(turn)) >= turn->retry_at;
}

// What is left of the turn's own limit of time at work; INT64_MAX without one. A person who thinks
// takes none of it, and the timer is set anew when the turn goes on.
static int64_t work_left(const struct turn *turn)
{
    const struct agent *agent = turn->agent;
    int64_t seconds =
        agent->limits.seconds ? agent->limits.seconds : agent->swarm->setup.config->turn_s;
    if (seconds <= 0 || agent->state != STATE_WORKING)
        return INT64_MAX;
    return seconds * 1000 - (agent_work_ms(agent) - turn->work_start);
}

// One timer a turn, set to the nearest limit, so that a busy stream never touches it.
static void watch_limits(struct turn *turn)
{
    const struct config *config = turn->agent->swarm->setup.config;
    int64_t now = port_mono_ms(ports_of(turn));
    int64_t left = turn->progress_at + config->turn_idle_s * 1000LL - now;
    if (work_left(turn) < left)
        left = work_left(turn);
    if (turn->phase == TURN_RETRYING && !is_due(turn) && turn->retry_at - now < left)
        left = turn->retry_at - now;
    ports_of(turn)->ops->timer_set(turn->timer, left < 1 ? 1 : left);
}

static void tick(void *arg)
{
    struct turn *turn = arg;
    const struct agent *agent = turn->agent;
    const struct config *config = agent->swarm->setup.config;
    int64_t now = port_mono_ms(ports_of(turn));
    struct err err;
    // A person who thinks or paused, and a command with its own timeout, are no lack of progress.
    bool waits = agent->state == STATE_WAITING || !state_is_active(agent->state);
    bool queues = turn->phase == TURN_RETRYING || turn->phase == TURN_PLACING;
    if (waits || turn->busy > 0 || queues || review_holds_tools(agent))
        turn->progress_at = now;
    if (work_left(turn) <= 0) {
        err_set(&err, ERR_LIMIT, "the turn reached its limit of %lld s",
                (long long)(agent->limits.seconds ? agent->limits.seconds : config->turn_s));
        turn_stop(turn, STOP_TIMEOUT, &err);
    } else if (now - turn->progress_at >= config->turn_idle_s * 1000LL) {
        err_set(&err, ERR_LIMIT, "the turn made no progress for %d s", config->turn_idle_s);
        turn_stop(turn, STOP_TIMEOUT, &err);
    } else {
        if (is_due(turn))
            turn_wake(turn);
        watch_limits(turn);
    }
}

void turn_wait_until(struct turn *turn, int64_t mono_ms)
{
    turn->retry_at = mono_ms;
    if (is_due(turn))
        turn_wake(turn);
    watch_limits(turn);
}

// --- begin ---

static void greet(struct turn *turn)
{
    struct agent *agent = turn->agent;
    if (agent->greeted)
        return;
    agent->greeted = true;
    sandbox_greet(agent);
    if (!agent->isolated)
        event_notice(agent, "warning",
                     "isolation is none: this agent works in %s itself, not in a worktree.",
                     agent->repository);
    struct err ignored;
    const struct provider_port *providers = &agent->swarm->setup.providers;
    const struct provider *provider =
        providers->find(providers->ctx, str_of(agent->provider), &ignored);
    if (provider && provider->scripted)
        event_notice(agent, "info",
                     "This is the built-in scripted demo, not a model. Configure a provider to "
                     "have real work done (docs/configuration.md).");
}

static void take_queue(struct turn *turn, bool steering_only)
{
    struct agent *agent = turn->agent;
    struct err full; // then it is not pinned
    bool taken = false;
    list_for_each_safe(node, &agent->queue)
    {
        struct queued_message *message = list_entry(node, struct queued_message, node);
        if (steering_only && !message->steer)
            continue;
        struct item *item = item_new_user(message->item_id, str_of(message->text), NULL);
        item->turn = agent->usage.turns;
        images_move(&item->images, &message->images);
        event_item(agent, item);
        transcript_add(&turn->transcript, item);
        if (item->turn <= WINDOW_FIRST_TURNS)
            window_pin(&agent->window, item->seq, true, &full);
        list_remove(&message->node);
        queued_message_free(message);
        taken = true;
    }
    if (taken)
        agent_publish(agent);
}

// A provider wants the last word to be the person's or a tool's.
static void ask_to_continue(struct turn *turn)
{
    for (struct list *node = turn->transcript.items.prev; node != &turn->transcript.items;
         node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER || item->kind == ITEM_TOOL)
            return;
        if (item->kind == ITEM_ASSISTANT && item->text.len > 0)
            break;
    }
    struct item *wish = item_new_user(NULL, STR("Continue where you left off."), "swarmd");
    wish->turn = turn->agent->usage.turns;
    event_item(turn->agent, wish);
    transcript_add(&turn->transcript, wish);
}

static bool describe_sandbox(struct turn *turn, struct err *err)
{
    const struct agent *agent = turn->agent;
    struct sandbox_place place = {
        .state_folder = agent->swarm->setup.state_folder,
        .agent_id = agent->id,
        .worktree = agent->worktree,
        .repository = agent->repository,
        .isolated = agent->isolated,
        .git_writable = sandbox_guard_repository(turn->agent),
    };
    sandbox_describe(&turn->sandbox, &agent->swarm->setup.config->sandbox, &place);
    if (turn->sandbox.overflow)
        return err_set(err, ERR_CONFIG, "sandbox: its paths are more than %d bytes",
                       (int)SANDBOX_SPEC_MAX);
    turn->place.sandbox = buf_str(&turn->sandbox);
    turn->place.policy = &agent->swarm->setup.config->sandbox;
    return true;
}

static bool open_place(struct turn *turn, struct err *err)
{
    const struct agent *agent = turn->agent;
    const struct role_config *role = role_find(agent->swarm->setup.config, str_of(agent->role));
    if (!root_open(&turn->root, agent->worktree, err))
        return err_wrap(err, "the worktree is gone or cannot be opened");
    turn->root.checkout = agent->isolated ? agent->repository : NULL;
    turn->output_folder = mem_format("%s/output/%s", agent->swarm->setup.state_folder, agent->id);
    turn->place = (struct tool_place){
        .ports = ports_of(turn),
        .root = &turn->root,
        .output_folder = turn->output_folder,
        .envp =
            role && role->envp ? (const char *const *)role->envp : agent->swarm->setup.tool_envp,
    };
    return describe_sandbox(turn, err);
}

static void begin(struct turn *turn)
{
    struct err err;
    if (!open_place(turn, &err)) {
        turn_calls_mend(turn, false);
        turn_stop(turn, STOP_ERROR, &err);
        return;
    }
    turn_calls_mend(turn, true);
    list_for_each_safe(node, &turn->answers)
    {
        struct approval *approval = list_entry(node, struct approval, node);
        list_remove(&approval->node);
        turn_decided(turn, approval);
    }
    if (turn->call_count > 0) { // taken up again after a restart
        turn->phase = TURN_TOOLS;
        return;
    }
    turn_refresh(turn);
    greet(turn);
    turn->compact_only = turn->agent->compact && list_empty(&turn->agent->queue);
    take_queue(turn, false);
    if (!turn->compact_only)
        ask_to_continue(turn);
    turn->phase = TURN_TOOLS; // with no calls: the next request
}

static void loaded(struct transcript *transcript, const struct err *err)
{
    struct turn *turn = list_entry(transcript, struct turn, transcript);
    turn->loading = false;
    if (err->kind != ERR_NONE) {
        turn_stop(turn, STOP_ERROR, err);
    } else if (turn->stop || turn->mend_only) {
        // A turn that is stopped for the server's end leaves questions open; so does mending.
        turn_calls_mend(turn, turn->reason == STOP_NONE);
        turn_stop(turn, STOP_NONE, NULL);
    } else {
        begin(turn);
        turn_wake(turn);
    }
}

static struct turn *turn_new(struct agent *agent, bool mend_only)
{
    struct turn *turn = mem_new(sizeof(*turn));
    turn->agent = agent;
    agent->turn = turn;
    turn->mend_only = mend_only;
    turn->advance.fn = advance;
    turn->root.fd = -1;
    list_init(&turn->advance.node);
    list_init(&turn->answers);
    buf_init(&turn->sandbox, SANDBOX_SPEC_MAX);
    transcript_init(&turn->transcript);
    turn_place_init(turn);
    turn->timer = port_timer_new(ports_of(turn), tick, turn);
    turn->progress_at = port_mono_ms(ports_of(turn));
    turn->work_start = agent_work_ms(agent);
    watch_limits(turn);
    turn->loading = true;
    transcript_load(&turn->transcript, agent->swarm->setup.journal, agent->num, &agent->window,
                    loaded);
    return turn;
}

// --- end ---

static void turn_free(struct turn *turn)
{
    turn->agent->turn = NULL;
    turn_place_give(turn);
    ports_of(turn)->ops->timer_free(turn->timer);
    list_remove(&turn->advance.node);
    turn_calls_release(turn);
    list_for_each_safe(node, &turn->answers)
    {
        approval_free(list_entry(node, struct approval, node));
    }
    transcript_release(&turn->transcript);
    root_close(&turn->root);
    buf_release(&turn->sandbox);
    mem_free(turn->output_folder);
    mem_free(turn);
}

static void finish(struct turn *turn)
{
    struct agent *agent = turn->agent;
    enum stop_reason reason =
        turn->mend_only && turn->reason != STOP_CANCELLED ? STOP_NONE : turn->reason;
    struct err error = turn->error;
    turn_free(turn);
    backend_turn_ended(agent, reason, error.kind == ERR_NONE ? NULL : &error);
}

static void advance_stop(struct turn *turn)
{
    if (turn->loading)
        return;
    turn_cut_stream(turn);
    turn_window_cut(turn);
    // STOP_NONE is the server's end: questions stay open across it.
    turn_calls_cut(turn, turn->reason == STOP_NONE);
    if (turn->busy == 0)
        finish(turn);
}

static void advance(struct deferred *deferred)
{
    struct turn *turn = list_entry(deferred, struct turn, advance);
    // What is under way goes on to its end while the agent is paused, or waits for a place after
    // that; nothing new is begun, and the turn does not end.
    if (!state_is_active(turn->agent->state) && !turn->stop) {
        if (turn->phase == TURN_PLACING && turn->ticket.held)
            turn_place_give(turn);
        return;
    }
    watch_limits(turn);
    if (turn->phase == TURN_PLACING && !turn->stop)
        turn_place_granted(turn);
    if (is_due(turn) && !turn->stop)
        turn_retry(turn);
    if (turn->phase == TURN_THINKING && turn->ended && !turn->stop)
        turn_answered(turn);
    if (turn->phase == TURN_TOOLS && !turn->stop) {
        turn_calls_run(turn);
        if (turn_calls_done(turn)) {
            turn_calls_release(turn);
            if (!turn->loading)
                take_queue(turn, true);
            turn_request(turn);
        }
    }
    if (turn->stop)
        advance_stop(turn);
}

// --- the backend ---

static void builtin_start(struct agent *agent)
{
    if (agent->turn) { // it was paused
        turn_wake(agent->turn);
        return;
    }
    turn_new(agent, false);
    agent->usage.turns++;
    agent_count_work(agent); // of the turn before, when it goes on at once
    agent->turn_start = agent->usage.sum;
    agent->stop_reason = STOP_NONE;
    event_turn(agent, "started", STOP_NONE);
    agent_set_activity(agent, "thinking");
}

static void builtin_answer(struct agent *agent, struct approval *approval)
{
    approval_event(agent, approval, ITEM_COMPLETED);
    if (!agent->turn)
        turn_new(agent, false); // after a restart: the turn that asked goes on
    struct turn *turn = agent->turn;
    turn->mend_only = agent->mending = false;
    if (turn->loading)
        list_append(&turn->answers, &approval->node);
    else
        turn_decided(turn, approval);
}

static void builtin_stop(struct agent *agent, enum stop_reason reason)
{
    if (agent->turn)
        turn_stop(agent->turn, reason, NULL);
}

static void builtin_mend(struct agent *agent)
{
    if (agent->turn)
        return;
    agent->mending = true;
    turn_new(agent, true);
}

struct backend backend_builtin = {
    .name = "builtin",
    .start = builtin_start,
    .answer = builtin_answer,
    .stop = builtin_stop,
    .mend = builtin_mend,
};
