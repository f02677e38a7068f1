// SPDX-License-Identifier: MIT
// Requests to the server one after the other, for commands that show what it answers.
#ifndef SWARMD_CLI_ASK_H
#define SWARMD_CLI_ASK_H

#include "cli/child.h"
#include "core/base/arena.h"
#include "core/base/json.h"

struct ask {
    struct child child;
    struct arena arena; // of the last answer
    const char *name;   // "swarmd audit": before messages
    int last_id;
    bool started;
    int exit_code; // RUN_FAILED after the first failure, which was said on stderr
};

bool ask_begin(struct ask *ask, const char *name);
// The result, until the next one; NULL when it failed.
const struct json *ask_request(struct ask *ask, const char *method, struct str params);
int ask_end(struct ask *ask); // the exit code

#endif
