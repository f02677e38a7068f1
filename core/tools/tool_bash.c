// SPDX-License-Identifier: MIT
// bash: a command in the worktree, its output merged, shown while it runs, cut for the model and
// kept whole on disk.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/files/spool.h"
#include "core/tools/capture.h"
#include "core/tools/live_output.h"
#include "core/tools/plain_text.h"
#include "core/tools/tool_output.h"
#include "core/tools/tool_parts.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { TIMEOUT_DEFAULT = 600, TIMEOUT_MAX = 3600 }; // seconds
enum { PIECE_MAX = 64 << 10 };                      // bytes made plain at once

static const struct tool_arg args[] = {
    {.name = "command", .type = JSON_STRING, .required = true},
    {.name = "timeout", .type = JSON_INT, .min = 1, .max = TIMEOUT_MAX},
};

static const struct tool_takes takes = {"bash", "{command: string, timeout?: integer seconds}",
                                        args, sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    if (!tool_args_check(&takes, input, err))
        return false;
    struct str command = json_str(input, "command");
    if (memchr(command.data, '\0', command.len))
        return tool_args_error(&takes, err, "`command` holds a NUL byte");
    return true;
}

static void title(const struct json *input, struct buf *out)
{
    tool_title(out, "bash:", json_str(input, "command"));
}

// Why we stopped a command.
enum reason { REASON_NONE, REASON_TIMEOUT, REASON_CANCELLED, REASON_TOO_MUCH, REASON_LIMIT };

struct command {
    struct tool_run *run;
    struct process *process; // NULL once it has ended
    struct timer *timer;     // the timeout
    struct plain_text plain;
    struct capture capture; // of the plain text
    struct buf lines;       // plain, on their way into it
    struct buf raw;         // all that came, until it is kept on disk
    int64_t bytes;          // of all that came
    struct live_output live;
    struct spool *spool; // NULL while the output is small, and once it is finished
    char *path;          // of the whole output, when it is kept
    bool paused;
    enum reason reason;
    int exit_code;
    char *calls, *limit; // of the sandbox: what it refused, and ended the command for; or NULL
};

// --- the end ---

static void put_reason(struct command *c, struct buf *out)
{
    int64_t timeout = tool_arg_int(c->run->input, "timeout", TIMEOUT_DEFAULT);
    switch (c->reason) {
    case REASON_NONE:
        if (c->exit_code != 0)
            buf_addf(out, "[exit code %d]\n", c->exit_code);
        else if (c->bytes == 0)
            buf_add_str(out, STR("(no output)\n"));
        break;
    case REASON_TIMEOUT:
        buf_addf(out,
                 "[stopped: it ran longer than its timeout of %" PRId64 " s; `timeout` may be "
                 "up to %d]\n",
                 timeout, TIMEOUT_MAX);
        break;
    case REASON_CANCELLED:
        buf_add_str(out, STR("[stopped: cancelled]\n"));
        break;
    case REASON_LIMIT:
        buf_addf(out, "[stopped: %s]\n", c->limit);
        break;
    case REASON_TOO_MUCH:
        buf_addf(out, "[stopped: its output passed %d bytes]\n", TOOL_OUTPUT_FILE_MAX);
        break;
    }
}

static void command_free(struct command *c)
{
    capture_release(&c->capture);
    buf_release(&c->lines);
    buf_release(&c->raw);
    mem_free(c->path);
    mem_free(c->calls);
    mem_free(c->limit);
    mem_free(c);
}

// Before the result's own sentences are in the output.
static void find_denial(struct command *c)
{
    const struct tool_place *place = c->run->place;
    struct tool_result *result = &c->run->result;
    bool own_fault = c->reason == REASON_NONE && c->exit_code != 0;
    if (own_fault && place->sandbox.len > 0)
        result->blocked =
            sandbox_denial(place->policy, result->weak != NULL, c->calls, buf_str(&result->output));
}

