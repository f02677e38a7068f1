// SPDX-License-Identifier: MIT
// Any rule against any shell line ends soon; what an answer would remember does what it says.
//
// An input is a rule, a newline, and a line of the shell.
#include "tests/fuzz/fuzz.h"

#include "core/base/mem.h"
#include "core/permission/permission.h"
#include "core/permission/shell_split.h"

const struct str fuzz_corpus[] = {
    STR("bash(git status*)\ngit status && git push > x; (a | b) & c\n"),
    STR("write(docs/**)\ncat > x <<'EOF'\n$(rm x)\nEOF\necho $(a `b`) ${x:-1} $((1+2))\n"),
    STR("bash(make *)\nif a; then b; elif c; then d; fi; for i in x y; do z \"$i\"; done\n"),
    STR("bash\nX=1 Y+=2 sudo -n 'g'i\"t\" \\push 2>&1 >& x &> y <<< z <(a) >(b)\n"),
    STR("*(x{a,b}[c-d]?)\ncd a && { b; } || ! c | d |& e # f\n"),
    STR_NONE,
};

static enum verdict judge(const struct rule *answered, enum rule_effect effect, struct str line)
{
    struct rule rule = *answered;
    const struct rule *rules[] = {&rule};
    struct permission_place place = {.answered = rules, .answered_count = 1, .level_count = 1};
    struct permission_call call = {"bash", TOOL_RUNS_COMMANDS, line};
    struct permission permission;
    rule.effect = effect;
    place.levels[0].mode = MODE_ASK;
    permission_judge(&permission, &place, &call);
    if (permission.reject_always) {
        struct rule again;
        struct err err;
        fuzz_check(rule_parse(&again, RULE_DENY, str_of(permission.reject_always), &err));
        rule_release(&again);
    }
    permission_release(&permission);
    return permission.verdict;
}

static void check_parts(struct str text)
{
    static struct shell_line line;
    struct arena arena;
    arena_init(&arena, SHELL_ARENA_MAX);
    if (shell_split(&line, &arena, text)) {
        for (size_t i = 0; i < line.command_count; i++) {
            size_t len = 0;
            for (size_t k = 0; k < line.commands[i].word_count; k++)
                len += shell_word(&line.commands[i], k).len + (k > 0);
            fuzz_check(len == line.commands[i].text.len);
            mem_free(suggest_command("bash", &line.commands[i]));
        }
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_from((const char *)data, size);
    const char *end = size ? memchr(data, '\n', size) : NULL;
    struct str text = str_from(input.data, end ? (size_t)(end - input.data) : size);
    struct str line = end ? str_skip(input, text.len + 1) : STR("");
    struct rule rule;
    struct err err = {0};
    check_parts(line);
    if (!rule_parse(&rule, RULE_ALLOW, text, &err)) {
        fuzz_check(err.kind == ERR_PARAMS);
        return 0;
    }
    rule_takes_path(&rule, line);
    judge(&rule, RULE_ALLOW, line);
    judge(&rule, RULE_ASK, line);
    judge(&rule, RULE_DENY, line);
    rule_release(&rule);
    return 0;
}
