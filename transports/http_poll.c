// SPDX-License-Identifier: MIT
#include "transports/http_internal.h"

#include "core/base/mem.h"

#include <curl/curl.h>

// A socket of curl on the loop.
struct http_socket {
    uv_poll_t poll;
    struct http_multi *multi;
    curl_socket_t fd;
    struct list late; // in http->late, or empty
    int late_flags;
};

static void end_transfer(CURL *easy, CURLcode code)
{
    struct http_request *request = NULL;
    struct err err = {0};
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    if (code != CURLE_OK)
        err_set(&err, ERR_PROVIDER, "%.*s: %s", STR_ARG(request->host->name),
                request->error[0] ? request->error : curl_easy_strerror(code));
    bool no_name = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
    request->http->events->ended(request, &err, no_name);
}

static void read_results(struct http_multi *multi)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi->curl, &left)))
        if (message->msg == CURLMSG_DONE)
            end_transfer(message->easy_handle, message->data.result);
}

static void act(struct http_multi *multi, curl_socket_t fd, int flags)
{
    struct http *http = multi->http;
    uint64_t start = uv_hrtime();
    int running;
    http->in_curl++;
    curl_multi_socket_action(multi->curl, fd, flags, &running);
    http->in_curl--;
    if (!http->closing) { // else http_close() was called below, and settling ends all
        read_results(multi);
        if (!list_empty(&http->dropped))
            http->events->settle(http);
    }
    http->turn_ns += (int64_t)(uv_hrtime() - start);
}

static int flags_of(int status, int events)
{
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    return flags;
}

static void act_on_late(struct http *http)
{
    while (!list_empty(&http->late) && http->turn_ns < HTTP_TURN_NS) {
        struct http_socket *socket = list_entry(http->late.next, struct http_socket, late);
        list_remove(&socket->late);
        act(socket->multi, socket->fd, socket->late_flags);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_socket *socket = poll->data;
    struct http *http = socket->multi->http;
    int flags = flags_of(status, events);
    act_on_late(http);
    if (uv_is_closing((uv_handle_t *)poll))
        return; // by what was done just now
    if (http->turn_ns >= HTTP_TURN_NS) {
        // Still ready, so the next poll returns at once.
        socket->late_flags = flags;
        if (list_empty(&socket->late))
            list_append(&http->late, &socket->late);
        return;
    }
    act(socket->multi, socket->fd, flags);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void act_now(struct deferred *deferred)
{
    act(list_entry(deferred, struct http_multi, now), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *curl, long ms, void *arg)
{
    struct http_multi *multi = arg;
    (void)curl;
    list_remove(&multi->now.node);
    uv_timer_stop(&multi->timer);
    if (ms == 0)
        port_defer(multi->http->ports, &multi->now);
    else if (ms > 0)
        uv_timer_start(&multi->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct http_socket *socket = (struct http_socket *)handle;
    struct http *http = socket->multi->http;
    mem_free(socket);
    http->events->handle_closed(http);
}

static struct http_socket *open_socket(struct http_multi *multi, curl_socket_t fd)
{
    struct http_socket *socket = mem_new(sizeof(*socket));
    socket->multi = multi;
    socket->fd = fd;
    if (uv_poll_init_socket(multi->http->uv, &socket->poll, fd) < 0) {
        mem_free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    list_init(&socket->late);
    multi->http->handles++;
    curl_multi_assign(multi->curl, fd, socket);
    return socket;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct http_multi *multi = arg;
    struct http_socket *socket = known;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (socket) {
            curl_multi_assign(multi->curl, fd, NULL);
            list_remove(&socket->late);
            uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
        }
        return 0;
    }
    if (!socket && !(socket = open_socket(multi, fd)))
        return -1;
    int events = 0;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&socket->poll, events, on_poll) < 0 ? -1 : 0;
}

bool http_multi_init(struct http_multi *multi)
{
    struct http *http = multi->http;
    multi->curl = curl_multi_init();
    if (!multi->curl)
        return false;
    if (multi == &http->multis[HTTP_TLS]) {
        http_easy_load_certificates(http, multi->curl);
        curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)HTTP_HOST_CONNECTIONS_MAX);
    }
    multi->now.fn = act_now;
    // Only now, as these are called on the thread that uses the handle.
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    return true;
}

void http_multi_uncap(struct http_multi *multi)
{
    curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
}

void http_multi_release(struct http_multi *multi)
{
    if (multi->curl)
        curl_multi_cleanup(multi->curl);
    multi->curl = NULL;
}
