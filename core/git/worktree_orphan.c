// SPDX-License-Identifier: MIT
#include "core/git/worktree_orphan.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"

#include <git2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NO_COMMIT "0000000000000000000000000000000000000000"

// As if the agent were there.
struct stand_in {
    struct checkpoint_place place;
    char *git, *cache, *branch, *path, *nowhere;
    char base[WORKTREE_COMMIT_MAX];
};

static void take_base(struct stand_in *in, const struct orphan *orphan)
{
    struct record record;
    struct err ignored;
    git_repository *repository = NULL;
    git_oid id;
    snprintf(in->base, sizeof in->base, "%s", NO_COMMIT);
    if (record_read(&in->place.spec, &record, &ignored) == RECORD_READ)
        memcpy(in->base, record.imported, sizeof in->base);
    record_release(&record);
    char *ref = mem_format("refs/swarmd/%s/base", orphan->id);
    if (orphan->repository && repository_open(&repository, orphan->repository, true, &ignored) &&
        git_reference_name_to_id(&id, repository, ref) == 0)
        git_oid_tostr(in->base, sizeof in->base, &id);
    git_repository_free(repository);
    mem_free(ref);
}

static void stand_in_make(struct stand_in *in, const struct orphan_search *search,
                          const struct orphan *orphan)
{
    in->git = mem_format("%s/git/%s", search->state_folder, orphan->id);
    in->cache = mem_format("%s.files", in->git);
    in->branch = mem_format("swarm/%s", orphan->id);
    in->path = orphan->path ? mem_dup(str_of(orphan->path))
                            : mem_format("%s/worktrees/none/%s", search->state_folder, orphan->id);
    in->nowhere = mem_format("%s/worktrees/none/none", search->state_folder);
    in->place = (struct checkpoint_place){
        .spec = {.repository = orphan->repository ? orphan->repository : in->nowhere,
                 .base = in->base,
                 .branch = in->branch,
                 .name = orphan->id,
                 .path = in->path,
                 .git = in->git},
        .cache = in->cache,
    };
    take_base(in, orphan);
}

static void stand_in_release(struct stand_in *in)
{
    mem_free(in->git);
    mem_free(in->cache);
    mem_free(in->branch);
    mem_free(in->path);
    mem_free(in->nowhere);
}

// --- finding ---

// The working directory that people know it by.
static char *root_of(const char *common)
{
    git_repository *repository = NULL;
    struct err ignored;
    const char *root = NULL;
    if (repository_open(&repository, common, true, &ignored))
        root = git_repository_workdir(repository);
    struct str text = str_of(root ? root : common);
    while (text.len > 1 && text.data[text.len - 1] == '/')
        text.len--;
    if (!root && str_ends(text, STR("/.git"))) // it is gone
        text.len -= 5;
    char *copy = mem_dup(text);
    git_repository_free(repository);
    return copy;
}

// A worktree of an older swarmd, which is linked to its repository.
static char *linked_to(const char *path)
{
    git_repository *tree = NULL;
    struct err ignored;
    char *root = NULL;
    if (repository_open(&tree, path, true, &ignored) &&
        strcmp(git_repository_path(tree), git_repository_commondir(tree)) != 0)
        root = root_of(git_repository_commondir(tree));
    git_repository_free(tree);
    return root;
}

void orphan_find_repository(const struct orphan_search *search, struct orphan *orphan)
{
    struct stand_in in;
    struct record record;
    struct err ignored;
    stand_in_make(&in, search, orphan);
    if (record_read(&in.place.spec, &record, &ignored) == RECORD_READ)
        orphan->repository = root_of(record.common);
    else if (orphan->path)
        orphan->repository = linked_to(orphan->path);
    record_release(&record);
    stand_in_release(&in);
}

// Nobody knows what it belongs to, so nobody can keep what is in it.
static bool is_stray(const struct orphan *orphan)
{
    return !orphan->repository && orphan->path && folder_exists(orphan->path) &&
           !folder_is_empty(orphan->path);
}

void orphan_find_work(const struct orphan_search *search, struct orphan *orphan)
{
    struct stand_in in;
    struct err reason;
    bool has_work;
    stand_in_make(&in, search, orphan);
    if (is_stray(orphan))
        snprintf(orphan->work, sizeof orphan->work, "files of no repository that is known");
    else if (!worktree_has_work(&in.place.spec, &has_work, orphan->work, sizeof orphan->work,
                                &reason))
        snprintf(orphan->work, sizeof orphan->work, "nobody can tell: %.150s", reason.message);
    stand_in_release(&in);
}

// --- clearing ---

static bool remove_rest(const struct orphan_search *search, const struct orphan *orphan,
                        const struct stand_in *in, struct err *err)
{
    static const char *const folders[] = {"output", "tmp"};
    bool ok = true;
    unlink(in->cache);
    for (size_t i = 0; ok && i < 2; i++) {
        char *path = mem_format("%s/%s/%s", search->state_folder, folders[i], orphan->id);
        ok = folder_remove(path, err);
        mem_free(path);
    }
    return ok;
}

void orphan_clear(const struct orphan_search *search, struct orphan *orphan)
{
    if (orphan->kind == ORPHAN_KEPT) {
        orphan->cleared =
            checkpoint_clear_removed(orphan->repository, search->now_ms, NULL, NULL, &orphan->err);
        return;
    }
    if (is_stray(orphan)) {
        err_set(&orphan->err, ERR_DIRTY,
                "%s has files and belongs to no repository that is known: look at it, and delete "
                "it by hand",
                orphan->path);
        return;
    }
    struct stand_in in;
    stand_in_make(&in, search, orphan);
    orphan->cleared = checkpoint_keep_removed(&in.place, false, &orphan->kept, &orphan->err) &&
                      worktree_remove(&in.place.spec, &orphan->err) &&
                      remove_rest(search, orphan, &in, &orphan->err);
    stand_in_release(&in);
}
