// SPDX-License-Identifier: MIT
// Money as text. It is counted in nano-dollars.
#ifndef SWARMD_CORE_BASE_DOLLARS_H
#define SWARMD_CORE_BASE_DOLLARS_H

#include "core/base/json.h"

#include <stdint.h>

enum { DOLLARS_TEXT_MAX = 32 };

void dollars_add(struct json_writer *w, const char *key, int64_t nano); // exact
void dollars_format(int64_t nano, char out[DOLLARS_TEXT_MAX]);          // "$12.34", "$0.0012"

#endif
