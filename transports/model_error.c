// SPDX-License-Identifier: MIT
#include "transports/model_error.h"

#include "core/base/utf8.h"
#include "transports/http.h"
#include "transports/model_failure.h"

#include <stdlib.h>
#include <string.h>

enum {
    WORDS_MAX = HTTP_ERROR_BODY_MAX * 3, // a bad byte becomes three
    TREE_MAX = 2 << 20,                  // of an error body
    RETRY_MAX_S = 24 * 3600,
    TEXT_MAX = 4096, // of a message before err_set() cuts it
};

struct failure {
    struct arena *arena; // of what is JSON within a text; or NULL
    struct model_words words;
    int64_t retry_after_ms; // Google says it in the body; -1 when not said
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

static void read_quotas(const struct json *violations, struct model_words *words)
{
    json_for_each(violation, violations)
    {
        struct str id = json_str(violation, "quotaId");
        if (words->quota.len == 0 || str_find(id, STR("PerDay")) >= 0)
            words->quota = id;
    }
}

static void read_details(const struct json *details, struct failure *failure)
{
    json_for_each(detail, details)
    {
        struct str reason = json_str(detail, "reason"), delay = json_str(detail, "retryDelay");
        if (reason.len)
            failure->words.reason = reason;
        if (delay.len)
            failure->retry_after_ms = read_delay(delay);
        read_quotas(json_get(detail, "violations"), &failure->words);
    }
}

static void read_body(const struct json *body, struct failure *failure);

// OpenRouter hands on what the server behind it has said, as it is.
static void read_behind(struct str raw, struct failure *failure)
{
    struct failure behind = {.retry_after_ms = -1};
    struct model_words *words = &failure->words;
    struct json *body = NULL;
    struct err ignored;
    if (raw.len == 0)
        return;
    if (failure->arena && json_parse(&body, failure->arena, raw, &ignored))
        read_body(body, &behind);
    words->message = behind.words.message.len ? behind.words.message : raw;
    if (behind.words.type.len)
        words->type = behind.words.type;
    if (behind.words.code.len)
        words->code = behind.words.code;
}

static bool read_error_member(const struct json *error, struct failure *failure)
{
    struct model_words *words = &failure->words;
    if (!error)
        return false;
    if (error->type == JSON_STRING) {
        words->message = error->string;
        return true;
    }
    if (error->type != JSON_OBJECT)
        return false;
    words->message = json_str(error, "message");
    words->type = json_str(error, "type");
    words->code = json_str(error, "code");
    words->state = json_str(error, "status");
    words->flagged = json_get(json_get(error, "metadata"), "reasons") != NULL;
    read_behind(json_str(json_get(error, "metadata"), "raw"), failure);
    read_details(json_get(error, "details"), failure);
    int64_t code = json_int(error, "code", 0);
    if (code >= 100 && code < 600)
        words->status = code;
    return words->message.len > 0;
}

static void read_body(const struct json *body, struct failure *failure)
{
    if (body->type == JSON_ARRAY && body->first)
        body = body->first;
    if (read_error_member(json_get(body, "error"), failure))
        return;
    if (!read_error_member(body, failure))
        failure->words.message = json_str(body, "detail");
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

// Those of ASCII, and those of C1, which some terminals obey, too.
static void blank_controls(struct buf *line)
{
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->data[i];
        bool is_c1 = i && c >= 0x80 && c < 0xa0 && (unsigned char)line->data[i - 1] == 0xc2;
        if (c < ' ' || c == 0x7f || is_c1)
            line->data[i] = ' ';
        if (is_c1)
            line->data[i - 1] = ' ';
    }
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
    utf8_repair(&line, buf_str(&clean));
    blank_controls(&line);
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
    failure->arena = arena;
    if (json_parse(&body, arena, text, &ignored))
        read_body(body, failure);
    if (failure->words.message.len == 0)
        failure->words.message = text;
}

void model_error_text(struct buf *out, const struct model_origin *origin, struct str body)
{
    struct arena arena;
    struct failure failure = {0};
    arena_init(&arena, TREE_MAX);
    read_text(&arena, body, &failure);
    add_words(out, origin, failure.words.message);
    arena_release(&arena);
}

static void add_advice(struct buf *out, const struct model_origin *origin, enum err_kind kind,
                       int64_t status)
{
    if (kind == ERR_AUTH && origin->key_place)
        buf_addf(out, " (check the key in %s)", origin->key_place);
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

static enum model_failure set_failure(const struct model_origin *origin,
                                      const struct model_words *words, struct err *err)
{
    struct buf text;
    enum model_failure failure = model_failure_of(words);
    enum err_kind kind = model_failure_kind(failure);
    buf_init(&text, TEXT_MAX);
    if (words->status)
        buf_addf(&text, "HTTP %d: ", (int)words->status);
    if (words->message.len)
        add_words(&text, origin, words->message);
    else
        buf_add_str(&text, STR("the server gave no reason"));
    add_advice(&text, origin, kind, words->status);
    err_set(err, kind, "%s: %.*s", origin->provider, STR_ARG(buf_str(&text)));
    buf_release(&text);
    return failure;
}

void model_error_status(const struct model_origin *origin, const struct http_answer *answer,
                        struct model_end *end)
{
    struct arena arena;
    struct failure failure = {.retry_after_ms = -1};
    arena_init(&arena, TREE_MAX);
    if (answer->error_body.len)
        read_text(&arena, answer->error_body, &failure);
    failure.words.status = answer->status;
    end->failure = set_failure(origin, &failure.words, &end->err);
    if (end->failure == MODEL_FAILURE_CONTEXT_TOO_LARGE)
        end->context_size = model_failure_window(failure.words.message);
    end->http_status = answer->status;
    end->model_gone = model_failure_is_gone(&failure.words);
    end->retry_after_ms =
        answer->retry_after_ms >= 0 ? answer->retry_after_ms : failure.retry_after_ms;
    arena_release(&arena);
}

static bool set_fault(const struct model_origin *origin, struct failure *failure,
                      struct model_fault *fault, struct err *err)
{
    struct model_words *words = &failure->words;
    if (words->status == 0)
        words->status = model_failure_status(words->code);
    if (words->status == 0)
        words->status = model_failure_status(words->type);
    fault->status = (int)words->status;
    fault->retry_after_ms = failure->retry_after_ms;
    fault->failure = set_failure(origin, words, err);
    return false;
}

bool model_error_in_stream(const struct model_origin *origin, const struct json *error,
                           struct model_fault *fault, struct err *err)
{
    struct arena arena;
    struct failure failure = {.arena = &arena, .retry_after_ms = -1};
    arena_init(&arena, TREE_MAX);
    read_error_member(error, &failure);
    set_fault(origin, &failure, fault, err);
    arena_release(&arena);
    return false;
}

bool model_error_event(const struct model_origin *origin, struct arena *arena, struct str data,
                       struct model_fault *fault, struct err *err)
{
    struct failure failure = {.retry_after_ms = -1};
    read_text(arena, data, &failure);
    return set_fault(origin, &failure, fault, err);
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
