// SPDX-License-Identifier: MIT
#include "core/git/repository_known.h"

#include "core/base/mem.h"

#include <git2.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

struct known {
    char *path; // that was asked for; NULL: there is none here
    bool exact;
    char *folder, *files; // its git directory, and its working directory
    struct stat config;   // the file of its common folder
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // over both below
static struct known all[REPOSITORIES_KNOWN_MAX];
static size_t oldest;

static void forget(struct known *known)
{
    mem_free(known->path);
    mem_free(known->folder);
    mem_free(known->files);
    *known = (struct known){.path = NULL};
}

static bool look_at_config(git_repository *repository, struct stat *st)
{
    char *file = mem_format("%sconfig", git_repository_commondir(repository));
    bool there = stat(file, st) == 0;
    mem_free(file);
    return there;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct known *find(const char *path, bool exact)
{
    for (size_t i = 0; i < REPOSITORIES_KNOWN_MAX; i++)
        if (all[i].path && all[i].exact == exact && strcmp(all[i].path, path) == 0)
            return &all[i];
    return NULL;
}

// Without its configuration, which libgit2 reads when it is asked for a setting.
static bool open_at(git_repository **out, const struct known *known)
{
    struct stat config;
    if (git_repository_open_bare(out, known->folder) < 0)
        return false;
    if (look_at_config(*out, &config) && is_same(&config, &known->config) &&
        git_repository_set_workdir(*out, known->files, 0) == 0)
        return true;
    git_repository_free(*out);
    *out = NULL;
    return false;
}

bool known_open(struct git_repository **out, const char *path, bool exact)
{
    git_buf found = GIT_BUF_INIT;
    bool open = false;
    pthread_mutex_lock(&lock);
    struct known *known = find(path, exact);
    if (known) {
        bool is_there = git_repository_discover(&found, path, 0, NULL) == 0 &&
                        strcmp(found.ptr, known->folder) == 0;
        open = is_there && open_at(out, known);
        if (!open)
            forget(known);
    }
    pthread_mutex_unlock(&lock);
    git_buf_dispose(&found);
    return open;
}

static bool has_extensions(git_repository *repository)
{
    git_config *config = NULL;
    int32_t version = 0;
    if (git_repository_config_snapshot(&config, repository) == 0)
        git_config_get_int32(&version, config, "core.repositoryformatversion");
    git_config_free(config);
    return version > 0;
}

void known_note(struct git_repository *repository, const char *path, bool exact)
{
    struct stat config;
    const char *files = git_repository_workdir(repository);
    if (!files || !has_extensions(repository) || !look_at_config(repository, &config))
        return;
    pthread_mutex_lock(&lock);
    struct known *known = find(path, exact);
    if (!known)
        known = &all[oldest++ % REPOSITORIES_KNOWN_MAX];
    forget(known);
    *known = (struct known){.path = mem_dup(str_of(path)),
                            .exact = exact,
                            .folder = mem_dup(str_of(git_repository_path(repository))),
                            .files = mem_dup(str_of(files)),
                            .config = config};
    pthread_mutex_unlock(&lock);
}

void known_forget(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < REPOSITORIES_KNOWN_MAX; i++)
        forget(&all[i]);
    pthread_mutex_unlock(&lock);
}
