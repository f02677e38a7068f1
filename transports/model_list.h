// SPDX-License-Identifier: MIT
// Which models a provider's server offers: its list endpoint, asked once for all who want to know,
// and remembered for MODEL_LIST_KEPT_MS. A failure is told to those who waited, and not kept.
#ifndef SWARMD_TRANSPORTS_MODEL_LIST_H
#define SWARMD_TRANSPORTS_MODEL_LIST_H

#include "core/model/model.h"
#include "core/swarm/config.h"

enum {
    MODEL_LIST_KEPT_MS = 6 * 3600 * 1000,
    MODEL_LIST_MS = 10000,          // all pages together
    MODEL_LIST_PAGES_MAX = 10,      // what is behind them is left out
    MODEL_LIST_BYTES_MAX = 8 << 20, // of a page; a larger one fails
    MODEL_LIST_IDS_MAX = 2000,      // more are left out
    MODEL_LIST_ID_MAX = 256,        // bytes; a longer one is left out
};

struct model_list;

// provider: of model_http_create(), outlives it.
struct model_list *model_list_create(struct provider *provider, enum provider_kind kind);
void model_list_destroy(struct model_list *list); // who waits is told; takes NULL
void model_list_ask(struct model_list *list, struct model_query *query);

// The ids of a page, one a line; *next is filled with what the next page is asked with, or left
// empty. For tests, too.
bool model_list_read(enum provider_kind kind, struct str body, struct buf *ids, struct buf *next,
                     struct err *err);

#endif
