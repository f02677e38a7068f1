// SPDX-License-Identifier: MIT
// When the loop has had nothing to do for a while, the memory of finished work goes back to the
// system: the C library keeps what is freed between blocks that live on, which after a burst of a
// thousand turns is half of its heap. Off the loop; then nothing wakes up until there is work.
#ifndef SWARMD_TRANSPORTS_REST_H
#define SWARMD_TRANSPORTS_REST_H

#include <stdint.h>

enum { REST_AFTER_MS = 2000 };

struct loop;
struct rest;

struct rest *rest_create(struct loop *loop, int64_t after_ms);
int rest_count(const struct rest *rest); // how often it came to that
void rest_destroy(struct rest *rest);    // takes NULL; before loop_destroy(), which ends it

#endif
