// SPDX-License-Identifier: MIT
#include "core/tools/live_output.h"

#include "core/base/text.h"
#include "core/base/utf8.h"

static void send(struct live_output *live, struct str bytes)
{
    struct buf text;
    buf_init(&text, 3 * bytes.len + 200);
    text_repair(&text, bytes);
    if (live->left_out)
        buf_addf(&text, "\n[... %zu bytes are left out here ...]\n", live->left_out);
    live->left_out = 0;
    if (live->sent + text.len > LIVE_TOTAL_MAX) {
        live->ended = true;
        buf_clear(&text);
        buf_add_str(&text, STR("\n[... more is shown when the command has ended ...]\n"));
    }
    live->sent += text.len;
    live->piece(live->arg, buf_str(&text));
    buf_release(&text);
}

static void rest_is_over(void *arg);

static void flush(struct live_output *live)
{
    struct str bytes = buf_str(&live->waiting);
    // A character that is not whole yet waits for its rest, unless that was left out.
    size_t keep = live->left_out ? 0 : utf8_incomplete_tail(bytes);
    if (bytes.len == keep)
        return;
    send(live, str_from(bytes.data, bytes.len - keep));
    buf_remove_front(&live->waiting, bytes.len - keep);
    if (live->ended)
        return;
    if (!live->timer)
        live->timer = port_timer_new(live->ports, rest_is_over, live);
    live->resting = true;
    live->ports->ops->timer_set(live->timer, LIVE_INTERVAL_MS);
}

static void rest_is_over(void *arg)
{
    struct live_output *live = arg;
    live->resting = false;
    flush(live);
}

void live_output_init(struct live_output *live, const struct ports *ports,
                      void (*piece)(void *arg, struct str piece), void *arg)
{
    *live = (struct live_output){.ports = ports, .piece = piece, .arg = arg, .ended = !piece};
    buf_init(&live->waiting, LIVE_PIECE_MAX);
}

void live_output_release(struct live_output *live)
{
    live->ports->ops->timer_free(live->timer);
    live->timer = NULL;
    buf_release(&live->waiting);
}

void live_output_add(struct live_output *live, struct str bytes)
{
    if (live->ended)
        return;
    size_t room = live->left_out ? 0 : LIVE_PIECE_MAX - live->waiting.len;
    size_t len = bytes.len < room ? bytes.len : room;
    buf_add(&live->waiting, bytes.data, len);
    live->left_out += bytes.len - len;
    if (!live->resting)
        flush(live);
}
