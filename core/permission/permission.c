// SPDX-License-Identifier: MIT
#include "core/permission/permission.h"

#include "core/base/mem.h"
#include "core/permission/shell_split.h"

// What is judged: a call, or a part of a command.
struct subject {
    const char *tool;
    enum tool_effect effect;
    struct str text;                     // the command's, or the path
    const struct shell_command *command; // NULL: of what is no command, or was not understood
    bool is_command;
    bool unclear; // no pattern can allow it, and one that does not match says nothing
    bool minor;   // beside others it needs no leave of its own: cd, true, test
};

struct finding {
    enum verdict verdict;
    const struct rule *rule;
    enum agent_mode mode;
    size_t level;
};

static const char *const wrappers[] = {
    "bash",  "chroot", "command", "dash",    "doas",    "env",    "eval",  "exec", "find",
    "flock", "ionice", "ksh",     "nice",    "nohup",   "setsid", "sh",    "ssh",  "stdbuf",
    "su",    "sudo",   "time",    "timeout", "unshare", "watch",  "xargs", "zsh",  NULL};

static const char *const minors[] = {":", "[", "cd", "false", "pwd", "test", "true", NULL};

static bool is_one_of(struct str word, const char *const *list)
{
    for (; *list; list++) {
        if (str_is(word, *list))
            return true;
    }
    return false;
}

enum agent_mode mode_stricter(enum agent_mode a, enum agent_mode b)
{
    static const int freedom[MODE_COUNT] = {
        [MODE_READ] = 0, [MODE_ASK] = 1, [MODE_EDIT] = 2, [MODE_FULL] = 3};
    return freedom[a] <= freedom[b] ? a : b;
}

// --- one rule and one subject ---

// A command by other names: without its assignments, without its program's folder, and what
// programs that run others are given.
static bool holds_command(const struct rule *rule, const struct subject *subject)
{
    const struct shell_command *command = subject->command;
    if (rule_takes_command(rule, subject->text))
        return true;
    if (!command || command->program >= command->word_count)
        return false;
    struct str bare = str_skip(subject->text, command->word_at[command->program]);
    struct str program = shell_word(command, command->program);
    const char *slash = program.len ? memrchr(program.data, '/', program.len) : NULL;
    if (slash) {
        bare = str_skip(bare, (size_t)(slash - program.data) + 1);
        program = str_skip(program, (size_t)(slash - program.data) + 1);
    }
    if (rule_takes_command(rule, bare))
        return true;
    if (!is_one_of(program, wrappers))
        return false;
    for (size_t i = command->program + 1; i < command->word_count; i++) {
        if (rule_takes_command(rule, str_skip(subject->text, command->word_at[i])))
            return true;
    }
    return false;
}

static bool matches(const struct rule *rule, const struct subject *subject)
{
    if (!rule_is_for(rule, subject->tool))
        return false;
    if (!rule->pattern)
        return true;
    if (rule->effect == RULE_ALLOW)
        return !subject->unclear && (subject->is_command ? rule_takes_command(rule, subject->text)
                                                         : rule_takes_path(rule, subject->text));
    return subject->is_command ? holds_command(rule, subject)
                               : rule_takes_path(rule, subject->text);
}

// --- all rules and one subject ---

static const struct rule *find_in(const struct rules *rules, enum rule_effect effect,
                                  const struct subject *subject)
{
    for (size_t i = 0; rules && i < rules->count; i++) {
        if (rules->list[i].effect == effect && matches(&rules->list[i], subject))
            return &rules->list[i];
    }
    return NULL;
}

static const struct rule *find_answered(const struct permission_place *place,
                                        enum rule_effect effect, const struct subject *subject)
{
    for (size_t i = 0; i < place->answered_count; i++) {
        if (place->answered[i]->effect == effect && matches(place->answered[i], subject))
            return place->answered[i];
    }
    return NULL;
}

static const struct rule *find_rule(const struct permission_place *place, size_t level,
                                    enum rule_effect effect, const struct subject *subject)
{
    const struct rule *rule = find_in(place->levels[level].rules, effect, subject);
    return rule ? rule : find_in(place->user, effect, subject);
}

static bool could_hold(const struct rule *rule, const struct subject *subject)
{
    return rule->effect != RULE_ALLOW && rule->pattern && rule_is_for(rule, subject->tool);
}

// Is there a rule against something that an unclear subject may be?
static const struct rule *find_possible(const struct permission_place *place, size_t level,
                                        const struct subject *subject)
{
    const struct rules *lists[] = {place->levels[level].rules, place->user};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; lists[k] && i < lists[k]->count; i++) {
            if (could_hold(&lists[k]->list[i], subject))
                return &lists[k]->list[i];
        }
    }
    for (size_t i = 0; i < place->answered_count; i++) {
        if (could_hold(place->answered[i], subject))
            return place->answered[i];
    }
    return NULL;
}

