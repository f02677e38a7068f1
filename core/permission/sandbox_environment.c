// SPDX-License-Identifier: MIT
// Which variables commands get: a list of what builds want to know. Everything else is a secret
// until the configuration says otherwise; what sounds like one is given to roles only.
#include "core/permission/sandbox.h"

#include <string.h>

// A star at the end stands for the rest of the name.
static const char *const passed[] = {
    // the person and the terminal
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM",
    "NO_COLOR", "FORCE_COLOR", "CLICOLOR*", "COLUMNS", "LINES", "TZ", "HOSTNAME", "CI",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_DIRS",
    "XDG_DATA_DIRS", "GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_CEILING_DIRECTORIES",
    "DEBIAN_FRONTEND", "SOURCE_DATE_EPOCH",
    // C and its relatives
    "CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "STRIP", "OBJCOPY", "OBJDUMP", "FC",
    "*FLAGS", "LDLIBS", "MAKE", "CMAKE_*", "CTEST_*", "NINJA_STATUS", "PKG_CONFIG", "PKG_CONFIG_*",
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "LD_LIBRARY_PATH", "CCACHE_*",
    "SCCACHE_DIR", "SDKROOT", "CUDA_*", "OMP_*", "*SAN_OPTIONS", "VCPKG_ROOT", "CONAN_HOME",
    // Go, Rust
    "GOPATH", "GOROOT", "GOBIN", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOTOOLCHAIN", "GOOS",
    "GOARCH", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOSUMDB", "GOTMPDIR", "GOMAXPROCS", "CGO_*",
    "RUSTUP_*", "RUSTC", "RUSTC_WRAPPER", "RUST_*", "CARGO", "CARGO_HOME", "CARGO_TARGET_DIR",
    "CARGO_BUILD_*", "CARGO_INCREMENTAL", "CARGO_NET_*", "CARGO_TERM_*",
    // JavaScript
    "NODE_ENV", "NODE_PATH", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "NVM_*", "FNM_*", "VOLTA_HOME",
    "COREPACK_*", "PNPM_HOME", "YARN_CACHE_FOLDER", "NPM_CONFIG_REGISTRY", "NPM_CONFIG_CACHE",
    "NPM_CONFIG_PREFIX", "npm_config_registry", "npm_config_cache", "npm_config_prefix",
    "BUN_INSTALL", "DENO_DIR",
    // Python, Ruby, Perl, Lua
    "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_*", "PYTHON*", "PYENV_*", "PIP_*", "PIPX_*",
    "POETRY_*", "UV_*", "GEM_*", "BUNDLE_PATH", "BUNDLE_GEMFILE", "RBENV_*", "RUBYLIB", "RUBYOPT",
    "PERL5LIB", "PERL_*", "LUA_PATH", "LUA_CPATH",
    // the JVM, .NET, others
    "JAVA_*", "JDK_*", "MAVEN_*", "M2_HOME", "GRADLE_*", "ANDROID_*", "SBT_OPTS", "KOTLIN_HOME",
    "DOTNET_*", "NUGET_PACKAGES", "GHCUP_*", "CABAL_*", "STACK_*", "OPAM*", "OCAML*", "MIX_*",
    "HEX_HOME", "ERL_*", "NIX_*", "IN_NIX_SHELL", "ZIG_*", "JULIA_*", "R_*",
    // the network
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
    "FTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE", NULL};

// In a name that no list has whole.
static const char *const secret_words[] = {"TOKEN",  "SECRET",     "PASSW", "PASSPHRASE",
                                           "APIKEY", "CREDENTIAL", "AUTH",  "_KEY",
                                           "_PWD",   "PRIVATE",    NULL};

enum match { NO_MATCH, BY_STAR, WHOLE };

static enum match match(const char *pattern, struct str name)
{
    size_t len = strlen(pattern);
    if (str_is(name, pattern))
        return WHOLE;
    if (pattern[0] == '*')
        return name.len >= len - 1 &&
                       memcmp(name.data + name.len - (len - 1), pattern + 1, len - 1) == 0
                   ? BY_STAR
                   : NO_MATCH;
    if (len > 0 && pattern[len - 1] == '*' && name.len >= len - 1 &&
        memcmp(name.data, pattern, len - 1) == 0)
        return BY_STAR;
    return NO_MATCH;
}

bool sandbox_is_secret(struct str name)
{
    for (const char *const *word = secret_words; *word; word++)
        if (memmem(name.data, name.len, *word, strlen(*word)))
            return true;
    return false;
}

// "https://name:password@host"
static bool holds_login(const char *value)
{
    const char *scheme = strstr(value, "://");
    return scheme && strchr(scheme, '@');
}

bool sandbox_passes(const struct sandbox_policy *policy, const char *entry)
{
    const char *end = strchr(entry, '=');
    if (!end)
        return false;
    struct str name = str_from(entry, (size_t)(end - entry));
    if (policy->off)
        return true;
    for (size_t i = 0; i < policy->environment.count; i++)
        if (match(policy->environment.items[i], name) != NO_MATCH && !sandbox_is_secret(name))
            return true;
    for (const char *const *pattern = passed; *pattern; pattern++) {
        enum match found = match(*pattern, name);
        if (found == WHOLE || (found == BY_STAR && !sandbox_is_secret(name)))
            return !holds_login(end + 1);
    }
    return false;
}
