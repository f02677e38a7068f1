// SPDX-License-Identifier: MIT
// What would be lost with a worktree. In doubt there is work: removing asks again then.
#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"
#include "core/git/worktree_rules.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>

static int hide_other(git_revwalk *walk, git_repository *repository, const char *own)
{
    git_branch_iterator *branches = NULL;
    int code = git_branch_iterator_new(&branches, repository, GIT_BRANCH_ALL);
    git_reference *ref = NULL;
    git_branch_t type;
    while (code == 0 && git_branch_next(&ref, &type, branches) == 0) {
        git_reference *target = NULL; // origin/HEAD is symbolic, and may lead nowhere
        if (strcmp(git_reference_name(ref), own) != 0 && git_reference_resolve(&target, ref) == 0)
            code = git_revwalk_hide(walk, git_reference_target(target));
        git_reference_free(target);
        git_reference_free(ref);
    }
    git_branch_iterator_free(branches);
    return code;
}

bool repository_own_commits(git_repository *repository, const char *branch, const git_oid *head,
                            size_t *count, struct err *err)
{
    *count = 0;
    char *own = mem_format("refs/heads/%s", branch);
    git_oid tip, id;
    bool has_tip = git_reference_name_to_id(&tip, repository, own) == 0;
    git_revwalk *walk = NULL;
    int code = git_revwalk_new(&walk, repository);
    if (code == 0 && has_tip)
        code = git_revwalk_push(walk, &tip);
    if (code == 0 && head)
        code = git_revwalk_push(walk, head);
    if (code == 0)
        code = hide_other(walk, repository, own);
    while (code == 0 && *count < COMMITS_COUNTED_MAX && (code = git_revwalk_next(&id, walk)) == 0)
        ++*count;
    git_revwalk_free(walk);
    mem_free(own);
    return code == 0 || code == GIT_ITEROVER ||
           git_fail(err, ERR_WORKTREE, "cannot count the commits of %s", branch);
}

static bool count_files(git_repository *tree, size_t *count, struct err *err)
{
    git_status_options options;
    git_status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
    options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS;
    git_status_list *list = NULL;
    if (!rules_are_files(git_repository_workdir(tree), err))
        return false;
    if (git_status_list_new(&list, tree, &options) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot tell what changed in %s",
                        git_repository_workdir(tree));
    *count = git_status_list_entrycount(list);
    git_status_list_free(list);
    return true;
}

struct work {
    size_t files, commits, branches;
    bool stash;
    const char *doubt; // why nobody can tell, or NULL
};

// Branches and a stash that only the worktree's git directory has.
static bool count_own_refs(git_repository *repository, git_repository *tree, struct work *work,
                           struct err *err)
{
    git_odb *objects = NULL;
    git_branch_iterator *branches = NULL;
    git_reference *ref = NULL;
    git_branch_t type;
    int code = git_repository_odb(&objects, repository);
    if (code == 0)
        code = git_branch_iterator_new(&branches, tree, GIT_BRANCH_LOCAL);
    while (code == 0 && git_branch_next(&ref, &type, branches) == 0) {
        const git_oid *target = git_reference_target(ref);
        work->branches += target && !git_odb_exists(objects, target);
        git_reference_free(ref);
    }
    git_branch_iterator_free(branches);
    git_odb_free(objects);
    ref = NULL;
    work->stash = git_reference_lookup(&ref, tree, "refs/stash") == 0;
    git_reference_free(ref);
    return code == 0 ||
           git_fail(err, ERR_WORKTREE, "cannot list the branches of %s", git_repository_path(tree));
}

// What was replaced by a repository of the agent's own is kept, and nobody looked into it.
static bool was_replaced(const struct worktree_spec *spec)
{
    char *aside = private_aside(spec);
    bool there = folder_exists(aside);
    mem_free(aside);
    return there;
}

static bool look_at_folder(git_repository *repository, const struct worktree_spec *spec,
                           struct work *work, struct err *err)
{
    struct worktree_import import;
    struct err reason;
    git_repository *tree = NULL;
    git_oid head;
    if (!worktree_import(spec, &import, &reason))
        work->doubt = "commits that cannot be taken over";
    else if (was_replaced(spec))
        work->doubt = "another repository in its folder";
    bool has_head = git_oid_fromstr(&head, import.commit) == 0;
    bool ok = repository_own_commits(repository, spec->branch, has_head ? &head : NULL,
                                     &work->commits, err);
    if (!ok || !folder_exists(spec->path))
        return ok;
    if (!private_is_plain(spec->git, &reason) || !private_open(&tree, spec, &reason) ||
        !count_files(tree, &work->files, &reason))
        work->doubt = work->doubt ? work->doubt : "files in a folder that git cannot read any more";
    else
        ok = count_own_refs(repository, tree, work, err);
    git_repository_free(tree);
    return ok;
}

