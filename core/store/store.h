// SPDX-License-Identifier: MIT
// The store: swarmd.db, SQLite in WAL mode. Everything durable goes through here.
//
// All calls block and belong on a lane: the writer on LANE_STORE, readers on LANE_READ. A handle
// is used by one thread at a time.
//
// Tables (schema version in PRAGMA user_version; migrations run in one transaction):
//   agents(num INTEGER PRIMARY KEY, id TEXT UNIQUE, removed INTEGER, record BLOB)
//     one row an agent, the record is the JSON of agent_write_record(); a removed agent keeps
//     its row and its events, so that a replay has no gap.
//   log(seq INTEGER PRIMARY KEY, body BLOB)
//     every event, each the exact bytes that clients get, in the order of all. A commit appends
//     to it, and a page of everybody's events is a range of it.
//   spans(last_seq INTEGER PRIMARY KEY, first_seq INTEGER, agents BLOB)
//     whose the events from first_seq to last_seq are: a LEB128 number each. One row a commit.
//   segments(agent INTEGER, first_seq INTEGER, last_seq INTEGER, version INTEGER, body BLOB,
//            UNIQUE(agent, first_seq))
//     the same events once more, by agent: up to SEGMENT_EVENTS_MAX, joined with '\n'. A page of
//     a transcript is a range of the index. A segment is written once, when an agent has enough
//     events, or when the oldest of them is STORE_TAIL_EVENTS_MAX behind the newest of all; so
//     an agent's last few events may be in the log alone, and a reader looks for them in the
//     spans. (Rows that are clustered by agent, or a segment that grows in place, touch a page or
//     two an event: docs/performance.md.)
//   settings(key TEXT PRIMARY KEY, value BLOB)
//   search(rowid, agent, text), FTS5 without contents
//     the words of each item's latest state, under the seq of the event that told of it; `agent`
//     holds the agent's num as a word. Filled in the background: settings' `indexed` is the seq
//     up to which it is. Rows are never taken out (a table without contents cannot do that):
//     what removed agents said is left out when it is found.
//   usage(day, agent, provider, model, agent_id, scope, swarm, <the members of struct usage_sum>)
//     what requests to models took, a row a day (UTC), agent and model; it grows in the same commit
//     as the agent's events. Rows of removed agents stay.
//   requests(id TEXT PRIMARY KEY, time INTEGER, result BLOB)   -- requestId, for 24 h
//   rules(id INTEGER PRIMARY KEY, body BLOB)
//     what was answered with ...Always, the JSON of swarm_rules.c; a revoked rule has no row.
//   audit(id INTEGER PRIMARY KEY, agent TEXT, body BLOB)
//     what was asked, decided and run, in order; `agent` is an id, also of one that is removed, or
//     empty. Triggers refuse whatever would change or remove a row.
#ifndef SWARMD_CORE_STORE_STORE_H
#define SWARMD_CORE_STORE_STORE_H

#include "core/agent/usage.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SEGMENT_EVENTS_MAX = 16,
    SEGMENT_BYTES_MAX = 64 << 10,  // a larger event has a segment of its own
    STORE_TAIL_EVENTS_MAX = 16384, // newest events that may be in no segment yet
    STORE_PAGE_EVENTS_MAX = 512,
    STORE_REQUEST_KEPT_MS = 24 * 3600 * 1000,
    STORE_PAGE_BYTES_MAX = 4 << 20, // a page has at least one event, however large
};

struct store;

// Opens or creates <folder>/swarmd.db (0600) as the writer and migrates it. A corrupt or
// foreign file is moved aside to swarmd.db.broken-<time> and a new one made; *moved_aside (freed
// by the caller with mem_free) then holds its path, else NULL. ERR_STORAGE otherwise.
bool store_open(struct store **out, const char *folder, char **moved_aside, struct err *err);

// A second handle on the same file, for LANE_READ.
bool store_open_reader(struct store **out, const char *folder, struct err *err);
void store_close(struct store *store); // takes NULL

// What was there at start.
struct store_state {
    int64_t last_seq;   // 0 in a new store
    int64_t last_agent; // highest num ever used
};
bool store_state(struct store *store, struct store_state *out, struct err *err);

// Calls fn for each agent that is not removed, by num. fn returns false (and fills err) to stop.
// fn must not use the store.
bool store_each_agent(struct store *store,
                      bool (*fn)(void *arg, int64_t num, struct str record, struct err *err),
                      void *arg, struct err *err);

struct store_event {
    int64_t seq; // ascending within a batch
    int64_t agent;
    struct str bytes; // begins with {"seq":<seq>, and has no line break; an item is the last member
};

struct store_agent {
    int64_t num;
    struct str id;
    struct str record;
    bool removed;
};

struct store_request {
    struct str id;
    int64_t time;
    struct str result;
};

struct store_usage { // is added to the row of its day, agent, provider and model
    int64_t day;     // since 1970
    int64_t agent;
    struct str agent_id, scope, swarm; // the latter two may be empty
    struct str provider, model;
    struct usage_sum sum;
};

struct store_setting {
    struct str key;
    struct str value; // data NULL: the key is taken out
};

