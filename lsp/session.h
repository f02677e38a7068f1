// SPDX-License-Identifier: MIT
// One connection: its bytes, its place in the lifecycle, and what it told at initialize.
//
// Life: session_create(), then callbacks of the stream drive it; session_close() begins the end
// and the stream's `closed` frees it. Messages are handled one after the other. A message that
// needs the swarm before the store is loaded, and everything behind it, waits; so does all input
// while more than SESSION_ANSWERS_MAX bytes of answers are unread.
#ifndef SWARMD_LSP_SESSION_H
#define SWARMD_LSP_SESSION_H

#include "core/agent/agent.h"
#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/base/list.h"
#include "lsp/frame.h"
#include "lsp/rpc.h"
#include "lsp/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SESSION_EVENTS_MAX = 1 << 20,  // unread bytes; events wait in the journal beyond
    SESSION_ANSWERS_MAX = 8 << 20, // unread bytes; input waits beyond
    SESSION_LARGE_MAX = 2,         // requests for pages that are under way; input waits beyond
    SESSION_PENDING_MAX = 1024,    // requests that are not answered yet; more get `limit`
    SESSION_ARENA_MAX = 512 << 20, // memory of one parsed message
    SESSION_LINGER_MS = 2000,      // after the end of input, for requests under way
    SESSION_HELLO_MS = 10000,      // a connection to the socket sends `initialize` within
};

enum session_phase { SESSION_NEW, SESSION_OPEN, SESSION_SHUT };

// Who wants item events without having asked for them with swarm/subscribe.
enum session_interest { INTEREST_OWN, INTEREST_ALL, INTEREST_NONE };

// What spawns of this connection get when they do not say otherwise; strings may be NULL.
struct session_defaults {
    char *model, *mode, *role;
    struct agent_limits limits;
    struct budget budget;
};

struct server;
struct stream;
struct lookup;
struct plain;
struct restore;
struct subscription;

struct session {
    struct list node; // in the server's list
    struct server *server;
    struct stream *stream;
    enum session_phase phase;
    struct frame frame;
    struct arena arena; // of the message being handled
    struct buf held;    // a message that waits for the swarm, or for the store (repeat.h)
    bool holding;
    bool input_ended, closing;
    bool own; // the stdio of this process
    struct timer *linger;
    struct timer *hello;          // or NULL
    struct watch *client_process; // or NULL
    struct lookup *lookup;        // or NULL

    struct list pending; // of struct pending
    size_t pending_count, large_count;
    struct deferred go_on; // with the input
    int64_t next_id;       // of our own requests

    // told at initialize
    char *client; // its name, or NULL
    char *scope;  // or NULL
    char *folder; // first workspace folder, or NULL
    struct session_defaults defaults;
    enum session_interest interest;

    bool knows_swarm;    // else approvals and progress go the editor's own way: plain.h
    bool shows_progress; // window.workDoneProgress

    struct trace trace;
    struct restore *restore;           // NULL without a bridge
    struct subscription *subscription; // NULL before initialize, or without a swarm
    struct plain *plain;               // NULL also when knows_swarm
};

struct session *session_create(struct server *server, int in_fd, int out_fd, struct err *err);
void session_expect_hello(struct session *session); // ends one that does not initialize
void session_close(struct session *session);        // at once; nothing more is handled
// Ends the connection when this process, the client, does.
void session_watch_client(struct session *session, int64_t pid);
void session_exit(struct session *session); // the client said `exit`, or its input ended

// From the server.
void session_ready(struct session *session); // the swarm is there, or never will be
void session_retry(struct session *session); // what the held message waited for is there
void session_swarm_changed(struct session *session);
void session_committed(struct session *session);

// A pending request was answered; after the end of input the last one ends the connection.
void session_answered(struct session *session);

// It is initialized: it is told what troubles the server, and events begin to flow.
void session_begin(struct session *session);
// Events begin to flow: called when the session is initialized and the swarm is there.
void session_start_events(struct session *session);
void session_stop_events(struct session *session); // harmless twice

// --- what goes out ---

struct outgoing {
    struct session *session;
    struct buf buf;
    struct json_writer json;
};

// A message: begin, write the whole JSON, send. False when it was too large to send: nothing
// went out then.
void outgoing_begin(struct outgoing *out, struct session *session);
bool outgoing_send(struct outgoing *out);

size_t session_unread(const struct session *session); // bytes the client has not taken yet

// window/showMessage; nothing before initialize.
enum session_show { SHOW_ERROR = 1, SHOW_WARNING = 2, SHOW_INFO = 3 };
void session_show(struct session *session, enum session_show type, const char *text);

#endif
