// SPDX-License-Identifier: MIT
#include "transports/openai_chat.h"

#include "core/arena.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/ports.h"
#include "transports/http.h"
#include "transports/openai_request.h"
#include "transports/openai_stream.h"

enum { CHUNK_TREE_MAX = 128 << 20 }; // bytes of the tree of one piece; 48 a value and its text

struct openai_chat {
    struct provider base; // first
    const struct ports *ports;
    struct http *http;
    struct openai_origin origin;
    char *url;
    char *authorization; // a header line, or NULL
    int64_t stall_ms;
    bool openai_itself;
    struct arena arena; // of the piece that is being read
};

struct model_call {
    struct openai_chat *chat;
    struct http_request *request; // NULL when it has ended
    struct model_sink sink;
    void *arg;
    struct openai_stream stream;
    struct deferred too_large; // the end of a request that was never sent
    bool in_callback, cancelled;
};

static void call_free(struct model_call *call)
{
    openai_stream_release(&call->stream);
    mem_free(call);
}

static void call_end(struct model_call *call, const struct model_end *end)
{
    struct model_sink sink = call->sink;
    void *arg = call->arg;
    call_free(call);
    sink.end(arg, end);
}

static void on_body(void *arg, struct str bytes)
{
    struct model_call *call = arg;
    struct model_end end = {.finish = MODEL_FAILED, .http_status = 200, .retry_after_ms = -1};
    call->in_callback = true;
    bool going = openai_stream_feed(&call->stream, bytes, &end.err);
    bool done = going && call->stream.done;
    if (done)
        openai_stream_end(&call->stream, &end);
    call->in_callback = false;
    if (call->cancelled) {
        call_free(call);
        return;
    }
    if (going && !done)
        return;
    if (done)
        http_let_go(call->request);
    else
        http_cancel(call->request);
    call_end(call, &end);
}

// False when the call was cancelled meanwhile.
static bool end_of_answer(struct model_call *call, const struct err *err, struct model_end *end)
{
    // A connection that breaks after the model has finished has broken nothing.
    if (err->kind != ERR_NONE && !call->stream.finished) {
        end->err = *err;
        err_wrap(&end->err, "%s", call->chat->base.name);
        return true;
    }
    call->in_callback = true;
    openai_stream_end(&call->stream, end);
    call->in_callback = false;
    return !call->cancelled;
}

static void on_ended(void *arg, const struct http_answer *answer, const struct err *err)
{
    struct model_call *call = arg;
    struct model_end end = {.finish = MODEL_FAILED};
    call->request = NULL;
    if (answer->status >= 200 && answer->status < 300) {
        if (!end_of_answer(call, err, &end)) {
            call_free(call);
            return;
        }
    } else if (answer->status) {
        openai_error_status(&call->chat->origin, answer, &end.err);
    } else {
        end.err = *err;
        err_wrap(&end.err, "%s", call->chat->base.name);
    }
    end.http_status = answer->status;
    end.retry_after_ms = answer->retry_after_ms;
    call_end(call, &end);
}

static void on_too_large(struct deferred *deferred)
{
    struct model_call *call = list_entry(deferred, struct model_call, too_large);
    struct model_end end = {.finish = MODEL_FAILED, .retry_after_ms = -1};
    if (call->cancelled) {
        call_free(call);
        return;
    }
    err_set(&end.err, ERR_LIMIT, "%s: the request is larger than %d MiB", call->chat->base.name,
            OPENAI_REQUEST_MAX >> 20);
    call_end(call, &end);
}

static void send_request(struct model_call *call, struct buf *body)
{
    static const struct http_sink sink = {on_body, on_ended};
    const char *headers[] = {"Content-Type: application/json", "Accept: text/event-stream",
                             call->chat->authorization, NULL};
    struct http_spec spec = {
        .url = str_of(call->chat->url), .headers = headers, .stall_ms = call->chat->stall_ms};
    spec.body = buf_detach(body, &spec.body_len);
    call->request = http_start(call->chat->http, &spec, &sink, call);
}

static struct model_call *chat_start(struct provider *provider, const struct model_request *request,
                                     const struct model_sink *sink, void *arg)
{
    struct openai_chat *chat = (struct openai_chat *)provider;
    struct model_call *call = mem_new(sizeof(*call));
    call->chat = chat;
    call->sink = *sink;
    call->arg = arg;
    openai_stream_init(&call->stream, &call->sink, arg, &chat->origin, &chat->arena);
    struct buf body;
    buf_init(&body, OPENAI_REQUEST_MAX);
    openai_request_write(&body, request, chat->openai_itself);
    if (body.overflow) {
        buf_release(&body);
        list_init(&call->too_large.node);
        call->too_large.fn = on_too_large;
        call->in_callback = true; // on_too_large() frees it, also when it is cancelled
        port_defer(chat->ports, &call->too_large);
    } else {
        send_request(call, &body);
    }
    return call;
}

static void chat_cancel(struct model_call *call)
{
    if (call->request)
        http_cancel(call->request);
    call->request = NULL;
    call->cancelled = true;
    openai_stream_stop(&call->stream);
    if (!call->in_callback)
        call_free(call);
}

struct provider *openai_chat_create(const struct ports *ports, struct http *http,
                                    const struct openai_chat_spec *spec)
{
    static const struct provider_ops ops = {chat_start, chat_cancel};
    struct openai_chat *chat = mem_new(sizeof(*chat));
    chat->base = (struct provider){.ops = &ops, .name = mem_dup(spec->name)};
    chat->ports = ports;
    chat->http = http;
    chat->origin.provider = chat->base.name;
    chat->origin.api_key_env = spec->api_key_env.len ? mem_dup(spec->api_key_env) : NULL;
    if (spec->api_key.len) {
        chat->origin.api_key = mem_dup(spec->api_key);
        chat->authorization = mem_format("Authorization: Bearer %s", chat->origin.api_key);
    }
    chat->url = mem_format("%.*s/chat/completions", STR_ARG(spec->base_url));
    chat->stall_ms = spec->stall_ms;
    chat->openai_itself = str_starts(spec->base_url, STR("https://api.openai.com/"));
    arena_init(&chat->arena, CHUNK_TREE_MAX);
    return &chat->base;
}

static void free_secret(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

void openai_chat_destroy(struct provider *provider)
{
    struct openai_chat *chat = (struct openai_chat *)provider;
    if (!chat)
        return;
    free_secret(chat->origin.api_key);
    free_secret(chat->authorization);
    mem_free(chat->origin.api_key_env);
    mem_free(chat->base.name);
    mem_free(chat->url);
    arena_release(&chat->arena);
    mem_free(chat);
}