// What was imported last, wherever the branch is by now.
static const git_oid *find_tip(git_repository *repository, const struct worktree_spec *spec,
                               git_oid *tip)
{
    char *name = mem_format("refs/swarmd/%s/tip", spec->name);
    bool there = git_reference_name_to_id(tip, repository, name) == 0;
    mem_free(name);
    return there ? tip : NULL;
}

// One of an older swarmd. Only of its own folder: an agent may have put something else in its
// place.
static bool look_at_linked(git_repository *repository, const struct worktree_spec *spec,
                           struct work *work, struct err *err)
{
    git_repository *tree = NULL;
    struct err reason;
    if (!folder_exists(spec->path) || !repository_open(&tree, spec->path, true, &reason)) {
        if (folder_exists(spec->path) && !folder_is_empty(spec->path))
            work->doubt = "files in a folder that git cannot read any more";
        git_oid tip;
        return repository_own_commits(repository, spec->branch, find_tip(repository, spec, &tip),
                                      &work->commits, err);
    }
    bool ok = true;
    git_oid head;
    if (strcmp(git_repository_commondir(tree), git_repository_commondir(repository)) != 0) {
        work->doubt = "another repository in its folder";
    } else {
        bool has_head = git_reference_name_to_id(&head, tree, "HEAD") == 0;
        ok = count_files(tree, &work->files, err) &&
             repository_own_commits(repository, spec->branch,
                                    has_head && git_repository_head_detached(tree) == 1 ? &head
                                                                                        : NULL,
                                    &work->commits, err);
    }
    git_repository_free(tree);
    return ok;
}

static void add(char *what, size_t size, const char *part)
{
    size_t len = strlen(what);
    if (*part)
        snprintf(what + len, size - len, "%s%s", len ? ", " : "", part);
}

static void describe(const struct work *work, char *what, size_t size)
{
    char files[64] = "", commits[96] = "", branches[96] = "";
    if (work->files)
        snprintf(files, sizeof files, "%zu uncommitted file%s", work->files,
                 work->files == 1 ? "" : "s");
    if (work->commits)
        snprintf(commits, sizeof commits, "%zu%s commit%s on no other branch", work->commits,
                 work->commits == COMMITS_COUNTED_MAX ? " or more" : "",
                 work->commits == 1 ? " that is" : "s that are");
    if (work->branches)
        snprintf(branches, sizeof branches, "%zu more branch%s in its worktree", work->branches,
                 work->branches == 1 ? "" : "es");
    *what = '\0';
    add(what, size, work->doubt ? work->doubt : files);
    add(what, size, commits);
    add(what, size, branches);
    add(what, size, work->stash ? "a stash" : "");
}

static bool look(const struct worktree_spec *spec, struct work *work, struct err *err)
{
    struct record record;
    struct err reason;
    git_repository *repository = NULL;
    enum record_state state = record_read(spec, &record, &reason);
    bool open = state == RECORD_READ
                    ? private_open_repository(&repository, spec, &record, &reason)
                    : repository_open(&repository, spec->repository, true, &reason) ||
                          repository_open(&repository, spec->path, true, &reason);
    bool ok = true;
    if (!open || state == RECORD_BROKEN)
        work->doubt = folder_exists(spec->path) && !folder_is_empty(spec->path)
                          ? open ? "files in a folder that swarmd knows nothing of any more"
                                 : "files in a folder whose repository is gone"
                          : NULL;
    else
        ok = (state == RECORD_READ ? look_at_folder : look_at_linked)(repository, spec, work, err);
    git_repository_free(repository);
    record_release(&record);
    return ok;
}

bool worktree_has_work(const struct worktree_spec *spec, bool *has_work, char *what,
                       size_t what_size, struct err *err)
{
    struct work work = {0};
    if (!look(spec, &work, err))
        return false;
    *has_work = work.files || work.commits || work.branches || work.stash || work.doubt;
    describe(&work, what, what_size);
    return true;
}
