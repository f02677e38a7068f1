// SPDX-License-Identifier: MIT
// What an agent has changed, for who else changed it.
#include "core/base/mem.h"
#include "core/git/merge_parts.h"
#include "core/git/repository.h"

static bool find(git_repository *repository, const char *ref, git_oid *id)
{
    return git_reference_name_to_id(id, repository, ref) == 0;
}

// With the target when it is a branch, else where the agent began.
static bool find_base(git_repository *repository, const struct worktree_spec *agent,
                      const char *target, git_oid *base)
{
    char *tip_name = mem_format("refs/swarmd/%s/tip", agent->name);
    char *target_name = mem_format("refs/heads/%s", target ? target : "");
    git_oid tip, other;
    bool found = find(repository, tip_name, &tip) && find(repository, target_name, &other) &&
                 git_merge_base(base, repository, &tip, &other) == 0;
    mem_free(tip_name);
    mem_free(target_name);
    return found || git_oid_fromstr(base, agent->base) == 0;
}

bool merge_changed_paths(const struct worktree_spec *agent, const char *target, const char *name,
                         size_t max, struct tree_changes *changes, struct err *err)
{
    git_repository *repository = NULL;
    git_tree *old = NULL, *new = NULL;
    struct merge_result found = {0};
    git_oid base, commit;
    char *ref = mem_format("refs/swarmd/%s/%s", agent->name, name);
    bool ok = repository_open(&repository, agent->repository, true, err);
    merge_result_init(&found, repository, "", "");
    if (ok && (!find(repository, ref, &commit) || !find_base(repository, agent, target, &base)))
        ok = git_fail(err, ERR_REPOSITORY, "cannot read %s", ref);
    ok = ok && merge_tree_of(&old, repository, &base, err) &&
         merge_tree_of(&new, repository, &commit, err) && merge_walk(&found, old, new, old, err);
    for (size_t i = 0; ok && i < found.count && i < max; i++) {
        const struct merge_path *path = &found.paths[i];
        tree_changes_add(changes, repository, path->path,
                         (struct tree_side){&path->base.id, path->base.mode},
                         (struct tree_side){&path->ours.id, path->ours.mode});
    }
    merge_result_release(&found);
    git_tree_free(old);
    git_tree_free(new);
    git_repository_free(repository);
    mem_free(ref);
    return ok;
}
