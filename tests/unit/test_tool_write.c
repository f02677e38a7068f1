// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/tool_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RACE_WRITES = 20000 };

static void files_are_created_and_replaced(void **state)
{
    struct tool_bench *b = *state;
    expect_ok(b, "write", "{'path': 'a/b/c.txt', 'content': 'one\\ntwo'}",
              "created a/b/c.txt (7 bytes, 2 lines)\n");
    assert_string_equal(b->run.result.paths, "[\"a/b/c.txt\"]");
    expect_file(b, "a/b/c.txt", "one\ntwo");
    expect_ok(b, "write", "{'path': './a//b/c.txt', 'content': 'x'}",
              "replaced a/b/c.txt (1 byte, 1 line)\n");
    expect_file(b, "a/b/c.txt", "x");
    expect_ok(b, "write", "{'path': 'empty', 'content': ''}", "created empty (0 bytes, 0 lines)\n");
    expect_file(b, "empty", "");
    char *input = mem_format("{'path': '%s/abs', 'content': 'x'}", b->folder);
    expect_ok(b, "write", input, "created abs (1 byte, 1 line)\n");
    mem_free(input);
}

static mode_t mode_of(struct tool_bench *b, const char *path)
{
    struct stat st;
    char *full = mem_format("%s/%s", b->folder, path);
    assert_int_equal(lstat(full, &st), 0);
    mem_free(full);
    return st.st_mode & 07777;
}

static void the_mode_is_kept(void **state)
{
    struct tool_bench *b = *state;
    mode_t mask = umask(027);
    call_tool(b, "write", "{'path': 'new', 'content': 'x'}");
    assert_int_equal(mode_of(b, "new"), 0640);
    umask(mask);
    put_file(b, "script", "#!/bin/sh\n");
    char *full = mem_format("%s/script", b->folder);
    chmod(full, 0751);
    expect_ok(b, "write", "{'path': 'script', 'content': 'x'}",
              "replaced script (1 byte, 1 line)\n");
    assert_int_equal(mode_of(b, "script"), 0751);
    mem_free(full);
}

static void the_old_file_is_replaced_not_changed(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "old");
    char *full = mem_format("%s/f", b->folder);
    int fd = open(full, O_RDONLY);
    call_tool(b, "write", "{'path': 'f', 'content': 'new'}");
    char bytes[4] = "";
    assert_int_equal(read(fd, bytes, 3), 3);
    assert_string_equal(bytes, "old");
    close(fd);
    mem_free(full);
}

static int entries(struct tool_bench *b, const char *path)
{
    char *full = mem_format("%s/%s", b->folder, path);
    DIR *dir = opendir(full);
    int count = -2;
    while (readdir(dir))
        count++;
    closedir(dir);
    mem_free(full);
    return count;
}

static void failures_leave_nothing_behind(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "folder/x", "");
    expect_failure(b, "write", "{'path': 'folder', 'content': ''}",
                   "folder is a folder, not a file");
    expect_failure(b, "write", "{'path': '.', 'content': ''}", "is a folder, not a file");
    expect_failure(b, "write", "{'path': 'folder/x/y', 'content': ''}", "Not a directory");
    char *fifo = mem_format("%s/fifo", b->folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_failure(b, "write", "{'path': 'fifo', 'content': ''}", "fifo is a named pipe");
    assert_null(b->run.result.paths);
    mem_free(fifo);
    char name[300];
    memset(name, 'n', 299);
    name[299] = '\0';
    char *input = mem_format("{'path': '%s', 'content': 'x'}", name);
    expect_failure(b, "write", input, "too long");
    mem_free(input);
    assert_int_equal(entries(b, "."), 2);
}

static void paths_outside_are_refused(void **state)
{
    struct tool_bench *b = *state;
    expect_failure(b, "write", "{'path': '../outside/x', 'content': ''}",
                   "../outside/x is outside the worktree; only paths beneath ");
    expect_failure(b, "write", "{'path': '/etc/swarmd-test', 'content': ''}",
                   "/etc/swarmd-test is outside the worktree");
    put_link(b, "link", "../outside");
    expect_failure(b, "write", "{'path': 'link/x', 'content': ''}", "leads outside the worktree");
    put_link(b, "file", "../outside/x");
    expect_failure(b, "write", "{'path': 'file', 'content': ''}", "leads outside the worktree");
    expect_nothing_outside(b);
}

static void a_path_in_the_checkout_is_answered_with_the_same_file(void **state)
{
    struct tool_bench *b = *state;
    b->root.checkout = "/home/me/project";
    const char *const paths[] = {"/home/me/project/src/a.c", "/home/me/project//src/a.c"};
    for (size_t i = 0; i < 2; i++) {
        char *input = mem_format("{'path': '%s', 'content': 'x'}", paths[i]);
        expect_failure(b, "write", input, "the same file of yours is src/a.c");
        mem_free(input);
    }
    expect_failure(b, "read", "{'path': '/home/me/project/src/a.c'}", "is src/a.c in your working");
    expect_failure(b, "list", "{'path': '/home/me/project'}", "is . in your working directory");
    expect_failure(b, "write", "{'path': '/home/me/project2/a.c', 'content': 'x'}",
                   "is outside the worktree");
}

