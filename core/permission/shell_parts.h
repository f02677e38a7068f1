// SPDX-License-Identifier: MIT
// What the two files of the shell's reader share: shell_split.c (commands, operators,
// redirections) and shell_word.c (words, quotes, substitutions). Nobody else includes this.
#ifndef SWARMD_CORE_PERMISSION_SHELL_PARTS_H
#define SWARMD_CORE_PERMISSION_SHELL_PARTS_H

#include "core/permission/shell_split.h"

enum { HEREDOCS_MAX = 8 };

struct heredoc {
    struct str end; // the word without quotes
    bool plain;     // nothing is expanded in it
    bool tabs;      // <<-
};

struct parser {
    struct shell_line *line;
    struct arena *arena;
    struct str text;
    size_t at;
    int depth;
    struct heredoc heredocs[HEREDOCS_MAX];
    size_t heredoc_count;
    char *pool; // the words of this level, which are never longer than the text; or NULL
    size_t pool_used;
};

struct word {
    char *bytes; // without quotes, within the arena
    size_t len;
    bool quoted; // some of it was
    bool varies; // $, ` or a pattern is in it
    bool tilde;
};

static inline char peek(const struct parser *p, size_t ahead)
{
    return p->at + ahead < p->text.len ? p->text.data[p->at + ahead] : '\0';
}

static inline bool starts(const struct parser *p, const char *what)
{
    return str_starts(str_skip(p->text, p->at), str_of(what));
}

static inline bool ends_word(char c)
{
    return c == '\0' || strchr(" \t\n;&|()<>", c) != NULL;
}

static inline struct str word_str(const struct word *word)
{
    return str_from(word->bytes, word->len);
}

// A word, which begins where the parser is. False where it is not understood.
bool shell_read_word(struct parser *p, struct word *word);
// Behind the opening of a substitution: reads the list up to its ')'.
bool shell_read_inner(struct parser *p);
// Commands up to the end, or up to `until`, which is not taken.
bool shell_read_list(struct parser *p, char until);

#endif
