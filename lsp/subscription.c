// SPDX-License-Identifier: MIT
#include "lsp/subscription.h"

#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"
#include "lsp/batch.h"
#include "lsp/replay.h"
#include "lsp/restore.h"
#include "lsp/server_parts.h"

static const char *const event_names[] = {"agent", "removed", "turn",   "request",
                                          "item",  "delta",   "lagged", "reset"};

void subscription_advertise(struct json_writer *json)
{
    json_begin_array(json);
    for (size_t i = 0; i < sizeof(event_names) / sizeof(*event_names); i++)
        json_put_str(json, str_of(event_names[i]));
    json_end_array(json);
}

static struct filter_subject subject_of(const struct agent *agent)
{
    return (struct filter_subject){
        .agent = agent->num, .scope = str_of(agent->scope), .known = true};
}

// An event for the eye: no seq. agent_id NULL where it is nobody's.
static struct json_writer *begin_event(struct batch *batch, const char *type, const char *agent_id)
{
    char time[TIME_TEXT_MAX];
    time_format(port_wall_ms(batch->session->server->ports), time);
    struct json_writer *json = batch_event(batch);
    json_begin_object(json);
    if (agent_id)
        json_add_cstr(json, "agentId", agent_id);
    json_add_cstr(json, "time", time);
    json_add_cstr(json, "type", type);
    return json;
}

bool subscription_wants(const struct subscription *s, const struct agent *agent)
{
    struct filter_subject subject = subject_of(agent);
    return filter_wants_items(&s->filter, &subject);
}

// --- events of the journal ---

static bool is_wanted(const struct subscription *s, const struct event *event)
{
    const struct agent *agent = swarm_find_num(s->swarm, event->agent);
    struct filter_subject subject = {.agent = event->agent};
    if (agent)
        subject = subject_of(agent);
    if (event->type == EVENT_AGENT || event->type == EVENT_REMOVED)
        return filter_wants_agent(&s->filter, &subject);
    return filter_wants_items(&s->filter, &subject);
}

static void put_lagged(struct subscription *s, struct batch *batch)
{
    struct json_writer *json = begin_event(batch, "lagged", NULL);
    json_add_int(json, "after", s->cursor);
    json_end_object(json);
}

void subscription_tell_lagged(struct subscription *s)
{
    struct batch batch;
    batch_init(&batch, s->session);
    put_lagged(s, &batch);
    batch_send(&batch);
}

// The ring has gone on. Whoever did not read is told so; for others (a commit was larger than the
// ring, a replay took long) the store has it all.
static void on_lost(struct subscription *s, struct batch *batch)
{
    struct err err;
    int64_t after = s->cursor;
    if (!s->behind && replay_add(s, NULL, after, &err)) {
        s->cursor = journal_committed(s->journal);
        return;
    }
    s->lagged = true;
    put_lagged(s, batch);
}

int64_t subscription_seen(const struct subscription *s)
{
    return s->lagged ? INT64_MAX : s->cursor;
}

// True when the newest event is written.
static bool flush_events(struct subscription *s, struct batch *batch)
{
    for (;;) {
        bool lost = false;
        const struct event *event = journal_next(s->journal, s->cursor, &lost);
        if (lost) {
            on_lost(s, batch);
            return false;
        }
        if (!event) {
            s->behind = false;
            return true;
        }
        if (batch_is_full(batch)) {
            s->behind = true;
            return false;
        }
        s->cursor = event->seq;
        if (is_wanted(s, event))
            json_put_raw(batch_event(batch), shared_str(event->bytes));
        if (event->type == EVENT_REMOVED)
            filter_remove(&s->filter,
                          &(struct filter_entry){.kind = FILTER_AGENT, .agent = event->agent});
    }
}

// --- texts of live items ---

static struct live_offset *offset_of(struct subscription *s, const struct live_item *live)
{
    if (live->slot >= s->offset_count) {
        size_t count = live->slot + 16;
        s->offsets = mem_resize(s->offsets, count, sizeof(*s->offsets));
        memset(s->offsets + s->offset_count, 0, (count - s->offset_count) * sizeof(*s->offsets));
        s->offset_count = count;
    }
    struct live_offset *offset = &s->offsets[live->slot];
    if (offset->seq != live->item->seq)
        *offset = (struct live_offset){.seq = live->item->seq};
    return offset;
}

