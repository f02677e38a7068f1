// SPDX-License-Identifier: MIT
// An agent's items as text for a person, while they stream.
//
// What models and commands say goes to a terminal: control characters are shown as '?', so that
// nothing can drive it.
#ifndef SWARMD_CLI_TRANSCRIPT_H
#define SWARMD_CLI_TRANSCRIPT_H

#include "core/json.h"

#include <stdbool.h>
#include <stdio.h>

enum { TRANSCRIPT_ID_MAX = 64 };

struct transcript {
    FILE *out;
    bool color;
    bool in_line;                 // something was printed since the last newline
    char live[TRANSCRIPT_ID_MAX]; // item whose text is being printed
    size_t shown;                 // bytes of it
    char tool[TRANSCRIPT_ID_MAX]; // the tool that the line above names
};

void transcript_init(struct transcript *t, FILE *out);
void transcript_item(struct transcript *t, const struct json *item);
void transcript_delta(struct transcript *t, const struct json *event);
// One line of our own, on a fresh line.
void transcript_say(struct transcript *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void transcript_safe(FILE *out, struct str text); // as it is, but harmless

#endif
