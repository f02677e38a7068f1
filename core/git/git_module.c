// SPDX-License-Identifier: MIT
#include "core/git/git_module.h"

#include "core/base/module.h"

#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct git_module *_Atomic git; // set once, before git_start() first returns true

bool git_start(struct err *err)
{
    pthread_mutex_lock(&lock);
    if (!git)
        git = module_open("swarmd-git.so", "swarmd_git", ERR_REPOSITORY, err);
    pthread_mutex_unlock(&lock);
    return git && git->start(err);
}

void git_stop(void)
{
    if (git)
        git->stop();
}

bool repository_probe(const char *cwd, const char *base, struct repository_info *out,
                      struct err *err)
{
    return git->probe(cwd, base, out, err);
}

void repository_info_release(struct repository_info *info)
{
    if (git) // without it there is nothing in it
        git->info_release(info);
}

bool worktree_add(const struct worktree_spec *spec, struct err *err)
{
    return git->add(spec, err);
}

bool worktree_prepare(const struct worktree_spec *spec, const struct worktree_pool *pool,
                      bool *made, struct err *err)
{
    return git->prepare(spec, pool, made, err);
}

bool worktree_seed(const struct worktree_spec *spec, const char *patterns,
                   struct worktree_seeded *out, struct err *err)
{
    return git->seed_files(spec, patterns, out, err);
}

bool worktree_hash(struct str text, char hash[WORKTREE_COMMIT_MAX], struct err *err)
{
    return git->hash(text, hash, err);
}

bool worktree_check(const struct worktree_spec *spec, struct err *err)
{
    return git->check(spec, err);
}

bool worktree_is_made(const struct worktree_spec *spec)
{
    return git->is_made(spec);
}

bool worktree_has_work(const struct worktree_spec *spec, bool *has_work, char *what,
                       size_t what_size, struct err *err)
{
    return git->has_work(spec, has_work, what, what_size, err);
}

bool worktree_import(const struct worktree_spec *spec, struct worktree_import *out, struct err *err)
{
    return git->import(spec, out, err);
}

bool worktree_refresh(const struct worktree_spec *spec, struct err *err)
{
    return git->refresh(spec, err);
}

bool worktree_remove(const struct worktree_spec *spec, struct err *err)
{
    return git->remove(spec, err);
}

bool merge_plan(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    return git->merge_plan(spec, plan, err);
}

bool merge_plan_update(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    return git->merge_plan_update(spec, plan, err);
}

void merge_plan_release(struct merge_plan *plan)
{
    if (git) // without it there is nothing in it
        git->merge_plan_release(plan);
}

bool merge_apply(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    return git->merge_apply(spec, plan, err);
}

bool merge_changed_paths(const struct worktree_spec *agent, const char *target, const char *name,
                         size_t max, struct tree_changes *changes, struct err *err)
{
    return git->merge_changed_paths(agent, target, name, max, changes, err);
}

void merge_write_intent(const struct merge_plan *plan, struct json_writer *w)
{
    git->merge_write_intent(plan, w);
}

bool merge_read_intent(const struct json *json, struct merge_plan *plan)
{
    return git->merge_read_intent(json, plan);
}

bool merge_reconcile(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                     struct err *err)
{
    return git->merge_reconcile(agent, plan, done, err);
}

bool checkpoint_seed(const struct checkpoint_place *place, struct err *err)
{
    return git->seed(place, err);
}

bool checkpoint_present_paths(const struct checkpoint_place *place, size_t max,
                              struct tree_changes *changes, struct err *err)
{
    return git->present_paths(place, max, changes, err);
}

bool checkpoint_make(const struct checkpoint_place *place, int64_t turn, const char *parent,
                     struct checkpoint_result *result, struct err *err)
{
    return git->checkpoint(place, turn, parent, result, err);
}

bool checkpoint_list(const struct checkpoint_place *place, struct buf *json, struct err *err)
{
    return git->checkpoints(place, json, err);
}

bool checkpoint_diff(const struct checkpoint_place *place, const struct diff_query *query,
                     struct buf *json, struct err *err)
{
    return git->diff(place, query, json, err);
}

bool checkpoint_rewind(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str name, struct checkpoint_result *result, struct err *err)
{
    return git->rewind(place, turn, parent, name, result, err);
}

bool checkpoint_revert(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str path, const struct hunk_name *hunk,
                       struct checkpoint_result *result, struct err *err)
{
    return git->revert(place, turn, parent, path, hunk, result, err);
}

bool checkpoint_keep_removed(const struct checkpoint_place *place, bool again,
                             struct removed_work *out, struct err *err)
{
    return git->keep_removed(place, again, out, err);
}

bool checkpoint_clear_removed(const char *repository, int64_t now_ms,
                              void (*found)(void *arg, const char *ref), void *arg, struct err *err)
{
    return git->clear_removed(repository, now_ms, found, arg, err);
}

void orphans_find(struct orphan_search *search, struct orphans *out)
{
    git->find_orphans(search, out);
}

void orphan_clear(const struct orphan_search *search, struct orphan *orphan)
{
    git->clear_orphan(search, orphan);
}