// True when all of its text is written now.
static bool put_delta(struct subscription *s, struct batch *batch, const struct live_item *live)
{
    struct live_offset *offset = offset_of(s, live);
    struct str text = buf_str(&live->item->text);
    if (offset->bytes > text.len)
        offset->bytes = 0; // begun anew: offset 0 tells the client
    if (offset->bytes == text.len)
        return true;
    struct str piece = utf8_cut(str_skip(text, offset->bytes), DELTA_TEXT_MAX);
    struct json_writer *json = begin_event(batch, "delta", live->agent->id);
    json_add_cstr(json, "itemId", live->item->id);
    json_add_cstr(json, "kind", item_kind_name(live->item->kind));
    json_add_str(json, "text", piece);
    json_add_int(json, "offset", (int64_t)offset->bytes);
    json_end_object(json);
    offset->bytes += piece.len;
    return offset->bytes == text.len;
}

static void flush_deltas(struct subscription *s, struct batch *batch)
{
    struct live_item *live = swarm_live_last(s->swarm);
    uint64_t newest = live ? live->changed : s->live_looked;
    uint64_t seen = newest;
    for (; live && live->changed > s->live_seen; live = swarm_live_before(s->swarm, live)) {
        struct filter_subject subject = subject_of(live->agent);
        if (!filter_wants_deltas(&s->filter, &subject))
            continue;
        if (batch_is_full(batch)) {
            s->behind = true;
            return;
        }
        // Not before its `started` was.
        bool told = live->item->seq > 0 && live->item->seq <= s->cursor;
        bool all = told && put_delta(s, batch, live);
        if (!all)
            seen = live->changed - 1; // the walk goes from new to old: this is the lowest
        if (told && !all)
            newest = 0; // to be looked at again soon, not only after a commit
    }
    s->live_seen = seen;
    s->live_looked = newest;
    s->deltas_at = port_mono_ms(s->ports);
}

// --- snapshots of agents ---

static void put_snapshot(struct batch *batch, const struct agent *agent)
{
    struct json_writer *json = begin_event(batch, "agent", agent->id);
    json_key(json, "agent");
    agent_write_json(json, agent);
    json_end_object(json);
}

static void flush_snapshots(struct subscription *s, struct batch *batch)
{
    struct agent *agent = swarm_changed_last(s->swarm);
    uint64_t newest = agent ? agent->changed : s->agents_looked;
    uint64_t seen = newest;
    for (; agent && agent->changed > s->agents_seen;
         agent = swarm_changed_before(s->swarm, agent)) {
        struct filter_subject subject = subject_of(agent);
        if (agent->changed == agent->published_change || !filter_wants_agent(&s->filter, &subject))
            continue;
        if (batch_is_full(batch)) {
            s->behind = true;
            return;
        }
        // What is not on disk is not shown; its event will come.
        if (agent->published_seq > s->cursor)
            seen = agent->changed - 1;
        else
            put_snapshot(batch, agent);
    }
    s->agents_seen = seen;
    s->agents_looked = newest;
    s->snapshots_at = port_mono_ms(s->ports);
}

void subscription_tell_snapshots(struct subscription *s, const struct filter_entry *entry)
{
    if (entry->kind != FILTER_AGENT) {
        s->agents_seen = 0;
        return;
    }
    const struct agent *agent = swarm_find_num(s->swarm, entry->agent);
    // What is not on disk is not shown; its event will come.
    if (!agent || agent->changed == agent->published_change || agent->published_seq > s->cursor)
        return;
    struct filter_subject subject = subject_of(agent);
    if (!filter_wants_agent(&s->filter, &subject))
        return;
    struct batch batch;
    batch_init(&batch, s->session);
    put_snapshot(&batch, agent);
    batch_send(&batch);
}

static void put_reset(struct subscription *s, struct batch *batch)
{
    s->reset = false;
    json_end_object(begin_event(batch, "reset", NULL));
    for (struct agent *a = swarm_first(s->swarm); a; a = swarm_next(s->swarm, a))
        put_snapshot(batch, a);
}

// --- when ---

static bool has_new_text(const struct subscription *s)
{
    const struct live_item *live = swarm_live_last(s->swarm);
    return live && live->changed > s->live_looked;
}

static bool has_new_agents(const struct subscription *s)
{
    const struct agent *agent = swarm_changed_last(s->swarm);
    return agent && agent->changed > s->agents_looked;
}

// Sees to it that what is for the eye is written when its time comes.
static void arm(struct subscription *s)
{
    if (s->lagged || s->behind || !list_empty(&s->replays))
        return;
    int64_t now = port_mono_ms(s->ports), due = INT64_MAX;
    if (has_new_text(s))
        due = s->deltas_at + DELTAS_MS;
    if (has_new_agents(s) && s->snapshots_at + SNAPSHOTS_MS < due)
        due = s->snapshots_at + SNAPSHOTS_MS;
    if (due == INT64_MAX)
        return;
    if (due <= now) {
        port_defer(s->ports, &s->flush);
    } else if (s->timer_due == 0 || due < s->timer_due) {
        s->timer_due = due;
        s->ports->ops->timer_set(s->timer, due - now);
    }
}

