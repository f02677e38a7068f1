// SPDX-License-Identifier: MIT
// Agents as JSON: the snapshot that clients see, and the record that the store keeps.
#include "core/agent/agent.h"
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/base/uri.h"

static void add_time(struct json_writer *w, const char *key, int64_t ms)
{
    char text[25];
    time_format(ms, text);
    json_add_cstr(w, key, text);
}

static size_t list_count(const struct list *list)
{
    size_t count = 0;
    list_for_each(node, list) count++;
    return count;
}

static void add_usage(struct json_writer *w, const struct usage *usage)
{
    json_key(w, "usage");
    json_begin_object(w);
    usage_add_members(w, &usage->sum);
    json_add_int(w, "turns", usage->turns);
    json_add_int(w, "toolCalls", usage->tool_calls);
    json_add_int(w, "contextUsed", usage->context_used);
    if (usage->context_size > 0)
        json_add_int(w, "contextSize", usage->context_size);
    else
        json_add_null(w, "contextSize");
    json_end_object(w);
}

static void add_worktree(struct json_writer *w, const char *path)
{
    struct buf uri;
    buf_init(&uri, 64 << 10);
    if (path)
        uri_add_path(&uri, str_of(path));
    json_add_cstr(w, "worktree", uri.data);
    buf_release(&uri);
}

static void add_changes(struct json_writer *w, const struct agent *a)
{
    if (!a->changes_known) {
        json_add_null(w, "changes");
        return;
    }
    json_key(w, "changes");
    json_begin_object(w);
    json_add_int(w, "files", a->changes.files);
    json_add_int(w, "added", a->changes.added);
    json_add_int(w, "removed", a->changes.removed);
    json_end_object(w);
}

static void add_members(struct json_writer *w, const struct agent *a)
{
    json_add_cstr(w, "id", a->id);
    json_add_cstr(w, "name", a->name);
    json_add_cstr(w, "task", a->task);
    json_add_cstr(w, "state", state_name(a->state));
    json_add_cstr(w, "activity", a->activity);
    json_add_cstr(w, "provider", a->provider);
    json_add_cstr(w, "model", a->model);
    json_add_cstr(w, "role", a->role);
    json_add_cstr(w, "mode", mode_name(a->mode));
    json_add_cstr(w, "parentId", a->parent_id);
    json_add_cstr(w, "parentItemId", a->parent_item_id);
    json_add_cstr(w, "swarmId", a->swarm_id);
    json_add_raw(w, "dependsOn", STR("[]"));
    json_add_cstr(w, "scope", a->scope);
    json_add_cstr(w, "host", "local");
    json_add_cstr(w, "repository", a->repository);
    json_add_cstr(w, "base", a->base);
    json_add_cstr(w, "branch", a->branch);
    add_worktree(w, a->worktree);
    add_time(w, "createdAt", a->created_at);
    add_time(w, "updatedAt", a->updated_at);
    json_add_int(w, "queued", (int64_t)list_count(&a->queue));
    json_add_int(w, "approvals", (int64_t)list_count(&a->approvals));
    add_usage(w, &a->usage);
    add_changes(w, a);
    json_add_cstr(w, "stopReason", stop_reason_name(a->stop_reason));
    if (a->error) {
        json_key(w, "error");
        json_begin_object(w);
        json_add_cstr(w, "kind", err_kind_name(a->error->kind));
        json_add_cstr(w, "message", a->error->message);
        json_end_object(w);
    } else {
        json_add_null(w, "error");
    }
}

void agent_write_json(struct json_writer *w, const struct agent *agent)
{
    json_begin_object(w);
    add_members(w, agent);
    json_key(w, "overlaps");
    agent_write_overlaps(w, agent);
    json_end_object(w);
}

