// SPDX-License-Identifier: MIT
// The swarm: every agent of this state folder, and the requests that editors make of them.
//
// Requests that act take a struct swarm_op, embedded by the caller (lsp/ puts it into its pending
// request) and kept until op->done, which comes exactly once, on the loop, never from within the
// call, and for acknowledgements only after they are on disk. Strings in parameters are copied.
#ifndef SWARMD_CORE_SWARM_SWARM_H
#define SWARMD_CORE_SWARM_SWARM_H

#include "core/agent/agent.h"
#include "core/base/log.h"
#include "core/base/ports.h"
#include "core/model/catalogue.h"
#include "core/model/model.h"
#include "core/store/journal.h"
#include "core/swarm/config.h"

struct swarm_setup {
    const struct ports *ports;
    struct log *log; // or NULL
    struct journal *journal;
    struct provider_port providers;
    const struct config *config;  // outlives the swarm
    const char *state_folder;     // worktrees/ and output/ are made in it
    const char *const *tool_envp; // environment of commands, without swarmd's credentials
    int64_t last_agent;           // from store_state()
    void (*say)(void *arg, const char *text); // to every person who looks; or NULL
    void *arg;
};

struct swarm *swarm_create(const struct swarm_setup *setup);

// Takes in one agent's record at start; working and starting become detached (and, since that is
// published, clients see it). One that cannot be read is left out (err says which and why); its
// row stays as it is, and the others go on.
bool swarm_restore(struct swarm *swarm, int64_t num, struct str record, struct err *err);

// A setting of the store, at start.
void swarm_restore_setting(struct swarm *swarm, struct str key, struct str value);

// Takes in what was answered with ...Always, before the agents.
bool swarm_restore_rule(struct swarm *swarm, int64_t id, struct str body, struct err *err);

// Goes on with every agent that was detached by swarm_restore() and by nothing since: for editors
// whose server ended under them, and who asked for no end.
void swarm_resume_cut_off(struct swarm *swarm);

// Before swarm_close(), when another process takes over at once: states stay as they are in the
// store, so that its swarm_restore() and swarm_resume_cut_off() go on with what ran.
void swarm_hand_over(struct swarm *swarm);

// Brings every turn to a point from which it resumes; `closed` comes when no command, no stream and
// no work on a lane is left, at most 10 s later. One that is at rest then is destroyed with
// swarm_destroy(). Of one that is not, something still uses what it has (a slow disk under
// libgit2): it is never destroyed, and the process ends without it.
void swarm_close(struct swarm *swarm, void (*closed)(void *arg), void *arg);
bool swarm_is_at_rest(const struct swarm *swarm);
void swarm_destroy(struct swarm *swarm);

// --- looking ---

// By any unique prefix of an id. ERR_UNKNOWN_AGENT, ERR_AMBIGUOUS_AGENT (naming candidates).
struct agent *swarm_find(struct swarm *swarm, struct str id_prefix, struct err *err);
struct agent *swarm_find_num(struct swarm *swarm, int64_t num); // NULL when removed
struct approval *swarm_find_approval(struct swarm *swarm, struct str id, struct agent **agent);
struct agent *swarm_first(struct swarm *swarm); // by age; NULL when empty
struct agent *swarm_next(struct swarm *swarm, const struct agent *agent);
struct journal *swarm_journal(struct swarm *swarm);
struct log *swarm_log(struct swarm *swarm); // may be NULL
struct accounts *swarm_accounts(const struct swarm *swarm);
const struct config *swarm_config(const struct swarm *swarm);
int64_t swarm_now_ms(const struct swarm *swarm); // since 1970
struct catalogue *swarm_catalogue(struct swarm *swarm);
struct str swarm_default_model(const struct swarm *swarm); // of an agent that names none
const struct provider_port *swarm_providers(const struct swarm *swarm);
struct model_info swarm_model(const struct agent *agent); // what is known of its model

struct swarm_counts {
    size_t agents, active, queued;
};
void swarm_count(const struct swarm *swarm, struct swarm_counts *out);

// "on", "weak" (*weak says what is missing), "off" by configuration, or "unknown" before the first
// agent got a place.
const char *swarm_sandbox(const struct swarm *swarm, const char **weak);

// --- what changes between events ---
// Both lists are ordered by their last change; a reader remembers the newest number it has seen
// and walks back from the end until it meets it. Nothing is queued for anybody.

