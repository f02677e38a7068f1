// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/permission/permission.h"

// Rules as "deny bash(rm *)", one an entry.
static void add(struct rules *rules, enum rule_source source, const char *text)
{
    enum rule_effect effect;
    struct err err;
    const char *space = strchr(text, ' ');
    assert_true(rule_effect_from_name(str_from(text, (size_t)(space - text)), &effect));
    if (!rules_add(rules, effect, source, str_of(space + 1), &err))
        fail_msg("%s", err.message);
}

struct world {
    struct rules user, own, parents, answers;
    struct permission_place place;
    const struct rule *answered[RULES_MAX];
};

static void world_init(struct world *w, enum agent_mode mode)
{
    *w = (struct world){.place.level_count = 1};
    w->place.user = &w->user;
    w->place.levels[0] = (struct permission_level){mode, &w->own};
}

static void world_release(struct world *w)
{
    rules_release(&w->user);
    rules_release(&w->own);
    rules_release(&w->parents);
    rules_release(&w->answers);
}

static enum verdict judge_call(struct world *w, struct permission *p, const char *tool,
                               const char *argument)
{
    for (size_t i = 0; i < w->answers.count; i++)
        w->answered[i] = &w->answers.list[i];
    w->place.answered = w->answered;
    w->place.answered_count = w->answers.count;
    const struct tool *known = tool_find(str_of(tool));
    struct permission_call call = {tool, known->effect, str_of(argument)};
    permission_judge(p, &w->place, &call);
    return p->verdict;
}

static enum verdict judge(struct world *w, const char *tool, const char *argument)
{
    struct permission p;
    judge_call(w, &p, tool, argument);
    permission_release(&p);
    return p.verdict;
}

#define expect(world, want, tool, argument)                                                        \
    do {                                                                                           \
        enum verdict got = judge(world, tool, argument);                                           \
        if (got != (want))                                                                         \
            fail_msg("%s(%s): %d, not %d", tool, argument, (int)got, (int)(want));                 \
    } while (0)

static void modes(void **state)
{
    (void)state;
    static const enum verdict want[MODE_COUNT][3] = {
        [MODE_READ] = {VERDICT_ALLOW, VERDICT_DENY, VERDICT_DENY},
        [MODE_ASK] = {VERDICT_ALLOW, VERDICT_ASK, VERDICT_ASK},
        [MODE_EDIT] = {VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ASK},
        [MODE_FULL] = {VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW},
    };
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        struct world w;
        world_init(&w, (enum agent_mode)mode);
        expect(&w, want[mode][0], "read", "a.c");
        expect(&w, want[mode][1], "write", "a.c");
        expect(&w, want[mode][1], "edit", "a.c");
        expect(&w, want[mode][2], "bash", "make");
        expect(&w, want[mode][2], "bash", "case x in y) z;; esac");
        world_release(&w);
    }
}

static void rules_decide_by_tool_and_argument(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, MODE_ASK);
    add(&w.user, RULE_USER, "allow bash(git status*)");
    add(&w.user, RULE_USER, "allow bash(make *)");
    add(&w.user, RULE_USER, "allow write(docs/**)");
    add(&w.user, RULE_USER, "allow edit(*.md)");
    add(&w.user, RULE_USER, "deny read(secrets/)");
    add(&w.own, RULE_AGENT, "deny bash(git push*)");
    add(&w.own, RULE_AGENT, "ask bash(make install*)");
    expect(&w, VERDICT_ALLOW, "bash", "git status --short");
    expect(&w, VERDICT_ALLOW, "bash", "make");
    expect(&w, VERDICT_ALLOW, "bash", "make -j2 all");
    expect(&w, VERDICT_ASK, "bash", "makefoo");
    expect(&w, VERDICT_ASK, "bash", "make install");
    expect(&w, VERDICT_ALLOW, "bash", "git status && make | git status");
    expect(&w, VERDICT_ASK, "bash", "git status && rm -r .");
    expect(&w, VERDICT_ASK, "bash", "git status $(rm -r .)");
    expect(&w, VERDICT_ASK, "bash", "git status > out");
    expect(&w, VERDICT_ALLOW, "bash", "git status > docs/out");
    expect(&w, VERDICT_ASK, "bash", "git status > docs/../out");
    expect(&w, VERDICT_ASK, "bash", "cd docs && make > docs/out");
    expect(&w, VERDICT_ALLOW, "bash", "cd docs && make 2>&1");
    expect(&w, VERDICT_ASK, "bash", "PATH=. git status");
    expect(&w, VERDICT_DENY, "bash", "git push");
    expect(&w, VERDICT_DENY, "bash", "make; git push origin");
    expect(&w, VERDICT_DENY, "bash", "g'i't \"push\"");
    expect(&w, VERDICT_DENY, "bash", "/usr/bin/git push");
    expect(&w, VERDICT_DENY, "bash", "X=1 git push");
    expect(&w, VERDICT_DENY, "bash", "sudo -n git push");
    expect(&w, VERDICT_DENY, "bash", "sh -c 'git push'");
    expect(&w, VERDICT_DENY, "bash", "echo `git push`");
    expect(&w, VERDICT_ALLOW, "write", "docs/a/b.txt");
    expect(&w, VERDICT_ALLOW, "edit", "docs/a.c");
    expect(&w, VERDICT_ALLOW, "write", "core/deep/README.md");
    expect(&w, VERDICT_ASK, "write", "core/a.c");
    expect(&w, VERDICT_DENY, "read", "secrets/key");
    world_release(&w);
}

