// SPDX-License-Identifier: MIT
// SHA-1, for the check sum that ends an index of git. Not for anything that must withstand
// somebody: libgit2 hashes objects, and detects collisions.
#ifndef SWARMD_CORE_BASE_SHA1_H
#define SWARMD_CORE_BASE_SHA1_H

#include "core/base/str.h"

enum { SHA1_SIZE = 20 };

void sha1(struct str bytes, unsigned char out[SHA1_SIZE]);

#endif
