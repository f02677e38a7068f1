// SPDX-License-Identifier: MIT
// What the files of the store share: the handle, its kept statements, and how SQLite's failures
// become errors for people. Only core/store/store*.c and their tests include this.
#ifndef SWARMD_CORE_STORE_STORE_INTERNAL_H
#define SWARMD_CORE_STORE_STORE_INTERNAL_H

#include "core/base/list.h"
#include "core/store/store.h"

#include <sqlite3.h>

enum {
    STORE_APPLICATION_ID = 0x7377726d, // "swrm"
    STORE_BUSY_MS = 5000,              // for the other handle of this process, and for sqlite3(1)
    PENDING_CHAINS = 1024,             // of the hash of agents; a power of two
};

enum statement {
    STATEMENT_BEGIN_READ,
    STATEMENT_BEGIN_WRITE,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_LOG,
    STATEMENT_SPAN,
    STATEMENT_SEGMENT,
    STATEMENT_AGENT,
    STATEMENT_REQUEST,
    STATEMENT_REQUESTS_EXPIRE,
    STATEMENT_USAGE,
    STATEMENT_SETTING,
    STATEMENT_SETTING_REMOVE,
    STATEMENT_READ_FORWARD,
    STATEMENT_READ_BACKWARD,
    STATEMENT_READ_SEALED,
    STATEMENT_READ_NEWEST,
    STATEMENT_READ_SPANS,
    STATEMENT_READ_EVENT,
    STATEMENT_READ_ALL,
    STATEMENT_READ_REQUEST,
    STATEMENT_READ_AGENT,
    STATEMENT_READ_INDEXED,
    STATEMENT_READ_UNINDEXED,
    STATEMENT_INDEX,
    STATEMENT_INDEXED,
    STATEMENT_SEARCH,
    STATEMENT_RULE,
    STATEMENT_RULE_REVOKED,
    STATEMENT_AUDIT,
    STATEMENT_AUDIT_BEFORE,
    STATEMENT_AUDIT_AFTER,
    STATEMENT_AUDIT_OF_BEFORE,
    STATEMENT_AUDIT_OF_AFTER,
    STATEMENT_COUNT
};

// An agent's events that are in no segment yet: the newest ones, all of them within the newest
// STORE_TAIL_EVENTS_MAX of everybody's.
struct pending {
    struct list by_age;    // by seqs[0]
    struct pending *chain; // of the same hash
    int64_t agent;
    int64_t sealed; // last seq in a segment; known and used only while loading
    uint32_t count;
    size_t bytes;
    int64_t seqs[SEGMENT_EVENTS_MAX];
};

struct pendings {
    struct pending *chains[PENDING_CHAINS];
    struct list by_age;
    bool loaded; // else what is on disk is looked at by the next commit
};

// Whose the newest events are: agents[seq % STORE_TAIL_EVENTS_MAX].
struct tail {
    int64_t *agents; // NULL until needed
    int64_t last;    // seq
};

struct store {
    sqlite3 *db;
    char *folder;
    sqlite3_stmt *statements[STATEMENT_COUNT]; // prepared at first use
    struct pendings pendings;                  // the writer's
    struct buf segment;                        // that is being written; the writer's
    struct tail tail;                          // who reads catches up first
    bool full_sync;                            // what PRAGMA synchronous is set to
    bool search_ready;                         // the function of store_search.c is known
};

// Fills err (ERR_STORAGE) from the handle's last failure; returns false. `doing` reads like
// "cannot write to the store". A full disk is said in plain words.
bool store_fail(struct store *store, const char *doing, struct err *err);

// The kept statement, reset and without bindings left from before; NULL fills err.
sqlite3_stmt *store_statement(struct store *store, enum statement which, struct err *err);

// What PRAGMA synchronous is for the next transaction; not to be called within one.
bool store_set_sync(struct store *store, bool full, struct err *err);

// Runs one that gives no rows, and resets it.
bool store_run(struct store *store, sqlite3_stmt *statement, const char *doing, struct err *err);

