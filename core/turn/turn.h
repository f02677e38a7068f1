// SPDX-License-Identifier: MIT
// One turn of the built-in backend: requests to a model and the tool calls in between. Shared by
// turn.c (life), turn_model.c (the requests), turn_stream.c (what streams back), turn_place.c
// (their places), turn_retry.c (requests that failed), turn_tools.c (the calls), turn_mend.c (calls
// that are cut off), turn_ask.c (approvals).
//
// A turn only ever goes on at the end of a loop turn: callbacks of streams and tools note what came
// and ask for it by turn_wake(). So no callback frees what called it.
#ifndef SWARMD_CORE_TURN_TURN_H
#define SWARMD_CORE_TURN_TURN_H

#include "core/agent/transcript.h"
#include "core/context/inquiry.h"
#include "core/files/confine.h"
#include "core/model/limiter.h"
#include "core/model/model.h"
#include "core/swarm/swarm_internal.h"
#include "core/tools/tool.h"

enum {
    TURN_TRIES_MAX = 6,                 // of one request: the first and five more
    TURN_RETRY_AFTER_MS_MAX = 600000,   // a provider that asks for longer has no quota left
    TURN_TOOLS_MAX = 32,                // offered to a model
    TURN_SYSTEM_BYTES_MAX = 64 << 10,   // system prompt
    TURN_READS_MAX = 8,                 // read-only calls that run at once
    TURN_REQUEST_BYTES_MAX = 256 << 20, // arena of one request
};

enum turn_phase {
    TURN_LOADING,    // the transcript comes from the store
    TURN_PLACING,    // a request waits for its place
    TURN_THINKING,   // it is under way
    TURN_COMPACTING, // a model is asked for a summary of what is older
    TURN_RETRYING,   // one failed, and is made again when the timer says so
    TURN_TOOLS,      // calls are asked for, run, and answered
};

enum call_phase {
    CALL_NEW,
    CALL_PREVIEW,  // its patch is being made
    CALL_ASKING,   // a person is to decide
    CALL_READY,    // may run when its turn comes
    CALL_STARTING, // its `started` is being committed
    CALL_RUNNING,
    CALL_DONE,
};

struct turn_call {
    struct turn *turn;
    enum call_phase phase;
    struct item *item; // in the transcript
    struct live_item *live;
    struct buf input; // while it streams
    char *call_id, *name;
    char *opaque;            // or NULL; its item's later
    const struct tool *tool; // NULL when there is no such tool
    struct tool_run run;
    bool run_made;             // run is to be released
    bool cut;                  // its run was told to end
    struct condense *condense; // of its output, after the run; or NULL
    struct journal_wait wait;
    struct work preview;
    struct buf patch;
    struct err preview_err;
    char *why;      // the rule or mode that decided; or NULL
    char *remember; // what an answer with ...Always would add; or NULL
    char *by;       // who allowed it, when it was a person
};

struct turn {
    struct agent *agent;
    struct transcript transcript;
    enum turn_phase phase;
    bool loading;
    bool mend_only; // close what a restart cut off, and end
    bool stop;      // end as soon as nothing is under way
    enum stop_reason reason;
    struct err error;
    struct list answers; // struct approval: decided while the transcript was loading
    struct deferred advance;
    struct timer *timer;
    int64_t progress_at; // monotonic ms
    int64_t work_start;  // agent_work_ms() when it began
    // the request
    int64_t step;
    int tries;               // of this step
    int64_t estimate;        // tokens of the request, as estimated
    bool overflowed;         // it was too large for the provider once, and was cut for it
    int64_t size_before;     // what was known of the window then
    int64_t part_max_before; // and to how much single texts were cut
    int64_t retry_at;        // monotonic ms
    struct account *account; // whose place the request has, or had last
    struct limiter_user user;
    struct limiter_ticket ticket;
    struct model_limits limits; // what the answer's headers said
    struct model_call *call;
    struct item *text, *reasoning;
    struct live_item *text_live, *reasoning_live;
    struct model_usage usage;
    struct model_end end;
    bool ended; // `end` has come
    // a compaction
    bool compact_only;       // the turn is for nothing else
    struct inquiry *inquiry; // NULL: none is under way
    int64_t boundary, full_tokens;
    const char *compact_reason;
    // the calls of this step
    struct turn_call *calls[MODEL_TOOL_CALLS_MAX];
    size_t call_count;
    size_t busy;                // works and runs whose `done` is still to come
    struct turn_import *import; // of what commands committed; NULL when none is under way
    bool import_again;
    struct root root;
    char *output_folder;
    struct tool_place place;
    struct buf sandbox; // the description of its commands' sandbox
};

