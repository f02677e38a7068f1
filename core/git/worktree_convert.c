// SPDX-License-Identifier: MIT
#include "core/git/worktree_convert.h"

#include "core/base/mem.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

// --- what is to be done ---

enum action { UNDEFINED, BINARY, TEXT, TEXT_INPUT, TEXT_CRLF, AUTO, AUTO_INPUT, AUTO_CRLF };

static bool is_string(const struct attribute_value *value, const char *string)
{
    return value->kind == ATTRIBUTE_STRING && strcmp(value->string, string) == 0;
}

static enum action action_of(const struct attribute_value *value)
{
    if (value->kind == ATTRIBUTE_TRUE)
        return TEXT;
    if (value->kind == ATTRIBUTE_FALSE)
        return BINARY;
    if (is_string(value, "input"))
        return TEXT_INPUT;
    return is_string(value, "auto") ? AUTO : UNDEFINED;
}

static enum action with_eol(enum action action, const struct attribute_value *eol)
{
    bool lf = is_string(eol, "lf"), crlf = is_string(eol, "crlf");
    if (action == BINARY || (!lf && !crlf))
        return action;
    if (action == AUTO)
        return lf ? AUTO_INPUT : AUTO_CRLF;
    return lf ? TEXT_INPUT : TEXT_CRLF;
}

static enum convert_crlf crlf_of(const struct attribute_value values[ATTRIBUTE_COUNT],
                                 const struct convert_settings *settings)
{
    bool text_is_crlf = settings->autocrlf == AUTOCRLF_TRUE ||
                        (settings->autocrlf == AUTOCRLF_FALSE && settings->eol_crlf);
    enum action action = action_of(&values[ATTRIBUTE_TEXT]);
    if (action == UNDEFINED)
        action = action_of(&values[ATTRIBUTE_CRLF]);
    switch (with_eol(action, &values[ATTRIBUTE_EOL])) {
    case TEXT:
        return text_is_crlf ? CRLF_TEXT : CRLF_NEVER;
    case TEXT_CRLF:
        return CRLF_TEXT;
    case AUTO:
        return text_is_crlf ? CRLF_AUTO : CRLF_NEVER;
    case AUTO_CRLF:
        return CRLF_AUTO;
    case UNDEFINED:
        return settings->autocrlf == AUTOCRLF_TRUE ? CRLF_AUTO : CRLF_NEVER;
    default:
        return CRLF_NEVER;
    }
}

static bool is_utf8(const char *name)
{
    return strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0;
}

void conversion_of(const struct attribute_value values[ATTRIBUTE_COUNT],
                   const struct convert_settings *settings, struct conversion *conversion)
{
    const struct attribute_value *encoding = &values[ATTRIBUTE_ENCODING];
    const struct attribute_value *filter = &values[ATTRIBUTE_FILTER];
    *conversion = (struct conversion){
        .crlf = crlf_of(values, settings),
        .ident = values[ATTRIBUTE_IDENT].kind == ATTRIBUTE_TRUE,
    };
    if (encoding->kind == ATTRIBUTE_STRING && *encoding->string && !is_utf8(encoding->string))
        conversion->encoding = mem_dup(str_of(encoding->string));
    if (filter->kind == ATTRIBUTE_STRING)
        conversion->filter = mem_dup(str_of(filter->string));
}

bool conversion_is_none(const struct conversion *conversion)
{
    return conversion->crlf == CRLF_NEVER && !conversion->ident && !conversion->encoding;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool conversion_equal(const struct conversion *a, const struct conversion *b)
{
    return a->crlf == b->crlf && a->ident == b->ident && same(a->encoding, b->encoding) &&
           same(a->filter, b->filter);
}

// --- $Id$ ---

// After "$Id": where a keyword ends that git replaces, else NULL; `more` says whether to look on.
static const char *keyword_end(struct str rest, bool *more)
{
    *more = true;
    if (rest.len && rest.data[0] == '$')
        return rest.data + 1;
    if (rest.len == 0 || rest.data[0] != ':')
        return NULL;
    const char *dollar = memchr(rest.data + 1, '$', rest.len - 1);
    *more = dollar != NULL;
    if (!dollar || memchr(rest.data, '\n', (size_t)(dollar - rest.data)))
        return NULL;
    // With spaces inside it is another system's, and stays.
    size_t inside = (size_t)(dollar - rest.data) > 2 ? (size_t)(dollar - rest.data) - 2 : 0;
    const char *space = memchr(rest.data + 2, ' ', inside);
    return space && space < dollar - 1 ? NULL : dollar + 1;
}

static bool expand_ident(const char *id, struct str in, struct buf *out)
{
    const char *dollar, *end;
    bool changed = false, more = true;
    while (more && (dollar = memchr(in.data, '$', in.len))) {
        size_t before = (size_t)(dollar - in.data) + 1;
        buf_add(out, in.data, before);
        in = str_skip(in, before);
        if (in.len < 3 || memcmp(in.data, "Id", 2) != 0)
            continue;
        end = keyword_end(str_skip(in, 2), &more);
        if (!end)
            continue;
        buf_addf(out, "Id: %s $", id);
        in = str_skip(in, (size_t)(end - in.data));
        changed = true;
    }
    buf_add_str(out, in);
    return changed;
}

// --- ends of lines ---

struct counts {
    size_t nul, lone_cr, lone_lf, crlf, printable, nonprintable;
};

static void count(struct str s, struct counts *n)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '\r') {
            bool pair = i + 1 < s.len && s.data[i + 1] == '\n';
            n->crlf += pair;
            n->lone_cr += !pair;
            i += pair;
        } else if (c == '\n') {
            n->lone_lf++;
        } else if (c >= 32 && c != 127) {
            n->printable++;
        } else if (c == '\b' || c == '\t' || c == '\033' || c == '\014') {
            n->printable++;
        } else {
            n->nul += c == 0;
            n->nonprintable++;
        }
    }
    if (s.len && s.data[s.len - 1] == '\032') // DOS ended files so
        n->nonprintable--;
}

