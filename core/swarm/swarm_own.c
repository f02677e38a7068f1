// SPDX-License-Identifier: MIT
// What a repository wants in its worktrees: its .worktreeinclude (which of the person's ignored
// files are copied) and its .worktreesetup (commands). Whoever writes a repository writes these, so
// that nothing of them counts before a person said so of this very content, once.
#include "core/swarm/swarm_own.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/swarm/swarm_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *file, *title;
} kinds[OWN_COUNT] = {
    [OWN_INCLUDE] = {".worktreeinclude",
                     "copy ignored files of your checkout into worktrees (.worktreeinclude)"},
    [OWN_SETUP] = {".worktreesetup", "run the repository's .worktreesetup in new worktrees"},
};

const char *own_file_name(enum own_kind kind)
{
    return kinds[kind].file;
}

// --- on LANE_GIT ---

static bool is_plain_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
            return false;
    }
    return utf8_is_valid(text);
}

// False: it is there, and cannot be used. Nothing is put into `text` when it is not there.
static bool read_text(const char *path, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    char piece[4096];
    ssize_t got = 0;
    if (fd < 0)
        return access(path, F_OK) != 0;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    while (ok && !text->overflow && (got = read(fd, piece, sizeof(piece))) > 0)
        buf_add(text, piece, (size_t)got);
    close(fd);
    // What is shown to the person is to be what counts.
    return ok && got == 0 && !text->overflow && is_plain_text(buf_str(text));
}

void own_read(struct own_files *own, const char *repository)
{
    for (int i = 0; i < OWN_COUNT; i++) {
        struct own_file *file = &own->files[i];
        char *path = mem_format("%s/%s", repository, kinds[i].file);
        struct err ignored;
        buf_init(&file->text, OWN_FILE_MAX);
        bool ok = read_text(path, &file->text);
        bool empty = str_trim(buf_str(&file->text)).len == 0;
        if (ok && !empty)
            ok = worktree_hash(buf_str(&file->text), file->hash, &ignored);
        file->state = !ok ? OWN_UNUSABLE : empty ? OWN_ABSENT : OWN_READ;
        mem_free(path);
    }
}

void own_release(struct own_files *own)
{
    for (int i = 0; i < OWN_COUNT; i++)
        buf_release(&own->files[i].text);
}

// --- what rules say of it ---

static bool takes(const struct rule *rule, enum rule_effect effect, const char *name,
                  const char *hash)
{
    bool named = effect == RULE_ALLOW ? strcmp(rule->tool, name) == 0 : rule_is_for(rule, name);
    return rule->effect == effect && named && rule_takes_path(rule, str_of(hash));
}

static const struct rule *find_in(const struct rules *rules, enum rule_effect effect,
                                  const char *name, const char *hash)
{
    for (size_t i = 0; i < rules->count; i++)
        if (takes(&rules->list[i], effect, name, hash))
            return &rules->list[i];
    return NULL;
}

static const struct rule *find_answered(const struct agent *agent, enum rule_effect effect,
                                        const char *name, const char *hash)
{
    list_for_each(node, &agent->swarm->answered)
    {
        const struct answered_rule *answered = list_entry(node, struct answered_rule, node);
        if (strcmp(answered->repository, agent->repository) == 0 &&
            takes(&answered->rule, effect, name, hash))
            return &answered->rule;
    }
    return NULL;
}

static const struct rule *find_denial(const struct agent *agent, const char *name, const char *hash)
{
    const struct rule *rule =
        find_in(&agent->swarm->setup.config->permissions, RULE_DENY, name, hash);
    if (!rule)
        rule = find_in(&agent->rules, RULE_DENY, name, hash);
    for (size_t i = 0; !rule && i < agent->bound_count; i++)
        rule = find_in(&agent->bounds[i].rules, RULE_DENY, name, hash);
    return rule ? rule : find_answered(agent, RULE_DENY, name, hash);
}

// Only the person's rules allow: those of an agent may come from anywhere.
static enum verdict judge(const struct agent *agent, const char *name, const char *hash,
                          const struct rule **denial)
{
    *denial = find_denial(agent, name, hash);
    if (*denial)
        return VERDICT_DENY;
    return find_in(&agent->swarm->setup.config->permissions, RULE_ALLOW, name, hash) ||
                   find_answered(agent, RULE_ALLOW, name, hash)
               ? VERDICT_ALLOW
               : VERDICT_ASK;
}

// --- what becomes of it ---

static void tell_unused(struct agent *agent, int kind, const char *why)
{
    event_notice(agent, "info", "This repository has a %s, which is not used: %s.",
                 kinds[kind].file, why);
}

