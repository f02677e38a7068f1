// SPDX-License-Identifier: MIT
#include "core/permission/shell_parts.h"

// A command while its words are read.
struct draft {
    char *text;
    size_t len;
    struct shell_command command;
    bool has_program, overflow;
};

// --- white space and here-documents ---

static struct str take_line(struct parser *p)
{
    struct str rest = str_skip(p->text, p->at);
    const char *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
    struct str line = str_from(rest.data, end ? (size_t)(end - rest.data) : rest.len);
    p->at += line.len + (end ? 1 : 0);
    return line;
}

static bool expands(struct str line)
{
    for (size_t i = 0; i + 1 < line.len; i++) {
        if (line.data[i] == '$' && (line.data[i + 1] == '(' || line.data[i + 1] == '{'))
            return true;
    }
    return line.len && memchr(line.data, '`', line.len);
}

static bool read_heredoc(struct parser *p, const struct heredoc *heredoc)
{
    while (p->at < p->text.len) {
        struct str line = take_line(p);
        while (heredoc->tabs && line.len && line.data[0] == '\t')
            line = str_skip(line, 1);
        if (str_equal(line, heredoc->end))
            return true;
        if (!heredoc->plain && expands(line))
            return false;
    }
    return true; // bash takes the end of the line for its end
}

// At a line break, which is taken.
static bool end_line(struct parser *p)
{
    p->at++;
    for (size_t i = 0; i < p->heredoc_count; i++) {
        if (!read_heredoc(p, &p->heredocs[i]))
            return false;
    }
    p->heredoc_count = 0;
    return true;
}

static void skip_blanks(struct parser *p)
{
    for (;;) {
        if (peek(p, 0) == ' ' || peek(p, 0) == '\t')
            p->at++;
        else if (peek(p, 0) == '\\' && peek(p, 1) == '\n')
            p->at += 2;
        else
            break;
    }
    if (peek(p, 0) == '#') {
        while (p->at < p->text.len && peek(p, 0) != '\n')
            p->at++;
    }
}

// --- redirections ---

static bool is_harmless(struct str path)
{
    return str_is(path, "/dev/null") || str_is(path, "/dev/stdout") || str_is(path, "/dev/stderr");
}

static bool add_write(struct parser *p, const struct word *word)
{
    struct shell_line *line = p->line;
    if (is_harmless(word_str(word)) && !word->varies)
        return true;
    if (line->write_count == SHELL_WRITES_MAX)
        return false;
    line->writes[line->write_count++] =
        (struct shell_write){word_str(word), word->varies || (word->tilde && !word->quoted)};
    return true;
}

static bool is_descriptor(const struct word *word)
{
    for (size_t i = 0; i < word->len; i++) {
        if (!strchr("0123456789-", word->bytes[i]))
            return false;
    }
    return word->len > 0 && !word->varies;
}

static bool begin_heredoc(struct parser *p, const struct word *word, bool tabs)
{
    if (p->heredoc_count == HEREDOCS_MAX || word->varies)
        return false;
    p->heredocs[p->heredoc_count++] = (struct heredoc){word_str(word), word->quoted, tabs};
    return true;
}

// At '<' or '>' (or "&>"). A process substitution is a list of its own.
static bool read_redirection(struct parser *p)
{
    static const struct {
        const char *operator;
        bool writes, may_be_descriptor;
        bool heredoc, tabs;
    } kinds[] = {
        {"&>>", true, false, false, false}, {"&>", true, false, false, false},
        {">>", true, false, false, false},  {">|", true, false, false, false},
        {">&", true, true, false, false},   {"<<<", false, false, false, false},
        {"<<-", false, false, true, true},  {"<<", false, false, true, false},
        {"<&", false, true, false, false},  {"<>", true, false, false, false},
        {">", true, false, false, false},   {"<", false, false, false, false},
    };
    if (starts(p, "<(") || starts(p, ">(")) {
        p->at += 2;
        return shell_read_inner(p);
    }
    size_t i = 0;
    while (!starts(p, kinds[i].operator))
        i++;
    p->at += strlen(kinds[i].operator);
    skip_blanks(p);
    struct word word;
    if (starts(p, "<(") || starts(p, ">(")) { // cmd < <(list)
        p->at += 2;
        return shell_read_inner(p);
    }
    if (ends_word(peek(p, 0)) || !shell_read_word(p, &word))
        return false;
    if (kinds[i].heredoc)
        return begin_heredoc(p, &word, kinds[i].tabs);
    if (!kinds[i].writes || (kinds[i].may_be_descriptor && is_descriptor(&word)))
        return true;
    return add_write(p, &word);
}

// --- commands ---

