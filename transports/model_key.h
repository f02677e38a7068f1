// SPDX-License-Identifier: MIT
// A provider's key: from the environment, from what a command prints, or from a file.
//
// Command and file are asked at the first use, off the loop, and again after the server has
// refused the key (keys expire) or when there was none. The key stays in this process: it is in no
// message, no argument and no environment of a child.
#ifndef SWARMD_TRANSPORTS_MODEL_KEY_H
#define SWARMD_TRANSPORTS_MODEL_KEY_H

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/ports.h"
#include "core/swarm/config.h"

enum {
    MODEL_KEY_MAX = 16 << 10,         // bytes of a key
    MODEL_KEY_OUTPUT_MAX = 64 << 10,  // of what the command prints, errors too
    MODEL_KEY_COMMAND_MS = 60 * 1000, // it may ask a person for a password
};

struct model_key;

struct model_key_wait {
    struct list node; // list_init() it before first use
    // Once; err->kind is ERR_NONE or ERR_AUTH. Never from within model_key_wait().
    void (*fn)(struct model_key_wait *wait, const struct err *err);
};

// envp: the environment of the command. Both must outlive the key, the command's end included.
struct model_key *model_key_create(const struct ports *ports, const struct provider_config *config,
                                   const char *const *envp);
void model_key_destroy(struct model_key *key); // when nobody waits; takes NULL

// Is it there, or is none needed? When the environment lacks it, that is said at once: false with
// err (ERR_AUTH). Else false with err->kind ERR_NONE: wait for it.
bool model_key_ready(struct model_key *key, struct err *err);

void model_key_wait(struct model_key *key, struct model_key_wait *wait);
// `fn` is not called any more. The command is stopped when nobody waits for it.
void model_key_leave(struct model_key *key, struct model_key_wait *wait);

const char *model_key_value(const struct model_key *key); // NULL: none
// For messages: "the environment variable X", "the file X", "what X prints"; NULL without a key.
const char *model_key_place(const struct model_key *key);

void model_key_refused(struct model_key *key); // the server does not take it

#endif
