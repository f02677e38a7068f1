// SPDX-License-Identifier: MIT
// Instead of core/base/module.c: the unit tests have the modules linked in.
#include "core/base/module.h"

#include "transports/http_internal.h"

#include <string.h>

extern const struct http_curl swarmd_http;

const void *module_open(const char *file, const char *table, enum err_kind kind, struct err *err)
{
    if (strcmp(table, "swarmd_http") == 0)
        return &swarmd_http;
    err_set(err, kind, "%s is not linked into the unit tests", file);
    return NULL;
}
