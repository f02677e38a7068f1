// SPDX-License-Identifier: MIT
// What the files of the HTTP client share; included by transports/http*.c only.
//
//   http.c       requests: their life, what callers see
//   http_wait.c  who may start, and who has waited for too long
//
// and behind struct http_curl, in the module swarmd-http.so, the only ones that know curl:
//
//   http_curl.c  its start and its end
//   http_easy.c  one transfer of curl: its options, its callbacks
//   http_poll.c  curl's sockets and timers on the loop; results
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

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/base/ports.h"
#include "transports/http.h"

#include <uv.h>

enum {
    HTTP_ERROR_BYTES = 256,         // curl's message
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
    void *curl; // CURLM
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
    char **headers; // NULL-terminated, or NULL
    int64_t stall_ms;

    void *easy;               // CURL; NULL before it is added
    struct curl_slist *lines; // curl's copy of the headers, from then on
    struct http_multi *multi; // that it is in, or NULL
    char error[HTTP_ERROR_BYTES];
    struct buf error_body;
    int64_t retry_after_ms;
    int64_t added_at;  // mono ms
    int64_t last_byte; // mono ms; 0: nothing has been done for it yet
    int64_t sent;
    bool begun;    // it has a connection
    bool answered; // a byte of the answer has come
    bool dropped;  // nobody listens
    bool timed_out;
    bool lingering; // let go of: read to its end until added_at + HTTP_LINGER_MS
};

struct http {
    const struct ports *ports;
    uv_loop_t *uv;
    struct work start;           // of one multi handle at a time
    struct http_multi *starting; // or NULL
    struct err start_err;
    const struct http_curl *curl; // once it is loaded
    const struct http_events *events;
    bool global;     // curl_global_init() has succeeded
    void *share;     // CURLSH
    char *ca_bundle; // or NULL: the system's
    struct http_multi multis[HTTP_MULTI_COUNT];
    struct list waiting, active, dropped; // of requests
    struct list hosts;
    void *pool[HTTP_POOL_MAX]; // of CURL
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

// What the module gives. `start` blocks and runs off the loop, all others on it.
struct http_curl {
    const char *version;
    bool (*start)(struct http_multi *multi, struct err *err); // and of curl itself, the first time
    void (*rest)(struct http *http);    // frees what is kept for the next requests
    void (*release)(struct http *http); // all but curl itself
    void (*stop)(void);                 // curl itself, last
    bool (*add)(struct http_request *request, struct http_multi *multi); // false: no memory
    void (*remove)(struct http_request *request); // of one that has `easy`, as for the two below
    int (*status)(const struct http_request *request);
    int64_t (*sent)(const struct http_request *request); // bytes of its body
    void (*uncap)(struct http_multi *multi);
};

// What it is told. Not `ended` and `settle` while in_curl.
struct http_events {
    void (*found)(struct http_request *request); // its name is looked up, or needs not be
    void (*ended)(struct http_request *request, const struct err *err, bool no_name);
    void (*settle)(struct http *http);
    void (*handle_closed)(struct http *http); // one of http->handles
};

static inline void http_settle_soon(struct http *http)
{
    port_defer(http->ports, &http->settle);
}

// http.c
void http_begin_start(struct http_multi *multi); // not while one is starting
// Takes it off curl and all lists and calls `ended`, unless it was dropped. Not while in_curl.
void http_request_end(struct http_request *request, const struct err *err);
void http_request_free(struct http_request *request); // the same without a word
void http_remove(struct http_request *request);       // from curl

// http_wait.c
struct http_host *http_host_of(struct http *http, struct str url);
void http_host_found(struct http_request *request); // its name is looked up, or needs not be
void http_host_lost(struct http_request *scout, const struct err *err); // fails those that wait
void http_add_waiting(struct http *http);
void http_lift_cap(struct http *http);
void http_scan_for(struct http *http, int64_t stall_ms); // scan often enough for it

// in the module, http_easy.c
bool http_easy_add(struct http_request *request, struct http_multi *multi);
void http_easy_remove(struct http_request *request);
int http_easy_status(const struct http_request *request);
int64_t http_easy_sent(const struct http_request *request);
// Reads the certificates into the handle's cache, so that no request does that on the loop.
void http_easy_load_certificates(const struct http *http, void *multi);

// in the module, http_poll.c
bool http_multi_init(struct http_multi *multi);
void http_multi_release(struct http_multi *multi);
void http_multi_uncap(struct http_multi *multi);

#endif