// The agent that changed last, then the ones before it, or NULL. Includes durable changes.
struct agent *swarm_changed_last(struct swarm *swarm);
struct agent *swarm_changed_before(struct swarm *swarm, const struct agent *agent);

// An item whose text is still growing. `slot` is a small number that is reused after the item is
// whole, so that a reader can keep its offsets in an array: an entry is valid when its seq is
// item->seq.
struct live_item {
    struct agent *agent;
    const struct item *item; // text so far: item->text, whole code points only
    unsigned slot;
    uint64_t changed;
    struct list by_change;
};
struct live_item *swarm_live_last(struct swarm *swarm);
struct live_item *swarm_live_before(struct swarm *swarm, const struct live_item *item);

struct swarm_watcher {
    void (*changed)(struct swarm_watcher *watcher); // at most once a loop turn, at its end
    struct list node;
};
void swarm_watch(struct swarm *swarm, struct swarm_watcher *watcher);
void swarm_unwatch(struct swarm_watcher *watcher);

// --- acting ---

struct swarm_op {
    void (*done)(struct swarm_op *op);
    // spawn, send: when given, a result that op_read_result() reads is stored under it, in the
    // same commit (journal_read.request finds it)
    struct str request;
    // results
    struct err err;      // kind ERR_NONE when it went well
    struct agent *agent; // NULL after remove
    char agent_id[AGENT_ID_MAX];
    int64_t seq;               // of the newest event that the request made
    char item_id[ITEM_ID_MAX]; // send
    const char *delivery;      // send: "started", "queued" or "steered"
    int position;              // send: place in the queue, from 1; 0 when started
    struct buf answer;         // approve: the approval as JSON; budget, models, merge, update,
                       // checkpoints, diff: the result as JSON; remove: what was kept, or empty;
                       // rewind, revert: the name of the checkpoint that was kept; failed: of a
                       // merge data.files, else empty
    // the swarm's own
    struct swarm *swarm;
    int64_t agent_num;
    struct journal_wait wait;
    struct deferred later;
    struct list node;
    bool remove, force; // what is asked is to remove, once the agent has ended
};

// Fills the results of op with those of the first request; its agent is NULL when it is removed.
void op_read_result(struct swarm *swarm, const struct json *json, struct swarm_op *op);

enum { SWARM_INSTRUCTIONS_MAX = 16 << 10 }; // bytes
enum { SWARM_AGENTS_MAX = 100000 };         // more are refused (limit)
enum { SWARM_ID_MAX = 256 };                // bytes of the name of a group of agents

struct spawn_params { // STR_NONE or zero where not given
    struct str task, name, role, model, cwd, base, isolation, mode, scope, parent;
    struct str swarm_id;            // default: the parent's
    struct agent_limits limits;     // below 0: not given
    struct budget budget;           // tokens and cost below -1: not given
    const struct json *permissions; // {allow, ask, deny}, or NULL
    // Where neither this nor the role says anything, before what the configuration says.
    struct str default_model, default_mode;
    struct agent_limits default_limits;
    struct budget default_budget;
    struct str context;     // already rendered as text for the first message
    struct str image_files; // paths, each with a NUL behind it; those that are images go along
};

// The agent is queued or starting, and durable; its id is in op->agent_id.
void swarm_spawn(struct swarm *swarm, const struct spawn_params *params, struct swarm_op *op);

enum delivery { DELIVER_QUEUE, DELIVER_STEER, DELIVER_INTERRUPT };
// The images, which may be none, are taken over when it succeeds. Text may be empty beside some.
void swarm_send(struct swarm *swarm, struct agent *agent, struct str text, struct images *images,
                enum delivery delivery, struct swarm_op *op);
void swarm_cancel(struct swarm *swarm, struct agent *agent, struct swarm_op *op);
void swarm_kill(struct swarm *swarm, struct agent *agent, struct swarm_op *op);
// Pauses, or goes on. While paused, what is under way (an answer that streams, a command) goes on
// to its end; no request and no call is begun. False, and op fails, where it is not legal.
bool swarm_pause(struct swarm *swarm, struct agent *agent, bool pause, struct swarm_op *op);
// The same for every agent that it means something for; returns how many.
size_t swarm_pause_all(struct swarm *swarm, bool pause, struct swarm_op *op);
// Edits a queued message, or drops it (text.data NULL).
void swarm_queue(struct swarm *swarm, struct agent *agent, struct str item_id, struct str text,
                 struct swarm_op *op);
