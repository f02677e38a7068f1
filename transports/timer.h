// SPDX-License-Identifier: MIT
// The timers of core/base/ports.h: see there. One uv_timer_t each, freed by its close callback.
#ifndef SWARMD_TRANSPORTS_TIMER_H
#define SWARMD_TRANSPORTS_TIMER_H

#include <stdint.h>

struct loop;
struct timer;

struct timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct timer *timer, int64_t ms);
void loop_timer_stop(struct timer *timer);
void loop_timer_free(struct timer *timer);

#endif
