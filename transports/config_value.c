// SPDX-License-Identifier: MIT
// The checks of single values.
#include "core/base/mem.h"
#include "transports/config_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MAX = 80, URL_MAX = 2048, WORD_MAX = 40, PART_MIN = 3 };

bool config_fail(const struct config_origin *at, struct err *err, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (at->line)
        return err_set(err, ERR_CONFIG, "%s:%d: %s", at->path, at->line, text);
    return err_set(err, ERR_CONFIG, "%s: %s", at->path, text);
}

static struct str shown(struct str value)
{
    return value.len > SHOWN_MAX ? str_from(value.data, SHOWN_MAX) : value;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

// Edits (insert, remove, replace) that lead from one word to the other.
static size_t distance(struct str a, struct str b)
{
    size_t row[WORD_MAX + 1];
    if (a.len >= PART_MIN && str_find(b, a) >= 0) // "url" means base_url
        return b.len - a.len > 0;
    if (a.len > WORD_MAX)
        a.len = WORD_MAX;
    if (b.len > WORD_MAX)
        b.len = WORD_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t up = row[j + 1];
            row[j + 1] = smallest(up + 1, row[j] + 1, diagonal + (a.data[i] == b.data[j] ? 0 : 1));
            diagonal = up;
        }
    }
    return row[b.len];
}

const char *config_nearest(struct str word, const char *const *known)
{
    const char *best = NULL;
    size_t least = (word.len + 2) / 3 + 1; // more would be another word, not a slip of the fingers
    for (; *known; known++) {
        size_t edits = distance(word, str_of(*known));
        if (edits < least) {
            least = edits;
            best = *known;
        }
    }
    return best;
}

bool config_set_int(int *out, const struct config_origin *at, const char *key, struct str value,
                    int min, int max, struct err *err)
{
    long number = 0;
    bool ok = value.len > 0 && value.len <= 9;
    for (size_t i = 0; ok && i < value.len; i++) {
        ok = value.data[i] >= '0' && value.data[i] <= '9';
        number = number * 10 + (value.data[i] - '0');
    }
    if (!ok || number < min || number > max)
        return config_fail(at, err, "%s: expected a whole number from %d to %d, not '%.*s'", key,
                           min, max, STR_ARG(shown(value)));
    *out = (int)number;
    return true;
}

bool config_set_bool(bool *out, const struct config_origin *at, const char *key, struct str value,
                     struct err *err)
{
    *out = str_is(value, "true");
    return *out || str_is(value, "false") ||
           config_fail(at, err, "%s: expected true or false, not '%.*s'", key,
                       STR_ARG(shown(value)));
}

bool config_set_mode(struct config *config, const struct config_origin *at, struct str value,
                     struct err *err)
{
    static const char *const modes[] = {"ask", "edit", "full", "read", NULL};
    for (const char *const *mode = modes; *mode; mode++) {
        if (str_is(value, *mode)) {
            mem_free(config->mode);
            config->mode = mem_dup(value);
            return true;
        }
    }
    return config_fail(at, err, "mode: expected ask, edit, full or read, not '%.*s'",
                       STR_ARG(shown(value)));
}

bool config_set_model(struct config *config, const struct config_origin *at, struct str value,
                      struct err *err)
{
    long slash = str_find(value, STR("/"));
    if (slash <= 0 || (size_t)slash + 1 == value.len)
        return config_fail(at, err,
                           "model: expected provider/model, as in openai/gpt-5.1, not '%.*s'",
                           STR_ARG(shown(value)));
    mem_free(config->model);
    config->model = mem_dup(value);
    return true;
}

bool config_check_model(const struct config *config, const struct config_origin *at,
                        struct err *err)
{
    char names[256];
    struct str provider = str_of(config->model);
    provider.len = (size_t)str_find(provider, STR("/"));
    if (config_provider(config, provider))
        return true;
    config_provider_names(config, names, sizeof(names));
    return config_fail(at, err, "model: no provider is called '%.*s'; there are %s",
                       STR_ARG(shown(provider)), names);
}

