// SPDX-License-Identifier: MIT
#include "cli/prune.h"

#include "cli/ask.h"
#include "cli/help.h"
#include "cli/printer.h"
#include "cli/run.h"

#include <stdio.h>
#include <string.h>

enum { PARAMS_MAX = 256 << 10 };

static void print_member(const struct json *orphan, const char *key, const char *before)
{
    struct str value = json_str(orphan, key);
    if (!value.len)
        return;
    fputs(before, stdout);
    printer_safe(stdout, value);
    putchar('\n');
}

static void print_orphan(const struct json *orphan)
{
    const struct json *kept = json_get(orphan, "kept");
    printf("%s%-9.*s ", json_bool(orphan, "cleared", false) ? "cleared: " : "",
           STR_ARG(json_str(orphan, "kind")));
    printer_safe(stdout, json_str(orphan, "id"));
    putchar('\n');
    print_member(orphan, "why", "    ");
    print_member(orphan, "repository", "    repository: ");
    print_member(orphan, "path", "    worktree: ");
    print_member(orphan, "work", "    work in it: ");
    print_member(kept, "ref", "    kept as ");
    print_member(kept, "restore", "    to have it back: ");
    print_member(orphan, "error", "    not cleared: ");
}

static bool put_params(struct buf *params, bool clear, int count, char **ids)
{
    struct json_writer w;
    buf_init(params, PARAMS_MAX);
    json_writer_init(&w, params);
    json_begin_object(&w);
    json_add_bool(&w, "clear", clear);
    if (count > 0) {
        json_key(&w, "ids");
        json_begin_array(&w);
        for (int i = 0; i < count; i++)
            json_put_str(&w, str_of(ids[i]));
        json_end_array(&w);
    }
    json_end_object(&w);
    return !params->overflow;
}

static void show(struct ask *ask, bool clear, int count, char **ids)
{
    struct buf params;
    const struct json *result = NULL;
    size_t shown = 0;
    if (put_params(&params, clear, count, ids))
        result = ask_request(ask, "swarm/prune", buf_str(&params));
    buf_release(&params);
    json_for_each(orphan, json_get(result, "orphans"))
    {
        print_orphan(orphan);
        shown++;
    }
    if (result && !shown)
        puts("Nothing is left of agents that are gone.");
    if (json_bool(result, "more", false))
        puts("There are more: clear these first.");
    if (shown && !clear)
        puts(
            "\nswarmd prune --clear clears those of the kinds worktree and kept; with ids, exactly "
            "these.");
}

static int usage(const char *what, const char *argument)
{
    fprintf(stderr, "swarmd prune: %s'%s'; see swarmd prune --help\n", what, argument);
    return RUN_USAGE;
}

int prune_main(int argc, char **argv)
{
    struct ask ask;
    bool clear = false;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--clear") == 0)
            clear = true;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(help_prune_text, stdout) < 0 ? RUN_USAGE : 0;
        else if (argv[i][0] != '-')
            argv[count++] = argv[i];
        else
            return usage("unexpected argument ", argv[i]);
    }
    if (count && !clear)
        return usage("ids are for --clear: ", argv[0]);
    if (ask_begin(&ask, "swarmd prune"))
        show(&ask, clear, count, argv);
    return ask_end(&ask);
}
