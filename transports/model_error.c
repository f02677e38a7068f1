// SPDX-License-Identifier: MIT
#include "transports/model_error.h"

#include "core/utf8.h"
#include "transports/http.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORDS_MAX = HTTP_ERROR_BODY_MAX * 3, // a bad byte becomes three
    TREE_MAX = 2 << 20,                  // of an error body
    RETRY_MAX_S = 24 * 3600,
    TEXT_MAX = 4096, // of a message before err_set() cuts it
};

struct failure {
    int64_t status; // as HTTP has it; 0 when not known
    struct str message, type, code;
    struct str state, reason; // Google's names of the status and of what is behind it
    int64_t retry_after_ms;   // Google says it in the body; -1 when not said
};

// As in "34s" and "0.5s".
static int64_t read_delay(struct str text)
{
    char copy[32];
    char *end;
    if (text.len < 2 || text.len >= sizeof(copy) || !str_ends(text, STR("s")))
        return -1;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    double seconds = strtod(copy, &end);
    return *end == 's' && seconds >= 0 && seconds <= RETRY_MAX_S ? (int64_t)(seconds * 1000) : -1;
}

static void read_details(const struct json *details, struct failure *failure)
{
    json_for_each(detail, details)
    {
        struct str reason = json_str(detail, "reason"), delay = json_str(detail, "retryDelay");
        if (reason.len)
            failure->reason = reason;
        if (delay.len)
            failure->retry_after_ms = read_delay(delay);
    }
}

static bool read_error_member(const struct json *error, struct failure *failure)
{
    if (!error)
        return false;
    if (error->type == JSON_STRING) {
        failure->message = error->string;
        return true;
    }
    if (error->type != JSON_OBJECT)
        return false;
    failure->message = json_str(error, "message");
    failure->type = json_str(error, "type");
    failure->code = json_str(error, "code");
    failure->state = json_str(error, "status");
    read_details(json_get(error, "details"), failure);
    int64_t code = json_int(error, "code", 0);
    if (code >= 100 && code < 600)
        failure->status = code;
    return failure->message.len > 0;
}

static void read_body(const struct json *body, struct failure *failure)
{
    if (body->type == JSON_ARRAY && body->first)
        body = body->first;
    if (read_error_member(json_get(body, "error"), failure))
        return;
    if (!read_error_member(body, failure))
        failure->message = json_str(body, "detail");
}

// Names of failures, for streams in which no status comes along.
static int64_t status_of_name(struct str name)
{
    static const struct {
        const char *name;
        int status;
    } known[] = {
        {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},
        {"permission_error", 403},      {"not_found_error", 404},      {"request_too_large", 413},
        {"rate_limit_error", 429},      {"rate_limit_exceeded", 429},  {"api_error", 500},
        {"server_error", 500},          {"timeout_error", 504},        {"overloaded_error", 529},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_is(name, known[i].name))
            return known[i].status;
    return 0;
}

static void add_without(struct buf *out, struct str words, const char *secret)
{
    struct str key = str_of(secret);
    while (key.len && words.len) {
        long at = str_find(words, key);
        if (at < 0)
            break;
        buf_add(out, words.data, (size_t)at);
        buf_add_str(out, STR("[key]"));
        words = str_skip(words, (size_t)at + key.len);
    }
    buf_add_str(out, words);
}

// One line of valid UTF-8, without the key, at most MODEL_ERROR_SHOWN_MAX bytes.
static void add_words(struct buf *out, const struct model_origin *origin, struct str words)
{
    struct buf clean, line;
    buf_init(&clean, WORDS_MAX);
    buf_init(&line, WORDS_MAX);
    words = str_trim(words);
    if (words.len && words.data[0] == '<')
        words = STR("(an HTML page)");
    add_without(&clean, words, origin->api_key);
    for (size_t i = 0; i < clean.len; i++)
        if ((unsigned char)clean.data[i] < ' ' || clean.data[i] == 0x7f)
            clean.data[i] = ' ';
    utf8_repair(&line, buf_str(&clean));
    buf_add_str(out, utf8_cut(buf_str(&line), MODEL_ERROR_SHOWN_MAX));
    if (line.len > MODEL_ERROR_SHOWN_MAX)
        buf_add_str(out, STR("..."));
    buf_release(&clean);
    buf_release(&line);
}

static void read_text(struct arena *arena, struct str text, struct failure *failure)
{
    struct json *body = NULL;
    struct err ignored;
    if (json_parse(&body, arena, text, &ignored))
        read_body(body, failure);
    if (failure->message.len == 0)
        failure->message = text;
}

void model_error_text(struct buf *out, const struct model_origin *origin, struct str body)
{
    struct arena arena;
    struct failure failure = {0};
    arena_init(&arena, TREE_MAX);
    read_text(&arena, body, &failure);
    add_words(out, origin, failure.message);
    arena_release(&arena);
}

static bool is_one_of(struct str s, const char *const *names)
{
    for (; *names; names++)
        if (str_is(s, *names))
            return true;
    return false;
}

static bool contains_one_of(struct str s, const char *const *words)
{
    for (; *words; words++)
        if (str_find(s, str_of(*words)) >= 0)
            return true;
    return false;
}

