// SPDX-License-Identifier: MIT
#include "core/worktree_checkout.h"

#include "core/mem.h"
#include "core/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct checkout {
    git_repository *repository;
    git_index *index;
    git_filter_options filters;
    const char *top;     // for messages
    char path[PATH_MAX]; // of the entry at hand, below top
    int depth;
    struct err *err;
};

static bool cannot_read(struct checkout *c)
{
    return git_fail(c->err, ERR_WORKTREE, "cannot read %s of the base commit", c->path);
}

static bool cannot_write(struct checkout *c)
{
    return err_set_errno(c->err, ERR_WORKTREE, errno, "cannot write %s/%s", c->top, c->path);
}

static uint32_t low(int64_t value)
{
    return (uint32_t)value; // git's index has 32 bits of everything and compares only those
}

static bool add_to_index(struct checkout *c, const git_tree_entry *entry, const struct stat *st)
{
    git_index_entry item = {
        .ctime = {(int32_t)st->st_ctim.tv_sec, low(st->st_ctim.tv_nsec)},
        .mtime = {(int32_t)st->st_mtim.tv_sec, low(st->st_mtim.tv_nsec)},
        .dev = low((int64_t)st->st_dev),
        .ino = low((int64_t)st->st_ino),
        .uid = st->st_uid,
        .gid = st->st_gid,
        .file_size = low(st->st_size),
        .mode = git_tree_entry_filemode(entry),
        .id = *git_tree_entry_id(entry),
        .path = c->path,
    };
    return git_index_add(c->index, &item) == 0 ||
           git_fail(c->err, ERR_WORKTREE, "cannot put %s into the index", c->path);
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static bool write_content(struct checkout *c, const git_tree_entry *entry, int folder,
                          const char *data, size_t len)
{
    bool executable = git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE;
    int fd = openat(folder, git_tree_entry_name(entry),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, executable ? 0777 : 0666);
    if (fd < 0)
        return cannot_write(c);
    struct stat st;
    bool ok = write_all(fd, data, len) && fstat(fd, &st) == 0;
    int code = errno;
    if (close(fd) < 0 && ok) {
        code = errno; // full disks of some file systems show here
        ok = false;
    }
    errno = code;
    return ok ? add_to_index(c, entry, &st) : cannot_write(c);
}

static bool write_file(struct checkout *c, const git_tree_entry *entry, int folder, git_blob *blob)
{
    git_filter_list *filters = NULL;
    git_buf filtered = GIT_BUF_INIT;
    bool ok;
    if (git_filter_list_load_ext(&filters, c->repository, blob, c->path, GIT_FILTER_TO_WORKTREE,
                                 &c->filters) < 0)
        ok = cannot_read(c);
    else if (!filters)
        ok = write_content(c, entry, folder, git_blob_rawcontent(blob),
                           (size_t)git_blob_rawsize(blob));
    else if (git_filter_list_apply_to_blob(&filtered, filters, blob) < 0)
        ok = cannot_read(c);
    else
        ok = write_content(c, entry, folder, filtered.ptr, filtered.size);
    git_buf_dispose(&filtered);
    git_filter_list_free(filters);
    return ok;
}

static bool write_link(struct checkout *c, const git_tree_entry *entry, int folder, git_blob *blob)
{
    const char *name = git_tree_entry_name(entry);
    char *target = mem_dup(str_from(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)));
    struct stat st;
    bool ok = symlinkat(target, folder, name) == 0 &&
              fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int code = errno;
    mem_free(target);
    errno = code;
    return ok ? add_to_index(c, entry, &st) : cannot_write(c);
}

static bool write_blob(struct checkout *c, const git_tree_entry *entry, int folder)
{
    git_blob *blob = NULL;
    if (git_blob_lookup(&blob, c->repository, git_tree_entry_id(entry)) < 0)
        return cannot_read(c);
    bool link = git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK;
    bool ok = (link ? write_link : write_file)(c, entry, folder, blob);
    git_blob_free(blob);
    return ok;
}

