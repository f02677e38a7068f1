// SPDX-License-Identifier: MIT
#include "core/git/worktree_checkout.h"

#include "core/git/repository.h"
#include "core/git/worktree_git.h"
#include "core/git/worktree_index.h"
#include "core/git/worktree_plan.h"
#include "core/git/worktree_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool worktree_checkout(struct git_repository *repository, const char *path, const char *index,
                       const char *commit, const struct ignore *sparse,
                       struct worktree_progress *progress, struct err *err)
{
    struct plan plan;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot open %s", path);
    bool ok = git_fetch_trees(repository, commit, progress, err);
    if (!ok) {
        close(folder);
        return false;
    }
    ok = plan_make(&plan, repository, commit, sparse, err) &&
         git_fetch_blobs(repository, &plan, progress, err) &&
         plan_write(&plan, repository, folder, path, WRITE_THREADS, progress, err) &&
         plan_write_index(&plan, index, err);
    if (ok && plan.filter && progress)
        snprintf(progress->filter, sizeof progress->filter, "%s", plan.filter);
    plan_release(&plan);
    close(folder);
    return ok;
}
