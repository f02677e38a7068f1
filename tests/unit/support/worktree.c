// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

struct worktree_spec worktree_test_spec(const char *repository, const char *name)
{
    return (struct worktree_spec){
        .repository = sh_output("realpath '%s'", repository),
        .base = sh_output("git -C '%s' rev-parse HEAD", repository),
        .branch = sh_output("echo swarm/%s", name),
        .name = sh_output("echo %s", name),
        .path = git_test_path(sh_output("echo state/worktrees/%s", name)),
        .git = git_test_path(sh_output("echo state/git/%s", name)),
    };
}

void worktree_test_add(const struct worktree_spec *spec)
{
    struct err err;
    if (!worktree_add(spec, &err))
        fail_msg("%s", err.message);
}

void worktree_test_remove(const struct worktree_spec *spec)
{
    struct err err;
    if (!worktree_remove(spec, &err))
        fail_msg("%s", err.message);
}

void worktree_test_add_refused(const struct worktree_spec *spec, const char *says)
{
    struct err err = {0};
    if (worktree_add(spec, &err))
        fail_msg("%s is added", spec->name);
    if (!strstr(err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
}

const char *worktree_test_work(const struct worktree_spec *spec)
{
    char what[200] = "unset";
    bool has_work = false;
    struct err err;
    if (!worktree_has_work(spec, &has_work, what, sizeof what, &err))
        fail_msg("%s", err.message);
    assert_int_equal(has_work, *what != '\0');
    return sh_output("echo '%s'", what);
}

const char *worktree_test_git_folder(const char *repository)
{
    return sh_output("cd '%s/.git' && find . -path ./objects -prune -o -path ./logs -prune -o "
                     "-path ./refs -prune -o -path ./packed-refs -prune -o "
                     "-path ./hooks -prune -o -type f -print0 | sort -z | "
                     "xargs -0 sha1sum && git show-ref",
                     repository);
}

const char *worktree_test_tree(const char *repository)
{
    return sh_output("cd '%s' && sha1sum .git/index .git/HEAD .git/config && git stash list && "
                     "git status --porcelain && find . -path ./.git -prune -o -type f -print0 | "
                     "sort -z | xargs -0 sha1sum",
                     repository);
}
