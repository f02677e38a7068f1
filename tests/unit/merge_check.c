// SPDX-License-Identifier: MIT
// Merges commits as swarmd does, for tests/functional/test_merge_differential.py:
//   merge_check <repository>, then lines "<ours> <theirs>" on stdin
// One line each on stdout: "clean <tree>", "conflict <JSON array of paths>" or "error <why>".
#include "core/base/json.h"
#include "core/git/merge_parts.h"
#include "core/git/repository.h"

#include <stdio.h>

static void print_conflicts(const struct merge_result *result)
{
    struct buf line;
    struct json_writer w;
    buf_init(&line, 64 << 20);
    json_writer_init(&w, &line);
    json_begin_array(&w);
    for (size_t i = 0; i < result->count; i++) {
        if (!result->paths[i].conflict)
            continue;
        json_begin_object(&w);
        json_add_cstr(&w, "path", result->paths[i].path);
        json_add_cstr(&w, "other", result->paths[i].other);
        json_add_cstr(&w, "kind", result->paths[i].conflict);
        json_end_object(&w);
    }
    json_end_array(&w);
    printf("conflict %s\n", line.data);
    buf_release(&line);
}

static void merge(git_repository *repository, const char *ours, const char *theirs)
{
    struct merge_result result;
    struct err err = {0};
    git_oid a, b, tree;
    git_tree *our_tree = NULL;
    merge_result_init(&result, repository, "ours", "theirs");
    bool ok = git_oid_fromstr(&a, ours) == 0 && git_oid_fromstr(&b, theirs) == 0 &&
              merge_histories(&result, NULL, &a, &b, &err);
    if (ok && result.conflicts)
        print_conflicts(&result);
    else if (ok && merge_tree_of(&our_tree, repository, &a, &err) &&
             merge_write(&result, our_tree, &tree, &err))
        printf("clean %s\n", git_oid_tostr_s(&tree));
    else
        printf("error %s\n", err.message);
    fflush(stdout);
    git_tree_free(our_tree);
    merge_result_release(&result);
}

int main(int argc, char **argv)
{
    git_repository *repository = NULL;
    struct err err = {0};
    char ours[65], theirs[65];
    if (argc != 2 || !git_start(&err) || !repository_open(&repository, argv[1], true, &err)) {
        fprintf(stderr, "merge_check: %s\n", err.message);
        return 1;
    }
    while (scanf("%64s %64s", ours, theirs) == 2)
        merge(repository, ours, theirs);
    git_repository_free(repository);
    git_stop();
    return 0;
}