static bool wants_crlf(enum convert_crlf crlf, struct str s)
{
    if (crlf == CRLF_NEVER || s.len == 0)
        return false;
    struct counts n = {0};
    count(s, &n);
    if (n.lone_lf == 0 || crlf == CRLF_TEXT)
        return n.lone_lf > 0;
    bool binary = n.lone_cr || n.nul || (n.printable >> 7) < n.nonprintable;
    return !n.crlf && !binary;
}

static void put_crlf(struct str in, struct buf *out)
{
    const char *lf;
    while (in.len && (lf = memchr(in.data, '\n', in.len))) {
        size_t line = (size_t)(lf - in.data);
        bool has_cr = line && lf[-1] == '\r';
        buf_add(out, in.data, line);
        buf_add_str(out, has_cr ? STR("\n") : STR("\r\n"));
        in = str_skip(in, line + 1);
    }
    buf_add_str(out, in);
}

// --- encoding ---

static bool reencode(const char *encoding, struct str in, struct buf *out)
{
    const char *to = encoding;
    struct str mark = STR_NONE; // what iconv leaves away
    if (strcasecmp(encoding, "UTF-16LE-BOM") == 0 || strcasecmp(encoding, "UTF16LE-BOM") == 0) {
        to = "UTF-16LE";
        mark = STR("\xFF\xFE");
    } else if (strcasecmp(encoding, "UTF-16BE-BOM") == 0 ||
               strcasecmp(encoding, "UTF16BE-BOM") == 0) {
        to = "UTF-16BE";
        mark = STR("\xFE\xFF");
    }
    iconv_t conversion = iconv_open(to, "UTF-8");
    if (conversion == (iconv_t)-1) // NOLINT(performance-no-int-to-ptr): POSIX says so
        return false;
    buf_add_str(out, mark);
    char *from = (char *)(in.data ? in.data : ""); // iconv() does not write to it
    size_t left = in.len;
    bool ok = true;
    do {
        char piece[4096], *at = piece;
        size_t room = sizeof piece;
        ok = iconv(conversion, &from, &left, &at, &room) != (size_t)-1 || errno == E2BIG;
        buf_add(out, piece, sizeof piece - room);
    } while (ok && left && !out->overflow);
    iconv_close(conversion);
    return ok;
}

bool convert(const struct conversion *conversion, const char *id, struct str blob, struct buf *out,
             struct str *result)
{
    struct buf next;
    *result = blob;
    buf_clear(out);
    buf_init(&next, out->max);
    if (conversion->ident && expand_ident(id, *result, &next)) {
        buf_release(out);
        *out = next;
        buf_init(&next, out->max);
        *result = buf_str(out);
    }
    bool fits = !out->overflow;
    buf_clear(&next);
    if (fits && wants_crlf(conversion->crlf, *result)) {
        put_crlf(*result, &next);
        buf_release(out);
        *out = next;
        buf_init(&next, out->max);
        *result = buf_str(out);
        fits = !out->overflow;
    }
    buf_clear(&next);
    // What cannot be said in the encoding stays as it is, as with git.
    if (fits && conversion->encoding && reencode(conversion->encoding, *result, &next)) {
        buf_release(out);
        *out = next;
        buf_init(&next, out->max);
        *result = buf_str(out);
        fits = !out->overflow;
    }
    buf_release(&next);
    return fits;
}
