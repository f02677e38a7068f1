// SPDX-License-Identifier: MIT
// Items: what a transcript is made of. One struct for all kinds; its JSON is the wire's
// (docs/protocol.md, `item`) and also what the store keeps.
//
// An item is made by item_new(), gets its seq when its `started` (or, when it is whole at once,
// its `completed`) event is appended to the journal, and is owned by its agent's transcript.
#ifndef SWARMD_CORE_AGENT_ITEM_H
#define SWARMD_CORE_AGENT_ITEM_H

#include "core/base/buf.h"
#include "core/base/image.h"
#include "core/base/json.h"
#include "core/base/list.h"

#include <stdbool.h>
#include <stdint.h>

enum item_kind {
    ITEM_USER,
    ITEM_ASSISTANT,
    ITEM_REASONING,
    ITEM_TOOL,
    ITEM_PLAN,
    ITEM_APPROVAL,
    ITEM_COMPACTION,
    ITEM_NOTICE,
    ITEM_MERGE,
    ITEM_MESSAGE,
    ITEM_REWIND,
    ITEM_KIND_COUNT // also: a kind that this version does not know; kept, never sent to a model
};

enum item_status { ITEM_STARTED, ITEM_COMPLETED, ITEM_FAILED };

enum {
    ITEM_TEXT_MAX = 8 << 20, // bytes of text, of one tool's input, of one tool's shown output
    ITEM_ID_MAX = 24,        // "i" and a number, NUL included
};

struct item {
    struct list node; // in the transcript
    enum item_kind kind;
    enum item_status status;
    char id[ITEM_ID_MAX]; // unique in the whole store: "i<number>"
    int64_t seq;          // of its first event; 0 before
    int64_t time;         // ms since 1970
    int64_t ended;        // the same, of its end, when that came later; else 0
    int64_t turn;         // counts from 1 within the agent
    int64_t step;         // request to the model within the turn, from 1; tool calls share it
    struct buf text;      // user, assistant, reasoning, notice: the text; tool: the output
    char *name;           // tool: its name; notice: its level (info, warning, error);
                          // user: who sent it (NULL: the user)
                          // message: the sender; merge: the branch
    char *title;          // tool: one line for people; message: the receiver; merge: the strategy;
                          // compaction: why, and what was done
    char *call_id;        // tool: the provider's id of the call; merge: the commit
    char *input;          // tool: arguments, a JSON object, or a JSON string when the model wrote
                          // what is none; approval: the approval, a JSON object; rewind: what
                          // was asked and done, a JSON object; plan: its
                          // entries, a JSON array. Valid JSON or NULL: it is written as it is, line
                          // breaks between its tokens as spaces. Members of an item that this
                          // version does not know are dropped
    int64_t bytes;        // tool: size of the whole output
    char *full;           // tool: URI of the whole output when `text` is cut, else NULL
    int exit_code;        // tool: of a command, else -1
    char *blocked;        // tool: what the sandbox denied, for people, or NULL
    char *paths;          // tool: JSON array of files touched, relative to the worktree, or NULL
    struct images images; // user: behind the text
    int64_t before, after; // compaction: tokens of the context, before and after it
    int64_t dropped;       // compaction: items that are only in the summary from now on
    char *edited;          // tool: the arguments that a person put in their place, or NULL
    char *opaque;          // assistant, reasoning, tool: what the provider wants back (model.h), a
                           // JSON object on one line, or NULL
};

struct item *item_new(enum item_kind kind);
void item_free(struct item *item); // takes NULL

const char *item_kind_name(enum item_kind kind);
const char *item_status_name(enum item_status status);

// Writes the item as one JSON object on one line. User content is written as
// `content: [{type: "text", text}, {type: "image", mimeType, data}...]`.
void item_write_json(struct json_writer *w, const struct item *item, struct str agent_id);

// Reads what item_write_json wrote, in this or an earlier version. Unknown kinds give
// ITEM_KIND_COUNT, an unknown status ITEM_COMPLETED, text past ITEM_TEXT_MAX is cut. Fails
// (ERR_STORAGE) only when it is no item at all: no object, no kind, or no id that fits.
struct item *item_read_json(const struct json *json, struct err *err);

#endif
