// SPDX-License-Identifier: MIT
#include "transports/http_internal.h"

#include "core/base/mem.h"

// --- hosts

static bool needs_lookup(struct str name)
{
    if (name.len == 0 || name.data[0] == '[' || str_is(name, "localhost"))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] != '.' && (name.data[i] < '0' || name.data[i] > '9'))
            return true;
    return false;
}

static size_t length_until(struct str s, const char *stops)
{
    size_t len = 0;
    while (len < s.len && !strchr(stops, s.data[len]))
        len++;
    return len;
}

static void name_host(struct http_host *host)
{
    long scheme = str_find(host->origin, STR("://"));
    struct str rest = scheme < 0 ? host->origin : str_skip(host->origin, (size_t)scheme + 3);
    size_t bracket = rest.len && rest.data[0] == '[' ? length_until(rest, "]") : 0;
    host->name = str_from(rest.data, bracket + length_until(str_skip(rest, bracket), ":"));
    host->tls = str_starts(host->origin, STR("https://"));
    host->needs_lookup = needs_lookup(host->name);
}

struct http_host *http_host_of(struct http *http, struct str url)
{
    long scheme = str_find(url, STR("://"));
    size_t skip = scheme < 0 ? 0 : (size_t)scheme + 3;
    struct str origin = str_from(url.data, skip + length_until(str_skip(url, skip), "/?#"));
    list_for_each(node, &http->hosts)
    {
        struct http_host *host = list_entry(node, struct http_host, node);
        if (str_equal(host->origin, origin))
            return host;
    }
    struct http_host *host = mem_new(sizeof(*host) + origin.len + 1);
    memcpy(host + 1, origin.data, origin.len);
    host->origin = str_from((const char *)(host + 1), origin.len);
    name_host(host);
    list_append(&http->hosts, &host->node);
    return host;
}

// --- names: one looks up, the rest of a burst waits for it
//
// curl starts a thread for each lookup that is not in its cache, so a thousand requests to a new
// name would start a thousand.

void http_host_found(struct http_request *request)
{
    struct http_host *host = request->host;
    host->known_until = port_mono_ms(request->http->ports) + HTTP_NAMES_TRUSTED_MS;
    if (host->scout != request)
        return;
    host->scout = NULL;
    http_settle_soon(request->http);
}

void http_host_lost(struct http_request *scout, const struct err *err)
{
    struct http *http = scout->http;
    struct http_host *host = scout->host;
    struct list failed;
    list_init(&failed);
    list_for_each_safe(node, &http->waiting)
    {
        if (list_entry(node, struct http_request, node)->host != host)
            continue;
        list_remove(node);
        list_append(&failed, node);
    }
    while (!list_empty(&failed))
        http_request_end(list_entry(failed.next, struct http_request, node), err);
}

static struct http_multi *multi_of(const struct http_request *request)
{
    return &request->http->multis[request->host->tls ? HTTP_TLS : HTTP_PLAIN];
}

static bool may_start(struct http_request *request)
{
    struct http_host *host = request->host;
    struct http_multi *multi = multi_of(request);
    if (multi->state == HTTP_NEW && !request->http->starting)
        http_begin_start(multi);
    if (multi->state == HTTP_NEW || multi->state == HTTP_STARTING)
        return false;
    if (!host->needs_lookup || port_mono_ms(request->http->ports) < host->known_until)
        return true;
    if (host->scout)
        return false;
    host->scout = request;
    return true;
}

static void fail_to_add(struct http_request *request)
{
    struct err err = request->http->start_err;
    if (err.kind == ERR_NONE)
        err_set(&err, ERR_PROVIDER, "%.*s: curl does not take the request (is the URL right?)",
                STR_ARG(request->host->name));
    http_request_end(request, &err);
}

static void add(struct http_request *request)
{
    struct http *http = request->http;
    list_remove(&request->node);
    list_append(&http->active, &request->node);
    request->added_at = port_mono_ms(http->ports);
    http_scan_for(http, request->stall_ms);
    if (multi_of(request)->state == HTTP_FAILED ||
        !request->http->curl->add(request, multi_of(request)))
        fail_to_add(request);
}

void http_add_waiting(struct http *http)
{
    struct list ready;
    list_init(&ready);
    list_for_each_safe(node, &http->waiting)
    {
        if (!may_start(list_entry(node, struct http_request, node)))
            continue;
        list_remove(node);
        list_append(&ready, node);
    }
    while (!list_empty(&ready) && http->turn_starts < HTTP_STARTS_A_TURN &&
           http->turn_ns < HTTP_TURN_NS && !http->closing) {
        http->turn_starts++;
        uint64_t start = uv_hrtime();
        add(list_entry(ready.next, struct http_request, node));
        http->turn_ns += (int64_t)(uv_hrtime() - start);
    }
    http->unsettled = !list_empty(&ready);
    while (!list_empty(&ready)) { // back to the front, in their order
        struct list *last = ready.prev;
        list_remove(last);
        list_append(http->waiting.next, last);
    }
}

