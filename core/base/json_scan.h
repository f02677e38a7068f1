// SPDX-License-Identifier: MIT
// How the JSON reader and writer find the end of a run of plain characters.
#ifndef SWARMD_CORE_BASE_JSON_SCAN_H
#define SWARMD_CORE_BASE_JSON_SCAN_H

#include <stdbool.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// What may not stand in a JSON string as it is.
static inline bool json_is_special(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

// The first special character from p on, or end. Sets *high when a byte before it (or a few
// bytes after it) is not ASCII; leaves it alone otherwise.
static inline const char *json_skip_plain(const char *p, const char *end, bool *high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
        special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        if (_mm_movemask_epi8(bytes))
            *high = true;
        int found = _mm_movemask_epi8(special);
        if (found)
            return p + __builtin_ctz((unsigned)found);
    }
#endif
    for (; p < end && !json_is_special(*p); p++)
        if ((unsigned char)*p >= 0x80)
            *high = true;
    return p;
}

#endif
