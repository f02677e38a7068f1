// SPDX-License-Identifier: MIT
// Checkpoints themselves: commits and refs, their list, and their end.
#include "core/git/checkpoint.h"

#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct name { // "<turn>" or "<turn>.<part>"
    int64_t turn, part;
};

// --- names ---

char *checkpoint_ref(const char *agent, const char *name)
{
    return mem_format("refs/swarmd/%s/%s", agent, name);
}

static void write_name(const struct name *name, char out[CHECKPOINT_NAME_MAX])
{
    if (name->part)
        snprintf(out, CHECKPOINT_NAME_MAX, "%" PRId64 ".%" PRId64, name->turn, name->part);
    else
        snprintf(out, CHECKPOINT_NAME_MAX, "%" PRId64, name->turn);
}

// Only as write_name() writes it.
static bool read_name(struct str text, struct name *name)
{
    char copy[CHECKPOINT_NAME_MAX], again[CHECKPOINT_NAME_MAX], *end;
    *name = (struct name){0};
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    name->turn = strtoll(copy, &end, 10);
    if (*end == '.')
        name->part = strtoll(end + 1, NULL, 10);
    write_name(name, again);
    return name->turn >= 0 && name->part >= 0 && strcmp(copy, again) == 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->turn != y->turn)
        return (x->turn > y->turn) - (x->turn < y->turn);
    return (x->part > y->part) - (x->part < y->part);
}

// Sorted; the caller frees *names.
static bool read_names(git_repository *repository, const char *agent, struct name **names,
                       size_t *count, struct err *err)
{
    git_reference_iterator *refs = NULL;
    char *glob = checkpoint_ref(agent, "*");
    size_t prefix = strlen(glob) - 1;
    const char *ref;
    *names = mem_new_array(CHECKPOINTS_MAX, sizeof **names);
    *count = 0;
    bool ok = git_reference_iterator_glob_new(&refs, repository, glob) == 0 ||
              git_fail(err, ERR_REPOSITORY, "cannot read %s", glob);
    while (ok && *count < CHECKPOINTS_MAX && git_reference_next_name(&ref, refs) == 0)
        *count += read_name(str_of(ref + prefix), &(*names)[*count]);
    qsort(*names, *count, sizeof **names, compare_names);
    git_reference_iterator_free(refs);
    mem_free(glob);
    return ok;
}

static bool find_ref(git_repository *repository, const char *agent, const char *name, git_oid *id)
{
    char *ref = checkpoint_ref(agent, name);
    bool found = git_reference_name_to_id(id, repository, ref) == 0;
    mem_free(ref);
    return found;
}

bool checkpoint_find(struct view *view, struct str text, git_oid *commit, struct err *err)
{
    struct name name;
    char canonical[CHECKPOINT_NAME_MAX];
    if (!read_name(text, &name))
        return err_set(err, ERR_PARAMS,
                       "'%.*s' is no name of a checkpoint; swarm/checkpoints "
                       "lists them",
                       STR_ARG(text));
    write_name(&name, canonical);
    if (find_ref(view->repository, view->place->spec.name, canonical, commit))
        return true;
    if (name.turn == 0 && name.part == 0)
        return git_oid_fromstr(commit, view->place->spec.base) == 0 ||
               git_fail(err, ERR_WORKTREE, "'%s' is no commit", view->place->spec.base);
    return err_set(err, ERR_PARAMS,
                   "%s has no checkpoint %s; a turn that changes nothing leaves none, and "
                   "swarm/checkpoints lists those there are",
                   view->place->spec.name, canonical);
}

// --- keeping ---

static bool find_parent(struct view *view, const char *parent, git_oid *id,
                        char name[CHECKPOINT_NAME_MAX])
{
    struct name *names;
    size_t count;
    if (*parent && strlen(parent) < CHECKPOINT_NAME_MAX &&
        find_ref(view->repository, view->place->spec.name, parent, id)) {
        memcpy(name, parent, strlen(parent) + 1);
        return true;
    }
    bool wants_base = strcmp(parent, "0") == 0;
    bool ok = read_names(view->repository, view->place->spec.name, &names, &count, view->err);
    write_name(&(struct name){0}, name);
    if (ok && count && !wants_base)
        write_name(&names[count - 1], name);
    mem_free(names);
    return ok && checkpoint_find(view, str_of(name), id, view->err);
}