// Its files are another repository's: an empty folder, as git leaves it.
static bool write_submodule(struct checkout *c, const git_tree_entry *entry, int folder)
{
    struct stat st;
    if (mkdirat(folder, git_tree_entry_name(entry), 0777) < 0 ||
        fstatat(folder, git_tree_entry_name(entry), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cannot_write(c);
    st.st_size = 0;
    return add_to_index(c, entry, &st);
}

static bool write_tree(struct checkout *c, const git_tree *tree, int folder, size_t prefix);

static bool write_folder(struct checkout *c, const git_tree_entry *entry, int folder, size_t len)
{
    const char *name = git_tree_entry_name(entry);
    if (c->depth == CHECKOUT_DEPTH_MAX || len + 1 >= sizeof c->path)
        return err_set(c->err, ERR_WORKTREE, "the base commit has folders nested deeper than %d",
                       CHECKOUT_DEPTH_MAX);
    if (mkdirat(folder, name, 0777) < 0)
        return cannot_write(c);
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cannot_write(c);
    git_tree *tree = NULL;
    bool ok =
        git_tree_lookup(&tree, c->repository, git_tree_entry_id(entry)) == 0 || cannot_read(c);
    if (ok) {
        c->path[len] = '/';
        c->depth++;
        ok = write_tree(c, tree, fd, len + 1);
        c->depth--;
    }
    git_tree_free(tree);
    close(fd);
    return ok;
}

// A commit can be made with any names; git itself refuses these.
static bool is_safe(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcasecmp(name, ".git") != 0;
}

static bool write_entry(struct checkout *c, const git_tree_entry *entry, int folder, size_t prefix)
{
    const char *name = git_tree_entry_name(entry);
    size_t len = strlen(name);
    if (!is_safe(name) || prefix + len >= sizeof c->path)
        return err_set(c->err, ERR_WORKTREE,
                       "the base commit has a file of the name '%s' in '%.*s'", name, (int)prefix,
                       c->path);
    memcpy(c->path + prefix, name, len + 1);
    switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_TREE:
        return write_folder(c, entry, folder, prefix + len);
    case GIT_FILEMODE_COMMIT:
        return write_submodule(c, entry, folder);
    default:
        return write_blob(c, entry, folder);
    }
}

static bool write_tree(struct checkout *c, const git_tree *tree, int folder, size_t prefix)
{
    bool ok = true;
    for (size_t i = 0; ok && i < git_tree_entrycount(tree); i++)
        ok = write_entry(c, git_tree_entry_byindex(tree, i), folder, prefix);
    return ok;
}

// An index without its repository: libgit2 would else read each new file once more, for its time
// is as young as the index.
static bool open_index(struct checkout *c)
{
    char *file = mem_format("%sindex", git_repository_path(c->repository));
    bool ok = git_index_open(&c->index, file) == 0 ||
              git_fail(c->err, ERR_WORKTREE, "cannot make %s", file);
    mem_free(file);
    return ok;
}

bool worktree_checkout(git_repository *tree, const char *path, const char *commit_id,
                       struct err *err)
{
    struct checkout *c = mem_new(sizeof *c);
    *c = (struct checkout){.repository = tree, .top = path, .err = err};
    c->filters.version = GIT_FILTER_OPTIONS_VERSION;
    c->filters.flags = GIT_FILTER_ATTRIBUTES_FROM_COMMIT;
    git_commit *commit = NULL;
    git_tree *files = NULL;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = folder >= 0 || cannot_write(c);
    if (ok && (git_oid_fromstr(&c->filters.attr_commit_id, commit_id) < 0 ||
               git_commit_lookup(&commit, tree, &c->filters.attr_commit_id) < 0 ||
               git_commit_tree(&files, commit) < 0))
        ok = git_fail(err, ERR_WORKTREE, "cannot read the base commit %s", commit_id);
    ok = ok && open_index(c) && write_tree(c, files, folder, 0);
    if (ok && git_index_write(c->index) < 0)
        ok = git_fail(err, ERR_WORKTREE, "cannot write the index of %s", path);
    if (folder >= 0)
        close(folder);
    git_index_free(c->index);
    git_tree_free(files);
    git_commit_free(commit);
    mem_free(c);
    return ok;
}
