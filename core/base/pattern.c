// SPDX-License-Identifier: MIT
#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/base/pattern.h"

#include "core/base/mem.h"

#include <pcre2.h>

enum { JIT_STACK_MIN = 32 << 10, JIT_STACK_MAX = 1 << 20, MESSAGE_MAX = 200 };

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static pcre2_code *compile(struct str text, struct err *err)
{
    int number;
    size_t at;
    uint32_t options =
        PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.data ? text.data : ""), text.len, options,
                                     &number, &at, NULL);
    if (code)
        return code;
    PCRE2_UCHAR message[MESSAGE_MAX] = "";
    pcre2_get_error_message(number, message, sizeof message);
    err_set(err, ERR_PARAMS, "the regular expression is wrong at byte %zu: %s", at,
            (const char *)message);
    return NULL;
}

struct pattern *pattern_create(struct str text, struct err *err)
{
    if (text.len > PATTERN_LEN_MAX) {
        err_set(err, ERR_PARAMS, "the regular expression is longer than %d bytes", PATTERN_LEN_MAX);
        return NULL;
    }
    pcre2_code *code = compile(text, err);
    if (!code)
        return NULL;
    struct pattern *pattern = mem_new(sizeof *pattern);
    pattern->code = code;
    pattern->data = pcre2_match_data_create(1, NULL);
    pattern->context = pcre2_match_context_create(NULL);
    // Where memory may not be both written and run it is interpreted: slower, and the same.
    if (pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0)
        pattern->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (!pattern->data || !pattern->context) {
        err_set(err, ERR_LIMIT, "no memory for the regular expression");
        pattern_free(pattern);
        return NULL;
    }
    pcre2_set_match_limit(pattern->context, PATTERN_STEPS_MAX);
    pcre2_set_depth_limit(pattern->context, PATTERN_DEPTH_MAX);
    pcre2_set_heap_limit(pattern->context, PATTERN_HEAP_KIB_MAX);
    if (pattern->stack)
        pcre2_jit_stack_assign(pattern->context, NULL, pattern->stack);
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_jit_stack_free(pattern->stack);
    pcre2_match_context_free(pattern->context);
    pcre2_match_data_free(pattern->data);
    pcre2_code_free(pattern->code);
    mem_free(pattern);
}

enum pattern_result pattern_find(struct pattern *pattern, struct str text, size_t *at)
{
    int count = pcre2_match(pattern->code, (PCRE2_SPTR)(text.data ? text.data : ""), text.len, 0, 0,
                            pattern->data, pattern->context);
    if (count == PCRE2_ERROR_NOMATCH)
        return PATTERN_NO_MATCH;
    if (count < 0)
        return PATTERN_TOO_COSTLY;
    *at = pcre2_get_ovector_pointer(pattern->data)[0];
    return PATTERN_MATCH;
}
