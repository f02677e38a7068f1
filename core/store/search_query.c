// SPDX-License-Identifier: MIT
#include "core/store/search_query.h"

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

// Could any of it be part of a word? Of what is not ASCII the index decides.
static bool has_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80)
            return true;
    }
    return false;
}

// Up to the closing quotes, or up to white space; without the stars behind it.
static struct str take_term(struct str *rest, bool *quoted)
{
    *quoted = rest->data[0] == '"';
    if (*quoted)
        *rest = str_skip(*rest, 1);
    size_t len = 0;
    while (len < rest->len && rest->data[len] != '"' && (*quoted || !is_space(rest->data[len])))
        len++;
    struct str term = str_from(rest->data, len);
    *rest = str_skip(*rest, len);
    if (*quoted && rest->len)
        *rest = str_skip(*rest, 1);
    return term;
}

// Stars at the end of a word, or behind a phrase.
static bool take_star(struct str *term, struct str *rest, bool quoted)
{
    bool star = false;
    for (; quoted && rest->len && rest->data[0] == '*'; star = true)
        *rest = str_skip(*rest, 1);
    for (; !quoted && term->len && term->data[term->len - 1] == '*'; star = true)
        term->len--;
    return star;
}

static void add_term(struct buf *match, struct str term, bool star)
{
    buf_add_char(match, '"');
    for (size_t i = 0; i < term.len; i++) // FTS5 reads up to a NUL
        buf_add_char(match, term.data[i] ? term.data[i] : ' ');
    buf_add_str(match, star ? STR("\"* ") : STR("\" "));
}

bool search_query_add(struct buf *match, struct str query, struct err *err)
{
    bool any = false;
    if (query.len > SEARCH_QUERY_MAX)
        return err_set(err, ERR_PARAMS, "query: it has %zu bytes, at most %d are taken", query.len,
                       SEARCH_QUERY_MAX);
    buf_add_str(match, STR("text : ("));
    while (query.len) {
        if (is_space(query.data[0])) {
            query = str_skip(query, 1);
            continue;
        }
        bool quoted;
        struct str term = take_term(&query, &quoted);
        bool star = take_star(&term, &query, quoted);
        if (!has_word(term))
            continue;
        add_term(match, term, star);
        any = true;
    }
    buf_add_char(match, ')');
    return any || err_set(err, ERR_PARAMS,
                          "query: expected words, or a phrase in double quotes, to look for");
}

void search_query_narrow(struct buf *match, const int64_t *agents, size_t count)
{
    buf_add_str(match, STR("agent : ("));
    for (size_t i = 0; i < count; i++)
        buf_addf(match, "%s\"%lld\"", i ? " OR " : "", (long long)agents[i]);
    buf_add_str(match, STR(") AND "));
}
