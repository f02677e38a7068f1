// SPDX-License-Identifier: MIT
// An agent's items as text for a person, while they stream.
//
// What models and commands say and write goes to a terminal as core/base/text.h makes it, so that
// nothing can drive that; to a file or a pipe it goes as it is.
#ifndef SWARMD_CLI_PRINTER_H
#define SWARMD_CLI_PRINTER_H

#include "core/base/json.h"

#include <stdbool.h>
#include <stdio.h>

enum { PRINTER_ID_MAX = 64 };

struct printer {
    FILE *out;
    bool terminal;
    bool color;
    bool in_line;              // something was printed since the last newline
    char live[PRINTER_ID_MAX]; // item whose text is being printed
    size_t shown;              // bytes of it
    char tool[PRINTER_ID_MAX]; // the tool that the line above names
    int64_t whole;             // number of the newest text that is printed to its end
    bool waits;                // that the agent waits is said
};

void printer_init(struct printer *t, FILE *out);
void printer_item(struct printer *t, const struct json *item);
void printer_delta(struct printer *t, const struct json *event);
// Why nothing comes for a while: a request is made again later, or waits.
void printer_activity(struct printer *t, struct str activity);
// One line of our own, on a fresh line.
void printer_say(struct printer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Lines of a patch, in colour where there is any.
void printer_patch(struct printer *t, struct str lines);
void printer_safe(FILE *out, struct str text); // harmless, wherever it goes

#endif
