// SPDX-License-Identifier: MIT
// JSON-RPC 2.0 as the protocol narrows it: what a message is, its id, and the envelope of what
// goes back. Pure: it knows neither connections nor methods.
//
// Ids are integers (int64) or strings; there are no batches. The server's own requests count
// from RPC_OWN_ID_MIN up, because Vim 9 takes a request with an id of its own for the answer.
#ifndef SWARMD_LSP_RPC_H
#define SWARMD_LSP_RPC_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL_ERROR = -32603,
    RPC_NOT_INITIALIZED = -32002,
    RPC_CANCELLED = -32800,
    RPC_REQUEST_FAILED = -32803,
};

enum { PROTOCOL_VERSION = 1 }; // `initialize` tells it; bridge and host must have the same

enum { RPC_OWN_ID_MIN = 1 << 30, RPC_ID_MAX = 4 << 10 }; // bytes of a string id

enum rpc_id_kind { RPC_ID_NONE, RPC_ID_INT, RPC_ID_STRING };

struct rpc_id {
    enum rpc_id_kind kind;
    int64_t number;
    struct str text;
};

bool rpc_id_equal(const struct rpc_id *a, const struct rpc_id *b);
bool rpc_id_read(const struct json *json, struct rpc_id *id); // false when it is none
struct rpc_id rpc_id_copy(const struct rpc_id *id);           // freed with rpc_id_release()
void rpc_id_release(struct rpc_id *copy);                     // harmless twice

enum rpc_kind {
    RPC_REQUEST,
    RPC_NOTIFICATION,
    RPC_RESPONSE,
    RPC_INVALID, // answer `problem` with RPC_INVALID_REQUEST and id (none: null)
};

struct rpc_message {
    enum rpc_kind kind;
    struct rpc_id id;
    struct str method;
    const struct json *params; // object or array, or NULL
    const struct json *result; // of a response; NULL with an error
    const struct json *error;
    const char *problem;
};

// Views into the parsed message.
void rpc_classify(const struct json *json, struct rpc_message *out);

// Envelopes. Each begin leaves the writer where the value of `result` or `params` goes; each is
// closed with json_end_object().
void rpc_begin_result(struct json_writer *w, const struct rpc_id *id);
void rpc_begin_notification(struct json_writer *w, const char *method);
void rpc_begin_request(struct json_writer *w, int64_t id, const char *method);

// Whole messages. id NULL or of kind RPC_ID_NONE gives null.
void rpc_write_error(struct json_writer *w, const struct rpc_id *id, enum rpc_code code,
                     struct str message);
// The code follows from the kind: ERR_PARAMS is RPC_INVALID_PARAMS, everything else
// RPC_REQUEST_FAILED with data.kind.
void rpc_write_failure(struct json_writer *w, const struct rpc_id *id, const struct err *err);
// With data.files, which are JSON already, or empty.
void rpc_write_failure_with(struct json_writer *w, const struct rpc_id *id, const struct err *err,
                            struct str files);

#endif
