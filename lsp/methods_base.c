// SPDX-License-Identifier: MIT
// The lifecycle: initialize, shutdown, exit, $/cancelRequest.
#include "core/base/mem.h"
#include "core/base/uri.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/restore.h"
#include "lsp/subscription.h"

enum { SCOPE_MAX = 256, CLIENT_NAME_MAX = 128 }; // bytes

static void replace(char **to, struct str value)
{
    mem_free(*to);
    *to = value.len ? mem_dup(value) : NULL;
}

// The first workspace folder; the older ways of naming it too. What is no file: URI is none.
static char *first_folder(const struct json *params)
{
    const struct json *folders = json_get(params, "workspaceFolders");
    char *folder = uri_to_path(json_str(json_first(folders), "uri"));
    if (!folder)
        folder = uri_to_path(json_str(params, "rootUri"));
    struct str root = json_str(params, "rootPath");
    if (!folder && root.len > 0 && root.data[0] == '/')
        folder = mem_dup(root);
    return folder;
}

static bool take_config(struct session *session, const struct json *options, struct err *err)
{
    static const char *const modes[] = {"ask", "edit", "full", "read", NULL};
    const struct json *config = NULL;
    struct str model = STR_NONE, role = STR_NONE;
    int mode = -1;
    if (!json_get_object(options, "config", &config, err))
        return false;
    if (!json_get_str(config, "model", &model, err) || !json_get_str(config, "role", &role, err) ||
        !params_get_choice(config, "mode", modes, &mode, err) ||
        !params_get_limits(config, "limits", &session->defaults.limits, &session->defaults.budget,
                           err))
        return err_wrap(err, "initializationOptions.config");
    replace(&session->defaults.model, model);
    replace(&session->defaults.role, role);
    replace(&session->defaults.mode, str_of(mode < 0 ? NULL : modes[mode]));
    return true;
}

static bool take_options(struct session *session, const struct json *params, struct err *err)
{
    static const char *const interests[] = {
        [INTEREST_OWN] = "own", [INTEREST_ALL] = "all", [INTEREST_NONE] = "none", NULL};
    const struct json *options = NULL;
    struct str scope = STR_NONE;
    int interest = INTEREST_OWN;
    if (!json_get_object(params, "initializationOptions", &options, err))
        return false;
    if (!json_get_str(options, "scope", &scope, err) ||
        !params_get_choice(options, "subscribe", interests, &interest, err))
        return err_wrap(err, "initializationOptions");
    if (scope.len > SCOPE_MAX)
        return err_set(err, ERR_PARAMS,
                       "initializationOptions.scope: expected a string of at most %d bytes",
                       SCOPE_MAX);
    if (!take_config(session, options, err))
        return false;
    session->interest = (enum session_interest)interest;
    replace(&session->scope, scope);
    return true;
}

static void write_result(struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "capabilities");
    json_begin_object(json);
    json_add_cstr(json, "positionEncoding", "utf-16");
    json_key(json, "experimental");
    json_begin_object(json);
    json_key(json, "swarm");
    json_begin_object(json);
    json_add_int(json, "version", PROTOCOL_VERSION);
    json_key(json, "methods");
    methods_advertise(json);
    json_key(json, "events");
    subscription_advertise(json);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_key(json, "serverInfo");
    json_begin_object(json);
    json_add_cstr(json, "name", "swarmd");
    json_add_cstr(json, "version", SWARMD_VERSION);
    json_end_object(json);
    json_end_object(json);
}

void method_initialize(struct call *call)
{
    struct session *session = call->session;
    struct err err;
    struct str trace = STR_NONE;
    if (!take_options(session, call->params, &err) ||
        !json_get_str(call->params, "trace", &trace, &err) ||
        (trace.data && !trace_set(&session->trace, trace, &err))) {
        call_fail(call, &err);
        return;
    }
    struct str name = json_str(json_get(call->params, "clientInfo"), "name");
    replace(&session->client, name.len <= CLIENT_NAME_MAX ? name : STR_NONE);
    mem_free(session->folder);
    session->folder = first_folder(call->params);
    restore_free(session->restore);
    session->restore = restore_read(session, call->params);
    const struct json *capabilities = json_get(call->params, "capabilities");
    session->knows_swarm = json_bool(json_get(capabilities, "experimental"), "swarm", false);
    session->shows_progress =
        json_bool(json_get(capabilities, "window"), "workDoneProgress", false);
    session->phase = SESSION_OPEN;
    session_watch_client(session, json_int(call->params, "processId", 0));
    write_result(call_begin(call));
    call_end(call);
    session_begin(session);
}

void method_shutdown(struct call *call)
{
    session_stop_events(call->session);
    call->session->phase = SESSION_SHUT;
    json_put_null(call_begin(call));
    call_end(call);
}

void method_exit(struct call *call)
{
    session_close(call->session);
}

void method_set_trace(struct call *call)
{
    struct str value = STR_NONE;
    struct err err;
    if (!params_need_str(call->params, "value", &value, &err) ||
        !trace_set(&call->session->trace, value, &err))
        call_fail(call, &err);
}

void method_cancel_request(struct call *call)
{
    struct rpc_id id;
    // One that is not found has been answered, or will be: it changes things and is under way.
    if (rpc_id_read(json_get(call->params, "id"), &id))
        pending_cancel(call->session, &id);
}

static void no_result(struct pending *pending, struct json_writer *json)
{
    (void)pending;
    json_put_null(json);
}

// The token is ours (progress.c): "swarm/<agent id>".
void method_cancel_progress(struct call *call)
{
    static const struct pending_kind kind = {.result = no_result};
    static const struct str prefix = {"swarm/", 6};
    struct str token = json_str(call->params, "token");
    struct err err;
    if (!str_starts(token, prefix))
        return;
    struct agent *agent = swarm_find(call->swarm, str_skip(token, prefix.len), &err);
    struct pending *pending = agent ? pending_new(call, &kind) : NULL;
    if (pending)
        swarm_cancel(call->swarm, agent, &pending->op);
}
