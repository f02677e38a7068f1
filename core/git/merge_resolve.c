// SPDX-License-Identifier: MIT
// A worktree in the middle of a merge, as git has it: MERGE_HEAD, the conflicts in the index,
// markers in the files. The agent, or a person, resolves them; what is committed then has both
// parents, whether git commits it or swarmd.
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/merge_work.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MERGE_HEAD_BYTES_MAX = 512 };

// --- is there one? ---

static bool has_markers(git_blob *blob)
{
    struct str text = str_from(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    static const char *const marks[] = {"<<<<<<< ", ">>>>>>> "};
    for (int i = 0; i < 2; i++) {
        char *inner = mem_format("\n%s", marks[i]);
        bool found = str_starts(text, str_of(marks[i])) || str_find(text, str_of(inner)) >= 0;
        mem_free(inner);
        if (!found)
            return false;
    }
    return true;
}

static bool check_markers(git_repository *repository, struct merge_plan *plan, const git_oid *head,
                          const git_oid *tree, struct err *err)
{
    struct merge_result changes;
    bool ok = merge_changes(&changes, repository, head, tree, err);
    plan->conflicts = mem_new_array(changes.count + 1, sizeof(*plan->conflicts));
    for (size_t i = 0; ok && i < changes.count; i++) {
        const struct merge_path *path = &changes.paths[i];
        git_blob *blob = NULL;
        if (merge_is_file(&path->ours) && git_blob_lookup(&blob, repository, &path->ours.id) == 0 &&
            git_blob_rawsize(blob) <= MERGE_TEXT_BYTES_MAX && has_markers(blob))
            plan->conflicts[plan->conflict_count++] =
                (struct merge_conflict){.path = mem_dup(str_of(path->path)), .kind = "content"};
        git_blob_free(blob);
    }
    if (plan->conflict_count == 0) { // the merge's own are to come
        mem_free(plan->conflicts);
        plan->conflicts = NULL;
    }
    merge_result_release(&changes);
    if (ok && plan->conflict_count)
        ok = err_set(err, ERR_CONFLICT,
                     "%s still has conflicts to resolve in %zu file%s (%s); nothing was changed",
                     plan->name, plan->conflict_count, plan->conflict_count == 1 ? "" : "s",
                     plan->conflicts[0].path);
    return ok;
}

bool work_merged(const struct worktree_spec *agent, git_repository *repository,
                 struct merge_plan *plan, const git_oid *head, const git_oid *tree, git_oid *other,
                 bool *is_merge, struct err *err)
{
    char *path = mem_format("%s/MERGE_HEAD", agent->git), text[MERGE_HEAD_BYTES_MAX] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    mem_free(path);
    *is_merge = false;
    if (fd < 0)
        return true;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    size_t line = strcspn(text, "\n");
    bool one = line && (!text[line] || !text[line + 1]);
    git_commit *commit = NULL;
    text[line] = '\0';
    if (!one || git_oid_fromstr(other, text) < 0 ||
        git_commit_lookup(&commit, repository, other) < 0)
        return err_set(err, ERR_WRONG_STATE,
                       "%s is in the middle of a merge of its own: tell it to commit that",
                       agent->name);
    git_commit_free(commit);
    *is_merge = true;
    return check_markers(repository, plan, head, tree, err);
}

// --- beginning one ---

static bool put_file(git_repository *worktree, const char *name, const char *text, struct err *err)
{
    char *path = mem_format("%s%s", git_repository_path(worktree), name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 ? file_write(fd, str_of(text), err)
                      : err_set_errno(err, ERR_WORKTREE, errno, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    mem_free(path);
    return ok;
}

bool work_begin_merge(git_repository *worktree, const struct merge_plan *plan, struct err *err)
{
    char *head = mem_format("%s\n", plan->old_id);
    char *message = mem_format("Merge branch '%s' into swarm/%s\n", plan->into, plan->name);
    bool ok = put_file(worktree, "MERGE_MSG", message, err) &&
              put_file(worktree, "MERGE_MODE", "", err) &&
              put_file(worktree, "MERGE_HEAD", head, err);
    mem_free(message);
    mem_free(head);
    return ok;
}

bool work_note_conflicts(git_repository *worktree, const struct merge_plan *plan, struct err *err)
{
    git_index *index = NULL;
    int code = git_repository_index(&index, worktree);
    if (code == 0)
        code = git_index_read(index, 1);
    for (size_t i = 0; code == 0 && i < plan->conflict_count; i++) {
        const struct merge_conflict *conflict = &plan->conflicts[i];
        git_index_entry entries[3] = {0}, *stages[3] = {NULL};
        for (int k = 0; k < 3; k++) {
            if (!conflict->stages[k].mode)
                continue;
            entries[k].mode = conflict->stages[k].mode;
            entries[k].path = conflict->path;
            git_oid_fromstr(&entries[k].id, conflict->stages[k].id);
            stages[k] = &entries[k];
        }
        if (stages[1] || stages[2])
            code = git_index_conflict_add(index, stages[0], stages[1], stages[2]);
    }
    if (code == 0)
        code = git_index_write(index);
    git_index_free(index);
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot note the conflicts in the index of %s",
                                 git_repository_workdir(worktree));
}