// A statement that still gives rows keeps its transaction open, past COMMIT: the write-ahead log
// could then never begin anew.
void store_reset_all(struct store *store);

// One consistent view over several statements. Ending it resets all that are open.
bool store_begin_read(struct store *store, struct err *err);
void store_end_read(struct store *store);

// store_seal.c: from the log into segments, within the transaction of a batch. First, what is
// unsealed on disk is looked at, if that is not known; then, with the batch's events in the log,
// they are noted, and what is full or old is sealed. After a rollback all is to be forgotten.
void pendings_init(struct pendings *pendings);
void pendings_release(struct pendings *pendings); // usable again
bool store_load_pendings(struct store *store, struct err *err);
bool store_seal(struct store *store, const struct store_batch *batch, struct err *err);

// store_cursor.c: one agent's events in either direction, out of segments and log. Within a read
// transaction. Each line is valid until the next is asked for.
struct cursor {
    struct store *store;
    int64_t agent;
    int64_t bound;
    bool backward;
    sqlite3_stmt *segments; // NULL when they are through
    struct str body;        // rest of the segment at hand
    int64_t at, end;        // in the tail: the next seq to look at, and the one to stop at
};
// Forward: events with seq > bound. Backward: events with seq < bound, newest first.
bool cursor_open(struct cursor *cursor, struct store *store, int64_t agent, int64_t bound,
                 bool backward, struct err *err);
// line->data is NULL at the end; *seq is that of the line.
bool cursor_next(struct cursor *cursor, struct str *line, int64_t *seq, struct err *err);

// Calls fn for the agent of each event of the spans that end after `after`, ascending.
bool store_each_span_event(struct store *store, int64_t after,
                           bool (*fn)(struct store *store, int64_t seq, int64_t agent,
                                      struct err *err),
                           struct err *err);
bool store_newest_seq(struct store *store, int64_t *seq, struct err *err);
// From the log; valid until the next one.
bool store_read_event(struct store *store, int64_t seq, struct str *line, struct err *err);
// The last seq that an agent has in a segment, or 0.
bool store_sealed_seq(struct store *store, int64_t agent, int64_t *seq, struct err *err);

// store_audit.c: the notes of a batch, within its transaction.
bool store_write_notes(struct store *store, const struct store_batch *batch, struct err *err);

// store_items.c: the item of an event as it was written, or STR_NONE when it tells of none.
struct str store_slice_item(struct str line);

// store_read.c: an agent's row, by its id; num is 0 when there is none.
bool store_find_agent(struct store *store, struct str id, int64_t *num, bool *removed,
                      struct err *err);

// store_usage.c: within the transaction of a batch.
bool store_write_usages(struct store *store, const struct store_batch *batch, struct err *err);
bool store_write_settings(struct store *store, const struct store_batch *batch, struct err *err);

// Migrations: step i brings a store from version i to i + 1.
struct schema {
    const char *const *steps;
    int version; // their count
};
const struct schema *store_schema(void);

// Brings the file to schema->version, in one transaction. Before that, a copy of a store that
// holds something is left as <path>.v<old version>.
bool store_migrate(sqlite3 *db, const char *path, const struct schema *schema, struct err *err);

static inline struct str column_bytes(sqlite3_stmt *statement, int column)
{
    const char *data = sqlite3_column_blob(statement, column);
    return str_from(data, (size_t)sqlite3_column_bytes(statement, column));
}

static inline void bind_bytes(sqlite3_stmt *statement, int index, struct str bytes)
{
    sqlite3_bind_blob64(statement, index, bytes.data ? bytes.data : "", bytes.len, SQLITE_STATIC);
}

static inline void bind_text(sqlite3_stmt *statement, int index, struct str text)
{
    sqlite3_bind_text64(statement, index, text.data ? text.data : "", text.len, SQLITE_STATIC,
                        SQLITE_UTF8);
}

#endif