static void deny_wins(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, MODE_FULL);
    add(&w.answers, RULE_ANSWER, "allow bash(rm *)");
    add(&w.own, RULE_AGENT, "allow bash");
    add(&w.user, RULE_USER, "deny bash(rm -rf *)");
    expect(&w, VERDICT_ALLOW, "bash", "rm x");
    expect(&w, VERDICT_DENY, "bash", "rm -rf x");
    expect(&w, VERDICT_ALLOW, "bash", "ls");
    // What may be that, but cannot be read, is asked about.
    expect(&w, VERDICT_ASK, "bash", "$x -rf x");
    expect(&w, VERDICT_ASK, "bash", "case x in x) rm -rf x;; esac");
    world_release(&w);
}

static void an_answer_outlives_the_question(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, MODE_ASK);
    add(&w.user, RULE_USER, "ask bash(git push*)");
    expect(&w, VERDICT_ASK, "bash", "git push");
    add(&w.answers, RULE_ANSWER, "allow bash(git push *)");
    expect(&w, VERDICT_ALLOW, "bash", "git push");
    add(&w.answers, RULE_ANSWER, "deny bash(git push --force*)");
    expect(&w, VERDICT_DENY, "bash", "git push --force");
    world_release(&w);
}

static void a_child_has_no_more_rights_than_its_parent(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, MODE_FULL);
    add(&w.own, RULE_AGENT, "allow bash");
    add(&w.parents, RULE_AGENT, "allow bash(make *)");
    add(&w.parents, RULE_ROLE, "deny write(core/**)");
    w.place.levels[1] = (struct permission_level){MODE_ASK, &w.parents};
    w.place.level_count = 2;
    expect(&w, VERDICT_ALLOW, "bash", "make");
    expect(&w, VERDICT_ASK, "bash", "ls");
    expect(&w, VERDICT_DENY, "write", "core/a.c");
    expect(&w, VERDICT_ASK, "write", "a.c");
    w.place.levels[1].mode = MODE_READ;
    expect(&w, VERDICT_DENY, "write", "a.c");
    w.place.levels[0].mode = MODE_READ;
    w.place.levels[1].mode = MODE_FULL;
    expect(&w, VERDICT_DENY, "write", "a.c");
    world_release(&w);
}

