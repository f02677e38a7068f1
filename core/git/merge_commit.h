// SPDX-License-Identifier: MIT
// Making commits as git would: whose they are, what they say, and signed when git would sign them.
#ifndef SWARMD_CORE_GIT_MERGE_COMMIT_H
#define SWARMD_CORE_GIT_MERGE_COMMIT_H

#include "core/git/merge_parts.h"

struct merge_author {
    git_signature *author, *committer;
};

// From configuration ("Name <address>" or NULL), GIT_AUTHOR_* and GIT_COMMITTER_*, and git's
// user.name and user.email.
bool author_find(struct merge_author *author, git_repository *repository, const char *configured,
                 struct err *err);
void author_release(struct merge_author *author);

// The proposal, or what the person wrote, with the trailer. mem_free().
char *message_make(const struct merge_spec *spec);
// The first line.
struct str message_subject(const char *message);

// author NULL: the committer's own. ERR_REPOSITORY also when it is to be signed and cannot be.
bool commit_make(git_repository *repository, const struct merge_author *by,
                 const git_signature *author, const char *message, const git_oid *tree,
                 const git_oid *parents, size_t parent_count, git_oid *id, struct err *err);

// For a dry run.
bool commit_make_unsigned(git_repository *repository, const struct merge_author *by,
                          const char *message, const git_oid *tree, const git_oid *parents,
                          size_t parent_count, git_oid *id, struct err *err);

// --- merge_sign.c ---
// The signature of `payload` as gpg.format, user.signingkey and their like say. mem_free().
bool sign_is_wanted(git_repository *repository);
char *sign_make(git_repository *repository, const git_signature *committer, struct str payload,
                struct err *err);

#endif
