// SPDX-License-Identifier: MIT
#include "cli/audit.h"

#include "cli/child.h"
#include "cli/printer.h"
#include "cli/run.h"
#include "core/arena.h"
#include "core/json.h"
#include "core/mem.h"

#include <string.h>

enum { ID_INITIALIZE = 1, ID_SHUTDOWN, ID_PAGE, PAGE_ENTRIES = 1000, MESSAGE_MAX = 64 << 10 };

struct audit_run {
    struct child child;
    struct arena arena; // of the message at hand
    const char *agent;  // or NULL
    bool json;
    bool over;
    int exit_code;
};

static void say(struct audit_run *run, const char *method, int id, struct str params)
{
    struct buf out;
    struct json_writer w;
    struct err ignored; // a server that does not read is seen at the next read from it
    buf_init(&out, MESSAGE_MAX);
    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_add_cstr(&w, "jsonrpc", "2.0");
    if (id)
        json_add_int(&w, "id", id);
    json_add_cstr(&w, "method", method);
    json_add_raw(&w, "params", params);
    json_end_object(&w);
    child_send(&run->child, buf_str(&out), &ignored);
    buf_release(&out);
}

static void ask_page(struct audit_run *run, int64_t after)
{
    struct buf params;
    struct json_writer w;
    buf_init(&params, MESSAGE_MAX);
    json_writer_init(&w, &params);
    json_begin_object(&w);
    json_add_int(&w, "after", after);
    json_add_int(&w, "limit", PAGE_ENTRIES);
    json_add_cstr(&w, "agentId", run->agent);
    json_end_object(&w);
    say(run, "swarm/audit", ID_PAGE, buf_str(&params));
    buf_release(&params);
}

static void print_member(const struct json *entry, const char *key, const char *before,
                         const char *behind)
{
    struct str value = json_str(entry, key);
    if (!value.len)
        return;
    fputs(before, stdout);
    printer_safe(stdout, value);
    fputs(behind, stdout);
}

// 2026-11-21T08:41:52.310Z  started   add-a-file-ji3xh  bash: make check (its mode is ask; by x)
static void print_entry(const struct json *entry)
{
    struct str agent = json_str(entry, "agentId");
    print_member(entry, "time", "", "");
    printf("  %-10.*s  ", STR_ARG(json_str(entry, "action")));
    printer_safe(stdout, agent.len ? agent : STR("-"));
    print_member(entry, "tool", "  ", "");
    print_member(entry, "argument", ": ", "");
    print_member(entry, "effect", "  ", "");
    print_member(entry, "rule", " ", "");
    print_member(entry, "decision", "  [", "]");
    if (json_get(entry, "exitCode"))
        printf("  exit code %lld", (long long)json_int(entry, "exitCode", 0));
    print_member(entry, "why", "  (", ")");
    print_member(entry, "by", "  by ", "");
    print_member(entry, "reason", ": ", "");
    putchar('\n');
}

static void print_json(const struct json *entry)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, CHILD_LINE_MAX);
    json_writer_init(&w, &out);
    json_put_tree(&w, entry);
    fwrite(out.data, 1, out.len, stdout);
    putchar('\n');
    buf_release(&out);
}

static void on_answer(struct audit_run *run, const struct json *message)
{
    const struct json *error = json_get(message, "error"), *result = json_get(message, "result");
    if (error) {
        struct str text = json_str(error, "message");
        fprintf(stderr, "swarmd audit: %.*s\n", STR_ARG(text));
        run->exit_code = RUN_FAILED;
        run->over = true;
        return;
    }
    if (json_int(message, "id", 0) == ID_INITIALIZE) {
        say(run, "initialized", 0, STR("{}"));
        ask_page(run, 0);
        return;
    }
    json_for_each(entry, json_get(result, "entries"))
    {
        if (run->json)
            print_json(entry);
        else
            print_entry(entry);
    }
    int64_t next = json_int(result, "next", 0);
    if (next)
        ask_page(run, next);
    run->over = !next;
}

static void converse(struct audit_run *run)
{
    static const char initialize[] = "{\"clientInfo\":{\"name\":\"swarmd audit\"},"
                                     "\"capabilities\":{\"experimental\":{\"swarm\":true}},"
                                     "\"initializationOptions\":{\"subscribe\":\"none\"}}";
    struct str line;
    say(run, "initialize", ID_INITIALIZE, str_of(initialize));
    while (!run->over && child_next(&run->child, &line) == CHILD_LINE) {
        struct json *message;
        struct err ignored;
        arena_reset(&run->arena);
        if (json_parse(&message, &run->arena, line, &ignored) && json_get(message, "id") &&
            !json_get(message, "method"))
            on_answer(run, message);
    }
    if (!run->over)
        run->exit_code = RUN_FAILED;
    say(run, "shutdown", ID_SHUTDOWN, STR("null"));
    say(run, "exit", 0, STR("{}"));
    while (run->over && child_next(&run->child, &line) == CHILD_LINE)
        ;
}

int audit_main(int argc, char **argv)
{
    struct audit_run run = {.exit_code = RUN_DONE};
    struct err err;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            run.json = true;
        } else if (argv[i][0] == '-' || run.agent) {
            fprintf(stderr, "swarmd audit: unexpected argument '%s'; see swarmd --help\n", argv[i]);
            return RUN_USAGE;
        } else {
            run.agent = argv[i];
        }
    }
    if (!child_start(&run.child, &err)) {
        fprintf(stderr, "swarmd audit: %s\n", err.message);
        return RUN_FAILED;
    }
    arena_init(&run.arena, 4 * (size_t)CHILD_LINE_MAX);
    converse(&run);
    child_finish(&run.child);
    arena_release(&run.arena);
    return run.exit_code;
}
