// SPDX-License-Identifier: MIT
#include "transports/stream.h"

#include "core/base/mem.h"
#include "transports/loop.h"
#include "transports/loop_parts.h"
#include "transports/own_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

// What one stream may do in one turn before others come.
enum {
    READS_A_TURN = 4,
    WRITTEN_A_TURN = 1 << 20, // bytes
    PIECES_A_WRITE = 64,
};

struct piece {
    struct piece *next;
    char *bytes;
    size_t len;
};

// One descriptor. What epoll takes is polled; the rest (plain files, /dev/null) is read and
// written in libuv's pool, one request at a time.
struct side {
    struct own_fd own;
    bool polled;
    uv_poll_t poll;
    uv_fs_t request;
    bool busy; // the request is under way
};

struct stream {
    const struct ports *ports;
    struct loop *loop;
    struct stream_events events;
    void *arg;
    struct side in, out;
    char *file_bytes;    // of a plain file: read, and not delivered yet
    ssize_t file_result; // bytes in it; 0 at the end or on an error
    bool file_filled;
    struct piece *first, **last;
    size_t first_sent; // bytes of the first piece
    size_t queued;
    bool waits_for_room; // `out` is polled for it
    bool paused, ended, failed, closing, finishing;
    struct deferred step; // writes what the turn queued, and moves a file's input on
    uv_timer_t deadline;
    int open_parts; // handles and requests that must end before the stream may be freed
};

static void finish(struct stream *stream);

static bool reads(const struct stream *stream)
{
    return !stream->paused && !stream->ended && !stream->closing;
}

// --- input

static void on_readable(uv_poll_t *poll, int status, int events);

static void update_reading(struct stream *stream)
{
    if (!stream->in.polled)
        port_defer(stream->ports, &stream->step);
    else if (reads(stream))
        uv_poll_start(&stream->in.poll, UV_READABLE, on_readable);
    else
        uv_poll_stop(&stream->in.poll);
}

static void end_input(struct stream *stream)
{
    stream->ended = true;
    if (stream->in.polled)
        uv_poll_stop(&stream->in.poll);
    stream->events.ended(stream->arg);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct stream *stream = poll->data;
    char *bytes = loop_scratch(stream->loop);
    for (int i = 0; i < READS_A_TURN && reads(stream); i++) {
        ssize_t got = read(stream->in.own.fd, bytes, LOOP_SCRATCH_BYTES);
        if (got > 0) {
            stream->events.bytes(stream->arg, str_from(bytes, (size_t)got));
        } else if (got == 0 || (errno != EAGAIN && errno != EINTR) || status < 0) {
            // libuv has stopped to poll when status < 0: nothing would come any more.
            end_input(stream);
        }
        if (got < LOOP_SCRATCH_BYTES)
            break;
    }
    if (status < 0 && reads(stream))
        update_reading(stream);
}

static void on_file_read(uv_fs_t *request)
{
    struct stream *stream = request->data;
    stream->file_result = request->result > 0 ? request->result : 0;
    stream->file_filled = true;
    stream->in.busy = false;
    uv_fs_req_cleanup(request);
    if (stream->finishing)
        finish(stream);
    else
        port_defer(stream->ports, &stream->step);
}

static void step_file_input(struct stream *stream)
{
    if (stream->in.polled || stream->in.busy)
        return;
    if (stream->file_filled && reads(stream)) {
        stream->file_filled = false;
        if (stream->file_result > 0)
            stream->events.bytes(stream->arg,
                                 str_from(stream->file_bytes, (size_t)stream->file_result));
        else
            end_input(stream);
    }
    if (!reads(stream) || stream->file_filled)
        return;
    if (!stream->file_bytes)
        stream->file_bytes = mem_new(LOOP_SCRATCH_BYTES);
    uv_buf_t buffer = uv_buf_init(stream->file_bytes, LOOP_SCRATCH_BYTES);
    stream->in.request.data = stream;
    stream->in.busy = true;
    uv_fs_read(loop_uv(stream->loop), &stream->in.request, stream->in.own.fd, &buffer, 1, -1,
               on_file_read);
}

void stream_pause(struct stream *stream, bool paused)
{
    if (stream->paused == paused || stream->closing)
        return;
    stream->paused = paused;
    if (!stream->ended)
        update_reading(stream);
}