static enum verdict of_mode(enum agent_mode mode, enum tool_effect effect)
{
    if (effect == TOOL_READS || mode == MODE_FULL)
        return VERDICT_ALLOW;
    return mode == MODE_EDIT && effect == TOOL_WRITES_FILES ? VERDICT_ALLOW : VERDICT_ASK;
}

static struct finding judge_level(const struct permission_place *place, size_t level,
                                  const struct subject *subject)
{
    enum agent_mode mode = place->levels[level].mode;
    struct finding found = {VERDICT_DENY, NULL, mode, level};
    found.rule = find_answered(place, RULE_DENY, subject);
    if (!found.rule)
        found.rule = find_rule(place, level, RULE_DENY, subject);
    if (found.rule || (mode == MODE_READ && subject->effect != TOOL_READS))
        return found;
    found.verdict = VERDICT_ALLOW;
    found.rule = find_answered(place, RULE_ALLOW, subject);
    if (found.rule && !subject->unclear)
        return found;
    found.verdict = VERDICT_ASK;
    found.rule = find_rule(place, level, RULE_ASK, subject);
    if (!found.rule && subject->unclear)
        found.rule = find_possible(place, level, subject);
    if (found.rule)
        return found;
    found.verdict = VERDICT_ALLOW;
    found.rule = find_rule(place, level, RULE_ALLOW, subject);
    if (!found.rule)
        found.verdict = of_mode(mode, subject->effect);
    return found;
}

static struct finding judge(const struct permission_place *place, const struct subject *subject)
{
    struct finding strictest = {VERDICT_ALLOW, NULL, MODE_FULL, 0};
    for (size_t level = 0; level < place->level_count; level++) {
        struct finding found = judge_level(place, level, subject);
        if (level == 0 || found.verdict > strictest.verdict)
            strictest = found;
    }
    return strictest;
}

// --- collecting what the parts say ---

struct inquiry {
    const struct permission_place *place;
    struct permission *permission;
    bool any;
    size_t asked;    // parts that ask
    bool incomplete; // one of them has no rule to be remembered by
};

static void take(struct inquiry *q, const struct finding *found)
{
    struct permission *p = q->permission;
    if (q->any && found->verdict <= p->verdict)
        return;
    q->any = true;
    p->verdict = found->verdict;
    p->rule = found->rule;
    p->mode = found->mode;
    p->level = found->level;
}

static void suggest(struct inquiry *q, char *text)
{
    struct permission *p = q->permission;
    if (!text || p->allow_count == PERMISSION_SUGGESTED_MAX) {
        q->incomplete = true;
        mem_free(text);
        return;
    }
    for (size_t i = 0; i < p->allow_count; i++) {
        if (strcmp(p->allow_always[i], text) == 0) {
            mem_free(text);
            return;
        }
    }
    p->allow_always[p->allow_count++] = text;
}

// --- commands ---

// Where a redirection leads, as far as that can be told.
static bool place_write(const struct shell_line *line, const struct shell_write *write,
                        struct subject *subject)
{
    struct str path = write->path;
    while (str_starts(path, STR("./")))
        path = str_skip(path, 2);
    bool absolute = path.len && path.data[0] == '/';
    bool climbs = str_is(path, "..") || str_starts(path, STR("../")) ||
                  str_find(path, STR("/../")) >= 0 || str_ends(path, STR("/.."));
    subject->text = path;
    subject->unclear = write->varies || climbs || (!absolute && line->moves);
    return absolute;
}

static void judge_write(struct inquiry *q, const struct shell_line *line,
                        const struct shell_write *write)
{
    struct subject subject = {.tool = "write", .effect = TOOL_WRITES_FILES};
    bool absolute = place_write(line, write, &subject);
    struct finding found = judge(q->place, &subject);
    // In mode `edit` the edits within the worktree are free, and this one may be elsewhere.
    bool elsewhere = absolute || subject.unclear;
    if (!found.rule && found.mode == MODE_EDIT && found.verdict == VERDICT_ALLOW && elsewhere)
        found.verdict = VERDICT_ASK;
    take(q, &found);
    if (found.verdict != VERDICT_ASK)
        return;
    q->asked++;
    suggest(q, subject.unclear ? NULL
               : absolute      ? suggest_exact("write", subject.text)
                               : mem_dup(STR("write")));
}

