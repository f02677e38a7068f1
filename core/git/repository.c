// SPDX-License-Identifier: MIT
#include "core/git/repository.h"

#include "core/base/mem.h"
#include "core/git/git_module.h"
#include "core/git/repository_known.h"

#include <git2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;

bool git_start(struct err *err)
{
    pthread_mutex_lock(&start_lock);
    if (!started && git_libgit2_init() >= 0) {
        started = true;
        // Its TLS reads the CA bundle inside init (4 ms); no option comes before that.
        // A second hash of every object read costs a quarter of a checkout; git does none either.
        git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
        git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
        // What these mean is the person's index and files, which are not for us, objects that are
        // fetched before they are read (core/git/worktree_git.c), and a gc that we never run.
        const char *extensions[] = {"worktreeconfig", "partialclone", "preciousobjects"};
        git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
                         sizeof extensions / sizeof *extensions);
    }
    bool ok = started;
    pthread_mutex_unlock(&start_lock);
    return ok || git_fail(err, ERR_REPOSITORY, "libgit2 does not start");
}

void git_stop(void)
{
    pthread_mutex_lock(&start_lock);
    if (started)
        git_libgit2_shutdown();
    known_forget();
    started = false;
    pthread_mutex_unlock(&start_lock);
}

bool git_fail(struct err *err, enum err_kind kind, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const git_error *last = git_error_last();
    return err_set(err, kind, "%s: %s", text,
                   last && last->message ? last->message : "libgit2 gives no reason");
}

static bool explain_owner(const char *path, struct err *err)
{
    git_buf found = GIT_BUF_INIT; // safe.directory wants the top of the repository
    git_repository_discover(&found, path, 0, NULL);
    struct str top = found.ptr ? str_from(found.ptr, found.size) : str_of(path);
    if (str_ends(top, STR("/.git/")))
        top.len -= sizeof "/.git/" - 1;
    err_set(err, ERR_REPOSITORY,
            "the repository at %s has dubious ownership: it belongs to another user; if you "
            "trust it: git config --global --add safe.directory '%.*s'",
            path, STR_ARG(top));
    git_buf_dispose(&found);
    return false;
}

static bool explain_open(const char *path, int code, struct err *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_REPOSITORY, "there is no folder %s", path);
    // 1.5 says "not found" of the setting where it means the owner.
    const git_error *last = git_error_last();
    bool owner = last && last->message && strstr(last->message, "safe.directory");
    if (code == GIT_EOWNER || (code == GIT_ENOTFOUND && owner))
        return explain_owner(path, err);
    if (code == GIT_ENOTFOUND)
        return err_set(err, ERR_REPOSITORY,
                       "%s is not in a git repository; make one there (git init, and a first "
                       "commit) or start the agent in another folder",
                       path);
    return git_fail(err, ERR_REPOSITORY, "cannot open the repository at %s", path);
}

