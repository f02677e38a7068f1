// SPDX-License-Identifier: MIT
// What requests took, by day, agent and model; and settings.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

static const char reading[] = "cannot read swarmd.db";
static const char writing[] = "cannot write to swarmd.db";

// --- writing ---

bool store_write_usages(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->usage_count; i++) {
        const struct store_usage *usage = &batch->usages[i];
        const struct usage_sum *sum = &usage->sum;
        const int64_t sums[] = {sum->requests,           sum->unpriced,      sum->uncounted,
                                sum->input_tokens,       sum->output_tokens, sum->cache_read_tokens,
                                sum->cache_write_tokens, sum->cost,          sum->work_ms};
        sqlite3_stmt *statement = store_statement(store, STATEMENT_USAGE, err);
        if (!statement)
            return false;
        sqlite3_bind_int64(statement, 1, usage->day);
        sqlite3_bind_int64(statement, 2, usage->agent);
        bind_text(statement, 3, usage->provider);
        bind_text(statement, 4, usage->model);
        bind_text(statement, 5, usage->agent_id);
        bind_text(statement, 6, usage->scope);
        bind_text(statement, 7, usage->swarm);
        for (size_t k = 0; k < sizeof(sums) / sizeof(*sums); k++)
            sqlite3_bind_int64(statement, 8 + (int)k, sums[k]);
        if (!store_run(store, statement, writing, err))
            return false;
    }
    return true;
}

bool store_write_settings(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->setting_count; i++) {
        const struct store_setting *setting = &batch->settings[i];
        bool remove = !setting->value.data;
        sqlite3_stmt *statement =
            store_statement(store, remove ? STATEMENT_SETTING_REMOVE : STATEMENT_SETTING, err);
        if (!statement)
            return false;
        bind_text(statement, 1, setting->key);
        if (!remove)
            bind_bytes(statement, 2, setting->value);
        if (!store_run(store, statement, writing, err))
            return false;
    }
    return true;
}

bool store_each_setting(struct store *store,
                        bool (*fn)(void *arg, struct str key, struct str value, struct err *err),
                        void *arg, struct err *err)
{
    static const char sql[] = "SELECT key, value FROM settings WHERE key <> 'indexed' ORDER BY key";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store, reading, err);
    bool ok = true;
    int code = SQLITE_ROW;
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW)
        ok = fn(arg, column_bytes(statement, 0), column_bytes(statement, 1), err);
    if (ok && code != SQLITE_DONE)
        ok = store_fail(store, reading, err);
    sqlite3_finalize(statement);
    return ok;
}

// --- reading ---

#define SUMS                                                                                       \
    "sum(requests), sum(unpriced), sum(uncounted), sum(input), sum(output), sum(cache_read),"      \
    " sum(cache_write), sum(cost), sum(work_ms)"

static const struct grouping {
    const char *columns; // two
    const char *order;
} groupings[USAGE_BY_COUNT] = {
    [USAGE_BY_DAY] = {"day, 0", "day DESC"},
    [USAGE_BY_MODEL] = {"provider, model", "provider, model"},
    [USAGE_BY_AGENT] = {"agent, agent_id", "agent"},
    [USAGE_BY_SCOPE] = {"scope, 0", "scope"},
};

static struct usage_sum read_sums(sqlite3_stmt *statement, int first)
{
    return (struct usage_sum){
        .requests = sqlite3_column_int64(statement, first), // of no rows: NULL, which reads as 0
        .unpriced = sqlite3_column_int64(statement, first + 1),
        .uncounted = sqlite3_column_int64(statement, first + 2),
        .input_tokens = sqlite3_column_int64(statement, first + 3),
        .output_tokens = sqlite3_column_int64(statement, first + 4),
        .cache_read_tokens = sqlite3_column_int64(statement, first + 5),
        .cache_write_tokens = sqlite3_column_int64(statement, first + 6),
        .cost = sqlite3_column_int64(statement, first + 7),
        .work_ms = sqlite3_column_int64(statement, first + 8),
    };
}

static void write_sums(struct json_writer *w, const struct usage_sum *sum)
{
    usage_add_members(w, sum);
    json_add_int(w, "unpricedRequests", sum->unpriced);
    json_add_int(w, "uncountedRequests", sum->uncounted);
    if (sum->requests > sum->unpriced + sum->uncounted)
        dollars_add(w, "knownCostUsd", sum->cost);
    else
        json_add_null(w, "knownCostUsd");
}

