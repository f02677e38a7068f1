// SPDX-License-Identifier: MIT
// "This model's maximum context length is 8192 tokens": how large the window is that was passed.
#include "transports/model_failure.h"

#include <string.h>
#include <strings.h>

enum {
    GAP_MAX = 16,   // bytes between the words and the number: " is ", " of only ", " ("
    DIGITS_MAX = 9, // longer ones are no window
    WINDOW_LEAST = 256,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The number behind the words, within the same clause.
static int64_t number_behind(struct str text)
{
    size_t at = 0, digits = 0;
    int64_t number = 0;
    while (at < text.len && at < GAP_MAX && !is_digit(text.data[at])) {
        if (strchr(".;,=", text.data[at]))
            return 0;
        at++;
    }
    for (; at < text.len && (is_digit(text.data[at]) || text.data[at] == ','); at++) {
        if (text.data[at] == ',' && (at + 1 == text.len || !is_digit(text.data[at + 1])))
            break;
        if (text.data[at] == ',')
            continue;
        if (++digits > DIGITS_MAX)
            return 0;
        number = number * 10 + (text.data[at] - '0');
    }
    return number >= WINDOW_LEAST ? number : 0;
}

int64_t model_failure_window(struct str message)
{
    static const char *const words[] = {"context length",       "context window",
                                        "context size",         "maximum prompt length",
                                        "maximum model length", "number of tokens allowed"};
    for (size_t at = 0; at < message.len; at++) {
        for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
            size_t len = strlen(words[i]);
            if (message.len - at < len || strncasecmp(message.data + at, words[i], len) != 0)
                continue;
            int64_t number = number_behind(str_skip(message, at + len));
            if (number)
                return number;
        }
    }
    return 0;
}
