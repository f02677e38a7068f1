// SPDX-License-Identifier: MIT
// file: URIs (RFC 8089) of absolute paths.
#ifndef SWARMD_CORE_BASE_URI_H
#define SWARMD_CORE_BASE_URI_H

#include "core/base/buf.h"
#include "core/base/str.h"

// Appends file://<path>, everything but unreserved characters and '/' percent-encoded.
void uri_add_path(struct buf *out, struct str path);

// The path of a file: URI without a host or with "localhost"; NULL for anything else, for bad
// percent encoding and for an encoded NUL. The caller frees with mem_free.
char *uri_to_path(struct str uri);

#endif
