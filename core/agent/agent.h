// SPDX-License-Identifier: MIT
// An agent: a struct and a transcript, not a process.
//
// Fields are read by anybody on the loop thread and written only in core/. `state` has one
// writer, agent_enter(). After a change that clients must not miss, call agent_publish() (an
// `agent` event with a seq, and the durable record); after one for the eye only, agent_touch().
#ifndef SWARMD_CORE_AGENT_AGENT_H
#define SWARMD_CORE_AGENT_AGENT_H

#include "core/agent/budget.h"
#include "core/agent/item.h"
#include "core/agent/state.h"
#include "core/agent/usage.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/list.h"
#include "core/context/window.h"
#include "core/git/checkpoint.h"
#include "core/permission/rule.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    AGENT_ID_MAX = 40,        // slug of 24, '-', tail, NUL
    AGENT_TASK_MAX = 1 << 20, // bytes
    AGENT_QUEUE_MAX = 256,    // queued messages; more are refused (limit)
    // They and the open questions are in the agent's record, which is written with each change:
    AGENT_QUEUE_BYTES_MAX = 16 << 20,    // of all queued messages; more are refused (limit)
    AGENT_APPROVALS_BYTES_MAX = 8 << 20, // of all open questions; a call beyond them fails
    AGENT_ACTIVITY_MAX = 120,
    AGENT_OVERLAPS_SHOWN = 16,
};

enum agent_mode { MODE_ASK, MODE_EDIT, MODE_FULL, MODE_READ, MODE_COUNT };
const char *mode_name(enum agent_mode mode);
bool mode_from_name(struct str name, enum agent_mode *mode);

enum stop_reason {
    STOP_NONE,
    STOP_END_TURN,
    STOP_MAX_TOKENS,
    STOP_MAX_STEPS,
    STOP_TIMEOUT,
    STOP_BUDGET,
    STOP_CANCELLED,
    STOP_REFUSED,
    STOP_ERROR,
};
const char *stop_reason_name(enum stop_reason reason); // NULL for STOP_NONE

struct usage { // since the agent was made
    struct usage_sum sum;
    int64_t turns, tool_calls;
    int64_t context_used; // tokens, of the newest request and its answer
    int64_t context_size; // what the model takes; 0 before the first request
};

struct agent_limits { // of a turn; 0: the configuration's, or none
    int64_t steps, seconds;
};

// A follow-up that waits for the turn's end.
struct queued_message {
    struct list node;
    char item_id[ITEM_ID_MAX];
    char *text; // may be empty when there are images
    struct images images;
    bool steer; // goes into the running turn at its next tool boundary
};
void queued_message_free(struct queued_message *message); // not in a list any more

enum decision {
    DECISION_NONE,
    DECISION_ALLOW,
    DECISION_ALLOW_ALWAYS,
    DECISION_REJECT,
    DECISION_REJECT_ALWAYS
};
const char *decision_name(enum decision decision); // NULL for DECISION_NONE
bool decision_from_name(struct str name, enum decision *decision);

struct approval {
    struct list node;            // in agent->approvals, while undecided
    char id[AGENT_ID_MAX + 24];  // "<agent id>.<item id>": unique in the store
    char item_id[ITEM_ID_MAX];   // of the approval item
    char call_item[ITEM_ID_MAX]; // of the tool item that waits
    char *tool, *title, *input;  // input: JSON
    char *patch;                 // unified diff, or NULL
    int64_t asked_at;            // ms since 1970
    char *why;                   // the rule or mode that asks
    char *remember;              // {"allow": [...], "reject": [...]}: rules that ...Always adds
    enum decision decision;
    char *by;     // who decided: the client's name
    char *reason; // what the model is told; or NULL
    char *edited; // JSON that is run instead of `input`, or NULL
};

// What an ancestor may do, as of the spawn: no descendant may do more.
struct agent_bound {
    enum agent_mode mode;
    struct rules rules;
};

struct swarm;
struct turn;
struct setup;
struct review_watch;
struct backend;

