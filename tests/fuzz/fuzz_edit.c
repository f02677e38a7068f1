// SPDX-License-Identifier: MIT
// Edits of any text: all or none, and one that fits replaces exactly its piece.
//
// An input is pieces between 0x1F bytes: the text, then old and new text of each edit in turn; an
// old text that begins with 0x01 is for every place.
#include "tests/fuzz/fuzz.h"

#include "core/base/buf.h"
#include "core/base/text_diff.h"
#include "core/base/utf8.h"
#include "core/tools/edit.h"

enum { EDITS_MAX = 8, RESULT_MAX = 1 << 16, DIFF_MAX = 1000 };

const struct str fuzz_corpus[] = {
    STR("one\ntwo\nthree\n\x1Ftwo\x1FTWO"),
    STR("a b c\x1F"
        "c\x1F"
        "C\x1F"
        "a\x1F"
        "AA"),
    STR("a\r\nb\r\nc\r\n\x1F"
        "a\nb\x1Fx\ny\nz"),
    STR("x x x\x1F\x01x\x1Fyy"),
    STR("\xEF\xBB\xBF"
        "a\nb\r\n\x1F"
        "b\n\x1F\n"),
    STR("aaaa\x1F\x01"
        "aa\x1F"
        "b\x1F"
        "aaaa\x1F"),
    STR_NONE,
};

static struct str next_piece(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->data, 0x1F, rest->len) : NULL;
    struct str piece = str_from(rest->data, end ? (size_t)(end - rest->data) : rest->len);
    *rest = str_skip(*rest, piece.len + (end ? 1 : 0));
    return piece;
}

static bool has_cr(struct str s)
{
    return s.len && memchr(s.data, '\r', s.len);
}

// Without CR a single edit must do what a plain search and replace does.
static void check_one(struct str text, const struct edit *edit, struct str result)
{
    long at = str_find(text, edit->old_text);
    if (has_cr(text) || has_cr(edit->old_text) || has_cr(edit->new_text) || edit->all)
        return;
    fuzz_check(at >= 0);
    struct str after = str_skip(text, (size_t)at + edit->old_text.len);
    fuzz_check(result.len == (size_t)at + edit->new_text.len + after.len);
    fuzz_check(str_starts(result, str_from(text.data, (size_t)at)));
    fuzz_check(str_starts(str_skip(result, (size_t)at), edit->new_text));
    fuzz_check(str_ends(result, after));
}

// Nor do several that are for one place each change more bytes than theirs.
static void check_len(struct str text, const struct edit *edits, size_t count, size_t len)
{
    size_t gone = 0, added = 0;
    bool simple = !has_cr(text);
    for (size_t i = 0; i < count; i++) {
        gone += edits[i].old_text.len;
        added += edits[i].new_text.len;
        simple =
            simple && !edits[i].all && !has_cr(edits[i].old_text) && !has_cr(edits[i].new_text);
    }
    fuzz_check(!simple || len == text.len - gone + added);
}

static void check_diff(struct str before, struct str after)
{
    struct buf diff;
    buf_init(&diff, 1 << 20);
    text_diff(&diff, "f", before.data ? before : STR(""), after, DIFF_MAX);
    fuzz_check((diff.len == 0) == str_equal(before, after));
    fuzz_check(!diff.overflow && utf8_is_valid(buf_str(&diff)));
    buf_release(&diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from((const char *)data, size);
    struct str text = next_piece(&rest);
    struct edit edits[EDITS_MAX];
    size_t count = 0, replaced = 0;
    while (rest.len && count < EDITS_MAX) {
        struct edit *edit = &edits[count++];
        edit->old_text = next_piece(&rest);
        edit->all = str_starts(edit->old_text, STR("\x01"));
        if (edit->all)
            edit->old_text = str_skip(edit->old_text, 1);
        edit->new_text = next_piece(&rest);
    }
    struct buf out;
    struct err err = {0};
    buf_init(&out, RESULT_MAX);
    if (edit_apply(text, edits, count, &out, &replaced, &err)) {
        fuzz_check(replaced >= count && err.kind == ERR_NONE);
        if (count == 1)
            check_one(text, &edits[0], out.len ? buf_str(&out) : STR(""));
        check_len(text, edits, count, out.len);
        check_diff(text, buf_str(&out));
    } else {
        fuzz_check(err.kind != ERR_NONE && strstr(err.message, "edit"));
    }
    buf_release(&out);
    return 0;
}
