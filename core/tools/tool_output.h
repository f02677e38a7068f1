// SPDX-License-Identifier: MIT
// Whole outputs of calls, on disk under their agent: <output folder>/<item id>.txt, raw bytes.
// Their agent reads and searches them by the handle output:<item id>.
#ifndef SWARMD_CORE_TOOLS_TOOL_OUTPUT_H
#define SWARMD_CORE_TOOLS_TOOL_OUTPUT_H

#include "core/tools/tool.h"

#include <stdatomic.h>

enum { TOOL_OUTPUT_HOW_MAX = 200 };

// "i12.txt", of an item's id. mem_free.
char *tool_output_name(const char *item_id);
// The sentence that says how the whole output of an item is read.
void tool_output_how(const char *item_id, int64_t bytes, char how[TOOL_OUTPUT_HOW_MAX]);

// Is it a handle, or the file: URI or absolute path of such a file?
bool tool_output_is(const struct tool_place *place, struct str path);
// Opens it for reading, as plain text (core/tools/plain_text.h): the file itself where it is that
// already, else a copy without a name. Blocking. -1 and err; ERR_PARAMS for names that are none.
int tool_output_open(const struct tool_place *place, struct str path, const atomic_bool *stop,
                     struct err *err);

// Gives take() all lines of it as plain text, in pieces, until it returns false (with err) or *stop
// is set. Blocking.
typedef bool tool_output_fn(void *arg, struct str lines, struct err *err);
bool tool_output_each(const struct tool_place *place, struct str path, const atomic_bool *stop,
                      tool_output_fn *take, void *arg, struct err *err);

// What is in result.output goes to the disk when it is larger than the run's sizes.whole or
// CAPTURE_MAX bytes, and is cut there unless the tool is exact; then `done`.
void tool_output_keep(struct tool_run *run);

#endif
