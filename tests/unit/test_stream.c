// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"
#include "transports/loop_parts.h"
#include "transports/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

struct side {
    struct loop *loop;
    struct stream *stream;
    struct buf got;
    int bytes, ended, drained, failed, closed;
    bool pause_at_bytes, close_at_bytes;
    char message[ERR_MESSAGE_MAX];
};

static void on_bytes(void *arg, struct str bytes)
{
    struct side *side = arg;
    buf_add_str(&side->got, bytes);
    side->bytes++;
    if (side->pause_at_bytes)
        stream_pause(side->stream, true);
    if (side->close_at_bytes)
        stream_close(side->stream);
}

static void on_ended(void *arg)
{
    ((struct side *)arg)->ended++;
}

static void on_drained(void *arg)
{
    ((struct side *)arg)->drained++;
}

static void on_failed(void *arg, const struct err *err)
{
    struct side *side = arg;
    side->failed++;
    snprintf(side->message, sizeof side->message, "%s", err->message);
}

static void on_closed(void *arg)
{
    ((struct side *)arg)->closed++;
}

static void side_open(struct side *side, int in_fd, int out_fd)
{
    static const struct stream_events events = {on_bytes, on_ended, on_drained, on_failed,
                                                on_closed};
    memset(side, 0, sizeof *side);
    buf_init(&side->got, 64 << 20);
    side->loop = real_loop_create();
    struct err err = {ERR_NONE, ""};
    side->stream = stream_open_fds(side->loop, in_fd, out_fd, &events, side, &err);
    if (!side->stream)
        fail_msg("%s", err.message);
}

static void side_close(struct side *side)
{
    if (!side->closed)
        stream_close(side->stream);
    real_loop_until(side->loop, &side->closed, 1);
    assert_int_equal(side->closed, 1);
    assert_true(side->ended <= 1);
    assert_true(side->failed <= 1);
    buf_release(&side->got);
    real_loop_destroy(side->loop);
}

static void say(struct side *side, const char *text)
{
    stream_write(side->stream, mem_dup(str_of(text)), strlen(text));
}

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

static void make_pipe(int fds[2])
{
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
}

static void expect(int fd, const char *text)
{
    char got[4096];
    size_t len = 0, wanted = strlen(text);
    while (len < wanted) {
        ssize_t some = read(fd, got + len, sizeof got - 1 - len);
        assert_true(some > 0);
        len += (size_t)some;
    }
    got[len] = '\0';
    assert_string_equal(got, text);
}

static void test_a_socket_both_ways(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    real_loop_until(side.loop, &side.bytes, 1);
    assert_true(str_is(buf_str(&side.got), "hello"));
    say(&side, "good ");
    say(&side, "day");
    assert_int_equal(stream_queued(side.stream), 8);
    assert_int_equal(side.drained, 0);
    real_loop_until(side.loop, &side.drained, 1);
    assert_int_equal(stream_queued(side.stream), 0);
    assert_int_equal(side.drained, 1);
    expect(fds[1], "good day");
    close(fds[1]);
    real_loop_until(side.loop, &side.ended, 1);
    side_close(&side);
    close(fds[0]);
}

static void test_one_turn_is_one_write(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    for (int i = 0; i < 20; i++)
        say(&side, "ab");
    real_loop_until(side.loop, &side.drained, 1);
    char got[100];
    assert_int_equal(recv(fds[1], got, sizeof got, 0), 40); // a packet is a write
    side_close(&side);
    close(fds[0]);
    close(fds[1]);
}

static void test_a_peer_that_never_reads(void **state)
{
    (void)state;
    enum { PIECE = 100000, PIECES = 40 };
    int in[2], out[2];
    make_pipe(in);
    make_pipe(out);
    struct side side;
    side_open(&side, in[0], out[1]);
    size_t before = 0;
    for (int i = 0; i < PIECES; i++) {
        stream_write(side.stream, mem_new(PIECE), PIECE);
        real_loop_turns(side.loop, 2);
        assert_true(stream_queued(side.stream) > before);
        before = stream_queued(side.stream);
    }
    int room = fcntl(out[0], F_GETPIPE_SZ);
    assert_int_equal(before, (size_t)PIECES * PIECE - (size_t)room);
    real_loop_turns(side.loop, 10);
    assert_int_equal(stream_queued(side.stream), before);
    assert_int_equal(write(in[1], "x", 1), 1); // it still listens
    real_loop_until(side.loop, &side.bytes, 1);
    assert_int_equal(side.drained, 0);

    // Closing gives up after STREAM_CLOSE_MS.
    side_close(&side);
    assert_int_equal(side.failed, 0);
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
}

