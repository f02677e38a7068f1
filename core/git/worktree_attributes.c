// SPDX-License-Identifier: MIT
#include "core/git/worktree_attributes.h"

#include "core/base/buf.h"
#include "core/base/glob.h"
#include "core/base/mem.h"

struct setting {
    size_t name;
    struct attribute_value value;
};

struct rule {
    struct str pattern; // empty for a macro
    size_t macro;       // the name that is defined
    bool anywhere;      // compared with the last component
    bool folder_only;
    size_t plain; // bytes of the pattern before the first special one
    struct setting *settings;
    size_t count;
};

struct attribute_file {
    char *text; // what patterns and values point into
    struct rule *rules;
    size_t count, room;
    size_t prefix; // bytes of a path that name the folder, its '/' included
    struct attribute_file *above;
};

static const char blank[] = " \t\r\n";

static size_t name_of(struct attributes *a, struct str name)
{
    for (size_t i = 0; i < a->name_count; i++)
        if (str_is(name, a->names[i]))
            return i;
    if (a->name_count == ATTRIBUTE_NAMES_MAX)
        return ATTRIBUTE_NAMES_MAX;
    a->names = mem_resize(a->names, a->name_count + 1, sizeof *a->names);
    a->values = mem_resize(a->values, a->name_count + 1, sizeof *a->values);
    a->names[a->name_count] = mem_dup(name);
    return a->name_count++;
}

void attributes_init(struct attributes *a)
{
    static const char *const names[ATTRIBUTE_COUNT] = {
        [ATTRIBUTE_TEXT] = "text",     [ATTRIBUTE_CRLF] = "crlf",
        [ATTRIBUTE_EOL] = "eol",       [ATTRIBUTE_IDENT] = "ident",
        [ATTRIBUTE_FILTER] = "filter", [ATTRIBUTE_ENCODING] = "working-tree-encoding",
    };
    *a = (struct attributes){0};
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        name_of(a, str_of(names[i]));
    attributes_push(a, STR(""), STR("[attr]binary -diff -merge -text\n"), true);
    a->relevant = false;
}

// --- reading ---

// What git's C-style quoting stands for, in place; the rest of the line after it, or NULL.
static char *unquote(char *at, struct str *out)
{
    char *to = at, *begin = at;
    for (at++; *at != '"'; at++) {
        if (*at == '\0')
            return NULL;
        if (*at != '\\') {
            *to++ = *at;
            continue;
        }
        static const char names[] = "abfnrtv\\\"", bytes[] = "\a\b\f\n\r\t\v\\\"";
        const char *name = *++at ? strchr(names, *at) : NULL;
        if (name) {
            *to++ = bytes[name - names];
        } else if (at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0' &&
                   at[2] <= '7') {
            *to++ = (char)((at[0] - '0') << 6 | (at[1] - '0') << 3 | (at[2] - '0'));
            at += 2;
        } else {
            return NULL;
        }
    }
    *out = str_from(begin, (size_t)(to - begin));
    return at + 1;
}

