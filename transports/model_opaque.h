// SPDX-License-Identifier: MIT
// What a provider wants back (core/model/model.h), as JSON: {"kind": "<dialect>", "provider":
// "<name>",
// "<key>": ...}. Signatures of one provider are refused by another that speaks the same dialect.
#ifndef SWARMD_TRANSPORTS_MODEL_OPAQUE_H
#define SWARMD_TRANSPORTS_MODEL_OPAQUE_H

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/model/model.h"

struct model_stream;

enum { MODEL_OPAQUE_TREE_MAX = 64 << 20 }; // bytes of an arena that reads any opaque

// NULL when there is none, or when another dialect or provider has made it (older ones do not say
// which). Lives as long as the arena's
// content and the text.
const struct json *model_opaque_read(struct arena *arena, const char *kind, struct str provider,
                                     struct str opaque);

// Hands one to the sink. False (ERR_LIMIT) when it is larger than MODEL_OPAQUE_MAX.
bool model_opaque_send(struct model_stream *stream, enum model_part_kind of, unsigned index,
                       struct str opaque, struct err *err);

// The usual one, with one string.
bool model_opaque_send_str(struct model_stream *stream, enum model_part_kind of, unsigned index,
                           const char *kind, const char *key, struct str value, struct err *err);

#endif
