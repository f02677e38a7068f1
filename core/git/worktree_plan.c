// SPDX-License-Identifier: MIT
#include "core/git/worktree_plan.h"

#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"

#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct walk {
    struct plan *plan;
    git_repository *repository;
    git_config *config;
    struct attributes attributes;
    struct convert_settings settings;
    const struct ignore *sparse;
    char path[PATH_MAX];
    int depth;
    struct err *err;
};

// --- settings ---

static void read_settings(struct walk *w)
{
    const char *text;
    int value;
    if (git_config_get_string(&text, w->config, "core.autocrlf") == 0) {
        if (strcasecmp(text, "input") == 0)
            w->settings.autocrlf = AUTOCRLF_INPUT;
        else if (git_config_parse_bool(&value, text) == 0 && value)
            w->settings.autocrlf = AUTOCRLF_TRUE;
    }
    if (git_config_get_string(&text, w->config, "core.eol") == 0)
        w->settings.eol_crlf = strcasecmp(text, "crlf") == 0;
    w->plan->symlinks = git_config_get_bool(&value, w->config, "core.symlinks") < 0 || value;
}

static void push_file(struct walk *w, const char *path, bool last_word)
{
    struct buf text;
    buf_init(&text, ATTRIBUTE_FILE_MAX);
    char *real = realpath(path, NULL); // people keep their own behind symlinks
    if (real && small_file_read(real, &text)) {
        if (last_word)
            attributes_set_last_word(&w->attributes, buf_str(&text));
        else
            attributes_push(&w->attributes, STR(""), buf_str(&text), true);
    }
    free(real);
    buf_release(&text);
}

static void push_person(struct walk *w)
{
    char *path = private_person_file(w->repository, "core.attributesfile", "attributes");
    push_file(w, "/etc/gitattributes", false);
    if (path)
        push_file(w, path, false);
    mem_free(path);
    path = mem_format("%sinfo/attributes", git_repository_commondir(w->repository));
    push_file(w, path, true);
    mem_free(path);
}

// --- conversions ---

static bool is_driver(struct walk *w, const char *name)
{
    static const char *const keys[] = {"smudge", "process"};
    const char *value;
    bool driver = false;
    for (size_t i = 0; i < 2; i++) {
        char *key = mem_format("filter.%s.%s", name, keys[i]);
        driver |= git_config_get_string(&value, w->config, key) == 0 && *value;
        mem_free(key);
    }
    return driver;
}

static void free_conversion(struct conversion *conversion)
{
    mem_free(conversion->encoding);
    mem_free(conversion->filter);
}

static bool find_conversion(struct walk *w, const char *path, size_t len, uint16_t *index)
{
    struct plan *plan = w->plan;
    *index = 0;
    if (!w->attributes.relevant && w->settings.autocrlf != AUTOCRLF_TRUE)
        return true;
    struct attribute_value values[ATTRIBUTE_COUNT];
    struct conversion conversion;
    attributes_of(&w->attributes, str_from(path, len), values);
    conversion_of(values, &w->settings, &conversion);
    size_t i = 0;
    while (i < plan->conversion_count && !conversion_equal(&plan->conversions[i], &conversion))
        i++;
    *index = (uint16_t)i;
    if (i < plan->conversion_count) {
        free_conversion(&conversion);
        return true;
    }
    if (i == PLAN_CONVERSIONS_MAX) {
        free_conversion(&conversion);
        return err_set(w->err, ERR_WORKTREE,
                       "the attributes of the base commit have more than %d "
                       "combinations",
                       PLAN_CONVERSIONS_MAX);
    }
    plan->conversions = mem_resize(plan->conversions, i + 1, sizeof *plan->conversions);
    plan->conversions[plan->conversion_count++] = conversion;
    if (conversion.filter && !plan->filter && is_driver(w, conversion.filter))
        plan->filter = conversion.filter;
    return true;
}

// --- the walk ---

// A commit can be made with any names; git itself refuses these.
static bool is_safe(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcasecmp(name, ".git") != 0;
}

