// SPDX-License-Identifier: MIT
#include "core/git/worktree_pool.h"

#include "core/base/mem.h"
#include "core/base/sha1.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_index.h"
#include "core/git/worktree_private.h"
#include "core/git/worktree_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEX = 2 * SHA1_SIZE, REPOSITORY_HEX = 16, PREFIX_MAX = REPOSITORY_HEX + 1 + HEX + 2 };

static void hash(const struct buf *text, char hex[HEX + 1])
{
    unsigned char sum[SHA1_SIZE];
    sha1(buf_str(text), sum);
    for (int i = 0; i < SHA1_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

static void put_file(struct buf *text, char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    struct buf file;
    buf_init(&file, SMALL_FILE_MAX);
    if (real)
        small_file_read(real, &file);
    buf_addf(text, "%zu\n", file.len);
    buf_add_str(text, buf_str(&file));
    buf_release(&file);
    free(real);
    mem_free(path);
}

// "<repository>-<key>-"
static bool make_prefix(git_repository *repository, const struct worktree_spec *spec,
                        char prefix[PREFIX_MAX])
{
    static const char *const keys[] = {"core.autocrlf", "core.eol", "core.symlinks"};
    char repository_hex[HEX + 1], key_hex[HEX + 1];
    git_config *config = NULL;
    struct buf text;
    if (git_repository_config_snapshot(&config, repository) < 0)
        return false;
    buf_init(&text, INT_MAX);
    buf_addf(&text, "%s\n", git_repository_commondir(repository));
    hash(&text, repository_hex);
    buf_addf(&text, "%s\n%s\n", spec->base, spec->sparse ? spec->sparse : "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = "";
        git_config_get_string(&value, config, keys[i]);
        buf_addf(&text, "%s\n", value);
    }
    put_file(&text, mem_dup(STR("/etc/gitattributes")));
    put_file(&text, private_person_file(repository, "core.attributesfile", "attributes"));
    put_file(&text, mem_format("%sinfo/attributes", git_repository_commondir(repository)));
    hash(&text, key_hex);
    snprintf(prefix, PREFIX_MAX, "%.*s-%s-", REPOSITORY_HEX, repository_hex, key_hex);
    buf_release(&text);
    git_config_free(config);
    return true;
}

// --- what is there ---

struct item {
    char *name;
    int64_t bytes, age; // age: seconds since it was made
};

struct items {
    struct item list[POOL_ITEMS_MAX];
    size_t count, matching;
    int64_t bytes;
};

static bool is_leftover(const char *name, int64_t age)
{
    return (strncmp(name, "new-", 4) == 0 || strncmp(name, "taken-", 6) == 0) &&
           age > POOL_LEFTOVER_S;
}

static void add_item(struct items *items, const char *folder, const char *name, const char *prefix)
{
    struct stat st;
    char *path = mem_format("%s/%s", folder, name);
    int64_t age = lstat(path, &st) == 0 ? time(NULL) - st.st_mtime : 0;
    struct item item = {.age = age};
    struct err ignored; // tried again the next time
    if (is_leftover(name, age))
        folder_remove(path, &ignored);
    bool whole = strlen(name) > strlen(prefix) && name[REPOSITORY_HEX] == '-';
    char *end = NULL;
    if (whole)
        item.bytes = strtoll(name + strlen(prefix), &end, 10);
    if (whole && end > name + strlen(prefix)) {
        item.name = mem_dup(str_of(name));
        items->list[items->count++] = item;
        items->bytes += item.bytes;
        items->matching += strncmp(name, prefix, strlen(prefix)) == 0;
    }
    mem_free(path);
}

static struct items *list_items(const char *folder, const char *prefix)
{
    struct items *items = mem_new(sizeof *items);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && items->count < POOL_ITEMS_MAX && (entry = readdir(dir)))
        if (*entry->d_name != '.')
            add_item(items, folder, entry->d_name, prefix);
    if (dir)
        closedir(dir);
    return items;
}

static void free_items(struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        mem_free(items->list[i].name);
    mem_free(items);
}

// --- using one ---

static bool take(const struct worktree_spec *spec, const char *name, const char *index)
{
    char *item = mem_format("%s/%s", spec->pool, name);
    char *taken = mem_format("%s/taken-%s", spec->pool, spec->name);
    char *tree = mem_format("%s/tree", taken), *its_index = mem_format("%s/index", taken);
    struct err ignored;                   // what is left of it is found by the next list
    bool ours = rename(item, taken) == 0; // another one may have been faster
    bool ok = ours && rename(its_index, index) == 0 && rename(tree, spec->path) == 0;
    if (ours)
        folder_remove(taken, &ignored);
    if (!ok)
        unlink(index);
    mem_free(its_index);
    mem_free(tree);
    mem_free(taken);
    mem_free(item);
    return ok;
}

bool pool_take(git_repository *repository, const struct worktree_spec *spec, const char *index)
{
    char prefix[PREFIX_MAX];
    if (!folder_exists(spec->pool) || !make_prefix(repository, spec, prefix))
        return false;
    struct items *items = list_items(spec->pool, prefix);
    bool ok = false;
    for (size_t i = 0; !ok && i < items->count; i++)
        ok = strncmp(items->list[i].name, prefix, strlen(prefix)) == 0 &&
             take(spec, items->list[i].name, index);
    free_items(items);
    return ok;
}

// --- making one ---

// How much it will be, before any of it is written.
static bool measure(git_repository *repository, const struct plan *plan, int64_t max,
                    int64_t *bytes, struct err *err)
{
    git_odb *objects = NULL;
    *bytes = 0;
    if (git_repository_odb(&objects, repository) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot open the objects of the repository");
    for (size_t i = 0; i < plan->count && *bytes <= max; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        git_oid id;
        size_t len;
        git_object_t type;
        memcpy(id.id, entry->id, sizeof id.id);
        if (!entry->skipped && !S_ISLNK(entry->mode) && entry->mode != GIT_FILEMODE_COMMIT &&
            git_odb_read_header(&len, &type, objects, &id) == 0)
            *bytes += (int64_t)len;
    }
    git_odb_free(objects);
    return true;
}

// The oldest one that is not for what is wanted.
static struct item *find_victim(struct items *items, const char *prefix)
{
    struct item *victim = NULL;
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->list[i];
        if (item->name && strncmp(item->name, prefix, strlen(prefix)) != 0 &&
            (!victim || item->age > victim->age))
            victim = item;
    }
    return victim;
}

static bool make_room(struct items *items, const struct worktree_pool *pool, const char *prefix,
                      int64_t bytes, struct err *err)
{
    size_t count = items->count;
    struct item *victim;
    while ((count + 1 > (size_t)pool->count || items->bytes + bytes > pool->bytes) &&
           (victim = find_victim(items, prefix))) {
        char *path = mem_format("%s/%s", pool->folder, victim->name);
        bool ok = folder_remove(path, err);
        mem_free(path);
        if (!ok)
            return false;
        mem_free(victim->name);
        victim->name = NULL;
        items->bytes -= victim->bytes;
        count--;
    }
    return true;
}

static bool fits(const struct items *items, const struct worktree_pool *pool, int64_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < items->count; i++)
        count += items->list[i].name != NULL;
    return count < (size_t)pool->count && items->bytes + bytes <= pool->bytes;
}

