// SPDX-License-Identifier: MIT
#include "transports/model_http.h"

#include "core/arena.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/ports.h"
#include "transports/http.h"
#include "transports/model_limits.h"
#include "transports/model_stream.h"

enum {
    EVENT_TREE_MAX = 128 << 20, // bytes of the tree of one event; 48 a value and its text
    URL_MAX = 8192,
};

struct model_http {
    struct provider base; // first
    const struct model_dialect *dialect;
    const struct ports *ports;
    struct http *http;
    struct model_origin origin;
    char *base_url;
    char *key_header; // a header line, or NULL
    int64_t stall_ms;
    struct arena arena; // of the event that is being read
};

struct model_call {
    struct model_http *client;
    struct http_request *request; // NULL when it has ended
    struct model_sink sink;
    void *arg;
    struct model_stream *stream;
    struct model_limits_reader limits;
    struct deferred too_large; // the end of a request that was never sent
    bool in_callback, cancelled;
};

static void call_free(struct model_call *call)
{
    model_stream_release(call->stream);
    mem_free(call->stream);
    mem_free(call);
}

static void call_end(struct model_call *call, const struct model_end *end)
{
    struct model_sink sink = call->sink;
    void *arg = call->arg;
    call_free(call);
    sink.end(arg, end);
}

// The lines of the head: at its end the sink learns what they say of the rate limits.
static void on_header(void *arg, struct str line)
{
    struct model_call *call = arg;
    if (str_starts(line, STR("HTTP/")))
        model_limits_begin(&call->limits);
    else if (line.len)
        model_limits_take(&call->limits, line);
    if (line.len || !call->sink.limits)
        return;
    const struct model_limits *limits =
        model_limits_end(&call->limits, port_wall_ms(call->client->ports));
    call->in_callback = true;
    if (limits)
        call->sink.limits(call->arg, limits);
    call->in_callback = false;
    if (call->cancelled)
        call_free(call);
}

