// SPDX-License-Identifier: MIT
#include "transports/demo.h"

#include "core/base/mem.h"
#include "transports/demo_script.h"

#include <stdio.h>

enum {
    ID_SIZE = 32,
    INPUT_PIECE = 48,        // bytes of arguments a piece
    TOKEN_BYTES_TIMES_2 = 7, // an estimate: 3.5 bytes a token
};

struct demo {
    struct provider base; // first
    const struct ports *ports;
    int64_t delay_ms;
    uint64_t calls; // tool calls ever made: their ids
};

struct model_call {
    struct demo *demo;
    struct model_sink sink;
    void *arg;
    struct timer *timer;
    struct demo_step step;
    struct model_usage usage;
    size_t text_sent, call_index, input_sent;
    bool call_begun;
    bool in_callback, cancelled;
};

static void call_free(struct model_call *call)
{
    call->demo->ports->ops->timer_free(call->timer);
    demo_step_release(&call->step);
    mem_free(call);
}

static void send_word(struct model_call *call)
{
    struct str rest = str_skip(buf_str(&call->step.text), call->text_sent);
    size_t len = 0;
    while (len < rest.len && rest.data[len] != ' ')
        len++;
    while (len < rest.len && rest.data[len] == ' ')
        len++;
    call->text_sent += len;
    call->sink.text(call->arg, str_from(rest.data, len));
}

static void begin_call(struct model_call *call)
{
    char id[ID_SIZE];
    struct demo_step_call *what = &call->step.calls[call->call_index];
    // The start of the process's count is arbitrary, so ids do not repeat after a restart.
    snprintf(id, sizeof(id), "demo_%llx_%llx", (unsigned long long)port_wall_ms(call->demo->ports),
             (unsigned long long)++call->demo->calls);
    call->call_begun = true;
    call->sink.tool_begin(call->arg, (unsigned)call->call_index, str_of(id), str_of(what->tool));
}

static void send_input(struct model_call *call)
{
    struct str input = buf_str(&call->step.calls[call->call_index].input);
    unsigned index = (unsigned)call->call_index;
    struct str rest = str_skip(input, call->input_sent);
    // One character at least: a piece never cuts one.
    struct str piece = rest;
    if (rest.len > INPUT_PIECE) {
        piece.len = INPUT_PIECE;
        while (piece.len > 1 && ((unsigned char)rest.data[piece.len] & 0xc0) == 0x80)
            piece.len--;
    }
    call->input_sent += piece.len;
    if (call->input_sent == input.len) {
        call->call_index++;
        call->input_sent = 0;
        call->call_begun = false;
    }
    call->sink.tool_input(call->arg, index, piece);
}

static bool send_next(struct model_call *call) // false: nothing is left
{
    if (call->text_sent < call->step.text.len)
        send_word(call);
    else if (call->call_index == call->step.call_count)
        return false;
    else if (!call->call_begun)
        begin_call(call);
    else
        send_input(call);
    return true;
}

static void finish(struct model_call *call)
{
    struct model_end end = {.finish = call->step.call_count ? MODEL_TOOL_CALLS : MODEL_END_TURN,
                            .retry_after_ms = -1};
    call->sink.usage(call->arg, &call->usage);
    if (call->cancelled)
        return;
    call->cancelled = true; // the caller frees it; sink.end is the last that is said
    call->sink.end(call->arg, &end);
}

static void on_timer(void *arg)
{
    struct model_call *call = arg;
    bool more = true;
    call->in_callback = true;
    do
        more = send_next(call);
    while (more && !call->cancelled && call->demo->delay_ms == 0);
    if (!more && !call->cancelled)
        finish(call);
    call->in_callback = false;
    if (call->cancelled)
        call_free(call);
    else
        call->demo->ports->ops->timer_set(call->timer, call->demo->delay_ms);
}

static int64_t tokens(size_t bytes)
{
    return (int64_t)((bytes * 2 + TOKEN_BYTES_TIMES_2 - 1) / TOKEN_BYTES_TIMES_2);
}

static struct model_usage estimate(const struct model_request *request,
                                   const struct demo_step *step)
{
    size_t in = request->system.len, out = step->text.len;
    for (size_t i = 0; i < request->part_count; i++)
        in += request->parts[i].text.len + request->parts[i].input.len;
    for (size_t i = 0; i < step->call_count; i++)
        out += step->calls[i].input.len;
    return (struct model_usage){tokens(in), tokens(out), -1, -1};
}

static struct model_call *demo_start(struct provider *provider, const struct model_request *request,
                                     const struct model_sink *sink, void *arg)
{
    struct demo *demo = (struct demo *)provider;
    struct model_call *call = mem_new(sizeof(*call));
    call->demo = demo;
    call->sink = *sink;
    call->arg = arg;
    demo_step_init(&call->step, request);
    call->usage = estimate(request, &call->step);
    call->timer = port_timer_new(demo->ports, on_timer, call);
    demo->ports->ops->timer_set(call->timer, demo->delay_ms);
    return call;
}

static void demo_cancel(struct model_call *call)
{
    call->cancelled = true;
    if (!call->in_callback)
        call_free(call);
}

struct provider *demo_create(const struct ports *ports, struct str name, int64_t delay_ms)
{
    static const struct provider_ops ops = {demo_start, demo_cancel};
    struct demo *demo = mem_new(sizeof(*demo));
    demo->base = (struct provider){.ops = &ops, .name = mem_dup(name), .scripted = true};
    demo->ports = ports;
    demo->delay_ms = delay_ms;
    return &demo->base;
}

void demo_destroy(struct provider *provider)
{
    struct demo *demo = (struct demo *)provider;
    if (!demo)
        return;
    mem_free(demo->base.name);
    mem_free(demo);
}
