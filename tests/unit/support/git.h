// SPDX-License-Identifier: MIT
// Real repositories, made with the git command line. Include after tests/unit/support/unit.h.
#ifndef SWARMD_TESTS_GIT_H
#define SWARMD_TESTS_GIT_H

// HOME and git's environment are a test's own from here on; starts libgit2.
int git_test_setup(void **state);
int git_test_teardown(void **state);

// Runs a line of sh; the test fails, with the output, when the line does.
void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
// What it printed, without the newline at the end; freed by the teardown.
const char *sh_output(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sh_succeeds(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A fresh path below a temporary folder: "<temp>/<name>".
const char *git_test_path(const char *name);
// A repository there with one commit on main: README ("hello\n"), run.sh (executable), a symlink
// and sub/deep/file.
const char *git_test_repository(const char *name);

#endif
