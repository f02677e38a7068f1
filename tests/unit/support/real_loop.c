// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "tests/unit/support/real_loop.h"

#include <limits.h>
#include <uv.h>

struct loop *real_loop_create(void)
{
    const char *folder = getenv("SWARMD_BIN_DIR");
    char helper[PATH_MAX];
    snprintf(helper, sizeof helper, "%s/swarmd-exec", folder ? folder : "build/dev/bin");
    struct err err = {ERR_NONE, ""};
    struct loop *loop = loop_create(helper, &err);
    if (!loop)
        fail_msg("%s", err.message);
    return loop;
}

static void on_deadline(void *arg)
{
    *(bool *)arg = true;
}

void real_loop_until(struct loop *loop, const int *count, int wanted)
{
    bool late = false;
    const struct ports *ports = loop_ports(loop);
    struct timer *deadline = port_timer_new(ports, on_deadline, &late);
    ports->ops->timer_set(deadline, REAL_LOOP_DEADLINE_MS);
    while (*count < wanted && !late)
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    ports->ops->timer_free(deadline);
    uv_run(loop_uv(loop), UV_RUN_NOWAIT); // frees the timer
    if (late)
        fail_msg("only %d of %d events came in %d ms", *count, wanted, REAL_LOOP_DEADLINE_MS);
}

void real_loop_turns(struct loop *loop, int turns)
{
    for (int i = 0; i < turns; i++)
        uv_run(loop_uv(loop), UV_RUN_NOWAIT);
}

void real_loop_destroy(struct loop *loop)
{
    assert_int_equal(loop_destroy(loop), 0);
}