static void add_approval(struct json_writer *w, const struct agent *agent,
                         const struct approval *approval)
{
    json_add_cstr(w, "id", approval->id);
    json_add_cstr(w, "agentId", agent->id);
    json_add_cstr(w, "agentName", agent->name ? agent->name : agent->id);
    json_add_cstr(w, "itemId", approval->call_item);
    json_add_cstr(w, "tool", approval->tool);
    json_add_cstr(w, "title", approval->title);
    json_add_raw(w, "input", str_of(approval->input));
    if (approval->edited)
        json_add_raw(w, "editedInput", str_of(approval->edited));
    if (approval->patch)
        json_add_cstr(w, "patch", approval->patch);
    if (approval->why)
        json_add_cstr(w, "why", approval->why);
    if (approval->remember)
        json_add_raw(w, "remember", str_of(approval->remember));
    add_time(w, "askedAt", approval->asked_at);
    if (approval->decision != DECISION_NONE)
        json_add_cstr(w, "decision", decision_name(approval->decision));
    if (approval->by)
        json_add_cstr(w, "by", approval->by);
    if (approval->reason)
        json_add_cstr(w, "reason", approval->reason);
}

void approval_write_json(struct json_writer *w, const struct agent *agent,
                         const struct approval *approval)
{
    json_begin_object(w);
    add_approval(w, agent, approval);
    json_end_object(w);
}

void agent_write_pins(struct json_writer *w, const struct agent *agent)
{
    json_begin_array(w);
    for (size_t i = 0; i < agent->window.pin_count; i++)
        json_put_int(w, agent->window.pins[i]);
    json_end_array(w);
}

void agent_write_queue(struct json_writer *w, const struct agent *agent)
{
    json_begin_array(w);
    list_for_each(node, &agent->queue)
    {
        const struct queued_message *message = list_entry(node, struct queued_message, node);
        json_begin_object(w);
        json_add_cstr(w, "itemId", message->item_id);
        json_add_cstr(w, "text", message->text);
        if (message->images.count)
            json_add_int(w, "images", (int64_t)message->images.count);
        json_end_object(w);
    }
    json_end_array(w);
}

// What the snapshot's usage does not tell exactly.
static void add_money(struct json_writer *w, const struct agent *a)
{
    const struct usage_sum *sum = &a->usage.sum;
    json_add_int(w, "cost", sum->cost);
    json_add_int(w, "unpriced", sum->unpriced);
    json_add_int(w, "uncounted", sum->uncounted);
    json_add_int(w, "workMs", sum->work_ms);
    json_key(w, "turnStart");
    usage_sum_write(w, &a->turn_start);
    json_key(w, "budget");
    budget_write_json(w, &a->budget);
    json_add_int(w, "budgetWarned", a->budget_warned);
    json_add_bool(w, "unpricedTold", a->unpriced_told);
    json_add_bool(w, "modelConfigured", a->model_configured);
}

