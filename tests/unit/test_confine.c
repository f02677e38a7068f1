// SPDX-License-Identifier: MIT
// Paths cannot leave a folder: every test runs with openat2 and with the component walk.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/files/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RACE_WRITES = 20000 };

struct place {
    char *top, *inside, *outside; // inside and outside are folders of top
    struct root root;
};

static void put_file(const char *folder, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    mem_free(path);
}

static void make_link(const char *target, const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    assert_int_equal(symlink(target, path), 0);
    mem_free(path);
}

static void make_folder(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
    mem_free(path);
}

static int setup(void **state, bool walk)
{
    struct place *place = mem_new(sizeof *place);
    place->top = realpath(unit_temp_folder(), NULL);
    place->inside = mem_format("%s/inside", place->top);
    place->outside = mem_format("%s/outside", place->top);
    make_folder(place->top, "inside");
    make_folder(place->top, "outside");
    put_file(place->outside, "secret", "secret");
    put_file(place->inside, "file", "hello");
    make_folder(place->inside, "sub");
    put_file(place->inside, "sub/deep", "deep");
    struct err err = {0};
    assert_true(root_open(&place->root, place->inside, &err));
    root_force_walk(walk);
    *state = place;
    return 0;
}

static int setup_kernel(void **state)
{
    return setup(state, false);
}

static int setup_walk(void **state)
{
    return setup(state, true);
}

static int teardown(void **state)
{
    struct place *place = *state;
    root_close(&place->root);
    root_close(&place->root);
    root_force_walk(false);
    free(place->top);
    mem_free(place->inside);
    mem_free(place->outside);
    mem_free(place);
    return 0;
}

static void expect_relative(struct place *place, const char *path, const char *want)
{
    struct err err = {0};
    char *rel = root_relative(&place->root, str_of(path), &err);
    if (!rel)
        fail_msg("%s: %s", path, err.message);
    assert_string_equal(rel, want);
    mem_free(rel);
}

static void expect_outside(struct place *place, const char *path)
{
    struct err err = {0};
    assert_null(root_relative(&place->root, str_of(path), &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "outside the worktree"));
}

static void paths_become_relative(void **state)
{
    struct place *place = *state;
    expect_relative(place, "", ".");
    expect_relative(place, ".", ".");
    expect_relative(place, "./", ".");
    expect_relative(place, "a", "a");
    expect_relative(place, "a/b/c", "a/b/c");
    expect_relative(place, "a//b/./c/", "a/b/c");
    expect_relative(place, "a/../b", "b");
    expect_relative(place, "a/b/../../c", "c");
    expect_relative(place, "a/..", ".");
    expect_relative(place, "..a/...", "..a/...");
    expect_relative(place, place->inside, ".");
    char *path = mem_format("%s/x/y", place->inside);
    expect_relative(place, path, "x/y");
    mem_free(path);
}

static void paths_outside_are_named(void **state)
{
    struct place *place = *state;
    expect_outside(place, "..");
    expect_outside(place, "../outside/secret");
    expect_outside(place, "a/../../outside");
    expect_outside(place, "/etc/passwd");
    expect_outside(place, "/");
    expect_outside(place, place->outside);
    char *sibling = mem_format("%s-sibling/x", place->inside);
    expect_outside(place, sibling);
    mem_free(sibling);
    char *climb = mem_format("%s/../outside/secret", place->inside);
    expect_outside(place, climb);
    mem_free(climb);
}

static void bad_paths_are_refused(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    assert_null(root_relative(&place->root, str_from("a\0b", 3), &err));
    assert_non_null(strstr(err.message, "NUL"));
    char *longest = mem_new(PATH_MAX + 1);
    memset(longest, 'a', PATH_MAX);
    assert_null(root_relative(&place->root, str_of(longest), &err));
    assert_non_null(strstr(err.message, "longer"));
    longest[PATH_MAX - 1] = '\0';
    char *rel = root_relative(&place->root, str_of(longest), &err);
    assert_non_null(rel);
    assert_int_equal(root_openat(&place->root, rel, O_RDONLY, 0, &err), -1);
    assert_non_null(strstr(err.message, "too long"));
    mem_free(rel);
    mem_free(longest);
}

