// SPDX-License-Identifier: MIT
// Agents by number and by any unique prefix of an id; new ids.
#include "core/mem.h"
#include "core/swarm_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

enum { ID_TAIL = 5, ID_TRIES_MAX = 64, CANDIDATES_SHOWN = 4 };

static size_t slot_of(const struct swarm *swarm, int64_t num)
{
    uint64_t hash = (uint64_t)num * 0x9E3779B97F4A7C15u; // Fibonacci hashing, Knuth 6.4
    return (size_t)(hash >> 20) & (swarm->index_size - 1);
}

static void insert(struct swarm *swarm, struct agent *agent)
{
    size_t slot = slot_of(swarm, agent->num);
    while (swarm->index[slot])
        slot = (slot + 1) & (swarm->index_size - 1);
    swarm->index[slot] = agent;
}

static void resize(struct swarm *swarm, size_t size)
{
    struct agent **old = swarm->index;
    size_t old_size = swarm->index_size;
    swarm->index = mem_new_array(size, sizeof(*swarm->index));
    swarm->index_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i])
            insert(swarm, old[i]);
    }
    mem_free(old);
}

void swarm_index_add(struct swarm *swarm, struct agent *agent)
{
    if ((swarm->agent_count + 1) * 2 > swarm->index_size)
        resize(swarm, swarm->index_size ? swarm->index_size * 2 : 64);
    insert(swarm, agent);
    swarm->agent_count++;
    list_append(&swarm->agents, &agent->node);
}

void swarm_index_remove(struct swarm *swarm, struct agent *agent)
{
    size_t mask = swarm->index_size - 1;
    size_t hole = slot_of(swarm, agent->num);
    while (swarm->index[hole] != agent)
        hole = (hole + 1) & mask;
    swarm->index[hole] = NULL;
    // Entries after the hole that would no longer be found from their own slot move up.
    for (size_t i = (hole + 1) & mask; swarm->index[i]; i = (i + 1) & mask) {
        struct agent *moved = swarm->index[i];
        swarm->index[i] = NULL;
        insert(swarm, moved);
    }
    swarm->agent_count--;
    list_remove(&agent->node);
}

struct agent *swarm_find_num(struct swarm *swarm, int64_t num)
{
    if (swarm->index_size == 0)
        return NULL;
    size_t slot = slot_of(swarm, num);
    for (; swarm->index[slot]; slot = (slot + 1) & (swarm->index_size - 1)) {
        if (swarm->index[slot]->num == num)
            return swarm->index[slot];
    }
    return NULL;
}

static bool ambiguous(struct swarm *swarm, struct str prefix, struct err *err)
{
    char names[CANDIDATES_SHOWN * (AGENT_ID_MAX + 2) + 8] = "";
    size_t len = 0, count = 0;
    list_for_each(node, &swarm->agents)
    {
        const struct agent *agent = list_entry(node, struct agent, node);
        if (!str_starts(str_of(agent->id), prefix))
            continue;
        if (count++ < CANDIDATES_SHOWN)
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
                                    agent->id);
    }
    return err_set(err, ERR_AMBIGUOUS_AGENT, "'%.*s' names %zu agents (%s%s): give more of the id",
                   STR_ARG(prefix), count, names, count > CANDIDATES_SHOWN ? ", ..." : "");
}

struct agent *swarm_find(struct swarm *swarm, struct str prefix, struct err *err)
{
    struct agent *found = NULL;
    bool several = false;
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (prefix.len == 0 || !str_starts(str_of(agent->id), prefix))
            continue;
        if (str_equal(str_of(agent->id), prefix))
            return agent;
        several = found != NULL;
        found = agent;
        if (several)
            break;
    }
    if (several) {
        // An exact id may still come; it wins over every longer one.
        list_for_each(node, &swarm->agents)
        {
            struct agent *agent = list_entry(node, struct agent, node);
            if (str_equal(str_of(agent->id), prefix))
                return agent;
        }
        ambiguous(swarm, prefix, err);
        return NULL;
    }
    if (!found)
        err_set(err, ERR_UNKNOWN_AGENT, "no agent's id begins with '%.*s'", STR_ARG(prefix));
    return found;
}

static bool id_is_free(struct swarm *swarm, const char *id)
{
    list_for_each(node, &swarm->agents)
    {
        if (str_is(str_of(list_entry(node, struct agent, node)->id), id))
            return false;
    }
    return true;
}

bool swarm_make_id(struct swarm *swarm, struct str task, char id[AGENT_ID_MAX], struct err *err)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789"; // 32, none alike
    char slug[25];
    agent_slug(task, slug);
    for (int i = 0; i < ID_TRIES_MAX; i++) {
        unsigned char random[ID_TAIL];
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return err_set_errno(err, ERR_STORAGE, errno, "no random numbers for an agent's id");
        char tail[ID_TAIL + 1] = "";
        for (int k = 0; k < ID_TAIL; k++)
            tail[k] = alphabet[random[k] % 32];
        snprintf(id, AGENT_ID_MAX, "%s-%s", slug, tail);
        if (id_is_free(swarm, id))
            return true;
    }
    return err_set(err, ERR_LIMIT, "no free id for '%s' was found", slug);
}
