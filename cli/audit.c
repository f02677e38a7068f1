// SPDX-License-Identifier: MIT
#include "cli/audit.h"

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/printer.h"
#include "cli/run.h"

#include <string.h>

enum { PAGE_ENTRIES = 1000, PARAMS_MAX = 64 << 10 };

static const struct json *ask_page(struct ask *ask, const char *agent, int64_t after)
{
    struct buf params;
    struct json_writer w;
    buf_init(&params, PARAMS_MAX);
    json_writer_init(&w, &params);
    json_begin_object(&w);
    json_add_int(&w, "after", after);
    json_add_int(&w, "limit", PAGE_ENTRIES);
    json_add_cstr(&w, "agentId", agent);
    json_end_object(&w);
    const struct json *page = ask_request(ask, "swarm/audit", buf_str(&params));
    buf_release(&params);
    return page;
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

static void print_all(struct ask *ask, const char *agent, bool json)
{
    const struct json *page;
    int64_t next = 0;
    do {
        page = ask_page(ask, agent, next);
        json_for_each(entry, json_get(page, "entries"))
        {
            if (json)
                print_json(entry);
            else
                print_entry(entry);
        }
        next = json_int(page, "next", 0);
    } while (page && next);
}

int audit_main(int argc, char **argv)
{
    struct ask ask;
    const char *agent = NULL;
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return fputs(help_audit_text, stdout) < 0 ? RUN_USAGE : 0;
        } else if (argv[i][0] == '-' || agent) {
            fprintf(stderr, "swarmd audit: unexpected argument '%s'; see swarmd audit --help\n",
                    argv[i]);
            return RUN_USAGE;
        } else {
            agent = argv[i];
        }
    }
    if (ask_begin(&ask, "swarmd audit"))
        print_all(&ask, agent, json);
    return ask_end(&ask);
}
