// SPDX-License-Identifier: MIT
// What an editor sends along with a task ({uri, range?, text?}), as text for the first message.
#ifndef SWARMD_LSP_CONTEXT_H
#define SWARMD_LSP_CONTEXT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"

#include <stdbool.h>

enum { CONTEXT_MAX = 1 << 20 }; // bytes of all of it

void context_init(struct buf *out);

// Reads params.context; absent gives nothing. Files that may be images and come without text are
// added to `images`: each path with a NUL behind it. ERR_PARAMS names the entry and what it takes.
bool context_read(const struct json *params, struct buf *out, struct buf *images, struct err *err);

#endif