// --- output

static void drop_pieces(struct stream *stream)
{
    while (stream->first) {
        struct piece *piece = stream->first;
        stream->first = piece->next;
        mem_free(piece->bytes);
        mem_free(piece);
    }
    stream->last = &stream->first;
    stream->first_sent = 0;
    stream->queued = 0;
}

static void consume(struct stream *stream, size_t bytes)
{
    stream->queued -= bytes;
    bytes += stream->first_sent;
    while (stream->first && bytes >= stream->first->len) {
        struct piece *piece = stream->first;
        bytes -= piece->len;
        stream->first = piece->next;
        mem_free(piece->bytes);
        mem_free(piece);
    }
    if (!stream->first)
        stream->last = &stream->first;
    stream->first_sent = bytes;
}

static void wait_for_room(struct stream *stream, bool wait);

static void fail(struct stream *stream, int code)
{
    if (stream->out.polled)
        wait_for_room(stream, false);
    stream->failed = true;
    drop_pieces(stream);
    if (stream->closing) {
        finish(stream);
        return;
    }
    struct err err = {ERR_NONE, ""};
    err_set_errno(&err, ERR_REFUSED, code, "cannot write to the other side");
    stream->events.failed(stream->arg, &err);
}

static void after_drained(struct stream *stream)
{
    if (stream->closing)
        finish(stream);
    else
        stream->events.drained(stream->arg);
}

static ssize_t write_some(struct stream *stream)
{
    struct iovec pieces[PIECES_A_WRITE];
    int count = 0;
    for (struct piece *piece = stream->first; piece && count < PIECES_A_WRITE; piece = piece->next)
        pieces[count++] = (struct iovec){piece->bytes, piece->len};
    pieces[0].iov_base = (char *)pieces[0].iov_base + stream->first_sent;
    pieces[0].iov_len -= stream->first_sent;
    ssize_t sent = writev(stream->out.own.fd, pieces, count);
    return sent < 0 ? -errno : sent;
}

// status < 0: libuv has stopped to poll, so being told to wait again is a failure too.
static void write_polled(struct stream *stream, int status)
{
    size_t written = 0;
    while (stream->first && written < WRITTEN_A_TURN) {
        ssize_t sent = write_some(stream);
        if (sent >= 0) {
            written += (size_t)sent;
            consume(stream, (size_t)sent);
        } else if (sent == -EAGAIN && status >= 0) {
            break;
        } else if (sent != -EINTR) {
            fail(stream, sent == -EAGAIN ? EIO : (int)-sent);
            return;
        }
    }
    wait_for_room(stream, stream->first != NULL);
    if (!stream->first)
        after_drained(stream);
}

static void on_room(uv_poll_t *poll, int status, int events)
{
    (void)events;
    write_polled(poll->data, status);
}

static void wait_for_room(struct stream *stream, bool wait)
{
    if (wait == stream->waits_for_room)
        return;
    stream->waits_for_room = wait;
    if (wait)
        uv_poll_start(&stream->out.poll, UV_WRITABLE, on_room);
    else
        uv_poll_stop(&stream->out.poll);
}

static void on_file_written(uv_fs_t *request)
{
    struct stream *stream = request->data;
    ssize_t result = request->result;
    stream->out.busy = false;
    uv_fs_req_cleanup(request);
    if (stream->finishing) {
        finish(stream);
        return;
    }
    if (result < 0) {
        fail(stream, (int)-result);
        return;
    }
    consume(stream, (size_t)result);
    if (stream->first)
        port_defer(stream->ports, &stream->step);
    else
        after_drained(stream);
}

static void write_file(struct stream *stream)
{
    uv_buf_t pieces[PIECES_A_WRITE];
    unsigned count = 0;
    for (struct piece *piece = stream->first; piece && count < PIECES_A_WRITE; piece = piece->next)
        pieces[count++] = uv_buf_init(piece->bytes, (unsigned)piece->len);
    pieces[0].base += stream->first_sent;
    pieces[0].len -= stream->first_sent;
    stream->out.request.data = stream;
    stream->out.busy = true;
    uv_fs_write(loop_uv(stream->loop), &stream->out.request, stream->out.own.fd, pieces, count, -1,
                on_file_written);
}

