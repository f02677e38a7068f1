// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/git/worktree.h"
#include "tests/unit/support/git.h"

enum { STRINGS_MAX = 512, OUTPUT_MAX = 1 << 16 };

static char *strings[STRINGS_MAX];
static int string_count;

// libgit2 1.5 forgets a match of PCRE2 for each name in .gitmodules that it looks at.
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libpcre2-8.so\n";
}

static const char *keep(char *string)
{
    if (string_count == STRINGS_MAX)
        abort();
    return strings[string_count++] = string;
}

int git_test_setup(void **state)
{
    (void)state;
    setenv("HOME", unit_temp_folder(), 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("LC_ALL", "C", 1);
    const char *const unset[] = {"XDG_CONFIG_HOME", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"};
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    sh("git config --global user.name Test && git config --global user.email test@localhost && "
       "git config --global init.defaultBranch main && "
       "git config --global protocol.file.allow always && git config --global gc.auto 0");
    struct err err;
    return git_start(&err) ? 0 : -1;
}

int git_test_teardown(void **state)
{
    (void)state;
    git_stop();
    while (string_count)
        mem_free(strings[--string_count]);
    return 0;
}

static int run(const char *line, char *output)
{
    char *whole = mem_format("exec 2>&1; %s", line);
    FILE *pipe = popen(whole, "r");
    mem_free(whole);
    size_t len = fread(output, 1, OUTPUT_MAX - 1, pipe);
    while (len && output[len - 1] == '\n')
        len--;
    output[len] = '\0';
    return pclose(pipe);
}

static char *__attribute__((format(printf, 1, 0))) vformat(const char *format, va_list args)
{
    char *line = NULL;
    if (vasprintf(&line, format, args) < 0)
        abort();
    return line;
}

void sh(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *line = vformat(format, args);
    va_end(args);
    char *output = malloc(OUTPUT_MAX);
    if (run(line, output) != 0)
        fail_msg("%s\n%s", line, output);
    free(output);
    free(line);
}

const char *sh_output(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *line = vformat(format, args);
    va_end(args);
    char *output = malloc(OUTPUT_MAX);
    if (run(line, output) != 0)
        fail_msg("%s\n%s", line, output);
    free(line);
    return keep(output);
}

bool sh_succeeds(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *line = vformat(format, args);
    va_end(args);
    char *output = malloc(OUTPUT_MAX);
    bool ok = run(line, output) == 0;
    free(output);
    free(line);
    return ok;
}

const char *git_test_path(const char *name)
{
    return keep(mem_format("%s/%s", unit_temp_folder(), name));
}

const char *git_test_repository(const char *name)
{
    const char *path = git_test_path(name);
    sh("git init -q '%s' && cd '%s' && echo hello > README && echo '#!/bin/sh' > run.sh && "
       "chmod +x run.sh && ln -s README link && mkdir -p sub/deep && echo deep > sub/deep/file && "
       "git add . && git commit -qm first",
       path, path);
    return path;
}
