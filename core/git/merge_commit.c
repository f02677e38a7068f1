// SPDX-License-Identifier: MIT
#include "core/git/merge_commit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/git/repository.h"

#include <git2/sys/commit.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_MAX = 72, ANSWER_MAX = 4000, PARENTS_MAX = 2 };

// --- whose ---

// "Name <address>"
static int signature_read(git_signature **out, const char *text)
{
    git_signature *read = NULL;
    int code = git_signature_from_buffer(&read, text);
    if (code == 0) // which takes a time from the text, and there is none
        code = git_signature_now(out, read->name, read->email);
    git_signature_free(read);
    return code;
}

static int signature_of(git_signature **out, git_repository *repository, const char *name_variable,
                        const char *email_variable)
{
    const char *name = getenv(name_variable), *email = getenv(email_variable);
    git_signature *configured = NULL;
    if (name && *name && email && *email)
        return git_signature_now(out, name, email);
    int code = git_signature_default(&configured, repository);
    if (code == 0)
        code = git_signature_now(out, name && *name ? name : configured->name,
                                 email && *email ? email : configured->email);
    git_signature_free(configured);
    return code;
}

bool author_find(struct merge_author *author, git_repository *repository, const char *configured,
                 struct err *err)
{
    *author = (struct merge_author){0};
    int code =
        signature_of(&author->committer, repository, "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL");
    if (code == 0 && configured)
        code = signature_read(&author->author, configured);
    else if (code == 0)
        code = signature_of(&author->author, repository, "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL");
    return code == 0 ||
           git_fail(err, ERR_REPOSITORY,
                    "a commit needs to say whose it is; tell git who you are: git config --global "
                    "user.name '...' and user.email '...'");
}

void author_release(struct merge_author *author)
{
    git_signature_free(author->author);
    git_signature_free(author->committer);
    *author = (struct merge_author){0};
}

// --- what it says ---

struct str message_subject(const char *message)
{
    return str_from(message, strcspn(message, "\n"));
}

// One line of the text, at a word's end where one is near.
static void add_subject(struct buf *out, const char *task)
{
    struct str line = STR_NONE;
    for (const char *at = task; line.len == 0 && *at;
         at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n'))
        line = str_trim(str_from(at, strcspn(at, "\n")));
    if (line.len == 0)
        line = STR("Work of an agent");
    if (line.len <= SUBJECT_MAX) {
        buf_add_str(out, line);
        return;
    }
    struct str cut = utf8_cut(line, SUBJECT_MAX - 3);
    const char *space = memrchr(cut.data, ' ', cut.len);
    if (space && space > cut.data + SUBJECT_MAX / 2)
        cut.len = (size_t)(space - cut.data);
    buf_add_str(out, cut);
    buf_add_str(out, STR("..."));
}

static void add_trailer(struct buf *out, const char *co_author)
{
    if (!co_author || (out->len && str_find(buf_str(out), str_of(co_author)) >= 0))
        return;
    // A block of trailers that is there already goes on.
    struct str text = buf_str(out);
    const char *last = text.len ? memrchr(text.data, '\n', text.len) : NULL;
    bool goes_on = last && str_starts(str_from(last + 1, text.len - (size_t)(last + 1 - text.data)),
                                      STR("Co-authored-by: "));
    buf_add_str(out, goes_on ? STR("\n") : STR("\n\n"));
    buf_addf(out, "Co-authored-by: %s", co_author);
}

char *message_make(const struct merge_spec *spec)
{
    struct buf text;
    buf_init(&text, MERGE_MESSAGE_MAX);
    if (spec->message) {
        buf_add_str(&text, utf8_cut(str_trim(str_of(spec->message)), MERGE_MESSAGE_MAX - 1024));
    } else {
        struct str answer = str_trim(str_of(spec->answer));
        add_subject(&text, spec->task ? spec->task : "");
        if (answer.len) {
            buf_add_str(&text, STR("\n\n"));
            buf_add_str(&text, str_trim(utf8_cut(answer, ANSWER_MAX)));
        }
    }
    add_trailer(&text, spec->co_author);
    buf_add_char(&text, '\n');
    return buf_detach(&text, NULL);
}

// --- making ---

static bool make(git_repository *repository, const struct merge_author *by,
                 const git_signature *author, const char *message, git_tree *tree,
                 const git_commit **parents, size_t parent_count, git_oid *id, struct err *err)
{
    git_buf text = GIT_BUF_INIT;
    if (git_commit_create_buffer(&text, repository, author, by->committer, NULL, message, tree,
                                 parent_count, parents) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot make a commit");
    bool ok = true, sign = sign_is_wanted(repository);
    char *signature = NULL;
    if (sign) {
        signature = sign_make(repository, by->committer, str_from(text.ptr, text.size), err);
        ok = signature != NULL;
    }
    if (ok && git_commit_create_with_signature(id, repository, text.ptr, signature, NULL) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot write a commit to %s",
                      git_repository_path(repository));
    mem_free(signature);
    git_buf_dispose(&text);
    return ok;
}

bool commit_make(git_repository *repository, const struct merge_author *by,
                 const git_signature *author, const char *message, const git_oid *tree_id,
                 const git_oid *parents, size_t parent_count, git_oid *id, struct err *err)
{
    git_tree *tree = NULL;
    git_commit *commits[PARENTS_MAX] = {NULL};
    int code = git_tree_lookup(&tree, repository, tree_id);
    for (size_t i = 0; code == 0 && i < parent_count && i < PARENTS_MAX; i++)
        code = git_commit_lookup(&commits[i], repository, &parents[i]);
    bool ok = code == 0 || git_fail(err, ERR_REPOSITORY, "cannot make a commit");
    ok = ok && make(repository, by, author ? author : by->author, message, tree,
                    (const git_commit **)commits, parent_count, id, err);
    for (size_t i = 0; i < PARENTS_MAX; i++)
        git_commit_free(commits[i]);
    git_tree_free(tree);
    return ok;
}

bool commit_make_unsigned(git_repository *repository, const struct merge_author *by,
                          const char *message, const git_oid *tree, const git_oid *parents,
                          size_t parent_count, git_oid *id, struct err *err)
{
    const git_oid *each[PARENTS_MAX] = {parents, parents ? parents + 1 : NULL};
    return git_commit_create_from_ids(id, repository, NULL, by->author, by->committer, NULL,
                                      message, tree, parent_count, each) == 0 ||
           git_fail(err, ERR_REPOSITORY, "cannot make a commit");
}
