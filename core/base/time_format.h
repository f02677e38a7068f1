// SPDX-License-Identifier: MIT
// Times on the wire: RFC 3339, UTC, milliseconds ("2026-01-02T03:04:05.678Z").
//
// Inside, a time is an int64_t of milliseconds since 1970, UTC. The calendar is computed here and
// not by gmtime(), so that it costs nothing in the hot path and no locale or zone touches it.
#ifndef SWARMD_CORE_BASE_TIME_FORMAT_H
#define SWARMD_CORE_BASE_TIME_FORMAT_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { TIME_TEXT_MAX = 25 }; // 24 characters and a NUL

// Years before 0000 and after 9999 become the first and the last moment that can be written.
void time_format(int64_t ms, char out[TIME_TEXT_MAX]);

// Reads any RFC 3339 time, with an offset or 'Z', with or without a fraction (cut to
// milliseconds). False, and *ms untouched, for anything else.
bool time_parse(struct str text, int64_t *ms);

#endif
