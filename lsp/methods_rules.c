// SPDX-License-Identifier: MIT
// swarm/rules: what was answered with ...Always. swarm/audit: what was asked, decided and run.
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/server_parts.h"

enum { AUDIT_DEFAULT = 100 };

// --- rules ---

static void write_rules(struct json_writer *json, struct swarm *swarm, struct str repository)
{
    json_begin_object(json);
    json_key(json, "rules");
    swarm_write_rules(swarm, repository, json);
    json_end_object(json);
}

static void revoke_result(struct pending *pending, struct json_writer *json)
{
    write_rules(json, pending->op.swarm, str_of(pending->agent_id));
}

static const struct pending_kind revoke_kind = {.result = revoke_result};

void method_rules(struct call *call)
{
    struct str repository = STR_NONE;
    int64_t revoke = 0;
    struct err err;
    if (!json_get_str(call->params, "repository", &repository, &err) ||
        !params_get_int(call->params, "revoke", 1, INT64_MAX, &revoke, &err)) {
        call_fail(call, &err);
        return;
    }
    if (!revoke) {
        write_rules(call_begin(call), call->swarm, repository);
        call_end(call);
        return;
    }
    struct pending *pending = pending_new(call, &revoke_kind);
    if (!pending)
        return;
    pending->agent_id = repository.len ? mem_dup(repository) : NULL; // kept for the answer
    swarm_revoke_rule(call->swarm, revoke, str_of(call->session->client), &pending->op);
}

// --- audit ---

static int64_t id_of(struct str line)
{
    int64_t id = 0; // a row begins with {"id":
    for (size_t i = 6; i < line.len && line.data[i] >= '0' && line.data[i] <= '9'; i++)
        id = id * 10 + (line.data[i] - '0');
    return id;
}

static void audit_result(struct pending *pending, struct json_writer *json)
{
    struct str rest = buf_str(&pending->read.out), edge = STR_NONE;
    json_begin_object(json);
    json_key(json, "entries");
    json_begin_array(json);
    while (rest.len) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.data) : rest.len;
        struct str line = str_from(rest.data, len);
        json_put_raw(json, line);
        if (pending->forward || !edge.data)
            edge = line;
        rest = str_skip(rest, newline ? len + 1 : len);
    }
    json_end_array(json);
    if (pending->read.more && edge.data)
        json_add_int(json, "next", id_of(edge));
    json_end_object(json);
}

static const struct pending_kind audit_kind = {
    .result = audit_result, .can_be_left = true, .is_large = true};

static bool read_audit(struct call *call, struct store_audit *audit, struct err *err)
{
    int64_t limit = AUDIT_DEFAULT;
    *audit = (struct store_audit){.wanted = true, .after = -1};
    if (!json_get_str(call->params, "agentId", &audit->agent, err) ||
        !params_get_int(call->params, "limit", 1, INT64_MAX, &limit, err) ||
        !params_get_int(call->params, "before", 1, INT64_MAX, &audit->before, err) ||
        !params_get_int(call->params, "after", 0, INT64_MAX, &audit->after, err))
        return false;
    if (audit->before > 0 && audit->after >= 0)
        return err_set(err, ERR_PARAMS, "after: give before or after, not both");
    audit->limit = limit < STORE_AUDIT_PAGE_MAX ? (size_t)limit : STORE_AUDIT_PAGE_MAX;
    // The id of one that is removed is as good, whole.
    struct err ignored;
    const struct agent *agent =
        audit->agent.data ? swarm_find(call->swarm, audit->agent, &ignored) : NULL;
    if (agent)
        audit->agent = str_of(agent->id);
    return true;
}

void method_audit(struct call *call)
{
    struct store_audit audit;
    struct err err;
    if (!read_audit(call, &audit, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &audit_kind);
    if (!pending)
        return;
    if (audit.agent.data) {
        pending->agent_id = mem_dup(audit.agent); // for as long as the read takes
        audit.agent = str_of(pending->agent_id);
    }
    pending->forward = audit.after >= 0;
    pending->read.audit = audit;
    journal_read(swarm_journal(call->swarm), &pending->read);
}
