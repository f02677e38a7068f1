// SPDX-License-Identifier: MIT
#include "core/git/worktree_linked.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_entry.h"

#include <git2.h>
#include <unistd.h>

bool linked_is_made(git_repository *repository, const struct worktree_spec *spec)
{
    struct entry entry;
    entry_init(&entry, git_repository_commondir(repository), spec);
    bool made = folder_exists(spec->path) && entry_look(&entry) == ENTRY_OURS;
    entry_release(&entry);
    return made;
}

bool linked_clear_unfinished(git_repository *repository, const struct worktree_spec *spec,
                             struct err *err)
{
    struct entry entry;
    entry_init(&entry, git_repository_commondir(repository), spec);
    enum entry_state state = entry_look(&entry);
    bool ok = true;
    if (state == ENTRY_UNFINISHED) {
        char *name = mem_format("refs/heads/%s", spec->branch);
        git_reference *ref = NULL;
        size_t commits = 0;
        ok = folder_remove(spec->path, err) &&
             repository_own_commits(repository, spec->branch, NULL, &commits, err);
        if (ok && commits == 0 && git_reference_lookup(&ref, repository, name) == 0 &&
            git_reference_delete(ref) < 0)
            ok = git_fail(err, ERR_WORKTREE, "cannot remove the branch %s", spec->branch);
        git_reference_free(ref);
        mem_free(name);
    }
    if (ok && (state == ENTRY_BEGUN || state == ENTRY_UNFINISHED))
        ok = entry_remove(&entry, err);
    entry_release(&entry);
    return ok;
}

bool linked_check_unlocked(git_repository *repository, const struct worktree_spec *spec,
                           struct err *err)
{
    struct entry entry;
    struct buf reason;
    entry_init(&entry, git_repository_commondir(repository), spec);
    buf_init(&reason, ERR_MESSAGE_MAX);
    bool locked = entry_look(&entry) == ENTRY_OURS && entry_is_locked(&entry, &reason);
    if (locked)
        err_set(err, ERR_WORKTREE, "the worktree %s is locked%s%.*s; git worktree unlock %s",
                spec->path, reason.len ? ": " : "", STR_ARG(buf_str(&reason)), spec->path);
    buf_release(&reason);
    entry_release(&entry);
    return !locked;
}

bool linked_remove(git_repository *repository, const struct worktree_spec *spec, struct err *err)
{
    struct entry entry;
    entry_init(&entry, git_repository_commondir(repository), spec);
    enum entry_state state = entry_look(&entry);
    bool ours = state != ENTRY_NONE && state != ENTRY_FOREIGN;
    bool ok = !ours || entry_remove(&entry, err);
    entry_release(&entry);
    return ok;
}

bool linked_head(const struct worktree_spec *spec, struct worktree_import *out, struct err *err)
{
    git_repository *tree = NULL;
    git_oid head;
    if (!folder_exists(spec->path))
        return true;
    if (!repository_open(&tree, spec->path, true, err))
        return false;
    if (git_reference_name_to_id(&head, tree, "HEAD") == 0)
        git_oid_tostr(out->commit, sizeof out->commit, &head);
    git_repository_free(tree);
    return true;
}
