// SPDX-License-Identifier: MIT
// What chat servers have of their own, beside what their answers show: known of some by their
// address, learnt of all others by what they refuse.
//
// Mistral's server takes no `stream_options` (it tells the usage anyhow), wants ids of nine letters
// and digits, and an answer between the result of a call and what the user says. Groq and other
// strict ones refuse the reasoning that they send; DeepSeek and Moonshot refuse a request without
// it (openai_reasoning.h).
#ifndef SWARMD_TRANSPORTS_OPENAI_HABIT_H
#define SWARMD_TRANSPORTS_OPENAI_HABIT_H

#include "core/base/err.h"
#include "core/base/str.h"

struct model_target;

enum openai_habit {
    OPENAI_REASONING_ALWAYS = 1, // each answer needs reasoning_content
    OPENAI_REASONING_NEVER = 2,
    OPENAI_NO_STREAM_OPTIONS = 4,
    OPENAI_SHORT_IDS = 8,
    OPENAI_ANSWER_BEFORE_USER = 16,
};

enum { OPENAI_SHORT_ID = 9 };

// A set of enum openai_habit.
int openai_habits(const struct model_target *target);
// For struct model_dialect.
int openai_habits_after(int habits, const struct err *refusal);

// Nine letters and digits, the same for the same id; one that is so is left as it is.
struct str openai_short_id(struct str id, char out[OPENAI_SHORT_ID]);

#endif
