// SPDX-License-Identifier: MIT
#include "core/git/worktree_orphans.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_orphan.h"
#include "core/git/worktree_private.h"

#include <dirent.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_LEN_MAX = 128 };

struct place_known {
    char *path;
    bool gone;
};

struct finder {
    struct orphan_search *search;
    struct orphans *out;
    struct place_known repositories[ORPHAN_REPOSITORIES_MAX];
    size_t repository_count;
};

static int compare_id(const void *id, const void *agent)
{
    return strcmp(id, ((const struct orphan_agent *)agent)->id);
}

static bool has_agent(const struct finder *finder, const char *id)
{
    const struct orphan_search *search = finder->search;
    return bsearch(id, search->agents, search->agent_count, sizeof *search->agents, compare_id);
}

static struct orphan *add(struct finder *finder, enum orphan_kind kind, const char *id)
{
    struct orphans *out = finder->out;
    out->more = out->more || out->count == ORPHANS_MAX;
    if (out->more)
        return NULL;
    struct orphan *orphan = &out->list[out->count++];
    *orphan = (struct orphan){.kind = kind, .id = mem_dup(str_of(id))};
    return orphan;
}

static struct orphan *find(struct finder *finder, const char *id)
{
    for (size_t i = 0; i < finder->out->count; i++)
        if (strcmp(finder->out->list[i].id, id) == 0)
            return &finder->out->list[i];
    return NULL;
}

// --- repositories ---

// Opened once: one of a disk that is not there may take its time to say so.
static struct place_known *know(struct finder *finder, const char *path)
{
    for (size_t i = 0; i < finder->repository_count; i++)
        if (strcmp(finder->repositories[i].path, path) == 0)
            return &finder->repositories[i];
    if (finder->repository_count == ORPHAN_REPOSITORIES_MAX)
        return NULL;
    git_repository *repository = NULL;
    struct err ignored;
    struct place_known *known = &finder->repositories[finder->repository_count++];
    known->path = mem_dup(str_of(path));
    known->gone = !repository_open(&repository, path, true, &ignored);
    git_repository_free(repository);
    return known;
}

static void know_cwd(struct finder *finder)
{
    struct repository_info info;
    struct err ignored;
    if (finder->search->cwd && repository_probe(finder->search->cwd, NULL, &info, &ignored)) {
        know(finder, info.root);
        repository_info_release(&info);
    }
}

// --- the state folder ---

// "<id>" or "<id>.record"
static bool take_id(const char *name, char id[ID_LEN_MAX + 1])
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (len == 0 || len > ID_LEN_MAX || (name[len] != '\0' && name[len] != '.'))
        return false;
    memcpy(id, name, len);
    id[len] = '\0';
    return true;
}

static struct orphan *trace(struct finder *finder, const char *name, const char *what)
{
    char id[ID_LEN_MAX + 1];
    if (!take_id(name, id) || has_agent(finder, id))
        return NULL;
    struct orphan *orphan = find(finder, id);
    if (!orphan)
        orphan = add(finder, ORPHAN_WORKTREE, id);
    if (orphan && !strstr(orphan->why, what)) {
        size_t len = strlen(orphan->why);
        snprintf(orphan->why + len, sizeof orphan->why - len, "%s%s",
                 len ? ", " : "no agent has it: ", what);
    }
    return orphan;
}

// Calls `each` for the names in a folder of ours that is there.
static void each_name(struct finder *finder, const char *folder,
                      void (*each)(struct finder *finder, const char *folder, const char *name))
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    for (int i = 0; dir && i < ORPHAN_NAMES_MAX && (entry = readdir(dir)); i++)
        if (*entry->d_name != '.' && !atomic_load(&finder->search->stop))
            each(finder, folder, entry->d_name);
    if (dir)
        closedir(dir);
}

static void take_git(struct finder *finder, const char *folder, const char *name)
{
    (void)folder;
    trace(finder, name, "a git directory");
}

static void take_output(struct finder *finder, const char *folder, const char *name)
{
    (void)folder;
    trace(finder, name, "outputs of commands");
}

static void take_worktree(struct finder *finder, const char *folder, const char *name)
{
    struct orphan *orphan = trace(finder, name, "a worktree");
    if (orphan && !orphan->path)
        orphan->path = mem_format("%s/%s", folder, name);
}

static void take_worktrees(struct finder *finder, const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    each_name(finder, path, take_worktree);
    mem_free(path);
}

