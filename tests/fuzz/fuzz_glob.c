// SPDX-License-Identifier: MIT
// Any pattern against any path ends soon, and where fnmatch(3) means the same it says the same.
//
// An input is a path, a newline, and patterns, which are also taken as a .gitignore file.
#include "tests/fuzz/fuzz.h"

#include "core/base/glob.h"
#include "core/base/mem.h"
#include "core/files/ignore.h"

#include <fnmatch.h>

const struct str fuzz_corpus[] = {
    STR("src/deep/a.c\n*.c\n!keep.c\n/build/\nsrc/**/*.c\n**/deep/\n"),
    STR("a/b/c\na/**/c\n[a-c]/?/[!x]\n\\#x\n{a,b}/{c,d{e,f}}\n"),
    STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n*a*a*a*a*a*a*a*b\n**/*a/**/*a/**/b\n"),
    STR("a/b\na?b\n??b\n*b\na*\n???\na/?\n*/*\n**b\n"),
    STR("ab\na?b\na?\n*?\n?*b\n*\n"),
    STR("x\n[[:alpha:]]\n[]-a]\n[^]]\n[a-\n[[:x:]]\n\\\n"),
    STR("\xC3\xA4/\xF0\x9F\x98\x80\n?/[\xC3\xA4-\xC3\xBF]\n*\xC3\n"),
    STR_NONE,
};

static struct str next_line(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    struct str line = str_from(rest->data, end ? (size_t)(end - rest->data) : rest->len);
    *rest = str_skip(*rest, line.len + (end ? 1 : 0));
    return line;
}

static bool has(struct str s, const char *c)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\0' || strchr(c, s.data[i]))
            return true;
    }
    return false;
}

static void compare(struct str pattern, struct str path, bool ours)
{
    if (has(pattern, "[\\") || str_find(pattern, STR("**")) >= 0 || has(path, ""))
        return;
    char *p = mem_dup(pattern), *t = mem_dup(path);
    fuzz_check((fnmatch(p, t, FNM_PATHNAME) == 0) == ours);
    mem_free(p);
    mem_free(t);
}

static void match_braces(struct str pattern, struct str path)
{
    struct glob glob;
    struct err err = {0};
    if (glob_init(&glob, pattern, &err)) {
        glob_matches(&glob, path);
        glob_release(&glob);
    } else {
        fuzz_check(err.kind == ERR_PARAMS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from((const char *)data, size);
    struct str path = next_line(&rest);
    if (path.len == 0)
        return 0;
    struct ignore ignore = {0};
    ignore_push(&ignore, STR(""), rest);
    ignore_push(&ignore, str_from(path.data, path.len / 2), rest);
    ignore_matches(&ignore, path, false);
    ignore_matches(&ignore, path, true);
    ignore_release(&ignore);
    while (rest.len) {
        struct str pattern = next_line(&rest);
        for (unsigned flags = 0; flags < 4; flags++) {
            bool matches = glob_match(pattern, path, flags);
            if (flags == GLOB_PATH)
                compare(pattern, path, matches);
        }
        match_braces(pattern, path);
    }
    return 0;
}
