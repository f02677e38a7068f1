// SPDX-License-Identifier: MIT
#include "core/tools/first_error.h"

#include <strings.h>

enum { SEARCHED = 1000 }; // bytes of a line

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// "0 errors", "no error": what a summary line says when all is well.
static bool is_denied(struct str line, size_t at)
{
    static const char *const words[] = {"0 ", "no ", "without ", "0 test "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (at >= len && strncasecmp(line.data + at - len, words[i], len) == 0 &&
            (at == len || line.data[at - len - 1] < '0' || line.data[at - len - 1] > '9'))
            return true;
    }
    return false;
}

// A word of its own, or the end of a name such as ValueError or FileNotFoundException.
static bool begins_well(struct str line, size_t at)
{
    if (at == 0)
        return true;
    char before = line.data[at - 1];
    bool name = is_letter(before) && before >= 'a' && line.data[at] <= 'Z';
    return name || (!is_letter(before) && !strchr("-_./0123456789", before));
}

static bool ends_well(struct str line, size_t end)
{
    if (end < line.len && (line.data[end] == 's' || line.data[end] == 'S'))
        end++;
    if (end == line.len)
        return true;
    struct str rest = str_skip(line, end);
    return strchr(":[ !,)(\t\r;*=\"'", rest.data[0]) && rest.data[0] &&
           !str_starts(rest, STR(": 0")) && !str_starts(rest, STR("=0")) &&
           !str_starts(rest, STR(" 0"));
}

// The first two letters of the words below, in either case; most places are none.
static bool may_begin(char a, char b)
{
    switch (a | 0x20) {
    case 'e':
        return (b | 0x20) == 'r' || (b | 0x20) == 'x';
    case 'f':
    case 'p':
        return (b | 0x20) == 'a';
    case 't':
        return (b | 0x20) == 'r';
    case 'n':
    case 'c':
        return (b | 0x20) == 'o';
    case 's':
        return (b | 0x20) == 'e';
    case 'u':
        return (b | 0x20) == 'n';
    default:
        return false;
    }
}

bool line_is_error(struct str line)
{
    static const char *const words[] = {"error",
                                        "fatal",
                                        "fail",
                                        "failed",
                                        "failure",
                                        "panic",
                                        "panicked",
                                        "exception",
                                        "traceback",
                                        "not ok",
                                        "segmentation fault",
                                        "undefined reference",
                                        "command not found"};
    for (size_t at = 0; at + 1 < line.len && at < SEARCHED; at++) {
        if (!may_begin(line.data[at], line.data[at + 1]))
            continue;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            size_t len = strlen(words[i]);
            if (at + len <= line.len && strncasecmp(line.data + at, words[i], len) == 0 &&
                begins_well(line, at) && ends_well(line, at + len) && !is_denied(line, at))
                return true;
        }
    }
    return false;
}
