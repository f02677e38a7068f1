// SPDX-License-Identifier: MIT
#include "core/agent/budget_account.h"

#include "core/base/mem.h"
#include "core/turn/turn.h"

void budget_today(const struct swarm *swarm, char out[USAGE_DAY_TEXT])
{
    usage_format_day(port_wall_ms(swarm->setup.ports) / USAGE_DAY_MS, out);
}

bool budget_account_is_old(const struct budget_account *account)
{
    char today[USAGE_DAY_TEXT];
    budget_today(account->budgets->swarm, today);
    return account->kind == BUDGET_DAY && strcmp(account->name, today) != 0;
}

struct budget_account *budget_account_find(struct budgets *budgets, enum budget_kind kind,
                                           struct str name)
{
    list_for_each(node, &budgets->accounts)
    {
        struct budget_account *account = list_entry(node, struct budget_account, node);
        if (account->kind == kind && str_is(name, account->name))
            return account;
    }
    return NULL;
}

static char *key_of(const struct budget_account *account)
{
    return mem_format("budget/%s/%s", budget_kind_name(account->kind), account->name);
}

// Days that are over are forgotten; what was read of them is not asked for any more.
static void drop_old(struct budgets *budgets)
{
    list_for_each_safe(node, &budgets->accounts)
    {
        struct budget_account *account = list_entry(node, struct budget_account, node);
        if (!budget_account_is_old(account) || account->phase == BUDGET_LOADING)
            continue;
        char *key = key_of(account);
        journal_put_setting(budgets->swarm->setup.journal, str_of(key), STR_NONE);
        mem_free(key);
        budget_account_free(account);
    }
}

struct budget_account *budget_account_new(struct budgets *budgets, enum budget_kind kind,
                                          struct str name)
{
    if (kind == BUDGET_DAY)
        drop_old(budgets);
    struct budget_account *account = mem_new(sizeof(*account));
    account->budgets = budgets;
    account->kind = kind;
    account->name = mem_dup(name);
    list_append(&budgets->accounts, &account->node);
    return account;
}

void budget_account_free(struct budget_account *account)
{
    list_remove(&account->node);
    journal_wait_cancel(&account->wait);
    account->budgets = NULL;
    if (account->reading)
        return;
    mem_free(account->name);
    mem_free(account->pieces);
    mem_free(account);
}

void budget_account_store(const struct budget_account *account)
{
    struct buf value;
    struct json_writer w;
    char *key = key_of(account);
    buf_init(&value, 4096);
    json_writer_init(&w, &value);
    json_begin_object(&w);
    json_key(&w, "own");
    budget_write_json(&w, &account->own);
    json_add_int(&w, "warned", account->warned);
    json_end_object(&w);
    journal_put_setting(account->budgets->swarm->setup.journal, str_of(key), buf_str(&value));
    buf_release(&value);
    mem_free(key);
}

// --- loading ---

static void wake_waiting(struct swarm *swarm)
{
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (agent->budget_waits && agent->turn)
            turn_wake(agent->turn);
        agent->budget_waits = false;
    }
}

static void loaded(struct journal_read *read)
{
    struct budget_account *account = list_entry(read, struct budget_account, read);
    account->reading = false;
    if (!account->budgets) {
        journal_read_release(read);
        budget_account_free(account);
        return;
    }
    account->err = read->err;
    account->phase = read->err.kind == ERR_NONE ? BUDGET_LOADED : BUDGET_FAILED;
    account->spent = read->total;
    for (size_t i = 0; account->phase == BUDGET_LOADED && i < account->piece_count; i++)
        if (account->pieces[i].seq > read->last)
            usage_sum_add(&account->spent, &account->pieces[i].sum);
    mem_free(account->pieces);
    account->pieces = NULL;
    account->piece_count = account->piece_capacity = 0;
    journal_read_release(read);
    wake_waiting(account->budgets->swarm);
}

static void read_it(struct journal_wait *wait)
{
    struct budget_account *account = list_entry(wait, struct budget_account, wait);
    struct store_usage_query *query = &account->read.usage;
    *query = (struct store_usage_query){.wanted = true, .to = INT64_MAX};
    if (account->kind == BUDGET_DAY && usage_read_day(str_of(account->name), &query->from))
        query->to = query->from;
    if (account->kind == BUDGET_SCOPE)
        query->scope = str_of(account->name);
    if (account->kind == BUDGET_SWARM)
        query->swarm = str_of(account->name);
    account->read.done = loaded;
    account->reading = true;
    journal_read(account->budgets->swarm->setup.journal, &account->read);
}

// What was used before this account was there is in the store after the wait; what comes now is
// noted with its seq.
void budget_account_load(struct budget_account *account)
{
    if (account->phase == BUDGET_LOADING || account->phase == BUDGET_LOADED)
        return;
    account->phase = BUDGET_LOADING;
    account->wait.fn = read_it;
    list_init(&account->wait.node);
    journal_wait(account->budgets->swarm->setup.journal, &account->wait);
}

void budget_account_add(struct budget_account *account, const struct usage_sum *sum, int64_t seq)
{
    if (account->phase == BUDGET_LOADED) {
        usage_sum_add(&account->spent, sum);
        return;
    }
    if (account->phase != BUDGET_LOADING)
        return; // the reading that is to come finds it
    if (account->piece_count == account->piece_capacity) {
        account->piece_capacity = account->piece_capacity ? 2 * account->piece_capacity : 16;
        account->pieces =
            mem_resize(account->pieces, account->piece_capacity, sizeof(*account->pieces));
    }
    account->pieces[account->piece_count++] = (struct budget_account_piece){seq, *sum};
}
