// SPDX-License-Identifier: MIT
// What the files of the swarm share (swarm*.c, live.c, agent.c, turn*.c). Nobody else includes it.
#ifndef SWARMD_CORE_SWARM_SWARM_INTERNAL_H
#define SWARMD_CORE_SWARM_SWARM_INTERNAL_H

#include "core/agent/backend.h"
#include "core/git/worktree.h"
#include "core/model/account.h"
#include "core/model/fallback.h"
#include "core/permission/rule.h"
#include "core/swarm/overlap.h"
#include "core/swarm/swarm.h"

struct live_slot {
    struct live_item item;
    bool used;
};

// An answer with ...Always, for all agents of a repository.
struct answered_rule {
    struct list node;
    int64_t id;
    char *repository;
    struct rule rule;
    char *by;
    int64_t time; // ms since 1970
};

struct swarm {
    struct swarm_setup setup;
    struct catalogue *catalogue;
    struct budgets *budgets;
    struct list gone;      // models: fallback.c
    struct list agents;    // by age
    struct list by_change; // struct agent
    struct list live;      // struct live_item, by change
    struct list watchers;
    struct overlap *overlap;
    struct list merges;             // struct agent_merge; the first is under way
    struct deferred tell;           // the watchers
    struct deferred place;          // hand out places
    uint64_t change;                // counts up; numbers of agent->changed and live->changed
    struct agent **by_num, **by_id; // sorted
    size_t index_size, agent_count;
    int64_t last_agent;
    struct list answered; // struct answered_rule, by id
    int64_t last_rule;
    size_t active, queued; // agents that hold a place, and that wait for one
    size_t spawning;       // spawns whose repository is being looked at
    struct live_slot **slots;
    size_t slot_count;
    struct buf event; // scratch of the event being written
    struct json_writer writer;
    struct alarms *alarms;
    struct accounts *accounts;
    bool closing;
    bool handing_over; // what is cut off keeps its state: another process goes on with it
    void (*closed)(void *arg);
    void *closed_arg;
    struct timer *close_timer;
    struct deferred close_done;
    struct sandbox_probe *probe; // NULL before the first agent got a place
    struct swarm_pool *pool;
    struct prune *prune; // under way, or NULL
};

enum { RECORD_BYTES_MAX = 64 << 20 }; // of an agent's record in the store

// The agent's row is written with the next commit.
void agent_store(const struct agent *agent, bool removed);

// --- which walls the sandbox has here (swarm_sandbox.c) ---
void sandbox_probe(struct swarm *swarm); // once; the answer comes later
bool sandbox_probe_runs(const struct swarm *swarm);
void sandbox_probe_forget(struct swarm *swarm);
void sandbox_greet(struct agent *agent); // says what is missing, when something is
// With isolation "none", before a turn's commands: makes what git does not miss, so that none of it
// can be planted. False when .git is to be read-only as a whole: it is no folder, or a link is in
// it, which commands could put another in the place of.
bool sandbox_guard_repository(struct agent *agent);
// After a command: files by which git would read another configuration are removed.
void sandbox_clean_repository(struct agent *agent);

// --- index of agents (swarm_index.c) ---
void swarm_index_add(struct swarm *swarm, struct agent *agent);
void swarm_index_remove(struct swarm *swarm, struct agent *agent);
// A new unique id for a task, from its slug.
bool swarm_make_id(struct swarm *swarm, struct str task, char id[AGENT_ID_MAX], struct err *err);

// --- events (swarm_event.c) ---
// Begins an event of the agent's: {"seq":..,"agentId":..,"time":..,"type":..  The caller adds its
// members with the writer and ends it. Nothing else may be appended in between.
struct json_writer *event_begin(struct agent *agent, enum event_type type, const char *name);
int64_t event_end(struct agent *agent, enum event_type type);

