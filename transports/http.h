// SPDX-License-Identifier: MIT
// Streaming HTTP over libcurl's multi interface on the loop.
//
// CAPATH is NULL, HTTP/2 is offered and connections wait for a shared one (PIPEWAIT), names are
// resolved once and shared, connections a host are capped (HTTP_HOST_CONNECTIONS_MAX): see
// peers.md, Floors. TLS is always verified. http_proxy, https_proxy, all_proxy and no_proxy hold.
// curl is initialised at the first request, off the loop.
#ifndef SWARMD_TRANSPORTS_HTTP_H
#define SWARMD_TRANSPORTS_HTTP_H

#include "core/err.h"
#include "core/str.h"

#include <stdint.h>

enum {
    HTTP_HOST_CONNECTIONS_MAX = 12, // TLS hosts; plain HTTP has no multiplexing and no cap here
    HTTP_ERROR_BODY_MAX = 64 << 10, // kept of an answer that is not 2xx
};

struct loop;
struct http;
struct http_request;

struct http_spec {
    struct str url;
    struct str body;             // POST when data is not NULL, else GET; copied
    const char *const *headers;  // "Name: value", NULL-terminated; copied
    int64_t stall_ms;            // fail when no byte came for so long; 0: never
};

struct http_answer {
    int status;             // 0 when there was none
    int64_t retry_after_ms; // from Retry-After (seconds or date); -1 without
    struct str error_body;  // of a status that is not 2xx
};

struct http_sink {
    void (*body)(void *arg, struct str bytes); // of a 2xx answer
    // Once, last. err->kind: ERR_NONE, or ERR_PROVIDER with what curl says and the host.
    void (*ended)(void *arg, const struct http_answer *answer, const struct err *err);
};

struct http *http_create(struct loop *loop);
// Cancels what is left. `closed` when nothing of it is registered on the loop any more.
void http_close(struct http *http, void (*closed)(void *arg), void *arg);

// Never NULL; nothing is called from within.
struct http_request *http_start(struct http *http, const struct http_spec *spec,
                                const struct http_sink *sink, void *arg);
void http_cancel(struct http_request *request); // at once; no callback after

#endif
