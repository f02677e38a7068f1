// SPDX-License-Identifier: MIT
// An agent's files: swarm/checkpoints, swarm/diff, swarm/rewind and swarm/revert.
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATHS_MAX = 10000, HASH_DIGITS = 16 };

// A checkpoint is named by its turn's number or by its whole name ("3.1").
static bool read_checkpoint(const struct json *params, const char *key, char text[32],
                            struct str *out, struct err *err)
{
    const struct json *value = json_get(params, key);
    if (!value || value->type == JSON_NULL)
        return true;
    if (value->type == JSON_INT && value->integer >= 0) {
        snprintf(text, 32, "%lld", (long long)value->integer);
        *out = str_of(text);
        return true;
    }
    if (value->type == JSON_STRING && value->string.len) {
        *out = value->string;
        return true;
    }
    return err_set(err, ERR_PARAMS, "%s: expected the number of a turn or the name of a checkpoint",
                   key);
}

// --- checkpoints ---

static void checkpoints_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_raw(json, "checkpoints", buf_str(&pending->op.answer));
    const char *current = pending->op.agent->checkpoint;
    json_add_cstr(json, "current", *current ? current : "0");
    json_end_object(json);
}

static const struct pending_kind checkpoints_kind = {
    .result = checkpoints_result, .shows_agent = true, .can_be_left = true, .is_large = true};

void method_checkpoints(struct call *call)
{
    struct agent *agent;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &checkpoints_kind);
    if (pending)
        swarm_checkpoints(call->swarm, agent, &pending->op);
}

// --- diff ---

static void raw_result(struct pending *pending, struct json_writer *json)
{
    json_put_raw(json, buf_str(&pending->op.answer));
}

static const struct pending_kind diff_kind = {
    .result = raw_result, .can_be_left = true, .is_large = true};

static bool read_paths(const struct json *params, struct str **paths, size_t *count,
                       struct err *err)
{
    const struct json *array = NULL;
    if (!json_get_array(params, "paths", &array, err))
        return false;
    if (array && array->count > PATHS_MAX)
        return err_set(err, ERR_PARAMS, "paths: at most %d", PATHS_MAX);
    *paths = mem_new_array((array ? array->count : 0) + 1, sizeof(**paths));
    json_for_each(path, array)
    {
        if (path->type != JSON_STRING || !path->string.len)
            return err_set(err, ERR_PARAMS, "paths: expected an array of paths");
        (*paths)[(*count)++] = path->string;
    }
    return true;
}

void method_diff(struct call *call)
{
    struct agent *agent;
    struct err err;
    struct diff_query query = {.path_count = 0};
    struct str *paths = NULL;
    char from[32], to[32];
    struct pending *pending = NULL;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !read_checkpoint(call->params, "from", from, &query.from, &err) ||
        !read_checkpoint(call->params, "to", to, &query.to, &err) ||
        !read_paths(call->params, &paths, &query.path_count, &err))
        call_fail(call, &err);
    else
        pending = pending_new(call, &diff_kind);
    query.paths = paths;
    if (pending)
        swarm_diff(call->swarm, agent, &query, &pending->op);
    mem_free(paths);
}

// --- taking back ---

static void kept_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "agent");
    agent_write_json(json, pending->op.agent);
    json_add_raw(json, "kept", buf_str(&pending->op.answer));
    json_end_object(json);
}

static const struct pending_kind kept_kind = {.result = kept_result, .shows_agent = true};

void method_rewind(struct call *call)
{
    struct agent *agent;
    struct err err;
    struct str checkpoint = STR_NONE;
    char text[32];
    bool transcript = false;
    bool ok = params_need_agent(call->swarm, call->params, &agent, &err) &&
              read_checkpoint(call->params, "turn", text, &checkpoint, &err) &&
              json_get_bool(call->params, "transcript", &transcript, &err);
    if (ok && !checkpoint.len)
        ok = err_set(&err, ERR_PARAMS,
                     "turn: expected the number of a turn or the name of a checkpoint");
    if (!ok) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &kept_kind);
    if (pending)
        swarm_rewind(call->swarm, agent, checkpoint, transcript, &pending->op);
}

static bool read_hunk(const struct json *params, struct hunk_name *hunk, struct err *err)
{
    const struct json *given = NULL;
    struct str hash = STR_NONE;
    char digits[HASH_DIGITS + 1], *end = digits;
    if (!json_get_object(params, "hunk", &given, err))
        return false;
    if (!given)
        return true;
    hunk->given = true;
    hunk->index = -1;
    if (!params_get_int(given, "index", 0, INT32_MAX, &hunk->index, err) ||
        !params_need_str(given, "hash", &hash, err))
        return err_wrap(err, "hunk");
    if (hash.len == HASH_DIGITS) {
        memcpy(digits, hash.data, HASH_DIGITS);
        digits[HASH_DIGITS] = '\0';
        hunk->hash = strtoull(digits, &end, 16);
    }
    if (hunk->index < 0 || end != digits + HASH_DIGITS)
        return err_set(err, ERR_PARAMS,
                       "hunk: expected {index, hash}, the hash as swarm/diff gave it");
    return true;
}

void method_revert(struct call *call)
{
    struct agent *agent;
    struct err err;
    struct str path = STR_NONE;
    struct hunk_name hunk = {.given = false};
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !params_need_str(call->params, "path", &path, &err) ||
        !read_hunk(call->params, &hunk, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &kept_kind);
    if (pending)
        swarm_revert(call->swarm, agent, path, &hunk, &pending->op);
}