static void what_an_answer_remembers(void **state)
{
    (void)state;
    static const struct {
        const char *tool, *argument, *allow, *reject;
    } cases[] = {
        {"write", "a/b.c", "write", "write(a/b.c)"},
        {"edit", "a[1].c", "edit", "edit(a\\[1\\].c)"},
        {"bash", "make test", "bash(make *)", "bash(make *)"},
        {"bash", "git commit -m x", "bash(git commit *)", "bash(git commit *)"},
        {"bash", "git -C x status", "bash(git -C x status)", "bash(git -C x status)"},
        {"bash", "python3 t*.py", "bash(python3 t\\*.py)", "bash(python3 t\\*.py)"},
        {"bash", "X=1 make", "bash(X=1 make)", "bash(X=1 make)"},
        {"bash", "cd a && make", "bash(make *)", "bash(make *)"},
        {"bash", "true", "bash(true *)", "bash(true *)"},
        {"bash", "make && rm x", "bash(make *) bash(rm *)", "bash(make && rm x)"},
        {"bash", "ls > x", "bash(ls *) write", "bash(ls > x)"},
        {"bash", "ls > /tmp/x", "bash(ls *) write(/tmp/x)", "bash(ls > /tmp/x)"},
        {"bash", "$x", "", "bash($x)"},
        {"bash", "case", "", "bash(case)"},
    };
    struct world w;
    world_init(&w, MODE_ASK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct permission p;
        struct buf all;
        buf_init(&all, 4096);
        buf_add_str(&all, STR(""));
        assert_int_equal(judge_call(&w, &p, cases[i].tool, cases[i].argument), VERDICT_ASK);
        for (size_t k = 0; k < p.allow_count; k++)
            buf_addf(&all, "%s%s", k ? " " : "", p.allow_always[k]);
        assert_string_equal(all.data ? all.data : "", cases[i].allow);
        assert_string_equal(p.reject_always, cases[i].reject);
        // And what is remembered does what the answer said.
        struct world later;
        world_init(&later, MODE_ASK);
        for (size_t k = 0; k < p.allow_count; k++) {
            char *rule = mem_format("allow %s", p.allow_always[k]);
            add(&later.answers, RULE_ANSWER, rule);
            mem_free(rule);
        }
        if (p.allow_count)
            expect(&later, VERDICT_ALLOW, cases[i].tool, cases[i].argument);
        char *rule = mem_format("deny %s", p.reject_always);
        add(&later.answers, RULE_ANSWER, rule);
        mem_free(rule);
        expect(&later, VERDICT_DENY, cases[i].tool, cases[i].argument);
        world_release(&later);
        permission_release(&p);
        buf_release(&all);
    }
    world_release(&w);
}

static void bad_rules_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "is empty"},
        {"  ", "is empty"},
        {"bash(", "')'"},
        {"bash()", "empty pattern"},
        {"bsh(x)", "names no tool; there are read, write"},
        {"(x)", "no tool's name"},
        {"git push", "no tool's name"},
        {"write({)", "write({)"},
        {"bash(x) y", "')'"},
        {"\xFF", "is no text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rule rule;
        struct err err;
        if (rule_parse(&rule, RULE_ALLOW, str_of(cases[i].text), &err)) {
            rule_release(&rule);
            if (strcmp(cases[i].text, "write({)") != 0) // an unclosed brace is itself
                fail_msg("%s is taken", cases[i].text);
            continue;
        }
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.message);
    }
    struct rules rules = {0};
    struct err err;
    for (int i = 0; i < RULES_MAX; i++)
        assert_true(rules_add(&rules, RULE_ASK, RULE_USER, STR("bash"), &err));
    assert_false(rules_add(&rules, RULE_ASK, RULE_USER, STR("bash"), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    rules_release(&rules);
}

static void rules_travel_as_json(void **state)
{
    (void)state;
    static const char text[] = "{\"allow\":[\"bash(make *)\"],\"ask\":[],\"deny\":[\"write\"]}";
    struct rules rules = {0};
    struct arena arena;
    struct json *json;
    struct err err;
    struct buf out;
    struct json_writer w;
    arena_init(&arena, 1 << 20);
    buf_init(&out, 4096);
    json_writer_init(&w, &out);
    assert_true(json_parse(&json, &arena, str_of(text), &err));
    assert_true(rules_read_json(&rules, json, RULE_AGENT, &err));
    rules_write_json(&w, &rules, RULE_AGENT);
    assert_string_equal(out.data, text);
    assert_true(json_parse(&json, &arena, STR("{\"deny\": [\"no(x)\"]}"), &err));
    assert_false(rules_read_json(&rules, json, RULE_AGENT, &err));
    assert_non_null(strstr(err.message, "deny[0]"));
    assert_true(json_parse(&json, &arena, STR("{\"forbid\": []}"), &err));
    assert_false(rules_read_json(&rules, json, RULE_AGENT, &err));
    assert_non_null(strstr(err.message, "forbid"));
    rules_release(&rules);
    buf_release(&out);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes),
        cmocka_unit_test(rules_decide_by_tool_and_argument),
        cmocka_unit_test(deny_wins),
        cmocka_unit_test(an_answer_outlives_the_question),
        cmocka_unit_test(a_child_has_no_more_rights_than_its_parent),
        cmocka_unit_test(what_an_answer_remembers),
        cmocka_unit_test(bad_rules_are_explained),
        cmocka_unit_test(rules_travel_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
