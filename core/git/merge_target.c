// SPDX-License-Identifier: MIT
#include "core/git/merge_target.h"

#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/repository.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 4096 };

// --- the name ---

static char *name_of(const struct merge_spec *spec)
{
    const char *name = spec->into ? spec->into : spec->base_name;
    if (name && str_starts(str_of(name), STR("refs/heads/")))
        name += sizeof("refs/heads/") - 1;
    return name ? mem_dup(str_of(name)) : NULL;
}

static bool explain_missing(const struct merge_spec *spec, git_repository *repository,
                            const char *name, struct err *err)
{
    if (git_repository_head_unborn(repository) == 1)
        return err_set(err, ERR_REPOSITORY, "%s has no commit yet on %s: make one first",
                       spec->agent.repository, name);
    if (spec->into)
        return err_set(err, ERR_REPOSITORY,
                       "there is no branch '%s' in %s; see git branch, or make it: git branch %s",
                       name, spec->agent.repository, name);
    return err_set(err, ERR_REPOSITORY,
                   "the agent started from '%s', which is no branch of %s (any more): say the "
                   "branch to merge into",
                   name, spec->agent.repository);
}

bool target_read(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
                 struct err *err)
{
    git_reference *ref = NULL;
    plan->into = name_of(spec);
    if (!plan->into || !*plan->into)
        return err_set(err, ERR_PARAMS,
                       "into: the agent did not start from a branch; name one to merge into");
    if (strcmp(plan->into, spec->agent.branch) == 0)
        return err_set(err, ERR_PARAMS, "into: %s is the agent's own branch", plan->into);
    plan->ref = mem_format("refs/heads/%s", plan->into);
    if (git_reference_lookup(&ref, repository, plan->ref) < 0)
        return explain_missing(spec, repository, plan->into, err);
    bool direct = git_reference_type(ref) == GIT_REFERENCE_DIRECT;
    if (direct)
        git_oid_tostr(plan->old_id, sizeof(plan->old_id), git_reference_target(ref));
    git_reference_free(ref);
    return direct || err_set(err, ERR_REFUSED,
                             "%s is another name of a branch (a symbolic "
                             "reference): merge into that one",
                             plan->into);
}

// --- who has it ---

static bool read_line(const char *folder, const char *file, char line[HEAD_BYTES_MAX])
{
    char *path = mem_format("%s%s", folder, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, line, HEAD_BYTES_MAX - 1) : -1;
    if (fd >= 0)
        close(fd);
    mem_free(path);
    line[len > 0 ? len : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return len > 0;
}

// What a git directory (with a slash at its end) has to do with the branch.
static bool has_checked_out(const char *folder, const char *ref)
{
    char line[HEAD_BYTES_MAX];
    return read_line(folder, "HEAD", line) && str_starts(str_of(line), STR("ref: ")) &&
           strcmp(line + sizeof("ref: ") - 1, ref) == 0;
}

static const char *is_in_use(const char *folder, const char *ref)
{
    static const struct {
        const char *file, *what;
    } uses[] = {{"rebase-merge/head-name", "rebase"},
                {"rebase-apply/head-name", "rebase"},
                {"BISECT_START", "bisect"}};
    char line[HEAD_BYTES_MAX];
    for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
        if (read_line(folder, uses[i].file, line) &&
            (strcmp(line, ref) == 0 || strcmp(line, ref + sizeof("refs/heads/") - 1) == 0))
            return uses[i].what;
    }
    return NULL;
}

static bool refuse(const struct merge_plan *plan, const char *where, const char *what,
                   struct err *err)
{
    if (what)
        return err_set(err, ERR_REFUSED,
                       "a %s of %s is under way in %s: finish or abort it first (git %s --abort)",
                       what, plan->into, where, what);
    return err_set(err, ERR_REFUSED,
                   "%s is checked out in another worktree, %s: merge there, or into another branch",
                   plan->into, where);
}

