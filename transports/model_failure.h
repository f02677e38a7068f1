// SPDX-License-Identifier: MIT
// Failures of model servers, in classes (enum model_failure of core/model/model.h).
//
// Vendors name the same thing in many ways: by the HTTP status, by a name in the body, some only
// by the words of the message. Names are looked at first, as they are the most exact.
#ifndef SWARMD_TRANSPORTS_MODEL_FAILURE_H
#define SWARMD_TRANSPORTS_MODEL_FAILURE_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/model/model.h"

struct model_words {
    int64_t status; // as HTTP has it; 0 when not known
    struct str message, type, code;
    struct str state, reason; // Google's names of the status and of what is behind it
    struct str quota;         // Google's name of the quota that was passed
    bool flagged;             // OpenRouter says why a filter refused it
};

enum model_failure model_failure_of(const struct model_words *words);

// Does it say that there is no such model? (model_gone.c)
bool model_failure_is_gone(const struct model_words *words);

// The window of a model in the words of an error about it, in tokens; 0 when they name none.
int64_t model_failure_window(struct str message);

// The status of a failure whose name is all that a stream says; 0 when it is not known.
int model_failure_status(struct str name);

// The kind of error that people and clients see.
enum err_kind model_failure_kind(enum model_failure failure);

#endif
