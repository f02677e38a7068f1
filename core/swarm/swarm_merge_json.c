// SPDX-License-Identifier: MIT
// What is answered about a merge.
#include "core/base/mem.h"
#include "core/swarm/swarm_merge.h"

static void put_files(struct json_writer *w, const struct merge_plan *plan)
{
    json_key(w, "files");
    json_begin_array(w);
    for (size_t i = 0; plan->files && i < plan->file_count && i < MERGE_FILES_MAX; i++) {
        json_begin_object(w);
        json_add_cstr(w, "path", plan->files[i].path);
        json_add_cstr(w, "status", plan->files[i].status);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_dirty(struct json_writer *w, const struct merge_plan *plan)
{
    json_begin_array(w);
    for (size_t i = 0; i < plan->dirty_count; i++) {
        json_begin_object(w);
        json_add_cstr(w, "path", plan->dirty[i].path);
        json_add_cstr(w, "kind", plan->dirty[i].why);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_conflicts(struct json_writer *w, const struct merge_plan *plan)
{
    json_begin_array(w);
    for (size_t i = 0; i < plan->conflict_count; i++) {
        const struct merge_conflict *conflict = &plan->conflicts[i];
        json_begin_object(w);
        json_add_cstr(w, "path", conflict->path);
        json_add_cstr(w, "kind", conflict->kind);
        if (conflict->other)
            json_add_cstr(w, "other", conflict->other);
        if (conflict->text)
            json_add_cstr(w, "text", conflict->text);
        if (conflict->cut)
            json_add_bool(w, "cut", true);
        json_end_object(w);
    }
    json_end_array(w);
}

void merge_write_answer(const struct agent_merge *merge, struct buf *out)
{
    const struct merge_plan *plan = &merge->plan;
    struct json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_add_cstr(&w, "commit", *plan->new_id && !plan->marked ? plan->new_id : NULL);
    json_add_cstr(&w, merge->update ? "from" : "into", plan->into);
    if (!merge->update)
        json_add_cstr(&w, "strategy", merge_strategy_names[merge->spec.strategy]);
    put_files(&w, plan);
    json_add_int(&w, "fileCount", (int64_t)plan->file_count);
    json_add_int(&w, "uncommitted", (int64_t)plan->uncommitted);
    json_add_bool(&w, "upToDate", plan->nothing);
    if (merge->update) {
        json_key(&w, "conflicts");
        put_conflicts(&w, plan);
    } else {
        json_add_cstr(&w, "message", plan->message);
    }
    if (merge->spec.dry_run && !merge->update) {
        json_key(&w, "dirty");
        put_dirty(&w, plan);
    }
    json_end_object(&w);
}

void merge_write_failure(const struct agent_merge *merge, struct buf *out)
{
    const struct merge_plan *plan = &merge->plan;
    struct json_writer w;
    json_writer_init(&w, out);
    if (merge->job.err.kind == ERR_CONFLICT && plan->conflict_count)
        put_conflicts(&w, plan);
    else if (merge->job.err.kind == ERR_DIRTY && plan->dirty_count)
        put_dirty(&w, plan);
}

char *merge_last_answer(struct str items)
{
    char *last = NULL;
    while (items.len) {
        const char *end = memchr(items.data, '\n', items.len);
        struct str line = str_from(items.data, end ? (size_t)(end - items.data) : items.len);
        items = str_skip(items, line.len + (end != NULL));
        struct arena arena;
        struct json *json;
        struct err ignored;
        arena_init(&arena, 64 << 20);
        if (json_parse(&json, &arena, line, &ignored) &&
            str_is(json_str(json, "kind"), "assistant") && str_trim(json_str(json, "text")).len) {
            mem_free(last);
            last = mem_dup(json_str(json, "text"));
        }
        arena_release(&arena);
    }
    return last;
}
