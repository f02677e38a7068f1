// SPDX-License-Identifier: MIT
// What bridge.c (life) and bridge_pass.c (messages) share. For these two only.
#ifndef SWARMD_LSP_BRIDGE_PARTS_H
#define SWARMD_LSP_BRIDGE_PARTS_H

#include "core/base/arena.h"
#include "lsp/bridge.h"
#include "lsp/frame.h"
#include "lsp/told.h"

enum bridge_host {
    HOST_UNASKED, // nothing has come from the client
    HOST_SOUGHT,
    HOST_THERE,
    HOST_FAILED, // there will be none
};

struct bridge_side {
    struct bridge *bridge;
    struct stream *stream; // or NULL
    struct frame frame;
};

struct bridge {
    struct bridge_setup setup;
    struct bridge_side client, *host; // host NULL when not HOST_THERE
    enum bridge_host state;
    struct told told;
    struct arena arena; // of the message at hand
    struct err failure;
    bool replaying;   // the host's next answer is that to a second `initialize`
    bool heard;       // this host has said something
    int fruitless;    // hosts before it that had not
    bool leaving;     // the client said `exit`
    bool input_ended; // of the client
    bool closing;
    int open_sides; // streams that are not closed yet
    struct timer *linger;
    struct watch *client_process;
    struct deferred ask; // setup.lost
};

// bridge.c
void bridge_seek(struct bridge *bridge);
void bridge_watch_client(struct bridge *bridge, int64_t pid);

// bridge_pass.c
void bridge_send(struct bridge *bridge, struct bridge_side *to, struct str body);
void bridge_take_client(struct bridge *bridge, struct str body);
void bridge_take_host(struct bridge *bridge, struct str body);
void bridge_answer_error(struct bridge *bridge, int code, const char *problem); // id null
void bridge_welcome(struct bridge *bridge);  // the client to a host that is new
void bridge_give_up(struct bridge *bridge);  // what the host that is gone did not answer
void bridge_fail_all(struct bridge *bridge); // every request that waits

#endif
