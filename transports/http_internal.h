// SPDX-License-Identifier: MIT
// What the files of the HTTP client share; included by transports/http*.c only.
//
//   http.c       requests: their life, what callers see
//   http_easy.c  one transfer of curl: its options, its callbacks
//   http_poll.c  curl's sockets and timers on the loop; results
//   http_wait.c  who may start, and who has waited for too long
//
// There are two multi handles: the cap on connections a host is for TLS, where HTTP/2 shares them,
// and the one for TLS holds the certificates, which cost megabytes. Each is made off the loop when
// it is first needed. curl's callbacks must not add or remove transfers, so while curl is on the
// stack (in_curl) requests only change lists, and settle() does the rest.
//
// A thousand busy streams must not keep the loop from its other work: what is left when
// HTTP_TURN_NS are over waits for the next turn, and comes first there.
#ifndef SWARMD_TRANSPORTS_HTTP_INTERNAL_H
#define SWARMD_TRANSPORTS_HTTP_INTERNAL_H

#include "core/buf.h"
#include "core/list.h"
#include "core/ports.h"
#include "transports/http.h"

#include <curl/curl.h>
#include <uv.h>

enum {
    HTTP_POOL_MAX = 256,            // idle easy handles
    HTTP_RECEIVE_BYTES = 16 << 10,  // curl's buffer a transfer
    HTTP_NAMES_KEPT_S = 600,        // in curl's cache
    HTTP_NAMES_TRUSTED_MS = 540000, // less than that, so that a burst never meets an old entry
    HTTP_UNLIMITED_S = 24 * 3600,   // curl's own limit on connecting: ours is in http_wait.c
    HTTP_SCAN_MAX_MS = 1000,        // between two looks at all clocks
    HTTP_SCAN_MIN_MS = 5,
    HTTP_SCANS_A_STALL = 4,
    HTTP_SUSPENDED_MS = 5000,  // later than that, a scan means that we were stopped
    HTTP_TURN_NS = 4000000,    // of the loop's turn for all of this; the rest waits
    HTTP_STARTS_A_TURN = 64,   // of requests: curl connects all that are new in one go
    HTTP_WARM_ROUNDS_MAX = 50, // of a millisecond
};

enum http_multi_kind { HTTP_PLAIN, HTTP_TLS, HTTP_MULTI_COUNT };
enum http_state { HTTP_NEW, HTTP_STARTING, HTTP_READY, HTTP_FAILED };

struct http_multi {
    struct http *http;
    enum http_state state;
    CURLM *curl;
    uv_timer_t timer;
    struct deferred now; // a timer of 0 ms: libuv would run it again and again in one turn
};

// "https://api.example:443". Made for each configured server, kept until http_close().
struct http_host {
    struct list node;
    struct str origin; // scheme, name and port, in the same allocation
    struct str name;   // of these; for messages
    bool tls;
    bool needs_lookup;          // not a number, not localhost
    bool only_http1;            // a TLS host without HTTP/2
    int64_t known_until;        // its address is in curl's cache; mono ms
    struct http_request *scout; // looks the name up while the others wait
};

struct http_request {
    struct list node; // in waiting, active or dropped
    struct http *http;
    struct http_host *host;
    struct http_sink sink;
    void *arg;
    char *url, *body;
    size_t body_len;
    struct curl_slist *headers;
    int64_t stall_ms;

    CURL *easy;               // NULL before it is added
    struct http_multi *multi; // that it is in, or NULL
    char error[CURL_ERROR_SIZE];
    struct buf error_body;
    int64_t retry_after_ms;
    int64_t added_at;  // mono ms
    int64_t last_byte; // mono ms; 0: nothing has been done for it yet
    curl_off_t sent;
    bool begun;     // it has a connection
    bool answered;  // a byte of the answer has come
    bool dropped;   // nobody listens
    bool lingering; // let go of: read to its end until added_at + HTTP_LINGER_MS
};

struct http {
    const struct ports *ports;
    uv_loop_t *uv;
    struct work start;           // of one multi handle at a time
    struct http_multi *starting; // or NULL
    struct err start_err;
    bool global; // curl_global_init() has succeeded
    CURLSH *share;
    char *ca_bundle; // or NULL: the system's
    struct http_multi multis[HTTP_MULTI_COUNT];
    struct list waiting, active, dropped; // of requests
    struct list hosts;
    CURL *pool[HTTP_POOL_MAX];
    size_t pool_count;
    struct deferred settle;
    uv_timer_t scan_timer;
    uv_check_t end_of_turn;
    int64_t turn_ns; // spent in this turn of the loop
    int turn_starts;
    struct list late;            // of sockets, ready, for which the turn had no time
    bool unsettled;              // nor had it for all that settle() would do
    int64_t scan_ms, scanned_at; // scan_ms 0: not running
    int in_curl;
    int handles; // open on the loop
    bool closing, lift_cap;
    void (*closed)(void *arg);
    void *closed_arg;
    struct http_stats stats;
};

// http.c
void http_begin_start(struct http_multi *multi); // not while one is starting
void http_settle_soon(struct http *http);
void http_settle(struct http *http); // not while in_curl
// Takes it off curl and all lists and calls `ended`, unless it was dropped. Not while in_curl.
void http_request_end(struct http_request *request, const struct err *err);
void http_request_free(struct http_request *request); // the same without a word

void http_handle_closed(struct http *http); // one of http->handles

// http_easy.c
bool http_easy_add(struct http_request *request, struct http_multi *multi); // false: no memory
void http_easy_remove(struct http_request *request);
// Reads the certificates into the handle's cache, so that no request does that on the loop.
void http_easy_load_certificates(const struct http *http, CURLM *multi);
int http_easy_status(const struct http_request *request);

// http_poll.c
bool http_multi_init(struct http_multi *multi); // off the loop
void http_multi_release(struct http_multi *multi);
void http_multi_uncap(struct http_multi *multi);
void http_multi_now(struct deferred *deferred); // of multi->now

// http_wait.c
struct http_host *http_host_of(struct http *http, struct str url);
void http_host_found(struct http_request *request); // its name is looked up, or needs not be
void http_host_lost(struct http_request *scout, const struct err *err); // fails those that wait
void http_add_waiting(struct http *http);
void http_lift_cap(struct http *http);
void http_scan_for(struct http *http, int64_t stall_ms); // scan often enough for it

#endif
