// SPDX-License-Identifier: MIT
#include "transports/config_file.h"

#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const struct provider_config *config_provider(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->provider_count; i++)
        if (str_is(name, config->providers[i].name))
            return &config->providers[i];
    return NULL;
}

void config_provider_names(const struct config *config, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < config->provider_count; i++) {
        int more =
            snprintf(out + used, size - used, "%s%s", i ? ", " : "", config->providers[i].name);
        if (more < 0 || (size_t)more >= size - used)
            return;
        used += (size_t)more;
    }
}

void config_release(struct config *config)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        mem_free(config->providers[i].name);
        mem_free(config->providers[i].base_url);
        mem_free(config->providers[i].api_key_env);
        mem_free(config->providers[i].api_key_command);
        mem_free(config->providers[i].api_key_file);
    }
    for (size_t i = 0; i < config->model_count; i++)
        mem_free(config->models[i].id);
    mem_free(config->models);
    for (size_t i = 0; i < config->fallback_count; i++)
        mem_free(config->fallbacks[i]);
    mem_free(config->model);
    mem_free(config->mode);
    mem_free(config->merge_author);
    mem_free(config->merge_strategy);
    mem_free(config->summary_model);
    config_release_outputs(&config->outputs);
    config_release_repositories(config);
    sandbox_policy_release(&config->sandbox);
    rules_release(&config->permissions);
    config_release_roles(config);
    *config = (struct config){0};
}

static const char *env_or_null(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *config_path(bool *must_exist)
{
    const char *named = env_or_null("SWARMD_CONFIG");
    const char *base = env_or_null("XDG_CONFIG_HOME"), *home = env_or_null("HOME");
    *must_exist = named != NULL;
    if (named)
        return mem_dup(str_of(named));
    if (base && base[0] == '/') // a relative one is to be ignored, says the standard
        return mem_format("%s/swarmd/config.yaml", base);
    return home ? mem_format("%s/.config/swarmd/config.yaml", home) : NULL;
}

static bool read_descriptor(int fd, const char *path, struct buf *out, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_CONFIG, errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_CONFIG, "%s: is not a file", path);
    for (;;) {
        char piece[4096];
        ssize_t got = read(fd, piece, sizeof(piece));
        if (got < 0 && errno != EINTR)
            return err_set_errno(err, ERR_CONFIG, errno, "%s", path);
        if (got == 0)
            return true;
        if (got > 0)
            buf_add(out, piece, (size_t)got);
        if (out->overflow)
            return err_set(err, ERR_CONFIG, "%s: is larger than %d bytes", path,
                           (int)CONFIG_FILE_MAX);
    }
}

bool config_read_file(const char *path, bool must_exist, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && !must_exist && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (fd < 0)
        return err_set_errno(err, ERR_CONFIG, errno, "%s", path);
    bool ok = read_descriptor(fd, path, out, err);
    close(fd);
    return ok;
}

// The environment's own settings; model_at is changed when the model comes from there.
static bool read_environment(struct config *config, struct config_origin *model_at, struct err *err)
{
    struct config_origin mode_at = {"SWARMD_MODE", 0}, active_at = {"SWARMD_MAX_ACTIVE", 0};
    const char *model = env_or_null("SWARMD_MODEL"), *mode = env_or_null("SWARMD_MODE");
    const char *active = env_or_null("SWARMD_MAX_ACTIVE");
    const char *level = env_or_null("SWARMD_LOG_LEVEL");
    if (level && !log_level_from_name(str_of(level), &config->log_level))
        return err_set(err, ERR_CONFIG,
                       "SWARMD_LOG_LEVEL: expected debug, info, warning or error, not '%s'", level);
    if (model) {
        *model_at = (struct config_origin){"SWARMD_MODEL", 0};
        if (!config_set_model(config, model_at, str_of(model), err))
            return false;
    }
    if (mode && !config_set_mode(config, &mode_at, str_of(mode), err))
        return false;
    return !active || config_set_int(&config->max_active, &active_at, "max_active", str_of(active),
                                     1, CONFIG_ACTIVE_MAX, err);
}

// What the sandbox has to hide is where the person's things are.
static void set_places(struct config *config, const char *path)
{
    char real[PATH_MAX];
    const char *home = env_or_null("HOME");
    if (home && realpath(home, real) && strcmp(real, "/") != 0)
        config->sandbox.home = mem_dup(str_of(real));
    if (realpath(path, real))
        config->sandbox.config_file = mem_dup(str_of(real));
}

static bool build(struct config *config, const char *path, struct str yaml, bool environment,
                  struct err *err)
{
    struct config_origin model_at = {path, 0};
    config_set_defaults(config);
    set_places(config, path);
    bool ok = config_read_yaml(config, path, yaml, &model_at, err) &&
              (!environment ||
               (read_environment(config, &model_at, err) && config_read_roles(config, path, err)));
    if (ok) {
        config_add_builtins(config);
        config_choose_model(config);
        ok = config_check_model(config, &model_at, err) && config_check_roles(config, err) &&
             config_check_summary_models(config, err);
    }
    if (!ok)
        config_release(config);
    return ok;
}

bool config_parse(struct config *config, const char *path, struct str yaml, struct err *err)
{
    return build(config, path, yaml, false, err);
}

bool config_load(struct config *config, struct err *err)
{
    struct buf text;
    bool must_exist;
    char *path = config_path(&must_exist);
    buf_init(&text, CONFIG_FILE_MAX);
    bool ok = (!path || config_read_file(path, must_exist, &text, err)) &&
              build(config, path ? path : "configuration", buf_str(&text), true, err);
    buf_release(&text);
    mem_free(path);
    return ok;
}
