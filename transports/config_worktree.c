// SPDX-License-Identifier: MIT
// What the file says of worktrees: `worktree_pool` and `repositories`.
#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <stdlib.h>

enum { POOL_MAX = 1000, POOL_MB_MAX = 1 << 20 };

bool config_set_pool_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err)
{
    static const char *const known[] = {"count", "mb", NULL};
    struct str value;
    (void)arg;
    bool count = str_is(entry->key, known[0]);
    if (!count && !str_is(entry->key, known[1]))
        return config_unknown_key(entry, known, err);
    return config_scalar(entry, &value, err) &&
           config_set_int(count ? &walk->config->pool_count : &walk->config->pool_mb,
                          &entry->value_at, count ? known[0] : known[1], value, count ? 0 : 1,
                          count ? POOL_MAX : POOL_MB_MAX, err);
}

// --- repositories ---

struct lines {
    const char *key;
    char **text;
};

static bool add_line(void *arg, const struct config_origin *at, struct str line, struct err *err)
{
    struct lines *lines = arg;
    if (line.len == 0 || memchr(line.data, '\n', line.len))
        return config_fail(at, err, "repositories: %s: a pattern is one line, and not empty",
                           lines->key);
    char *longer = mem_format("%s%.*s\n", *lines->text ? *lines->text : "", STR_ARG(line));
    mem_free(*lines->text);
    *lines->text = longer;
    return true;
}

static bool set_path(struct repository_config *repository, const struct config_origin *at,
                     struct str value, struct err *err)
{
    const char *home = getenv("HOME");
    bool at_home = str_starts(value, STR("~/")) && home && home[0] == '/';
    if (!at_home && !str_starts(value, STR("/")))
        return config_fail(at, err,
                           "repositories: path: expected an absolute path, or one that begins "
                           "with ~/, not '%.*s'",
                           (int)(value.len < 80 ? value.len : 80), value.len ? value.data : "");
    mem_free(repository->path);
    repository->path =
        at_home ? mem_format("%s%.*s", home, STR_ARG(str_skip(value, 1))) : mem_dup(value);
    char *real = realpath(repository->path, NULL); // as agents' repositories are named
    if (real) {
        mem_free(repository->path);
        repository->path = mem_dup(str_of(real));
        free(real);
    }
    return true;
}

static bool set_repository_key(struct config_walk *walk, const struct config_entry *entry,
                               void *arg, struct err *err)
{
    static const char *const known[] = {"path",   "setup",           "include",
                                        "sparse", "worktreeinclude", NULL};
    struct repository_config *repository = arg;
    struct lines include = {"include", &repository->include};
    struct lines sparse = {"sparse", &repository->sparse};
    struct str value;
    if (str_is(entry->key, "include"))
        return config_each_text(walk, entry, add_line, &include, err);
    if (str_is(entry->key, "sparse"))
        return config_each_text(walk, entry, add_line, &sparse, err);
    if (!str_is(entry->key, "path") && !str_is(entry->key, "setup") &&
        !str_is(entry->key, "worktreeinclude"))
        return config_unknown_key(entry, known, err);
    if (!config_scalar(entry, &value, err))
        return false;
    if (str_is(entry->key, "path"))
        return set_path(repository, &entry->value_at, value, err);
    repository->worktreeinclude_said |= str_is(entry->key, "worktreeinclude");
    repository->setup_said |= str_is(entry->key, "setup");
    if (str_is(entry->key, "worktreeinclude"))
        return config_set_bool(&repository->worktreeinclude, &entry->value_at, "worktreeinclude",
                               value, err);
    mem_free(repository->setup);
    repository->setup = value.len ? mem_dup(value) : NULL;
    return true;
}

bool config_read_repositories(struct config_walk *walk, const struct config_entry *entry,
                              struct err *err)
{
    struct config *config = walk->config;
    if (config_is_empty(entry))
        return true;
    if (entry->value->type != YAML_SEQUENCE_NODE)
        return config_fail(&entry->value_at, err,
                           "repositories: expected a list, as in - path: ~/src/project");
    yaml_node_item_t *at = entry->value->data.sequence.items.start;
    for (; at < entry->value->data.sequence.items.top; at++) {
        if (config->repository_count == CONFIG_REPOSITORIES_MAX)
            return config_fail(&entry->value_at, err, "repositories: there are more than %d",
                               (int)CONFIG_REPOSITORIES_MAX);
        config->repositories = mem_resize(config->repositories, config->repository_count + 1,
                                          sizeof *config->repositories);
        struct repository_config *repository = &config->repositories[config->repository_count++];
        *repository = (struct repository_config){0};
        const yaml_node_t *item = config_node(walk, *at);
        struct config_origin here = {walk->path, (int)item->start_mark.line + 1};
        if (!config_each_entry(walk, item, "repository", set_repository_key, repository, err))
            return false;
        if (!repository->path)
            return config_fail(&here, err, "repositories: path is missing");
    }
    return true;
}

void config_release_repositories(struct config *config)
{
    for (size_t i = 0; i < config->repository_count; i++) {
        mem_free(config->repositories[i].path);
        mem_free(config->repositories[i].setup);
        mem_free(config->repositories[i].include);
        mem_free(config->repositories[i].sparse);
    }
    mem_free(config->repositories);
}
