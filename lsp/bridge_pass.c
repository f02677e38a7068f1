// SPDX-License-Identifier: MIT
// The messages of a bridge: passed on whole, and looked at for what must be remembered.
#include "core/base/mem.h"
#include "lsp/bridge_parts.h"
#include "transports/stream.h"

#include <stdio.h>

// --- out

static void send_framed(struct bridge_side *to, struct buf *out)
{
    frame_close(out, to->frame.framing);
    if (out->overflow || !to->stream) {
        buf_release(out);
        return;
    }
    size_t len;
    char *bytes = buf_detach(out, &len);
    stream_write(to->stream, bytes, len);
}

void bridge_send(struct bridge *bridge, struct bridge_side *to, struct str body)
{
    struct buf out;
    (void)bridge;
    frame_open(&out, FRAME_MESSAGE_MAX + FRAME_HEADER_MAX);
    buf_add_str(&out, body);
    send_framed(to, &out);
}

void bridge_answer_error(struct bridge *bridge, int code, const char *problem)
{
    struct buf out;
    struct json_writer json;
    frame_open(&out, FRAME_HEADER_MAX);
    json_writer_init(&json, &out);
    rpc_write_error(&json, NULL, (enum rpc_code)code, str_of(problem));
    send_framed(&bridge->client, &out);
}

static void answer_failure(struct bridge *bridge, const struct rpc_id *id, const struct err *err)
{
    struct buf out;
    struct json_writer json;
    frame_open(&out, FRAME_MESSAGE_MAX);
    json_writer_init(&json, &out);
    rpc_write_failure(&json, id, err);
    send_framed(&bridge->client, &out);
}

static void answer_null(struct bridge *bridge, const struct rpc_id *id)
{
    struct buf out;
    struct json_writer json;
    frame_open(&out, FRAME_MESSAGE_MAX);
    json_writer_init(&json, &out);
    rpc_begin_result(&json, id);
    json_put_null(&json);
    json_end_object(&json);
    send_framed(&bridge->client, &out);
}

// --- from the client

static void send_initialize(struct bridge *bridge, bool takes_up)
{
    struct buf out;
    frame_open(&out, FRAME_MESSAGE_MAX + FRAME_HEADER_MAX);
    if (told_write_initialize(&bridge->told, &out, takes_up))
        send_framed(bridge->host, &out);
    else // it is too large, or no memory is left for it
        buf_release(&out);
}

static void answer_alone(struct bridge *bridge, const struct rpc_message *message)
{
    if (message->kind != RPC_REQUEST)
        return;
    if (str_is(message->method, "shutdown")) {
        bridge->told.shut = true;
        answer_null(bridge, &message->id);
    } else {
        answer_failure(bridge, &message->id, &bridge->failure);
    }
}

void bridge_take_client(struct bridge *bridge, struct str body)
{
    struct json *json;
    struct err ignored;
    struct rpc_message message = {.kind = RPC_INVALID};
    arena_reset(&bridge->arena);
    if (json_parse(&json, &bridge->arena, body, &ignored))
        rpc_classify(json, &message);
    if (message.kind == RPC_NOTIFICATION && str_is(message.method, "exit"))
        bridge->leaving = true;
    if (bridge->state == HOST_FAILED) {
        answer_alone(bridge, &message);
        return;
    }
    bool first = !bridge->told.initialize;
    told_by_client(&bridge->told, &message, body);
    if (first && bridge->told.initialize) {
        bridge_watch_client(bridge, json_int(message.params, "processId", 0));
        send_initialize(bridge, false);
    } else { // what is no message too: the host says what is wrong with it
        bridge_send(bridge, bridge->host, body);
    }
}

// --- from the host

static bool same_version(struct bridge *bridge, const struct json *result)
{
    const struct json *swarm =
        json_get(json_get(json_get(result, "capabilities"), "experimental"), "swarm");
    int64_t version = json_int(swarm, "version", 0);
    struct str host = json_str(json_get(result, "serverInfo"), "version");
    struct err err;
    if (version == PROTOCOL_VERSION)
        return true;
    err_set(&err, ERR_LEASE,
            "the swarmd that holds the state folder (%.*s) speaks version %lld of the protocol, "
            "this one (" SWARMD_VERSION ") version %d: end it and start again, or use the same "
            "swarmd for both, or give this one a SWARMD_STATE_DIR of its own",
            (int)(host.len < 40 ? host.len : 40), host.data ? host.data : "", (long long)version,
            PROTOCOL_VERSION);
    bridge_fail(bridge, &err);
    return false;
}

