// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/store/journal_parts.h"

enum { CAPACITY_MIN = 16 };

bool batch_is_empty(const struct batch *batch)
{
    return batch->event_count == 0 && batch->agent_count == 0 && batch->request_count == 0 &&
           batch->usage_count == 0 && batch->setting_count == 0 && batch->note_count == 0;
}

// Room for one more.
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : CAPACITY_MIN;
    return mem_resize(array, *capacity, size);
}

static struct str own(struct str s)
{
    return str_from(mem_dup(s), s.len);
}

void batch_add_event(struct batch *batch, const struct event *event)
{
    batch->events =
        grow(batch->events, batch->event_count, &batch->event_capacity, sizeof(batch->events[0]));
    batch->events[batch->event_count++] = *event;
    batch->bytes += sizeof(*event) + sizeof(*event->bytes) + event->bytes->len;
}

// The slot of an agent, or the free one where it belongs. There is always a free one.
static uint32_t *find_slot(const struct batch *batch, int64_t num)
{
    size_t at = ((uint64_t)num * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (batch->slot_count - 1);
    while (batch->slots[at] && batch->agents[batch->slots[at] - 1].num != num)
        at = (at + 1) & (batch->slot_count - 1);
    return &batch->slots[at];
}

static void grow_slots(struct batch *batch)
{
    if (batch->agent_count * 2 < batch->slot_count)
        return;
    mem_free(batch->slots);
    batch->slot_count = batch->slot_count ? 2 * batch->slot_count : 2 * CAPACITY_MIN;
    batch->slots = mem_new_array(batch->slot_count, sizeof(batch->slots[0]));
    for (size_t i = 0; i < batch->agent_count; i++)
        *find_slot(batch, batch->agents[i].num) = (uint32_t)i + 1;
}

static struct batch_agent *find_or_add(struct batch *batch, int64_t num, struct str id)
{
    grow_slots(batch);
    uint32_t *slot = find_slot(batch, num);
    if (*slot)
        return &batch->agents[*slot - 1];
    batch->agents =
        grow(batch->agents, batch->agent_count, &batch->agent_capacity, sizeof(batch->agents[0]));
    *slot = (uint32_t)batch->agent_count + 1;
    struct batch_agent *agent = &batch->agents[batch->agent_count++];
    *agent = (struct batch_agent){.num = num, .id = mem_dup(id)};
    batch->bytes += sizeof(*agent) + id.len;
    return agent;
}

void batch_put_agent(struct batch *batch, int64_t num, struct str id, struct str record,
                     bool removed)
{
    struct batch_agent *agent = find_or_add(batch, num, id);
    batch->bytes -= agent->record.len;
    mem_free((char *)agent->record.data);
    agent->record = own(record);
    agent->removed = removed;
    batch->bytes += record.len;
}

void batch_add_request(struct batch *batch, struct str id, int64_t time, struct str result)
{
    batch->requests = grow(batch->requests, batch->request_count, &batch->request_capacity,
                           sizeof(batch->requests[0]));
    batch->requests[batch->request_count++] =
        (struct batch_request){.time = time, .id = mem_dup(id), .result = own(result)};
    batch->bytes += sizeof(struct batch_request) + id.len + result.len;
}

void batch_add_usage(struct batch *batch, const struct store_usage *usage)
{
    batch->usages =
        grow(batch->usages, batch->usage_count, &batch->usage_capacity, sizeof(batch->usages[0]));
    struct store_usage *copy = &batch->usages[batch->usage_count++];
    *copy = *usage;
    copy->agent_id = own(usage->agent_id);
    copy->scope = own(usage->scope);
    copy->swarm = own(usage->swarm);
    copy->provider = own(usage->provider);
    copy->model = own(usage->model);
    batch->bytes += sizeof(*copy);
}

void batch_add_setting(struct batch *batch, struct str key, struct str value)
{
    batch->settings = grow(batch->settings, batch->setting_count, &batch->setting_capacity,
                           sizeof(batch->settings[0]));
    batch->settings[batch->setting_count++] =
        (struct store_setting){own(key), value.data ? own(value) : STR_NONE};
    batch->bytes += sizeof(struct store_setting) + key.len + value.len;
}

void batch_add_note(struct batch *batch, const struct store_note *note)
{
    batch->notes =
        grow(batch->notes, batch->note_count, &batch->note_capacity, sizeof(batch->notes[0]));
    struct store_note *copy = &batch->notes[batch->note_count++];
    *copy = *note;
    copy->agent = own(note->agent);
    if (note->body.data)
        copy->body = own(note->body);
    batch->bytes += sizeof(*note) + note->agent.len + note->body.len;
}

bool batch_write(const struct batch *batch, struct store *store, struct err *err)
{
    struct store_event *events = mem_new_array(batch->event_count, sizeof(*events));
    struct store_agent *agents = mem_new_array(batch->agent_count, sizeof(*agents));
    struct store_request *requests = mem_new_array(batch->request_count, sizeof(*requests));
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event *event = &batch->events[i];
        events[i] = (struct store_event){event->seq, event->agent, shared_str(event->bytes)};
    }
    for (size_t i = 0; i < batch->agent_count; i++) {
        const struct batch_agent *agent = &batch->agents[i];
        agents[i] =
            (struct store_agent){agent->num, str_of(agent->id), agent->record, agent->removed};
    }
    for (size_t i = 0; i < batch->request_count; i++) {
        const struct batch_request *request = &batch->requests[i];
        requests[i] = (struct store_request){str_of(request->id), request->time, request->result};
    }
    struct store_batch all = {
        .events = events,
        .event_count = batch->event_count,
        .agents = agents,
        .agent_count = batch->agent_count,
        .requests = requests,
        .request_count = batch->request_count,
        .usages = batch->usages,
        .usage_count = batch->usage_count,
        .settings = batch->settings,
        .setting_count = batch->setting_count,
        .notes = batch->notes,
        .note_count = batch->note_count,
        .full_sync = batch->sync,
    };
    bool ok = store_commit(store, &all, err);
    mem_free(events);
    mem_free(agents);
    mem_free(requests);
    return ok;
}

void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->event_count; i++)
        shared_unref(batch->events[i].bytes);
    for (size_t i = 0; i < batch->agent_count; i++) {
        mem_free(batch->agents[i].id);
        mem_free((char *)batch->agents[i].record.data);
    }
    for (size_t i = 0; i < batch->request_count; i++) {
        mem_free(batch->requests[i].id);
        mem_free((char *)batch->requests[i].result.data);
    }
    for (size_t i = 0; i < batch->usage_count; i++) {
        const struct store_usage *usage = &batch->usages[i];
        mem_free((char *)usage->agent_id.data);
        mem_free((char *)usage->scope.data);
        mem_free((char *)usage->swarm.data);
        mem_free((char *)usage->provider.data);
        mem_free((char *)usage->model.data);
    }
    for (size_t i = 0; i < batch->setting_count; i++) {
        mem_free((char *)batch->settings[i].key.data);
        mem_free((char *)batch->settings[i].value.data);
    }
    mem_free(batch->usages);
    mem_free(batch->settings);
    for (size_t i = 0; i < batch->note_count; i++) {
        mem_free((char *)batch->notes[i].agent.data);
        mem_free((char *)batch->notes[i].body.data);
    }
    mem_free(batch->notes);
    mem_free(batch->events);
    mem_free(batch->agents);
    mem_free(batch->slots);
    mem_free(batch->requests);
    *batch = (struct batch){.number = batch->number};
}
