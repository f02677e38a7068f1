// SPDX-License-Identifier: MIT
#include "core/git/worktree_objects.h"

#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/worktree_oids.h"

#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <string.h>
#include <strings.h>

struct todo {
    git_oid id;
    git_object_t type;
    bool below_done; // what it names has been looked at
};

struct import {
    git_odb *from, *to;
    git_repository *reader; // of `from` alone
    struct oids seen;
    struct todo *stack;
    size_t depth, room;
    git_oid *list; // what is to be copied, an object after those that it names
    size_t count, list_room;
    struct err *err;
};

static bool push(struct import *m, const git_oid *id, git_object_t type)
{
    if (!oids_add(&m->seen, id))
        return true;
    if (m->seen.count > IMPORT_OBJECTS_MAX)
        return err_set(m->err, ERR_LIMIT, "it has more than %d new objects", IMPORT_OBJECTS_MAX);
    if (m->depth == m->room) {
        m->room = m->room ? m->room * 2 : 64;
        m->stack = mem_resize(m->stack, m->room, sizeof *m->stack);
    }
    m->stack[m->depth++] = (struct todo){.id = *id, .type = type};
    return true;
}

static void take(struct import *m, const git_oid *id)
{
    if (m->count == m->list_room) {
        m->list_room = m->list_room ? m->list_room * 2 : 64;
        m->list = mem_resize(m->list, m->list_room, sizeof *m->list);
    }
    m->list[m->count++] = *id;
}

static bool fail(struct import *m, const git_oid *id, const char *what)
{
    return err_set(m->err, ERR_WORKTREE, "the object %s %s", git_oid_tostr_s(id), what);
}

static bool check_type(struct import *m, const git_oid *id, git_object_t type, git_object_t wanted)
{
    return type == wanted ||
           err_set(m->err, ERR_WORKTREE, "the object %s is a %s, not a %s", git_oid_tostr_s(id),
                   git_object_type2string(type), git_object_type2string(wanted));
}

// Its bytes hash to its name?
static bool check_hash(struct import *m, const git_oid *id, git_object_t wanted)
{
    git_odb_object *object = NULL;
    git_object_t type;
    git_oid hash;
    size_t len;
    if (git_odb_read_header(&len, &type, m->from, id) < 0)
        return git_fail(m->err, ERR_WORKTREE, "the object %s cannot be read", git_oid_tostr_s(id));
    if (!check_type(m, id, type, wanted))
        return false;
    if (len > IMPORT_OBJECT_BYTES_MAX)
        return fail(m, id, "is larger than 1 GiB");
    if (git_odb_read(&object, m->from, id) < 0)
        return git_fail(m->err, ERR_WORKTREE, "the object %s cannot be read", git_oid_tostr_s(id));
    bool ok = git_odb_hash(&hash, git_odb_object_data(object), git_odb_object_size(object),
                           git_odb_object_type(object)) == 0;
    ok = (ok && git_oid_equal(&hash, id)) ||
         fail(m, id, "is damaged: its content is that of another one");
    git_odb_object_free(object);
    return ok;
}

static bool look_at_commit(struct import *m, const git_oid *id)
{
    git_commit *commit = NULL;
    if (git_commit_lookup(&commit, m->reader, id) < 0)
        return git_fail(m->err, ERR_WORKTREE, "the commit %s is damaged", git_oid_tostr_s(id));
    bool ok = push(m, git_commit_tree_id(commit), GIT_OBJECT_TREE);
    for (unsigned i = 0; ok && i < git_commit_parentcount(commit); i++)
        ok = push(m, git_commit_parent_id(commit, i), GIT_OBJECT_COMMIT);
    git_commit_free(commit);
    return ok;
}

static bool is_safe(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcasecmp(name, ".git") != 0 && strcasecmp(name, "git~1") != 0;
}

static bool look_at_tree(struct import *m, const git_oid *id)
{
    git_tree *tree = NULL;
    if (git_tree_lookup(&tree, m->reader, id) < 0)
        return git_fail(m->err, ERR_WORKTREE, "the tree %s is damaged", git_oid_tostr_s(id));
    bool ok = true;
    for (size_t i = 0; ok && i < git_tree_entrycount(tree); i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
        git_object_t type = git_tree_entry_type(entry);
        if (!is_safe(git_tree_entry_name(entry)))
            ok = err_set(m->err, ERR_WORKTREE, "the tree %s has a file of the name '%s'",
                         git_oid_tostr_s(id), git_tree_entry_name(entry));
        else if (type != GIT_OBJECT_COMMIT) // a submodule's commit is another repository's
            ok = push(m, git_tree_entry_id(entry), type);
    }
    git_tree_free(tree);
    return ok;
}

