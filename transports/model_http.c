// SPDX-License-Identifier: MIT
#include "transports/model_http.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/ports.h"
#include "transports/http.h"
#include "transports/model_key.h"
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
    struct model_key *key;
    int64_t stall_ms;
    int habits;         // of the server's, as its refusals have shown them
    struct arena arena; // of the event that is being read
};

struct model_call {
    struct model_http *client;
    struct http_request *request; // NULL when it has ended
    struct model_sink sink;
    void *arg;
    struct model_stream *stream;
    struct model_limits_reader limits;
    struct buf url, body;       // until it is sent
    struct model_key_wait wait; // for the key
    struct deferred never_sent; // the end of a request that is not sent
    struct model_end why;       // then
    int habits;                 // that its request was written for
    bool has_images;
    bool waits, in_callback, cancelled;
};

static void call_free(struct model_call *call)
{
    model_stream_release(call->stream);
    mem_free(call->stream);
    buf_release(&call->url);
    buf_release(&call->body);
    mem_free(call);
}

static void call_end(struct model_call *call, const struct model_end *end)
{
    struct model_sink sink = call->sink;
    void *arg = call->arg;
    if (end->failure == MODEL_FAILURE_AUTH)
        model_key_refused(call->client->key);
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

// Servers that take none say so in many ways, some not at all.
static void explain_images(const struct model_call *call, struct model_end *end)
{
    struct err told = end->err;
    if (call->has_images && end->failure == MODEL_FAILURE_INVALID_REQUEST)
        err_set(&end->err, told.kind, "%.*s (the messages have images: does this model take them?)",
                ERR_MESSAGE_MAX - 80, told.message);
}

// Others of its requests may be under way, and be refused for the same reason.
static void learn_habits(const struct model_call *call, struct model_end *end)
{
    struct model_http *client = call->client;
    if (!client->dialect->habits_after ||
        (end->failure != MODEL_FAILURE_INVALID_REQUEST && end->failure != MODEL_FAILURE_SERVER))
        return;
    client->habits = client->dialect->habits_after(client->habits, &end->err);
    if (client->dialect->habits_after(call->habits, &end->err) != call->habits)
        end->failure = MODEL_FAILURE_SERVER; // it is made again, in another way
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
        learn_habits(call, &end);
        explain_images(call, &end);
    } else {
        no_answer(call, answer, err, &end);
    }
    call_end(call, &end);
}

static void on_never_sent(struct deferred *deferred)
{
    struct model_call *call = list_entry(deferred, struct model_call, never_sent);
    struct model_end why = call->why;
    if (call->cancelled)
        call_free(call);
    else
        call_end(call, &why);
}

// No sink call is made from within start().
static void fail_later(struct model_call *call)
{
    call->why.finish = MODEL_FAILED;
    call->why.retry_after_ms = -1;
    list_init(&call->never_sent.node);
    call->never_sent.fn = on_never_sent;
    call->in_callback = true; // on_never_sent() frees it, also when it is cancelled
    port_defer(call->client->ports, &call->never_sent);
}

