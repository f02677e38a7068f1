// SPDX-License-Identifier: MIT
// Answers of people to calls that wait.
#include "core/base/mem.h"
#include "core/permission/permission.h"
#include "core/swarm/swarm_internal.h"
#include "core/swarm/swarm_own.h"
#include "core/tools/tool.h"

#include <stdlib.h>

enum { INPUT_TREE_MAX = 8 * ITEM_TEXT_MAX, REMEMBER_TREE_MAX = 1 << 20 };

// --- those that are answered already ---

struct old_approval {
    struct journal_read read;
    struct swarm_op *op;
    char item_id[ITEM_ID_MAX];
};

static bool take_approval(struct old_approval *old)
{
    struct arena arena;
    struct json *json;
    bool found = false;
    arena_init(&arena, 64 << 20);
    struct str line = buf_str(&old->read.out);
    if (line.len && json_parse(&json, &arena, line, &old->op->err) &&
        str_is(json_str(json, "id"), old->item_id) && json_get(json, "approval")) {
        struct json_writer w;
        json_writer_init(&w, &old->op->answer);
        json_put_tree(&w, json_get(json, "approval"));
        found = true;
    }
    arena_release(&arena);
    return found;
}

static void old_approval_read(struct journal_read *read)
{
    struct old_approval *old = list_entry(read, struct old_approval, read);
    struct swarm_op *op = old->op;
    op->err = read->err;
    if (read->err.kind == ERR_NONE && !take_approval(old))
        err_set(&op->err, ERR_PARAMS, "approvalId: there is no such approval");
    journal_read_release(read);
    mem_free(old);
    op->done(op);
}

// One that is decided already is in the transcript: its item's id holds its first seq.
static void find_decided(struct swarm *swarm, struct str id, struct swarm_op *op)
{
    const char *dot = id.len ? memrchr(id.data, '.', id.len) : NULL;
    struct str item = dot ? str_skip(id, (size_t)(dot - id.data) + 1) : STR_NONE;
    struct agent *agent = NULL;
    if (item.len > 1 && item.len < ITEM_ID_MAX && item.data[0] == 'i')
        agent = swarm_find(swarm, str_from(id.data, (size_t)(dot - id.data)), &op->err);
    if (!agent) {
        err_set(&op->err, ERR_PARAMS, "approvalId: there is no approval '%.*s'", STR_ARG(id));
        op_fail(swarm, op);
        return;
    }
    struct old_approval *old = mem_new(sizeof(*old));
    memcpy(old->item_id, item.data, item.len);
    old->op = op;
    old->read.agent = agent->num;
    old->read.after = strtoll(old->item_id + 1, NULL, 10) - 1;
    old->read.limit = 1;
    old->read.done = old_approval_read;
    journal_read(swarm->setup.journal, &old->read);
}

// --- an answer ---

static bool is_yes(enum decision decision)
{
    return decision == DECISION_ALLOW || decision == DECISION_ALLOW_ALWAYS;
}

// The edited input: what the tool takes, and nothing that a rule denies.
static bool check_input(struct agent *agent, const struct approval *approval, struct str input,
                        char **remember, struct err *err)
{
    const struct tool *tool = tool_find(str_of(approval->tool));
    struct arena arena;
    struct json *json = NULL;
    struct permission permission = {.verdict = VERDICT_ALLOW};
    if (!tool)
        return err_set(err, ERR_PARAMS, "input: there is no tool '%s' any more", approval->tool);
    if (input.len > ITEM_TEXT_MAX)
        return err_set(err, ERR_PARAMS, "input: at most %d bytes, this has %zu", ITEM_TEXT_MAX,
                       input.len);
    arena_init(&arena, INPUT_TREE_MAX);
    bool ok =
        (json_parse(&json, &arena, input, err) && tool->check(json, err)) || err_wrap(err, "input");
    if (ok)
        agent_judge(agent, tool, json, &permission);
    if (ok && permission.verdict == VERDICT_DENY) {
        struct buf why;
        buf_init(&why, ERR_MESSAGE_MAX);
        permission_say(&permission, &why);
        ok = err_set(err, ERR_REFUSED, "input: this is not allowed: %s", why.data);
        buf_release(&why);
    }
    if (ok)
        *remember = permission_remember(&permission);
    permission_release(&permission);
    arena_release(&arena);
    return ok;
}

static bool take_input(struct agent *agent, struct approval *approval, const struct answer *answer,
                       struct err *err)
{
    char *remember = NULL;
    if (!answer->input.data)
        return true;
    if (own_is_question(approval))
        return err_set(err, ERR_PARAMS, "input: a file of the repository is used as it is, or not");
    if (!is_yes(answer->decision))
        return err_set(err, ERR_PARAMS, "input: expected only with allow and allowAlways");
    if (!check_input(agent, approval, answer->input, &remember, err))
        return false;
    mem_free(approval->remember);
    approval->remember = remember;
    mem_free(approval->edited);
    approval->edited = mem_dup(answer->input);
    return true;
}

