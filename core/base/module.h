// SPDX-License-Identifier: MIT
// The parts of swarmd that are loaded when they are first needed: libgit2 and libcurl bring 35
// libraries and 50,000 relocations, which is three times what the rest of a start costs.
//
// A module is a shared library that is installed with the binary. It holds our code that calls
// such a library, with leaf utilities of its own, and exports one constant table of functions,
// whose first member is SWARMD_VERSION. Modules are never unloaded.
#ifndef SWARMD_CORE_BASE_MODULE_H
#define SWARMD_CORE_BASE_MODULE_H

#include "core/base/err.h"

// Where a file that belongs to the binary is: beside it in a build tree, in libexec when
// installed. When it is nowhere, where it should be installed. The caller frees with mem_free().
char *module_path(const char *file);

// The table. Blocks for milliseconds, so never on the loop; thread-safe. NULL fills err (of
// `kind`) with the file, why it cannot be loaded, and where it was looked for.
const void *module_open(const char *file, const char *table, enum err_kind kind, struct err *err);

#endif