// A compaction of its context that minds the instructions (or none): at once when the agent is at
// rest (op->delivery "started"), else before its next request to the model ("queued").
void swarm_compact(struct swarm *swarm, struct agent *agent, struct str instructions,
                   struct swarm_op *op);
// The item stays word for word in the context, or does no more. ERR_PARAMS when there is no such
// item, ERR_LIMIT past WINDOW_PINS_MAX.
void swarm_pin(struct swarm *swarm, struct agent *agent, struct str item_id, bool pinned,
               struct swarm_op *op);
// Gives it another model ("provider/model"; not while a turn is under way) or mode, or both;
// STR_NONE leaves one. A mode never goes beyond the agent's ancestors'.
void swarm_configure(struct swarm *swarm, struct agent *agent, struct str model, struct str mode,
                     struct swarm_op *op);
void swarm_resume(struct swarm *swarm, struct agent *agent, struct swarm_op *op);
// Sets a budget; with `own` NULL it only looks. op->answer is {kind, budget, resumed}.
void swarm_budget(struct swarm *swarm, const struct budget_target *target, const struct budget *own,
                  struct swarm_op *op);
void swarm_remove(struct swarm *swarm, struct agent *agent, bool force, struct swarm_op *op);
// Finds what agents that are not there any more have left, and agents without their files
// (core/git/worktree_orphans.h); op->answer is {"orphans": [...], "more": bool}. With `clear` it
// also clears: those that `ids` names; without ids those in the state folder and the refs that are
// too old, which are nobody else's for certain. One at a time (ERR_WRONG_STATE).
struct prune_params {
    struct str cwd; // of one more repository to look into, or STR_NONE
    bool clear;
    const struct str *ids;
    size_t id_count;
};
void swarm_prune(struct swarm *swarm, const struct prune_params *params, struct swarm_op *op);
// Merges the agent's work into a branch, or the branch into its work; one after the other. The
// agent begins no turn meanwhile. See docs/merging.md.
struct merge_params { // STR_NONE where not given
    struct str into, strategy, message;
    bool dry_run;
};
struct update_params {
    struct str from;
    enum { UPDATE_REFUSE, UPDATE_MARKERS, UPDATE_RESOLVE } conflicts;
    bool dry_run;
};
// An array of the files that several agents changed, at least one of them of the scope (data NULL:
// any), by repository and path; the first 1000: {repository, path, agents}.
void swarm_write_overlaps(struct swarm *swarm, struct str scope, struct json_writer *w);
void swarm_update(struct swarm *swarm, struct agent *agent, const struct update_params *params,
                  struct swarm_op *op);
void swarm_merge(struct swarm *swarm, struct agent *agent, const struct merge_params *params,
                 struct swarm_op *op);
// Of the agent's files (core/git/checkpoint.h says what each does); the result is op->answer.
void swarm_checkpoints(struct swarm *swarm, struct agent *agent, struct swarm_op *op);
void swarm_diff(struct swarm *swarm, struct agent *agent, const struct diff_query *query,
                struct swarm_op *op);
// Both while no turn runs only (ERR_WRONG_STATE); none begins before they are done. transcript: the
// model sees nothing any more of the turns after that checkpoint; their items stay.
void swarm_rewind(struct swarm *swarm, struct agent *agent, struct str checkpoint, bool transcript,
                  struct swarm_op *op);
void swarm_revert(struct swarm *swarm, struct agent *agent, struct str path,
                  const struct hunk_name *hunk, struct swarm_op *op);
struct answer {
    enum decision decision;
    struct str by, reason;
    struct str input; // a JSON object that is run instead of what the model asked for; or STR_NONE
};
// A decided approval comes back unchanged. ERR_PARAMS when there never was one, or the input is
// nothing that the tool takes.
void swarm_approve(struct swarm *swarm, struct str approval_id, const struct answer *answer,
                   struct swarm_op *op);

// --- rules that were answered ---

enum { SWARM_RULES_MAX = 1000 }; // of one repository; an answer beyond them is refused (limit)

// [{id, repository, effect, rule, by, time}], of one repository or (STR_NONE) of all.
void swarm_write_rules(struct swarm *swarm, struct str repository, struct json_writer *w);
void swarm_revoke_rule(struct swarm *swarm, int64_t id, struct str by, struct swarm_op *op);

#endif
