// SPDX-License-Identifier: MIT
// A heap by time and a hash by key.
#include "core/store/alarm.h"

#include "core/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHAINS_FIRST = 64, DUE_MAX = 24, KEY_MAX = ALARM_NAME_MAX + 64 };

struct alarm {
    struct alarm *chain; // of the same hash
    size_t at;           // in the heap
    int64_t due;
    size_t kind; // in alarms->kinds
    char *name, *body;
    size_t body_len;
};

struct alarms {
    const struct ports *ports;
    struct journal *journal;
    struct timer *timer;
    struct alarm_kind {
        const char *name;
        void (*fn)(void *arg, struct str name, struct str body);
        void *arg;
    } * kinds; // as many as the source has handlers
    size_t kind_count;
    struct alarm **heap; // the first to go off in front
    size_t count, capacity;
    struct alarm **chains;
    size_t chain_count; // a power of two
};

// --- the hash ---

static size_t hash_of(size_t kind, struct str name)
{
    uint64_t hash = UINT64_C(14695981039346656037) + kind;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

static struct alarm **place_of(const struct alarms *alarms, size_t kind, struct str name)
{
    struct alarm **place = &alarms->chains[hash_of(kind, name) & (alarms->chain_count - 1)];
    while (*place && ((*place)->kind != kind || !str_is(name, (*place)->name)))
        place = &(*place)->chain;
    return place;
}

static void grow(struct alarms *alarms)
{
    if (alarms->count < alarms->capacity)
        return;
    alarms->capacity *= 2;
    alarms->heap = mem_resize(alarms->heap, alarms->capacity, sizeof(struct alarm *));
    mem_free(alarms->chains);
    alarms->chain_count = alarms->capacity;
    alarms->chains = mem_new_array(alarms->chain_count, sizeof(struct alarm *));
    for (size_t i = 0; i < alarms->count; i++) {
        alarms->heap[i]->chain = NULL;
        *place_of(alarms, alarms->heap[i]->kind, str_of(alarms->heap[i]->name)) = alarms->heap[i];
    }
}

// --- the heap ---

static void put_at(struct alarms *alarms, size_t at, struct alarm *alarm)
{
    alarms->heap[at] = alarm;
    alarm->at = at;
}

static void rise(struct alarms *alarms, struct alarm *alarm)
{
    size_t at = alarm->at;
    while (at > 0 && alarms->heap[(at - 1) / 2]->due > alarm->due) {
        put_at(alarms, at, alarms->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put_at(alarms, at, alarm);
}

static void sink(struct alarms *alarms, struct alarm *alarm)
{
    size_t at = alarm->at;
    for (size_t child = 2 * at + 1; child < alarms->count; child = 2 * at + 1) {
        if (child + 1 < alarms->count && alarms->heap[child + 1]->due < alarms->heap[child]->due)
            child++;
        if (alarms->heap[child]->due >= alarm->due)
            break;
        put_at(alarms, at, alarms->heap[child]);
        at = child;
    }
    put_at(alarms, at, alarm);
}

static void remove_from_heap(struct alarms *alarms, struct alarm *alarm)
{
    struct alarm *last = alarms->heap[--alarms->count];
    if (last == alarm)
        return;
    put_at(alarms, alarm->at, last);
    rise(alarms, last);
    sink(alarms, last);
}

// --- the store ---

static void store(struct alarms *alarms, const struct alarm *alarm, bool is_set)
{
    char key[KEY_MAX], due[DUE_MAX];
    struct buf value;
    snprintf(key, sizeof(key), "alarm/%s/%s", alarms->kinds[alarm->kind].name, alarm->name);
    if (!is_set) {
        journal_put_setting(alarms->journal, str_of(key), STR_NONE);
        return;
    }
    buf_init(&value, ALARM_BODY_MAX + DUE_MAX);
    snprintf(due, sizeof(due), "%" PRId64 "\n", alarm->due);
    buf_add_str(&value, str_of(due));
    buf_add(&value, alarm->body, alarm->body_len);
    journal_put_setting(alarms->journal, str_of(key), buf_str(&value));
    buf_release(&value);
}

// --- setting and going off ---

static void set_timer(struct alarms *alarms)
{
    if (alarms->count == 0) {
        alarms->ports->ops->timer_stop(alarms->timer);
        return;
    }
    int64_t left = alarms->heap[0]->due - port_wall_ms(alarms->ports);
    if (left < 1)
        left = 1;
    alarms->ports->ops->timer_set(alarms->timer, left < ALARM_LOOK_MS ? left : ALARM_LOOK_MS);
}

static void alarm_free(struct alarm *alarm)
{
    mem_free(alarm->name);
    mem_free(alarm->body);
    mem_free(alarm);
}

static void take_out(struct alarms *alarms, struct alarm *alarm)
{
    *place_of(alarms, alarm->kind, str_of(alarm->name)) = alarm->chain;
    remove_from_heap(alarms, alarm);
}

static void on_timer(void *arg)
{
    struct alarms *alarms = arg;
    int64_t now = port_wall_ms(alarms->ports);
    // Those that a handler sets come with a later timer, whatever their time.
    for (size_t most = alarms->count; most > 0 && alarms->count > 0; most--) {
        struct alarm *alarm = alarms->heap[0];
        if (alarm->due > now)
            break;
        const struct alarm_kind *kind = &alarms->kinds[alarm->kind];
        take_out(alarms, alarm);
        store(alarms, alarm, false);
        kind->fn(kind->arg, str_of(alarm->name), str_from(alarm->body, alarm->body_len));
        alarm_free(alarm);
    }
    set_timer(alarms);
}

static size_t kind_of(const struct alarms *alarms, struct str name)
{
    size_t kind = 0;
    while (kind < alarms->kind_count && !str_is(name, alarms->kinds[kind].name))
        kind++;
    return kind;
}

static struct alarm *add(struct alarms *alarms, size_t kind, struct str name, int64_t due,
                         struct str body)
{
    struct alarm **place = place_of(alarms, kind, name), *alarm = *place;
    if (!alarm) {
        alarm = mem_new(sizeof(*alarm));
        alarm->kind = kind;
        alarm->name = mem_dup(name);
        alarm->due = INT64_MAX;
        *place = alarm;
        put_at(alarms, alarms->count++, alarm);
        grow(alarms);
    }
    mem_free(alarm->body);
    alarm->body = mem_dup(body);
    alarm->body_len = body.len;
    alarm->due = due;
    rise(alarms, alarm);
    sink(alarms, alarm);
    set_timer(alarms);
    return alarm;
}

bool alarm_set(struct alarms *alarms, const char *kind, struct str name, int64_t due,
               struct str body, struct err *err)
{
    size_t index = kind_of(alarms, str_of(kind));
    if (index == alarms->kind_count || name.len > ALARM_NAME_MAX || body.len > ALARM_BODY_MAX)
        return err_set(err, ERR_LIMIT, "an alarm '%s' of %zu bytes cannot be set", kind, body.len);
    if (alarms->count >= ALARMS_MAX && !*place_of(alarms, index, name))
        return err_set(err, ERR_LIMIT, "there are %d alarms already, the most there can be",
                       ALARMS_MAX);
    store(alarms, add(alarms, index, name, due, body), true);
    return true;
}

void alarm_clear(struct alarms *alarms, const char *kind, struct str name)
{
    struct alarm *alarm = *place_of(alarms, kind_of(alarms, str_of(kind)), name);
    if (!alarm)
        return;
    take_out(alarms, alarm);
    store(alarms, alarm, false);
    alarm_free(alarm);
    set_timer(alarms);
}

int64_t alarm_due(const struct alarms *alarms, const char *kind, struct str name)
{
    const struct alarm *alarm = *place_of(alarms, kind_of(alarms, str_of(kind)), name);
    return alarm ? alarm->due : 0;
}

// --- life ---

bool alarms_restore(struct alarms *alarms, struct str key, struct str value)
{
    char due[DUE_MAX];
    if (!str_starts(key, STR("alarm/")))
        return false;
    key = str_skip(key, 6);
    long slash = str_find(key, STR("/")), line = str_find(value, STR("\n"));
    if (slash < 0 || line < 0 || line >= DUE_MAX)
        return true;
    size_t kind = kind_of(alarms, str_from(key.data, (size_t)slash));
    if (kind == alarms->kind_count || alarms->count >= ALARMS_MAX)
        return true;
    memcpy(due, value.data, (size_t)line);
    due[line] = '\0';
    add(alarms, kind, str_skip(key, (size_t)slash + 1), strtoll(due, NULL, 10),
        str_skip(value, (size_t)line + 1));
    return true;
}

void alarms_handle(struct alarms *alarms, const char *kind,
                   void (*fn)(void *arg, struct str name, struct str body), void *arg)
{
    alarms->kinds = mem_resize(alarms->kinds, alarms->kind_count + 1, sizeof(struct alarm_kind));
    alarms->kinds[alarms->kind_count++] = (struct alarm_kind){kind, fn, arg};
}

struct alarms *alarms_create(const struct ports *ports, struct journal *journal)
{
    struct alarms *alarms = mem_new(sizeof(*alarms));
    alarms->ports = ports;
    alarms->journal = journal;
    alarms->timer = port_timer_new(ports, on_timer, alarms);
    alarms->capacity = alarms->chain_count = CHAINS_FIRST;
    alarms->heap = mem_new_array(alarms->capacity, sizeof(struct alarm *));
    alarms->chains = mem_new_array(alarms->chain_count, sizeof(struct alarm *));
    return alarms;
}

void alarms_destroy(struct alarms *alarms)
{
    if (!alarms)
        return;
    for (size_t i = 0; i < alarms->count; i++)
        alarm_free(alarms->heap[i]);
    alarms->ports->ops->timer_free(alarms->timer);
    mem_free(alarms->kinds);
    mem_free(alarms->heap);
    mem_free(alarms->chains);
    mem_free(alarms);
}
