// SPDX-License-Identifier: MIT
#include "lsp/replay.h"

#include "core/base/mem.h"
#include "lsp/batch.h"
#include "lsp/restore.h"

enum { EVENT_ARENA_MAX = 256 << 20 };

struct replay {
    struct list node;
    struct subscription *owner; // NULL: nobody waits for it any more
    struct filter_entry entry;
    bool whole_filter;
    int64_t after;
    bool started, reading;
    struct journal_read read;
    const struct agent *agent; // of the event before: events of one agent stand together
    char agent_id[AGENT_ID_MAX];
};

static void replay_free(struct replay *replay)
{
    journal_read_release(&replay->read);
    mem_free((char *)replay->entry.scope.data);
    mem_free(replay);
}

bool replay_add(struct subscription *s, const struct filter_entry *entry, int64_t after,
                struct err *err)
{
    size_t count = 0;
    list_for_each(node, &s->replays) count++;
    if (count >= REPLAYS_MAX)
        return err_set(err, ERR_LIMIT, "%d subscriptions are being replayed: wait for their events",
                       REPLAYS_MAX);
    struct replay *replay = mem_new(sizeof(*replay));
    replay->owner = s;
    replay->whole_filter = !entry;
    if (entry) {
        replay->entry = *entry;
        replay->entry.scope.data = entry->scope.data ? mem_dup(entry->scope) : NULL;
    }
    replay->after = after;
    restore_position_fell(s->session->restore);
    list_append(&s->replays, &replay->node);
    return true;
}

// --- which events ---

static const struct agent *agent_of(struct replay *replay, struct str id)
{
    struct err ignored;
    if (id.len == 0 || id.len >= AGENT_ID_MAX)
        return NULL;
    if (!str_is(id, replay->agent_id)) {
        const struct agent *agent = swarm_find(replay->owner->swarm, id, &ignored);
        memcpy(replay->agent_id, id.data, id.len);
        replay->agent_id[id.len] = 0;
        // A prefix would find another agent in place of one that is removed.
        replay->agent = agent && str_is(id, agent->id) ? agent : NULL;
    }
    return replay->agent;
}

static bool is_wanted(struct replay *replay, struct str line, struct arena *arena)
{
    if (!replay->whole_filter && replay->entry.kind != FILTER_SCOPE)
        return true;
    struct json *event;
    struct err ignored;
    arena_reset(arena);
    if (!json_parse(&event, arena, line, &ignored))
        return false;
    const struct agent *agent = agent_of(replay, json_str(event, "agentId"));
    struct filter_subject subject = {
        .agent = agent ? agent->num : 0,
        .scope = str_of(agent ? agent->scope : NULL),
        .known = agent != NULL,
    };
    struct str type = json_str(event, "type");
    bool of_agents = str_is(type, "agent") || str_is(type, "removed");
    if (!replay->whole_filter)
        return filter_entry_matches(&replay->entry, &subject);
    return of_agents ? filter_wants_agent(&replay->owner->filter, &subject)
                     : filter_wants_items(&replay->owner->filter, &subject);
}

static void write_page(struct replay *replay)
{
    struct batch batch;
    struct arena arena;
    struct str rest = buf_str(&replay->read.out);
    batch_init(&batch, replay->owner->session);
    arena_init(&arena, EVENT_ARENA_MAX);
    replay->agent_id[0] = 0; // agents may be gone since the last page
    while (rest.len) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.data) : rest.len;
        struct str line = str_from(rest.data, len);
        if (len && is_wanted(replay, line, &arena))
            json_put_raw(batch_event(&batch), line);
        rest = str_skip(rest, newline ? len + 1 : len);
    }
    batch_send(&batch);
    arena_release(&arena);
}

// --- pages ---

static void on_page(struct journal_read *read);

static void read_page(struct replay *replay)
{
    struct subscription *s = replay->owner;
    int64_t until = replay->started ? replay->read.until : s->cursor;
    journal_read_release(&replay->read);
    replay->started = replay->reading = true;
    replay->read = (struct journal_read){
        .agent =
            replay->whole_filter || replay->entry.kind != FILTER_AGENT ? 0 : replay->entry.agent,
        .after = replay->after,
        .until = until,
        .done = on_page,
    };
    journal_read(s->journal, &replay->read);
}

static void end_replay(struct replay *replay)
{
    struct subscription *s = replay->owner;
    if (!replay->whole_filter)
        subscription_tell_snapshots(s, &replay->entry);
    list_remove(&replay->node);
    replay_free(replay);
    s->behind = false;
    // With the bytes of its last page, so that the host's death cannot come in between.
    if (s->session->restore && list_empty(&s->replays))
        restore_tell_position(s->session->restore, s->session, s->cursor, false);
    subscription_flush_soon(s);
}

static void fail_replay(struct replay *replay)
{
    struct subscription *s = replay->owner;
    session_show(s->session, SHOW_ERROR, replay->read.err.message);
    replay_drop_all(s);
    s->lagged = true; // so that nobody believes to have seen everything
    subscription_tell_lagged(s);
}

static void on_page(struct journal_read *read)
{
    struct replay *replay = list_entry(read, struct replay, read);
    replay->reading = false;
    if (!replay->owner) {
        replay_free(replay);
        return;
    }
    if (read->err.kind != ERR_NONE) {
        fail_replay(replay);
        return;
    }
    write_page(replay);
    replay->after = read->last;
    bool alone = replay->node.next == &replay->owner->replays;
    bool everything = replay->whole_filter || replay->entry.kind == FILTER_ALL;
    struct session *session = replay->owner->session;
    if (session->restore && alone && everything)
        restore_tell_position(session->restore, session, replay->after, false);
    if (replay->after >= read->until)
        end_replay(replay);
    else
        replay_step(replay->owner);
}

bool replay_step(struct subscription *s)
{
    if (list_empty(&s->replays))
        return false;
    struct replay *replay = list_entry(s->replays.next, struct replay, node);
    if (!replay->reading && session_unread(s->session) < SESSION_EVENTS_MAX)
        read_page(replay);
    return true;
}

void replay_drop_all(struct subscription *s)
{
    list_for_each_safe(node, &s->replays)
    {
        struct replay *replay = list_entry(node, struct replay, node);
        list_remove(&replay->node);
        replay->owner = NULL;
        if (!replay->reading)
            replay_free(replay);
    }
}
