// SPDX-License-Identifier: MIT
// Rules of what agents may do: "bash(git status*)", "write(docs/**)", "edit(*.c)", "bash".
//
// A rule names a tool, and may have a pattern of its argument. Patterns of paths are those of
// glob_init(), and "docs/" is all that is in docs. Patterns of commands are wildcards over one
// command's text (spaces and slashes are characters like others); one that ends with " *" takes
// the command without arguments, too. write and edit are one to the rules: both change a file.
#ifndef SWARMD_CORE_PERMISSION_RULE_H
#define SWARMD_CORE_PERMISSION_RULE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RULE_TEXT_MAX = 1024, // bytes
    RULES_MAX = 256,      // in one list: of the user's file, of a role, of an agent
};

enum rule_effect { RULE_ALLOW, RULE_ASK, RULE_DENY };
const char *rule_effect_name(enum rule_effect effect); // "allow", "ask", "deny"
bool rule_effect_from_name(struct str name, enum rule_effect *effect);

enum rule_source { RULE_USER, RULE_ROLE, RULE_AGENT, RULE_ANSWER };
const char *rule_source_name(enum rule_source source); // "user", "role", "agent", "answer"

// Beside tools, rules are about files by which a repository wants something in worktrees
// (core/swarm/swarm_own.h): their pattern is of the content's hash.
enum own_kind { OWN_INCLUDE, OWN_SETUP, OWN_COUNT };
const char *own_rule_name(enum own_kind kind); // "worktreeinclude", "worktreesetup"

struct rule {
    enum rule_effect effect;
    enum rule_source source;
    char *text;    // as it was written
    char *tool;    // may have wildcards
    char *pattern; // NULL: whatever the argument
};

// ERR_PARAMS says what is wrong with the text and shows what is right.
bool rule_parse(struct rule *rule, enum rule_effect effect, struct str text, struct err *err);
void rule_release(struct rule *rule);

// "write" and "edit" match both.
bool rule_is_for(const struct rule *rule, const char *tool);
bool rule_takes_path(const struct rule *rule, struct str path);
bool rule_takes_command(const struct rule *rule, struct str command);

struct rules {
    struct rule *list;
    size_t count, capacity;
};

// ERR_LIMIT at RULES_MAX.
bool rules_add(struct rules *rules, enum rule_effect effect, enum rule_source source,
               struct str text, struct err *err);
bool rules_copy(struct rules *to, const struct rules *from, enum rule_source source,
                struct err *err);
void rules_release(struct rules *rules);

// {"allow": [...], "ask": [...], "deny": [...]}: errors name the key and the position. Adds.
bool rules_read_json(struct rules *rules, const struct json *json, enum rule_source source,
                     struct err *err);
// Those of one source.
void rules_write_json(struct json_writer *w, const struct rules *rules, enum rule_source source);

#endif
