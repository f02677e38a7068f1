// SPDX-License-Identifier: MIT
#include "core/git/merge_index.h"

#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/repository.h"
#include "core/git/worktree_git.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/repository.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INDEX_BYTES_MAX = 1 << 30 };

bool index_copy(const char *from_path, const char *to_path, struct err *err)
{
    struct buf bytes;
    buf_init(&bytes, INDEX_BYTES_MAX);
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    int to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    struct stat st;
    bool ok = from >= 0 && to >= 0 && fstat(from, &st) == 0;
    if (ok)
        ok = file_load_fd(from, from_path, &bytes, err) && file_write(to, buf_str(&bytes), err);
    else
        err_set_errno(err, ERR_REPOSITORY, errno, "cannot copy the index %s", from_path);
    if (ok)
        fchmod(to, st.st_mode & 0777);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    buf_release(&bytes);
    return ok;
}

bool index_write_out(git_repository *repository, const char *to, struct err *err)
{
    static const char *const arguments[] = {"-c",
                                            "core.splitIndex=false",
                                            "-c",
                                            "index.sparse=false",
                                            "update-index",
                                            "--no-split-index",
                                            "--force-write-index",
                                            NULL};
    const struct git_command command = {
        .arguments = arguments, .why = "a split or sparse index", .index = to};
    char *path = mem_format("%sindex", git_repository_path(repository));
    bool ok = index_copy(path, to, err) && git_run(repository, &command, err);
    mem_free(path);
    return ok;
}

bool index_prepare(git_repository *repository, const char *name, struct err *err)
{
    git_index *index = NULL;
    int code = git_repository_index(&index, repository);
    git_index_free(index);
    if (code == 0 || !repository_index_is_foreign())
        return code == 0 || git_fail(err, ERR_REPOSITORY, "cannot read the index of %s",
                                     git_repository_workdir(repository));
    char *copy = mem_format("%sswarmd-%s.index", git_repository_path(repository), name);
    index = NULL;
    bool ok =
        index_write_out(repository, copy, err) &&
        ((git_index_open(&index, copy) == 0 && git_repository_set_index(repository, index) == 0) ||
         git_fail(err, ERR_REPOSITORY, "cannot read the index of %s, which git wrote out",
                  git_repository_workdir(repository)));
    git_index_free(index);
    unlink(copy); // it has been read
    mem_free(copy);
    return ok;
}

bool index_is_written_out(git_repository *repository)
{
    git_index *index = NULL;
    bool other = false;
    if (git_repository_index(&index, repository) == 0) {
        const char *path = git_index_path(index);
        size_t len = path ? strlen(path) : 0;
        other = len < 6 || strcmp(path + len - 6, "/index") != 0;
    }
    git_index_free(index);
    return other;
}
