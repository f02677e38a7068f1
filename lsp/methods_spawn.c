// SPDX-License-Identifier: MIT
// swarm/spawn and swarm/send: work for a new agent, and for one that exists.
#include "core/base/mem.h"
#include "core/base/uri.h"
#include "lsp/context.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/repeat.h"
#include "lsp/server_parts.h"

enum { NOT_GIVEN = -2 }; // -1 is no limit

static void spawn_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "agent");
    agent_write_json(json, pending->op.agent);
    json_add_int(json, "seq", pending->op.seq);
    json_end_object(json);
}

static const struct pending_kind spawn_kind = {.result = spawn_result, .shows_agent = true};

static bool get_choice(const struct json *params, const char *key, const char *const *choices,
                       struct str *out, struct err *err)
{
    int index = -1;
    if (!params_get_choice(params, key, choices, &index, err))
        return false;
    if (index >= 0)
        *out = str_of(choices[index]);
    return true;
}

static bool read_spawn(const struct json *params, struct spawn_params *spawn, struct err *err)
{
    static const char *const modes[] = {"ask", "edit", "full", "read", NULL};
    static const char *const isolations[] = {"worktree", "none", NULL};
    return params_need_str(params, "task", &spawn->task, err) &&
           json_get_str(params, "name", &spawn->name, err) &&
           json_get_str(params, "role", &spawn->role, err) &&
           json_get_str(params, "model", &spawn->model, err) &&
           json_get_str(params, "cwd", &spawn->cwd, err) &&
           json_get_str(params, "base", &spawn->base, err) &&
           json_get_str(params, "parent", &spawn->parent, err) &&
           json_get_str(params, "scope", &spawn->scope, err) &&
           json_get_str(params, "swarmId", &spawn->swarm_id, err) &&
           json_get_object(params, "permissions", &spawn->permissions, err) &&
           get_choice(params, "isolation", isolations, &spawn->isolation, err) &&
           get_choice(params, "mode", modes, &spawn->mode, err) &&
           params_get_limits(params, "limits", &spawn->limits, &spawn->budget, err);
}

static struct str either(struct str given, const char *otherwise)
{
    return given.len ? given : str_of(otherwise);
}

// What the connection told at initialize stands where the request says nothing.
static void start_from(struct spawn_params *spawn, const struct session *session)
{
    spawn->limits = (struct agent_limits){-1, -1};
    spawn->budget.most[BUDGET_TOKENS] = spawn->budget.most[BUDGET_COST] = NOT_GIVEN;
    spawn->default_limits = session->defaults.limits;
    spawn->default_budget = session->defaults.budget;
    spawn->default_model = str_of(session->defaults.model);
    spawn->default_mode = str_of(session->defaults.mode);
    spawn->role = either(spawn->role, session->defaults.role);
    spawn->scope = either(spawn->scope, session->scope);
    spawn->cwd =
        either(spawn->cwd, session->folder ? session->folder : session->server->working_folder);
}

// Editors have file: URIs at hand more often than paths.
static bool take_folder(struct str *cwd, char **path, struct err *err)
{
    if (str_starts(*cwd, STR("file:"))) {
        *path = uri_to_path(*cwd);
        *cwd = str_of(*path);
    }
    if (cwd->len == 0 || cwd->data[0] != '/')
        return err_set(err, ERR_PARAMS, "cwd: expected an absolute path or a file: URI");
    return true;
}

void method_spawn(struct call *call)
{
    struct spawn_params spawn = {.task = STR_NONE};
    struct buf context, images;
    struct err err;
    char *path = NULL;
    start_from(&spawn, call->session);
    context_init(&context);
    context_init(&images);
    if (read_spawn(call->params, &spawn, &err) && take_folder(&spawn.cwd, &path, &err) &&
        context_read(call->params, &context, &images, &err)) {
        spawn.context = buf_str(&context);
        spawn.image_files = buf_str(&images);
        struct pending *pending = repeat_pending(call, "spawn", &spawn_kind);
        if (pending)
            swarm_spawn(call->swarm, &spawn, &pending->op);
    } else {
        call_fail(call, &err);
    }
    buf_release(&context);
    buf_release(&images);
    mem_free(path);
}

static void send_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_cstr(json, "itemId", pending->op.item_id);
    json_add_cstr(json, "delivery", pending->op.delivery);
    json_add_int(json, "position", pending->op.position);
    json_end_object(json);
}

static const struct pending_kind send_kind = {.result = send_result};

struct message {
    struct buf text;
    struct images images;
};

static bool read_block(const struct json *block, struct message *message, struct err *err)
{
    struct str type = json_str(block, "type"), piece = json_str(block, "text");
    if (str_is(type, "image"))
        return images_add(&message->images, json_str(block, "mimeType"), json_str(block, "data"),
                          err);
    if (!str_is(type, "text") || !piece.data)
        return err_set(err, ERR_PARAMS,
                       "expected {\"type\": \"text\", \"text\": a string} or {\"type\": "
                       "\"image\", \"mimeType\": a string, \"data\": base64}");
    if (message->text.len)
        buf_add_str(&message->text, STR("\n\n"));
    buf_add_str(&message->text, piece);
    return true;
}

static bool read_content(const struct json *content, struct message *message, struct err *err)
{
    int index = 0;
    json_for_each(block, content)
    {
        if (!read_block(block, message, err))
            return err_wrap(err, "content[%d]", index);
        index++;
    }
    return true;
}

static bool read_message(const struct json *params, struct message *message, struct err *err)
{
    struct str plain = STR_NONE;
    const struct json *content = NULL;
    if (!json_get_str(params, "text", &plain, err) ||
        !json_get_array(params, "content", &content, err))
        return false;
    if (plain.data && content)
        return err_set(err, ERR_PARAMS, "content: give text or content, not both");
    buf_add_str(&message->text, plain);
    if (!read_content(content, message, err))
        return false;
    if (message->text.overflow)
        return err_set(err, ERR_PARAMS, "text: expected at most %d bytes", AGENT_TASK_MAX);
    if (str_trim(buf_str(&message->text)).len == 0 && message->images.count == 0)
        return err_set(err, ERR_PARAMS, "text: expected a string that is not empty");
    return true;
}

void method_send(struct call *call)
{
    static const char *const deliveries[] = {[DELIVER_QUEUE] = "queue",
                                             [DELIVER_STEER] = "steer",
                                             [DELIVER_INTERRUPT] = "interrupt",
                                             NULL};
    int delivery = DELIVER_QUEUE;
    struct agent *agent;
    struct message message = {0};
    struct err err;
    buf_init(&message.text, AGENT_TASK_MAX);
    if (read_message(call->params, &message, &err) &&
        params_get_choice(call->params, "delivery", deliveries, &delivery, &err) &&
        params_need_agent(call->swarm, call->params, &agent, &err)) {
        struct pending *pending = repeat_pending(call, "send", &send_kind);
        if (pending)
            swarm_send(call->swarm, agent, buf_str(&message.text), &message.images,
                       (enum delivery)delivery, &pending->op);
    } else {
        call_fail(call, &err);
    }
    images_release(&message.images);
    buf_release(&message.text);
}
