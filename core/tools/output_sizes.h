// SPDX-License-Identifier: MIT
// How much of a tool's output its model is shown, as it is configured: in general, by tool, and the
// same again by role.
#ifndef SWARMD_CORE_TOOLS_OUTPUT_SIZES_H
#define SWARMD_CORE_TOOLS_OUTPUT_SIZES_H

#include "core/base/str.h"

#include <stddef.h>

enum {
    OUTPUT_WHOLE = 6000,    // characters: as it is
    OUTPUT_CUT = 50000,     // characters: its beginning and its end; above, a summary by a model
    OUTPUT_SUMMARY = 12000, // characters of that summary
    OUTPUT_READ = 1000000,  // bytes that the summary is made from
    OUTPUT_TOOLS_MAX = 16,  // that are named
    OUTPUT_OFF = -1,        // of summary: none is made
};

struct output_sizes { // 0: not said here
    int whole, cut, summary, read;
};

struct output_config {
    struct output_sizes general;
    char *tools[OUTPUT_TOOLS_MAX]; // names
    struct output_sizes by_tool[OUTPUT_TOOLS_MAX];
    size_t tool_count;
};

// What holds: each number from the first place that says it, of the role's own for the tool, the
// role's (NULL: no role), the general ones for the tool, the general ones, the values above.
struct output_sizes output_sizes_of(const struct output_config *role,
                                    const struct output_config *general, struct str tool);

#endif