static bool write_item(git_repository *repository, const struct worktree_spec *spec,
                       const struct worktree_pool *pool, struct plan *plan, const char *name,
                       struct err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char *fresh = mem_format("%s/new-%lld%09ld", pool->folder, (long long)now.tv_sec, now.tv_nsec);
    char *tree = mem_format("%s/tree", fresh), *index = mem_format("%s/index", fresh);
    char *item = mem_format("%s/%s%09ld", pool->folder, name, now.tv_nsec);
    bool ok = folder_make(fresh, err);
    if (ok && mkdir(tree, 0777) < 0)
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot make %s", tree);
    int fd = ok ? open(tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    ok = fd >= 0 && plan_write(plan, repository, fd, tree, 1, spec->progress, err) &&
         plan_write_index(plan, index, err);
    if (fd >= 0)
        close(fd);
    if (ok && rename(fresh, item) < 0)
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot move %s to %s", fresh, item);
    struct err ignored; // the first error is the one to tell
    if (!ok)
        folder_remove(fresh, &ignored);
    mem_free(item);
    mem_free(index);
    mem_free(tree);
    mem_free(fresh);
    return ok;
}

static bool prepare(git_repository *repository, const struct worktree_spec *spec,
                    const struct worktree_pool *pool, struct items *items, const char *prefix,
                    bool *made, struct err *err)
{
    struct plan plan;
    struct ignore sparse = {0};
    ignore_push(&sparse, STR(""), str_of(spec->sparse));
    int64_t bytes;
    bool ok = plan_make(&plan, repository, spec->base, spec->sparse ? &sparse : NULL, err) &&
              measure(repository, &plan, pool->bytes, &bytes, err);
    // A filter of the person's (LFS) runs when a worktree is made, and not before.
    if (ok && bytes <= pool->bytes && !plan.filter) {
        ok = make_room(items, pool, prefix, bytes, err);
        *made = ok && fits(items, pool, bytes);
        char *name = mem_format("%s%" PRId64 "-", prefix, bytes);
        ok = ok && (!*made || write_item(repository, spec, pool, &plan, name, err));
        mem_free(name);
    }
    plan_release(&plan);
    ignore_release(&sparse);
    return ok;
}

bool worktree_prepare(const struct worktree_spec *spec, const struct worktree_pool *pool,
                      bool *made, struct err *err)
{
    git_repository *repository = NULL;
    char prefix[PREFIX_MAX];
    *made = false;
    if (!folder_make(pool->folder, err) ||
        !repository_open(&repository, spec->repository, true, err))
        return false;
    bool ok = make_prefix(repository, spec, prefix) ||
              git_fail(err, ERR_WORKTREE, "cannot read the configuration of %s", spec->repository);
    struct items *items = list_items(pool->folder, prefix);
    if (ok && items->matching < (size_t)pool->count)
        ok = prepare(repository, spec, pool, items, prefix, made, err);
    free_items(items);
    git_repository_free(repository);
    return ok;
}
