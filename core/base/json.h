// SPDX-License-Identifier: MIT
// JSON (RFC 8259): a reader that builds a tree in an arena, and a writer into a buffer.
//
// Reader: exact 64-bit integers (a number without fraction and exponent that fits int64_t is
// JSON_INT, anything else JSON_REAL); strings are unescaped, have lengths and may hold NUL;
// without escapes they point into the input, so the input must outlive the tree. Invalid UTF-8,
// lone surrogates in \u escapes, trailing commas, comments, NaN and a byte-order mark are errors.
// Of repeated keys the last wins: all are in the tree, json_get() finds the last. A number beyond
// the range of double is an error. Depth and size are capped; nothing recurses without a cap.
// The pointers returned live as long as the arena (and the input).
#ifndef SWARMD_CORE_BASE_JSON_H
#define SWARMD_CORE_BASE_JSON_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 128 }; // nested arrays and objects

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_REAL,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json {
    enum json_type type;
    uint32_t count;    // members of an array or object
    struct str key;    // when this is an object's member
    struct json *next; // the next member of the same parent, in source order
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct str string;
        struct json *first; // the first member
    };
};

// Parses exactly one value with white space around it. The error (ERR_PARAMS) says what was
// expected and at which byte offset; or ERR_LIMIT for depth or the arena's ceiling.
bool json_parse(struct json **out, struct arena *arena, struct str text, struct err *err);

// Member of an object by key; NULL when there is none, when json is NULL or not an object.
// A JSON null counts as absent in the typed getters below, not here.
const struct json *json_get(const struct json *json, const char *key);

// Typed getters of optional members: absent or null gives the fallback and true; a value of
// another type gives ERR_PARAMS with the message "<key>: expected <type>" and false. A real
// without a fraction is an integer too (5.0); an integer is a real too. A string with U+0000 in it
// is refused as well: what is kept ends with that character.
bool json_get_str(const struct json *json, const char *key, struct str *out, struct err *err);
bool json_get_int(const struct json *json, const char *key, int64_t *out, struct err *err);
bool json_get_bool(const struct json *json, const char *key, bool *out, struct err *err);
bool json_get_real(const struct json *json, const char *key, double *out, struct err *err);
bool json_get_object(const struct json *json, const char *key, const struct json **out,
                     struct err *err);
bool json_get_array(const struct json *json, const char *key, const struct json **out,
                    struct err *err);
// On entry *out holds the fallback of each getter above (initialise it).

// Lenient getters for data we wrote ourselves: a member of another type counts as absent.
struct str json_str(const struct json *json, const char *key); // else STR_NONE
int64_t json_int(const struct json *json, const char *key, int64_t fallback);
double json_real(const struct json *json, const char *key, double fallback); // ints convert
bool json_bool(const struct json *json, const char *key, bool fallback);

// The first member; NULL when json is NULL, empty, or no array or object.
static inline const struct json *json_first(const struct json *json)
{
    return json && json->type >= JSON_ARRAY ? json->first : NULL;
}

#define json_for_each(item, parent)                                                                \
    for (const struct json *item = json_first(parent); item; item = item->next)

// Writer. It appends to a buffer and puts the commas; nesting is up to JSON_DEPTH_MAX.
// Overflow shows in out->overflow. Strings must be UTF-8; what is not is repaired visibly.
struct json_writer {
    struct buf *out;
    bool comma; // the next value in this container needs one
};

void json_writer_init(struct json_writer *w, struct buf *out);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key); // key needs no escaping
void json_put_str(struct json_writer *w, struct str s);
void json_put_int(struct json_writer *w, int64_t value);
void json_put_real(struct json_writer *w, double value); // NaN and infinities become null
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct str json);          // one value, already encoded
void json_put_tree(struct json_writer *w, const struct json *json); // NULL gives null

// key and value at once
void json_add_str(struct json_writer *w, const char *key, struct str s);
void json_add_cstr(struct json_writer *w, const char *key, const char *s); // NULL gives null
void json_add_int(struct json_writer *w, const char *key, int64_t value);
void json_add_real(struct json_writer *w, const char *key, double value);
void json_add_bool(struct json_writer *w, const char *key, bool value);
void json_add_null(struct json_writer *w, const char *key);
void json_add_raw(struct json_writer *w, const char *key, struct str json);

#endif
