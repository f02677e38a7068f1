// SPDX-License-Identifier: MIT
// Is all of a worktree where it was made? People delete folders and move repositories.
#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/worktree_private.h"

static bool has(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    bool there = folder_exists(path);
    mem_free(path);
    return there;
}

static bool no_repository(const char *path, struct err *err)
{
    return err_set(err, ERR_REPOSITORY,
                   "the repository %s is not there any more, or was moved: put it back, for git "
                   "works in no worktree of it without",
                   path);
}

static bool has_folder(const struct worktree_spec *spec, struct err *err)
{
    return folder_exists(spec->path) ||
           err_set(err, ERR_WORKTREE,
                   "the worktree %s is not there any more: what was committed in it is on %s, and "
                   "its checkpoints are under refs/swarmd/%s/; put it back, or remove the agent",
                   spec->path, spec->branch, spec->name);
}

bool worktree_check_repository(const struct worktree_spec *spec, struct err *err)
{
    return folder_exists(spec->repository) || no_repository(spec->repository, err);
}

bool worktree_check_place(const struct worktree_spec *spec, struct err *err)
{
    return worktree_check_repository(spec, err) && (!spec->branch || has_folder(spec, err));
}

// What <path>/.git says, where there is no record: of an older swarmd, or both were deleted.
static bool leads_nowhere(const struct worktree_spec *spec)
{
    struct buf text;
    buf_init(&text, SMALL_FILE_MAX);
    char *link = mem_format("%s/.git", spec->path);
    bool nowhere = !folder_exists(link);
    if (small_file_read(link, &text) && str_starts(buf_str(&text), STR("gitdir: "))) {
        char *target = mem_dup(str_trim(str_skip(buf_str(&text), 8)));
        nowhere = !has(target, "HEAD");
        mem_free(target);
    }
    mem_free(link);
    buf_release(&text);
    return nowhere;
}

bool worktree_check(const struct worktree_spec *spec, struct err *err)
{
    struct record record;
    if (!has_folder(spec, err))
        return false;
    enum record_state state = record_read(spec, &record, err);
    bool ok = state != RECORD_BROKEN;
    // By what is in use: the folder that the agent was started from may be gone.
    if (state == RECORD_READ && !has(record.common, "objects"))
        ok = no_repository(spec->repository, err);
    else if (ok && (state == RECORD_READ ? !has(spec->git, "HEAD") : leads_nowhere(spec)))
        ok = err_set(err, ERR_WORKTREE,
                     "the git directory of the worktree %s is not there any more, but its files "
                     "are: to keep them in the repository, remove the agent with force",
                     spec->path);
    record_release(&record);
    return ok;
}
