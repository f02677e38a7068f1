// SPDX-License-Identifier: MIT
#include "transports/http_internal.h"

#include "core/base/mem.h"
#include "core/base/module.h"
#include "transports/loop.h"

#include <stdlib.h>

// --- requests

void http_remove(struct http_request *request)
{
    if (request->easy)
        request->http->curl->remove(request);
}

void http_request_free(struct http_request *request)
{
    struct http *http = request->http;
    list_remove(&request->node);
    http->stats.active--;
    if (request->host->scout == request) {
        request->host->scout = NULL;
        http_settle_soon(http);
    }
    http_remove(request);
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        mem_free(request->headers[i]);
    mem_free(request->headers);
    buf_release(&request->error_body);
    mem_free(request->url);
    mem_free(request->body);
    mem_free(request);
}

void http_request_end(struct http_request *request, const struct err *err)
{
    struct http_sink sink = request->sink;
    void *arg = request->arg;
    bool silent = request->dropped || request->http->closing;
    struct http_answer answer = {
        .status = request->easy ? request->http->curl->status(request) : 0,
        .retry_after_ms = request->retry_after_ms,
        .timed_out = request->timed_out,
    };
    struct buf error_body = request->error_body;
    buf_init(&request->error_body, 0);
    http_request_free(request);
    answer.error_body = buf_str(&error_body);
    if (!silent)
        sink.ended(arg, &answer, err);
    buf_release(&error_body);
}

static char **copy_headers(const char *const *headers)
{
    size_t count = 0;
    while (headers && headers[count])
        count++;
    char **copies = mem_new_array(count + 1, sizeof(*copies));
    for (size_t i = 0; i < count; i++)
        copies[i] = mem_dup(str_of(headers[i]));
    return copies;
}

struct http_request *http_start(struct http *http, const struct http_spec *spec,
                                const struct http_sink *sink, void *arg)
{
    struct http_request *request = mem_new(sizeof(*request));
    request->http = http;
    request->host = http_host_of(http, spec->url);
    request->sink = *sink;
    request->arg = arg;
    request->url = mem_dup(spec->url);
    request->body = spec->body;
    request->body_len = spec->body_len;
    request->headers = copy_headers(spec->headers);
    request->stall_ms = spec->stall_ms;
    request->retry_after_ms = -1;
    buf_init(&request->error_body, HTTP_ERROR_BODY_MAX);
    list_append(&http->waiting, &request->node);
    http->stats.requests++;
    http->stats.active++;
    http_settle_soon(http);
    return request;
}

void http_cancel(struct http_request *request)
{
    struct http *http = request->http;
    request->dropped = true;
    if (!http->in_curl) {
        http_request_free(request);
        return;
    }
    list_remove(&request->node);
    list_append(&http->dropped, &request->node);
    http_settle_soon(http);
}

void http_let_go(struct http_request *request)
{
    struct http *http = request->http;
    if (!request->begun) {
        http_cancel(request);
        return;
    }
    request->dropped = true;
    request->lingering = true;
    request->added_at = port_mono_ms(http->ports);
    http_scan_for(http, HTTP_LINGER_MS);
}

struct http_stats http_stats(const struct http *http)
{
    return http->stats;
}

// --- settling: what must not happen while curl is on the stack

static void tear_down(struct http *http);

static void settle(struct http *http)
{
    while (!list_empty(&http->dropped))
        http_request_free(list_entry(http->dropped.next, struct http_request, node));
    if (http->closing) {
        if (!http->starting)
            tear_down(http);
        return;
    }
    if (http->lift_cap)
        http_lift_cap(http);
    http_add_waiting(http);
}

static void on_settle(struct deferred *deferred)
{
    settle(list_entry(deferred, struct http, settle));
}

// --- the start of curl, off the loop

static void start_run(struct work *work)
{
    struct http *http = list_entry(work, struct http, start);
    if (!http->curl)
        http->curl = module_open("swarmd-http.so", "swarmd_http", ERR_PROVIDER, &http->start_err);
    if (http->curl)
        http->curl->start(http->starting, &http->start_err);
}

static void start_done(struct work *work)
{
    struct http *http = list_entry(work, struct http, start);
    http->starting->state = http->start_err.kind == ERR_NONE ? HTTP_READY : HTTP_FAILED;
    http->starting = NULL;
    settle(http);
}

