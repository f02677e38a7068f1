// SPDX-License-Identifier: MIT
// The context window: what of a transcript a model is shown, so that it always fits.
//
// The view is a pure function of the items, of the pins, and of a few marks that only move
// forward: tool results and arguments older than one are shown shortened, reasoning older than
// another is left out, images older than the third are a line each, and what is older than the
// fourth stands in a summary. A mark moves only
// when the view has become too large, and then far enough (WINDOW_TARGET) that it is rare: between
// two cuts a request begins with the bytes of the one before, and providers' prompt caches hit.
//
// Nothing is lost by it: the whole transcript stays in the store, and editors show it.
#ifndef SWARMD_CORE_CONTEXT_WINDOW_H
#define SWARMD_CORE_CONTEXT_WINDOW_H

#include "core/agent/item.h"
#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/model/model.h"

struct transcript;

enum {
    WINDOW_RESERVE = 8192,     // tokens for the answer, where the model's limit is not known
    WINDOW_THRESHOLD = 85,     // percent of the window less the reserve; configurable
    WINDOW_WARN = 90,          // percent of that limit: a notice comes, once
    WINDOW_TARGET = 70,        // percent of the limit that a cut aims at
    WINDOW_TAIL = 30,          // percent of the limit: the newest items that a compaction keeps
    WINDOW_PINNED = 30,        // percent of the limit that pinned items may take whole
    WINDOW_SUMMARY = 15,       // percent of the limit that the summary may take
    WINDOW_RESULT_KEPT = 1500, // bytes of a result, or of a string of arguments, that is shortened
    WINDOW_PART_MIN = 200,     // bytes: no part is ever cut below
    WINDOW_PINS_MAX = 64,      // pinned items of an agent; more are refused (limit)
    WINDOW_FIRST_TURNS = 2,    // whose messages and last words are pinned from the start
    // Encoded bytes of all images of a request: vendors take 20 to 32 MB. The newest message's,
    // always whole, are fewer (image.h). A cut leaves at most the second.
    WINDOW_IMAGES_MAX = 20 << 20,
    WINDOW_IMAGES_TARGET = 10 << 20,
};

// In the agent's record. Marks are seqs of items; 0: nothing is older.
struct window {
    int64_t results; // tool calls and results older than this are shortened
    int64_t
        reasoning;  // reasoning and images older than this are left out; it is where a turn begins
    int64_t images; // images of messages older than this are a line of text each
    int64_t compacted; // what is older than this is in the summary
    int64_t summary;   // seq of the compaction item that has it; 0: none
    int64_t size;      // tokens that the provider was found to take at most; 0: as the model's
    int64_t part_max;  // bytes that any part has at most; 0: no bound
    // Bytes that the pinned items of the older part have together, and that the summary has, at
    // most; 0: no bound. Of the limits at the compaction: those change with every report of usage,
    // and the view must not.
    int64_t pinned_max, summary_max;
    int64_t *pins; // seqs, ascending; released by window_release()
    size_t pin_count;
    int ratio;   // tokens.h
    bool warned; // the notice before the first cut was given
};

void window_release(struct window *window);
void window_reset(struct window *window); // nothing is cut; pins stay, and what was learned

void window_write_json(struct json_writer *w, const struct window *window); // one object
void window_read_json(struct window *window, const struct json *json);      // lenient; may be NULL

bool window_is_pinned(const struct window *window, int64_t seq);
// ERR_LIMIT past WINDOW_PINS_MAX. Pinning what is pinned changes nothing.
bool window_pin(struct window *window, int64_t seq, bool pinned, struct err *err);

// Is the item shown as it is or shortened, that is, not only in the summary?
bool window_shows(const struct window *window, const struct item *item);
// Are its images, if it has some, sent along?
bool window_shows_images(const struct window *window, const struct item *item);

// What a request may have, in estimated tokens: the provider's numbers through the ratio.
struct window_limits {
    int64_t limit; // of parts; what system prompt and tools take is already off
    int64_t warn, target, tail, pinned, summary;
};
// size and head in tokens; reserve 0: WINDOW_RESERVE (a quarter of a small window at most);
// threshold in percent, 0: WINDOW_THRESHOLD. The limit may be 0 or less: the head alone is too
// large.
void window_limits(const struct window *window, int64_t size, int64_t reserve, int threshold,
                   int64_t head, struct window_limits *limits);

// The run of parts that model.h promises, in the arena; views into the items where nothing is
// shortened. Every call has exactly one result. ERR_LIMIT past the arena's ceiling.
bool window_parts(const struct window *window, const struct transcript *transcript,
                  struct arena *arena, struct model_part **parts, size_t *count, struct err *err);

struct window_cut {        // what a fit did
    int64_t before, after; // estimated tokens of parts
    size_t results;        // tool calls that are shortened from now on
    size_t reasonings;     // that are left out from now on
    size_t images;         // messages whose images are left out from now on, for their bytes
    bool parts;            // single parts were cut
};

// How large the view is: cut->after.
bool window_measure(const struct window *window, const struct transcript *transcript,
                    struct window_cut *cut, struct err *err);

enum window_fit {
    WINDOW_FITS,
    WINDOW_CUT,     // fits, after marks were moved
    WINDOW_COMPACT, // what is older than window_boundary() should be summarised first
    WINDOW_TOO_BIG, // whatever is cut: the newest message alone is too large
    WINDOW_ERROR,   // err is filled
};

// Moves marks until the view fits. `force` lets the older part be compacted although it fits.
enum window_fit window_fit(struct window *window, const struct transcript *transcript,
                           const struct window_limits *limits, bool force, struct window_cut *cut,
                           struct err *err);

// The bytes were too many for the provider: of all messages with images only the newest one's stay.
// Returns how many messages have lost theirs by it.
size_t window_drop_images(struct window *window, const struct transcript *transcript);

// Where a compaction would cut: items older than this seq go into the summary. 0: there is nothing
// to gain. Never between the calls of one step, nor between a call and what led to it.
int64_t window_boundary(const struct window *window, const struct transcript *transcript,
                        const struct window_limits *limits);

// The compaction item `summary`, in the transcript by now, stands for what is older than boundary.
void window_compacted(struct window *window, const struct window_limits *limits, int64_t boundary,
                      int64_t summary);

#endif