// A TLS host turned out to have no HTTP/2: each of its connections carries one request, so a cap
// would make the others wait for minutes. It goes for all hosts, as curl has but one; those that
// wait for a place begin again.
void http_lift_cap(struct http *http)
{
    struct list again;
    http->lift_cap = false;
    list_init(&again);
    http->curl->uncap(&http->multis[HTTP_TLS]);
    list_for_each_safe(node, &http->active)
    {
        struct http_request *request = list_entry(node, struct http_request, node);
        if (request->begun || !request->host->only_http1)
            continue;
        list_remove(node);
        list_append(&again, node);
    }
    while (!list_empty(&again)) {
        struct http_request *request = list_entry(again.next, struct http_request, node);
        list_remove(&request->node);
        list_append(&http->waiting, &request->node);
        http_remove(request);
        request->last_byte = 0;
    }
}

// --- clocks

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// How long it may be quiet; INT64_MAX: for ever.
static int64_t patience(const struct http_request *request)
{
    int64_t stall = request->stall_ms ? request->stall_ms : INT64_MAX;
    return request->begun ? stall : shorter(stall, HTTP_CONNECT_MS);
}

static bool sends(struct http_request *request)
{
    int64_t sent = request->http->curl->sent(request);
    bool more = sent > request->sent;
    request->sent = sent;
    return more;
}

static bool is_due(struct http_request *request, int64_t now)
{
    if (request->lingering)
        return now - request->added_at >= HTTP_LINGER_MS;
    if (request->begun && !request->answered && sends(request))
        request->last_byte = now;
    return request->last_byte != 0 && now - request->last_byte >= patience(request);
}

static void end_due(struct http_request *request)
{
    struct err err = {0};
    double seconds = (double)patience(request) / 1000;
    err_set(&err, ERR_PROVIDER,
            request->begun ? "%.*s: no byte came for %g s" : "%.*s: no connection after %g s",
            STR_ARG(request->host->name), seconds);
    request->timed_out = true;
    http_request_end(request, &err);
}

// While the connection that they wait for is not made either, others of the host have no clock.
static bool waits_in_vain(const struct http_request *request, const struct list *due, int64_t now)
{
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): it takes the head for a node
    if (request->begun || now - request->added_at < patience(request))
        return false;
    list_for_each(node, due)
    {
        const struct http_request *other = list_entry(node, struct http_request, node);
        // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): it takes the head for a node
        if (other->host == request->host && !other->begun)
            return true;
    }
    return false;
}

static void scan(struct http *http, int64_t now)
{
    struct list due;
    list_init(&due);
    list_for_each_safe(node, &http->active)
    {
        if (!is_due(list_entry(node, struct http_request, node), now))
            continue;
        list_remove(node);
        list_append(&due, node);
    }
    if (list_empty(&due))
        return;
    list_for_each_safe(other, &http->active)
    {
        if (!waits_in_vain(list_entry(other, struct http_request, node), &due, now))
            continue;
        list_remove(other);
        list_append(&due, other);
    }
    while (!list_empty(&due))
        end_due(list_entry(due.next, struct http_request, node));
}

// After a stop of the whole process (suspend, SIGSTOP) bytes may wait in the sockets.
static void forgive(struct http *http, int64_t now)
{
    list_for_each(node, &http->active)
    {
        struct http_request *request = list_entry(node, struct http_request, node);
        if (request->last_byte)
            request->last_byte = now;
    }
}

static void on_scan(uv_timer_t *timer)
{
    struct http *http = timer->data;
    int64_t now = port_mono_ms(http->ports), late = now - http->scanned_at - http->scan_ms;
    http->scanned_at = now;
    if (list_empty(&http->active)) {
        uv_timer_stop(timer);
        http->scan_ms = 0;
        if (http->curl)
            http->curl->rest(http);
    } else if (late > HTTP_SUSPENDED_MS) {
        forgive(http, now);
    } else {
        scan(http, now);
    }
}

void http_scan_for(struct http *http, int64_t stall_ms)
{
    int64_t period = HTTP_SCAN_MAX_MS;
    if (stall_ms)
        period = shorter(period, stall_ms / HTTP_SCANS_A_STALL);
    if (period < HTTP_SCAN_MIN_MS)
        period = HTTP_SCAN_MIN_MS;
    if (http->scan_ms && http->scan_ms <= period)
        return;
    http->scan_ms = period;
    http->scanned_at = port_mono_ms(http->ports);
    uv_timer_start(&http->scan_timer, on_scan, (uint64_t)period, (uint64_t)period);
}
