// SPDX-License-Identifier: MIT
#include "core/git/worktree.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"
#include "core/git/worktree_checkout.h"
#include "core/git/worktree_linked.h"
#include "core/git/worktree_pool.h"
#include "core/git/worktree_private.h"

#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What is written into the repository takes turns, so that ours never wait for each other's locks.
static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;

// --- branch ---

static bool branch_exists(git_repository *repository, const char *branch)
{
    git_reference *ref = NULL;
    bool exists = git_branch_lookup(&ref, repository, branch, GIT_BRANCH_LOCAL) == 0;
    git_reference_free(ref);
    return exists;
}

// refs/heads/swarm as a file leaves no room for refs/heads/swarm/<id>.
static bool explain_branch(git_repository *repository, const char *branch, struct err *err)
{
    const char *slash = strchr(branch, '/');
    char *folder = mem_dup(str_from(branch, slash ? (size_t)(slash - branch) : strlen(branch)));
    bool in_the_way = slash && branch_exists(repository, folder);
    git_fail(err, ERR_WORKTREE, "cannot make the branch %s", branch);
    if (in_the_way)
        err_set(err, ERR_WORKTREE,
                "cannot make the branch %s, for there is a branch named '%s'; rename that one: "
                "git branch -m %s <name>",
                branch, folder, folder);
    mem_free(folder);
    return false;
}

static bool branch_make(git_repository *repository, const char *branch, const git_commit *commit,
                        struct err *err)
{
    char *name = mem_format("refs/heads/%s", branch);
    int code = refs_make(repository, name, git_commit_id(commit), "branch: Created by swarmd");
    mem_free(name);
    return code == 0 || explain_branch(repository, branch, err);
}

// What git push -u wrote of it. Not git_branch_delete(), whose search for this leaks for each
// entry of the configuration.
static int branch_forget(git_repository *repository, const char *branch)
{
    char *prefix = mem_format("branch.%s.", branch);
    git_config *config = NULL, *local = NULL;
    git_config_iterator *entries = NULL;
    git_config_entry *entry;
    int code = git_repository_config(&config, repository);
    if (code == 0)
        code = git_config_open_level(&local, config, GIT_CONFIG_LEVEL_LOCAL);
    if (code == 0)
        code = git_config_iterator_new(&entries, local);
    while (code == 0 && git_config_next(&entry, entries) == 0)
        if (str_starts(str_of(entry->name), str_of(prefix)))
            code = git_config_delete_multivar(local, entry->name, ".*");
    git_config_iterator_free(entries);
    git_config_free(local);
    git_config_free(config);
    mem_free(prefix);
    return code == GIT_ENOTFOUND ? 0 : code;
}

// One that is checked out elsewhere stays: the person works on it.
static bool branch_remove(git_repository *repository, const char *branch, struct err *err)
{
    git_reference *ref = NULL;
    int code = git_branch_lookup(&ref, repository, branch, GIT_BRANCH_LOCAL);
    if (code == GIT_ENOTFOUND || (code == 0 && git_branch_is_checked_out(ref) == 1))
        code = 0;
    else if (code == 0 && (code = branch_forget(repository, branch)) == 0)
        code = refs_remove(repository, git_reference_name(ref), REFS_OURS);
    git_reference_free(ref);
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot remove the branch %s", branch);
}

// --- refs/swarmd/<name>/ ---

static bool base_make(git_repository *repository, const struct worktree_spec *spec,
                      const git_commit *commit, struct err *err)
{
    char *name = mem_format("refs/swarmd/%s/base", spec->name);
    bool ok = refs_set(repository, name, git_commit_id(commit), NULL, REFS_OURS, NULL) == 0 ||
              git_fail(err, ERR_WORKTREE, "cannot write %s", name);
    mem_free(name);
    return ok;
}

