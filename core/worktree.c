// SPDX-License-Identifier: MIT
#include "core/worktree.h"

#include "core/folder.h"
#include "core/mem.h"
#include "core/repository.h"
#include "core/worktree_checkout.h"
#include "core/worktree_entry.h"

#include <errno.h>
#include <git2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    REF_LOCK_TRIES = 40, // another git holds a lock of the refs for a moment
    REF_LOCK_WAIT_MS = 25,
};

// The administrative part takes turns: parallel adds of git itself are known to fail.
static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_ref_lock(void)
{
    struct timespec pause = {.tv_nsec = REF_LOCK_WAIT_MS * 1000000L};
    nanosleep(&pause, NULL);
}

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
    git_reference *ref = NULL;
    int code = GIT_ELOCKED;
    for (int i = 0; i < REF_LOCK_TRIES && code == GIT_ELOCKED; i++) {
        if (i > 0)
            wait_for_ref_lock();
        code = git_branch_create(&ref, repository, branch, commit, 0);
    }
    git_reference_free(ref);
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
    int code = GIT_ELOCKED;
    for (int i = 0; i < REF_LOCK_TRIES && code == GIT_ELOCKED; i++) {
        if (i > 0)
            wait_for_ref_lock();
        git_reference *ref = NULL;
        code = git_branch_lookup(&ref, repository, branch, GIT_BRANCH_LOCAL);
        if (code == GIT_ENOTFOUND || (code == 0 && git_branch_is_checked_out(ref) == 1))
            code = 0;
        else if (code == 0 && (code = branch_forget(repository, branch)) == 0)
            code = git_reference_delete(ref);
        git_reference_free(ref);
    }
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot remove the branch %s", branch);
}

// --- add ---

struct made {
    bool entry, branch, folder;
};

// Takes back what is ours, the entry last, since it is what tells that the rest is ours.
static bool take_back(git_repository *repository, const struct entry *entry,
                      const struct worktree_spec *spec, const struct made *made, struct err *err)
{
    if (made->folder && !folder_remove(spec->path, err))
        return false;
    // git_branch_delete() refuses while an entry's HEAD names the branch.
    git_reference *ref = NULL;
    if (made->branch && git_branch_lookup(&ref, repository, spec->branch, GIT_BRANCH_LOCAL) == 0 &&
        git_reference_delete(ref) < 0)
        git_fail(err, ERR_WORKTREE, "cannot remove the branch %s", spec->branch);
    git_reference_free(ref);
    return !made->entry || entry_remove(entry, err);
}

// A server that was killed in the middle of an add of the same name left parts of it.
static bool clear_leftover(git_repository *repository, const struct entry *entry,
                           const struct worktree_spec *spec, struct err *err)
{
    enum entry_state state = entry_look(entry);
    if (state != ENTRY_BEGUN && state != ENTRY_UNFINISHED)
        return true;
    struct made made = {.entry = true};
    if (state == ENTRY_UNFINISHED) {
        char *lock =
            mem_format("%srefs/heads/%s.lock", git_repository_commondir(repository), spec->branch);
        unlink(lock); // nobody else makes a branch of this name
        mem_free(lock);
        size_t commits = 0;
        if (!repository_own_commits(repository, spec->branch, NULL, &commits, err))
            return false;
        made.folder = true;
        made.branch = commits == 0;
    }
    return take_back(repository, entry, spec, &made, err);
}

static bool check_free(git_repository *repository, const struct entry *entry,
                       const struct worktree_spec *spec, struct err *err)
{
    if (folder_exists(spec->path))
        return err_set(err, ERR_WORKTREE, "there is already something at %s; move it away",
                       spec->path);
    if (folder_exists(entry->folder))
        return err_set(err, ERR_WORKTREE,
                       "%s already has a worktree named %s; see git worktree list, and git "
                       "worktree prune",
                       spec->repository, spec->name);
    if (branch_exists(repository, spec->branch))
        return err_set(err, ERR_WORKTREE, "%s already has a branch %s", spec->repository,
                       spec->branch);
    return true;
}