static void write_row(struct json_writer *w, sqlite3_stmt *statement, enum usage_by by)
{
    char day[USAGE_DAY_TEXT];
    struct usage_sum sum = read_sums(statement, 2);
    json_begin_object(w);
    if (by == USAGE_BY_DAY) {
        usage_format_day(sqlite3_column_int64(statement, 0), day);
        json_add_cstr(w, "day", day);
    } else if (by == USAGE_BY_MODEL) {
        json_add_str(w, "provider", column_bytes(statement, 0));
        json_add_str(w, "model", column_bytes(statement, 1));
    } else if (by == USAGE_BY_AGENT) {
        json_add_str(w, "agentId", column_bytes(statement, 1));
    } else if (sqlite3_column_type(statement, 0) == SQLITE_NULL) {
        json_add_null(w, "scope");
    } else {
        json_add_str(w, "scope", column_bytes(statement, 0));
    }
    write_sums(w, &sum);
    json_end_object(w);
}

// The rows of `by`, or with USAGE_BY_COUNT all as one.
static sqlite3_stmt *prepare(struct store *store, const struct store_usage_query *query,
                             enum usage_by by, struct err *err)
{
    const struct grouping *grouping = by < USAGE_BY_COUNT ? &groupings[by] : NULL;
    char *sql = mem_format(
        "SELECT %s, " SUMS " FROM usage WHERE day BETWEEN ?1 AND ?2%s%s%s%s%s%s",
        grouping ? grouping->columns : "0, 0", query->agent ? " AND agent = ?3" : "",
        query->scope.data ? " AND scope = ?4" : "", query->swarm.data ? " AND swarm = ?5" : "",
        grouping ? " GROUP BY 1, 2 ORDER BY " : "", grouping ? grouping->order : "",
        grouping ? " LIMIT ?6 OFFSET ?7" : "");
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        store_fail(store, reading, err);
    mem_free(sql);
    if (!statement)
        return NULL;
    sqlite3_bind_int64(statement, 1, query->from);
    sqlite3_bind_int64(statement, 2, query->to);
    if (query->agent)
        sqlite3_bind_int64(statement, 3, query->agent);
    if (query->scope.data)
        bind_text(statement, 4, query->scope);
    if (query->swarm.data)
        bind_text(statement, 5, query->swarm);
    if (grouping) {
        sqlite3_bind_int64(statement, 6, (int64_t)query->limit + 1);
        sqlite3_bind_int64(statement, 7, query->skip);
    }
    return statement;
}

static bool write_rows(struct store *store, const struct store_usage_query *query, enum usage_by by,
                       struct json_writer *w, bool *more, struct err *err)
{
    sqlite3_stmt *statement = prepare(store, query, by, err);
    size_t count = 0;
    int code = SQLITE_ROW;
    if (!statement)
        return false;
    json_begin_array(w);
    while (count < query->limit && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        write_row(w, statement, by);
        count++;
    }
    json_end_array(w);
    *more = code == SQLITE_ROW && sqlite3_step(statement) == SQLITE_ROW;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || store_fail(store, reading, err);
    sqlite3_finalize(statement);
    return ok;
}

static bool read_total(struct store *store, const struct store_usage_query *query,
                       struct usage_sum *total, struct err *err)
{
    sqlite3_stmt *statement = prepare(store, query, USAGE_BY_COUNT, err);
    if (!statement)
        return false;
    bool ok = sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *total = read_sums(statement, 2);
    else
        store_fail(store, reading, err);
    sqlite3_finalize(statement);
    return ok;
}

static bool read_all(struct store *store, const struct store_usage_query *query,
                     struct json_writer *w, struct usage_sum *total, bool *more, struct err *err)
{
    bool ignored;
    if (!read_total(store, query, total, err))
        return false;
    json_key(w, "total");
    json_begin_object(w);
    write_sums(w, total);
    json_end_object(w);
    json_key(w, query->overview ? "scopes" : "rows");
    if (!write_rows(store, query, query->overview ? USAGE_BY_SCOPE : query->by, w, more, err))
        return false;
    if (!query->overview)
        return true;
    json_key(w, "models");
    return write_rows(store, query, USAGE_BY_MODEL, w, &ignored, err);
}

bool store_read_usage(struct store *store, const struct store_usage_query *query, struct buf *out,
                      struct usage_sum *total, bool *more, int64_t *seq, struct err *err)
{
    struct json_writer w;
    if (!store_begin_read(store, err))
        return false;
    json_writer_init(&w, out);
    json_begin_object(&w);
    bool ok = store_newest_seq(store, seq, err) && read_all(store, query, &w, total, more, err);
    json_end_object(&w);
    store_end_read(store);
    return ok;
}