static bool is_name(struct str s)
{
    bool ok = s.len > 0 && !(s.data[0] >= '0' && s.data[0] <= '9');
    for (size_t i = 0; ok && i < s.len; i++) {
        char c = s.data[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    return ok;
}

static bool is_assignment(const struct word *word)
{
    const char *equals = memchr(word->bytes, '=', word->len);
    if (!equals)
        return false;
    size_t len = (size_t)(equals - word->bytes);
    len -= len > 0 && word->bytes[len - 1] == '+';
    return is_name(str_from(word->bytes, len));
}

static bool draft_add(struct parser *p, struct draft *draft, const struct word *word)
{
    struct shell_command *command = &draft->command;
    bool first = !draft->text;
    if (first)
        draft->text = arena_alloc(p->arena, word->len + p->text.len - p->at + 2);
    if (!draft->text)
        return false;
    if (!first)
        draft->text[draft->len++] = ' ';
    if (!draft->has_program && !is_assignment(word)) {
        draft->has_program = true;
        command->program = command->word_count;
        command->varies = word->varies || word->tilde || word->len == 0 || draft->overflow;
    }
    if (command->word_count < SHELL_WORDS_MAX)
        command->word_at[command->word_count++] = draft->len;
    else
        draft->overflow = true;
    memcpy(draft->text + draft->len, word->bytes, word->len);
    draft->len += word->len;
    return true;
}

static bool draft_end(struct parser *p, struct draft *draft)
{
    struct shell_line *line = p->line;
    struct shell_command *command = &draft->command;
    if (!draft->text)
        return true;
    if (line->command_count == SHELL_COMMANDS_MAX)
        return false;
    if (!draft->has_program)
        command->program = command->word_count;
    command->text = str_from(draft->text, draft->len);
    command->word_at[command->word_count] = draft->len;
    struct str program = shell_word(command, command->program);
    line->moves |= str_is(program, "cd") || str_is(program, "pushd") || str_is(program, "popd");
    line->commands[line->command_count++] = *command;
    return true;
}

struct str shell_word(const struct shell_command *command, size_t index)
{
    if (index >= command->word_count)
        return STR_NONE;
    size_t begin = command->word_at[index], end = command->word_at[index + 1];
    if (index + 1 < command->word_count)
        end--; // the space
    return str_from(command->text.data + begin, end - begin);
}

static bool is_one_of(const struct word *word, const char *const *list)
{
    for (; !word->quoted && !word->varies && *list; list++) {
        if (str_is(word_str(word), *list))
            return true;
    }
    return false;
}

// Words that stand before a command, or end one; and those that begin what is not read here.
static const char *const before[] = {"if", "then", "elif", "else", "while", "until",
                                     "do", "!",    "{",    "time", NULL};
static const char *const after[] = {"fi", "done", "}", NULL};
static const char *const unknown[] = {"case",   "esac", "function", "select",
                                      "coproc", "[[",   "]]",       NULL};

// for NAME [in WORDS]: nothing is run by it but what is substituted.
static bool read_for(struct parser *p)
{
    for (;;) {
        struct word word;
        skip_blanks(p);
        char c = peek(p, 0);
        if (c == ';' || c == '\n')
            return true;
        if (ends_word(c) || !shell_read_word(p, &word))
            return false;
    }
}

static bool read_redirections(struct parser *p)
{
    for (;;) {
        skip_blanks(p);
        size_t digits = 0;
        while (peek(p, digits) >= '0' && peek(p, digits) <= '9')
            digits++;
        char c = peek(p, digits);
        if (c != '<' && c != '>' && !starts(p, "&>"))
            return true;
        p->at += digits;
        if (!read_redirection(p))
            return false;
    }
}

static bool is_digits(const struct word *word)
{
    for (size_t i = 0; i < word->len; i++) {
        if (word->bytes[i] < '0' || word->bytes[i] > '9')
            return false;
    }
    return word->len > 0 && !word->quoted;
}

// One more word of a command; *over: what follows is no word of it.
static bool read_command_word(struct parser *p, struct draft *draft, bool *over)
{
    struct word word;
    if (!shell_read_word(p, &word))
        return false;
    if (is_digits(&word) && (peek(p, 0) == '<' || peek(p, 0) == '>'))
        return true; // the descriptor of a redirection
    bool first = !draft->text;
    if (first && is_one_of(&word, unknown))
        return false;
    if (first && is_one_of(&word, before))
        return true;
    if (first && str_is(word_str(&word), "for") && !word.quoted) {
        *over = true;
        return read_for(p);
    }
    if (first && is_one_of(&word, after)) {
        *over = true;
        return read_redirections(p);
    }
    return draft_add(p, draft, &word);
}

static bool read_subshell(struct parser *p)
{
    if (starts(p, "((")) // arithmetic, or two subshells
        return false;
    p->at++;
    return shell_read_inner(p) && read_redirections(p);
}

// Up to the operator that ends it.
static bool read_command(struct parser *p)
{
    struct draft draft = {0};
    bool over = false;
    while (!over) {
        skip_blanks(p);
        char c = peek(p, 0);
        if (c == '(') { // after a word it is a function or a pattern
            if (draft.text || !read_subshell(p))
                return false;
            break;
        }
        bool redirection = c == '<' || c == '>' || starts(p, "&>");
        if (redirection ? !read_redirection(p)
                        : !ends_word(c) && !read_command_word(p, &draft, &over))
            return false;
        if (!redirection && ends_word(c))
            break;
    }
    skip_blanks(p);
    return draft_end(p, &draft);
}

// Takes the operator between commands. False where there is none that is known.
static bool read_operator(struct parser *p)
{
    static const char *const operators[] = {"&&", "||", "|&", "|", "&", NULL};
    if (starts(p, ";;") || starts(p, ";&"))
        return false;
    if (peek(p, 0) == ';') {
        p->at++;
        return true;
    }
    if (peek(p, 0) == '\n')
        return end_line(p);
    for (size_t i = 0; operators[i]; i++) {
        if (starts(p, operators[i])) {
            p->at += strlen(operators[i]);
            return true;
        }
    }
    return false;
}

bool shell_read_list(struct parser *p, char until)
{
    for (;;) {
        if (!read_command(p))
            return false;
        if (p->at >= p->text.len)
            return until == '\0';
        if (until && peek(p, 0) == until)
            return true;
        if (!read_operator(p))
            return false;
    }
}

bool shell_split(struct shell_line *line, struct arena *arena, struct str text)
{
    struct parser p = {.line = line, .arena = arena, .text = text};
    *line = (struct shell_line){.understood = false};
    if (text.len > SHELL_LINE_MAX || (text.len && memchr(text.data, '\0', text.len)))
        return false;
    line->understood = shell_read_list(&p, '\0');
    return line->understood;
}
