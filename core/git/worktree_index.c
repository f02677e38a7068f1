// SPDX-License-Identifier: MIT
#include "core/git/worktree_index.h"

#include "core/base/sha1.h"
#include "core/git/worktree_record.h"

#include <git2.h>
#include <string.h>

enum {
    FLAG_EXTENDED = 0x4000,
    FLAG_SKIP = 0x4000, // of the extended ones: not in the worktree
    NAME_LEN_MAX = 0xfff,
};

static void put32(struct buf *out, uint32_t value)
{
    const char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
                           (char)value};
    buf_add(out, bytes, sizeof bytes);
}

static void put16(struct buf *out, unsigned value)
{
    const char bytes[2] = {(char)(value >> 8), (char)value};
    buf_add(out, bytes, sizeof bytes);
}

static void put_entry(struct buf *out, const struct plan_entry *entry)
{
    static const char zeros[8];
    size_t begin = out->len;
    const struct plan_stat *st = &entry->stat;
    const uint32_t words[] = {st->ctime_s, st->ctime_ns, st->mtime_s, st->mtime_ns, st->dev,
                              st->ino,     entry->mode,  st->uid,     st->gid,      st->size};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        put32(out, words[i]);
    buf_add(out, entry->id, GIT_OID_RAWSZ);
    put16(out, (entry->len < NAME_LEN_MAX ? entry->len : NAME_LEN_MAX) |
                   (entry->skipped ? FLAG_EXTENDED : 0));
    if (entry->skipped)
        put16(out, FLAG_SKIP);
    buf_add(out, entry->path, entry->len);
    buf_add(out, zeros, 8 - (out->len - begin) % 8);
}

// The trees that the index stands for, so that git does not make them anew for status and commit.
static void put_trees(struct buf *out, const struct plan *plan)
{
    for (size_t i = 0; i < plan->folder_count; i++)
        if (plan->folders[i].entries == 0 && i > 0)
            return; // an empty tree is not what the index would make
    size_t begin = out->len;
    buf_add_str(out, STR("TREE"));
    put32(out, 0);
    for (size_t i = 0; i < plan->folder_count; i++) {
        const struct plan_folder *folder = &plan->folders[i];
        buf_add(out, folder->path + folder->name, folder->len - folder->name + 1);
        buf_addf(out, "%u %u\n", folder->entries, folder->folders);
        buf_add(out, folder->id, GIT_OID_RAWSZ);
    }
    struct buf size;
    buf_init(&size, 8);
    put32(&size, (uint32_t)(out->len - begin - 8));
    if (!out->overflow)
        memcpy(out->data + begin + 4, size.data, 4);
    buf_release(&size);
}

bool plan_write_index(const struct plan *plan, const char *file, struct err *err)
{
    struct buf out;
    bool skipped = false;
    for (size_t i = 0; i < plan->count; i++)
        skipped |= plan->entries[i].skipped;
    buf_init(&out, INDEX_BYTES_MAX);
    buf_add_str(&out, STR("DIRC"));
    put32(&out, skipped ? 3 : 2);
    put32(&out, (uint32_t)plan->count);
    for (size_t i = 0; i < plan->count; i++)
        put_entry(&out, &plan->entries[i]);
    put_trees(&out, plan);
    bool ok = !out.overflow;
    if (ok) {
        unsigned char sum[SHA1_SIZE];
        sha1(buf_str(&out), sum);
        buf_add(&out, sum, sizeof sum);
        ok = small_file_write(file, buf_str(&out), err);
    } else {
        err_set(err, ERR_LIMIT, "the index of the worktree would be larger than 2 GiB");
    }
    buf_release(&out);
    return ok;
}
