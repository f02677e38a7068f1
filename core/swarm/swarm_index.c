// SPDX-License-Identifier: MIT
// Agents by number and by any unique prefix of an id; new ids. Two sorted arrays: numbers only
// grow, so the first is appended to, and the second moves 8 bytes an agent when one comes or goes.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

enum { ID_TAIL = 5, ID_TRIES_MAX = 64, CANDIDATES_SHOWN = 4 };

// Position of the first agent whose number is not below num.
static size_t num_position(const struct swarm *swarm, int64_t num)
{
    size_t low = 0, high = swarm->agent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (swarm->by_num[middle]->num < num)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Position of the first agent whose id is not below `id`.
static size_t id_position(const struct swarm *swarm, struct str id)
{
    size_t low = 0, high = swarm->agent_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct str other = str_of(swarm->by_id[middle]->id);
        size_t shorter = id.len < other.len ? id.len : other.len;
        int order = shorter ? memcmp(other.data, id.data, shorter) : 0;
        if (order < 0 || (order == 0 && other.len < id.len))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct agent **array, size_t count, size_t position, struct agent *agent)
{
    memmove(array + position + 1, array + position, (count - position) * sizeof(*array));
    array[position] = agent;
}

static void take_out(struct agent **array, size_t count, size_t position)
{
    memmove(array + position, array + position + 1, (count - position - 1) * sizeof(*array));
}

void swarm_index_add(struct swarm *swarm, struct agent *agent)
{
    if (swarm->agent_count == swarm->index_size) {
        swarm->index_size = swarm->index_size ? swarm->index_size * 2 : 64;
        swarm->by_num = mem_resize(swarm->by_num, swarm->index_size, sizeof(*swarm->by_num));
        swarm->by_id = mem_resize(swarm->by_id, swarm->index_size, sizeof(*swarm->by_id));
    }
    size_t count = swarm->agent_count;
    insert(swarm->by_num, count, num_position(swarm, agent->num), agent);
    insert(swarm->by_id, count, id_position(swarm, str_of(agent->id)), agent);
    swarm->agent_count++;
    list_append(&swarm->agents, &agent->node);
    if (agent->state == STATE_QUEUED)
        swarm->queued++;
    if (state_is_active(agent->state))
        swarm->active++;
}

void swarm_index_remove(struct swarm *swarm, struct agent *agent)
{
    take_out(swarm->by_num, swarm->agent_count, num_position(swarm, agent->num));
    take_out(swarm->by_id, swarm->agent_count, id_position(swarm, str_of(agent->id)));
    swarm->agent_count--;
    list_remove(&agent->node);
    if (agent->state == STATE_QUEUED)
        swarm->queued--;
    if (state_is_active(agent->state))
        swarm->active--;
}

struct agent *swarm_find_num(struct swarm *swarm, int64_t num)
{
    size_t position = num_position(swarm, num);
    if (position < swarm->agent_count && swarm->by_num[position]->num == num)
        return swarm->by_num[position];
    return NULL;
}

static void ambiguous(const struct swarm *swarm, struct str prefix, size_t first, struct err *err)
{
    char names[CANDIDATES_SHOWN * (AGENT_ID_MAX + 2) + 8] = "";
    size_t len = 0, count = 0;
    for (size_t i = first; i < swarm->agent_count; i++, count++) {
        const char *id = swarm->by_id[i]->id;
        if (!str_starts(str_of(id), prefix))
            break;
        if (count < CANDIDATES_SHOWN)
            len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", id);
    }
    err_set(err, ERR_AMBIGUOUS_AGENT, "'%.*s' names %zu agents (%s%s): give more of the id",
            STR_ARG(prefix), count, names, count > CANDIDATES_SHOWN ? ", ..." : "");
}

struct agent *swarm_find(struct swarm *swarm, struct str prefix, struct err *err)
{
    size_t first = id_position(swarm, prefix);
    bool found = prefix.len > 0 && first < swarm->agent_count &&
                 str_starts(str_of(swarm->by_id[first]->id), prefix);
    if (!found) {
        err_set(err, ERR_UNKNOWN_AGENT, "no agent's id begins with '%.*s'", STR_ARG(prefix));
        return NULL;
    }
    struct agent *agent = swarm->by_id[first]; // an exact id sorts before every longer one
    bool several =
        first + 1 < swarm->agent_count && str_starts(str_of(swarm->by_id[first + 1]->id), prefix);
    if (several && !str_equal(str_of(agent->id), prefix)) {
        ambiguous(swarm, prefix, first, err);
        return NULL;
    }
    return agent;
}

static bool id_is_free(const struct swarm *swarm, const char *id)
{
    size_t position = id_position(swarm, str_of(id));
    return position == swarm->agent_count || strcmp(swarm->by_id[position]->id, id) != 0;
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
