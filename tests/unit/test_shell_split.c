// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/permission/shell_split.h"

// "a|b > x" stands for the commands a and b, and a write of x; "?" marks what varies.
static char *describe(const char *text)
{
    struct shell_line line;
    struct arena arena;
    struct buf out;
    arena_init(&arena, SHELL_ARENA_MAX);
    buf_init(&out, 1 << 20);
    if (!shell_split(&line, &arena, str_of(text))) {
        buf_add_str(&out, STR("not understood"));
    } else {
        for (size_t i = 0; i < line.command_count; i++)
            buf_addf(&out, "%s%s%.*s", i ? "|" : "", line.commands[i].varies ? "?" : "",
                     STR_ARG(line.commands[i].text));
        for (size_t i = 0; i < line.write_count; i++)
            buf_addf(&out, " > %s%.*s", line.writes[i].varies ? "?" : "",
                     STR_ARG(line.writes[i].path));
        if (line.moves)
            buf_add_str(&out, STR(" moves"));
    }
    arena_release(&arena);
    if (!out.data)
        buf_add_str(&out, STR(""));
    return out.data ? buf_detach(&out, NULL) : mem_dup(STR(""));
}

static void lines_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"git status", "git status"},
        {"  git   status  ", "git status"},
        {"", ""},
        {"# only a comment", ""},
        {"a; b", "a|b"},
        {"a && b || c", "a|b|c"},
        {"a | b |& c", "a|b|c"},
        {"a & b &", "a|b"},
        {"a\nb\n", "a|b"},
        {"a \\\n b", "a b"},
        {"a # b; c\nd", "a|d"},
        {"a'#'b", "a#b"},
        {"(a; b) && c", "a|b|c"},
        {"{ a; b; }", "a|b"},
        {"! a", "a"},
        {"echo 'x; y' \"&& z\"", "echo x; y && z"},
        {"g\"i\"t pu's'h", "git push"},
        {"g\\it push", "git push"},
        {"echo \"a \\\" b\"", "echo a \" b"},
        {"echo $(rm x)", "rm x|echo $"},
        {"echo \"$(rm x)\"", "rm x|echo $"},
        {"echo `rm x`", "rm x|echo $"},
        {"echo $(a $(b))", "b|a $|echo $"},
        {"echo '$(rm x)'", "echo $(rm x)"},
        {"diff <(a) <(b)", "a|b|diff"},
        {"a > x", "a > x"},
        {"a>x 2>>y", "a > x > y"},
        {"a 2>&1 >/dev/null", "a"},
        {"a >& x", "a > x"},
        {"a &> x", "a > x"},
        {"a &>> x", "a > x"},
        {"a >| x", "a > x"},
        {"a <> x", "a > x"},
        {"a < x", "a"},
        {"a <<< 'x y'", "a"},
        {"> x", " > x"},
        {"a > $x", "a > ?$x"},
        {"a > ~/x", "a > ?~/x"},
        {"a > 'b c'", "a > b c"},
        {"$x y", "?$x y"},
        {"`x` y", "x|?$ y"},
        {"*/x y", "?*/x y"},
        {"X=1 Y=2 make", "X=1 Y=2 make"},
        {"X=1", "X=1"},
        {"'' y", "? y"},
        {"a '' b", "a  b"},
        {"X=$(rm y)", "rm y|X=$"},
        {"if a; then b; else c; fi", "a|b|c"},
        {"while a; do b; done > x", "a|b > x"},
        {"for i in $(ls) x; do rm \"$i\"; done", "ls|rm $i"},
        {"for i in a b\ndo c\ndone", "c"},
        {"cat > x <<EOF\na; rm $y\nEOF\nb", "cat|b > x"},
        {"cat <<'EOF' | b\n$(rm x)\nEOF", "cat|b"},
        {"cat <<-EOF\n\tx\n\tEOF\nb", "cat|b"},
        {"[ -f x ] && b", "[ -f x ]|b"},
        {"echo $((1 + (2)))", "echo $"},
        {"echo ${x:-1}", "echo $"},
        {"cd a && b > c", "cd a|b > c moves"},
        {"\xC3\xA4 \xFF", "\xC3\xA4 \xFF"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = describe(cases[i].line);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("'%s' is '%s', not '%s'", cases[i].line, got, cases[i].want);
        mem_free(got);
    }
}

static void what_is_not_known_is_not_guessed(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "echo 'x",
        "echo \"x",
        "echo `x",
        "echo $(x",
        "(a",
        "a)",
        "a \\",
        "f() { rm x; }",
        "function f { rm x; }",
        "case x in y) rm z;; esac",
        "[[ a == b ]]",
        "((x))",
        "for ((;;)); do a; done",
        "a=(1 2)",
        "echo $'\\x72m'",
        "echo ${x:-$(rm y)}",
        "echo ${x@P}",
        "echo $((x[$(rm y)]))",
        "echo `a \\`b\\``",
        "cat <<EOF\n$(rm x)\nEOF",
        "cat <<EOF\n`rm x`\nEOF",
        "cat <<$x\n$\n",
        "echo !(a|b)",
        "a >",
        "a ;; b",
        "$($($($($($($($($($(x))))))))))",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = describe(cases[i]);
        if (strcmp(got, "not understood") != 0)
            fail_msg("'%s' is '%s'", cases[i], got);
        mem_free(got);
    }
}

static void lines_have_ceilings(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line, 1 << 20);
    for (int i = 0; i < SHELL_COMMANDS_MAX; i++)
        buf_add_str(&line, STR("a;"));
    char *got = describe(line.data);
    assert_string_not_equal(got, "not understood");
    mem_free(got);
    buf_add_str(&line, STR("a"));
    got = describe(line.data);
    assert_string_equal(got, "not understood");
    mem_free(got);
    buf_clear(&line);
    while (line.len <= SHELL_LINE_MAX)
        buf_add_str(&line, STR("a "));
    got = describe(line.data);
    assert_string_equal(got, "not understood");
    mem_free(got);
    line.data[SHELL_LINE_MAX] = '\0';
    got = describe(line.data);
    assert_string_not_equal(got, "not understood");
    mem_free(got);
    buf_release(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_split),
        cmocka_unit_test(what_is_not_known_is_not_guessed),
        cmocka_unit_test(lines_have_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