static enum err_kind kind_of(const struct failure *failure)
{
    static const char *const limit[] = {"context_length_exceeded", "string_above_max_length", NULL};
    // Where only the message tells this from other mistakes of a request.
    static const char *const too_long[] = {"prompt is too long", "input token count", NULL};
    static const char *const refused[] = {"content_filter", "content_policy_violation",
                                          "image_content_policy_violation", "bio_policy", NULL};
    static const char *const rate[] = {"rate_limit_exceeded", "insufficient_quota",
                                       "rate_limit_error", "RESOURCE_EXHAUSTED", NULL};
    static const char *const auth[] = {"invalid_api_key",
                                       "authentication_error",
                                       "permission_error",
                                       "UNAUTHENTICATED",
                                       "PERMISSION_DENIED",
                                       "API_KEY_INVALID",
                                       NULL};
    if (is_one_of(failure->code, limit) || failure->status == 413)
        return ERR_LIMIT;
    if (failure->status == 400 && contains_one_of(failure->message, too_long))
        return ERR_LIMIT;
    if (is_one_of(failure->code, refused))
        return ERR_REFUSED;
    if (failure->status == 429 || is_one_of(failure->code, rate) ||
        is_one_of(failure->type, rate) || is_one_of(failure->state, rate))
        return ERR_RATE_LIMITED;
    if (failure->status == 401 || failure->status == 403 || is_one_of(failure->code, auth) ||
        is_one_of(failure->type, auth) || is_one_of(failure->state, auth) ||
        is_one_of(failure->reason, auth))
        return ERR_AUTH;
    return ERR_PROVIDER;
}

static void add_advice(struct buf *out, const struct model_origin *origin, enum err_kind kind,
                       int64_t status)
{
    if (kind == ERR_AUTH && origin->api_key_env)
        buf_addf(out, " (check the key in the environment variable %s)", origin->api_key_env);
    else if (kind == ERR_AUTH)
        buf_addf(out, " (name the environment variable of its key: providers.%s.api_key_env)",
                 origin->provider);
    else if (status == 404)
        buf_addf(out, " (check the model's name and providers.%s.base_url)", origin->provider);
    else if (status >= 300 && status < 400)
        buf_addf(out,
                 " (redirects are not followed: write the final address as "
                 "providers.%s.base_url)",
                 origin->provider);
}

static void set_failure(const struct model_origin *origin, const struct failure *failure,
                        struct err *err)
{
    struct buf text;
    enum err_kind kind = kind_of(failure);
    buf_init(&text, TEXT_MAX);
    if (failure->status)
        buf_addf(&text, "HTTP %d: ", (int)failure->status);
    if (failure->message.len)
        add_words(&text, origin, failure->message);
    else
        buf_add_str(&text, STR("the server gave no reason"));
    add_advice(&text, origin, kind, failure->status);
    err_set(err, kind, "%s: %.*s", origin->provider, STR_ARG(buf_str(&text)));
    buf_release(&text);
}

void model_error_status(const struct model_origin *origin, const struct http_answer *answer,
                        struct model_end *end)
{
    struct arena arena;
    struct failure failure = {.retry_after_ms = -1};
    arena_init(&arena, TREE_MAX);
    if (answer->error_body.len)
        read_text(&arena, answer->error_body, &failure);
    failure.status = answer->status;
    set_failure(origin, &failure, &end->err);
    end->http_status = answer->status;
    end->retry_after_ms =
        answer->retry_after_ms >= 0 ? answer->retry_after_ms : failure.retry_after_ms;
    arena_release(&arena);
}

static bool set_stream_failure(const struct model_origin *origin, struct failure *failure,
                               int *status, struct err *err)
{
    if (failure->status == 0)
        failure->status = status_of_name(failure->type);
    if (failure->status == 0)
        failure->status = status_of_name(failure->code);
    *status = (int)failure->status;
    set_failure(origin, failure, err);
    return false;
}

bool model_error_in_stream(const struct model_origin *origin, const struct json *error, int *status,
                           struct err *err)
{
    struct failure failure = {0};
    read_error_member(error, &failure);
    return set_stream_failure(origin, &failure, status, err);
}

bool model_error_event(const struct model_origin *origin, struct arena *arena, struct str data,
                       int *status, struct err *err)
{
    struct failure failure = {0};
    read_text(arena, data, &failure);
    return set_stream_failure(origin, &failure, status, err);
}

void model_error_refusal(const struct model_origin *origin, struct str why, struct err *err)
{
    struct buf text;
    if (why.len == 0)
        return;
    buf_init(&text, TEXT_MAX);
    add_words(&text, origin, why);
    err_set(err, ERR_REFUSED, "%s: the model refused: %.*s", origin->provider,
            STR_ARG(buf_str(&text)));
    buf_release(&text);
}

bool model_error_finish(const struct model_origin *origin, struct str reason, struct str why,
                        struct err *err)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    buf_add_str(&text, STR("the answer broke off: "));
    add_words(&text, origin, reason);
    if (why.len)
        buf_add_str(&text, STR(": "));
    add_words(&text, origin, why);
    err_set(err, ERR_PROVIDER, "%s: %.*s", origin->provider, STR_ARG(buf_str(&text)));
    buf_release(&text);
    return false;
}