void turn_wake(struct turn *turn);     // it goes on at the end of this loop turn
void turn_progress(struct turn *turn); // something came: the idle limit starts anew
// Ends the turn when nothing is under way any more. The first reason stays.
void turn_stop(struct turn *turn, enum stop_reason reason, const struct err *error);

// turn_model.c
void turn_request(struct turn *turn);                     // the next request to the model
void turn_retry(struct turn *turn);                       // the same request again
void turn_place_granted(struct turn *turn);               // it may begin now
void turn_wait_until(struct turn *turn, int64_t mono_ms); // turn.c: then turn_retry()
void turn_answered(struct turn *turn);                    // its end has come
void turn_count_usage(struct turn *turn);                 // adds what the request took so far

// turn_window.c: what stands before the transcript in each request.
struct turn_head {
    struct model_info model;
    struct buf system;
    struct model_tool tools[TURN_TOOLS_MAX];
    size_t tool_count;
    int64_t tokens; // estimated
    struct window_limits limits;
};
void turn_head_make(const struct turn *turn, struct turn_head *head);
void turn_head_release(struct turn_head *head);
// Makes the next request fit. False: a compaction is under way, after which turn_request() is
// called again, or the turn was stopped.
bool turn_window_ready(struct turn *turn);
// The provider says that the request is too large: cuts harder, and makes it anew, once.
void turn_window_overflowed(struct turn *turn);
void turn_window_again(struct turn *turn); // the same step, made to fit anew: the model is another
// It is too large even so: says in its error what is.
void turn_window_blame(struct turn *turn);
void turn_window_cut(struct turn *turn); // ends a compaction that is under way

// turn_place.c
void turn_place_init(struct turn *turn);
// Takes a place, or waits for one: turn->ticket.held says which. False when it cannot have any.
bool turn_place_take(struct turn *turn, struct err *err);
void turn_place_give(struct turn *turn); // when nothing came of it, or it was cut; harmless else

// turn_stream.c
extern const struct model_sink turn_sink; // its arg is the turn
void turn_end_texts(struct turn *turn, enum item_status status);
void turn_cut_stream(struct turn *turn); // at once; partial text is kept as a failed item

// turn_retry.c
void turn_request_failed(struct turn *turn); // turn->end says how: again later, or the turn ends

// turn_tools.c
struct turn_call *turn_call_new(struct turn *turn);
void turn_call_free(struct turn_call *call);
void turn_calls_begin(struct turn *turn); // items, permissions
void turn_calls_run(struct turn *turn);   // whatever may run now
bool turn_calls_done(const struct turn *turn);
void turn_calls_release(struct turn *turn); // all are done
// The tool and its arguments, from JSON. ERR_PARAMS is for the model.
bool turn_call_parse(struct turn_call *call, struct str input, struct err *err);
void turn_call_show(struct turn_call *call); // its item is in the transcript from now on
void turn_call_fail(struct turn_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// turn_mend.c
void turn_calls_cut(struct turn *turn, bool keep_questions);
void turn_calls_mend(struct turn *turn, bool keep_questions); // from a transcript just loaded

// turn_condense.c
struct output_sizes turn_output_sizes(const struct turn *turn, const struct tool *tool);
bool turn_condense(struct turn_call *call); // true: turn_call_ran() follows
void turn_call_ran(struct turn_call *call); // its result is what the model gets

// turn_import.c
void turn_import(struct turn *turn);  // brings commits of the worktree into the repository
void turn_refresh(struct turn *turn); // the worktree learns of the repository's references

void turn_call_reject(struct turn_call *call, struct str text); // the same, of any length
// Takes the arguments that a person put in place of the model's. False: they do not fit any more.
bool turn_call_edit(struct turn_call *call, const char *input, struct err *err);

// turn_permit.c
void turn_permit(struct turn_call *call); // ready, refused, or asked about
void turn_audit(const struct turn_call *call, const char *action, const char *approval_id);

// turn_ask.c
void turn_ask(struct turn_call *call);                           // after its preview is made
void turn_decided(struct turn *turn, struct approval *approval); // takes it over
// The approval's item, in the state that it has now.
void turn_close_questions(struct turn *turn);

#endif