// The host does not serve this connection (server_accept()).
static bool is_refusal(const struct rpc_message *message, struct err *err)
{
    struct str kind = json_str(json_get(message->error, "data"), "kind");
    struct str text = json_str(message->error, "message");
    if (message->kind != RPC_RESPONSE || message->id.kind != RPC_ID_NONE)
        return false;
    if (!str_is(kind, "limit") && !str_is(kind, "refused"))
        return false;
    return !err_set(err, str_is(kind, "limit") ? ERR_LIMIT : ERR_REFUSED, "%.*s",
                    (int)(text.len < ERR_MESSAGE_MAX ? text.len : ERR_MESSAGE_MAX), text.data);
}

static bool is_hello_error(const struct rpc_message *message)
{
    return message->kind == RPC_RESPONSE && message->id.kind == RPC_ID_NONE &&
           json_int(message->error, "code", 0) == RPC_NOT_INITIALIZED;
}

// Does it go on to the client?
static bool is_for_client(struct bridge *bridge, const struct rpc_message *message)
{
    enum told_kind kind = TOLD_LOST;
    struct err err;
    if (is_hello_error(message))
        return false;
    if (!bridge->heard && is_refusal(message, &err)) {
        bridge_fail(bridge, &err);
        return false;
    }
    if (bridge->replaying && message->kind == RPC_RESPONSE) {
        bridge->replaying = false;
        same_version(bridge, message->result);
        return false;
    }
    // bridge_fail() answers what is not answered, so it is asked before.
    bool welcome = !bridge->told.welcomed && message->kind == RPC_RESPONSE && message->result &&
                   json_get(message->result, "serverInfo");
    if (welcome && !same_version(bridge, message->result))
        return false;
    told_by_host(&bridge->told, message, &kind);
    return !str_starts(message->method, STR("$/swarm/"));
}

// Events are by far the most; nothing in them is to be remembered.
static bool is_events(struct str body)
{
    return str_starts(body, STR("{\"jsonrpc\":\"2.0\",\"method\":\"swarm/events\""));
}

void bridge_take_host(struct bridge *bridge, struct str body)
{
    struct json *json;
    struct err ignored;
    struct rpc_message message;
    bool passes = true;
    if (!is_events(body)) {
        arena_reset(&bridge->arena);
        if (json_parse(&json, &bridge->arena, body, &ignored)) {
            rpc_classify(json, &message);
            passes = is_for_client(bridge, &message);
        }
    }
    bridge->heard = true;
    if (passes)
        bridge_send(bridge, &bridge->client, body);
}

// --- a host is new, or gone

void bridge_welcome(struct bridge *bridge)
{
    struct told *told = &bridge->told;
    if (!told->initialize)
        return;
    bridge->replaying = told->welcomed;
    send_initialize(bridge, told->welcomed);
    if (told->initialized)
        bridge_send(bridge, bridge->host,
                    STR("{\"jsonrpc\":\"2.0\",\"method\":\"initialized\",\"params\":{}}"));
    if (told->trace)
        bridge_send(bridge, bridge->host, str_of(told->trace));
    list_for_each(node, &told->requests)
    {
        const struct told_request *request = list_entry(node, struct told_request, node);
        if (request->body)
            bridge_send(bridge, bridge->host, str_from(request->body, request->len));
    }
}

// Dialogs that the host has asked for are closed: their answers would mean nothing to another one.
static void withdraw_asked(struct bridge *bridge)
{
    struct told *told = &bridge->told;
    for (size_t i = 0; i < told->asked_count; i++) {
        char text[128];
        snprintf(text, sizeof(text),
                 "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":%lld}}",
                 (long long)told->asked[i]);
        bridge_send(bridge, &bridge->client, str_of(text));
    }
    told->asked_count = 0;
}

static void fail_requests(struct bridge *bridge, bool all, const struct err *err)
{
    struct told *told = &bridge->told;
    list_for_each_safe(node, &told->requests)
    {
        struct told_request *request = list_entry(node, struct told_request, node);
        if (!all && request->kind != TOLD_LOST)
            continue;
        answer_failure(bridge, &request->id, err);
        told_drop(told, request);
    }
}

void bridge_give_up(struct bridge *bridge)
{
    struct err err;
    err_set(&err, ERR_LEASE,
            "the server ended while this was under way: look at the agent before you repeat it");
    bridge->replaying = false;
    withdraw_asked(bridge);
    fail_requests(bridge, false, &err);
}

void bridge_fail_all(struct bridge *bridge)
{
    withdraw_asked(bridge);
    fail_requests(bridge, true, &bridge->failure);
}
