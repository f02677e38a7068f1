// SPDX-License-Identifier: MIT
#include "core/base/sha1.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64 };

static uint32_t rotate(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

static void add_block(uint32_t state[5], const unsigned char block[BLOCK])
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999U
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1U
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcU
                              : (b ^ c ^ d) + 0xca62c1d6U;
        uint32_t next = rotate(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1(struct str bytes, unsigned char out[SHA1_SIZE])
{
    uint32_t state[5] = {0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
    uint64_t bits = (uint64_t)bytes.len * 8;
    for (; bytes.len >= BLOCK; bytes = str_skip(bytes, BLOCK))
        add_block(state, (const unsigned char *)bytes.data);
    unsigned char last[2 * BLOCK] = {0};
    if (bytes.len)
        memcpy(last, bytes.data, bytes.len);
    last[bytes.len] = 0x80;
    size_t size = bytes.len + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    for (int i = 0; i < 8; i++)
        last[size - 1 - (size_t)i] = (unsigned char)(bits >> (8 * i));
    for (size_t at = 0; at < size; at += BLOCK)
        add_block(state, last + at);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 4; k++)
            out[4 * i + k] = (unsigned char)(state[i] >> (24 - 8 * k));
}