static void flush(struct subscription *s)
{
    struct batch batch;
    int64_t now = port_mono_ms(s->ports);
    if (s->lagged || replay_step(s))
        return;
    batch_init(&batch, s->session);
    if (s->reset)
        put_reset(s, &batch);
    if (flush_events(s, &batch)) {
        if (now >= s->deltas_at + DELTAS_MS || s->live_seen < s->live_looked)
            flush_deltas(s, &batch);
        if (now >= s->snapshots_at + SNAPSHOTS_MS || s->agents_seen < s->agents_looked)
            flush_snapshots(s, &batch);
    }
    batch_send(&batch);
    if (s->session->restore && list_empty(&s->replays))
        restore_tell_position(s->session->restore, s->session, s->cursor, s->lagged);
    replay_step(s);
    arm(s);
    server_forget_seen(s->session->server);
}

static void on_flush(struct deferred *deferred)
{
    flush(list_entry(deferred, struct subscription, flush));
}

static void on_timer(void *arg)
{
    struct subscription *s = arg;
    s->timer_due = 0;
    flush(s);
}

void subscription_flush_soon(struct subscription *s)
{
    port_defer(s->ports, &s->flush);
}

void subscription_committed(struct subscription *s)
{
    subscription_flush_soon(s);
}

void subscription_changed(struct subscription *s)
{
    arm(s);
}

// --- life ---

struct subscription *subscription_create(struct session *session, struct swarm *swarm)
{
    struct subscription *s = mem_new(sizeof(*s));
    s->session = session;
    s->swarm = swarm;
    s->journal = swarm_journal(swarm);
    s->ports = session->server->ports;
    s->cursor = journal_committed(s->journal);
    list_init(&s->replays);
    list_init(&s->flush.node);
    s->flush.fn = on_flush;
    s->timer = port_timer_new(s->ports, on_timer, s);
    const struct agent *last = swarm_changed_last(swarm);
    s->agents_seen = s->agents_looked = last ? last->changed : 0;
    s->filter.agents = session->interest != INTEREST_NONE;
    struct err ignored; // an empty filter has room
    struct filter_entry entry = {.kind =
                                     session->interest == INTEREST_ALL ? FILTER_ALL : FILTER_SCOPE,
                                 .scope = str_of(session->scope),
                                 .deltas = true};
    if (session->interest != INTEREST_NONE)
        filter_add(&s->filter, &entry, &ignored);
    arm(s);
    return s;
}

void subscription_destroy(struct subscription *s)
{
    if (!s)
        return;
    replay_drop_all(s);
    list_remove(&s->flush.node);
    s->ports->ops->timer_free(s->timer);
    filter_release(&s->filter);
    mem_free(s->offsets);
    mem_free(s);
}

// Each live text of it comes from its beginning.
static void restart_texts(struct subscription *s, const struct filter_entry *entry)
{
    for (struct live_item *live = swarm_live_last(s->swarm); live;
         live = swarm_live_before(s->swarm, live)) {
        struct filter_subject subject = subject_of(live->agent);
        if (filter_entry_matches(entry, &subject))
            offset_of(s, live)->bytes = 0;
    }
    s->live_seen = s->live_looked = 0;
    s->deltas_at = 0;
}

bool subscription_add(struct subscription *s, const struct filter_entry *entry, int64_t after,
                      int64_t *seq, struct err *err)
{
    struct batch batch;
    // So that the cursor is where `seq` of other answers is.
    batch_init(&batch, s->session);
    if (!s->lagged && !s->reset && list_empty(&s->replays))
        flush_events(s, &batch);
    batch_send(&batch);
    int64_t committed = journal_committed(s->journal);
    bool was_lagged = s->lagged;
    if (was_lagged)
        s->cursor = committed;
    bool replays = after >= 0 && after < s->cursor;
    if ((replays && !replay_add(s, was_lagged ? NULL : entry, after, err)) ||
        !filter_add(&s->filter, entry, err))
        return false;
    s->reset = s->reset || after > committed;
    s->lagged = s->behind = false;
    restart_texts(s, entry);
    *seq = s->cursor;
    subscription_flush_soon(s);
    return true;
}

void subscription_take_up(struct subscription *s, int64_t after, bool lagged)
{
    struct err ignored;
    s->lagged = lagged;
    if (lagged)
        return;
    if (after >= s->cursor)
        s->reset = after > s->cursor;
    else
        s->reset = after < 0 || !replay_add(s, NULL, after, &ignored);
    s->live_seen = s->live_looked = 0;
    subscription_flush_soon(s);
}

void subscription_remove(struct subscription *s, const struct filter_entry *entry)
{
    filter_remove(&s->filter, entry);
}
