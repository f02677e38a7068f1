// SPDX-License-Identifier: MIT
// Bytes from outside (files, commands, names) made fit to be shown.
#ifndef SWARMD_CORE_BASE_TEXT_H
#define SWARMD_CORE_BASE_TEXT_H

#include "core/base/buf.h"
#include "core/base/str.h"

// Appends s as UTF-8; invalid runs and NUL bytes (which some providers refuse) become U+FFFD.
void text_repair(struct buf *out, struct str s);

// Appends s as one harmless line of at most max bytes: white space runs are one space, control
// and direction-changing characters become U+FFFD, and what is cut ends in "...".
void text_one_line(struct buf *out, struct str s, size_t max);

// Appends text for a terminal: as text_one_line(), but spaces, tabs and line ends stay as they are
// and nothing is cut.
void text_lines(struct buf *out, struct str text);

// Appends a file's name: as text_one_line(), but spaces stay as they are and nothing is cut.
void text_name(struct buf *out, struct str name);

#endif