static bool own_refs_remove(git_repository *repository, const struct worktree_spec *spec,
                            struct err *err)
{
    char *pattern = mem_format("refs/swarmd/%s/*", spec->name);
    git_reference_iterator *all = NULL;
    const char *name;
    int code = git_reference_iterator_glob_new(&all, repository, pattern);
    while (code == 0 && git_reference_next_name(&name, all) == 0)
        code = refs_remove(repository, name, REFS_OURS);
    git_reference_iterator_free(all);
    mem_free(pattern);
    // libgit2 leaves the folders; they are there for nobody else.
    const char *common = git_repository_commondir(repository);
    char *folder = mem_format("%srefs/swarmd/%s", common, spec->name);
    rmdir(folder);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
    mem_free(folder);
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot remove refs/swarmd/%s", spec->name);
}

// --- add ---

static bool remove_git(const struct worktree_spec *spec, struct err *err)
{
    return folder_remove(spec->git, err) && record_remove(spec, err);
}

// Takes back what is ours, the record last, since it is what tells that the rest is ours.
static bool take_back(git_repository *repository, const struct worktree_spec *spec, bool branch,
                      struct err *err)
{
    git_reference *ref = NULL;
    bool ok = folder_remove(spec->path, err);
    if (ok && branch && git_branch_lookup(&ref, repository, spec->branch, GIT_BRANCH_LOCAL) == 0 &&
        git_reference_delete(ref) < 0)
        ok = git_fail(err, ERR_WORKTREE, "cannot remove the branch %s", spec->branch);
    git_reference_free(ref);
    return ok && own_refs_remove(repository, spec, err) && remove_git(spec, err);
}

static void unlock(git_repository *repository, const char *folder, const char *name)
{
    char *path =
        mem_format("%srefs/%s/%s.lock", git_repository_commondir(repository), folder, name);
    unlink(path);
    mem_free(path);
}

// A server that was killed in the middle of an add of the same name left parts of it.
static bool clear_leftover(git_repository *repository, const struct worktree_spec *spec,
                           struct err *err)
{
    struct record record;
    enum record_state state = record_read(spec, &record, err);
    bool ok = state != RECORD_BROKEN;
    if (state == RECORD_READ && !record.made) {
        char *base = mem_format("%s/base", spec->name);
        unlock(repository, "heads", spec->branch); // nobody else makes these
        unlock(repository, "swarmd", base);
        mem_free(base);
        size_t commits = 0;
        ok = repository_own_commits(repository, spec->branch, NULL, &commits, err) &&
             take_back(repository, spec, commits == 0, err);
    }
    record_release(&record);
    return ok && linked_clear_unfinished(repository, spec, err);
}

static bool check_free(git_repository *repository, const struct worktree_spec *spec,
                       struct err *err)
{
    const char *paths[] = {spec->path, spec->git};
    for (size_t i = 0; i < 2; i++)
        if (folder_exists(paths[i]))
            return err_set(err, ERR_WORKTREE, "there is already something at %s; move it away",
                           paths[i]);
    if (branch_exists(repository, spec->branch))
        return err_set(err, ERR_WORKTREE, "%s already has a branch %s", spec->repository,
                       spec->branch);
    return true;
}

