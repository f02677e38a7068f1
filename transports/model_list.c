// SPDX-License-Identifier: MIT
#include "transports/model_list.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/ports.h"
#include "transports/http.h"
#include "transports/model_error.h"
#include "transports/model_http.h"
#include "transports/model_key.h"

enum { URL_MAX = 16 << 10, IDS_BYTES_MAX = MODEL_LIST_IDS_MAX * (MODEL_LIST_ID_MAX + 1) };

struct model_list {
    struct provider *provider;
    enum provider_kind kind;
    const struct ports *ports;
    struct list waiting; // struct model_query
    bool busy;
    struct buf ids; // of the newest whole answer
    int64_t at;     // of it, monotonic ms; 0: there is none
    struct err err; // of the newest try
    struct deferred answer;
    // the try under way
    struct timer *timer;
    struct http_request *request;
    struct model_key_wait wait;
    bool waits; // for the key
    struct buf page, found, next;
    int pages;
};

static void answer_all(struct model_list *list)
{
    struct list due;
    list_init(&due);
    while (!list_empty(&list->waiting)) {
        struct list *node = list->waiting.next;
        list_remove(node);
        list_append(&due, node);
    }
    while (!list_empty(&due)) {
        struct model_query *query = list_entry(due.next, struct model_query, node);
        list_remove(&query->node);
        query->err = list->err;
        query->ids = list->err.kind == ERR_NONE ? buf_str(&list->ids) : STR_NONE;
        query->done(query);
    }
}

static void answer_later(struct deferred *deferred)
{
    answer_all(list_entry(deferred, struct model_list, answer));
}

static void end_try(struct model_list *list)
{
    list->ports->ops->timer_stop(list->timer);
    list->busy = false;
    if (list->err.kind == ERR_NONE) {
        buf_clear(&list->ids);
        buf_add_str(&list->ids, buf_str(&list->found));
        list->at = port_mono_ms(list->ports);
    }
    buf_release(&list->page);
    buf_release(&list->found);
    buf_release(&list->next);
    port_defer(list->ports, &list->answer);
}

static void stop(struct model_list *list)
{
    if (list->request)
        http_cancel(list->request);
    if (list->waits)
        model_key_leave(model_http_server(list->provider).key, &list->wait);
    list->request = NULL;
    list->waits = false;
}

static void too_late(void *arg)
{
    struct model_list *list = arg;
    stop(list);
    err_set(&list->err, ERR_PROVIDER, "%s: its list of models did not come within %d s",
            list->provider->name, MODEL_LIST_MS / 1000);
    end_try(list);
}

static void send_page(struct model_list *list);

static void take_page(struct model_list *list)
{
    buf_clear(&list->next);
    if (!model_list_read(list->kind, buf_str(&list->page), &list->found, &list->next, &list->err))
        err_wrap(&list->err, "%s", list->provider->name);
    else if (list->next.len && ++list->pages < MODEL_LIST_PAGES_MAX)
        send_page(list);
    if (!list->request)
        end_try(list);
}

static void on_body(void *arg, struct str bytes)
{
    struct model_list *list = arg;
    buf_add_str(&list->page, bytes);
    if (!list->page.overflow)
        return;
    stop(list);
    err_set(&list->err, ERR_LIMIT, "%s: its list of models is larger than %d MiB",
            list->provider->name, MODEL_LIST_BYTES_MAX >> 20);
    end_try(list);
}

static void on_ended(void *arg, const struct http_answer *answer, const struct err *err)
{
    struct model_list *list = arg;
    struct model_http_server server = model_http_server(list->provider);
    struct model_end end = {.finish = MODEL_FAILED};
    list->request = NULL;
    if (answer->status >= 200 && answer->status < 300 && err->kind == ERR_NONE) {
        take_page(list);
        return;
    }
    if (answer->status >= 300) {
        model_error_status(server.origin, answer, &end);
        list->err = end.err;
    } else {
        list->err = *err;
        err_wrap(&list->err, "%s", list->provider->name);
    }
    if (end.failure == MODEL_FAILURE_AUTH)
        model_key_refused(server.key);
    end_try(list);
}

