// SPDX-License-Identifier: MIT
#include "core/tools/output_sizes.h"

static void fill(int *out, int value)
{
    if (*out == 0)
        *out = value;
}

static void add(struct output_sizes *out, const struct output_sizes *more)
{
    fill(&out->whole, more->whole);
    fill(&out->cut, more->cut);
    fill(&out->summary, more->summary);
    fill(&out->read, more->read);
}

static void add_config(struct output_sizes *out, const struct output_config *config,
                       struct str tool)
{
    for (size_t i = 0; config && i < config->tool_count; i++)
        if (str_is(tool, config->tools[i]))
            add(out, &config->by_tool[i]);
    if (config)
        add(out, &config->general);
}

struct output_sizes output_sizes_of(const struct output_config *role,
                                    const struct output_config *general, struct str tool)
{
    static const struct output_sizes defaults = {OUTPUT_WHOLE, OUTPUT_CUT, OUTPUT_SUMMARY,
                                                 OUTPUT_READ};
    struct output_sizes sizes = {0};
    add_config(&sizes, role, tool);
    add_config(&sizes, general, tool);
    add(&sizes, &defaults);
    return sizes;
}