static void judge_command(struct inquiry *q, const struct permission_call *call,
                          const struct shell_command *command, bool alone)
{
    struct str program = shell_word(command, command->program);
    struct subject subject = {
        .tool = call->tool,
        .effect = call->effect,
        .text = command->text,
        .command = command,
        .is_command = true,
        .unclear = command->varies,
        .minor = !alone && !command->varies && command->program == 0 && is_one_of(program, minors),
    };
    struct finding found = judge(q->place, &subject);
    if (subject.minor && found.verdict == VERDICT_ASK && !found.rule)
        return;
    take(q, &found);
    if (found.verdict != VERDICT_ASK)
        return;
    q->asked++;
    suggest(q, suggest_command(call->tool, command));
}

// The whole line: rules that hold it back may be about all of it; where it was not understood
// nothing else is left to judge.
static void judge_line(struct inquiry *q, const struct permission_call *call, bool understood)
{
    struct subject subject = {
        .tool = call->tool,
        .effect = call->effect,
        .text = str_trim(call->argument),
        .is_command = true,
        .unclear = !understood,
    };
    struct finding found = judge(q->place, &subject);
    bool held = found.rule && found.rule->effect != RULE_ALLOW;
    if (understood && !held && found.verdict != VERDICT_DENY)
        return;
    take(q, &found);
    if (!understood && found.verdict == VERDICT_ASK) {
        q->asked++;
        q->incomplete = true;
    }
}

static bool has_major(const struct shell_line *line)
{
    for (size_t i = 0; i < line->command_count; i++) {
        const struct shell_command *command = &line->commands[i];
        if (command->varies || !is_one_of(shell_word(command, command->program), minors))
            return true;
    }
    return line->write_count > 0;
}

static void judge_bash(struct inquiry *q, const struct permission_call *call)
{
    struct shell_line *line = mem_new(sizeof(*line));
    struct arena arena;
    arena_init(&arena, SHELL_ARENA_MAX);
    shell_split(line, &arena, call->argument);
    judge_line(q, call, line->understood && line->command_count + line->write_count > 0);
    bool alone = !has_major(line);
    for (size_t i = 0; line->understood && i < line->command_count; i++)
        judge_command(q, call, &line->commands[i], alone);
    for (size_t i = 0; line->understood && i < line->write_count; i++)
        judge_write(q, line, &line->writes[i]);
    arena_release(&arena);
    mem_free(line);
}

// --- calls ---

static void judge_plain(struct inquiry *q, const struct permission_call *call)
{
    struct subject subject = {.tool = call->tool, .effect = call->effect, .text = call->argument};
    struct finding found = judge(q->place, &subject);
    take(q, &found);
    if (found.verdict != VERDICT_ASK)
        return;
    q->asked++;
    suggest(q, mem_dup(str_of(call->tool)));
}

void permission_judge(struct permission *permission, const struct permission_place *place,
                      const struct permission_call *call)
{
    *permission = (struct permission){.verdict = VERDICT_ALLOW, .mode = MODE_FULL};
    struct inquiry q = {.place = place, .permission = permission};
    bool command = call->effect == TOOL_RUNS_COMMANDS;
    if (command)
        judge_bash(&q, call);
    else
        judge_plain(&q, call);
    if (q.incomplete || permission->verdict != VERDICT_ASK) {
        for (size_t i = 0; i < permission->allow_count; i++)
            mem_free(permission->allow_always[i]);
        permission->allow_count = 0;
    }
    if (permission->verdict != VERDICT_ASK)
        return;
    if (command && q.asked == 1 && permission->allow_count == 1)
        permission->reject_always = mem_dup(str_of(permission->allow_always[0]));
    else if (call->argument.len)
        permission->reject_always = suggest_exact(call->tool, str_trim(call->argument));
    else
        permission->reject_always = mem_dup(str_of(call->tool));
}

void permission_release(struct permission *permission)
{
    for (size_t i = 0; i < permission->allow_count; i++)
        mem_free(permission->allow_always[i]);
    mem_free(permission->reject_always);
    permission->allow_count = 0;
    permission->reject_always = NULL;
}

void permission_say(const struct permission *permission, struct buf *out)
{
    static const char *const whose[] = {[RULE_USER] = "the user's configuration",
                                        [RULE_ROLE] = "its role",
                                        [RULE_AGENT] = "the agent",
                                        [RULE_ANSWER] = "a person's answer before"};
    const struct rule *rule = permission->rule;
    if (!rule) {
        buf_addf(out, "its %smode is %s", permission->level ? "parent's " : "",
                 mode_name(permission->mode));
        return;
    }
    bool parents = permission->level && (rule->source == RULE_ROLE || rule->source == RULE_AGENT);
    buf_addf(out, "the rule %s %s of %s", rule_effect_name(rule->effect), rule->text,
             parents ? "its parent" : whose[rule->source]);
}