static char *copy_path(struct walk *w, size_t len)
{
    char *path = arena_alloc(&w->plan->arena, len + 1);
    if (path)
        memcpy(path, w->path, len + 1);
    else
        err_set(w->err, ERR_LIMIT, "the names of the files of the base commit are too many");
    return path;
}

static bool add_file(struct walk *w, const git_tree_entry *from, size_t len, size_t folder,
                     bool wanted)
{
    struct plan *plan = w->plan;
    static const uint32_t modes[] = {0100644, 0100755};
    git_filemode_t mode = git_tree_entry_filemode(from);
    struct plan_entry entry = {
        .path = copy_path(w, len),
        .len = (uint32_t)len,
        .mode = mode == GIT_FILEMODE_COMMIT || mode == GIT_FILEMODE_LINK
                    ? (uint32_t)mode
                    : modes[mode == GIT_FILEMODE_BLOB_EXECUTABLE],
        .folder = (uint32_t)folder,
        .skipped = !wanted,
    };
    if (!entry.path)
        return false;
    memcpy(entry.id, git_tree_entry_id(from)->id, sizeof entry.id);
    if (plan->count == PLAN_ENTRIES_MAX)
        return err_set(w->err, ERR_LIMIT, "the base commit has more than %d files",
                       PLAN_ENTRIES_MAX);
    if (plan->count && strcmp(plan->entries[plan->count - 1].path, entry.path) >= 0)
        return err_set(w->err, ERR_WORKTREE,
                       "the base commit is damaged: %s is not in its place in the tree",
                       entry.path);
    if (S_ISREG(entry.mode) && !find_conversion(w, entry.path, len, &entry.conversion))
        return false;
    if (plan->count == plan->room) {
        plan->room = plan->room ? plan->room * 2 : 256;
        plan->entries = mem_resize(plan->entries, plan->room, sizeof *plan->entries);
    }
    plan->entries[plan->count++] = entry;
    return true;
}

static bool add_tree(struct walk *w, const git_oid *id, size_t len, bool wanted);

// What no pattern names is as the folder that it is in.
static bool is_wanted(const struct walk *w, size_t len, bool is_folder, bool above)
{
    if (!w->sparse)
        return true;
    enum ignore_verdict verdict = ignore_verdict(w->sparse, str_from(w->path, len), is_folder);
    return verdict == IGNORE_SILENT ? above : verdict == IGNORE_NAMED;
}

static bool add_entry(struct walk *w, const git_tree_entry *entry, size_t prefix, size_t folder,
                      bool wanted)
{
    const char *name = git_tree_entry_name(entry);
    size_t len = prefix + strlen(name);
    bool is_folder = git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE;
    if (!is_safe(name) || len + 1 >= sizeof w->path)
        return err_set(w->err, ERR_WORKTREE,
                       "the base commit has a file of the name '%s' in '%.*s'", name, (int)prefix,
                       w->path);
    memcpy(w->path + prefix, name, len - prefix + 1);
    wanted = is_wanted(w, len, is_folder, wanted);
    if (!is_folder) {
        if (!add_file(w, entry, len, folder, wanted))
            return false;
        w->plan->folders[folder].wanted |= wanted;
        return true;
    }
    if (w->depth == PLAN_DEPTH_MAX)
        return err_set(w->err, ERR_WORKTREE, "the base commit has folders nested deeper than %d",
                       PLAN_DEPTH_MAX);
    w->plan->folders[folder].folders++;
    w->path[len] = '/';
    w->path[len + 1] = '\0';
    w->depth++;
    size_t below = w->plan->folder_count;
    bool ok = add_tree(w, git_tree_entry_id(entry), len + 1, wanted);
    w->depth--;
    if (ok && w->plan->folders[below].wanted)
        w->plan->folders[folder].wanted = true;
    return ok;
}