static bool is_name_char(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

bool config_set_key_env(struct provider_config *provider, const struct config_origin *at,
                        struct str value, struct err *err)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_name_char(value.data[i], i == 0)) // the value may be a key: it is not shown
            return config_fail(at, err,
                               "api_key_env: expected the name of an environment variable "
                               "(letters, digits and _), not the key itself");
    mem_free(provider->api_key_env);
    provider->api_key_env = value.len ? mem_dup(value) : NULL;
    return true;
}

bool config_set_key_command(struct provider_config *provider, const struct config_origin *at,
                            struct str value, struct err *err)
{
    if (str_trim(value).len == 0)
        return config_fail(at, err, "api_key_command: expected a command that prints the key");
    mem_free(provider->api_key_command);
    provider->api_key_command = mem_dup(value);
    return true;
}

bool config_set_key_file(struct provider_config *provider, const struct config_origin *at,
                         struct str value, struct err *err)
{
    const char *home = getenv("HOME");
    bool at_home = str_starts(value, STR("~/")) && home && home[0] == '/';
    if (!at_home && !str_starts(value, STR("/")))
        return config_fail(at, err,
                           "api_key_file: expected an absolute path, or one that begins "
                           "with ~/");
    mem_free(provider->api_key_file);
    if (at_home)
        provider->api_key_file = mem_format("%s%.*s", home, STR_ARG(str_skip(value, 1)));
    else
        provider->api_key_file = mem_dup(value);
    return true;
}

static const struct {
    const char *name;
    enum provider_kind kind;
    const char *example;
} kinds[] = {
    {"anthropic", PROVIDER_ANTHROPIC, "https://api.anthropic.com"},
    {"openai-chat", PROVIDER_OPENAI_CHAT, "http://127.0.0.1:8080/v1"},
    {"openai-responses", PROVIDER_OPENAI_RESPONSES, "https://api.openai.com/v1"},
    {"gemini", PROVIDER_GEMINI, "https://generativelanguage.googleapis.com"},
    {"demo", PROVIDER_DEMO, ""},
};

bool config_set_kind(struct provider_config *provider, const struct config_origin *at,
                     struct str value, struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (str_is(value, kinds[i].name)) {
            provider->kind = kinds[i].kind;
            return true;
        }
    }
    return config_fail(
        at, err,
        "kind: expected anthropic, openai-chat, openai-responses, gemini or demo, not "
        "'%.*s'",
        STR_ARG(shown(value)));
}

const char *config_kind_example(enum provider_kind kind)
{
    size_t i = 0;
    while (kinds[i].kind != kind)
        i++;
    return kinds[i].example;
}

static bool is_openai(enum provider_kind kind)
{
    return kind == PROVIDER_OPENAI_CHAT || kind == PROVIDER_OPENAI_RESPONSES;
}

bool config_same_server(enum provider_kind a, enum provider_kind b)
{
    return a == b || (is_openai(a) && is_openai(b));
}

// What is wrong with a base URL, or NULL.
static const char *url_fault(struct str url)
{
    struct str rest;
    if (str_starts(url, STR("https://")))
        rest = str_skip(url, 8);
    else if (str_starts(url, STR("http://")))
        rest = str_skip(url, 7);
    else
        return "expected a URL that begins with http:// or https://";
    if (url.len > URL_MAX)
        return "the URL is too long";
    if (rest.len == 0 || rest.data[0] == '/' || rest.data[0] == ':')
        return "the URL has no host";
    for (size_t i = 0; i < rest.len; i++) {
        unsigned char c = (unsigned char)rest.data[i];
        if (c <= ' ' || c >= 0x7f)
            return "the URL has a character that must be %-escaped";
        if (c == '?' || c == '#')
            return "expected a URL without ? and #";
        if (c == '@')
            return "expected a URL without a user name or password; name the key's variable as "
                   "api_key_env";
    }
    return NULL;
}

bool config_set_base_url(struct provider_config *provider, const struct config_origin *at,
                         struct str value, struct err *err)
{
    const char *fault = url_fault(value);
    if (fault) // not shown: a URL may hold a password
        return config_fail(at, err, "base_url: %s", fault);
    while (str_ends(value, STR("/")))
        value.len--;
    mem_free(provider->base_url);
    provider->base_url = mem_dup(value);
    return true;
}