static void expect_open(struct place *place, const char *rel, int flags)
{
    struct err err = {0};
    int fd = root_openat(&place->root, rel, flags, 0644, &err);
    if (fd < 0)
        fail_msg("%s: %s", rel, err.message);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

static void expect_refused(struct place *place, const char *rel, int flags)
{
    struct err err = {0};
    assert_int_equal(root_openat(&place->root, rel, flags, 0644, &err), -1);
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_non_null(strstr(err.message, rel));
}

static void files_inside_open(void **state)
{
    struct place *place = *state;
    expect_open(place, "file", O_RDONLY);
    expect_open(place, "sub/deep", O_RDONLY);
    expect_open(place, ".", O_PATH | O_DIRECTORY);
    expect_open(place, "new", O_WRONLY | O_CREAT);
    expect_open(place, "sub/new", O_WRONLY | O_CREAT | O_EXCL);
    struct err err = {0};
    assert_int_equal(root_openat(&place->root, "none/x", O_RDONLY, 0, &err), -1);
    assert_int_equal(err.kind, ERR_WORKTREE);
    assert_non_null(strstr(err.message, "none/x: No such file"));
}

static void links_that_leave_are_refused(void **state)
{
    struct place *place = *state;
    make_link("../outside/secret", place->inside, "link");
    make_link(place->outside, place->inside, "absolute");
    make_link("../outside", place->inside, "folder");
    make_link("two", place->inside, "one");
    make_link("three", place->inside, "two");
    make_link("../outside/secret", place->inside, "three");
    make_link("../../outside", place->inside, "sub/up");
    expect_refused(place, "link", O_RDONLY);
    expect_refused(place, "link", O_WRONLY | O_CREAT);
    expect_refused(place, "absolute/secret", O_RDONLY);
    expect_refused(place, "folder/secret", O_RDONLY);
    expect_refused(place, "folder/new", O_WRONLY | O_CREAT);
    expect_refused(place, "one", O_RDONLY);
    expect_refused(place, "sub/up/new", O_WRONLY | O_CREAT);
    // what root_relative() would never hand over
    expect_refused(place, "..", O_PATH);
    expect_refused(place, "sub/../../outside/secret", O_RDONLY);
}

static void loops_of_links_end(void **state)
{
    struct place *place = *state;
    make_link("loop", place->inside, "loop");
    expect_refused(place, "loop", O_RDONLY);
    expect_refused(place, "loop/x", O_RDONLY);
}

static void magic_links_are_refused(void **state)
{
    struct place *place = *state;
    int fd = open(place->outside, O_PATH | O_DIRECTORY);
    char magic[64];
    snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
    make_link(magic, place->inside, "magic");
    expect_refused(place, "magic", O_PATH);
    expect_refused(place, "magic/secret", O_RDONLY);
    // beneath a root that holds /proc, where no absolute link is in the way
    struct root proc;
    struct err err = {0};
    assert_true(root_open(&proc, "/proc/self", &err));
    snprintf(magic, sizeof magic, "fd/%d/secret", fd);
    assert_int_equal(root_openat(&proc, magic, O_RDONLY, 0, &err), -1);
    assert_int_equal(err.kind, ERR_REFUSED);
    root_close(&proc);
    close(fd);
}

static void links_that_stay_are_followed_by_the_kernel_only(void **state)
{
    struct place *place = *state;
    make_link("sub", place->inside, "alias");
    make_link("file", place->inside, "same");
    struct err err = {0};
    int fd = root_openat(&place->root, "alias/deep", O_RDONLY, 0, &err);
    if (fd < 0) { // the walk, and a kernel without openat2
        expect_refused(place, "alias/deep", O_RDONLY);
        expect_refused(place, "same", O_RDONLY);
        return;
    }
    char *where = root_locate(&place->root, fd, &err);
    assert_string_equal(where, "sub/deep");
    mem_free(where);
    close(fd);
    expect_open(place, "same", O_RDONLY);
}

static void folders_are_made_beneath(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    assert_true(root_make_parents(&place->root, "x/y/z/file", &err));
    expect_open(place, "x/y/z", O_PATH | O_DIRECTORY);
    assert_true(root_make_parents(&place->root, "x/y/z/file", &err));
    assert_true(root_make_parents(&place->root, "top", &err));
    assert_false(root_make_parents(&place->root, "file/y/z", &err));
    assert_non_null(strstr(err.message, "file"));
    make_link("../outside", place->inside, "folder");
    assert_false(root_make_parents(&place->root, "folder/new/file", &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    make_link("../outside/new", place->inside, "dangling");
    assert_false(root_make_parents(&place->root, "dangling/file", &err));
    assert_int_equal(access(place->outside, F_OK), 0);
    char *made = mem_format("%s/new", place->outside);
    assert_int_equal(access(made, F_OK), -1);
    mem_free(made);
}

static void the_parent_is_opened(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    const char *name;
    int fd = root_open_parent(&place->root, "sub/deep", &name, &err);
    assert_true(fd >= 0);
    assert_string_equal(name, "deep");
    assert_int_equal(faccessat(fd, "deep", F_OK, 0), 0);
    close(fd);
    fd = root_open_parent(&place->root, "file", &name, &err);
    assert_string_equal(name, "file");
    assert_int_equal(faccessat(fd, "file", F_OK, 0), 0);
    close(fd);
    assert_int_equal(root_open_parent(&place->root, "none/x", &name, &err), -1);
}

static void a_missing_root_is_named(void **state)
{
    (void)state;
    struct root root;
    struct err err = {0};
    assert_false(root_open(&root, "/nowhere/at/all", &err));
    assert_int_equal(err.kind, ERR_WORKTREE);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    root_close(&root);
}

struct swapper {
    char *folder, *link;
    atomic_bool stop;
    atomic_long swaps;
};

static void *swap_in_a_loop(void *arg)
{
    struct swapper *s = arg;
    while (!atomic_load(&s->stop)) {
        if (renameat2(AT_FDCWD, s->folder, AT_FDCWD, s->link, RENAME_EXCHANGE) == 0)
            atomic_fetch_add(&s->swaps, 1);
    }
    return NULL;
}

static int count_entries(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(dir);
    return count;
}

static bool write_in_the_race(struct place *place, int i)
{
    char rel[64];
    struct err err = {0};
    snprintf(rel, sizeof rel, "sub/made%d/file%d", i % 2, i % 8);
    if (i % 3 == 0 && !root_make_parents(&place->root, rel, &err))
        return false;
    const char *name;
    int parent = root_open_parent(&place->root, rel, &name, &err);
    if (parent >= 0) {
        int moved = openat(parent, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        close(moved);
        close(parent);
    }
    snprintf(rel, sizeof rel, "sub/file%d", i % 8);
    int fd = root_openat(&place->root, rel, O_CREAT | O_WRONLY, 0644, &err);
    if (fd < 0)
        return false;
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    return true;
}

static void nothing_appears_outside_while_folders_turn_into_links(void **state)
{
    struct place *place = *state;
    make_link("../outside", place->inside, "link");
    struct swapper swapper = {
        .folder = mem_format("%s/sub", place->inside),
        .link = mem_format("%s/link", place->inside),
    };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, swap_in_a_loop, &swapper), 0);
    int written = 0, refused = 0;
    for (int i = 0; i < RACE_WRITES; i++) {
        if (write_in_the_race(place, i))
            written++;
        else
            refused++;
    }
    atomic_store(&swapper.stop, true);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&swapper.swaps) > 0);
    assert_true(written > 0);
    assert_true(refused > 0);
    assert_int_equal(count_entries(place->outside), 1);
    mem_free(swapper.folder);
    mem_free(swapper.link);
}

#define BOTH(test)                                                                                 \
    {#test " (openat2)", test, setup_kernel, teardown, NULL},                                      \
    {                                                                                              \
#test " (walk)", test, setup_walk, teardown, NULL                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(paths_become_relative),
        BOTH(paths_outside_are_named),
        BOTH(bad_paths_are_refused),
        BOTH(files_inside_open),
        BOTH(links_that_leave_are_refused),
        BOTH(loops_of_links_end),
        BOTH(magic_links_are_refused),
        BOTH(links_that_stay_are_followed_by_the_kernel_only),
        BOTH(folders_are_made_beneath),
        BOTH(the_parent_is_opened),
        cmocka_unit_test(a_missing_root_is_named),
        BOTH(nothing_appears_outside_while_folders_turn_into_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