void stream_write(struct stream *stream, char *bytes, size_t len)
{
    if (stream->failed || stream->closing || len == 0) {
        mem_free(bytes);
        return;
    }
    struct piece *piece = mem_new(sizeof *piece);
    piece->bytes = bytes;
    piece->len = len;
    *stream->last = piece;
    stream->last = &piece->next;
    stream->queued += len;
    port_defer(stream->ports, &stream->step);
}

size_t stream_queued(const struct stream *stream)
{
    return stream->queued;
}

static void on_step(struct deferred *step)
{
    struct stream *stream = list_entry(step, struct stream, step);
    if (stream->finishing)
        return;
    if (stream->first && stream->out.polled && !stream->waits_for_room)
        write_polled(stream, 0);
    else if (stream->first && !stream->out.polled && !stream->out.busy)
        write_file(stream);
    step_file_input(stream);
}

// --- life

static void free_stream(struct stream *stream)
{
    list_remove(&stream->step.node);
    drop_pieces(stream);
    own_fd_close(&stream->in.own);
    own_fd_close(&stream->out.own);
    stream->events.closed(stream->arg);
    mem_free(stream->file_bytes);
    mem_free(stream);
}

static void on_part_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    if (--stream->open_parts == 0)
        free_stream(stream);
}

// Called when nothing is left to write, again when each request under way has ended, and at the
// deadline.
static void finish(struct stream *stream)
{
    stream->finishing = true;
    if (stream->in.busy || stream->out.busy || stream->open_parts > 0)
        return;
    uv_handle_t *parts[] = {(uv_handle_t *)&stream->deadline, (uv_handle_t *)&stream->in.poll,
                            (uv_handle_t *)&stream->out.poll};
    const bool used[] = {true, stream->in.polled, stream->out.polled};
    for (int i = 0; i < 3; i++)
        stream->open_parts += used[i];
    for (int i = 0; i < 3; i++)
        if (used[i])
            uv_close(parts[i], on_part_closed);
}

static void on_deadline(uv_timer_t *timer)
{
    finish(timer->data);
}

void stream_close(struct stream *stream)
{
    if (stream->closing)
        return;
    stream->closing = true;
    if (stream->in.polled)
        uv_poll_stop(&stream->in.poll);
    if (stream->first)
        uv_timer_start(&stream->deadline, on_deadline, STREAM_CLOSE_MS, 0);
    else
        finish(stream);
}

static bool poll_side(struct stream *stream, struct side *side, struct err *err)
{
    int code = uv_poll_init(loop_uv(stream->loop), &side->poll, side->own.fd);
    if (code < 0 && code != UV_EPERM) // EPERM: epoll does not take plain files
        return err_set_errno(err, ERR_LIMIT, -code, "cannot wait for a stream");
    side->polled = code == 0;
    side->poll.data = stream;
    return true;
}

static void free_half_open(struct stream *stream)
{
    own_fd_close(&stream->in.own);
    own_fd_close(&stream->out.own);
    mem_free(stream);
}

static void on_half_open_closed(uv_handle_t *handle)
{
    free_half_open(handle->data);
}

static struct stream *give_up(struct stream *stream)
{
    if (stream->in.polled)
        uv_close((uv_handle_t *)&stream->in.poll, on_half_open_closed);
    else
        free_half_open(stream);
    return NULL;
}

struct stream *stream_open_fds(struct loop *loop, int in_fd, int out_fd,
                               const struct stream_events *events, void *arg, struct err *err)
{
    struct stream *stream = mem_new(sizeof *stream);
    stream->loop = loop;
    stream->ports = loop_ports(loop);
    stream->events = *events;
    stream->arg = arg;
    stream->last = &stream->first;
    stream->step.fn = on_step;
    list_init(&stream->step.node);
    stream->in.own.fd = stream->out.own.fd = -1;
    // Both before either is polled: uv_poll_init() sets O_NONBLOCK, and two of them may share it.
    if (!own_fd_open(&stream->in.own, in_fd, O_RDONLY, err) ||
        !own_fd_open(&stream->out.own, out_fd, O_WRONLY, err) ||
        !poll_side(stream, &stream->in, err) || !poll_side(stream, &stream->out, err))
        return give_up(stream);
    uv_timer_init(loop_uv(loop), &stream->deadline);
    stream->deadline.data = stream;
    update_reading(stream);
    return stream;
}