static void test_large_writes_arrive_whole(void **state)
{
    (void)state;
    enum { PIECE = 70001, PIECES = 200 };
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    for (int i = 0; i < PIECES; i++) {
        char *bytes = mem_new(PIECE);
        memset(bytes, i, PIECE);
        stream_write(side.stream, bytes, PIECE);
    }
    static char got[PIECE];
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    for (int i = 0; i < PIECES; i++) {
        size_t len = 0;
        while (len < PIECE) {
            ssize_t some = read(fds[1], got + len, PIECE - len);
            if (some > 0)
                len += (size_t)some;
            else
                real_loop_turns(side.loop, 1);
        }
        for (size_t at = 0; at < PIECE; at++)
            assert_int_equal((unsigned char)got[at], i);
    }
    real_loop_until(side.loop, &side.drained, 1);
    side_close(&side);
    close(fds[0]);
    close(fds[1]);
}

static void test_half_closed_still_takes_writes(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    assert_int_equal(write(fds[1], "ask", 3), 3);
    shutdown(fds[1], SHUT_WR);
    real_loop_until(side.loop, &side.ended, 1);
    assert_true(str_is(buf_str(&side.got), "ask"));
    say(&side, "answer");
    real_loop_until(side.loop, &side.drained, 1);
    expect(fds[1], "answer");
    side_close(&side);
    close(fds[0]);
    close(fds[1]);
}

static void test_a_gone_peer_fails_once_and_writes_are_dropped(void **state)
{
    (void)state;
    int in[2], out[2];
    make_pipe(in);
    make_pipe(out);
    struct side side;
    side_open(&side, in[0], out[1]);
    close(out[0]);
    say(&side, "anyone?");
    assert_int_equal(side.failed, 0);
    real_loop_until(side.loop, &side.failed, 1);
    assert_non_null(strstr(side.message, "Broken pipe"));
    assert_int_equal(stream_queued(side.stream), 0);
    say(&side, "hello?");
    assert_int_equal(stream_queued(side.stream), 0);
    real_loop_turns(side.loop, 3);
    assert_int_equal(side.failed, 1);
    assert_int_equal(side.drained, 0);
    assert_int_equal(write(in[1], "x", 1), 1); // reading goes on
    real_loop_until(side.loop, &side.bytes, 1);
    side_close(&side);
    close(in[0]);
    close(in[1]);
    close(out[1]);
}

static void test_a_peer_that_goes_while_we_wait_for_room(void **state)
{
    (void)state;
    int in[2], out[2];
    make_pipe(in);
    make_pipe(out);
    struct side side;
    side_open(&side, in[0], out[1]);
    stream_write(side.stream, mem_new(1 << 20), 1 << 20);
    real_loop_turns(side.loop, 3);
    assert_true(stream_queued(side.stream) > 0);
    close(out[0]);
    real_loop_until(side.loop, &side.failed, 1);
    side_close(&side);
    close(in[0]);
    close(in[1]);
    close(out[1]);
}

static void test_paused_reads_nothing(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    stream_pause(side.stream, true);
    assert_int_equal(write(fds[1], "one", 3), 3);
    real_loop_turns(side.loop, 5);
    assert_int_equal(side.bytes, 0);
    stream_pause(side.stream, false);
    side.pause_at_bytes = true;
    real_loop_until(side.loop, &side.bytes, 1);
    assert_int_equal(write(fds[1], "two", 3), 3);
    close(fds[1]);
    real_loop_turns(side.loop, 5);
    assert_int_equal(side.bytes, 1);
    assert_int_equal(side.ended, 0);
    side.pause_at_bytes = false;
    stream_pause(side.stream, false);
    real_loop_until(side.loop, &side.ended, 1);
    assert_true(str_is(buf_str(&side.got), "onetwo"));
    side_close(&side);
    close(fds[0]);
}

static void test_close_writes_what_is_queued(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    say(&side, "last words");
    stream_close(side.stream);
    say(&side, "too late");
    assert_int_equal(side.closed, 0);
    real_loop_until(side.loop, &side.closed, 1);
    expect(fds[1], "last words");
    assert_int_equal(recv(fds[1], side.message, 1, MSG_DONTWAIT), -1);
    assert_int_equal(side.drained, 0); // closed is the only callback after close
    side_close(&side);
    close(fds[0]);
    close(fds[1]);
}

static void test_close_from_its_own_callback(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    side.close_at_bytes = true;
    static char many[200000];
    int size = 1 << 20;
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    assert_true(send(fds[1], many, sizeof many, MSG_DONTWAIT) > LOOP_SCRATCH_BYTES);
    real_loop_until(side.loop, &side.closed, 1);
    assert_int_equal(side.bytes, 1);
    side_close(&side);
    close(fds[0]);
    close(fds[1]);
}

