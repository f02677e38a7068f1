// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/fake_ports.h"

struct timer {
    struct fake_ports *fake;
    struct list node; // in fake->timers
    void (*fn)(void *arg);
    void *arg;
    int64_t due; // -1: not set
    uint64_t order;
};

struct process {
    struct fake_ports *fake;
    struct fake_command command;
    struct process_sink sink;
    void *arg;
    bool scripted;
    char *script_output;
    int script_exit;
};

struct script {
    struct list node;
    char *output;
    int exit_code;
};

struct lane_queue {
    struct work *first, **last;
    int len;
    bool held;
};

struct fake_ports {
    struct ports ports;
    int64_t now;
    uint64_t timers_set;
    struct list timers, deferred, scripts;
    struct lane_queue lanes[LANE_COUNT];
    struct process *processes[FAKE_PROCESSES_MAX];
    int process_count;
};

// --- clock

static int64_t fake_mono(void *ctx)
{
    return ((struct fake_ports *)ctx)->now;
}

static int64_t fake_wall(void *ctx)
{
    return FAKE_PORTS_WALL_MS + ((struct fake_ports *)ctx)->now;
}

static struct timer *fake_timer_new(void *ctx, void (*fn)(void *), void *arg)
{
    struct fake_ports *fake = ctx;
    struct timer *timer = mem_new(sizeof *timer);
    *timer = (struct timer){.fake = fake, .fn = fn, .arg = arg, .due = -1};
    list_append(&fake->timers, &timer->node);
    return timer;
}

static void fake_timer_set(struct timer *timer, int64_t ms)
{
    timer->due = timer->fake->now + (ms > 0 ? ms : 0);
    timer->order = timer->fake->timers_set++;
}

static void fake_timer_stop(struct timer *timer)
{
    timer->due = -1;
}

static void fake_timer_free(struct timer *timer)
{
    if (!timer)
        return;
    list_remove(&timer->node);
    mem_free(timer);
}

static struct timer *next_timer(const struct fake_ports *fake)
{
    struct timer *next = NULL;
    list_for_each(node, &fake->timers)
    {
        struct timer *timer = list_entry(node, struct timer, node);
        if (timer->due < 0)
            continue;
        if (!next || timer->due < next->due ||
            (timer->due == next->due && timer->order < next->order))
            next = timer;
    }
    return next;
}

int64_t fake_ports_next_timer(const struct fake_ports *fake)
{
    const struct timer *timer = next_timer(fake);
    return timer ? timer->due - fake->now : -1;
}

void fake_ports_advance(struct fake_ports *fake, int64_t ms)
{
    int64_t target = fake->now + ms;
    fake_ports_run(fake);
    for (int rounds = 0;; rounds++) {
        struct timer *timer = next_timer(fake);
        if (!timer || timer->due > target)
            break;
        if (rounds == FAKE_PORTS_ROUNDS_MAX)
            fail_msg("timers still fire after %d rounds", rounds);
        fake->now = timer->due > fake->now ? timer->due : fake->now;
        timer->due = -1;
        timer->fn(timer->arg);
        fake_ports_run(fake);
    }
    fake->now = target;
}

// --- work and deferred calls

static void fake_work(void *ctx, enum lane lane, struct work *work)
{
    struct lane_queue *queue = &((struct fake_ports *)ctx)->lanes[lane];
    work->next = NULL;
    *queue->last = work;
    queue->last = &work->next;
    queue->len++;
}

static void fake_defer(void *ctx, struct deferred *deferred)
{
    struct fake_ports *fake = ctx;
    if (list_empty(&deferred->node))
        list_append(&fake->deferred, &deferred->node);
}

static bool run_work(struct fake_ports *fake)
{
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_queue *queue = &fake->lanes[i];
        struct work *work = queue->held ? NULL : queue->first;
        if (!work)
            continue;
        queue->first = work->next;
        if (!queue->first)
            queue->last = &queue->first;
        queue->len--;
        work->run(work);
        work->done(work);
        return true;
    }
    return false;
}

static bool run_deferred(struct fake_ports *fake)
{
    if (list_empty(&fake->deferred))
        return false;
    struct deferred *deferred = list_entry(fake->deferred.next, struct deferred, node);
    list_remove(&deferred->node);
    deferred->fn(deferred);
    return true;
}

static bool run_script(struct fake_ports *fake)
{
    for (int i = 0; i < fake->process_count; i++) {
        struct process *process = fake->processes[i];
        if (!process->scripted || process->command.ended || process->command.paused)
            continue;
        if (process->script_output) {
            char *output = process->script_output;
            process->script_output = NULL;
            fake_command_output(fake, i, output);
            mem_free(output);
        } else {
            fake_command_end(fake, i, process->script_exit);
        }
        return true;
    }
    return false;
}

int fake_ports_run(struct fake_ports *fake)
{
    for (int rounds = 0; rounds < FAKE_PORTS_ROUNDS_MAX; rounds++)
        if (!run_deferred(fake) && !run_work(fake) && !run_script(fake))
            return rounds;
    fail_msg("still busy after %d callbacks", FAKE_PORTS_ROUNDS_MAX);
    return 0;
}

void fake_ports_hold_lane(struct fake_ports *fake, enum lane lane, bool hold)
{
    fake->lanes[lane].held = hold;
}

int fake_ports_queued(const struct fake_ports *fake, enum lane lane)
{
    return fake->lanes[lane].len;
}

