// SPDX-License-Identifier: MIT
// One file of a checkout (core/git/merge_checkout.h): what stands in its place, and exchanging it.
// Nothing is reached through a symbolic link.
#ifndef SWARMD_CORE_GIT_MERGE_PLACE_H
#define SWARMD_CORE_GIT_MERGE_PLACE_H

#include "core/git/merge_checkout.h"

bool place_stat(const struct checkout *checkout, const char *path, struct stat *st);
bool place_prepare(struct checkout *checkout, size_t i, struct err *err);
// Puts it back when what stood there was not what checkout_check() saw.
bool place_exchange(struct checkout *checkout, size_t i, struct err *err);
// Only when what stands there is what was put there.
bool place_undo(struct checkout *checkout, size_t i, struct err *err);
bool place_was_exchanged(const struct checkout *checkout, size_t i);

// Does the file have this content, by git's measure?
bool place_has(const struct checkout *checkout, const char *path, const struct merge_entry *entry);

#endif
