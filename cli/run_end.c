// SPDX-License-Identifier: MIT
#include "cli/run_end.h"

#include "cli/diff.h"
#include "cli/run.h"
#include "core/base/dollars.h"
#include "core/base/mem.h"
#include "core/base/uri.h"

#include <inttypes.h>

#include <sys/stat.h>

enum { AGENT_MAX = 4 << 20, PATCH_MAX = 16 << 20 };

struct shown {
    struct printer *printer;
    bool any;
};

static bool ended_well(const struct json *agent)
{
    return str_is(json_str(agent, "state"), "done") &&
           str_is(json_str(agent, "stopReason"), "endTurn");
}

static void say_how(struct printer *t, const struct json *agent)
{
    struct str state = json_str(agent, "state"), reason = json_str(agent, "stopReason");
    struct str message = json_str(json_get(agent, "error"), "message");
    printer_say(t, "\nAgent     %.*s: %.*s%s%.*s", STR_ARG(json_str(agent, "id")), STR_ARG(state),
                reason.len ? ", " : "", STR_ARG(reason));
    if (message.len) {
        fputs("Error     ", t->out);
        printer_safe(t->out, message);
        fputc('\n', t->out);
    }
}

// What is not known is not said.
static void say_cost(struct printer *t, const struct json *agent)
{
    const struct json *usage = json_get(agent, "usage");
    int64_t nano = (int64_t)(json_real(usage, "costUsd", 0) * 1e9 + 0.5);
    char dollars[32];
    if (nano <= 0)
        return;
    dollars_format(nano, dollars);
    printer_say(t, "Cost      %s (%" PRId64 " tokens in, %" PRId64 " out)", dollars,
                json_int(usage, "inputTokens", 0), json_int(usage, "outputTokens", 0));
}

static void say_where(struct printer *t, const struct json *agent, const char *worktree)
{
    struct str branch = json_str(agent, "branch"), base = json_str(agent, "base");
    if (!worktree)
        return;
    printer_say(t, "Worktree  %s", worktree);
    if (branch.len)
        printer_say(t, "Branch    %.*s, from %.*s", STR_ARG(branch),
                    (int)(base.len < 12 ? base.len : 12), base.data);
}

static void show_patch(void *arg, struct str piece)
{
    struct shown *shown = arg;
    if (!shown->any)
        printer_say(shown->printer, "Diff\n");
    shown->any = true;
    printer_patch(shown->printer, piece);
}

static void end_text(struct printer *t, const struct json *agent, const char *worktree)
{
    struct err err;
    char *base = mem_dup(json_str(agent, "base"));
    say_how(t, agent);
    say_cost(t, agent);
    say_where(t, agent, worktree);
    if (worktree && *base) {
        struct shown shown = {.printer = t};
        if (!diff_read(worktree, base, show_patch, &shown, &err))
            printer_say(t, "%s", err.message);
        else if (!shown.any)
            printer_say(t, "Diff      no changes");
    }
    mem_free(base);
}

// Cut where it is too long.
static void keep_patch(void *arg, struct str piece)
{
    struct buf *patch = arg;
    size_t room = patch->max > patch->len ? patch->max - patch->len : 0;
    buf_add_str(patch, str_from(piece.data, piece.len < room ? piece.len : room));
}

static void end_json(const struct json *agent, const char *worktree)
{
    struct buf patch, out;
    struct err err = {0};
    char *base = mem_dup(json_str(agent, "base"));
    buf_init(&patch, PATCH_MAX);
    buf_init(&out, 8 * (size_t)PATCH_MAX);
    bool has_patch = worktree && *base && diff_read(worktree, base, keep_patch, &patch, &err);
    struct json_writer w;
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_add_cstr(&w, "type", "end");
    json_key(&w, "agent");
    json_put_tree(&w, agent);
    if (has_patch)
        json_add_str(&w, "patch", buf_str(&patch));
    else
        json_add_null(&w, "patch");
    if (err.kind != ERR_NONE)
        json_add_cstr(&w, "patchError", err.message);
    json_end_object(&w);
    puts(out.data);
    buf_release(&patch);
    buf_release(&out);
    mem_free(base);
}

int run_end(struct printer *t, const char *agent_json, bool json)
{
    struct arena arena;
    struct json *agent;
    struct err err;
    struct stat st;
    arena_init(&arena, AGENT_MAX);
    int code = RUN_FAILED;
    if (json_parse(&agent, &arena, str_of(agent_json), &err)) {
        char *worktree = uri_to_path(json_str(agent, "worktree"));
        const char *there = worktree && stat(worktree, &st) == 0 ? worktree : NULL;
        if (json)
            end_json(agent, there);
        else
            end_text(t, agent, there);
        mem_free(worktree);
        code = ended_well(agent) ? RUN_DONE : RUN_FAILED;
    }
    arena_release(&arena);
    return code;
}