static int temp_file(const char *name, const void *bytes, size_t len)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", unit_temp_folder(), name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void test_plain_files(void **state)
{
    (void)state;
    enum { LEN = 300000 };
    char *bytes = mem_new(LEN);
    for (int i = 0; i < LEN; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    int in = temp_file("in", bytes, LEN), out = temp_file("out", "", 0);
    struct side side;
    side_open(&side, in, out);
    side.pause_at_bytes = true;
    real_loop_until(side.loop, &side.bytes, 1);
    real_loop_turns(side.loop, 5);
    assert_int_equal(side.bytes, 1);
    side.pause_at_bytes = false;
    stream_pause(side.stream, false);
    real_loop_until(side.loop, &side.ended, 1);
    assert_int_equal(side.got.len, LEN);
    assert_memory_equal(side.got.data, bytes, LEN);

    for (int i = 0; i < 100; i++)
        say(&side, "line\n");
    real_loop_until(side.loop, &side.drained, 1);
    say(&side, "end\n");
    stream_close(side.stream);
    real_loop_until(side.loop, &side.closed, 1);
    assert_int_equal(lseek(out, 0, SEEK_END), 504); // the offset is shared, as with any writer
    side_close(&side);
    mem_free(bytes);
    close(in);
    close(out);
}

static void test_dev_null(void **state)
{
    (void)state;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct side side;
    side_open(&side, null, null);
    say(&side, "nobody hears");
    real_loop_until(side.loop, &side.ended, 1);
    real_loop_until(side.loop, &side.drained, 1);
    assert_int_equal(side.bytes, 0);
    side_close(&side);
    close(null);
}

static void test_a_full_disk_fails(void **state)
{
    (void)state;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct side side;
    side_open(&side, null, full);
    say(&side, "does not fit");
    real_loop_until(side.loop, &side.failed, 1);
    assert_non_null(strstr(side.message, "No space left"));
    side_close(&side);
    close(null);
    close(full);
}

static bool blocks(int fd)
{
    return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void test_a_shared_pipe_or_terminal_keeps_blocking(void **state)
{
    (void)state;
    int pipe_fds[2], master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    make_pipe(pipe_fds);
    struct side side;
    side_open(&side, terminal, pipe_fds[1]);
    assert_int_equal(write(master, "typed\n", 6), 6);
    real_loop_until(side.loop, &side.bytes, 1);
    say(&side, "x");
    real_loop_until(side.loop, &side.drained, 1);
    assert_true(blocks(terminal));
    assert_true(blocks(pipe_fds[1]));
    side_close(&side);
    close(master);
    close(terminal);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void test_a_shared_socket_blocks_again_after_close(void **state)
{
    (void)state;
    int fds[2];
    make_pair(fds);
    struct side side;
    side_open(&side, fds[0], fds[0]);
    say(&side, "x");
    real_loop_until(side.loop, &side.drained, 1);
    side_close(&side);
    assert_true(blocks(fds[0]));
    close(fds[0]);
    close(fds[1]);
}

static void test_a_closed_descriptor_is_an_error(void **state)
{
    (void)state;
    static const struct stream_events events = {on_bytes, on_ended, on_drained, on_failed,
                                                on_closed};
    int fds[2];
    make_pair(fds);
    struct loop *loop = real_loop_create();
    struct err err = {ERR_NONE, ""};
    assert_null(stream_open_fds(loop, fds[0], 999, &events, NULL, &err));
    assert_non_null(strstr(err.message, "999"));
    assert_null(stream_open_fds(loop, 999, fds[0], &events, NULL, &err));
    real_loop_destroy(loop);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_both_ways),
        cmocka_unit_test(test_one_turn_is_one_write),
        cmocka_unit_test(test_a_peer_that_never_reads),
        cmocka_unit_test(test_large_writes_arrive_whole),
        cmocka_unit_test(test_half_closed_still_takes_writes),
        cmocka_unit_test(test_a_gone_peer_fails_once_and_writes_are_dropped),
        cmocka_unit_test(test_a_peer_that_goes_while_we_wait_for_room),
        cmocka_unit_test(test_paused_reads_nothing),
        cmocka_unit_test(test_close_writes_what_is_queued),
        cmocka_unit_test(test_close_from_its_own_callback),
        cmocka_unit_test(test_plain_files),
        cmocka_unit_test(test_dev_null),
        cmocka_unit_test(test_a_full_disk_fails),
        cmocka_unit_test(test_a_shared_pipe_or_terminal_keeps_blocking),
        cmocka_unit_test(test_a_shared_socket_blocks_again_after_close),
        cmocka_unit_test(test_a_closed_descriptor_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