static bool push_attributes(struct walk *w, const git_tree *tree, size_t prefix)
{
    const git_tree_entry *entry = git_tree_entry_byname(tree, ".gitattributes");
    git_blob *blob = NULL;
    if (!entry || git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
        return true;
    if (git_blob_lookup(&blob, w->repository, git_tree_entry_id(entry)) < 0)
        return git_fail(w->err, ERR_WORKTREE, "cannot read %.*s.gitattributes of the base commit",
                        (int)prefix, w->path);
    attributes_push(&w->attributes, str_from(w->path, prefix ? prefix - 1 : 0),
                    str_from(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)),
                    prefix == 0);
    git_blob_free(blob);
    return true;
}

// The folder whose path, with a '/' at its end, is the first `len` bytes of w->path.
static bool add_folder(struct walk *w, const git_oid *id, size_t len, size_t *index)
{
    struct plan *plan = w->plan;
    w->path[len ? len - 1 : 0] = '\0';
    struct plan_folder folder = {.len = (uint32_t)(len ? len - 1 : 0)};
    memcpy(folder.id, id->id, sizeof folder.id);
    folder.path = copy_path(w, folder.len);
    if (!folder.path)
        return false;
    const char *slash = strrchr(folder.path, '/');
    folder.name = slash ? (uint32_t)(slash - folder.path) + 1 : 0;
    if (len)
        w->path[len - 1] = '/';
    if (plan->folder_count == plan->folder_room) {
        plan->folder_room = plan->folder_room ? plan->folder_room * 2 : 64;
        plan->folders = mem_resize(plan->folders, plan->folder_room, sizeof *plan->folders);
    }
    *index = plan->folder_count++;
    plan->folders[*index] = folder;
    return true;
}

static bool add_tree(struct walk *w, const git_oid *id, size_t len, bool wanted)
{
    size_t folder, before = w->plan->count;
    git_tree *tree = NULL;
    if (git_tree_lookup(&tree, w->repository, id) < 0)
        return git_fail(w->err, ERR_WORKTREE, "cannot read %.*s of the base commit", (int)len,
                        w->path);
    struct attribute_file *attributes = w->attributes.top;
    bool ok = add_folder(w, id, len, &folder) && push_attributes(w, tree, len);
    for (size_t i = 0; ok && i < git_tree_entrycount(tree); i++)
        ok = add_entry(w, git_tree_entry_byindex(tree, i), len, folder, wanted);
    if (w->attributes.top != attributes)
        attributes_pop(&w->attributes);
    git_tree_free(tree);
    if (ok)
        w->plan->folders[folder].entries = (uint32_t)(w->plan->count - before);
    return ok;
}

bool plan_make(struct plan *plan, git_repository *repository, const char *commit_id,
               const struct ignore *sparse, struct err *err)
{
    struct walk *w = mem_new(sizeof *w);
    *w = (struct walk){.plan = plan, .repository = repository, .sparse = sparse, .err = err};
    *plan = (struct plan){.conversion_count = 1};
    plan->conversions = mem_new(sizeof *plan->conversions);
    arena_init(&plan->arena, PLAN_MEMORY_MAX);
    attributes_init(&w->attributes);
    git_commit *commit = NULL;
    git_oid id;
    bool ok =
        git_oid_fromstr(&id, commit_id) == 0 && git_commit_lookup(&commit, repository, &id) == 0;
    if (!ok)
        git_fail(err, ERR_WORKTREE, "cannot read the base commit %s", commit_id);
    if (ok && git_repository_config_snapshot(&w->config, repository) < 0)
        ok = git_fail(err, ERR_WORKTREE, "cannot read the configuration of the repository");
    if (ok) {
        read_settings(w);
        push_person(w);
        ok = add_tree(w, git_commit_tree_id(commit), 0, false);
    }
    attributes_release(&w->attributes);
    git_config_free(w->config);
    git_commit_free(commit);
    mem_free(w);
    return ok;
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->conversion_count; i++)
        free_conversion(&plan->conversions[i]);
    mem_free(plan->conversions);
    mem_free(plan->entries);
    mem_free(plan->folders);
    arena_release(&plan->arena);
    *plan = (struct plan){0};
}