static void other_names_of_a_file_keep_its_content(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "old");
    char *name = mem_format("%s/f", b->folder), *other = mem_format("%s/other", b->folder);
    assert_int_equal(link(name, other), 0);
    expect_ok(b, "write", "{'path': 'f', 'content': 'new'}",
              "replaced f (3 bytes, 1 line)\n"
              "(the file had 2 hard links: the other names keep the old content)\n");
    expect_file(b, "other", "old");
    mem_free(name);
    mem_free(other);
}

static void links_inside_are_written_through(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "real/target", "old");
    put_link(b, "alias", "real/target");
    put_link(b, "folder", "real");
    expect_ok(b, "write", "{'path': 'alias', 'content': 'new'}",
              "replaced real/target (3 bytes, 1 line)\n");
    assert_string_equal(b->run.result.paths, "[\"real/target\"]");
    expect_file(b, "real/target", "new");
    expect_ok(b, "write", "{'path': 'folder/other', 'content': 'x'}",
              "created folder/other (1 byte, 1 line)\n");
    expect_file(b, "real/other", "x");
    put_link(b, "dangling", "nothing");
    expect_failure(b, "write", "{'path': 'dangling', 'content': 'x'}", "symbolic link");
}

static void git_is_not_written(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, ".git/config", "[core]\n");
    expect_failure(b, "write", "{'path': '.git/config', 'content': ''}",
                   ".git/config belongs to git");
    expect_failure(b, "write", "{'path': '.GIT/hooks/pre-commit', 'content': ''}",
                   "belongs to git");
    expect_failure(b, "write", "{'path': 'sub/.git', 'content': ''}", "belongs to git");
    put_link(b, "innocent", ".git");
    expect_failure(b, "write", "{'path': 'innocent/config', 'content': ''}", "belongs to git");
    expect_failure(b, "write", "{'path': 'innocent/hooks/new/x', 'content': ''}", "belongs to git");
    put_link(b, "name", ".git/config");
    expect_failure(b, "write", "{'path': 'name', 'content': ''}", "belongs to git");
    expect_file(b, ".git/config", "[core]\n");
    assert_int_equal(entries(b, ".git"), 1);
    expect_ok(b, "write", "{'path': '.gitignore', 'content': ''}",
              "created .gitignore (0 bytes, 0 lines)\n");
}

static void a_preview_is_a_diff_and_writes_nothing(void **state)
{
    struct tool_bench *b = *state;
    expect_preview(b, "write", "{'path': 'f', 'content': 'a\\nb\\n'}",
                   "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    assert_null(get_file(b, "f"));
    put_file(b, "f", "a\n");
    expect_preview(b, "write", "{'path': 'f', 'content': 'a\\nb\\n'}",
                   "--- a/f\n+++ b/f\n@@ -1,1 +1,2 @@\n a\n+b\n");
    expect_file(b, "f", "a\n");
    put_file(b, "f", "");
    expect_preview(b, "write", "{'path': 'f', 'content': 'a\\n'}",
                   "--- a/f\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n");
    put_bytes(b, "f", STR("\0"));
    expect_preview(b, "write", "{'path': 'f', 'content': 'a'}",
                   "--- a/f\n+++ b/f\n[the file that is replaced is binary]\n");
    expect_preview(b, "write", "{'path': '.git/x', 'content': 'a'}",
                   "error: .git/x belongs to git and cannot be written");
    put_file(b, "folder/f", "");
    expect_preview(b, "write", "{'path': 'folder', 'content': 'a'}",
                   "error: folder is a folder, not a file");
}

struct swapper {
    char *folder, *link;
    atomic_bool stop;
};

static void *swap_in_a_loop(void *arg)
{
    struct swapper *s = arg;
    while (!atomic_load(&s->stop))
        renameat2(AT_FDCWD, s->folder, AT_FDCWD, s->link, RENAME_EXCHANGE);
    return NULL;
}

static void nothing_is_written_outside_in_a_race(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "sub/x", "");
    put_link(b, "link", "../outside");
    struct swapper swapper = {
        .folder = mem_format("%s/sub", b->folder),
        .link = mem_format("%s/link", b->folder),
    };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, swap_in_a_loop, &swapper), 0);
    int written = 0;
    for (int i = 0; i < RACE_WRITES; i++) {
        root_force_walk(i % 2);
        call_tool(b, "write",
                  i % 4 < 2 ? "{'path': 'sub/f', 'content': 'x'}"
                            : "{'path': 'sub/new/f', 'content': 'x'}");
        written += !b->run.result.failed;
    }
    root_force_walk(false);
    atomic_store(&swapper.stop, true);
    pthread_join(thread, NULL);
    assert_true(written > 0 && written < RACE_WRITES);
    expect_nothing_outside(b);
    mem_free(swapper.folder);
    mem_free(swapper.link);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_created_and_replaced),
        TEST(the_mode_is_kept),
        TEST(the_old_file_is_replaced_not_changed),
        TEST(failures_leave_nothing_behind),
        TEST(paths_outside_are_refused),
        TEST(a_path_in_the_checkout_is_answered_with_the_same_file),
        TEST(other_names_of_a_file_keep_its_content),
        TEST(links_inside_are_written_through),
        TEST(git_is_not_written),
        TEST(a_preview_is_a_diff_and_writes_nothing),
        TEST(nothing_is_written_outside_in_a_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
