// SPDX-License-Identifier: MIT
// A model server over HTTP: what all dialects have in common. A dialect says how its request is
// written and its answer read; this sends the one and feeds the other.
#ifndef SWARMD_TRANSPORTS_MODEL_HTTP_H
#define SWARMD_TRANSPORTS_MODEL_HTTP_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/model/model.h"

#include <stdint.h>

struct http;
struct model_key;
struct model_origin;
struct model_stream;
struct ports;

enum { MODEL_REQUEST_MAX = 64 << 20 }; // bytes of a request; a larger one is not sent (limit)

// Whom a request is written for.
struct model_target {
    struct str provider; // as configured
    struct str base_url;
    int habits; // of this server's, as the dialect has found out; 0: nothing is known
};

struct model_dialect {
    // Appends the body of the request.
    void (*write)(struct buf *out, const struct model_request *request,
                  const struct model_target *target);
    // Appends what comes behind the base URL. No key is ever in it.
    void (*path)(struct buf *out, const struct model_request *request, struct str base_url);
    const char *key_header;                    // in front of the key: "Authorization: Bearer "
    const char *header;                        // one more header line, or NULL
    size_t stream_size;                        // of the struct that begins with struct model_stream
    void (*open)(struct model_stream *stream); // after model_stream_init()
    // The server's habits in the light of a refusal. When they are others than those that the
    // request was written for, it is made again. NULL: all servers are alike.
    int (*habits_after)(int habits, const struct err *refusal);
};

struct model_http_spec {   // strings are copied
    struct str name;       // as configured
    struct str base_url;   // without a slash at its end
    struct model_key *key; // taken over
    int64_t stall_ms;
};

struct provider *model_http_create(const struct model_dialect *dialect, const struct ports *ports,
                                   struct http *http, const struct model_http_spec *spec);
// For other requests to the same server.
struct model_http_server {
    const struct model_dialect *dialect;
    const struct ports *ports;
    struct http *http;
    struct str base_url;
    struct model_key *key;
    const struct model_origin *origin; // knows the key as of this call
};
struct model_http_server model_http_server(struct provider *provider);
void model_http_destroy(struct provider *provider); // takes NULL; after its last call has ended

#endif
