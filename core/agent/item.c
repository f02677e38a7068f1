// SPDX-License-Identifier: MIT
#include "core/agent/item.h"

#include "core/base/mem.h"

struct item *item_new(enum item_kind kind)
{
    struct item *item = mem_new(sizeof(*item));
    list_init(&item->node);
    item->kind = kind;
    item->exit_code = -1;
    buf_init(&item->text, ITEM_TEXT_MAX);
    return item;
}

void item_free(struct item *item)
{
    if (!item)
        return;
    list_remove(&item->node);
    buf_release(&item->text);
    mem_free(item->name);
    mem_free(item->title);
    mem_free(item->call_id);
    mem_free(item->input);
    mem_free(item->full);
    mem_free(item->blocked);
    mem_free(item->paths);
    images_release(&item->images);
    mem_free(item->edited);
    mem_free(item->opaque);
    mem_free(item);
}

const char *item_kind_name(enum item_kind kind)
{
    static const char *const names[] = {
        [ITEM_USER] = "user",
        [ITEM_ASSISTANT] = "assistant",
        [ITEM_REASONING] = "reasoning",
        [ITEM_TOOL] = "tool",
        [ITEM_PLAN] = "plan",
        [ITEM_APPROVAL] = "approval",
        [ITEM_COMPACTION] = "compaction",
        [ITEM_NOTICE] = "notice",
        [ITEM_MERGE] = "merge",
        [ITEM_MESSAGE] = "message",
        [ITEM_REWIND] = "rewind",
        [ITEM_KIND_COUNT] = "unknown",
    };
    return names[kind];
}

const char *item_status_name(enum item_status status)
{
    static const char *const names[] = {
        [ITEM_STARTED] = "started",
        [ITEM_COMPLETED] = "completed",
        [ITEM_FAILED] = "failed",
    };
    return names[status];
}
