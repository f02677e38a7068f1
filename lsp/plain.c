// SPDX-License-Identifier: MIT
#include "lsp/plain.h"

#include "core/base/mem.h"
#include "lsp/call.h"
#include "lsp/progress.h"
#include "lsp/server_parts.h"
#include "lsp/subscription.h"

struct dismissed {
    struct list node;
    char id[sizeof(((struct approval *)0)->id)];
};

struct plain {
    struct session *session;
    struct swarm *swarm;
    const struct ports *ports;
    int64_t asked; // id of the question that is shown; 0: none
    char asked_id[sizeof(((struct approval *)0)->id)];
    struct list dismissed;     // while they are open
    struct progress *progress; // or NULL
    struct deferred update;
    struct timer *timer;
    bool timer_set;
    int64_t updated_at;
};

static const struct {
    const char *title;
    enum decision decision;
} answers[] = {
    {"Allow", DECISION_ALLOW},
    {"Always allow", DECISION_ALLOW_ALWAYS},
    {"Reject", DECISION_REJECT},
    {"Always reject", DECISION_REJECT_ALWAYS},
};
enum { ANSWER_COUNT = sizeof(answers) / sizeof(*answers) };

// --- questions ---

static struct dismissed *find_dismissed(struct plain *plain, const char *id)
{
    list_for_each(node, &plain->dismissed)
    {
        struct dismissed *entry = list_entry(node, struct dismissed, node);
        if (strcmp(entry->id, id) == 0)
            return entry;
    }
    return NULL;
}

static bool is_open(struct plain *plain, const char *id)
{
    struct agent *agent;
    return swarm_find_approval(plain->swarm, str_of(id), &agent) != NULL;
}

static void forget_closed(struct plain *plain)
{
    list_for_each_safe(node, &plain->dismissed)
    {
        struct dismissed *entry = list_entry(node, struct dismissed, node);
        if (is_open(plain, entry->id))
            continue;
        list_remove(&entry->node);
        mem_free(entry);
    }
}

static void dismiss(struct plain *plain)
{
    struct dismissed *entry = mem_new(sizeof(*entry));
    memcpy(entry->id, plain->asked_id, sizeof(entry->id));
    list_append(&plain->dismissed, &entry->node);
}

static void ask(struct plain *plain, const struct agent *agent, const struct approval *approval)
{
    struct outgoing out;
    struct json_writer *json = &out.json;
    char *text = mem_format("%s: %s", agent->name ? agent->name : agent->id, approval->title);
    plain->asked = plain->session->next_id++;
    memcpy(plain->asked_id, approval->id, sizeof(plain->asked_id));
    outgoing_begin(&out, plain->session);
    rpc_begin_request(json, plain->asked, "window/showMessageRequest");
    json_begin_object(json);
    json_add_int(json, "type", SHOW_WARNING);
    json_add_cstr(json, "message", text);
    json_key(json, "actions");
    json_begin_array(json);
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        json_begin_object(json);
        json_add_cstr(json, "title", answers[i].title);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
    outgoing_send(&out);
    mem_free(text);
}

// Somebody else has answered it.
static void take_back(struct plain *plain)
{
    struct outgoing out;
    outgoing_begin(&out, plain->session);
    rpc_begin_notification(&out.json, "$/cancelRequest");
    json_begin_object(&out.json);
    json_add_int(&out.json, "id", plain->asked);
    json_end_object(&out.json);
    json_end_object(&out.json);
    outgoing_send(&out);
    plain->asked = 0;
}

static void ask_next(struct plain *plain)
{
    int64_t committed = journal_committed(plain->session->server->journal);
    for (struct agent *a = swarm_first(plain->swarm); a; a = swarm_next(plain->swarm, a)) {
        if (list_empty(&a->approvals) || a->published_seq > committed ||
            !subscription_wants(plain->session->subscription, a))
            continue;
        list_for_each(node, &a->approvals)
        {
            const struct approval *approval = list_entry(node, struct approval, node);
            if (find_dismissed(plain, approval->id))
                continue;
            ask(plain, a, approval);
            return;
        }
    }
}

static void no_result(struct pending *pending, struct json_writer *json)
{
    (void)pending;
    json_put_null(json);
}

static const struct pending_kind decide_kind = {.result = no_result};

static void decide(struct plain *plain, enum decision decision)
{
    struct session *session = plain->session;
    struct call call = {.session = session, .swarm = plain->swarm}; // a failure is shown
    struct pending *pending = pending_new(&call, &decide_kind);
    if (pending)
        swarm_approve(plain->swarm, str_of(plain->asked_id),
                      &(struct answer){.decision = decision, .by = str_of(session->client)},
                      &pending->op);
}

static void take_answer(struct plain *plain, const struct rpc_message *message)
{
    struct str title = json_str(message->result, "title");
    size_t i = 0;
    while (i < ANSWER_COUNT && !str_is(title, answers[i].title))
        i++;
    plain->asked = 0;
    if (i < ANSWER_COUNT)
        decide(plain, answers[i].decision);
    // Also when it is decided: it is open until that is done.
    dismiss(plain);
    plain_changed(plain);
}

void plain_answered(struct plain *plain, const struct rpc_message *message)
{
    if (!plain || message->id.kind != RPC_ID_INT)
        return;
    if (plain->asked && message->id.number == plain->asked)
        take_answer(plain, message);
    else if (plain->progress)
        progress_answered(plain->progress, message);
}

// --- when ---

static void update(struct plain *plain)
{
    plain->updated_at = port_mono_ms(plain->ports);
    if (session_unread(plain->session) >= SESSION_EVENTS_MAX) {
        plain_changed(plain);
        return;
    }
    forget_closed(plain);
    if (plain->asked && !is_open(plain, plain->asked_id))
        take_back(plain);
    if (!plain->asked)
        ask_next(plain);
    if (plain->progress)
        progress_update(plain->progress);
}

static void on_update(struct deferred *deferred)
{
    update(list_entry(deferred, struct plain, update));
}

static void on_timer(void *arg)
{
    struct plain *plain = arg;
    plain->timer_set = false;
    update(plain);
}

void plain_changed(struct plain *plain)
{
    int64_t wait = plain->updated_at + PLAIN_MS - port_mono_ms(plain->ports);
    if (plain->timer_set)
        return;
    if (wait <= 0) {
        port_defer(plain->ports, &plain->update);
    } else {
        plain->timer_set = true;
        plain->ports->ops->timer_set(plain->timer, wait);
    }
}

struct plain *plain_create(struct session *session, bool shows_progress)
{
    struct plain *plain = mem_new(sizeof(*plain));
    plain->session = session;
    plain->swarm = session->server->swarm;
    plain->ports = session->server->ports;
    list_init(&plain->dismissed);
    list_init(&plain->update.node);
    plain->update.fn = on_update;
    plain->timer = port_timer_new(plain->ports, on_timer, plain);
    if (shows_progress)
        plain->progress = progress_create(session);
    plain_changed(plain);
    return plain;
}

void plain_destroy(struct plain *plain)
{
    if (!plain)
        return;
    list_for_each_safe(node, &plain->dismissed) mem_free(list_entry(node, struct dismissed, node));
    list_remove(&plain->update.node);
    plain->ports->ops->timer_free(plain->timer);
    progress_destroy(plain->progress);
    mem_free(plain);
}