// A row of the audit, or a rule that is added or (body.data NULL) revoked.
struct store_note {
    enum { STORE_AUDIT, STORE_RULE } kind;
    int64_t id; // of a rule
    struct str agent;
    struct str body; // a JSON object with members
};

struct store_batch {
    const struct store_event *events;
    size_t event_count;
    const struct store_agent *agents; // inserted or replaced
    size_t agent_count;
    const struct store_request *requests;
    size_t request_count;
    const struct store_usage *usages;
    size_t usage_count;
    const struct store_setting *settings; // in this order
    size_t setting_count;
    const struct store_note *notes;
    size_t note_count;
    bool full_sync; // fsync the commit (synchronous=FULL); else it survives the process only
};

// All or nothing, one transaction. May be called again with the same batch after a failure.
bool store_commit(struct store *store, const struct store_batch *batch, struct err *err);

// Events with after < seq <= until, ascending, of one agent or (agent 0) of all, removed ones
// included, up to the page limits. Appends their bytes to `out`, each followed by '\n';
// *last is the seq of the last one (or `until` when there are no more).
bool store_read_events(struct store *store, int64_t agent, int64_t after, int64_t until,
                       struct buf *out, int64_t *last, struct err *err);

// The newest `limit` items of an agent with first seq < before (before 0: no bound), or the
// oldest `limit` with first seq > after (after > 0; then before is ignored), each in its latest
// state, ordered by first seq. Appends the bytes of each item's JSON object and '\n'. *more says
// whether there are others beyond. A page ends before `limit` at STORE_PAGE_EVENTS_MAX items or
// STORE_PAGE_BYTES_MAX, but has at least one item when there is one. An item of the page that
// completed more than 4,096 of the agent's events after the page is shown as started.
bool store_read_items(struct store *store, int64_t agent, int64_t before, int64_t after,
                      size_t limit, struct buf *out, bool *more, struct err *err);

// The result stored for a request id, or data NULL. Freed by the caller (mem_free).
bool store_find_request(struct store *store, struct str id, int64_t not_before, char **result,
                        struct err *err);

// Calls fn for each setting that somebody put; not for those of the store itself.
bool store_each_setting(struct store *store,
                        bool (*fn)(void *arg, struct str key, struct str value, struct err *err),
                        void *arg, struct err *err);

// --- usage ---

enum usage_by { USAGE_BY_DAY, USAGE_BY_MODEL, USAGE_BY_AGENT, USAGE_BY_SCOPE, USAGE_BY_COUNT };

enum { STORE_USAGE_ROWS_MAX = 1000 };

struct store_usage_query { // of all zeroes: nothing is asked for
    bool wanted;
    bool overview;           // by scope and by model, in one answer
    enum usage_by by;        // days newest first, others by name (agents by age)
    int64_t agent;           // 0: any
    struct str scope, swarm; // data NULL: any
    int64_t from, to;        // days, both included
    int64_t skip;            // rows
    size_t limit;            // rows; 0: only the total
};

// Appends {"rows": [...], "total": {...}} (with `overview` {"total", "scopes", "models"}).
// *total is over all rows, *more says whether there are more than were asked for, and *seq is the
// newest event of the state that was read.
bool store_read_usage(struct store *store, const struct store_usage_query *query, struct buf *out,
                      struct usage_sum *total, bool *more, int64_t *seq, struct err *err);

// --- rules and audit ---

// Calls fn for each rule, by id; the same terms as store_each_agent().
bool store_each_rule(struct store *store,
                     bool (*fn)(void *arg, int64_t id, struct str body, struct err *err), void *arg,
                     struct err *err);

enum { STORE_AUDIT_PAGE_MAX = 1000 };

// The newest `limit` rows with id < before (before 0: no bound), or the oldest ones with
// id > after (after >= 0; then before is ignored), of one agent or (data NULL) of all, ascending.
// Appends each as a JSON object and '\n', with its `id` as the first member.
struct store_audit {
    bool wanted;
    struct str agent;
    int64_t before, after;
    size_t limit;
};
bool store_read_audit(struct store *store, const struct store_audit *audit, struct buf *out,
                      bool *more, struct err *err);

// --- search ---

enum {
    STORE_INDEX_EVENTS_MAX = 256,      // of one slice
    STORE_INDEX_BYTES_MAX = 128 << 10, // of text; a slice has at least one event
    STORE_SEARCH_LOOK_MAX = 1000,      // rows of removed agents that one page steps over
};

// Indexes a slice of the events that are not yet, in a transaction of its own, so that a commit
// behind it waits for some milliseconds at most. *indexed is then the seq up to which all are.
bool store_index(struct store *store, int64_t *indexed, struct err *err);

struct store_search {
    struct buf match; // of search_query.h
    int64_t before;   // 0: no bound; else `next` of the page before
    size_t limit;
};

// Appends hits, the newest first, each as a JSON object and '\n': {agentId, itemId, kind, seq,
// time, snippet}. *next is 0 when there are no more.
bool store_search(struct store *store, const struct store_search *search, struct buf *out,
                  int64_t *next, struct err *err);

#endif
