// SPDX-License-Identifier: MIT
// swarm/prune: what agents that are gone have left.
#include "core/base/mem.h"
#include "core/base/uri.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/server_parts.h"

enum { IDS_MAX = 1000 };

static void answer_result(struct pending *pending, struct json_writer *json)
{
    json_put_raw(json, buf_str(&pending->op.answer));
}

static const struct pending_kind answer_kind = {.result = answer_result, .is_large = true};

static bool read_ids(const struct json *params, struct str *ids, size_t *count, struct err *err)
{
    const struct json *array = NULL;
    if (!json_get_array(params, "ids", &array, err))
        return false;
    if (array && (array->count == 0 || array->count > IDS_MAX))
        return err_set(err, ERR_PARAMS, "ids: expected 1 to %d", IDS_MAX);
    json_for_each(id, array)
    {
        if (id->type != JSON_STRING || !id->string.len)
            return err_set(err, ERR_PARAMS, "ids: expected an array of ids as `orphans` has them");
        ids[(*count)++] = id->string;
    }
    return true;
}

static bool take_cwd(const struct session *session, struct str *cwd, char **path, struct err *err)
{
    if (!cwd->len)
        *cwd = str_of(session->folder ? session->folder : session->server->working_folder);
    if (str_starts(*cwd, STR("file:"))) {
        *path = uri_to_path(*cwd);
        *cwd = str_of(*path);
    }
    return !cwd->len || cwd->data[0] == '/' ||
           err_set(err, ERR_PARAMS, "cwd: expected an absolute path or a file: URI");
}

void method_prune(struct call *call)
{
    struct prune_params params = {.clear = false};
    struct str *ids = mem_new_array(IDS_MAX, sizeof(*ids));
    char *path = NULL;
    struct err err;
    params.ids = ids;
    if (!json_get_bool(call->params, "clear", &params.clear, &err) ||
        !read_ids(call->params, ids, &params.id_count, &err) ||
        !json_get_str(call->params, "cwd", &params.cwd, &err) ||
        !take_cwd(call->session, &params.cwd, &path, &err)) {
        call_fail(call, &err);
    } else {
        struct pending *pending = pending_new(call, &answer_kind);
        if (pending)
            swarm_prune(call->swarm, &params, &pending->op);
    }
    mem_free(path);
    mem_free(ids);
}
