// SPDX-License-Identifier: MIT
#include "lsp/progress.h"

#include "core/base/mem.h"
#include "lsp/plain.h"
#include "lsp/server_parts.h"
#include "lsp/subscription.h"

enum { REFUSED = -1 }; // by the client; not asked again while the agent works

struct entry {
    struct list node;
    int64_t agent;   // its num
    int64_t request; // our window/workDoneProgress/create, until it is granted
    bool begun;
    char *message; // shown last
    char id[AGENT_ID_MAX];
};

struct progress {
    struct session *session;
    struct swarm *swarm;
    struct list entries;
    size_t count;
    uint64_t seen; // change number of the newest agent that was looked at
};

static struct json_writer *begin(struct outgoing *out, struct progress *progress,
                                 const struct entry *entry, const char *kind)
{
    struct json_writer *json = &out->json;
    char *token = mem_format("swarm/%s", entry->id);
    outgoing_begin(out, progress->session);
    rpc_begin_notification(json, "$/progress");
    json_begin_object(json);
    json_add_cstr(json, "token", token);
    json_key(json, "value");
    json_begin_object(json);
    json_add_cstr(json, "kind", kind);
    mem_free(token);
    return json;
}

static void end(struct outgoing *out)
{
    json_end_object(&out->json);
    json_end_object(&out->json);
    json_end_object(&out->json);
    outgoing_send(out);
}

static void drop(struct progress *progress, struct entry *entry)
{
    list_remove(&entry->node);
    progress->count--;
    mem_free(entry->message);
    mem_free(entry);
}

static const char *message_of(const struct agent *agent)
{
    return agent->activity ? agent->activity : state_name(agent->state);
}

static void show(struct progress *progress, struct entry *entry, const struct agent *agent)
{
    struct outgoing out;
    const char *message = message_of(agent);
    if (entry->request || (entry->begun && strcmp(entry->message, message) == 0))
        return;
    struct json_writer *json = begin(&out, progress, entry, entry->begun ? "report" : "begin");
    if (!entry->begun) {
        json_add_cstr(json, "title", agent->name ? agent->name : agent->id);
        json_add_bool(json, "cancellable", true);
    }
    json_add_cstr(json, "message", message);
    end(&out);
    entry->begun = true;
    mem_free(entry->message);
    entry->message = mem_dup(str_of(message));
}

static void finish(struct progress *progress, struct entry *entry, const struct agent *agent)
{
    if (entry->begun) {
        struct outgoing out;
        struct json_writer *json = begin(&out, progress, entry, "end");
        json_add_cstr(json, "message", agent ? state_name(agent->state) : "removed");
        end(&out);
    }
    drop(progress, entry);
}

static struct entry *find(struct progress *progress, int64_t agent)
{
    list_for_each(node, &progress->entries)
    {
        struct entry *entry = list_entry(node, struct entry, node);
        if (entry->agent == agent)
            return entry;
    }
    return NULL;
}

static void create(struct progress *progress, const struct agent *agent)
{
    struct entry *entry = mem_new(sizeof(*entry));
    struct outgoing out;
    char *token = mem_format("swarm/%s", agent->id);
    entry->agent = agent->num;
    entry->request = progress->session->next_id++;
    memcpy(entry->id, agent->id, sizeof(entry->id));
    list_append(&progress->entries, &entry->node);
    progress->count++;
    outgoing_begin(&out, progress->session);
    rpc_begin_request(&out.json, entry->request, "window/workDoneProgress/create");
    json_begin_object(&out.json);
    json_add_cstr(&out.json, "token", token);
    json_end_object(&out.json);
    json_end_object(&out.json);
    outgoing_send(&out);
    mem_free(token);
}

void progress_update(struct progress *progress)
{
    list_for_each_safe(node, &progress->entries)
    {
        struct entry *entry = list_entry(node, struct entry, node);
        const struct agent *agent = swarm_find_num(progress->swarm, entry->agent);
        if (agent && state_is_active(agent->state))
            show(progress, entry, agent);
        else
            finish(progress, entry, agent);
    }
    struct agent *agent = swarm_changed_last(progress->swarm);
    uint64_t newest = agent ? agent->changed : 0;
    int64_t committed = journal_committed(progress->session->server->journal);
    for (; agent && agent->changed > progress->seen;
         agent = swarm_changed_before(progress->swarm, agent)) {
        if (!state_is_active(agent->state) || find(progress, agent->num) ||
            !subscription_wants(progress->session->subscription, agent))
            continue;
        if (agent->published_seq > committed)
            newest = agent->changed - 1; // not on disk yet: to be looked at again
        else if (progress->count < PLAIN_PROGRESS_MAX)
            create(progress, agent);
    }
    progress->seen = newest;
}

void progress_answered(struct progress *progress, const struct rpc_message *message)
{
    list_for_each_safe(node, &progress->entries)
    {
        struct entry *entry = list_entry(node, struct entry, node);
        if (entry->request != message->id.number)
            continue;
        entry->request = message->error ? REFUSED : 0;
        const struct agent *agent = swarm_find_num(progress->swarm, entry->agent);
        if (agent)
            show(progress, entry, agent);
        return;
    }
}

struct progress *progress_create(struct session *session)
{
    struct progress *progress = mem_new(sizeof(*progress));
    progress->session = session;
    progress->swarm = session->server->swarm;
    list_init(&progress->entries);
    return progress;
}

void progress_destroy(struct progress *progress)
{
    if (!progress)
        return;
    list_for_each_safe(node, &progress->entries)
        drop(progress, list_entry(node, struct entry, node));
    mem_free(progress);
}