static bool free_name(struct view *view, int64_t turn, const char *reason,
                      char name[CHECKPOINT_NAME_MAX])
{
    git_oid ignored;
    struct name wanted = {.turn = turn, .part = strcmp(reason, "turn") == 0 ? 0 : 1};
    for (; wanted.part <= CHECKPOINT_PARTS_MAX; wanted.part++) {
        write_name(&wanted, name);
        if (!find_ref(view->repository, view->place->spec.name, name, &ignored))
            return true;
    }
    return err_set(view->err, ERR_LIMIT, "%s has %d checkpoints of turn %" PRId64 " already",
                   view->place->spec.name, CHECKPOINT_PARTS_MAX, turn);
}

// --- durability ---

enum sync_how { SYNC_DATA, SYNC_ALL };

// SYNC_DATA writes a file's bytes out; the names and sizes of all files are on the disk with the
// next SYNC_ALL of any (as git's core.fsyncMethod=batch does it): one wait for many files.
static void sync_path(const char *path, enum sync_how how)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return; // in a pack, which is synced
    if (how == SYNC_ALL || sync_file_range(fd, 0, 0,
                                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                               SYNC_FILE_RANGE_WAIT_AFTER) < 0)
        fsync(fd);
    close(fd);
}

static void sync_object(git_repository *repository, const git_oid *id, enum sync_how how)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof hex, id);
    char *file =
        mem_format("%sobjects/%.2s/%s", git_repository_commondir(repository), hex, hex + 2);
    sync_path(file, how);
    mem_free(file);
}

// A ref may only name what is on the disk: nothing else of the person's repository is as hard to
// mend after a power cut.
void checkpoint_sync(struct view *view, const git_oid *commit)
{
    git_oid id;
    for (size_t at = 0; at + sizeof id.id <= view->snapshot.objects.len; at += sizeof id.id) {
        memcpy(id.id, view->snapshot.objects.data + at, sizeof id.id);
        sync_object(view->repository, &id, SYNC_DATA);
    }
    sync_object(view->repository, commit, SYNC_ALL);
}

// An empty file in the place of a ref would trouble every git after a power cut.
static void sync_ref(git_repository *repository, const char *ref)
{
    char *file = mem_format("%s%s", git_repository_commondir(repository), ref);
    sync_path(file, SYNC_ALL);
    char *slash = strrchr(file, '/');
    if (slash)
        *slash = '\0';
    sync_path(file, SYNC_ALL);
    mem_free(file);
}

bool checkpoint_set_ref(git_repository *repository, const char *ref, const git_oid *id)
{
    if (refs_make(repository, ref, id, NULL) < 0)
        return false;
    sync_ref(repository, ref);
    return true;
}

static bool commit(struct view *view, const char *name, const git_oid *parent_id,
                   const char *message)
{
    git_repository *repository = view->repository;
    git_signature *who = NULL;
    git_tree *tree = NULL;
    git_commit *parent = NULL;
    git_oid id;
    char *ref = checkpoint_ref(view->place->spec.name, name);
    bool ok = git_signature_now(&who, "swarmd", "swarmd@localhost") == 0 &&
              git_tree_lookup(&tree, repository, &view->tree) == 0 &&
              git_commit_lookup(&parent, repository, parent_id) == 0 &&
              git_commit_create(&id, repository, NULL, who, who, NULL, message, tree, 1,
                                (const git_commit *[]){parent}) == 0;
    if (ok)
        checkpoint_sync(view, &id);
    ok = ok && checkpoint_set_ref(repository, ref, &id);
    if (!ok)
        git_fail(view->err, ERR_WORKTREE, "cannot keep the checkpoint %s", ref);
    git_commit_free(parent);
    git_tree_free(tree);
    git_signature_free(who);
    mem_free(ref);
    return ok;
}

