// SPDX-License-Identifier: MIT
// Rules that were answered, and the audit.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

static const char reading[] = "cannot read swarmd.db", writing[] = "cannot write to swarmd.db";

static bool write_rule(struct store *store, const struct store_note *note, struct err *err)
{
    bool revoked = !note->body.data;
    sqlite3_stmt *statement =
        store_statement(store, revoked ? STATEMENT_RULE_REVOKED : STATEMENT_RULE, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, note->id);
    if (!revoked)
        bind_bytes(statement, 2, note->body);
    return store_run(store, statement, writing, err);
}

static bool write_audit(struct store *store, const struct store_note *note, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_AUDIT, err);
    if (!statement)
        return false;
    bind_text(statement, 1, note->agent);
    bind_bytes(statement, 2, note->body);
    return store_run(store, statement, writing, err);
}

bool store_write_notes(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->note_count; i++) {
        const struct store_note *note = &batch->notes[i];
        if (note->kind == STORE_RULE ? !write_rule(store, note, err)
                                     : !write_audit(store, note, err))
            return false;
    }
    return true;
}

bool store_each_rule(struct store *store,
                     bool (*fn)(void *arg, int64_t id, struct str body, struct err *err), void *arg,
                     struct err *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, "SELECT id, body FROM rules ORDER BY id", -1, &statement,
                           NULL) != SQLITE_OK)
        return store_fail(store, reading, err);
    bool ok = true;
    int code = SQLITE_ROW;
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW)
        ok = fn(arg, sqlite3_column_int64(statement, 0), column_bytes(statement, 1), err);
    if (ok && code != SQLITE_DONE)
        ok = store_fail(store, reading, err);
    sqlite3_finalize(statement);
    return ok;
}

// --- pages of the audit ---

struct audit_page {
    struct buf bytes;
    size_t *ends; // of each row within bytes, in the order in which they were read
    size_t count;
};

static sqlite3_stmt *begin_page(struct store *store, const struct store_audit *audit,
                                struct err *err)
{
    bool forward = audit->after >= 0, one = audit->agent.data != NULL;
    enum statement which = forward ? (one ? STATEMENT_AUDIT_OF_AFTER : STATEMENT_AUDIT_AFTER)
                                   : (one ? STATEMENT_AUDIT_OF_BEFORE : STATEMENT_AUDIT_BEFORE);
    sqlite3_stmt *statement = store_statement(store, which, err);
    if (!statement)
        return NULL;
    int64_t before = audit->before > 0 ? audit->before : INT64_MAX;
    sqlite3_bind_int64(statement, 1, forward ? audit->after : before);
    sqlite3_bind_int64(statement, 2, (int64_t)audit->limit + 1);
    if (one)
        bind_text(statement, 3, audit->agent);
    return statement;
}

static bool page_add(struct audit_page *page, int64_t id, struct str body)
{
    buf_addf(&page->bytes, "{\"id\":%lld,", (long long)id);
    buf_add_str(&page->bytes, str_skip(body, 1));
    buf_add_char(&page->bytes, '\n');
    page->ends[page->count++] = page->bytes.len;
    return !page->bytes.overflow;
}

static void emit(const struct audit_page *page, bool forward, struct buf *out)
{
    for (size_t i = 0; i < page->count; i++) {
        size_t at = forward ? i : page->count - 1 - i;
        size_t begin = at ? page->ends[at - 1] : 0;
        buf_add(out, page->bytes.data + begin, page->ends[at] - begin);
    }
}

bool store_read_audit(struct store *store, const struct store_audit *audit, struct buf *out,
                      bool *more, struct err *err)
{
    struct audit_page page = {.ends = mem_new_array(audit->limit + 1, sizeof(size_t))};
    buf_init(&page.bytes, 2 * STORE_PAGE_BYTES_MAX);
    sqlite3_stmt *statement = begin_page(store, audit, err);
    bool ok = statement != NULL;
    int code = SQLITE_DONE;
    *more = false;
    while (ok && !*more && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct str body = column_bytes(statement, 1);
        *more = page.count == audit->limit ||
                (page.count > 0 && page.bytes.len + body.len > STORE_PAGE_BYTES_MAX);
        if (*more)
            break;
        ok = body.len > 1 && page_add(&page, sqlite3_column_int64(statement, 0), body);
        if (!ok)
            err_set(err, ERR_STORAGE, "the audit in the folder %s is damaged", store->folder);
    }
    if (ok && code != SQLITE_DONE && code != SQLITE_ROW)
        ok = store_fail(store, reading, err);
    if (statement)
        sqlite3_reset(statement);
    if (ok)
        emit(&page, audit->after >= 0, out);
    buf_release(&page.bytes);
    mem_free(page.ends);
    return ok;
}
