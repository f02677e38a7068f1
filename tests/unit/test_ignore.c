// SPDX-License-Identifier: MIT
// .gitignore rules, compared with git itself on generated trees.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/files/ignore.h"
#include "core/files/walk.h"

#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 300, RULES = 4 };

// --- generated trees ---

static uint32_t next_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

static const char *const names[] = {"a",  "b",  "ab",       "foo", "foo.c",  "a b", "[x]",  "x.o",
                                    "#h", "!n", "\xC3\xA4", "bar", "foobar", "a ",  "b\\c", "-"};
static const char *const tokens[] = {
    "a",   "b",           "*", "**",    "?", "/",   "[ab]", "[!a]", "foo",      "bar",
    "\\",  "[[:alpha:]]", " ", "!",     "#", ".c",  "[a-",  "]",    "/",        "**/",
    "/**", "*",           "a", "[]-a]", "x", "\\ ", "[^b]", "-",    "\xC3\xA4", "[a-f]*"};

enum { NAMES = sizeof names / sizeof names[0], TOKENS = sizeof tokens / sizeof tokens[0] };

static void put(const char *path, struct str text)
{
    FILE *f = fopen(path, "w");
    if (f) {
        fprintf(f, "%.*s", STR_ARG(text));
        fclose(f);
    }
}

static void make_tree(const char *folder, uint32_t *seed, int depth)
{
    for (int i = 0; i < 6; i++) {
        char *path = mem_format("%s/%s", folder, names[next_random(seed, NAMES)]);
        if (depth > 0 && next_random(seed, 2) == 0) {
            if (mkdir(path, 0755) == 0)
                make_tree(path, seed, depth - 1);
        } else if (access(path, F_OK) != 0) {
            put(path, STR("x"));
        }
        mem_free(path);
    }
}

static void random_rules(struct buf *out, uint32_t *seed)
{
    for (int i = 0; i < RULES; i++) {
        if (next_random(seed, 4) == 0)
            buf_add_char(out, '!');
        int count = 1 + (int)next_random(seed, 4);
        for (int j = 0; j < count; j++)
            buf_add_str(out, str_of(tokens[next_random(seed, TOKENS)]));
        if (next_random(seed, 5) == 0)
            buf_add_char(out, '/');
        buf_add_str(out, next_random(seed, 8) == 0 ? STR("\r\n") : STR("\n"));
    }
}

// --- what git and what we list ---

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// NUL-separated paths, sorted, one a line; mem_free.
static char *sorted(struct buf *paths)
{
    char *lines[4096];
    size_t count = 0;
    for (size_t at = 0; at < paths->len; at += strlen(paths->data + at) + 1) {
        assert_true(count < sizeof lines / sizeof lines[0]);
        lines[count++] = paths->data + at;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s\n", lines[i]);
    return buf_detach(&out, NULL);
}

static char *git_list(const char *folder)
{
    char *command = mem_format("git -C %s ls-files -o --exclude-standard -z", folder);
    FILE *pipe = popen(command, "r");
    struct buf paths;
    char piece[4096];
    buf_init(&paths, 1 << 20);
    for (size_t got; (got = fread(piece, 1, sizeof piece, pipe)) > 0;)
        buf_add(&paths, piece, got);
    assert_int_equal(pclose(pipe), 0);
    char *out = sorted(&paths);
    buf_release(&paths);
    mem_free(command);
    return out;
}

static bool add_path(void *arg, const struct walk_file *file)
{
    buf_add(arg, file->path.data, file->path.len + 1);
    return true;
}

static char *our_list(const char *folder, const char *start)
{
    struct root root;
    struct err err = {0};
    struct buf paths;
    buf_init(&paths, 1 << 20);
    assert_true(root_open(&root, folder, &err));
    struct walk walk = {.root = &root, .start = start, .visit = add_path, .arg = &paths};
    assert_true(walk_run(&walk, &err));
    assert_int_equal(walk.end, WALK_COMPLETE);
    char *out = sorted(&paths);
    buf_release(&paths);
    root_close(&root);
    return out;
}

static void expect_same(const char *folder, const char *rules)
{
    char *git = git_list(folder), *ours = our_list(folder, ".");
    if (strcmp(git, ours) != 0)
        fail_msg("with\n%s\ngit lists\n%s\nand we\n%s", rules, git, ours);
    mem_free(git);
    mem_free(ours);
}

static const char *new_repository(void)
{
    const char *folder = unit_temp_folder();
    char *command = mem_format("git init -q %s", folder);
    assert_int_equal(system(command), 0);
    mem_free(command);
    return folder;
}

static void random_trees_are_listed_as_git_lists_them(void **state)
{
    (void)state;
    uint32_t seed = 20;
    for (int tree = 0; tree < 6; tree++) {
        const char *folder = new_repository();
        make_tree(folder, &seed, 3);
        char *top = mem_format("%s/.gitignore", folder);
        char *nested = mem_format("%s/a/.gitignore", folder);
        for (int round = 0; round < ROUNDS / 6; round++) {
            struct buf rules;
            buf_init(&rules, 1 << 16);
            random_rules(&rules, &seed);
            put(top, buf_str(&rules));
            size_t len = rules.len;
            random_rules(&rules, &seed);
            put(nested, str_skip(buf_str(&rules), len));
            expect_same(folder, rules.data);
            buf_release(&rules);
        }
        mem_free(top);
        mem_free(nested);
    }
}

static void write_tree(const char *folder, const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *path = mem_format("%s/%s", folder, paths[i]);
        for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
            *slash = '\0';
            mkdir(path, 0755);
            *slash = '/';
        }
        put(path, STR("x"));
        mem_free(path);
    }
}

