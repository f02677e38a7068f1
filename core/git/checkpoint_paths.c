// SPDX-License-Identifier: MIT
// What the files of an agent are changed in just now, for who else changed it.
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"

#include <git2.h>

static bool list(struct view *view, git_tree *old, git_tree *new, size_t max,
                 struct tree_changes *changes)
{
    git_diff *diff = NULL;
    bool ok = git_diff_tree_to_tree(&diff, view->repository, old, new, NULL) == 0;
    for (size_t i = 0; ok && i < git_diff_num_deltas(diff) && i < max; i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        tree_changes_add(changes, view->repository, delta->new_file.path, // of a deletion, too
                         (struct tree_side){&delta->old_file.id, delta->old_file.mode},
                         (struct tree_side){&delta->new_file.id, delta->new_file.mode});
    }
    git_diff_free(diff);
    return ok;
}

bool checkpoint_present_paths(const struct checkpoint_place *place, size_t max,
                              struct tree_changes *changes, struct err *err)
{
    struct view view;
    git_tree *old = NULL, *new = NULL;
    bool ok = view_open(&view, place, err) &&
              commit_tree(view.repository, &view.merge_base, &old, err) &&
              ((git_tree_lookup(&new, view.repository, &view.tree) == 0 &&
                list(&view, old, new, max, changes)) ||
               git_fail(err, ERR_WORKTREE, "cannot compare the files of %s", place->spec.path));
    git_tree_free(old);
    git_tree_free(new);
    view_close(&view);
    return ok;
}
