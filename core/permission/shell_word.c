// SPDX-License-Identifier: MIT
#include "core/permission/shell_parts.h"

static void put(struct word *word, char c)
{
    word->bytes[word->len++] = c; // a word is never longer than its line
}

// --- what is within words ---

bool shell_read_inner(struct parser *p)
{
    if (p->depth >= SHELL_DEPTH_MAX)
        return false;
    char *pool = p->pool;
    size_t used = p->pool_used;
    p->pool = NULL;
    p->depth++;
    bool ok = p->heredoc_count == 0 && shell_read_list(p, ')') && peek(p, 0) == ')';
    p->depth--;
    p->pool = pool;
    p->pool_used = used;
    p->at += ok;
    return ok && p->heredoc_count == 0;
}

static bool read_backticks(struct parser *p)
{
    size_t begin = ++p->at;
    while (p->at < p->text.len && peek(p, 0) != '`') {
        if (peek(p, 0) == '\\')
            return false;
        p->at++;
    }
    if (p->at == p->text.len || p->depth >= SHELL_DEPTH_MAX)
        return false;
    struct parser inner = *p;
    inner.text = str_from(p->text.data, p->at);
    inner.at = begin;
    inner.depth++;
    inner.heredoc_count = 0;
    inner.pool = NULL;
    p->at++;
    return shell_read_list(&inner, '\0') && inner.at == inner.text.len && inner.heredoc_count == 0;
}

// ${...}: only what can run nothing.
static bool read_parameter(struct parser *p)
{
    for (p->at += 2; p->at < p->text.len; p->at++) {
        char c = peek(p, 0);
        if (c == '}') {
            p->at++;
            return true;
        }
        if (strchr("`$\"'\\{(<>\n", c))
            return false;
        if (c == '@' && peek(p, 1) != '}' && peek(p, 1) != ']') // ${x@P} expands what x holds
            return false;
    }
    return false;
}

// $((...)): an index may hold a command.
static bool read_arithmetic(struct parser *p)
{
    int open = 0;
    for (p->at += 3; p->at < p->text.len; p->at++) {
        char c = peek(p, 0);
        if (c == '`' || c == '[' || (c == '$' && (peek(p, 1) == '(' || peek(p, 1) == '{')))
            return false;
        if (c == '(')
            open++;
        if (c == ')' && open-- == 0) {
            bool closed = peek(p, 1) == ')';
            p->at += closed ? 2 : 1;
            return closed;
        }
    }
    return false;
}

static bool read_dollar(struct parser *p, struct word *word, bool in_quotes)
{
    char next = peek(p, 1);
    word->varies = true;
    put(word, '$');
    if (starts(p, "$(("))
        return read_arithmetic(p);
    if (next == '(') {
        p->at += 2;
        return shell_read_inner(p);
    }
    if (next == '{')
        return read_parameter(p);
    if (!in_quotes && (next == '\'' || next == '"'))
        return false;
    p->at++;
    return true;
}

static bool read_double_quotes(struct parser *p, struct word *word)
{
    for (p->at++; p->at < p->text.len;) {
        char c = peek(p, 0);
        if (c == '"') {
            p->at++;
            return true;
        }
        if (c == '$' || c == '`') {
            word->varies = true;
            if (c == '`')
                put(word, '$');
            if (c == '$' ? !read_dollar(p, word, true) : !read_backticks(p))
                return false;
            continue;
        }
        if (c == '\\' && p->at + 1 < p->text.len && strchr("$`\"\\\n", peek(p, 1))) {
            p->at++;
            c = peek(p, 0);
            p->at++;
            if (c != '\n')
                put(word, c);
            continue;
        }
        put(word, c);
        p->at++;
    }
    return false;
}

static bool read_single_quotes(struct parser *p, struct word *word)
{
    for (p->at++; p->at < p->text.len; p->at++) {
        if (peek(p, 0) == '\'') {
            p->at++;
            return true;
        }
        put(word, peek(p, 0));
    }
    return false;
}

// "{", "[" and "[[" are words of the language.
static bool is_bracket(const struct word *word)
{
    struct str s = str_from(word->bytes, word->len);
    return !word->quoted && (str_is(s, "{") || str_is(s, "[") || str_is(s, "[["));
}

bool shell_read_word(struct parser *p, struct word *word)
{
    *word = (struct word){.tilde = peek(p, 0) == '~'};
    if (!p->pool) {
        p->pool = arena_alloc(p->arena, p->text.len - p->at + 1);
        p->pool_used = 0;
    }
    if (!p->pool)
        return false;
    word->bytes = p->pool + p->pool_used;
    bool ok = true;
    while (ok && p->at < p->text.len && !ends_word(peek(p, 0))) {
        char c = peek(p, 0);
        if (c == '\'' || c == '"' || c == '\\')
            word->quoted = true;
        if (c == '\'') {
            ok = read_single_quotes(p, word);
        } else if (c == '"') {
            ok = read_double_quotes(p, word);
        } else if (c == '$') {
            ok = read_dollar(p, word, false);
        } else if (c == '`') {
            word->varies = true;
            put(word, '$'); // as $(...) is written
            ok = read_backticks(p);
        } else if (c == '\\') {
            ok = p->at + 1 < p->text.len;
            if (ok && peek(p, 1) != '\n')
                put(word, peek(p, 1));
            p->at += ok ? 2 : 1;
        } else {
            word->varies |= c == '*' || c == '?' || c == '[' || c == '{';
            put(word, c);
            p->at++;
        }
    }
    p->pool_used += word->len;
    if (is_bracket(word))
        word->varies = false;
    return ok;
}
