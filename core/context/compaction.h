// SPDX-License-Identifier: MIT
// Compaction: the older part of a transcript becomes a summary.
//
// A model writes it, of a text that is made here. Where none can be had, a mechanical one is made:
// who said what first and last, which tools ran, which files were read and written, what failed.
#ifndef SWARMD_CORE_CONTEXT_COMPACTION_H
#define SWARMD_CORE_CONTEXT_COMPACTION_H

#include "core/agent/transcript.h"
#include "core/base/buf.h"
#include "core/context/window.h"

enum {
    COMPACTION_FILES_MAX = 100,   // named in a mechanical summary, of each sort
    COMPACTION_COMMANDS_MAX = 20, // the newest
};

struct compaction {
    const struct window *window;
    const struct transcript *transcript;
    int64_t boundary; // items older than this, that are shown and not pinned, go into it
};

size_t compaction_items(const struct compaction *compaction); // how many

// What the model is told that writes the summary; what the person asks for (or empty) comes in.
void compaction_prompt(struct str instructions, struct buf *out);

// What it is to summarise: the summary so far, and each item with long texts shortened; as much
// of each as makes the whole fit max bytes.
void compaction_text(const struct compaction *compaction, size_t max, struct buf *out);

void compaction_mechanical(const struct compaction *compaction, struct buf *out);

#endif
