// SPDX-License-Identifier: MIT
#include "core/base/dollars.h"

#include <inttypes.h>
#include <stdio.h>

enum { NANO = 1000000000 };

static void format_exact(int64_t nano, char out[32])
{
    int len = snprintf(out, 32, "%" PRId64 ".%09" PRId64, nano / NANO, nano % NANO);
    while (out[len - 1] == '0')
        out[--len] = 0;
    if (out[len - 1] == '.')
        out[len - 1] = 0;
}

void dollars_add(struct json_writer *w, const char *key, int64_t nano)
{
    char text[32];
    format_exact(nano, text);
    json_add_raw(w, key, str_of(text));
}

void dollars_format(int64_t nano, char out[DOLLARS_TEXT_MAX])
{
    int64_t cents = (nano + NANO / 200) / (NANO / 100);
    if (nano == 0 || cents >= 100) {
        snprintf(out, 32, "$%" PRId64 ".%02" PRId64, cents / 100, cents % 100);
        return;
    }
    int64_t small = (nano + 50000) / 100000; // ten-thousandths of a dollar
    snprintf(out, 32, small ? "$0.%04" PRId64 : "under $0.0001", small);
}