struct agent {
    struct swarm *swarm;
    struct list node;      // in the swarm's list, by age
    struct list by_change; // newest change last: see swarm_changed_last()
    uint64_t changed;
    // Of the newest agent_publish(): its event's seq, and what `changed` became by it. Readers
    // leave out what is not committed, and what the event has already told.
    int64_t published_seq;
    uint64_t published_change;
    int64_t num; // its number in the store
    char id[AGENT_ID_MAX];
    char *name, *task;
    enum agent_state state;
    enum stop_reason stop_reason;
    char *activity; // or NULL
    char *provider, *model;
    char *role;
    enum agent_mode mode;     // the strictest of its own and its ancestors'
    enum agent_mode own_mode; // what it was spawned with
    struct rules rules;       // of its role and its own
    struct agent_bound *bounds;
    size_t bound_count;
    char *parent_id, *parent_item_id, *swarm_id, *scope; // or NULL
    char *repository;                                    // its root; NULL before the probe
    char *cwd;                                           // where it was spawned
    char *base, *base_name;
    char *branch;   // NULL with isolation "none"
    char *worktree; // absolute path, also with isolation "none" (then the repository); or NULL
    int64_t created_at, updated_at; // ms since 1970
    struct list queue;              // of struct queued_message
    struct list approvals;          // of struct approval, undecided
    struct usage usage;
    struct window window; // what of the transcript its model is shown
    char *compact;        // what a compaction that was asked for is to mind, or ""; NULL: none is
    struct usage_sum turn_start; // usage.sum when the turn began
    int64_t working_since;       // monotonic ms: time at work from here on is not in usage.sum
    struct agent_limits limits;
    struct budget budget;
    unsigned budget_warned; // a bit a measure
    bool model_configured;  // nobody named its model; see fallback.h
    bool unpriced_told;     // that a budget in dollars cannot be counted
    bool budget_waits;      // its turn asked, and is woken when the answer is known
    struct err *error;      // or NULL
    struct turn *turn;      // the backend's own, while one is under way
    struct backend *backend;
    struct setup *setup;                    // the worktree being made or removed, or NULL
    struct agent_merge *merge;              // of its work, or an update, under way; or NULL
    int64_t overlaps[AGENT_OVERLAPS_SHOWN]; // nums of others that changed the same files
    size_t overlap_count;                   // all of them
    bool overlap_known;                     // its files were looked at since the start
    bool overlap_stale;                     // calls changed files since the last look began
    char *merge_intent;                     // that is on disk: JSON (core/git/merge.h), or NULL
    // What the last squash or rebase took along, and the commit that it made; or NULL.
    char *merged_work, *merged_as;
    bool isolated;
    bool worktree_made; // its worktree and branch exist
    bool out_of_quota;  // blocked: its provider has none left for it
    // Without isolation: .git/config.worktree was there before the turn's commands.
    bool config_worktree;
    bool greeted;  // the notices of the first turn were given
    bool mending;  // what a restart cut off is being closed; no turn begins
    bool cut_off;  // by the end of the server before: see swarm_resume_cut_off()
    bool removing; // the intent to remove is on disk
    bool leaving;  // from the look for unmerged work to the end of a removal: nothing can be
                   // asked to stop, and nobody would answer it
    enum agent_cause stopping;  // why the turn is being ended; CAUSE_COUNT when it is not
    bool interrupted;           // after it the queue begins a turn of its own
    struct list ops;            // struct swarm_op: those who wait for the turn's end
    struct review_watch *watch; // of core/swarm/review_watch.h; NULL before its first command
    // of core/swarm/review.h
    struct list reviews;                  // struct review_job: the first one runs
    char checkpoint[CHECKPOINT_NAME_MAX]; // that its files go on from; "" for the newest
    struct changes changes;               // at the newest checkpoint
    bool changes_known;
    bool touched;     // a call that may have changed files ran since the newest checkpoint
    size_t left_told; // files that are in no checkpoint, as the person knows
};

struct agent *agent_new(struct swarm *swarm);
void agent_free(struct agent *agent);

// The wire's snapshot (docs/protocol.md, Agent).
void agent_write_json(struct json_writer *w, const struct agent *agent);
void agent_write_pins(struct json_writer *w, const struct agent *agent);     // seqs of items
void agent_write_queue(struct json_writer *w, const struct agent *agent);    // [{itemId, text}]
void agent_write_overlaps(struct json_writer *w, const struct agent *agent); // ids
void approval_write_json(struct json_writer *w, const struct agent *agent,
                         const struct approval *approval);
void approval_free(struct approval *approval);

// Modes and rules of its own and its ancestors, as members of the record (agent_rights.c).
void agent_write_rights(struct json_writer *w, const struct agent *agent);
void agent_read_rights(struct agent *agent, const struct json *record);
// Takes a parent's rights as its bounds, and narrows `mode`. ERR_LIMIT when there are too many
// generations with rules of their own.
bool agent_bind(struct agent_bound **bounds, size_t *count, const struct agent *parent,
                struct err *err);

// The store's record: the snapshot and what only the server needs.
void agent_write_record(struct json_writer *w, const struct agent *agent);
struct agent *agent_read_record(struct swarm *swarm, const struct json *json, struct err *err);

// The one door. Publishes. ERR_WRONG_STATE names the agent, its state and what was asked.
bool agent_enter(struct agent *agent, enum agent_cause cause, struct err *err);

// The legality of a request before anything is done for it; the same error as agent_enter().
bool agent_may(const struct agent *agent, enum agent_cause cause, struct err *err);

int64_t agent_publish(struct agent *agent); // returns the event's seq
void agent_touch(struct agent *agent);
void agent_set_activity(struct agent *agent, const char *format, ...)
    __attribute__((format(printf, 2, 3))); // touches; one line, cut at AGENT_ACTIVITY_MAX

// Fills err's copy; takes err NULL to clear.
void agent_set_error(struct agent *agent, const struct err *error);

// The slug of a task: [a-z0-9-], at most 24, no '-' at its ends, "agent" when nothing is left.
void agent_slug(struct str task, char out[25]);

#endif