static bool keep(struct view *view, const char *name, const git_oid *parent_id, const char *parent,
                 const char *reason, git_tree *before)
{
    struct tree_diff diff;
    struct changes changes;
    git_tree *tree = NULL;
    bool ok = git_tree_lookup(&tree, view->repository, &view->tree) == 0 ||
              git_fail(view->err, ERR_WORKTREE, "cannot read the snapshot");
    if (ok && tree_diff_make(view->repository, before, tree, &diff, view->err)) {
        ok = diff_count_all(view, &diff, &changes);
        tree_diff_release(&diff);
    } else {
        ok = false;
    }
    git_tree_free(tree);
    if (!ok)
        return false;
    char *message = mem_format("Checkpoint %s of %s\n\nparent: %s\nreason: %s\nfiles: %" PRId64
                               "\nadded: %" PRId64 "\nremoved: %" PRId64 "\n",
                               name, view->place->spec.name, parent, reason, changes.files,
                               changes.added, changes.removed);
    ok = commit(view, name, parent_id, message);
    mem_free(message);
    return ok;
}

bool checkpoint_keep(struct view *view, int64_t turn, const char *parent, const char *reason,
                     struct checkpoint_result *result)
{
    git_oid parent_id;
    char parent_name[CHECKPOINT_NAME_MAX];
    git_tree *before = NULL;
    if (!find_parent(view, parent, &parent_id, parent_name) ||
        !commit_tree(view->repository, &parent_id, &before, view->err))
        return false;
    result->made = !git_oid_equal(git_tree_id(before), &view->tree);
    bool ok = true;
    if (!result->made)
        memcpy(result->name, parent_name, sizeof result->name);
    else
        ok = free_name(view, turn, reason, result->name) &&
             keep(view, result->name, &parent_id, parent_name, reason, before);
    git_tree_free(before);
    return ok;
}

bool checkpoint_make(const struct checkpoint_place *place, int64_t turn, const char *parent,
                     struct checkpoint_result *result, struct err *err)
{
    struct view view;
    bool ok = view_open(&view, place, err) &&
              checkpoint_keep(&view, turn, parent, "turn", result) &&
              checkpoint_count(&view, result);
    view_close(&view);
    return ok;
}

// --- the list ---

static struct str field(const char *message, const char *key)
{
    const char *at = strstr(message, key);
    if (!at)
        return STR_NONE;
    at += strlen(key);
    return str_from(at, strcspn(at, "\n"));
}

static void add_number(struct json_writer *w, const char *name, const char *message,
                       const char *key)
{
    struct str text = field(message, key);
    json_add_int(w, name, text.data ? strtoll(text.data, NULL, 10) : 0);
}

static void add_checkpoint(struct json_writer *w, const struct name *name, git_commit *commit)
{
    char text[CHECKPOINT_NAME_MAX], when[25];
    const char *message = git_commit_message(commit);
    write_name(name, text);
    time_format((int64_t)git_commit_time(commit) * 1000, when);
    json_begin_object(w);
    json_add_cstr(w, "checkpoint", text);
    json_add_int(w, "turn", name->turn);
    json_add_str(w, "parent", field(message, "\nparent: "));
    json_add_str(w, "reason", field(message, "\nreason: "));
    json_add_cstr(w, "commit", git_oid_tostr_s(git_commit_id(commit)));
    json_add_cstr(w, "time", when);
    add_number(w, "files", message, "\nfiles: ");
    add_number(w, "added", message, "\nadded: ");
    add_number(w, "removed", message, "\nremoved: ");
    json_end_object(w);
}

bool checkpoint_list(const struct checkpoint_place *place, struct buf *json, struct err *err)
{
    git_repository *repository = NULL;
    struct name *names = NULL;
    struct json_writer w;
    size_t count = 0;
    bool ok = worktree_check_repository(&place->spec, err) &&
              repository_open(&repository, place->spec.repository, true, err) &&
              read_names(repository, place->spec.name, &names, &count, err);
    json_writer_init(&w, json);
    json_begin_array(&w);
    for (size_t i = 0; ok && i < count; i++) {
        char name[CHECKPOINT_NAME_MAX];
        git_oid id;
        git_commit *commit = NULL;
        write_name(&names[i], name);
        // One that a person removed meanwhile is simply not there.
        if (find_ref(repository, place->spec.name, name, &id) &&
            git_commit_lookup(&commit, repository, &id) == 0)
            add_checkpoint(&w, &names[i], commit);
        git_commit_free(commit);
    }
    json_end_array(&w);
    mem_free(names);
    git_repository_free(repository);
    return ok;
}