static void on_body(void *arg, struct str bytes)
{
    struct model_call *call = arg;
    struct model_end end = {.finish = MODEL_FAILED, .http_status = 200, .retry_after_ms = -1};
    call->in_callback = true;
    bool going = model_stream_feed(call->stream, bytes, &end.err);
    bool done = going && call->stream->done;
    if (done)
        model_stream_end(call->stream, &end);
    else if (!going)
        model_stream_failed(call->stream, &end);
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

static void no_answer(const struct model_call *call, const struct http_answer *answer,
                      const struct err *err, struct model_end *end)
{
    end->failure = answer->timed_out ? MODEL_FAILURE_TIMEOUT : MODEL_FAILURE_NETWORK;
    end->err = *err;
    err_wrap(&end->err, "%s", call->client->base.name);
}

// False when the call was cancelled meanwhile.
static bool end_of_answer(struct model_call *call, const struct http_answer *answer,
                          const struct err *err, struct model_end *end)
{
    // A connection that breaks after the model has finished has broken nothing.
    if (err->kind != ERR_NONE && !call->stream->finished) {
        no_answer(call, answer, err, end);
        return true;
    }
    call->in_callback = true;
    model_stream_end(call->stream, end);
    call->in_callback = false;
    return !call->cancelled;
}

static void on_ended(void *arg, const struct http_answer *answer, const struct err *err)
{
    struct model_call *call = arg;
    struct model_end end = {.finish = MODEL_FAILED,
                            .http_status = answer->status,
                            .retry_after_ms = answer->retry_after_ms};
    call->request = NULL;
    if (answer->status >= 200 && answer->status < 300) {
        if (!end_of_answer(call, answer, err, &end)) {
            call_free(call);
            return;
        }
    } else if (answer->status) {
        model_error_status(&call->client->origin, answer, &end);
    } else {
        no_answer(call, answer, err, &end);
    }
    call_end(call, &end);
}

static void on_too_large(struct deferred *deferred)
{
    struct model_call *call = list_entry(deferred, struct model_call, too_large);
    struct model_end end = {
        .finish = MODEL_FAILED, .failure = MODEL_FAILURE_CONTEXT_TOO_LARGE, .retry_after_ms = -1};
    if (call->cancelled) {
        call_free(call);
        return;
    }
    err_set(&end.err, ERR_LIMIT, "%s: the request is larger than %d MiB", call->client->base.name,
            MODEL_REQUEST_MAX >> 20);
    call_end(call, &end);
}

static void send_request(struct model_call *call, struct buf *url, struct buf *body)
{
    static const struct http_sink sink = {.header = on_header, .body = on_body, .ended = on_ended};
    const struct model_http *client = call->client;
    const char *headers[5] = {"Content-Type: application/json", "Accept: text/event-stream"};
    size_t count = 2;
    if (client->key_header)
        headers[count++] = client->key_header;
    if (client->dialect->header)
        headers[count++] = client->dialect->header;
    struct http_spec spec = {.url = buf_str(url), .headers = headers, .stall_ms = client->stall_ms};
    spec.body = buf_detach(body, &spec.body_len);
    call->request = http_start(client->http, &spec, &sink, call);
}

static struct model_stream *open_stream(struct model_call *call)
{
    struct model_http *client = call->client;
    struct model_stream *stream = mem_new(client->dialect->stream_size);
    model_stream_init(stream, &call->sink, call->arg, &client->origin, &client->arena);
    client->dialect->open(stream);
    return stream;
}

static struct model_call *start(struct provider *provider, const struct model_request *request,
                                const struct model_sink *sink, void *arg)
{
    struct model_http *client = (struct model_http *)provider;
    struct model_call *call = mem_new(sizeof(*call));
    struct buf url, body;
    call->client = client;
    call->sink = *sink;
    call->arg = arg;
    call->stream = open_stream(call);
    buf_init(&url, URL_MAX);
    buf_init(&body, MODEL_REQUEST_MAX);
    buf_add_str(&url, str_of(client->base_url));
    client->dialect->path(&url, request, str_of(client->base_url));
    client->dialect->write(&body, request, str_of(client->base_url));
    if (body.overflow || url.overflow) {
        list_init(&call->too_large.node);
        call->too_large.fn = on_too_large;
        call->in_callback = true; // on_too_large() frees it, also when it is cancelled
        port_defer(client->ports, &call->too_large);
    } else {
        send_request(call, &url, &body);
    }
    buf_release(&url);
    buf_release(&body);
    return call;
}

static void cancel(struct model_call *call)
{
    if (call->request)
        http_cancel(call->request);
    call->request = NULL;
    call->cancelled = true;
    model_stream_stop(call->stream);
    if (!call->in_callback)
        call_free(call);
}

struct provider *model_http_create(const struct model_dialect *dialect, const struct ports *ports,
                                   struct http *http, const struct model_http_spec *spec)
{
    static const struct provider_ops ops = {start, cancel};
    struct model_http *client = mem_new(sizeof(*client));
    client->base = (struct provider){.ops = &ops, .name = mem_dup(spec->name)};
    client->dialect = dialect;
    client->ports = ports;
    client->http = http;
    client->origin.provider = client->base.name;
    client->origin.api_key_env = spec->api_key_env.len ? mem_dup(spec->api_key_env) : NULL;
    if (spec->api_key.len) {
        client->origin.api_key = mem_dup(spec->api_key);
        client->key_header = mem_format("%s%s", dialect->key_header, client->origin.api_key);
    }
    client->base_url = mem_dup(spec->base_url);
    client->stall_ms = spec->stall_ms;
    arena_init(&client->arena, EVENT_TREE_MAX);
    return &client->base;
}

static void free_secret(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

void model_http_destroy(struct provider *provider)
{
    struct model_http *client = (struct model_http *)provider;
    if (!client)
        return;
    free_secret(client->origin.api_key);
    free_secret(client->key_header);
    mem_free(client->origin.api_key_env);
    mem_free(client->base.name);
    mem_free(client->base_url);
    arena_release(&client->arena);
    mem_free(client);
}
