// SPDX-License-Identifier: MIT
// swarm/search.
#include "core/base/mem.h"
#include "core/store/search_query.h"
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/server_parts.h"

enum {
    SEARCH_DEFAULT = 20,
    SEARCH_MAX = 100,
    SEARCH_MATCH_MAX = 1 << 20, // bytes: a query at its ceiling, and SEARCH_AGENTS_MAX numbers
};

static void search_result(struct pending *pending, struct json_writer *json)
{
    struct str rest = buf_str(&pending->read.out);
    json_begin_object(json);
    json_key(json, "hits");
    json_begin_array(json);
    while (rest.len) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.data) : rest.len;
        json_put_raw(json, str_from(rest.data, len));
        rest = str_skip(rest, newline ? len + 1 : len);
    }
    json_end_array(json);
    if (pending->read.last)
        json_add_int(json, "next", pending->read.last);
    json_add_int(json, "seq", pending->seq);
    json_end_object(json);
}

static const struct pending_kind search_kind = {
    .result = search_result, .can_be_left = true, .is_large = true};

static bool find_scope(struct swarm *swarm, struct str scope, int64_t *nums, size_t *count,
                       struct err *err)
{
    *count = 0;
    for (struct agent *agent = swarm_first(swarm); agent; agent = swarm_next(swarm, agent)) {
        if (!str_equal(scope, str_of(agent->scope)))
            continue;
        if (*count == SEARCH_AGENTS_MAX)
            return err_set(err, ERR_LIMIT,
                           "scope: it has more than %d agents; search those of one (agentId), or "
                           "of all (neither)",
                           SEARCH_AGENTS_MAX);
        nums[(*count)++] = agent->num;
    }
    return true;
}

// *none: nobody is asked about, so nothing can be found.
static bool narrow(struct call *call, struct buf *match, bool *none, struct err *err)
{
    struct str scope = STR_NONE, id = STR_NONE;
    if (!json_get_str(call->params, "scope", &scope, err) ||
        !json_get_str(call->params, "agentId", &id, err))
        return false;
    if (id.data && scope.data)
        return err_set(err, ERR_PARAMS, "scope: give agentId or scope, not both");
    *none = false;
    if (id.data) {
        struct agent *agent;
        if (!params_need_agent(call->swarm, call->params, &agent, err))
            return false;
        search_query_narrow(match, &agent->num, 1);
    }
    if (scope.data) {
        size_t count;
        int64_t *nums = mem_new_array(SEARCH_AGENTS_MAX, sizeof(*nums));
        bool ok = find_scope(call->swarm, scope, nums, &count, err);
        *none = count == 0;
        if (ok && count)
            search_query_narrow(match, nums, count);
        mem_free(nums);
        return ok;
    }
    return true;
}

static bool read_search(struct call *call, struct store_search *search, bool *none, struct err *err)
{
    struct str query = STR_NONE;
    int64_t limit = SEARCH_DEFAULT;
    if (!params_need_str(call->params, "query", &query, err) ||
        !params_get_int(call->params, "limit", 1, INT64_MAX, &limit, err) ||
        !params_get_int(call->params, "after", 1, INT64_MAX, &search->before, err) ||
        !narrow(call, &search->match, none, err))
        return false;
    search->limit = limit < SEARCH_MAX ? (size_t)limit : SEARCH_MAX;
    return search_query_add(&search->match, query, err);
}

static void answer_none(struct call *call)
{
    struct json_writer *json = call_begin(call);
    json_begin_object(json);
    json_key(json, "hits");
    json_begin_array(json);
    json_end_array(json);
    json_add_int(json, "seq", journal_committed(swarm_journal(call->swarm)));
    json_end_object(json);
    call_end(call);
}

void method_search(struct call *call)
{
    struct store_search search = {0};
    struct pending *pending = NULL;
    struct err err;
    bool none = false;
    buf_init(&search.match, SEARCH_MATCH_MAX);
    bool ok = read_search(call, &search, &none, &err);
    if (!ok)
        call_fail(call, &err);
    else if (none)
        answer_none(call);
    else
        pending = pending_new(call, &search_kind);
    if (!pending) {
        buf_release(&search.match);
        return;
    }
    struct journal *journal = swarm_journal(call->swarm);
    pending->read.search = search;
    pending->seq = journal_committed(journal);
    journal_read(journal, &pending->read);
}
