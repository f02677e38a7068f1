// SPDX-License-Identifier: MIT
// What requests to models take: tokens, time, money. All sums are integers, so they are exact.
//
// Money is nano-dollars. A request's cost is rounded once, then only added up. Three kinds of
// requests are told apart: those whose cost is known; `unpriced` ones, whose tokens are known but
// not what they cost; and `uncounted` ones, of which the provider did not say how many tokens they
// took (a stream that was cut, some servers always).
#ifndef SWARMD_CORE_AGENT_USAGE_H
#define SWARMD_CORE_AGENT_USAGE_H

#include "core/base/dollars.h"
#include "core/base/json.h"
#include "core/model/catalogue.h"
#include "core/model/model.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    USAGE_DAY_MS = 86400000,     // days are those of UTC
    USAGE_DAY_TEXT = 11,         // "2026-11-21" and NUL
    USAGE_DOLLARS_MAX = 1 << 20, // of a price per million tokens, and of a budget
};

struct usage_sum {
    int64_t requests, unpriced, uncounted;
    int64_t input_tokens; // all of the requests, those of the cache included
    int64_t output_tokens, cache_read_tokens, cache_write_tokens;
    int64_t cost;    // of those that are priced
    int64_t work_ms; // time at work; waiting for a person is none
};

void usage_sum_add(struct usage_sum *sum, const struct usage_sum *more);
struct usage_sum usage_sum_since(const struct usage_sum *now, const struct usage_sum *then);

// Is what it cost in all known? Unknown is not 0.
bool usage_is_priced(const struct usage_sum *sum);

// One request. What the provider did not say of a part is taken as none.
struct usage_sum usage_of_request(const struct model_usage *usage, const struct model_info *model);

// Members inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd (null: not known),
// requests, seconds.
void usage_add_members(struct json_writer *w, const struct usage_sum *sum);
// All members, for the store: an array of integers.
void usage_sum_write(struct json_writer *w, const struct usage_sum *sum);
struct usage_sum usage_sum_read(const struct json *json); // zeroes where there is nothing

void usage_format_day(int64_t day, char out[USAGE_DAY_TEXT]); // of days since 1970
bool usage_read_day(struct str text, int64_t *day);           // "2026-11-21"

#endif
