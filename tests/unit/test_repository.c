// SPDX-License-Identifier: MIT
// What an agent can work in, and what the person is told where it cannot.
#include "tests/unit/support/unit.h"

#include "core/git/worktree.h"
#include "tests/unit/support/git.h"

#include <stdio.h>
#include <unistd.h>

static void probe(const char *cwd, const char *base, struct repository_info *info)
{
    struct err err;
    if (!repository_probe(cwd, base, info, &err))
        fail_msg("%s: %s", cwd, err.message);
}

static void refused(const char *cwd, const char *base, const char *says)
{
    struct repository_info info;
    struct err err = {0};
    if (repository_probe(cwd, base, &info, &err))
        fail_msg("%s is accepted", cwd);
    assert_int_equal(err.kind, ERR_REPOSITORY);
    if (!strstr(err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

static void finds_root_and_head(void **state)
{
    (void)state;
    const char *path = git_test_repository("with space é");
    const char *head = sh_output("git -C '%s' rev-parse HEAD", path);
    const char *const places[] = {"", "/sub", "/sub/deep", "/.git"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct repository_info info;
        probe(sh_output("echo '%s%s'", path, places[i]), i % 2 ? NULL : "", &info);
        assert_string_equal(info.root, sh_output("realpath '%s'", path));
        assert_string_equal(info.base, head);
        assert_string_equal(info.base_name, "main");
        repository_info_release(&info);
    }
}

static void root_is_real(void **state)
{
    (void)state;
    const char *path = git_test_repository("repository"), *link = git_test_path("link");
    sh("ln -s '%s' '%s'", path, link);
    struct repository_info info;
    probe(link, NULL, &info);
    assert_string_equal(info.root, sh_output("realpath '%s'", path));
    repository_info_release(&info);
}

static void resolves_bases(void **state)
{
    (void)state;
    const char *path = git_test_repository("bases");
    sh("cd '%s' && git branch topic/one && git tag v1 && git tag -a -m 'note' v1a && "
       "git update-ref refs/remotes/origin/main HEAD && echo 2 >> README && "
       "git commit -qam second",
       path);
    const char *first = sh_output("git -C '%s' rev-parse HEAD~1", path);
    const char *brief = sh_output("git -C '%s' rev-parse --short HEAD~1", path);
    const struct {
        const char *base, *name;
    } cases[] = {{"topic/one", "topic/one"},
                 {"refs/heads/topic/one", "topic/one"},
                 {"v1", first},
                 {"v1a", first},
                 {brief, first},
                 {first, first},
                 {"HEAD~1", first},
                 {"origin/main", "origin/main"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct repository_info info;
        probe(path, cases[i].base, &info);
        assert_string_equal(info.base, first);
        assert_string_equal(info.base_name, cases[i].name);
        repository_info_release(&info);
    }
    sh("git -C '%s' checkout -q --detach", path);
    struct repository_info info;
    probe(path, NULL, &info);
    assert_string_equal(info.base_name, sh_output("git -C '%s' rev-parse HEAD", path));
    repository_info_release(&info);
}

static void refuses_unknown_bases(void **state)
{
    (void)state;
    const char *path = git_test_repository("unknown");
    refused(path, "no-such-branch", "'no-such-branch' is no branch, tag or commit");
    refused(path, "0123456789abcdef0123456789abcdef01234567", "is no branch, tag or commit");
    refused(path, "a..b..c", "a..b..c");
    refused(path, "HEAD:README", "is a blob");
    // 300 commits hold two ids with the same first four digits, all but surely; make it sure.
    sh("cd '%s' && for i in $(seq 400); do echo $i | git hash-object -w --stdin; done | "
       "cut -c1-4 | sort | uniq -d | head -1 > '%s/../twice'",
       path, path);
    const char *twice = sh_output("cat '%s/../twice'", path);
    if (*twice)
        refused(path, twice, "begins more than one");
}

static void refuses_what_is_no_repository(void **state)
{
    (void)state;
    const char *plain = git_test_path("plain"), *bare = git_test_path("bare.git");
    const char *fresh = git_test_path("fresh");
    refused(plain, NULL, "there is no folder");
    sh("mkdir '%s' && git init -q --bare '%s' && git init -q '%s'", plain, bare, fresh);
    refused(plain, NULL, "is not in a git repository");
    refused(bare, NULL, "is bare");
    refused(fresh, NULL, "no commit yet");
    sh("touch '%s/file'", plain);
    refused(sh_output("echo '%s/file'", plain), NULL, "there is no folder");
}

static void refuses_what_libgit2_cannot(void **state)
{
    (void)state;
    const char *path = git_test_repository("extended");
    sh("git -C '%s' config core.repositoryFormatVersion 1", path);
    sh("git -C '%s' config extensions.somethingNew true", path);
    refused(path, NULL, "somethingnew");
    const char *sha256 = git_test_path("sha256");
    sh("git init -q --object-format=sha256 '%s' && cd '%s' && git commit -q --allow-empty -m x",
       sha256, sha256);
    refused(sha256, NULL, "sha256");
}

static long resident_pages(void)
{
    long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
        fail();
    fclose(file);
    return resident;
}

static void opening_costs_no_memory_with_extensions(void **state)
{
    (void)state;
    enum { OPENINGS = 400, BYTES_MAX = 40 << 20 }; // libgit2 alone: 100 MB
    const char *path = git_test_repository("format1"), *linked = git_test_path("format1-linked");
    struct repository_info info;
    sh("cd '%s' && git config core.repositoryFormatVersion 1 && "
       "git config extensions.worktreeConfig true && git worktree add -q --detach '%s'",
       path, linked);
    const char *roots[] = {sh_output("realpath '%s'", path), sh_output("realpath '%s'", linked)};
    long before = resident_pages();
    for (int i = 0; i < OPENINGS; i++) {
        probe(roots[i % 2], NULL, &info);
        assert_string_equal(info.root, roots[i % 2]);
        repository_info_release(&info);
    }
    assert_true((resident_pages() - before) * sysconf(_SC_PAGESIZE) < BYTES_MAX);
    // What is remembered of it is not believed when its configuration is another.
    sh("git -C '%s' config extensions.somethingNew true", path);
    refused(path, NULL, "somethingnew");
    sh("git config -f '%s/.git/config' --unset extensions.somethingNew && mv '%s/.git' '%s/moved'",
       path, path, path);
    refused(path, NULL, "is not in a git repository");
    sh("mv '%s/moved' '%s/.git'", path, path);
    probe(path, NULL, &info);
    repository_info_release(&info);
}

static void follows_linked_worktrees_and_submodules(void **state)
{
    (void)state;
    const char *path = git_test_repository("main"), *linked = git_test_path("linked");
    sh("cd '%s' && git worktree add -q -b topic '%s' && cd '%s' && echo x > x && git add x && "
       "git commit -qm topic",
       path, linked, linked);
    struct repository_info info;
    probe(linked, NULL, &info);
    assert_string_equal(info.root, sh_output("realpath '%s'", linked));
    assert_string_equal(info.base_name, "topic");
    assert_string_equal(info.base, sh_output("git -C '%s' rev-parse HEAD", linked));
    repository_info_release(&info);

    const char *outer = git_test_repository("outer");
    sh("cd '%s' && git submodule --quiet add '%s' module && git commit -qm module", outer, path);
    const char *inner = sh_output("echo '%s/module'", outer);
    probe(inner, NULL, &info);
    assert_string_equal(info.root, sh_output("realpath '%s'", inner));
    repository_info_release(&info);
}

static void tells_dubious_ownership(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); // only root can give a folder away
    const char *path = git_test_repository("foreign");
    sh("chown -R 12345 '%s'", path);
    const char *sub = sh_output("echo '%s/sub'", path);
    refused(sub, NULL, "dubious ownership");
    refused(sub, NULL, sh_output("echo \"safe.directory '$(realpath '%s')'\"", path));
    sh("git config --global --add safe.directory '%s'", sh_output("realpath '%s'", path));
    struct repository_info info;
    probe(path, NULL, &info);
    repository_info_release(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_root_and_head),
        cmocka_unit_test(root_is_real),
        cmocka_unit_test(resolves_bases),
        cmocka_unit_test(refuses_unknown_bases),
        cmocka_unit_test(refuses_what_is_no_repository),
        cmocka_unit_test(refuses_what_libgit2_cannot),
        cmocka_unit_test(opening_costs_no_memory_with_extensions),
        cmocka_unit_test(follows_linked_worktrees_and_submodules),
        cmocka_unit_test(tells_dubious_ownership),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