static void decide(struct own_files *own, struct agent *agent, int kind,
                   const struct repository_config *config)
{
    struct own_file *file = &own->files[kind];
    const struct rule *denial;
    if (file->state == OWN_ABSENT)
        return;
    bool configured =
        kind == OWN_INCLUDE ? config && config->worktreeinclude_said : config && config->setup_said;
    if (configured) {
        bool uses = kind == OWN_INCLUDE && config->worktreeinclude;
        if (uses && file->state == OWN_READ)
            file->state = OWN_USED;
    } else if (file->state == OWN_READ) {
        switch (judge(agent, own_rule_name(kind), file->hash, &denial)) {
        case VERDICT_ALLOW:
            file->state = OWN_USED;
            break;
        case VERDICT_DENY:
            tell_unused(agent, kind, "a rule or an answer denies it");
            break;
        case VERDICT_ASK:
            file->state = OWN_ASKED;
        }
    }
    if (file->state == OWN_UNUSABLE)
        tell_unused(agent, kind, "it is no file of plain text of at most 64 KiB");
}

bool own_decide(struct own_files *own, struct agent *agent, const struct repository_config *config)
{
    bool asks = false;
    for (int i = 0; i < OWN_COUNT; i++) {
        decide(own, agent, i, config);
        asks = asks || own->files[i].state == OWN_ASKED;
    }
    return !asks;
}

// --- asking ---

bool own_is_question(const struct approval *approval)
{
    for (int i = 0; i < OWN_COUNT; i++)
        if (strcmp(approval->tool, own_rule_name(i)) == 0)
            return true;
    return false;
}

static char *write_remember(int kind, const char *hash)
{
    return mem_format("{\"allow\":[\"%s(%s)\"],\"reject\":[\"%s(%s)\"]}", own_rule_name(kind), hash,
                      own_rule_name(kind), hash);
}

static struct approval *approval_new(const struct agent *agent, int kind,
                                     const struct own_file *file)
{
    struct approval *approval = mem_new(sizeof(*approval));
    struct buf input;
    struct json_writer w;
    buf_init(&input, ITEM_TEXT_MAX);
    json_writer_init(&w, &input);
    json_begin_object(&w);
    json_add_cstr(&w, "file", kinds[kind].file);
    json_add_str(&w, "content", buf_str(&file->text));
    json_end_object(&w);
    snprintf(approval->item_id, sizeof(approval->item_id), "i%" PRId64,
             journal_next_seq(agent->swarm->setup.journal));
    snprintf(approval->id, sizeof(approval->id), "%s.%s", agent->id, approval->item_id);
    memcpy(approval->call_item, approval->item_id, sizeof(approval->call_item));
    approval->asked_at = port_wall_ms(agent->swarm->setup.ports);
    approval->tool = mem_dup(str_of(own_rule_name(kind)));
    approval->title = mem_dup(str_of(kinds[kind].title));
    approval->why =
        mem_dup(STR("the repository brings it, and nobody has decided on this content"));
    approval->input = buf_detach(&input, NULL);
    approval->remember = write_remember(kind, file->hash);
    return approval;
}

static void audit_question(const struct agent *agent, const char *action,
                           const struct approval *approval)
{
    audit_add(agent, action,
              &(struct audit){.item_id = approval->call_item,
                              .approval_id = approval->id,
                              .tool = approval->tool,
                              .why = approval->why});
}

static void close_question(struct agent *agent, struct approval *approval)
{
    list_remove(&approval->node);
    approval_event(agent, approval, ITEM_FAILED);
    audit_question(agent, "closed", approval);
    approval_free(approval);
}

// Is this content asked about already? A question about what is no longer there is closed.
static bool is_open(struct agent *agent, int kind, const struct own_file *file)
{
    char *remember = write_remember(kind, file->hash);
    bool open = false;
    list_for_each_safe(node, &agent->approvals)
    {
        struct approval *approval = list_entry(node, struct approval, node);
        if (strcmp(approval->tool, own_rule_name(kind)) != 0)
            continue;
        if (file->state == OWN_ASKED && approval->remember &&
            strcmp(approval->remember, remember) == 0)
            open = true;
        else
            close_question(agent, approval);
    }
    mem_free(remember);
    return open;
}

void own_ask(struct own_files *own, struct agent *agent)
{
    struct err ignored;
    for (int i = 0; i < OWN_COUNT; i++) {
        const struct own_file *file = &own->files[i];
        if (is_open(agent, i, file) || file->state != OWN_ASKED)
            continue;
        struct approval *approval = approval_new(agent, i, file);
        list_append(&agent->approvals, &approval->node);
        approval_event(agent, approval, ITEM_STARTED);
        audit_question(agent, "asked", approval);
        agent_set_activity(agent, "waiting: may I %s?", approval->title);
    }
    if (!list_empty(&agent->approvals))
        agent_enter(agent, CAUSE_ASK, &ignored);
}

void own_close(struct agent *agent)
{
    list_for_each_safe(node, &agent->approvals)
    {
        struct approval *approval = list_entry(node, struct approval, node);
        if (own_is_question(approval))
            close_question(agent, approval);
    }
}

enum verdict own_judge_again(const struct agent *agent, const struct approval *approval)
{
    const char *open = approval->remember ? strchr(approval->remember, '(') : NULL;
    const char *end = open ? strchr(open, ')') : NULL;
    const struct rule *denial;
    if (!end)
        return VERDICT_ASK;
    char *hash = mem_dup(str_from(open + 1, (size_t)(end - open) - 1));
    enum verdict verdict = judge(agent, approval->tool, hash, &denial);
    mem_free(hash);
    return verdict;
}