// The item's event in its present status. The first one gives the item its seq and time.
void event_item(struct agent *agent, struct item *item);
void event_turn(struct agent *agent, const char *phase, enum stop_reason reason);
// A notice in the agent's transcript.
void event_notice(struct agent *agent, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Of a question that is in agent->approvals, or was (turn_ask.c).
void approval_event(struct agent *agent, const struct approval *approval, enum item_status status);
// A user item, whole at once. `id` is the one that was promised, or NULL; `from` NULL is the user.
struct item *item_new_user(const char *id, struct str text, const char *from);

// --- usage (agent_usage.c) ---
// A request has ended, or was cut. `answered`: something of an answer came, so that it may have
// cost something although the provider did not say what.
void agent_count_request(struct agent *agent, int64_t step, const struct model_usage *usage,
                         bool answered);
// The same of a request beside its turn, to the model that is named: the context is not its.
void agent_count_inquiry(struct agent *agent, const char *provider, const char *model,
                         const struct model_usage *usage, bool answered);
// The time at work up to now is in usage.sum; an event of the agent's follows in this loop turn.
void agent_count_work(struct agent *agent);
int64_t agent_work_ms(const struct agent *agent); // up to now; waiting for a person is no work

// It has another model from now on, or its first: what was learned of the one before is forgotten.
void agent_model_changed(struct agent *agent);

// --- rules that were answered (swarm_rules.c) ---
// ERR_LIMIT at SWARM_RULES_MAX; ERR_PARAMS. One that is there already is fine.
bool swarm_remember(struct agent *agent, enum rule_effect effect, struct str text, const char *by,
                    struct err *err);
void swarm_rules_release(struct swarm *swarm);

struct permission;
struct tool;
// What modes and rules say of a call with these arguments (turn_permit.c). Release the result.
void agent_judge(const struct agent *agent, const struct tool *tool, const struct json *input,
                 struct permission *permission);
// {"allow": [...], "reject": [...]}: what an answer with ...Always would add; mem_free.
char *permission_remember(const struct permission *permission);

// --- the audit (audit.c): a row in the commit of this loop turn ---
struct audit { // what does not apply is left out
    const char *item_id, *approval_id;
    const char *tool;
    struct str argument; // the command, or the path; cut at 4 KiB
    const char *why;     // the rule or mode that decided
    enum decision decision;
    const char *by, *reason; // of a person's answer
    bool has_exit_code;
    int exit_code;
};
void audit_add(const struct agent *agent, const char *action, const struct audit *audit);
void audit_rule(const struct swarm *swarm, const char *agent, const char *action,
                const struct answered_rule *answered, const char *by);

// --- live items (live.c) ---
struct live_item *live_begin(struct agent *agent, struct item *item);
void live_changed(struct swarm *swarm, struct live_item *live);
void live_end(struct swarm *swarm, struct live_item *live); // takes NULL

void swarm_tell(struct swarm *swarm); // the watchers, at the end of this turn

// --- requests (swarm_op.c, swarm_request.c, swarm_setup.c) ---
void op_fail(struct swarm *swarm, struct swarm_op *op);   // op->err is filled
void op_finish(struct agent *agent, struct swarm_op *op); // when all so far is on disk
void op_await(struct swarm *swarm, struct swarm_op *op);  // the same; agent_id and num are filled
// The agent has nothing under way any more: enters what it was stopped for, and answers.
void agent_settle(struct agent *agent);
// The git directory of its worktree (mem_free), and what core/git/worktree.h wants to know of one
// that is isolated; the strings are the agent's and `git`.
char *agent_git_folder(const struct agent *agent);
struct worktree_spec agent_worktree(const struct agent *agent, const char *git);
// Makes the worktree when it is not there; then READY and the turn, or FAIL.
void setup_start(struct agent *agent);
// --- what the person wants in a fresh worktree (swarm_seed.c) ---
const struct repository_config *swarm_seeding(const struct agent *agent); // or NULL
struct swarm_seed *swarm_seed_create(struct agent *agent);
void swarm_seed_free(struct swarm_seed *seed); // takes NULL
// On LANE_GIT: what the repository itself wants (core/swarm/swarm_own.h). Then, on the loop, what
// comes of it: a person may have to decide first, and is asked when the agent works.
void swarm_seed_read(struct swarm_seed *seed);
enum seed_step { SEED_RUN, SEED_COPY, SEED_ASK };
enum seed_step swarm_seed_decide(struct swarm_seed *seed);
void swarm_seed_ask(struct swarm_seed *seed);
// On LANE_GIT: the files.
bool swarm_seed_copy(struct swarm_seed *seed, const struct worktree_spec *spec, struct err *err);
// The command; done is called once, perhaps from within.
void swarm_seed_run(struct swarm_seed *seed, void (*done)(void *arg), void *arg);
bool swarm_seed_runs(const struct swarm_seed *seed);
void swarm_seed_show(struct swarm_seed *seed); // the activity; ends it when the agent is to end

// --- worktrees made ahead (swarm_pool.c) ---
struct swarm_pool *swarm_pool_create(struct swarm *swarm);
void swarm_pool_destroy(struct swarm_pool *pool);
const char *swarm_pool_folder(const struct swarm_pool *pool); // NULL when it is turned off
bool swarm_pool_is_busy(const struct swarm_pool *pool);
void swarm_pool_stop(struct swarm_pool *pool); // swarm_close_check() is called when it is not busy
void swarm_pool_want(struct swarm_pool *pool, const struct worktree_spec *spec); // such ones next

// Removes worktree and agent; answers op (NULL at start).
void setup_remove(struct agent *agent, struct swarm_op *op);
struct removed_work;
void remove_write_kept(const char *id, const struct removed_work *kept, struct json_writer *w);
// --- what nobody has any more (swarm_prune.c) ---
void prune_stop(struct swarm *swarm); // swarm_close_check() is called when swarm->prune is NULL
// --- who changed the same files (swarm_overlap.c) ---
// Files of a tool call: a JSON array of paths, or NULL.
void overlap_take_call(struct agent *agent, const char *paths);
// All that differ from the target.
struct tree_changes;
void overlap_take_all(struct agent *agent, const struct tree_changes *changes);
void overlap_forget(struct agent *agent); // it is removed, or its work is merged

// Completes, or takes back, a merge that the end of a server cut off (swarm_merge.c).
void merge_recover(struct agent *agent);
// May something new begin? ERR_REFUSED while the server ends, ERR_STORAGE while commits fail.
bool swarm_can_take(struct swarm *swarm, struct err *err);
void swarm_compact_done(struct agent *agent); // or nothing was asked for
// Is there room for so many more bytes in its queue? ERR_LIMIT.
bool queue_has_bytes(const struct agent *agent, size_t bytes, struct err *err);
// Of accounts (account.h): is there somebody who waits for this provider's quota? It is back.
bool swarm_awaits_quota(void *arg, struct str provider);
void swarm_quota_back(void *arg, struct str provider);
void swarm_schedule(struct swarm *swarm); // places, at the end of this turn
void swarm_close_check(struct swarm *swarm);

#endif
