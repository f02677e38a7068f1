// SPDX-License-Identifier: MIT
#include "lsp/rpc.h"

#include "core/base/mem.h"

bool rpc_id_equal(const struct rpc_id *a, const struct rpc_id *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == RPC_ID_STRING ? str_equal(a->text, b->text) : a->number == b->number;
}

bool rpc_id_read(const struct json *json, struct rpc_id *id)
{
    *id = (struct rpc_id){.kind = RPC_ID_NONE};
    if (json && json->type == JSON_INT) {
        id->kind = RPC_ID_INT;
        id->number = json->integer;
    } else if (json && json->type == JSON_STRING && json->string.len <= RPC_ID_MAX) {
        id->kind = RPC_ID_STRING;
        id->text = json->string;
    }
    return id->kind != RPC_ID_NONE;
}

struct rpc_id rpc_id_copy(const struct rpc_id *id)
{
    struct rpc_id copy = *id;
    if (id->kind == RPC_ID_STRING)
        copy.text.data = mem_dup(id->text);
    return copy;
}

void rpc_id_release(struct rpc_id *copy)
{
    if (copy->kind == RPC_ID_STRING)
        mem_free((char *)copy->text.data);
    *copy = (struct rpc_id){.kind = RPC_ID_NONE};
}

static void invalid(struct rpc_message *out, const char *problem)
{
    out->kind = RPC_INVALID;
    out->problem = problem;
}

static void classify_response(const struct json *json, struct rpc_message *out)
{
    out->kind = RPC_RESPONSE;
    out->result = json_get(json, "result");
    out->error = json_get(json, "error");
    if (!out->result && !out->error)
        invalid(out, "method: expected a string");
    // An answer to an id that is none of ours is nobody's; it is ignored like an unknown one.
}

void rpc_classify(const struct json *json, struct rpc_message *out)
{
    *out = (struct rpc_message){.kind = RPC_INVALID};
    if (json->type == JSON_ARRAY) {
        invalid(out, "batches are not supported: send one message at a time");
        return;
    }
    if (json->type != JSON_OBJECT) {
        invalid(out, "expected a JSON-RPC message: an object");
        return;
    }
    const struct json *id = json_get(json, "id");
    bool good_id = rpc_id_read(id, &out->id);
    if (!str_is(json_str(json, "jsonrpc"), "2.0")) {
        invalid(out, "jsonrpc: expected \"2.0\"");
        return;
    }
    const struct json *method = json_get(json, "method");
    if (!method) {
        classify_response(json, out);
        return;
    }
    const struct json *params = json_get(json, "params");
    if (method->type != JSON_STRING)
        invalid(out, "method: expected a string");
    else if (id && !good_id)
        invalid(out, "id: expected an integer or a string of at most 4096 bytes");
    else if (params && params->type != JSON_OBJECT && params->type != JSON_ARRAY &&
             params->type != JSON_NULL)
        invalid(out, "params: expected an object");
    else
        out->kind = id ? RPC_REQUEST : RPC_NOTIFICATION;
    if (out->kind == RPC_INVALID)
        return;
    out->method = method->string;
    out->params = params && params->type != JSON_NULL ? params : NULL;
}

static void begin(struct json_writer *w)
{
    json_begin_object(w);
    json_add_cstr(w, "jsonrpc", "2.0");
}

static void put_id(struct json_writer *w, const struct rpc_id *id)
{
    json_key(w, "id");
    if (id && id->kind == RPC_ID_INT)
        json_put_int(w, id->number);
    else if (id && id->kind == RPC_ID_STRING)
        json_put_str(w, id->text);
    else
        json_put_null(w);
}

void rpc_begin_result(struct json_writer *w, const struct rpc_id *id)
{
    begin(w);
    put_id(w, id);
    json_key(w, "result");
}

void rpc_begin_notification(struct json_writer *w, const char *method)
{
    begin(w);
    json_add_cstr(w, "method", method);
    json_key(w, "params");
}

void rpc_begin_request(struct json_writer *w, int64_t id, const char *method)
{
    begin(w);
    json_add_int(w, "id", id);
    json_add_cstr(w, "method", method);
    json_key(w, "params");
}

static void begin_error(struct json_writer *w, const struct rpc_id *id, enum rpc_code code,
                        struct str message)
{
    begin(w);
    put_id(w, id);
    json_key(w, "error");
    json_begin_object(w);
    json_add_int(w, "code", code);
    json_add_str(w, "message", message);
}

static void end_error(struct json_writer *w)
{
    json_end_object(w);
    json_end_object(w);
}

void rpc_write_error(struct json_writer *w, const struct rpc_id *id, enum rpc_code code,
                     struct str message)
{
    begin_error(w, id, code, message);
    end_error(w);
}

void rpc_write_failure(struct json_writer *w, const struct rpc_id *id, const struct err *err)
{
    rpc_write_failure_with(w, id, err, STR_NONE);
}

void rpc_write_failure_with(struct json_writer *w, const struct rpc_id *id, const struct err *err,
                            struct str files)
{
    if (err->kind == ERR_PARAMS) {
        rpc_write_error(w, id, RPC_INVALID_PARAMS, str_of(err->message));
        return;
    }
    begin_error(w, id, RPC_REQUEST_FAILED, str_of(err->message));
    json_key(w, "data");
    json_begin_object(w);
    json_add_cstr(w, "kind", err_kind_name(err->kind));
    if (files.len)
        json_add_raw(w, "files", files);
    json_end_object(w);
    end_error(w);
}
