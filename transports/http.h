// SPDX-License-Identifier: MIT
// Streaming HTTP over libcurl's multi interface on the loop.
//
// CAPATH is NULL, HTTP/2 is offered and connections wait for a shared one (PIPEWAIT), names are
// resolved once and shared, connections a TLS host are capped (HTTP_HOST_CONNECTIONS_MAX): see
// docs/performance.md for why. A TLS host that turns out to speak only HTTP/1.1 is not capped, as
// each of its connections carries one request. TLS is always verified, against the bundle that
// CURL_CA_BUNDLE or SSL_CERT_FILE names, else the system's. http_proxy, https_proxy, all_proxy
// and no_proxy hold. Redirects are not followed. curl is loaded (core/base/module.h) and
// initialised at the first request, off the loop; requests wait meanwhile.
#ifndef SWARMD_TRANSPORTS_HTTP_H
#define SWARMD_TRANSPORTS_HTTP_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    HTTP_HOST_CONNECTIONS_MAX = 12, // TLS hosts with HTTP/2
    HTTP_ERROR_BODY_MAX = 64 << 10, // kept of an answer that is not 2xx
    HTTP_CONNECT_MS = 30000,        // to connect, TLS included
    HTTP_LINGER_MS = 2000,
};

struct loop;
struct http;
struct http_request;

struct http_spec {
    struct str url;
    char *body; // POST when not NULL, else GET; taken over (mem_free)
    size_t body_len;
    const char *const *headers; // "Name: value", NULL-terminated; copied
    // Fail when no byte came (or went, while a large body is sent) for so long; 0: never. The
    // clock starts when the request gets its connection, and is read at least four times in
    // stall_ms, or once a second.
    int64_t stall_ms;
};

struct http_answer {
    int status;             // 0 when there was none
    int64_t retry_after_ms; // from Retry-After (seconds or date) or Retry-After-Ms; -1 without
    struct str error_body;  // of a status that is not 2xx
    bool timed_out;         // no connection, or no byte, for too long
};

struct http_sink {
    // Each line of the head, the status line and the empty one at its end too. May be NULL.
    void (*header)(void *arg, struct str line);
    void (*body)(void *arg, struct str bytes); // of a 2xx answer
    // Once, last. err->kind: ERR_NONE, or ERR_PROVIDER with what curl says and the host.
    void (*ended)(void *arg, const struct http_answer *answer, const struct err *err);
};

struct http_stats {
    int64_t requests, connections; // since http_create()
    int active;                    // not ended yet, those let go of included
};

struct http *http_create(struct loop *loop);
// Cancels what is left. `closed` when nothing of it is registered on the loop any more; never
// from within.
void http_close(struct http *http, void (*closed)(void *arg), void *arg);
struct http_stats http_stats(const struct http *http);

// Never NULL; nothing is called from within. May be called from within a sink's callbacks.
struct http_request *http_start(struct http *http, const struct http_spec *spec,
                                const struct http_sink *sink, void *arg);

// At once: no callback after. Also from within the sink's callbacks; not after `ended`.
void http_cancel(struct http_request *request);

// As http_cancel() for the caller, but the rest of the answer is read and dropped for up to
// HTTP_LINGER_MS, so that the connection can be used again: for a body that has said all.
void http_let_go(struct http_request *request);

#endif