static bool is_name(struct str name)
{
    if (name.len == 0 || name.data[0] == '-' || str_starts(name, STR("builtin_")))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c == '-' || c == '.' || c == '_' || (c >= '0' && c <= '9') ||
              (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

// One of "x", "-x", "!x", "x=value"; false when it is none.
static bool read_setting(struct attributes *a, char *at, size_t len, struct setting *setting)
{
    char *equals = memchr(at, '=', len);
    struct str name = str_from(at, equals ? (size_t)(equals - at) : len);
    setting->value.kind = ATTRIBUTE_TRUE;
    if (*at == '-' || *at == '!') {
        setting->value.kind = *at == '-' ? ATTRIBUTE_FALSE : ATTRIBUTE_UNSPECIFIED;
        name = str_skip(name, 1);
    } else if (equals) {
        setting->value = (struct attribute_value){ATTRIBUTE_STRING, equals + 1};
    }
    if (!is_name(name))
        return false;
    setting->name = name_of(a, name);
    return setting->name < ATTRIBUTE_NAMES_MAX;
}

static bool read_settings(struct attributes *a, char *at, struct rule *rule)
{
    while (*(at += strspn(at, blank))) {
        size_t len = strcspn(at, blank);
        struct setting setting;
        if (!read_setting(a, at, len, &setting))
            return false;
        rule->settings = mem_resize(rule->settings, rule->count + 1, sizeof *rule->settings);
        rule->settings[rule->count++] = setting;
        if (setting.name < ATTRIBUTE_COUNT)
            a->relevant = true;
        at += len;
        if (*at)
            *at++ = '\0'; // the end of a value
    }
    return true;
}

static bool read_pattern(struct str pattern, struct rule *rule)
{
    if (str_starts(pattern, STR("!"))) // git has no such thing here
        return false;
    if (str_ends(pattern, STR("/"))) {
        rule->folder_only = true;
        pattern.len--;
    }
    rule->anywhere = !memchr(pattern.data, '/', pattern.len);
    if (!rule->anywhere && pattern.data[0] == '/')
        pattern = str_skip(pattern, 1);
    rule->pattern = pattern;
    while (rule->plain < pattern.len && !strchr("*?[\\", pattern.data[rule->plain]))
        rule->plain++;
    return pattern.len <= GLOB_PATTERN_MAX;
}

static bool read_line(struct attributes *a, char *line, bool macros, struct rule *rule)
{
    struct str pattern;
    char *at = line + strspn(line, blank), *rest = NULL;
    *rule = (struct rule){0};
    if (*at == '\0' || *at == '#')
        return false;
    if (*at == '"')
        rest = unquote(at, &pattern);
    if (!rest) {
        pattern = str_from(at, strcspn(at, blank));
        rest = at + pattern.len;
    }
    if (pattern.len > 6 && str_starts(pattern, STR("[attr]"))) {
        struct str name = str_skip(pattern, 6);
        if (!macros || !is_name(name))
            return false;
        rule->macro = name_of(a, name);
        if (rule->macro == ATTRIBUTE_NAMES_MAX)
            return false;
    } else if (pattern.len == 0 || !read_pattern(pattern, rule)) {
        return false;
    }
    if (*rest == '\0')
        return false; // it says nothing
    return read_settings(a, rest, rule);
}

static struct attribute_file *read_file(struct attributes *a, struct str text, bool macros)
{
    struct attribute_file *file = mem_new(sizeof *file);
    if (text.len == 0 || text.len > ATTRIBUTE_FILE_MAX)
        return file;
    file->text = mem_dup(text);
    char *at = file->text;
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        at += 3;
    while (*at && a->rules < ATTRIBUTE_RULES_MAX) {
        char *end = strchrnul(at, '\n'), *next = *end ? end + 1 : end;
        *end = '\0';
        struct rule rule;
        bool good = (size_t)(end - at) < ATTRIBUTE_LINE_MAX && read_line(a, at, macros, &rule);
        at = next;
        if (!good) {
            continue;
        }
        if (file->count == file->room) {
            file->room = file->room ? file->room * 2 : 16;
            file->rules = mem_resize(file->rules, file->room, sizeof *file->rules);
        }
        file->rules[file->count++] = rule;
        a->rules++;
    }
    return file;
}

static void free_file(struct attributes *a, struct attribute_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->count; i++)
        mem_free(file->rules[i].settings);
    a->rules -= file->count;
    mem_free(file->rules);
    mem_free(file->text);
    mem_free(file);
}

void attributes_push(struct attributes *a, struct str folder, struct str text, bool macros)
{
    struct attribute_file *file = read_file(a, text, macros);
    file->prefix = folder.len ? folder.len + 1 : 0;
    file->above = a->top;
    a->top = file;
}

void attributes_pop(struct attributes *a)
{
    struct attribute_file *top = a->top;
    a->top = top->above;
    free_file(a, top);
}

void attributes_set_last_word(struct attributes *a, struct str text)
{
    free_file(a, a->last_word);
    a->last_word = read_file(a, text, true);
}

void attributes_release(struct attributes *a)
{
    while (a->top)
        attributes_pop(a);
    free_file(a, a->last_word);
    for (size_t i = 0; i < a->name_count; i++)
        mem_free(a->names[i]);
    mem_free(a->names);
    mem_free(a->values);
    *a = (struct attributes){0};
}

// --- matching ---

static bool matches(const struct rule *rule, struct str path, struct str name)
{
    struct str subject = rule->anywhere ? name : path, pattern = rule->pattern;
    if (rule->folder_only || pattern.len == 0)
        return false; // only files are asked for
    if (rule->plain == pattern.len)
        return str_equal(pattern, subject);
    if (!str_starts(subject, str_from(pattern.data, rule->plain)))
        return false;
    pattern = str_skip(pattern, rule->plain);
    subject = str_skip(subject, rule->plain);
    // Most patterns are "*.ending".
    if (rule->anywhere && pattern.data[0] == '*' &&
        strcspn(pattern.data + 1, "*?[\\") >= pattern.len - 1)
        return str_ends(subject, str_skip(pattern, 1));
    return glob_match(pattern, subject, rule->anywhere ? 0 : GLOB_PATH);
}

static void apply(struct attributes *a, const struct rule *rule, int depth);

static const struct rule *find_macro_in(const struct attribute_file *file, size_t name)
{
    for (size_t i = file ? file->count : 0; i-- > 0;)
        if (file->rules[i].pattern.data == NULL && file->rules[i].macro == name)
            return &file->rules[i];
    return NULL;
}

static void expand(struct attributes *a, size_t name, int depth)
{
    const struct rule *macro = find_macro_in(a->last_word, name);
    for (const struct attribute_file *file = a->top; file && !macro; file = file->above)
        macro = find_macro_in(file, name);
    if (macro && depth < 64)
        apply(a, macro, depth + 1);
}

// What was said first stays.
static void apply(struct attributes *a, const struct rule *rule, int depth)
{
    for (size_t i = rule->count; i-- > 0;) {
        const struct setting *setting = &rule->settings[i];
        if (a->values[setting->name].kind != ATTRIBUTE_OPEN)
            continue;
        a->values[setting->name] = setting->value;
        if (setting->value.kind == ATTRIBUTE_TRUE && setting->name >= ATTRIBUTE_COUNT)
            expand(a, setting->name, depth);
    }
}

static void apply_file(struct attributes *a, const struct attribute_file *file, struct str path,
                       struct str name)
{
    for (size_t i = file->count; i-- > 0;)
        if (matches(&file->rules[i], str_skip(path, file->prefix), name))
            apply(a, &file->rules[i], 0);
}

void attributes_of(struct attributes *a, struct str path,
                   struct attribute_value values[ATTRIBUTE_COUNT])
{
    const char *slash = memrchr(path.data, '/', path.len);
    struct str name = slash ? str_skip(path, (size_t)(slash - path.data) + 1) : path;
    memset(a->values, 0, a->name_count * sizeof *a->values);
    if (a->relevant && a->last_word)
        apply_file(a, a->last_word, path, name);
    for (const struct attribute_file *file = a->top; a->relevant && file; file = file->above)
        apply_file(a, file, path, name);
    memcpy(values, a->values, ATTRIBUTE_COUNT * sizeof *values);
}
