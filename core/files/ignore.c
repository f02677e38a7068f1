// SPDX-License-Identifier: MIT
#include "core/files/ignore.h"

#include "core/base/glob.h"
#include "core/base/mem.h"

// Cuts spaces from the end that no backslash protects; a backslash at the very end keeps all.
static struct str trim_end(struct str line)
{
    size_t keep = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] == ' ')
            continue;
        if (line.data[i] == '\\' && ++i == line.len)
            return line;
        keep = i + 1;
    }
    return str_from(line.data, keep);
}

static size_t plain_len(struct str pattern)
{
    size_t len = 0;
    while (len < pattern.len && !strchr("*?[\\", pattern.data[len]))
        len++;
    return len;
}

// False when the line holds no rule.
static bool parse_rule(struct ignore_rule *rule, struct str line)
{
    *rule = (struct ignore_rule){0};
    if (line.len && line.data[0] == '#')
        return false;
    line = trim_end(line);
    if (str_starts(line, STR("!"))) {
        rule->negated = true;
        line = str_skip(line, 1);
    }
    if (str_ends(line, STR("/"))) {
        rule->folder_only = true;
        line.len--;
    }
    if (line.len == 0 || line.len > GLOB_PATTERN_MAX)
        return false;
    rule->anywhere = !memchr(line.data, '/', line.len);
    rule->pattern = line.data[0] == '/' ? str_skip(line, 1) : line;
    rule->plain = plain_len(rule->pattern);
    return true;
}

static struct str next_line(struct str *text)
{
    const char *end = memchr(text->data, '\n', text->len);
    struct str line = str_from(text->data, end ? (size_t)(end - text->data) : text->len);
    *text = str_skip(*text, line.len + (end ? 1 : 0));
    if (str_ends(line, STR("\r")))
        line.len--;
    const char *nul = line.len ? memchr(line.data, '\0', line.len) : NULL;
    return nul ? str_from(line.data, (size_t)(nul - line.data)) : line;
}

static void parse_rules(struct ignore *ignore, struct ignore_folder *folder, struct str text)
{
    size_t cap = 0;
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = str_skip(text, 3);
    while (text.len) {
        struct ignore_rule rule;
        if (!parse_rule(&rule, next_line(&text)))
            continue;
        if (ignore->rules == IGNORE_RULES_MAX) {
            ignore->cut = true;
            return;
        }
        if (folder->count == cap) {
            cap = cap ? 2 * cap : 16;
            folder->rules = mem_resize(folder->rules, cap, sizeof *folder->rules);
        }
        folder->rules[folder->count++] = rule;
        ignore->rules++;
    }
}

void ignore_push(struct ignore *ignore, struct str folder, struct str text)
{
    struct ignore_folder *top = mem_new(sizeof *top);
    top->prefix = folder.len ? folder.len + 1 : 0;
    top->above = ignore->top;
    if (text.len) {
        top->text = mem_dup(text);
        parse_rules(ignore, top, str_from(top->text, text.len));
    }
    ignore->top = top;
}

void ignore_pop(struct ignore *ignore)
{
    struct ignore_folder *top = ignore->top;
    ignore->rules -= top->count;
    ignore->top = top->above;
    mem_free(top->text);
    mem_free(top->rules);
    mem_free(top);
}

void ignore_release(struct ignore *ignore)
{
    while (ignore->top)
        ignore_pop(ignore);
}

static bool rule_matches(const struct ignore_rule *rule, struct str path, struct str name,
                         bool is_folder)
{
    struct str subject = rule->anywhere ? name : path;
    if (rule->folder_only && !is_folder)
        return false;
    if (rule->plain == rule->pattern.len)
        return str_equal(rule->pattern, subject);
    if (!str_starts(subject, str_from(rule->pattern.data, rule->plain)))
        return false;
    // git, too, compares the plain part first and the rest as a pattern of its own, which shows
    // in "a**/b".
    return glob_match(str_skip(rule->pattern, rule->plain), str_skip(subject, rule->plain),
                      rule->anywhere ? 0 : GLOB_PATH);
}

enum ignore_verdict ignore_verdict(const struct ignore *ignore, struct str path, bool is_folder)
{
    const char *slash = memrchr(path.data, '/', path.len);
    struct str name = slash ? str_skip(path, (size_t)(slash - path.data) + 1) : path;
    for (const struct ignore_folder *folder = ignore->top; folder; folder = folder->above) {
        for (size_t i = folder->count; i-- > 0;) {
            if (rule_matches(&folder->rules[i], str_skip(path, folder->prefix), name, is_folder))
                return folder->rules[i].negated ? IGNORE_NEGATED : IGNORE_NAMED;
        }
    }
    return IGNORE_SILENT;
}

bool ignore_matches(const struct ignore *ignore, struct str path, bool is_folder)
{
    return ignore_verdict(ignore, path, is_folder) == IGNORE_NAMED;
}