void http_begin_start(struct http_multi *multi)
{
    struct http *http = multi->http;
    multi->state = HTTP_STARTING;
    http->starting = multi;
    http->start = (struct work){.run = start_run, .done = start_done};
    port_work(http->ports, LANE_FILES, &http->start);
}

// --- life

static void on_end_of_turn(uv_check_t *check)
{
    struct http *http = check->data;
    http->turn_ns = 0;
    http->turn_starts = 0;
    if (http->unsettled)
        http_settle_soon(http);
}

static char *ca_bundle_of_environment(void)
{
    const char *path = getenv("CURL_CA_BUNDLE");
    if (!path || !*path)
        path = getenv("SSL_CERT_FILE");
    return path && *path ? mem_dup(str_of(path)) : NULL;
}

// With the last of our handles everything is off the loop.
static void handle_closed(struct http *http)
{
    if (--http->handles)
        return;
    void (*closed)(void *arg) = http->closed;
    void *arg = http->closed_arg;
    if (http->global)
        http->curl->stop();
    while (!list_empty(&http->hosts)) {
        struct http_host *host = list_entry(http->hosts.next, struct http_host, node);
        list_remove(&host->node);
        mem_free(host);
    }
    mem_free(http->ca_bundle);
    mem_free(http);
    if (closed)
        closed(arg);
}

static void ended(struct http_request *request, const struct err *err, bool no_name)
{
    if (no_name && request->host->scout == request)
        http_host_lost(request, err);
    http_request_end(request, err);
}

struct http *http_create(struct loop *loop)
{
    static const struct http_events events = {http_host_found, ended, settle, handle_closed};

    struct http *http = mem_new(sizeof(*http));
    http->ports = loop_ports(loop);
    http->uv = loop_uv(loop);
    http->events = &events;
    http->ca_bundle = ca_bundle_of_environment();
    list_init(&http->waiting);
    list_init(&http->active);
    list_init(&http->dropped);
    list_init(&http->hosts);
    list_init(&http->late);
    list_init(&http->settle.node);
    http->settle.fn = on_settle;
    uv_timer_init(http->uv, &http->scan_timer);
    http->scan_timer.data = http;
    uv_check_init(http->uv, &http->end_of_turn);
    http->end_of_turn.data = http;
    uv_check_start(&http->end_of_turn, on_end_of_turn);
    uv_unref((uv_handle_t *)&http->end_of_turn);
    http->handles = 2;
    for (int kind = 0; kind < HTTP_MULTI_COUNT; kind++) {
        uv_timer_init(http->uv, &http->multis[kind].timer);
        http->multis[kind].http = http;
        http->multis[kind].timer.data = &http->multis[kind];
        list_init(&http->multis[kind].now.node);
        http->handles++;
    }
    return http;
}

static void free_list(struct list *requests)
{
    while (!list_empty(requests))
        http_request_free(list_entry(requests->next, struct http_request, node));
}

static void on_handle_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void tear_down(struct http *http)
{
    http->closing = false; // once
    free_list(&http->waiting);
    free_list(&http->active);
    free_list(&http->dropped);
    list_remove(&http->settle.node); // freeing a scout has asked for it
    if (http->curl)
        http->curl->release(http);
    for (int kind = 0; kind < HTTP_MULTI_COUNT; kind++) {
        list_remove(&http->multis[kind].now.node);
        http->multis[kind].timer.data = http;
        uv_close((uv_handle_t *)&http->multis[kind].timer, on_handle_closed);
    }
    uv_close((uv_handle_t *)&http->scan_timer, on_handle_closed);
    uv_close((uv_handle_t *)&http->end_of_turn, on_handle_closed);
}

void http_close(struct http *http, void (*closed)(void *arg), void *arg)
{
    struct list *lists[] = {&http->waiting, &http->active};
    http->closing = true;
    http->closed = closed;
    http->closed_arg = arg;
    for (size_t i = 0; i < 2; i++) // no callback from now on, also when curl is on the stack
        list_for_each(node, lists[i]) list_entry(node, struct http_request, node)->dropped = true;
    http_settle_soon(http);
}
