// SPDX-License-Identifier: MIT
#include "cli/ask.h"

#include "cli/run.h"

#include <stdio.h>

enum { MESSAGE_MAX = 64 << 10 };

static bool fail(struct ask *ask, const char *message, struct str why)
{
    fprintf(stderr, "%s: %s%.*s\n", ask->name, message, STR_ARG(why));
    ask->exit_code = RUN_FAILED;
    return false;
}

static void say(struct ask *ask, const char *method, int id, struct str params)
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
    child_send(&ask->child, buf_str(&out), &ignored);
    buf_release(&out);
}

const struct json *ask_request(struct ask *ask, const char *method, struct str params)
{
    struct str line;
    say(ask, method, ++ask->last_id, params);
    while (child_next(&ask->child, &line) == CHILD_LINE) {
        struct json *message;
        struct err ignored;
        arena_reset(&ask->arena);
        if (!json_parse(&message, &ask->arena, line, &ignored) || json_get(message, "method") ||
            json_int(message, "id", 0) != ask->last_id)
            continue;
        const struct json *error = json_get(message, "error");
        if (!error)
            return json_get(message, "result");
        fail(ask, "", json_str(error, "message"));
        return NULL;
    }
    fail(ask, "the server has ended", STR_NONE);
    return NULL;
}

bool ask_begin(struct ask *ask, const char *name)
{
    static const char initialize[] = "{\"clientInfo\":{\"name\":\"swarmd\"},"
                                     "\"capabilities\":{\"experimental\":{\"swarm\":true}},"
                                     "\"initializationOptions\":{\"subscribe\":\"none\"}}";
    struct err err;
    *ask = (struct ask){.name = name, .exit_code = RUN_DONE};
    ask->started = child_start(&ask->child, &err);
    if (!ask->started)
        return fail(ask, "", str_of(err.message));
    arena_init(&ask->arena, 4 * (size_t)CHILD_LINE_MAX);
    if (!ask_request(ask, "initialize", str_of(initialize)))
        return false;
    say(ask, "initialized", 0, STR("{}"));
    return true;
}

int ask_end(struct ask *ask)
{
    struct str line;
    if (!ask->started)
        return ask->exit_code;
    say(ask, "shutdown", ++ask->last_id, STR("null"));
    say(ask, "exit", 0, STR("{}"));
    while (ask->exit_code == RUN_DONE && child_next(&ask->child, &line) == CHILD_LINE)
        ;
    child_finish(&ask->child);
    arena_release(&ask->arena);
    return ask->exit_code;
}
