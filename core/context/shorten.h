// SPDX-License-Identifier: MIT
// Shortened copies of what a model has already seen: head and tail stay, and between them stands
// how many bytes are missing. Deterministic, so that the same text is shortened to the same bytes
// in every request.
#ifndef SWARMD_CORE_CONTEXT_SHORTEN_H
#define SWARMD_CORE_CONTEXT_SHORTEN_H

#include "core/base/arena.h"
#include "core/base/str.h"

enum { SHORTEN_SLACK = 200 }; // bytes: what is not longer than `keep` by this stays whole

// Text with about `keep` bytes of its own (two thirds from its head, cut at a line where one ends
// near, never within a code point) and a line that says what is missing; `how` (or NULL) is a
// sentence that says how to read it. The text itself when it is short. data NULL: the arena's
// ceiling.
struct str shorten_text(struct arena *arena, struct str text, size_t keep, const char *how);

// A JSON object with every string of more than `keep` bytes shortened; an object with one member
// that says so when it has more than 16 * keep bytes even then, or is no JSON. data NULL: the
// arena's ceiling.
struct str shorten_input(struct arena *arena, struct str json, size_t keep);

#endif