// One other than the repository's own.
static bool check_other(git_repository *repository, const struct merge_plan *plan,
                        const char *folder, const char *where, struct err *err)
{
    if (strcmp(folder, git_repository_path(repository)) == 0)
        return true;
    const char *what = is_in_use(folder, plan->ref);
    return (!what && !has_checked_out(folder, plan->ref)) || refuse(plan, where, what, err);
}

static bool check_linked(git_repository *repository, const struct merge_plan *plan,
                         const char *name, struct err *err)
{
    char *folder = mem_format("%sworktrees/%s/", git_repository_commondir(repository), name);
    char where[HEAD_BYTES_MAX];
    if (!read_line(folder, "gitdir", where))
        snprintf(where, sizeof(where), "%s", name);
    struct str path = str_of(where);
    if (str_ends(path, STR("/.git")))
        where[path.len - (sizeof("/.git") - 1)] = '\0';
    // One whose folder is gone, which git worktree prune would forget, holds nothing.
    bool ok = (*where == '/' && access(where, F_OK) < 0) ||
              check_other(repository, plan, folder, where, err);
    mem_free(folder);
    return ok;
}

static bool check_others(git_repository *repository, const struct merge_plan *plan, struct err *err)
{
    git_strarray names = {0};
    const char *common = git_repository_commondir(repository);
    git_repository *main_tree = NULL;
    bool ok = true;
    if (strcmp(common, git_repository_path(repository)) != 0 &&
        git_repository_open_ext(&main_tree, common, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) == 0) {
        const char *folder = git_repository_workdir(main_tree);
        ok = !folder || check_other(repository, plan, common, folder, err);
    }
    git_repository_free(main_tree);
    if (ok && git_worktree_list(&names, repository) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot list the worktrees of %s", common);
    for (size_t i = 0; ok && i < names.count; i++)
        ok = check_linked(repository, plan, names.strings[i], err);
    git_strarray_dispose(&names);
    return ok;
}

static const char *state_of(git_repository *repository)
{
    switch (git_repository_state(repository)) {
    case GIT_REPOSITORY_STATE_NONE:
        return NULL;
    case GIT_REPOSITORY_STATE_MERGE:
        return "merge";
    case GIT_REPOSITORY_STATE_REVERT:
    case GIT_REPOSITORY_STATE_REVERT_SEQUENCE:
        return "revert";
    case GIT_REPOSITORY_STATE_CHERRYPICK:
    case GIT_REPOSITORY_STATE_CHERRYPICK_SEQUENCE:
        return "cherry-pick";
    case GIT_REPOSITORY_STATE_BISECT:
        return "bisect";
    case GIT_REPOSITORY_STATE_APPLY_MAILBOX:
        return "am";
    default:
        return "rebase";
    }
}

static bool check_own(git_repository *repository, struct merge_plan *plan, struct err *err)
{
    const char *folder = git_repository_path(repository),
               *tree = git_repository_workdir(repository);
    const char *what = is_in_use(folder, plan->ref);
    if (what)
        return refuse(plan, tree, what, err);
    if (!tree || !has_checked_out(folder, plan->ref))
        return true;
    what = state_of(repository);
    if (what)
        return refuse(plan, tree, what, err);
    plan->folder = mem_dup(str_of(tree));
    return true;
}

bool target_find(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
                 struct err *err)
{
    return target_read(spec, repository, plan, err) && check_own(repository, plan, err) &&
           check_others(repository, plan, err);
}

bool target_is_same(git_repository *repository, const struct merge_plan *plan, struct err *err)
{
    bool checked_out = has_checked_out(git_repository_path(repository), plan->ref);
    return checked_out == (plan->folder != NULL) ||
           err_set(err, ERR_REFUSED, "%s was %s meanwhile in %s: try again", plan->into,
                   checked_out ? "checked out" : "left", git_repository_workdir(repository));
}
