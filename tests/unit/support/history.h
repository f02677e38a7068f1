// SPDX-License-Identifier: MIT
// Random transcripts: every kind of item, huge and empty ones, text of one to four bytes a
// character, what models do wrong. The same number gives the same transcript.
#ifndef SWARMD_TESTS_HISTORY_H
#define SWARMD_TESTS_HISTORY_H

#include "core/agent/transcript.h"

#include <stdbool.h>
#include <stdint.h>

struct history {
    uint64_t random;
    struct transcript transcript;
    int64_t seq, turn, step;
    // What a provider gives along with reasoning, text and calls: its dialect's kind; NULL: "x".
    const char *dialect;
    bool wild; // also images, blank texts, broken answers, kinds that are not for a model
};

unsigned history_pick(struct history *history, unsigned bound);
struct item *history_add(struct history *history, enum item_kind kind);
void history_add_text(struct history *history, struct buf *out); // mostly small, sometimes huge
void history_add_message(struct history *history);
void history_add_step(struct history *history); // one answer of a model, and the results

#endif
