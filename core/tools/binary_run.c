// SPDX-License-Identifier: MIT
#include "core/tools/binary_run.h"

#include <inttypes.h>
#include <string.h>

static void forget_held(struct binary_run *run)
{
    run->held_len = 0;
    run->held_bytes = run->score = 0;
}

void binary_run_add(struct binary_run *run, int64_t bytes)
{
    run->bytes += run->held_bytes + bytes;
    forget_held(run);
}

bool binary_run_holds(struct binary_run *run, size_t len, int64_t score)
{
    run->score += score;
    return run->bytes > 0 && run->score < BINARY_RUN_SURE &&
           run->held_len + len <= sizeof run->held;
}

void binary_run_take(struct binary_run *run, size_t len, int64_t bytes, struct buf *out)
{
    if (out->len < len || run->held_len + len > sizeof run->held)
        return; // out has overflowed
    memcpy(run->held + run->held_len, out->data + out->len - len, len);
    buf_truncate(out, out->len - len);
    run->held_len += len;
    run->held_bytes += bytes;
}

void binary_run_end(struct binary_run *run, struct buf *out)
{
    if (run->bytes > 0)
        buf_addf(out, "[%" PRId64 " bytes of binary data]\n", run->bytes);
    buf_add(out, run->held, run->held_len);
    run->bytes = 0;
    forget_held(run);
}
