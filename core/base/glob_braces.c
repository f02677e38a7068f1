// SPDX-License-Identifier: MIT
// {a,b} in patterns: written out, one pattern for each choice.
#include "core/base/glob.h"
#include "core/base/mem.h"

static bool add_pattern(struct glob *glob, char *pattern, struct err *err)
{
    if (glob->count == GLOB_BRACES_MAX) {
        mem_free(pattern);
        return err_set(err, ERR_PARAMS, "the braces of the pattern stand for more than %d patterns",
                       GLOB_BRACES_MAX);
    }
    glob->anywhere[glob->count] = !strchr(pattern, '/');
    glob->patterns[glob->count++] = pattern;
    return true;
}

// A group in braces, by its commas: parts[i] is where choice i begins; the last entry is behind
// the closing brace.
struct group {
    size_t open;
    size_t parts[GLOB_BRACES_MAX + 2];
    size_t count;
};

// Finds the first group that has a comma and is closed. Commas beyond the ceiling are not told
// apart: there are too many choices then in any case.
static bool find_group(const char *s, struct group *group)
{
    int depth = 0;
    *group = (struct group){0};
    for (size_t i = 0; s[i]; i++) {
        if (s[i] == '\\' && s[i + 1]) {
            i++;
        } else if (s[i] == '{' && depth++ == 0) {
            group->open = i;
            group->parts[0] = i + 1;
            group->count = 1;
        } else if (s[i] == ',' && depth == 1 && group->count <= GLOB_BRACES_MAX) {
            group->parts[group->count++] = i + 1;
        } else if (s[i] == '}' && depth > 0 && --depth == 0) {
            group->parts[group->count] = i + 1;
            if (group->count > 1)
                return true;
            i = group->open; // {a}: no choice, but there may be one in it
        }
    }
    return false;
}

static bool expand(struct glob *glob, char *pattern, struct err *err);

static bool expand_group(struct glob *glob, const char *s, const struct group *group,
                         struct err *err)
{
    size_t end = group->parts[group->count];
    bool ok = true;
    for (size_t i = 0; ok && i < group->count; i++) {
        int len = (int)(group->parts[i + 1] - 1 - group->parts[i]);
        ok = expand(
            glob, mem_format("%.*s%.*s%s", (int)group->open, s, len, s + group->parts[i], s + end),
            err);
    }
    return ok;
}

// Takes the pattern over. Each call has a group of braces less, and add_pattern() bounds how
// often it branches; a group has two choices at least.
static bool expand(struct glob *glob, char *pattern, struct err *err)
{
    struct group group;
    if (!find_group(pattern, &group))
        return add_pattern(glob, pattern, err);
    bool ok = expand_group(glob, pattern, &group, err);
    mem_free(pattern);
    return ok;
}

bool glob_init(struct glob *glob, struct str pattern, struct err *err)
{
    *glob = (struct glob){0};
    if (str_starts(pattern, STR("./")))
        pattern = str_skip(pattern, 2);
    if (pattern.len == 0)
        return err_set(err, ERR_PARAMS, "the pattern is empty");
    if (pattern.len > GLOB_PATTERN_MAX)
        return err_set(err, ERR_PARAMS, "the pattern is longer than %d bytes", GLOB_PATTERN_MAX);
    if (memchr(pattern.data, '\0', pattern.len))
        return err_set(err, ERR_PARAMS, "the pattern holds a NUL byte");
    if (expand(glob, mem_dup(pattern), err))
        return true;
    glob_release(glob);
    return false;
}

void glob_release(struct glob *glob)
{
    for (size_t i = 0; i < glob->count; i++)
        mem_free(glob->patterns[i]);
    glob->count = 0;
}

bool glob_matches(const struct glob *glob, struct str path)
{
    const char *slash = memrchr(path.data, '/', path.len);
    struct str name = slash ? str_skip(path, (size_t)(slash - path.data) + 1) : path;
    for (size_t i = 0; i < glob->count; i++) {
        struct str pattern = str_of(glob->patterns[i]);
        if (glob_match(pattern, glob->anywhere[i] ? name : path, GLOB_PATH | GLOB_CODE_POINT))
            return true;
    }
    return false;
}
