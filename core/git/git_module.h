// SPDX-License-Identifier: MIT
// The table of swarmd-git.so: the functions of core/git/worktree.h, core/git/checkpoint.h and
// core/git/merge.h, which say what they do.
//
// All files of core/ that include libgit2 are in that module (CMakeLists.txt lists them), which
// exports it (repository.c); core/git/git_module.c is their place in the binary: it loads the
// module in git_start() and passes calls on. The unit tests link the first instead of the second.
#ifndef SWARMD_CORE_GIT_GIT_MODULE_H
#define SWARMD_CORE_GIT_GIT_MODULE_H

#include "core/git/checkpoint.h"
#include "core/git/merge.h"
#include "core/git/worktree.h"
#include "core/git/worktree_orphans.h"

struct git_module {
    const char *version;
    bool (*start)(struct err *err);
    void (*stop)(void);
    bool (*probe)(const char *cwd, const char *base, struct repository_info *out, struct err *err);
    void (*info_release)(struct repository_info *info);
    bool (*add)(const struct worktree_spec *spec, struct err *err);
    bool (*prepare)(const struct worktree_spec *spec, const struct worktree_pool *pool, bool *made,
                    struct err *err);
    bool (*seed_files)(const struct worktree_spec *spec, const char *patterns,
                       struct worktree_seeded *out, struct err *err);
    bool (*hash)(struct str text, char *hash, struct err *err);
    bool (*check)(const struct worktree_spec *spec, struct err *err);
    bool (*is_made)(const struct worktree_spec *spec);
    bool (*has_work)(const struct worktree_spec *spec, bool *has_work, char *what, size_t what_size,
                     struct err *err);
    bool (*import)(const struct worktree_spec *spec, struct worktree_import *out, struct err *err);
    bool (*refresh)(const struct worktree_spec *spec, struct err *err);
    bool (*remove)(const struct worktree_spec *spec, struct err *err);
    bool (*merge_plan)(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);
    bool (*merge_plan_update)(const struct merge_spec *spec, struct merge_plan *plan,
                              struct err *err);
    void (*merge_plan_release)(struct merge_plan *plan);
    bool (*merge_apply)(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);
    bool (*merge_changed_paths)(const struct worktree_spec *agent, const char *target,
                                const char *name, size_t max, struct tree_changes *changes,
                                struct err *err);
    void (*merge_write_intent)(const struct merge_plan *plan, struct json_writer *w);
    bool (*merge_read_intent)(const struct json *json, struct merge_plan *plan);
    bool (*merge_reconcile)(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                            struct err *err);
    bool (*seed)(const struct checkpoint_place *place, struct err *err);
    bool (*present_paths)(const struct checkpoint_place *place, size_t max,
                          struct tree_changes *changes, struct err *err);
    bool (*checkpoint)(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct checkpoint_result *result, struct err *err);
    bool (*checkpoints)(const struct checkpoint_place *place, struct buf *json, struct err *err);
    bool (*diff)(const struct checkpoint_place *place, const struct diff_query *query,
                 struct buf *json, struct err *err);
    bool (*rewind)(const struct checkpoint_place *place, int64_t turn, const char *parent,
                   struct str name, struct checkpoint_result *result, struct err *err);
    bool (*revert)(const struct checkpoint_place *place, int64_t turn, const char *parent,
                   struct str path, const struct hunk_name *hunk, struct checkpoint_result *result,
                   struct err *err);
    bool (*keep_removed)(const struct checkpoint_place *place, bool again, struct removed_work *out,
                         struct err *err);
    bool (*clear_removed)(const char *repository, int64_t now_ms,
                          void (*found)(void *arg, const char *ref), void *arg, struct err *err);
    void (*find_orphans)(struct orphan_search *search, struct orphans *out);
    void (*clear_orphan)(const struct orphan_search *search, struct orphan *orphan);
};

#endif