static void look_at_state(struct finder *finder)
{
    static const struct {
        const char *folder;
        void (*each)(struct finder *finder, const char *folder, const char *name);
    } parts[] = {{"worktrees", take_worktrees},
                 {"git", take_git},
                 {"output", take_output},
                 {"tmp", take_output}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *path = mem_format("%s/%s", finder->search->state_folder, parts[i].folder);
        each_name(finder, path, parts[i].each);
        mem_free(path);
    }
    for (size_t i = 0; i < finder->out->count; i++) {
        struct orphan *orphan = &finder->out->list[i];
        orphan_find_repository(finder->search, orphan);
        if (orphan->repository)
            know(finder, orphan->repository);
    }
}

// --- agents ---

static void look_at_agents(struct finder *finder)
{
    const struct orphan_search *search = finder->search;
    for (size_t i = 0; i < search->agent_count; i++) {
        const struct orphan_agent *agent = &search->agents[i];
        const struct place_known *known = know(finder, agent->repository);
        bool gone = known && known->gone;
        bool alone = agent->worktree && !folder_exists(agent->worktree);
        struct orphan *orphan = gone || alone ? add(finder, ORPHAN_AGENT, agent->id) : NULL;
        if (!orphan)
            continue;
        orphan->repository = mem_dup(str_of(agent->repository));
        orphan->path = agent->worktree ? mem_dup(str_of(agent->worktree)) : NULL;
        snprintf(orphan->why, sizeof orphan->why, "%s",
                 gone && alone ? "its repository and its worktree are not there any more"
                 : gone        ? "its repository is not there any more, or was moved"
                               : "its worktree is not there any more");
    }
}

// --- references ---

static void take_branch(struct finder *finder, const char *repository, const char *id)
{
    struct orphan *orphan = find(finder, id);
    if (orphan && !orphan->repository) // what the state folder has does not say
        orphan->repository = mem_dup(str_of(repository));
    if (!orphan && (orphan = add(finder, ORPHAN_BRANCH, id))) {
        orphan->repository = mem_dup(str_of(repository));
        snprintf(orphan->why, sizeof orphan->why,
                 "no agent has this branch, or these references, here; a swarmd with another "
                 "state folder may");
    }
}

// <prefix><id>, or (deeper) <prefix><id>/<name>
static void each_ref(struct finder *finder, git_repository *repository, const char *path,
                     const char *prefix, bool deeper)
{
    git_reference_iterator *all = NULL;
    const char *ref;
    char id[ID_LEN_MAX + 1];
    char *glob = mem_format("%s*", prefix);
    int code = git_reference_iterator_glob_new(&all, repository, glob);
    for (int i = 0; code == 0 && i < ORPHAN_NAMES_MAX; i++) {
        code = git_reference_next_name(&ref, all);
        const char *name = code == 0 ? ref + strlen(prefix) : "";
        char *first = mem_dup(str_from(name, strcspn(name, "/")));
        if ((strchr(name, '/') != NULL) == deeper && take_id(first, id) && strcmp(first, id) == 0 &&
            strcmp(id, "removed") != 0 && !has_agent(finder, id))
            take_branch(finder, path, id);
        mem_free(first);
    }
    git_reference_iterator_free(all);
    mem_free(glob);
}

static void take_kept(void *arg, const char *ref)
{
    struct finder *finder = arg;
    struct orphan *orphan = add(finder, ORPHAN_KEPT, ref);
    if (orphan)
        snprintf(orphan->why, sizeof orphan->why,
                 "kept of an agent that was removed more than %d days ago", REMOVED_DAYS);
}

static void look_at_repository(struct finder *finder, const char *path)
{
    git_repository *repository = NULL;
    struct err ignored;
    size_t before = finder->out->count;
    if (!repository_open(&repository, path, true, &ignored))
        return;
    each_ref(finder, repository, path, "refs/heads/swarm/", false);
    each_ref(finder, repository, path, "refs/swarmd/", true);
    git_repository_free(repository);
    checkpoint_clear_removed(path, finder->search->now_ms, take_kept, finder, &ignored);
    for (size_t i = before; i < finder->out->count; i++)
        if (!finder->out->list[i].repository)
            finder->out->list[i].repository = mem_dup(str_of(path));
}

void orphans_find(struct orphan_search *search, struct orphans *out)
{
    struct finder *finder = mem_new(sizeof *finder);
    finder->search = search;
    finder->out = out;
    out->count = 0;
    out->more = false;
    look_at_state(finder);
    look_at_agents(finder);
    know_cwd(finder);
    for (size_t i = 0; i < finder->repository_count && !atomic_load(&search->stop); i++)
        look_at_repository(finder, finder->repositories[i].path);
    for (size_t i = 0; i < out->count && !atomic_load(&search->stop); i++)
        if (out->list[i].kind == ORPHAN_WORKTREE || out->list[i].kind == ORPHAN_BRANCH)
            orphan_find_work(search, &out->list[i]);
    for (size_t i = 0; i < finder->repository_count; i++)
        mem_free(finder->repositories[i].path);
    mem_free(finder);
}
