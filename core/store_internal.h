// SPDX-License-Identifier: MIT
// What the files of the store share: the handle, its kept statements, and how SQLite's failures
// become errors for people. Only core/store*.c and their tests include this.
#ifndef SWARMD_CORE_STORE_INTERNAL_H
#define SWARMD_CORE_STORE_INTERNAL_H

#include "core/list.h"
#include "core/store.h"

#include <sqlite3.h>

enum {
    STORE_APPLICATION_ID = 0x7377726d, // "swrm"
    STORE_BUSY_MS = 5000,              // for the other handle of this process, and for sqlite3(1)
    OPEN_SEGMENTS_MAX = 4096,          // agents whose newest segment may grow; 64 bytes each
    OPEN_SEGMENT_CHAINS = 1024,        // a power of two
};

enum statement {
    STATEMENT_BEGIN_READ,
    STATEMENT_BEGIN_WRITE,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_SEGMENT_NEW,
    STATEMENT_SEGMENT_GROW,
    STATEMENT_SPAN,
    STATEMENT_AGENT,
    STATEMENT_REQUEST,
    STATEMENT_REQUESTS_EXPIRE,
    STATEMENT_READ_FORWARD,
    STATEMENT_READ_BACKWARD,
    STATEMENT_READ_SPANS,
    STATEMENT_READ_REQUEST,
    STATEMENT_COUNT
};

// The newest segment of an agent, while it has room.
struct open_segment {
    struct list by_use;         // least recently used first
    struct open_segment *chain; // of the same hash
    int64_t agent, first_seq;
    uint32_t events, bytes;
};

struct segment_cache {
    struct open_segment *chains[OPEN_SEGMENT_CHAINS];
    struct list by_use;
    size_t count;
};

struct store {
    sqlite3 *db;
    char *folder;
    sqlite3_stmt *statements[STATEMENT_COUNT]; // prepared at first use
    struct segment_cache segments;             // the writer's
    struct buf growth;                         // of one segment, in one commit; the writer's
    bool full_sync;                            // what PRAGMA synchronous is set to
};

// Fills err (ERR_STORAGE) from the handle's last failure; returns false. `doing` reads like
// "cannot write to the store". A full disk is said in plain words.
bool store_fail(struct store *store, const char *doing, struct err *err);

// The kept statement, reset and without bindings left from before; NULL fills err.
sqlite3_stmt *store_statement(struct store *store, enum statement which, struct err *err);

// Runs one that gives no rows, and resets it.
bool store_run(struct store *store, sqlite3_stmt *statement, const char *doing, struct err *err);

// One consistent view over several statements. Ending it resets all that are open.
bool store_begin_read(struct store *store, struct err *err);
void store_end_read(struct store *store);

void segment_cache_init(struct segment_cache *cache);
void segment_cache_release(struct segment_cache *cache); // also forgets all; usable again
struct open_segment *segment_cache_find(struct segment_cache *cache, int64_t agent);
// Replaces the agent's; the least recently used one makes room.
struct open_segment *segment_cache_put(struct segment_cache *cache, int64_t agent,
                                       int64_t first_seq);

// Migrations: step i brings a store from version i to i + 1, in a transaction of its own.
struct schema {
    const char *const *steps;
    int version; // their count
};
const struct schema *store_schema(void);

// Brings the file to schema->version. Before the first step on a store that holds something, a
// copy is left as <path>.v<old version>.
bool store_migrate(sqlite3 *db, const char *path, const struct schema *schema, struct err *err);

// Walks the lines (events) of a segment's body. The last line comes first with the second one.
bool store_next_line(struct str *body, struct str *line);
bool store_last_line(struct str *body, struct str *line);

// The seq that an event's bytes begin with; false (ERR_STORAGE) when they do not.
bool store_line_seq(struct store *store, struct str line, int64_t *seq, struct err *err);

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