static bool make_folder(const struct entry *entry, const struct worktree_spec *spec,
                        struct made *made, struct err *err)
{
    if (mkdir(spec->path, 0777) < 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot make %s", spec->path);
    made->folder = true;
    char *real = realpath(entry->folder, NULL);
    char *link = mem_format("gitdir: %s\n", real ? real : entry->folder);
    bool ok = entry_write_file(spec->path, ".git", link, err);
    mem_free(link);
    free(real);
    return ok;
}

// Everything but the files.
static bool begin(git_repository *repository, const struct entry *entry,
                  const struct worktree_spec *spec, struct made *made, struct err *err)
{
    git_oid id;
    git_commit *commit = NULL;
    if (git_oid_fromstr(&id, spec->base) < 0 || git_commit_lookup(&commit, repository, &id) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot find the base commit %s", spec->base);
    bool ok = check_free(repository, entry, spec, err) &&
              (made->entry = entry_make(entry, spec->branch, err)) &&
              (made->branch = branch_make(repository, spec->branch, commit, err));
    git_commit_free(commit);
    return ok && make_folder(entry, spec, made, err);
}

static bool checkout(const struct worktree_spec *spec, struct err *err)
{
    git_repository *tree = NULL;
    if (!repository_open(&tree, spec->path, true, err))
        return false;
    bool ok = worktree_checkout(tree, spec->path, spec->base, err);
    git_repository_free(tree);
    return ok;
}

bool worktree_add(const struct worktree_spec *spec, struct err *err)
{
    git_repository *repository = NULL;
    if (!repository_open(&repository, spec->repository, true, err))
        return false;
    struct entry entry;
    struct made made = {0};
    // Parents first: the entry holds the real path.
    bool ok = folder_make_parents(spec->path, err);
    entry_init(&entry, git_repository_commondir(repository), spec);
    if (ok) {
        pthread_mutex_lock(&turns);
        ok = clear_leftover(repository, &entry, spec, err) &&
             begin(repository, &entry, spec, &made, err);
        pthread_mutex_unlock(&turns);
    }
    ok = ok && checkout(spec, err) && entry_finish(&entry, err);
    if (!ok) {
        struct err ignored; // the first error is the one to tell
        pthread_mutex_lock(&turns);
        take_back(repository, &entry, spec, &made, &ignored);
        pthread_mutex_unlock(&turns);
    }
    entry_release(&entry);
    git_repository_free(repository);
    return ok;
}

bool worktree_is_made(const struct worktree_spec *spec)
{
    git_repository *repository = NULL;
    struct entry entry;
    struct err ignored;
    if (!folder_exists(spec->path) ||
        !repository_open(&repository, spec->repository, true, &ignored))
        return false;
    entry_init(&entry, git_repository_commondir(repository), spec);
    bool made = entry_look(&entry) == ENTRY_OURS && branch_exists(repository, spec->branch);
    entry_release(&entry);
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

static bool check_unlocked(const struct entry *entry, const struct worktree_spec *spec,
                           struct err *err)
{
    struct buf reason;
    buf_init(&reason, ERR_MESSAGE_MAX);
    bool locked = entry_look(entry) == ENTRY_OURS && entry_is_locked(entry, &reason);
    if (locked)
        err_set(err, ERR_WORKTREE, "the worktree %s is locked%s%.*s; git worktree unlock %s",
                spec->path, reason.len ? ": " : "", STR_ARG(buf_str(&reason)), spec->path);
    buf_release(&reason);
    return !locked;
}

static bool remove_parts(git_repository *repository, const struct worktree_spec *spec,
                         struct err *err)
{
    struct entry entry;
    entry_init(&entry, git_repository_commondir(repository), spec);
    bool ok = check_unlocked(&entry, spec, err) && folder_remove(spec->path, err);
    if (ok) {
        pthread_mutex_lock(&turns);
        enum entry_state state = entry_look(&entry);
        bool ours = state != ENTRY_NONE && state != ENTRY_FOREIGN;
        ok = (!ours || entry_remove(&entry, err)) && branch_remove(repository, spec->branch, err);
        pthread_mutex_unlock(&turns);
    }
    entry_release(&entry);
    return ok;
}

bool worktree_remove(const struct worktree_spec *spec, struct err *err)
{
    if (is_within(spec->repository, spec->path))
        return err_set(err, ERR_WORKTREE, "%s is not removed: the repository itself is in it",
                       spec->path);
    // Started from another worktree that is gone by now, its own still knows the repository.
    git_repository *repository = NULL;
    struct err reason;
    if (!repository_open(&repository, spec->repository, true, &reason) &&
        !repository_open(&repository, spec->path, true, &reason))
        return folder_remove(spec->path, err);
    bool ok = remove_parts(repository, spec, err);
    git_repository_free(repository);
    return ok;
}
