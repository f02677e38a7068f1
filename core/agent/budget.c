// SPDX-License-Identifier: MIT
// A budget as a value: how it is written, and how much of it is used.
#include "core/agent/budget.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const kind_names[BUDGET_KIND_COUNT] = {"agent", "swarm", "scope", "day"};
static const char *const members[BUDGET_MEASURES] = {"steps", "tokens", "costUsd", "seconds"};

const char *budget_kind_name(enum budget_kind kind)
{
    return kind_names[kind];
}

void budget_write_json(struct json_writer *w, const struct budget *budget)
{
    json_begin_object(w);
    for (int i = 0; i < BUDGET_MEASURES; i++) {
        if (budget->most[i] < 0)
            json_add_null(w, members[i]);
        else if (budget->most[i] > 0 && i == BUDGET_COST)
            dollars_add(w, members[i], budget->most[i]);
        else if (budget->most[i] > 0)
            json_add_int(w, members[i], budget->most[i]);
    }
    json_end_object(w);
}

struct budget budget_read_json(const struct json *json)
{
    struct budget budget = {{0}};
    for (int i = 0; i < BUDGET_MEASURES; i++) {
        const struct json *member = json_get(json, members[i]);
        if (member && member->type == JSON_NULL)
            budget.most[i] = -1;
        else if (i == BUDGET_COST)
            budget.most[i] = (int64_t)(json_real(json, members[i], 0) * 1e9 + 0.5);
        else
            budget.most[i] = json_int(json, members[i], 0);
    }
    return budget;
}

struct budget budget_over(const struct budget *own, const struct budget *otherwise)
{
    struct budget result;
    for (int i = 0; i < BUDGET_MEASURES; i++) {
        int64_t most = own->most[i] ? own->most[i] : otherwise->most[i];
        result.most[i] = most > 0 ? most : 0;
    }
    return result;
}

int64_t budget_used(const struct usage_sum *sum, enum budget_measure measure)
{
    switch (measure) {
    case BUDGET_STEPS:
        return sum->requests;
    case BUDGET_TOKENS:
        return sum->input_tokens + sum->output_tokens;
    case BUDGET_COST:
        return sum->cost;
    case BUDGET_SECONDS:
        return sum->work_ms / 1000;
    case BUDGET_MEASURES:
        break;
    }
    return 0;
}

void budget_describe(enum budget_measure measure, int64_t used, int64_t most, char out[96])
{
    static const char *const units[BUDGET_MEASURES] = {"steps", "tokens", "", "seconds at work"};
    if (measure == BUDGET_COST) {
        char a[32], b[32];
        dollars_format(used, a);
        dollars_format(most, b);
        snprintf(out, 96, "%s of %s", a, b);
    } else {
        snprintf(out, 96, "%" PRId64 " of %" PRId64 " %s", used, most, units[measure]);
    }
}
