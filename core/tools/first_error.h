// SPDX-License-Identifier: MIT
// Does a line of a tool's output say that something went wrong? By the words that compilers, test
// runners, shells and interpreters use.
#ifndef SWARMD_CORE_TOOLS_FIRST_ERROR_H
#define SWARMD_CORE_TOOLS_FIRST_ERROR_H

#include "core/base/str.h"

#include <stdbool.h>

bool line_is_error(struct str line);

#endif