static void free_secret(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

// For messages, which must not have it.
static void note_key(struct model_http *client, const char *value)
{
    if (!value || (client->origin.api_key && strcmp(value, client->origin.api_key) == 0))
        return;
    free_secret(client->origin.api_key);
    client->origin.api_key = mem_dup(str_of(value));
}

static void send_request(struct model_call *call)
{
    static const struct http_sink sink = {.header = on_header, .body = on_body, .ended = on_ended};
    struct model_http *client = call->client;
    const char *key = model_key_value(client->key);
    const char *headers[5] = {"Content-Type: application/json", "Accept: text/event-stream"};
    size_t count = 2;
    char *key_header = key ? mem_format("%s%s", client->dialect->key_header, key) : NULL;
    note_key(client, key);
    if (key_header)
        headers[count++] = key_header;
    if (client->dialect->header)
        headers[count++] = client->dialect->header;
    struct http_spec spec = {
        .url = buf_str(&call->url), .headers = headers, .stall_ms = client->stall_ms};
    spec.body = buf_detach(&call->body, &spec.body_len);
    call->request = http_start(client->http, &spec, &sink, call);
    free_secret(key_header);
    buf_release(&call->url);
}

static void on_key(struct model_key_wait *wait, const struct err *err)
{
    struct model_call *call = list_entry(wait, struct model_call, wait);
    struct model_end end = {
        .finish = MODEL_FAILED, .failure = MODEL_FAILURE_AUTH, .err = *err, .retry_after_ms = -1};
    call->waits = false;
    if (err->kind == ERR_NONE)
        send_request(call);
    else
        call_end(call, &end);
}

static struct model_stream *open_stream(struct model_call *call)
{
    struct model_http *client = call->client;
    struct model_stream *stream = mem_new(client->dialect->stream_size);
    model_stream_init(stream, &call->sink, call->arg, &client->origin, &client->arena);
    client->dialect->open(stream);
    return stream;
}

static void begin(struct model_call *call)
{
    struct model_http *client = call->client;
    if (call->body.overflow || call->url.overflow) {
        call->why.failure = MODEL_FAILURE_CONTEXT_TOO_LARGE;
        err_set(&call->why.err, ERR_LIMIT, "%s: the request is larger than %d MiB",
                client->base.name, MODEL_REQUEST_MAX >> 20);
        fail_later(call);
    } else if (model_key_ready(client->key, &call->why.err)) {
        send_request(call);
    } else if (call->why.err.kind != ERR_NONE) {
        call->why.failure = MODEL_FAILURE_AUTH;
        fail_later(call);
    } else {
        call->waits = true;
        call->wait.fn = on_key;
        model_key_wait(client->key, &call->wait);
    }
}

static struct model_call *start(struct provider *provider, const struct model_request *request,
                                const struct model_sink *sink, void *arg)
{
    struct model_http *client = (struct model_http *)provider;
    struct model_call *call = mem_new(sizeof(*call));
    const struct model_target target = {.provider = str_of(client->base.name),
                                        .base_url = str_of(client->base_url),
                                        .habits = client->habits};
    call->client = client;
    call->habits = client->habits;
    call->sink = *sink;
    call->arg = arg;
    call->stream = open_stream(call);
    buf_init(&call->url, URL_MAX);
    buf_init(&call->body, MODEL_REQUEST_MAX);
    list_init(&call->wait.node);
    buf_add_str(&call->url, str_of(client->base_url));
    client->dialect->path(&call->url, request, str_of(client->base_url));
    client->dialect->write(&call->body, request, &target);
    for (size_t i = 0; i < request->part_count; i++)
        call->has_images = call->has_images || request->parts[i].kind == MODEL_USER_IMAGE;
    begin(call);
    return call;
}

static void cancel(struct model_call *call)
{
    if (call->request)
        http_cancel(call->request);
    if (call->waits)
        model_key_leave(call->client->key, &call->wait);
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
    client->key = spec->key;
    client->origin.key_place = model_key_place(spec->key);
    client->base_url = mem_dup(spec->base_url);
    client->stall_ms = spec->stall_ms;
    arena_init(&client->arena, EVENT_TREE_MAX);
    return &client->base;
}

struct model_http_server model_http_server(struct provider *provider)
{
    struct model_http *client = (struct model_http *)provider;
    note_key(client, model_key_value(client->key));
    return (struct model_http_server){.dialect = client->dialect,
                                      .ports = client->ports,
                                      .http = client->http,
                                      .base_url = str_of(client->base_url),
                                      .key = client->key,
                                      .origin = &client->origin};
}

void model_http_destroy(struct provider *provider)
{
    struct model_http *client = (struct model_http *)provider;
    if (!client)
        return;
    free_secret(client->origin.api_key);
    model_key_destroy(client->key);
    mem_free(client->base.name);
    mem_free(client->base_url);
    arena_release(&client->arena);
    mem_free(client);
}
