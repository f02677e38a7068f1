// SPDX-License-Identifier: MIT
// Which rule an answer with ...Always stands for: the program and its subcommand, or, where the
// program would run whatever it is given, the very words.
#include "core/base/mem.h"
#include "core/permission/permission.h"
#include "core/permission/shell_split.h"

// Programs whose first argument says what is done.
static const char *const with_subcommands[] = {
    "apt",    "apt-get", "aws",  "bundle", "cargo",  "conda", "composer", "dnf",       "docker",
    "dotnet", "gcloud",  "gem",  "gh",     "git",    "go",    "helm",     "kubectl",   "mix",
    "npm",    "nix",     "npx",  "pip",    "pip3",   "pnpm",  "podman",   "poetry",    "rustup",
    "svn",    "hg",      "brew", "swift",  "zig",    "bazel", "buck2",    "systemctl", "terraform",
    "uv",     "yarn",    "bun",  "deno",   "swarmd", NULL};

// Programs that run what they are given.
static const char *const runners[] = {
    ".",       "awk",     "bash",      "chroot",   "command", "csh",   "dash",
    "env",     "eval",    "exec",      "expect",   "find",    "fish",  "flock",
    "gawk",    "gdb",     "ionice",    "ksh",      "lua",     "mawk",  "nice",
    "node",    "nohup",   "osascript", "parallel", "perl",    "php",   "python",
    "python2", "python3", "ruby",      "script",   "setsid",  "sh",    "source",
    "ssh",     "stdbuf",  "strace",    "su",       "sudo",    "tclsh", "time",
    "timeout", "tmux",    "unshare",   "watch",    "xargs",   "zsh",   NULL};

static bool is_one_of(struct str word, const char *const *list)
{
    for (; *list; list++) {
        if (str_is(word, *list))
            return true;
    }
    return false;
}

static bool is_plain(struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  (c && strchr("_:./+-@", c));
        if (!ok)
            return false;
    }
    return word.len > 0 && word.data[0] != '-';
}

char *suggest_exact(const char *tool, struct str argument)
{
    struct buf out;
    struct rule rule;
    struct err ignored;
    buf_init(&out, 2 * RULE_TEXT_MAX);
    buf_addf(&out, "%s(", tool);
    for (size_t i = 0; i < argument.len; i++) {
        if (argument.data[i] && strchr("*?[]\\{},", argument.data[i]))
            buf_add_char(&out, '\\');
        buf_add_char(&out, argument.data[i]);
    }
    buf_add_char(&out, ')');
    bool ok = !out.overflow && rule_parse(&rule, RULE_ALLOW, buf_str(&out), &ignored);
    if (ok)
        rule_release(&rule);
    char *text = ok ? buf_detach(&out, NULL) : NULL;
    buf_release(&out);
    return text;
}

static struct str base_name(struct str program)
{
    const char *slash = program.len ? memrchr(program.data, '/', program.len) : NULL;
    return slash ? str_skip(program, (size_t)(slash - program.data) + 1) : program;
}

char *suggest_command(const char *tool, const struct shell_command *command)
{
    struct str program = shell_word(command, command->program);
    struct str next = shell_word(command, command->program + 1);
    if (command->varies)
        return NULL;
    if (command->program != 0 || !is_plain(program) || is_one_of(base_name(program), runners))
        return suggest_exact(tool, command->text);
    if (!is_one_of(base_name(program), with_subcommands))
        return mem_format("%s(%.*s *)", tool, STR_ARG(program));
    if (next.len == 0 || !is_plain(next))
        return suggest_exact(tool, command->text);
    return mem_format("%s(%.*s %.*s *)", tool, STR_ARG(program), STR_ARG(next));
}
