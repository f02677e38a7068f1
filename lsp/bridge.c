// SPDX-License-Identifier: MIT
#include "lsp/bridge.h"

#include "core/base/mem.h"
#include "lsp/bridge_parts.h"
#include "transports/stream.h"

#include <unistd.h>

enum { BRIDGE_ARENA_MAX = 512 << 20 }; // memory of one parsed message

static bool is_full(const struct bridge_side *side)
{
    return side && side->stream && stream_queued(side->stream) > BRIDGE_QUEUED_MAX;
}

static void check_end(struct bridge *bridge);

// --- the client's messages

static bool takes_client(const struct bridge *bridge)
{
    bool has_host = bridge->state == HOST_THERE || bridge->state == HOST_FAILED;
    return has_host && !bridge->closing && !is_full(bridge->host) && !is_full(&bridge->client);
}

static void run_client(struct bridge *bridge)
{
    struct frame_message message;
    bool more = bridge->state != HOST_UNASKED;
    while (more && takes_client(bridge)) {
        enum frame_status status = frame_next(&bridge->client.frame, &message);
        more = status != FRAME_MORE;
        if (status == FRAME_ERROR)
            bridge_answer_error(bridge, message.code, message.problem);
        else if (status == FRAME_MESSAGE)
            bridge_take_client(bridge, message.body);
    }
    if (bridge->closing)
        return;
    stream_pause(bridge->client.stream, bridge->state != HOST_UNASKED && !takes_client(bridge));
    if (!more)
        check_end(bridge);
}

static void on_client_bytes(void *arg, struct str bytes)
{
    struct bridge_side *side = arg;
    if (frame_feed(&side->frame, bytes)) {
        if (side->bridge->state == HOST_UNASKED)
            bridge_seek(side->bridge);
        else
            run_client(side->bridge);
        return;
    }
    bridge_answer_error(side->bridge, RPC_INVALID_REQUEST, "no memory for this message");
    bridge_close(side->bridge);
}

static void on_client_ended(void *arg)
{
    struct bridge_side *side = arg;
    side->bridge->input_ended = true;
    frame_end(&side->frame);
    run_client(side->bridge);
}

static void run_host(struct bridge *bridge);

static void on_client_drained(void *arg)
{
    struct bridge *bridge = ((struct bridge_side *)arg)->bridge;
    run_host(bridge);
    run_client(bridge);
}

static void on_client_failed(void *arg, const struct err *err)
{
    (void)err; // nobody is left to be told
    bridge_close(((struct bridge_side *)arg)->bridge);
}

static void side_closed(struct bridge *bridge);

static void on_client_closed(void *arg)
{
    struct bridge_side *side = arg;
    side->stream = NULL;
    side_closed(side->bridge);
}

// --- the host's messages

static void run_host(struct bridge *bridge)
{
    struct bridge_side *host = bridge->host;
    struct frame_message message;
    while (host && host == bridge->host && !bridge->closing && !is_full(&bridge->client)) {
        if (frame_next(&host->frame, &message) != FRAME_MESSAGE)
            break;
        bridge_take_host(bridge, message.body);
    }
    if (host && host == bridge->host && !bridge->closing) {
        stream_pause(host->stream, is_full(&bridge->client));
        check_end(bridge);
    }
}

// The frames of a host that is gone are dropped: half a message is nobody's.
static void lose_host(struct bridge *bridge, struct bridge_side *side)
{
    if (bridge->host != side || bridge->closing)
        return;
    bridge->host = NULL;
    stream_close(side->stream);
    bridge->fruitless = bridge->heard ? 0 : bridge->fruitless + 1;
    if (bridge->leaving || bridge->told.shut) {
        bridge_close(bridge);
        return;
    }
    bridge_give_up(bridge);
    if (!bridge->told.initialize && bridge->fruitless < BRIDGE_FRUITLESS_MAX) {
        bridge->state = HOST_UNASKED; // until the client has something to say
        stream_pause(bridge->client.stream, false);
        return;
    }
    if (bridge->fruitless < BRIDGE_FRUITLESS_MAX) {
        bridge_seek(bridge);
        return;
    }
    struct err err;
    err_set(&err, ERR_LEASE, "the swarmd that holds the state folder ends every connection");
    bridge_fail(bridge, &err);
}

static void on_host_bytes(void *arg, struct str bytes)
{
    struct bridge_side *side = arg;
    if (side->bridge->host != side)
        return;
    if (frame_feed(&side->frame, bytes))
        run_host(side->bridge);
    else
        lose_host(side->bridge, side);
}

static void on_host_ended(void *arg)
{
    struct bridge_side *side = arg;
    lose_host(side->bridge, side);
}

static void on_host_drained(void *arg)
{
    struct bridge_side *side = arg;
    if (side->bridge->host == side)
        run_client(side->bridge);
}

static void on_host_failed(void *arg, const struct err *err)
{
    (void)err; // what it has still sent is read; then its end comes
    (void)arg;
}