static bool make_folder(const struct worktree_spec *spec, struct err *err)
{
    if (mkdir(spec->path, 0777) < 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot make %s", spec->path);
    return true;
}

static bool checkout(git_repository *repository, const struct worktree_spec *spec,
                     const char *index, struct err *err)
{
    struct ignore sparse = {0};
    ignore_push(&sparse, STR(""), str_of(spec->sparse));
    bool ok = worktree_checkout(repository, spec->path, index, spec->base,
                                spec->sparse ? &sparse : NULL, spec->progress, err);
    ignore_release(&sparse);
    return ok;
}

static void fill_record(git_repository *repository, const struct worktree_spec *spec,
                        struct record *record)
{
    snprintf(record->imported, sizeof record->imported, "%s", spec->base);
    snprintf(record->branch, sizeof record->branch, "%s", spec->base);
    record->common = mem_dup(str_of(git_repository_commondir(repository)));
}

struct made {
    bool record, branch;
};

// Everything but the files.
static bool begin(git_repository *repository, const struct worktree_spec *spec,
                  struct record *record, struct made *made, struct err *err)
{
    git_oid id;
    git_commit *commit = NULL;
    if (git_oid_fromstr(&id, spec->base) < 0 || git_commit_lookup(&commit, repository, &id) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot find the base commit %s", spec->base);
    bool ok = check_free(repository, spec, err) &&
              (made->record = record_write(spec, record, err)) &&
              (made->branch = branch_make(repository, spec->branch, commit, err)) &&
              base_make(repository, spec, commit, err);
    git_commit_free(commit);
    return ok;
}

static bool fill(git_repository *repository, const struct worktree_spec *spec,
                 struct record *record, struct err *err)
{
    char *index = mem_format("%s/index", spec->git);
    bool ok = private_make(repository, spec, err);
    bool warm = ok && spec->pool && pool_take(repository, spec, index);
    ok = ok && (warm || make_folder(spec, err)) && private_link(spec, err) &&
         (warm || checkout(repository, spec, index, err));
    mem_free(index);
    if (!ok)
        return false;
    private_note(spec, record);
    record->made = true;
    return record_write(spec, record, err);
}

bool worktree_add(const struct worktree_spec *spec, struct err *err)
{
    git_repository *repository = NULL;
    if (!repository_open(&repository, spec->repository, true, err))
        return false;
    struct record record = {0};
    struct made made = {0};
    fill_record(repository, spec, &record);
    bool ok = folder_make_parents(spec->path, err) && folder_make_parents(spec->git, err);
    if (ok) {
        pthread_mutex_lock(&turns);
        ok = clear_leftover(repository, spec, err) && begin(repository, spec, &record, &made, err);
        pthread_mutex_unlock(&turns);
    }
    ok = ok && fill(repository, spec, &record, err);
    if (!ok && made.record) {
        struct err ignored; // the first error is the one to tell
        pthread_mutex_lock(&turns);
        take_back(repository, spec, made.branch, &ignored);
        pthread_mutex_unlock(&turns);
    }
    record_release(&record);
    git_repository_free(repository);
    return ok;
}

bool worktree_is_made(const struct worktree_spec *spec)
{
    struct record record;
    struct err ignored;
    enum record_state state = record_read(spec, &record, &ignored);
    bool made = state == RECORD_READ && record.made && folder_exists(spec->path);
    record_release(&record);
    git_repository *repository = NULL;
    if (state == RECORD_NONE && repository_open(&repository, spec->repository, true, &ignored))
        made = linked_is_made(repository, spec);
    git_repository_free(repository);
    return made;
}

// --- remove ---

static bool is_within(const char *path, const char *folder)
{
    char *a = realpath(path, NULL), *b = realpath(folder, NULL);
    size_t len = b ? strlen(b) : 0;
    bool within = a && b && strncmp(a, b, len) == 0 && (a[len] == '/' || a[len] == '\0');
    free(a);
    free(b);
    return within;
}

static bool remove_parts(git_repository *repository, const struct worktree_spec *spec,
                         struct err *err)
{
    bool ok = linked_check_unlocked(repository, spec, err) && folder_remove(spec->path, err);
    if (ok) {
        pthread_mutex_lock(&turns);
        ok = linked_remove(repository, spec, err) && branch_remove(repository, spec->branch, err) &&
             own_refs_remove(repository, spec, err);
        pthread_mutex_unlock(&turns);
    }
    return ok && remove_git(spec, err);
}

static bool open_any(git_repository **out, const struct worktree_spec *spec)
{
    struct record record;
    struct err ignored;
    enum record_state state = record_read(spec, &record, &ignored);
    // A linked worktree of before knows its repository, too.
    bool open = state == RECORD_READ ? private_open_repository(out, spec, &record, &ignored)
                                     : repository_open(out, spec->repository, true, &ignored) ||
                                           (state == RECORD_NONE &&
                                            repository_open(out, spec->path, true, &ignored));
    record_release(&record);
    return open;
}

bool worktree_remove(const struct worktree_spec *spec, struct err *err)
{
    if (is_within(spec->repository, spec->path))
        return err_set(err, ERR_WORKTREE, "%s is not removed: the repository itself is in it",
                       spec->path);
    git_repository *repository = NULL;
    if (!open_any(&repository, spec))
        return folder_remove(spec->path, err) && remove_git(spec, err);
    bool ok = remove_parts(repository, spec, err);
    git_repository_free(repository);
    return ok;
}
