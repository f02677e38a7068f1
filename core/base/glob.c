// SPDX-License-Identifier: MIT
// Matching backtracks to the newest * and, when that cannot reach further, to the newest **; older
// ones need no second look, since whatever they could skip the newer one can skip too.
#include "core/base/glob.h"

#include "core/base/utf8.h"

#include <ctype.h>
#include <stdint.h>

enum { NOWHERE = -1 };

struct matcher {
    struct str pattern, text;
    unsigned flags;
    size_t p, t;          // where we are
    long star, star_text; // behind the newest *, and how far it reaches
    long deep, deep_text; // the same of the newest **
    long steps;
};

// One character of s at `at`, which is within it: a byte, or with GLOB_CODE_POINT a code point
// where there is a valid one.
static size_t char_at(struct str s, size_t at, unsigned flags, uint32_t *out)
{
    unsigned char c = (unsigned char)s.data[at];
    size_t len = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
    *out = c;
    if (!(flags & GLOB_CODE_POINT) || len == 1 || at + len > s.len ||
        !utf8_is_valid(str_from(s.data + at, len)))
        return 1;
    uint32_t code = c & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s.data[at + i] & 0x3F);
    *out = code;
    return len;
}

static bool in_class(struct str name, uint32_t c)
{
    static const struct {
        const char *name;
        int (*is)(int c);
    } classes[] = {
        {"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
        {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
        {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (str_is(name, classes[i].name))
            return c < 128 && classes[i].is((int)c);
    }
    return false;
}

// A bracket expression while it is read.
struct bracket {
    struct str pattern;
    unsigned flags;
    size_t at;         // the next character
    uint32_t previous; // may begin a range; 0: none
    uint32_t want;
    bool found;
};

// At "[:" when there is a ":]": takes the class. False when it is no class.
static bool take_class(struct bracket *b)
{
    struct str rest = str_skip(b->pattern, b->at);
    if (!str_starts(rest, STR("[:")))
        return false;
    const char *end = memchr(rest.data + 2, ']', rest.len - 2);
    if (!end || end - rest.data < 3 || end[-1] != ':')
        return false;
    struct str name = str_from(rest.data + 2, (size_t)(end - rest.data) - 3);
    b->found |= in_class(name, b->want);
    b->at += (size_t)(end - rest.data) + 1;
    b->previous = 0;
    return true;
}

// One character, escaped or not. False at the end of the pattern.
static bool take_char(struct bracket *b, uint32_t *c)
{
    if (b->at < b->pattern.len && b->pattern.data[b->at] == '\\')
        b->at++;
    if (b->at >= b->pattern.len)
        return false;
    b->at += char_at(b->pattern, b->at, b->flags, c);
    return true;
}

static bool is_range(const struct bracket *b)
{
    return b->previous && b->at + 1 < b->pattern.len && b->pattern.data[b->at] == '-' &&
           b->pattern.data[b->at + 1] != ']';
}

// One member of the set. False when the bracket is never closed.
static bool take_member(struct bracket *b)
{
    uint32_t c;
    if (is_range(b)) {
        b->at++;
        if (!take_char(b, &c))
            return false;
        b->found |= b->want >= b->previous && b->want <= c;
        b->previous = 0;
        return true;
    }
    if (take_class(b))
        return true;
    if (!take_char(b, &c))
        return false;
    b->found |= c == b->want;
    b->previous = c;
    return true;
}

// The set that begins behind '[' at *at. False when c is not in it or it is never closed; *at is
// where reading it ended.
static bool match_bracket(struct str pattern, size_t *at, uint32_t c, unsigned flags)
{
    struct bracket b = {.pattern = pattern, .flags = flags, .at = *at, .want = c};
    bool negated = b.at < pattern.len && (pattern.data[b.at] == '!' || pattern.data[b.at] == '^');
    b.at += negated;
    bool closed = true;
    for (bool first = true; closed; first = false) { // a ']' that comes first is a member
        if (!first && b.at < pattern.len && pattern.data[b.at] == ']')
            break;
        closed = take_member(&b);
    }
    *at = b.at + 1;
    return closed && b.found != negated;
}

// Matches one character of the text against what stands in the pattern, and moves on in both.
static bool match_one(struct matcher *m)
{
    uint32_t c;
    char p = m->pattern.data[m->p];
    size_t len = char_at(m->text, m->t, m->flags, &c);
    bool slash = (m->flags & GLOB_PATH) && c == '/';
    if (p == '?' || p == '[') {
        size_t next = m->p + 1;
        bool in = p == '?' || match_bracket(m->pattern, &next, c, m->flags);
        m->steps += (long)(next - m->p);
        if (slash || !in)
            return false;
        m->p = next;
        m->t += len;
        return true;
    }
    size_t escaped = p == '\\';
    if (m->p + escaped >= m->pattern.len || m->pattern.data[m->p + escaped] != m->text.data[m->t])
        return false;
    m->p += escaped + 1;
    m->t++;
    return true;
}

// At a run of stars. True when the rest of the text matches whatever it is.
static bool take_stars(struct matcher *m)
{
    size_t end = m->p;
    while (end < m->pattern.len && m->pattern.data[end] == '*')
        end++;
    bool before = m->p == 0 || m->pattern.data[m->p - 1] == '/';
    bool last = end == m->pattern.len;
    bool deep =
        (m->flags & GLOB_PATH) && end - m->p > 1 && before && (last || m->pattern.data[end] == '/');
    if (deep && last)
        return true;
    m->p = deep ? end + 1 : end;
    if (deep) {
        m->deep = (long)m->p;
        m->deep_text = (long)m->t;
        m->star = NOWHERE;
    } else {
        m->star = (long)m->p;
        m->star_text = (long)m->t;
    }
    return false;
}

// Goes on from the newest star with one character more, or from the newest ** with one component
// more. False when there is nothing to go back to.
static bool back_up(struct matcher *m)
{
    uint32_t c;
    if (m->star != NOWHERE && (size_t)m->star_text < m->text.len) {
        size_t len = char_at(m->text, (size_t)m->star_text, m->flags, &c);
        if (!(m->flags & GLOB_PATH) || c != '/') {
            m->star_text += (long)len;
            m->p = (size_t)m->star;
            m->t = (size_t)m->star_text;
            return true;
        }
    }
    if (m->deep == NOWHERE)
        return false;
    struct str rest = str_skip(m->text, (size_t)m->deep_text);
    const char *slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
    if (!slash)
        return false;
    m->deep_text += slash - rest.data + 1;
    m->p = (size_t)m->deep;
    m->t = (size_t)m->deep_text;
    m->star = NOWHERE;
    return true;
}

bool glob_match(struct str pattern, struct str text, unsigned flags)
{
    struct matcher m = {
        .pattern = pattern, .text = text, .flags = flags, .star = NOWHERE, .deep = NOWHERE};
    if (pattern.len > GLOB_PATTERN_MAX)
        return false;
    while (m.steps++ < GLOB_STEPS_MAX) {
        if (m.p == pattern.len && m.t == text.len)
            return true;
        if (m.p < pattern.len && pattern.data[m.p] == '*') {
            if (take_stars(&m))
                return true;
            continue;
        }
        if (m.p < pattern.len && m.t < text.len && match_one(&m))
            continue;
        if (!back_up(&m))
            return false;
    }
    return false;
}