static void known_rules_are_listed_as_git_lists_them(void **state)
{
    (void)state;
    static const char *const paths[] = {"build/x",
                                        "build/keep/y",
                                        "src/build/z",
                                        "src/a.o",
                                        "src/a.c",
                                        "doc/build",
                                        "a.o",
                                        "keep.o",
                                        "x/y/z/deep.txt",
                                        "x/deep.txt",
                                        "node_modules/m/index.js",
                                        "src/node_modules/n.js",
                                        "trailing ",
                                        "space",
                                        "#comment",
                                        "!bang",
                                        "foo/bar",
                                        "fooX/y/bar",
                                        "foobar",
                                        "log.txt",
                                        "logs/1.txt",
                                        "logs/2/3.txt",
                                        "\xC3\xA4.txt",
                                        "a\\b"};
    static const char *const rules[] = {"build/\n",
                                        "/build\n",
                                        "build\n!build/keep\n",
                                        "build/*\n!build/keep\n",
                                        "*.o\n!keep.o\n",
                                        "/*.o\n",
                                        "src/*.o\n",
                                        "**/deep.txt\n",
                                        "x/**/deep.txt\n",
                                        "x/**\n",
                                        "**/build\n",
                                        "node_modules\n",
                                        "node_modules/\n!node_modules\n",
                                        "trailing \n",
                                        "trailing\\ \n",
                                        "\\#comment\n",
                                        "#comment\n",
                                        "\\!bang\n",
                                        "!bang\n",
                                        "foo**/bar\n",
                                        "foo*bar\n",
                                        "/\n",
                                        "//\n",
                                        "*\n!*/\n!*.txt\n",
                                        "*\n!src\n!src/a.c\n",
                                        "\xEF\xBB\xBF*.o\n",
                                        "*.o\r\n*.c\r\n",
                                        "*.o",
                                        "logs/**\n",
                                        "logs/**/\n",
                                        "logs/*/\n",
                                        "?.o\n",
                                        "?\?.txt\n",
                                        "[a-c].o\n",
                                        "[!a]*.o\n",
                                        "a\\\\b\n",
                                        "a\\b\n",
                                        "src/\n!src/a.c\n",
                                        "  \n\n\t\n",
                                        "foo/\n/foo/bar\n",
                                        "!\n",
                                        "\\\n",
                                        "*/\n",
                                        "**\n",
                                        "**/\n",
                                        "/**\n"};
    const char *folder = new_repository();
    char *ignore = mem_format("%s/.gitignore", folder);
    write_tree(folder, paths, sizeof paths / sizeof paths[0]);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        put(ignore, str_of(rules[i]));
        expect_same(folder, rules[i]);
    }
    mem_free(ignore);
}

static void nested_files_win(void **state)
{
    (void)state;
    static const char *const paths[] = {"a/x.o", "a/b/x.o", "a/b/c/x.o", "x.o"};
    const char *folder = new_repository();
    write_tree(folder, paths, sizeof paths / sizeof paths[0]);
    char *top = mem_format("%s/.gitignore", folder),
         *nested = mem_format("%s/a/b/.gitignore", folder);
    put(top, STR("*.o\n"));
    put(nested, STR("!x.o\n/c/\n"));
    expect_same(folder, "nested");
    char *list = our_list(folder, "a/b");
    assert_string_equal(list, "a/b/.gitignore\na/b/x.o\n");
    mem_free(list);
    list = our_list(folder, "a");
    assert_string_equal(list, "a/b/.gitignore\na/b/x.o\n");
    mem_free(list);
    mem_free(top);
    mem_free(nested);
}

static void rules_beyond_the_ceiling_do_not_count(void **state)
{
    (void)state;
    struct ignore ignore = {0};
    struct buf text;
    buf_init(&text, IGNORE_FILE_MAX);
    for (int i = 0; i < IGNORE_RULES_MAX; i++)
        buf_addf(&text, "r%d\n", i);
    ignore_push(&ignore, STR(""), buf_str(&text));
    assert_false(ignore.cut);
    ignore_push(&ignore, STR("a"), STR("one\n"));
    assert_true(ignore.cut);
    assert_true(ignore_matches(&ignore, STR("a/r19999"), false));
    assert_false(ignore_matches(&ignore, STR("a/one"), false));
    ignore_pop(&ignore);
    ignore_pop(&ignore);
    ignore.cut = false;
    ignore_push(&ignore, STR(""), STR("one\n"));
    assert_true(ignore_matches(&ignore, STR("a/one"), false));
    ignore_release(&ignore);
    buf_release(&text);
}

int main(void)
{
    setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_rules_are_listed_as_git_lists_them),
        cmocka_unit_test(nested_files_win),
        cmocka_unit_test(random_trees_are_listed_as_git_lists_them),
        cmocka_unit_test(rules_beyond_the_ceiling_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