static void finish(struct command *c, const struct err *spool_err)
{
    struct tool_run *run = c->run;
    struct tool_result *result = &run->result;
    bool kept = c->path && spool_err->kind == ERR_NONE;
    char how[TOOL_OUTPUT_HOW_MAX];
    tool_output_how(run->item_id, c->bytes, how);
    capture_put(&c->capture, (size_t)run->sizes.whole, kept ? how : NULL, &result->output);
    find_denial(c);
    size_t shown = result->output.len;
    if (c->path && !kept)
        buf_addf(&result->output, "[the whole output could not be kept: %s]\n", spool_err->message);
    if (kept)
        tool_set_full(run, c->path);
    put_reason(c, &result->output);
    if (result->blocked)
        buf_addf(&result->output, "[blocked: %s]\n", result->blocked);
    capture_put_kept(&c->capture, &result->kept);
    buf_add_str(&result->kept, str_skip(buf_str(&result->output), shown));
    result->exit_code = c->exit_code;
    result->bytes = c->bytes;
    result->plain = c->capture.bytes;
    result->chars = c->capture.chars;
    result->failed = c->exit_code != 0 || c->reason != REASON_NONE;
    command_free(c);
    run->state = NULL;
    run->done(run->arg);
}

static void spool_finished(void *arg, const struct err *err)
{
    finish(arg, err);
}

// --- keeping the whole output ---

static void spool_drained(void *arg)
{
    struct command *c = arg;
    if (!c->process || !c->paused)
        return;
    c->paused = false;
    c->run->place->ports->ops->process_pause(c->process, false);
}

static void begin_spool(struct command *c)
{
    static const struct spool_events events = {spool_drained, spool_finished};
    const struct tool_place *place = c->run->place;
    char *name = tool_output_name(c->run->item_id);
    c->path = mem_format("%s/%s", place->output_folder, name);
    c->spool = spool_create(place->ports, place->output_folder, name, &events, c);
    spool_write(c->spool, buf_str(&c->raw));
    buf_release(&c->raw);
    mem_free(name);
}

static void stop(struct command *c, enum reason reason)
{
    if (!c->process || c->reason != REASON_NONE)
        return;
    c->reason = reason;
    c->run->place->ports->ops->process_stop(c->process);
}

static void make_plain(struct command *c, struct str bytes)
{
    while (bytes.len) {
        size_t len = bytes.len < PIECE_MAX ? bytes.len : PIECE_MAX;
        plain_text_add(&c->plain, str_from(bytes.data, len), &c->lines);
        capture_add(&c->capture, buf_str(&c->lines));
        buf_clear(&c->lines);
        bytes = str_skip(bytes, len);
    }
}

// False when nothing more is kept.
static bool keep(struct command *c, struct str bytes)
{
    int64_t room = TOOL_OUTPUT_FILE_MAX - c->bytes;
    bool fits = (int64_t)bytes.len <= room;
    if (!fits)
        bytes.len = room > 0 ? (size_t)room : 0;
    c->bytes += (int64_t)bytes.len;
    if (!c->spool && c->raw.len + bytes.len > (size_t)c->run->sizes.whole)
        begin_spool(c);
    if (c->spool)
        spool_write(c->spool, bytes);
    else
        buf_add_str(&c->raw, bytes);
    make_plain(c, bytes);
    return fits;
}

// --- while it runs ---

static void on_output(void *arg, struct str bytes)
{
    struct command *c = arg;
    if (c->reason == REASON_TOO_MUCH)
        return;
    live_output_add(&c->live, bytes);
    if (!keep(c, bytes))
        stop(c, REASON_TOO_MUCH);
    if (c->spool && spool_is_full(c->spool) && !c->paused) {
        c->paused = true;
        c->run->place->ports->ops->process_pause(c->process, true);
    }
}

static void fail_to_start(struct command *c, const struct err *err)
{
    struct tool_run *run = c->run;
    command_free(c);
    run->state = NULL;
    tool_fail(run, err);
    run->done(run->arg);
}

static char *copy(const char *text)
{
    return text ? mem_dup(str_of(text)) : NULL;
}

static void take_reports(struct command *c, const struct process_end *end)
{
    c->calls = copy(end->blocked);
    c->limit = copy(end->limit);
    c->run->result.weak = copy(end->weak);
    if (c->limit && c->reason == REASON_NONE)
        c->reason = REASON_LIMIT;
}