// Members of the record that clients do not see stand under "private".
static void add_private(struct json_writer *w, const struct agent *a)
{
    json_key(w, "private");
    json_begin_object(w);
    json_add_cstr(w, "cwd", a->cwd);
    json_add_cstr(w, "baseName", a->base_name);
    json_add_cstr(w, "path", a->worktree);
    json_add_bool(w, "isolated", a->isolated);
    json_add_bool(w, "made", a->worktree_made);
    if (a->merge_intent)
        json_add_raw(w, "merge", str_of(a->merge_intent));
    if (a->merged_work) {
        json_add_cstr(w, "mergedWork", a->merged_work);
        json_add_cstr(w, "mergedAs", a->merged_as);
    }
    json_add_bool(w, "greeted", a->greeted);
    json_add_cstr(w, "checkpoint", a->checkpoint);
    json_add_bool(w, "outOfQuota", a->out_of_quota);
    json_add_bool(w, "removing", a->removing);
    agent_write_rights(w, a);
    json_add_int(w, "stopReason", a->stop_reason);
    json_add_int(w, "created", a->created_at);
    json_add_int(w, "updated", a->updated_at);
    json_add_int(w, "limitSteps", a->limits.steps);
    json_add_int(w, "limitSeconds", a->limits.seconds);
    json_add_cstr(w, "compact", a->compact);
    json_key(w, "window");
    window_write_json(w, &a->window);
    add_money(w, a);
    json_key(w, "queue");
    json_begin_array(w);
    list_for_each(node, &a->queue)
    {
        const struct queued_message *message = list_entry(node, struct queued_message, node);
        json_begin_object(w);
        json_add_cstr(w, "itemId", message->item_id);
        json_add_cstr(w, "text", message->text);
        json_add_bool(w, "steer", message->steer);
        json_key(w, "images");
        json_begin_array(w);
        images_write_json(w, &message->images);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "approvals");
    json_begin_array(w);
    list_for_each(node, &a->approvals)
    {
        const struct approval *approval = list_entry(node, struct approval, node);
        json_begin_object(w);
        add_approval(w, a, approval);
        json_add_cstr(w, "approvalItem", approval->item_id);
        json_add_int(w, "asked", approval->asked_at);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

void agent_write_record(struct json_writer *w, const struct agent *agent)
{
    json_begin_object(w);
    add_members(w, agent);
    add_private(w, agent);
    json_end_object(w);
}

static char *read_string(const struct json *json, const char *key)
{
    struct str s = json_str(json, key);
    return s.data ? mem_dup(s) : NULL;
}

// The member's JSON as text.
static char *read_tree(const struct json *json, const char *key)
{
    struct buf text;
    struct json_writer w;
    if (!json_get(json, key))
        return NULL;
    buf_init(&text, ITEM_TEXT_MAX);
    json_writer_init(&w, &text);
    json_put_tree(&w, json_get(json, key));
    return buf_detach(&text, NULL);
}

static void read_name(char *out, size_t size, const struct json *json, const char *key)
{
    struct str s = json_str(json, key);
    if (s.len < size && s.len > 0)
        memcpy(out, s.data, s.len);
}

static void read_usage(struct usage *usage, const struct json *json)
{
    usage->sum.input_tokens = json_int(json, "inputTokens", 0);
    usage->sum.output_tokens = json_int(json, "outputTokens", 0);
    usage->sum.cache_read_tokens = json_int(json, "cacheReadTokens", 0);
    usage->sum.cache_write_tokens = json_int(json, "cacheWriteTokens", 0);
    usage->sum.requests = json_int(json, "requests", 0);
    if (!json_get(json, "requests") && usage->sum.input_tokens > 0)
        usage->sum.requests = usage->sum.unpriced = 1; // of a version that knew no prices
    usage->turns = json_int(json, "turns", 0);
    usage->tool_calls = json_int(json, "toolCalls", 0);
    usage->context_used = json_int(json, "contextUsed", 0);
    usage->context_size = json_int(json, "contextSize", 0);
}

static void read_changes(struct agent *agent, const struct json *json)
{
    agent->changes_known = json && json->type == JSON_OBJECT;
    agent->changes.files = json_int(json, "files", 0);
    agent->changes.added = json_int(json, "added", 0);
    agent->changes.removed = json_int(json, "removed", 0);
}

static void read_queue(struct agent *agent, const struct json *queue)
{
    json_for_each(entry, queue)
    {
        struct queued_message *message = mem_new(sizeof(*message));
        read_name(message->item_id, sizeof(message->item_id), entry, "itemId");
        message->text = mem_dup(json_str(entry, "text"));
        message->steer = json_bool(entry, "steer", false);
        json_for_each(block, json_get(entry, "images")) images_read_json(&message->images, block);
        list_append(&agent->queue, &message->node);
    }
}

static void read_approvals(struct agent *agent, const struct json *approvals)
{
    json_for_each(entry, approvals)
    {
        struct approval *approval = mem_new(sizeof(*approval));
        read_name(approval->id, sizeof(approval->id), entry, "id");
        read_name(approval->item_id, sizeof(approval->item_id), entry, "approvalItem");
        read_name(approval->call_item, sizeof(approval->call_item), entry, "itemId");
        approval->asked_at = json_int(entry, "asked", json_int(entry, "askedAt", 0));
        approval->tool = mem_dup(json_str(entry, "tool"));
        approval->title = mem_dup(json_str(entry, "title"));
        approval->input = read_tree(entry, "input");
        approval->patch = read_string(entry, "patch");
        approval->why = read_string(entry, "why");
        approval->remember = read_tree(entry, "remember");
        list_append(&agent->approvals, &approval->node);
    }
}

static void read_money(struct agent *a, const struct json *json)
{
    struct usage_sum *sum = &a->usage.sum;
    sum->cost = json_int(json, "cost", 0);
    sum->unpriced = json_int(json, "unpriced", sum->unpriced);
    sum->uncounted = json_int(json, "uncounted", 0);
    sum->work_ms = json_int(json, "workMs", 0);
    a->turn_start = usage_sum_read(json_get(json, "turnStart"));
    a->budget = budget_read_json(json_get(json, "budget"));
    a->budget_warned = (unsigned)json_int(json, "budgetWarned", 0);
    a->unpriced_told = json_bool(json, "unpricedTold", false);
    a->model_configured = json_bool(json, "modelConfigured", false);
    if (json_get(json, "budget"))
        return; // else the record is of a version that had only these two
    a->budget.most[BUDGET_TOKENS] = json_int(json, "limitTokens", 0);
    a->budget.most[BUDGET_COST] = (int64_t)(json_real(json, "limitCost", 0) * 1e9 + 0.5);
}

static void read_private(struct agent *a, const struct json *json)
{
    a->cwd = read_string(json, "cwd");
    a->base_name = read_string(json, "baseName");
    a->worktree = read_string(json, "path");
    a->isolated = json_bool(json, "isolated", true);
    a->worktree_made = json_bool(json, "made", false);
    a->merge_intent = read_tree(json, "merge");
    a->merged_work = read_string(json, "mergedWork");
    a->merged_as = read_string(json, "mergedAs");
    a->greeted = json_bool(json, "greeted", false);
    a->touched = true; // by a turn that was cut off, perhaps
    read_name(a->checkpoint, sizeof(a->checkpoint) - 1, json, "checkpoint");
    a->out_of_quota = json_bool(json, "outOfQuota", false);
    a->removing = json_bool(json, "removing", false);
    agent_read_rights(a, json);
    int64_t reason = json_int(json, "stopReason", 0);
    a->stop_reason = reason >= 0 && reason <= STOP_ERROR ? (enum stop_reason)reason : STOP_NONE;
    a->created_at = json_int(json, "created", 0);
    a->updated_at = json_int(json, "updated", 0);
    a->limits.steps = json_int(json, "limitSteps", 0);
    a->limits.seconds = json_int(json, "limitSeconds", 0);
    a->compact = read_string(json, "compact");
    window_read_json(&a->window, json_get(json, "window"));
    read_money(a, json);
    read_queue(a, json_get(json, "queue"));
    read_approvals(a, json_get(json, "approvals"));
}

static void read_members(struct agent *a, const struct json *json)
{
    a->name = read_string(json, "name");
    a->task = read_string(json, "task");
    a->activity = read_string(json, "activity");
    a->provider = read_string(json, "provider");
    a->model = read_string(json, "model");
    a->role = read_string(json, "role");
    a->parent_id = read_string(json, "parentId");
    a->parent_item_id = read_string(json, "parentItemId");
    a->swarm_id = read_string(json, "swarmId");
    a->scope = read_string(json, "scope");
    a->repository = read_string(json, "repository");
    a->base = read_string(json, "base");
    a->branch = read_string(json, "branch");
    mode_from_name(json_str(json, "mode"), &a->mode);
    read_usage(&a->usage, json_get(json, "usage"));
    read_changes(a, json_get(json, "changes"));
    const struct json *error = json_get(json, "error");
    if (error && error->type == JSON_OBJECT) {
        char *kind = mem_dup(json_str(error, "kind"));
        struct err copy;
        err_set(&copy, err_kind_from_name(kind), "%.*s", STR_ARG(json_str(error, "message")));
        agent_set_error(a, &copy);
        mem_free(kind);
    }
}

struct agent *agent_read_record(struct swarm *swarm, const struct json *json, struct err *err)
{
    struct str id = json_str(json, "id");
    struct str state_text = json_str(json, "state");
    enum agent_state state;
    if (id.len == 0 || id.len >= AGENT_ID_MAX || !state_from_name(state_text, &state)) {
        err_set(err, ERR_STORAGE, "a stored agent cannot be read (id '%.*s', state '%.*s')",
                STR_ARG(id), STR_ARG(state_text));
        return NULL;
    }
    struct agent *agent = agent_new(swarm);
    memcpy(agent->id, id.data, id.len);
    agent->state = state;
    read_members(agent, json);
    read_private(agent, json_get(json, "private"));
    return agent;
}