static void on_host_closed(void *arg)
{
    struct bridge_side *side = arg;
    struct bridge *bridge = side->bridge;
    frame_release(&side->frame);
    mem_free(side);
    side_closed(bridge);
}

static void ask(struct deferred *deferred)
{
    struct bridge *bridge = list_entry(deferred, struct bridge, ask);
    bridge->setup.lost(bridge->setup.arg);
}

void bridge_seek(struct bridge *bridge)
{
    bridge->state = HOST_SOUGHT;
    stream_pause(bridge->client.stream, true);
    port_defer(bridge->setup.ports, &bridge->ask);
}

void bridge_attach(struct bridge *bridge, int fd)
{
    static const struct stream_events events = {.bytes = on_host_bytes,
                                                .ended = on_host_ended,
                                                .drained = on_host_drained,
                                                .failed = on_host_failed,
                                                .closed = on_host_closed};
    struct err err;
    if (bridge->closing) {
        close(fd);
        return;
    }
    struct bridge_side *side = mem_new(sizeof(*side));
    side->bridge = bridge;
    frame_init(&side->frame);
    side->frame.framing = FRAMING_HEADERS;
    side->stream = stream_open_fds(bridge->setup.loop, fd, fd, &events, side, &err);
    close(fd); // the stream has descriptors of its own
    if (!side->stream) {
        mem_free(side);
        bridge_fail(bridge, &err);
        return;
    }
    bridge->open_sides++;
    bridge->host = side;
    bridge->state = HOST_THERE;
    bridge->heard = false;
    bridge_welcome(bridge);
    run_client(bridge);
}

void bridge_fail(struct bridge *bridge, const struct err *err)
{
    if (bridge->closing)
        return;
    bridge->failure = *err;
    bridge->state = HOST_FAILED;
    if (bridge->host)
        stream_close(bridge->host->stream);
    bridge->host = NULL;
    bridge_fail_all(bridge);
    run_client(bridge);
}

// --- life

struct bridge *bridge_create(const struct bridge_setup *setup, int in_fd, int out_fd,
                             struct err *err)
{
    static const struct stream_events events = {.bytes = on_client_bytes,
                                                .ended = on_client_ended,
                                                .drained = on_client_drained,
                                                .failed = on_client_failed,
                                                .closed = on_client_closed};
    struct bridge *bridge = mem_new(sizeof(*bridge));
    bridge->setup = *setup;
    bridge->client.bridge = bridge;
    bridge->ask.fn = ask;
    list_init(&bridge->ask.node);
    told_init(&bridge->told);
    arena_init(&bridge->arena, BRIDGE_ARENA_MAX);
    frame_init(&bridge->client.frame);
    bridge->client.stream =
        stream_open_fds(setup->loop, in_fd, out_fd, &events, &bridge->client, err);
    if (!bridge->client.stream) {
        mem_free(bridge);
        return NULL;
    }
    bridge->open_sides = 1;
    return bridge;
}

static void on_client_process_ended(void *arg)
{
    bridge_close(arg);
}

void bridge_watch_client(struct bridge *bridge, int64_t pid)
{
    const struct ports *ports = bridge->setup.ports;
    ports->ops->watch_end(bridge->client_process);
    bridge->client_process =
        ports->ops->watch_process(ports->ctx, pid, on_client_process_ended, bridge);
}

static void on_linger(void *arg)
{
    bridge_close(arg);
}

// After `exit` the host ends the connection when everything is written; after the end of input what
// was asked before it is still answered, so that a script may pipe its requests in.
static void check_end(struct bridge *bridge)
{
    bool left = bridge->leaving || bridge->input_ended;
    if (!left || bridge->state == HOST_SOUGHT)
        return;
    if (bridge->state != HOST_THERE || (!bridge->leaving && list_empty(&bridge->told.requests))) {
        bridge_close(bridge);
    } else if (!bridge->linger) {
        bridge->linger = port_timer_new(bridge->setup.ports, on_linger, bridge);
        bridge->setup.ports->ops->timer_set(bridge->linger, BRIDGE_LINGER_MS);
    }
}

void bridge_close(struct bridge *bridge)
{
    if (bridge->closing)
        return;
    bridge->closing = true;
    list_remove(&bridge->ask.node);
    bridge->setup.ports->ops->timer_free(bridge->linger);
    bridge->setup.ports->ops->watch_end(bridge->client_process);
    if (bridge->host)
        stream_close(bridge->host->stream);
    stream_close(bridge->client.stream);
}

static void side_closed(struct bridge *bridge)
{
    if (--bridge->open_sides > 0)
        return;
    bridge->setup.closed(bridge->setup.arg, bridge->told.shut ? 0 : 1);
    frame_release(&bridge->client.frame);
    arena_release(&bridge->arena);
    told_release(&bridge->told);
    mem_free(bridge);
}
