// SPDX-License-Identifier: MIT
#include "cli/approve.h"

#include "core/base/buf.h"

#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 64, TRIES_MAX = 5 };

// What "always" and "never" would remember, for all agents of the repository.
static void show_rules(struct printer *t, const char *what, const struct json *rules)
{
    bool first = true;
    json_for_each(rule, rules)
    {
        if (rule->type != JSON_STRING)
            continue;
        fputs(first ? what : ", ", t->out);
        printer_safe(t->out, rule->string);
        first = false;
    }
    if (!first)
        fputc('\n', t->out);
}

static void show(struct printer *t, const struct json *approval)
{
    struct str title = json_str(approval, "title"), patch = json_str(approval, "patch");
    printer_say(t, "\nMay it do this?");
    fputs("  ", t->out);
    printer_safe(t->out, title);
    fputc('\n', t->out);
    printer_safe(t->out, patch);
    if (json_get(json_get(approval, "input"), "file")) // what the repository brings
        printer_safe(t->out, json_str(json_get(approval, "input"), "content"));
    show_rules(t, "always allows: ", json_get(json_get(approval, "remember"), "allow"));
    show_rules(t, "never means: ", json_get(json_get(approval, "remember"), "reject"));
}

static bool read_answer(struct printer *t, char answer[ANSWER_MAX])
{
    fputs("[y]es, [a]lways, [n]o, n[e]ver: ", t->out);
    fflush(t->out);
    return fgets(answer, ANSWER_MAX, stdin) != NULL;
}

struct answer approve_ask(struct printer *t, const struct json *approval)
{
    if (!isatty(STDIN_FILENO))
        return (struct answer){"reject", "Nobody is there to ask: swarmd run has no terminal. "
                                         "Start it with --mode full to allow this."};
    static const struct {
        char key;
        const char *decision;
    } keys[] = {{'y', "allow"}, {'a', "allowAlways"}, {'n', "reject"}, {'e', "rejectAlways"}};
    show(t, approval);
    for (int i = 0; i < TRIES_MAX; i++) {
        char answer[ANSWER_MAX];
        if (!read_answer(t, answer))
            break;
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if (answer[0] == keys[k].key)
                return (struct answer){keys[k].decision, NULL};
    }
    return (struct answer){"reject", "The person gave no answer."};
}