// In the repository? What is there has what it names there, too.
static bool is_there(struct import *m, const struct todo *todo, bool *there)
{
    *there = git_odb_exists_ext(m->to, &todo->id, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
    if (!*there && !git_odb_exists_ext(m->from, &todo->id, GIT_ODB_LOOKUP_NO_REFRESH)) {
        *there = git_odb_exists(m->to, &todo->id); // packed meanwhile?
        if (!*there)
            return fail(m, &todo->id, "is missing");
    }
    size_t len;
    git_object_t type;
    return !*there || git_odb_read_header(&len, &type, m->to, &todo->id) < 0 ||
           check_type(m, &todo->id, type, todo->type);
}

static bool look(struct import *m)
{
    while (m->depth) {
        struct todo *top = &m->stack[m->depth - 1];
        struct todo todo = *top;
        if (todo.below_done) {
            take(m, &todo.id);
            m->depth--;
            continue;
        }
        bool there;
        top->below_done = true;
        if (!is_there(m, &todo, &there))
            return false;
        if (there)
            m->depth--;
        else if (!check_hash(m, &todo.id, todo.type) ||
                 (todo.type == GIT_OBJECT_COMMIT && !look_at_commit(m, &todo.id)) ||
                 (todo.type == GIT_OBJECT_TREE && !look_at_tree(m, &todo.id)))
            return false;
    }
    return true;
}

// --- writing ---

static bool write_loose(struct import *m)
{
    for (size_t i = 0; i < m->count; i++) {
        git_odb_object *object = NULL;
        git_oid id;
        bool ok = git_odb_read(&object, m->from, &m->list[i]) == 0 &&
                  git_odb_write(&id, m->to, git_odb_object_data(object),
                                git_odb_object_size(object), git_odb_object_type(object)) == 0;
        git_odb_object_free(object);
        if (!ok)
            return git_fail(m->err, ERR_WORKTREE, "cannot write the object %s",
                            git_oid_tostr_s(&m->list[i]));
    }
    return true;
}

struct pack {
    git_odb_writepack *writer;
    git_indexer_progress progress;
};

static int append(void *bytes, size_t len, void *arg)
{
    struct pack *pack = arg;
    return pack->writer->append(pack->writer, bytes, len, &pack->progress);
}

static bool write_pack(struct import *m)
{
    struct pack pack = {0};
    git_packbuilder *builder = NULL;
    int code = git_packbuilder_new(&builder, m->reader);
    for (size_t i = 0; code == 0 && i < m->count; i++)
        code = git_packbuilder_insert(builder, &m->list[i], NULL);
    if (code == 0)
        code = git_odb_write_pack(&pack.writer, m->to, NULL, NULL);
    if (code == 0)
        code = git_packbuilder_foreach(builder, append, &pack);
    if (code == 0)
        code = pack.writer->commit(pack.writer, &pack.progress);
    bool ok =
        code == 0 || git_fail(m->err, ERR_WORKTREE, "cannot write a pack of %zu objects", m->count);
    if (pack.writer)
        pack.writer->free(pack.writer);
    git_packbuilder_free(builder);
    return ok;
}

static bool open_objects(struct import *m, git_repository *repository, const char *objects)
{
    git_odb_backend *loose = NULL, *packed = NULL;
    if (git_repository_odb(&m->to, repository) < 0 || git_odb_new(&m->from) < 0 ||
        git_odb_backend_loose(&loose, objects, -1, 0, 0, 0) < 0)
        return git_fail(m->err, ERR_WORKTREE, "cannot open the objects in %s", objects);
    bool ok = git_odb_add_backend(m->from, loose, 1) == 0 &&
              git_odb_backend_pack(&packed, objects) == 0 &&
              git_odb_add_backend(m->from, packed, 2) == 0 &&
              git_repository_wrap_odb(&m->reader, m->from) == 0;
    return ok || git_fail(m->err, ERR_WORKTREE, "cannot open the objects in %s", objects);
}

bool objects_import(git_repository *repository, const char *objects, const git_oid *commit,
                    struct err *err)
{
    struct import m = {.err = err};
    bool ok = open_objects(&m, repository, objects) && push(&m, commit, GIT_OBJECT_COMMIT) &&
              look(&m) && (m.count > IMPORT_LOOSE_MAX ? write_pack : write_loose)(&m);
    git_repository_free(m.reader);
    git_odb_free(m.from);
    git_odb_free(m.to);
    oids_release(&m.seen);
    mem_free(m.stack);
    mem_free(m.list);
    return ok;
}