// libgit2 opens them by their paths, and would wait for who writes into a pipe.
static bool check_rules(const char *common, struct err *err)
{
    static const char *const names[] = {"attributes", "exclude"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
        char *file = mem_format("%sinfo/%s", common, names[i]);
        struct stat st;
        if (stat(file, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            ok = err_set(err, ERR_REPOSITORY, "%s is no regular file; remove it", file);
        mem_free(file);
    }
    return ok;
}

bool repository_open(struct git_repository **out, const char *path, bool exact, struct err *err)
{
    *out = NULL;
    if (!known_open(out, path, exact)) {
        unsigned flags = exact ? GIT_REPOSITORY_OPEN_NO_SEARCH : 0;
        int code = git_repository_open_ext(out, path, flags, NULL);
        if (code < 0)
            return explain_open(path, code, err);
        known_note(*out, path, exact);
    }
    if (check_rules(git_repository_commondir(*out), err))
        return true;
    git_repository_free(*out);
    *out = NULL;
    return false;
}

static bool check_repository(const char *path, git_repository *repository, struct err *err)
{
    if (git_repository_is_bare(repository))
        return err_set(err, ERR_REPOSITORY,
                       "the repository at %s is bare; start the agent in a clone that has files",
                       path);
    return repository_check_config(path, repository, err);
}

static bool explain_base(const char *root, const char *base, int code, struct err *err)
{
    if (code == GIT_EAMBIGUOUS)
        return err_set(err, ERR_REPOSITORY,
                       "the base '%s' begins more than one commit id in %s; give more of it", base,
                       root);
    if (code == GIT_ENOTFOUND || code == GIT_EINVALIDSPEC)
        return err_set(err, ERR_REPOSITORY,
                       "the base '%s' is no branch, tag or commit in %s; see git branch -a", base,
                       root);
    return git_fail(err, ERR_REPOSITORY, "cannot resolve the base '%s' in %s", base, root);
}

static bool resolve_base(git_repository *repository, const char *base, struct repository_info *out,
                         struct err *err)
{
    if (!base || !*base)
        base = "HEAD";
    if (strcmp(base, "HEAD") == 0 && git_repository_head_unborn(repository) == 1)
        return err_set(err, ERR_REPOSITORY,
                       "the repository at %s has no commit yet, and an agent starts from one; "
                       "make it: git commit --allow-empty -m 'Start'",
                       out->root);
    git_object *named = NULL, *commit = NULL;
    git_reference *ref = NULL;
    int code = git_revparse_ext(&named, &ref, repository, base);
    if (code == 0 && git_object_peel(&commit, named, GIT_OBJECT_COMMIT) < 0) {
        err_set(err, ERR_REPOSITORY, "the base '%s' in %s is a %s; give a branch, tag or commit",
                base, out->root, git_object_type2string(git_object_type(named)));
    } else if (code < 0) {
        explain_base(out->root, base, code, err);
    } else {
        out->base = mem_dup(str_of(git_oid_tostr_s(git_object_id(commit))));
        bool branch = ref && (git_reference_is_branch(ref) || git_reference_is_remote(ref));
        out->base_name = mem_dup(str_of(branch ? git_reference_shorthand(ref) : out->base));
    }
    git_reference_free(ref);
    git_object_free(commit);
    git_object_free(named);
    return out->base != NULL;
}

bool repository_probe(const char *cwd, const char *base, struct repository_info *out,
                      struct err *err)
{
    *out = (struct repository_info){0};
    git_repository *repository = NULL;
    if (!repository_check_files(cwd, err) || !repository_open(&repository, cwd, false, err))
        return false;
    bool ok = check_repository(cwd, repository, err);
    if (ok) {
        struct str root = str_of(git_repository_workdir(repository));
        while (root.len > 1 && root.data[root.len - 1] == '/')
            root.len--;
        out->root = mem_dup(root);
        ok = resolve_base(repository, base, out, err);
    }
    git_repository_free(repository);
    if (!ok)
        repository_info_release(out);
    return ok;
}

void repository_info_release(struct repository_info *info)
{
    mem_free(info->root);
    mem_free(info->base);
    mem_free(info->base_name);
    *info = (struct repository_info){0};
}

extern const struct git_module swarmd_git;
__attribute__((visibility("default"))) const struct git_module swarmd_git = {
    .version = SWARMD_VERSION,
    .start = git_start,
    .stop = git_stop,
    .probe = repository_probe,
    .info_release = repository_info_release,
    .add = worktree_add,
    .prepare = worktree_prepare,
    .seed_files = worktree_seed,
    .hash = worktree_hash,
    .check = worktree_check,
    .is_made = worktree_is_made,
    .has_work = worktree_has_work,
    .import = worktree_import,
    .refresh = worktree_refresh,
    .remove = worktree_remove,
    .merge_plan = merge_plan,
    .merge_plan_update = merge_plan_update,
    .merge_plan_release = merge_plan_release,
    .merge_apply = merge_apply,
    .merge_changed_paths = merge_changed_paths,
    .merge_write_intent = merge_write_intent,
    .merge_read_intent = merge_read_intent,
    .merge_reconcile = merge_reconcile,
    .seed = checkpoint_seed,
    .present_paths = checkpoint_present_paths,
    .checkpoint = checkpoint_make,
    .checkpoints = checkpoint_list,
    .diff = checkpoint_diff,
    .rewind = checkpoint_rewind,
    .revert = checkpoint_revert,
    .keep_removed = checkpoint_keep_removed,
    .clear_removed = checkpoint_clear_removed,
    .find_orphans = orphans_find,
    .clear_orphan = orphan_clear,
};