// --- commands

static char **copy_strings(const char *const *strings)
{
    size_t count = 0;
    while (strings && strings[count])
        count++;
    char **copy = mem_new_array(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_dup(str_of(strings[i]));
    return copy;
}

static void free_strings(char **strings)
{
    for (size_t i = 0; strings[i]; i++)
        mem_free(strings[i]);
    mem_free(strings);
}

static struct process *fake_process_start(void *ctx, const struct process_spec *spec,
                                          const struct process_sink *sink, void *arg)
{
    struct fake_ports *fake = ctx;
    if (fake->process_count == FAKE_PROCESSES_MAX)
        fail_msg("more than %d commands were started", FAKE_PROCESSES_MAX);
    struct process *process = mem_new(sizeof *process);
    process->fake = fake;
    process->sink = *sink;
    process->arg = arg;
    process->command.argv = copy_strings(spec->argv);
    process->command.envp = copy_strings(spec->envp);
    process->command.cwd = mem_dup(str_of(spec->cwd));
    if (!list_empty(&fake->scripts)) {
        struct script *script = list_entry(fake->scripts.next, struct script, node);
        list_remove(&script->node);
        process->scripted = true;
        process->script_output = script->output;
        process->script_exit = script->exit_code;
        mem_free(script);
    }
    fake->processes[fake->process_count++] = process;
    return process;
}

static void check_alive(const struct process *process, const char *what)
{
    if (process->command.ended)
        fail_msg("%s after the command `%s` had ended", what, process->command.argv[0]);
}

static void fake_process_stop(struct process *process)
{
    check_alive(process, "process_stop");
    process->command.stop_asked = true;
}

static void fake_process_pause(struct process *process, bool paused)
{
    check_alive(process, "process_pause");
    process->command.paused = paused;
}

static struct process *process_at(const struct fake_ports *fake, int index)
{
    if (index < 0 || index >= fake->process_count)
        fail_msg("command %d of %d", index, fake->process_count);
    return fake->processes[index];
}

int fake_ports_commands(const struct fake_ports *fake)
{
    return fake->process_count;
}

const struct fake_command *fake_ports_command(const struct fake_ports *fake, int index)
{
    return &process_at(fake, index)->command;
}

void fake_command_output(struct fake_ports *fake, int index, const char *text)
{
    struct process *process = process_at(fake, index);
    check_alive(process, "output");
    if (process->command.paused)
        fail_msg("output of `%s` while it is paused", process->command.argv[0]);
    if (*text)
        process->sink.output(process->arg, str_of(text));
}

static void end(struct process *process, int exit_code, const struct err *err)
{
    check_alive(process, "its end");
    process->command.ended = true;
    struct process_end end = {.exit_code = exit_code, .stopped = process->command.stop_asked};
    process->sink.ended(process->arg, &end, err);
}

void fake_command_end(struct fake_ports *fake, int index, int exit_code)
{
    struct err none = {ERR_NONE, ""};
    end(process_at(fake, index), exit_code, &none);
}

void fake_command_fail(struct fake_ports *fake, int index, const char *message)
{
    struct err err = {ERR_NONE, ""};
    err_set(&err, ERR_LIMIT, "%s", message);
    end(process_at(fake, index), -1, &err);
}

void fake_ports_script(struct fake_ports *fake, const char *output, int exit_code)
{
    struct script *script = mem_new(sizeof *script);
    script->output = mem_dup(str_of(output));
    script->exit_code = exit_code;
    list_append(&fake->scripts, &script->node);
}

// --- life

static const struct port_ops fake_ops = {
    .mono_ms = fake_mono,
    .wall_ms = fake_wall,
    .timer_new = fake_timer_new,
    .timer_set = fake_timer_set,
    .timer_stop = fake_timer_stop,
    .timer_free = fake_timer_free,
    .work = fake_work,
    .defer = fake_defer,
    .process_start = fake_process_start,
    .process_stop = fake_process_stop,
    .process_pause = fake_process_pause,
};

struct fake_ports *fake_ports_create(void)
{
    struct fake_ports *fake = mem_new(sizeof *fake);
    fake->ports = (struct ports){&fake_ops, fake};
    list_init(&fake->timers);
    list_init(&fake->deferred);
    list_init(&fake->scripts);
    for (int i = 0; i < LANE_COUNT; i++)
        fake->lanes[i].last = &fake->lanes[i].first;
    return fake;
}

const struct ports *fake_ports_get(struct fake_ports *fake)
{
    return &fake->ports;
}

void fake_ports_destroy(struct fake_ports *fake)
{
    if (!list_empty(&fake->timers))
        fail_msg("a timer was never freed");
    if (!list_empty(&fake->deferred))
        fail_msg("a deferred call is still pending");
    if (!list_empty(&fake->scripts))
        fail_msg("a scripted command was never started");
    for (int i = 0; i < LANE_COUNT; i++)
        if (fake->lanes[i].len > 0)
            fail_msg("%d works are still queued on lane %d", fake->lanes[i].len, i);
    for (int i = 0; i < fake->process_count; i++) {
        struct process *process = fake->processes[i];
        if (!process->command.ended)
            fail_msg("the command `%s` still runs", process->command.argv[0]);
        free_strings(process->command.argv);
        free_strings(process->command.envp);
        mem_free(process->command.cwd);
        mem_free(process->script_output);
        mem_free(process);
    }
    mem_free(fake);
}
