// SPDX-License-Identifier: MIT
// Any bytes become valid text of bounded size, and by pieces the same as at once.
//
// The first byte is the size of the pieces.
#include "tests/fuzz/fuzz.h"

#include "core/base/utf8.h"
#include "core/tools/plain_text.h"

const struct str fuzz_corpus[] = {
    STR("\x03"
        " 1%\r 50%\r100%\x1b[K\ndone\n"),
    STR("\x01"
        "\x1b[1;31merror\x1b[0m\x1b]8;;x\x1b\\l\x1b]0;t\x07 \x1b[16Cx\x1b[2K\x1b[9G\n"),
    STR("\x02"
        "_\bo_\bp N\bNA\bA\xC3\xA9\xF0\x9F\x98\x80\xFF\xFE\n\0\0\0\0\0\nx\n"),
    STR("\x05"
        "\xFF\xFE\0\0\xFF\nab\n\n\x01 cd\nef\n\0\0\xFF\xFE\nlast\n"),
    STR_NONE,
};

static void convert(struct str bytes, size_t step, struct buf *out)
{
    struct plain_text plain;
    plain_text_init(&plain);
    buf_init(out, PLAIN_TEXT_GROWTH * bytes.len + PLAIN_TEXT_SLACK);
    for (; bytes.len > step; bytes = str_skip(bytes, step))
        plain_text_add(&plain, str_from(bytes.data, step), out);
    plain_text_add(&plain, bytes, out);
    plain_text_end(&plain, out);
    fuzz_check(!out->overflow && utf8_is_valid(buf_str(out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || data[0] == 0)
        return 0;
    struct str bytes = str_from((const char *)data + 1, size - 1);
    struct buf whole, pieces;
    convert(bytes, bytes.len, &whole);
    convert(bytes, data[0], &pieces);
    fuzz_check(str_equal(buf_str(&whole), buf_str(&pieces)));
    buf_release(&whole);
    buf_release(&pieces);
    return 0;
}
