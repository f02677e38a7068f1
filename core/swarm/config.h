// SPDX-License-Identifier: MIT
// Configuration as values. transports/config_file.c reads the YAML and the environment into it.
#ifndef SWARMD_CORE_SWARM_CONFIG_H
#define SWARMD_CORE_SWARM_CONFIG_H

#include "core/agent/budget.h"
#include "core/base/log.h"
#include "core/model/catalogue.h"
#include "core/permission/rule.h"
#include "core/permission/sandbox.h"
#include "core/tools/output_sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum provider_kind {
    PROVIDER_OPENAI_CHAT,
    PROVIDER_OPENAI_RESPONSES,
    PROVIDER_ANTHROPIC,
    PROVIDER_GEMINI,
    PROVIDER_DEMO
};

enum { CONFIG_REPOSITORIES_MAX = 1000 };
enum { CONFIG_PROVIDERS_MAX = 32, CONFIG_MODELS_MAX = 1000, CONFIG_FALLBACKS_MAX = 8 };

// provider_config.concurrency, beside numbers
enum { CONCURRENCY_DEFAULT = 0, CONCURRENCY_ADAPTIVE = -1, CONCURRENCY_OFF = -2 };

struct provider_config {
    char *name;
    enum provider_kind kind;
    char *base_url; // without a slash at its end; NULL for demo
    // At most one of these; none when no key is needed.
    char *api_key_env;         // name of the environment variable
    char *api_key_command;     // for sh; the first line that it prints is the key
    char *api_key_file;        // absolute path; its first line is the key
    int concurrency;           // requests at once, or one of the enum above
    const char *default_model; // of a built-in one; NULL: none. Not owned
};

enum { CONFIG_ROLES_MAX = 64, CONFIG_ROLE_ENVIRONMENT_MAX = 64 };

// What roles/<name>.yaml beside the file says of agents that have this role.
struct role_config {
    char *name;
    char *model, *mode;  // or NULL
    char *prompt;        // put behind the system prompt; or NULL
    char *summary_model; // "provider/model"; or NULL
    struct output_config outputs;
    struct rules permissions;
    int64_t steps, tokens, seconds;                 // 0: not given
    int64_t cost;                                   // nano-dollars
    char *environment[CONFIG_ROLE_ENVIRONMENT_MAX]; // variables that its commands may have, too
    size_t environment_count;
    char **envp; // of its commands; NULL: that of all others
};

// What the person wants in the worktrees of one repository.
struct repository_config {
    char *path;           // absolute
    char *setup;          // a command, or NULL
    char *include;        // patterns of ignored files to copy, a line each; or NULL
    char *sparse;         // patterns of what is checked out, a line each; or NULL
    bool worktreeinclude; // the patterns of the repository's .worktreeinclude count, too
    // Decided in the file, so that nobody is asked about what the repository itself brings.
    bool worktreeinclude_said, setup_said;
};

struct config {
    char *model;              // "provider/model"; never NULL after config_load()
    char *mode;               // "ask", "edit", "full" or "read"
    enum log_level log_level; // of swarmd.log; from the environment alone
    int max_active;           // places for active agents, 1..1000; default 16
    int context_percent;      // of the context window: when it is cut; default 85
    int step_limit;           // requests to the model in a turn; default 100
    int turn_idle_s;          // a turn without progress ends after; default 600
    int turn_s;               // the whole turn; 0: no limit
    int stall_s;              // a stream without a byte fails after; default 120
    int retry_first_ms;       // before a request's second try; doubles; default 500
    int retry_max_ms;         // and is never longer; default 30000
    int quota_probe_s;        // between two looks whether a used up quota is back; default 300
    bool detach;              // agents outlive the editor, in a background host
    int idle_s;               // it ends when it had nothing to do for; 0: never; default 600
    char *merge_author;       // "Name <address>" of commits that merges make; or NULL: git's own
    bool merge_co_author;     // they name the agent and its model; default true
    char *merge_strategy;     // "merge" (also NULL), "squash", "rebase" or "ff"
    char *summary_model;      // "provider/model", of large outputs; or NULL: the agent's own
    struct output_config outputs;
    struct provider_config providers[CONFIG_PROVIDERS_MAX];
    size_t provider_count;
    struct repository_config *repositories;
    size_t repository_count;
    int pool_count; // worktrees made ahead; 0: none; default 2
    int pool_mb;    // and the mebibytes of all their files; default 512
    struct sandbox_policy sandbox;
    struct rules permissions;
    struct role_config *roles; // by name
    size_t role_count;
    struct model_config *models; // over those of the catalogue
    size_t model_count;
    struct budget budgets[BUDGET_KIND_COUNT];
    char *fallbacks[CONFIG_FALLBACKS_MAX]; // "provider/model", for a model that is gone
    size_t fallback_count;
};

#endif
