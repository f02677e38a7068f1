// SPDX-License-Identifier: MIT
// What a shell line runs: its simple commands, and the files that its redirections write.
//
// This reads what people and models write every day. What it does not know (case, functions, [[,
// arrays, and whatever else) it does not guess: the line is then not understood as a whole. It says
// what a line asks for, not what it will do: programs run programs, and variables hide anything.
#ifndef SWARMD_CORE_PERMISSION_SHELL_SPLIT_H
#define SWARMD_CORE_PERMISSION_SHELL_SPLIT_H

#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SHELL_LINE_MAX = 64 << 10,  // bytes; a longer one is not understood
    SHELL_ARENA_MAX = 16 << 20, // for the arena; one that needs more is not understood
    SHELL_COMMANDS_MAX = 64,
    SHELL_WRITES_MAX = 64,
    SHELL_WORDS_MAX = 32, // of one command whose places are known
    SHELL_DEPTH_MAX = 8,  // substitutions and subshells within each other
};

// A simple command. `text` has its words without quotes, one space between them: assignments, the
// program, arguments.
struct shell_command {
    struct str text;
    size_t word_at[SHELL_WORDS_MAX + 1]; // where each of the first words begins; and the end
    size_t word_count;                   // at most SHELL_WORDS_MAX
    size_t program;                      // index of the word that is run; word_count: none
    bool varies; // the program's name comes from a variable, a command or a pattern
};

struct shell_write {
    struct str path; // without quotes
    bool varies;     // a variable, a command, a pattern or ~ is in it
};

struct shell_line {
    bool understood;
    struct shell_command commands[SHELL_COMMANDS_MAX]; // also those within substitutions
    size_t command_count;
    struct shell_write writes[SHELL_WRITES_MAX];
    size_t write_count;
    bool moves; // it changes the folder: relative paths of writes are not what they seem
};

// Views point into the arena. Returns line->understood; when it is false the rest says nothing.
bool shell_split(struct shell_line *line, struct arena *arena, struct str text);

struct str shell_word(const struct shell_command *command, size_t index);

#endif