static void add_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.';
        if (plain)
            buf_add_char(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

// A base URL that is only a host names no version of the API.
static bool names_version(struct str base_url)
{
    long scheme = str_find(base_url, STR("://"));
    return scheme >= 0 && str_find(str_skip(base_url, (size_t)scheme + 3), STR("/")) >= 0;
}

static void write_url(struct buf *url, const struct model_list *list, struct str base)
{
    buf_add_str(url, base);
    if (list->kind == PROVIDER_ANTHROPIC) {
        buf_add_str(url, str_ends(base, STR("/v1")) ? STR("") : STR("/v1"));
        buf_add_str(url, STR("/models?limit=1000"));
        if (list->next.len)
            buf_add_str(url, STR("&after_id="));
    } else if (list->kind == PROVIDER_GEMINI) {
        buf_add_str(url, names_version(base) ? STR("") : STR("/v1beta"));
        buf_add_str(url, STR("/models?pageSize=1000"));
        if (list->next.len)
            buf_add_str(url, STR("&pageToken="));
    } else {
        buf_add_str(url, STR("/models"));
    }
    add_escaped(url, buf_str(&list->next));
}

static void send_page(struct model_list *list)
{
    static const struct http_sink sink = {.body = on_body, .ended = on_ended};
    struct model_http_server server = model_http_server(list->provider);
    const char *key = model_key_value(server.key);
    const char *headers[4] = {"Accept: application/json"};
    size_t count = 1;
    struct buf url;
    char *key_header = key ? mem_format("%s%s", server.dialect->key_header, key) : NULL;
    if (key_header)
        headers[count++] = key_header;
    if (server.dialect->header)
        headers[count++] = server.dialect->header;
    buf_init(&url, URL_MAX);
    write_url(&url, list, server.base_url);
    buf_clear(&list->page);
    struct http_spec spec = {.url = buf_str(&url), .headers = headers, .stall_ms = MODEL_LIST_MS};
    list->request = http_start(server.http, &spec, &sink, list);
    buf_release(&url);
    if (key_header)
        explicit_bzero(key_header, strlen(key_header));
    mem_free(key_header);
}

static void on_key(struct model_key_wait *wait, const struct err *err)
{
    struct model_list *list = list_entry(wait, struct model_list, wait);
    list->waits = false;
    list->err = *err;
    if (err->kind == ERR_NONE)
        send_page(list);
    else
        end_try(list);
}

static void begin_try(struct model_list *list)
{
    struct model_http_server server = model_http_server(list->provider);
    list->busy = true;
    list->pages = 0;
    list->err.kind = ERR_NONE;
    buf_init(&list->page, MODEL_LIST_BYTES_MAX);
    buf_init(&list->found, IDS_BYTES_MAX);
    buf_init(&list->next, MODEL_LIST_ID_MAX * 4);
    list->ports->ops->timer_set(list->timer, MODEL_LIST_MS);
    if (model_key_ready(server.key, &list->err)) {
        send_page(list);
    } else if (list->err.kind != ERR_NONE) {
        end_try(list);
    } else {
        list->waits = true;
        list->wait.fn = on_key;
        model_key_wait(server.key, &list->wait);
    }
}

void model_list_ask(struct model_list *list, struct model_query *query)
{
    bool kept = list->at && port_mono_ms(list->ports) - list->at < MODEL_LIST_KEPT_MS;
    list_append(&list->waiting, &query->node);
    if (list->busy)
        return;
    if (!kept || query->fresh) {
        begin_try(list);
        return;
    }
    list->err.kind = ERR_NONE;
    port_defer(list->ports, &list->answer);
}

struct model_list *model_list_create(struct provider *provider, enum provider_kind kind)
{
    struct model_list *list = mem_new(sizeof(*list));
    list->provider = provider;
    list->kind = kind;
    list->ports = model_http_server(provider).ports;
    list->answer.fn = answer_later;
    list->timer = port_timer_new(list->ports, too_late, list);
    list_init(&list->waiting);
    list_init(&list->answer.node);
    list_init(&list->wait.node);
    buf_init(&list->ids, IDS_BYTES_MAX);
    return list;
}

void model_list_destroy(struct model_list *list)
{
    if (!list)
        return;
    list->request = NULL; // http_close() came before
    stop(list);
    err_set(&list->err, ERR_REFUSED, "the server is ending");
    answer_all(list);
    list_remove(&list->answer.node);
    list->ports->ops->timer_free(list->timer);
    buf_release(&list->ids);
    if (list->busy) {
        buf_release(&list->page);
        buf_release(&list->found);
        buf_release(&list->next);
    }
    mem_free(list);
}
