// SPDX-License-Identifier: MIT
// The configured providers, made on first use.
#ifndef SWARMD_TRANSPORTS_PROVIDERS_H
#define SWARMD_TRANSPORTS_PROVIDERS_H

#include "core/model/model.h"
#include "core/swarm/config.h"

struct loop;
struct http;
struct providers;

struct providers *providers_create(struct loop *loop, struct http *http,
                                   const struct config *config);
struct provider_port providers_port(struct providers *providers);
void providers_destroy(struct providers *providers); // after the last call has ended

#endif