static void on_ended(void *arg, const struct process_end *end, const struct err *err)
{
    static const struct err none;
    struct command *c = arg;
    c->process = NULL;
    c->exit_code = end->exit_code;
    if (!end->stopped && c->reason != REASON_TOO_MUCH)
        c->reason = REASON_NONE; // it was faster
    take_reports(c, end);
    c->run->place->ports->ops->timer_free(c->timer);
    live_output_release(&c->live);
    if (err->kind != ERR_NONE && c->bytes == 0) {
        fail_to_start(c, err);
        return;
    }
    plain_text_end(&c->plain, &c->lines);
    capture_add(&c->capture, buf_str(&c->lines));
    if (c->spool)
        spool_finish(c->spool);
    else
        finish(c, &none);
}

static void on_timeout(void *arg)
{
    stop(arg, REASON_TIMEOUT);
}

// bash where the environment's PATH has one, else sh. A few look-ups in folders that the start of
// the command looks through as well.
static const char *find_shell(const char *const *envp)
{
    struct str path = STR_NONE;
    for (; envp && *envp; envp++) {
        if (strncmp(*envp, "PATH=", 5) == 0)
            path = str_of(*envp + 5);
    }
    while (path.len) {
        char file[PATH_MAX];
        const char *colon = memchr(path.data, ':', path.len);
        size_t len = colon ? (size_t)(colon - path.data) : path.len;
        snprintf(file, sizeof file, "%.*s/bash", (int)(len < PATH_MAX ? len : 0), path.data);
        if (len && access(file, X_OK) == 0)
            return "bash";
        path = str_skip(path, len + (colon ? 1 : 0));
    }
    return "sh";
}

static void start(struct tool_run *run)
{
    static const struct process_sink sink = {on_output, on_ended};
    const struct tool_place *place = run->place;
    struct command *c = mem_new(sizeof *c);
    char *text = mem_dup(json_str(run->input, "command"));
    const char *argv[] = {find_shell(place->envp), "-c", "--", text, NULL};
    struct process_spec spec = {
        .argv = argv,
        .envp = place->envp,
        .cwd = place->root->path,
        .sandbox = place->sandbox,
        .hosts = place->policy && place->policy->network == SANDBOX_NETWORK_HOSTS
                     ? &place->policy->hosts
                     : NULL,
    };
    c->run = run;
    run->state = c;
    plain_text_init(&c->plain);
    capture_init(&c->capture);
    buf_init(&c->lines, PLAIN_TEXT_GROWTH * PIECE_MAX + PLAIN_TEXT_SLACK);
    buf_init(&c->raw, (size_t)c->run->sizes.whole);
    live_output_init(&c->live, place->ports, run->output, run->arg);
    c->timer = port_timer_new(place->ports, on_timeout, c);
    place->ports->ops->timer_set(c->timer,
                                 1000 * tool_arg_int(run->input, "timeout", TIMEOUT_DEFAULT));
    c->process = place->ports->ops->process_start(place->ports->ctx, &spec, &sink, c);
    mem_free(text);
}

static void cancel(struct tool_run *run)
{
    if (run->state)
        stop(run->state, REASON_CANCELLED);
}

const struct tool tool_bash = {
    .schema =
        {
            .name = "bash",
            .description =
                "Run a command with bash in the worktree. stdout and stderr come merged, and the "
                "exit code when it is not 0. Of a long output the beginning and the end, or a "
                "summary, are shown; the whole is kept for read and grep. Everything that the "
                "command started is stopped "
                "when it ends.",
            .schema =
                "{\"type\":\"object\",\"properties\":{"
                "\"command\":{\"type\":\"string\"},"
                "\"timeout\":{\"type\":\"integer\",\"description\":\"seconds; default 600, at "
                "most 3600\"}},"
                "\"required\":[\"command\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_RUNS_COMMANDS,
    .live = true,
    .title = title,
    .check = check,
    .start = start,
    .cancel = cancel,
};