// What a repository brings is asked about once, whatever the answer.
static bool is_kept(const struct approval *approval, enum decision decision)
{
    return decision == DECISION_ALLOW_ALWAYS || decision == DECISION_REJECT_ALWAYS ||
           own_is_question(approval);
}

// What is remembered is on disk together with the answer.
static bool remember_answer(struct agent *agent, const struct approval *approval,
                            const struct answer *answer, struct err *err)
{
    bool yes = is_yes(answer->decision), ok = true;
    struct arena arena;
    struct json *json;
    if (!is_kept(approval, answer->decision) || !approval->remember)
        return true;
    char *by = answer->by.len ? mem_dup(answer->by) : NULL;
    arena_init(&arena, REMEMBER_TREE_MAX);
    if (json_parse(&json, &arena, str_of(approval->remember), err)) {
        json_for_each(rule, json_get(json, yes ? "allow" : "reject"))
        {
            if (ok && rule->type == JSON_STRING)
                ok = swarm_remember(agent, yes ? RULE_ALLOW : RULE_DENY, rule->string, by, err);
        }
    }
    arena_release(&arena);
    mem_free(by);
    return ok;
}

static void decide(struct agent *agent, struct approval *approval, const struct answer *answer,
                   struct buf *out)
{
    struct err ignored;
    approval->decision = answer->decision;
    approval->by = answer->by.len ? mem_dup(answer->by) : NULL;
    approval->reason = answer->reason.len ? mem_dup(answer->reason) : NULL;
    list_remove(&approval->node);
    if (out) {
        struct json_writer w;
        json_writer_init(&w, out);
        approval_write_json(&w, agent, approval);
    }
    audit_add(agent, "answered",
              &(struct audit){.item_id = approval->call_item,
                              .approval_id = approval->id,
                              .tool = approval->tool,
                              .decision = approval->decision,
                              .by = approval->by,
                              .reason = approval->reason});
    bool own = own_is_question(approval);
    if (own) {
        approval_event(agent, approval, ITEM_COMPLETED);
        approval_free(approval);
    } else {
        agent->backend->answer(agent, approval);
    }
    if (!list_empty(&agent->approvals) || agent->state != STATE_WAITING)
        agent_publish(agent);
    else if (agent_enter(agent, CAUSE_ANSWER, &ignored) && own)
        setup_start(agent);
}

// --- other questions that a remembered answer answers, too ---

static enum verdict judge_again(struct agent *agent, const struct approval *approval)
{
    const struct tool *tool = tool_find(str_of(approval->tool));
    struct arena arena;
    struct json *json;
    struct err ignored;
    enum verdict verdict = VERDICT_ASK;
    if (own_is_question(approval))
        return own_judge_again(agent, approval);
    arena_init(&arena, INPUT_TREE_MAX);
    if (tool && json_parse(&json, &arena, str_of(approval->input), &ignored) &&
        tool->check(json, &ignored)) {
        struct permission permission;
        agent_judge(agent, tool, json, &permission);
        verdict = permission.verdict;
        permission_release(&permission);
    }
    arena_release(&arena);
    return verdict;
}

static void answer_others(struct swarm *swarm, const char *repository, struct str by)
{
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (!agent->repository || strcmp(agent->repository, repository) != 0)
            continue;
        list_for_each_safe(entry, &agent->approvals)
        {
            struct approval *approval = list_entry(entry, struct approval, node);
            enum verdict verdict = judge_again(agent, approval);
            struct answer answer = {
                .decision = verdict == VERDICT_ALLOW ? DECISION_ALLOW : DECISION_REJECT, .by = by};
            if (verdict != VERDICT_ASK)
                decide(agent, approval, &answer, NULL);
        }
    }
}

void swarm_approve(struct swarm *swarm, struct str id, const struct answer *answer,
                   struct swarm_op *op)
{
    struct agent *agent;
    struct approval *approval = swarm_find_approval(swarm, id, &agent);
    buf_init(&op->answer, 64 << 20);
    if (!journal_can_take(swarm->setup.journal, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    if (!approval) {
        find_decided(swarm, id, op);
        return;
    }
    if (!take_input(agent, approval, answer, &op->err) ||
        !remember_answer(agent, approval, answer, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    bool kept = is_kept(approval, answer->decision);
    decide(agent, approval, answer, &op->answer);
    if (kept)
        answer_others(swarm, agent->repository, answer->by);
    journal_want_sync(swarm->setup.journal);
    op_finish(agent, op);
}
