// SPDX-License-Identifier: MIT
// From the worktree's git directory into the repository: objects, then references.
#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"
#include "core/git/worktree_linked.h"
#include "core/git/worktree_objects.h"
#include "core/git/worktree_private.h"

#include <git2.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t imports = PTHREAD_MUTEX_INITIALIZER;

// --- the branch ---

static void leave(const struct worktree_spec *spec, struct worktree_import *out, const char *why)
{
    out->branch_left = true;
    if (!out->moved)
        return; // said before
    size_t len = strlen(out->notice);
    snprintf(out->notice + len, sizeof out->notice - len,
             "%sThe branch %s %s, and was left as it is. The commits are kept under "
             "refs/swarmd/%s/tip.",
             len ? " " : "", spec->branch, why, spec->name);
}

// From where we put it last to the commit; whatever else a person did with it is respected.
static bool move_branch(git_repository *repository, const struct worktree_spec *spec,
                        struct record *record, const git_oid *commit, struct worktree_import *out,
                        struct err *err)
{
    char *name = mem_format("refs/heads/%s", spec->branch);
    git_reference *ref = NULL;
    git_oid expected;
    int code = git_reference_lookup(&ref, repository, name);
    bool ok = true;
    if (code == GIT_ENOTFOUND) {
        leave(spec, out, "was deleted by hand");
    } else if (code < 0 || git_reference_type(ref) != GIT_REFERENCE_DIRECT ||
               git_oid_fromstr(&expected, record->branch) < 0) {
        ok = git_fail(err, ERR_WORKTREE, "cannot read the branch %s", spec->branch);
    } else if (git_oid_equal(git_reference_target(ref), commit)) {
        git_oid_tostr(record->branch, sizeof record->branch, commit);
    } else if (!git_oid_equal(git_reference_target(ref), &expected)) {
        leave(spec, out, "was moved by hand");
    } else if (git_branch_is_checked_out(ref) == 1) {
        leave(spec, out, "is checked out");
    } else {
        code = refs_set(repository, name, commit, &expected, REFS_OURS, "swarmd: import");
        if (code == GIT_EMODIFIED)
            leave(spec, out, "was moved by hand");
        else if (code < 0)
            ok = git_fail(err, ERR_WORKTREE, "cannot move the branch %s", spec->branch);
        else
            git_oid_tostr(record->branch, sizeof record->branch, commit);
    }
    git_reference_free(ref);
    mem_free(name);
    return ok;
}

static bool set_tip(git_repository *repository, const struct worktree_spec *spec,
                    const git_oid *commit, struct err *err)
{
    char *name = mem_format("refs/swarmd/%s/tip", spec->name);
    bool ok = refs_set(repository, name, commit, NULL, REFS_OURS, NULL) == 0 ||
              git_fail(err, ERR_WORKTREE, "cannot write %s", name);
    mem_free(name);
    return ok;
}

// --- the import ---

static bool copy_objects(git_repository *repository, const struct worktree_spec *spec,
                         const git_oid *commit, struct err *err)
{
    char *objects = mem_format("%s/objects", spec->git);
    bool ok = private_is_plain(objects, err) && objects_import(repository, objects, commit, err);
    mem_free(objects);
    return ok || err_wrap(err,
                          "cannot take over what was committed in %s (nothing of it is in "
                          "the repository)",
                          spec->path);
}

static bool import(const struct worktree_spec *spec, struct record *record,
                   struct worktree_import *out, struct err *err)
{
    git_repository *repository = NULL;
    git_oid commit;
    if (!private_open_repository(&repository, spec, record, err))
        return false;
    bool ok = git_oid_fromstr(&commit, out->commit) == 0 ||
              git_fail(err, ERR_WORKTREE, "HEAD of %s", spec->path);
    if (ok && out->moved)
        ok =
            copy_objects(repository, spec, &commit, err) && set_tip(repository, spec, &commit, err);
    ok = ok && move_branch(repository, spec, record, &commit, out, err);
    if (ok)
        memcpy(record->imported, out->commit, sizeof record->imported);
    git_repository_free(repository);
    return ok;
}

static bool look(const struct worktree_spec *spec, struct record *record,
                 struct worktree_import *out, struct err *err)
{
    char ref[1024];
    bool unborn, changed;
    if (!private_put_back(spec, record, &changed, out->notice, err) ||
        !private_head(spec, out->commit, ref, &unborn, err))
        return false;
    if (unborn) // nothing is committed there yet
        memcpy(out->commit, record->imported, sizeof out->commit);
    out->moved = strcmp(out->commit, record->imported) != 0;
    out->branch_left = strcmp(record->imported, record->branch) != 0;
    if (!changed && !out->moved && !out->branch_left)
        return true;
    if (out->moved || out->branch_left) {
        out->branch_left = false;
        if (!import(spec, record, out, err))
            return false;
    }
    return record_write(spec, record, err);
}

bool worktree_import(const struct worktree_spec *spec, struct worktree_import *out, struct err *err)
{
    *out = (struct worktree_import){0};
    struct record record;
    pthread_mutex_lock(&imports);
    enum record_state state = record_read(spec, &record, err);
    bool ok = state == RECORD_READ ? !record.made || look(spec, &record, out, err)
                                   : state == RECORD_NONE && linked_head(spec, out, err);
    record_release(&record);
    pthread_mutex_unlock(&imports);
    return ok;
}

bool worktree_refresh(const struct worktree_spec *spec, struct err *err)
{
    struct record record;
    enum record_state state = record_read(spec, &record, err);
    git_repository *repository = NULL;
    bool ok = state == RECORD_NONE;
    if (state == RECORD_READ && (!record.made || !private_refs_are_old(spec, record.common)))
        ok = true;
    else if (state == RECORD_READ)
        ok = private_open_repository(&repository, spec, &record, err) &&
             private_write_refs(repository, spec, err);
    git_repository_free(repository);
    record_release(&record);
    return ok;
}
