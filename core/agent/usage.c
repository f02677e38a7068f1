// SPDX-License-Identifier: MIT
#include "core/agent/usage.h"

#include "core/base/time_format.h"

enum { MILLION = 1000000 };

static const int64_t tokens_max = INT64_C(1000000000000); // keeps products below 2^63

void usage_sum_add(struct usage_sum *sum, const struct usage_sum *more)
{
    sum->requests += more->requests;
    sum->unpriced += more->unpriced;
    sum->uncounted += more->uncounted;
    sum->input_tokens += more->input_tokens;
    sum->output_tokens += more->output_tokens;
    sum->cache_read_tokens += more->cache_read_tokens;
    sum->cache_write_tokens += more->cache_write_tokens;
    sum->cost += more->cost;
    sum->work_ms += more->work_ms;
}

struct usage_sum usage_sum_since(const struct usage_sum *now, const struct usage_sum *then)
{
    return (struct usage_sum){
        .requests = now->requests - then->requests,
        .unpriced = now->unpriced - then->unpriced,
        .uncounted = now->uncounted - then->uncounted,
        .input_tokens = now->input_tokens - then->input_tokens,
        .output_tokens = now->output_tokens - then->output_tokens,
        .cache_read_tokens = now->cache_read_tokens - then->cache_read_tokens,
        .cache_write_tokens = now->cache_write_tokens - then->cache_write_tokens,
        .cost = now->cost - then->cost,
        .work_ms = now->work_ms - then->work_ms,
    };
}

bool usage_is_priced(const struct usage_sum *sum)
{
    return sum->unpriced == 0 && sum->requests > sum->uncounted;
}

// --- the cost of one request ---

struct bill {
    int64_t whole; // nano-dollars
    int64_t rest;  // millionths of one
    bool known;
};

static void charge(struct bill *bill, int64_t tokens, int64_t price)
{
    if (tokens <= 0)
        return;
    if (price < 0) {
        bill->known = false;
        return;
    }
    bill->whole += tokens / MILLION * price;
    bill->rest += tokens % MILLION * price;
}

static int64_t within(int64_t tokens, int64_t most)
{
    return tokens < 0 ? 0 : tokens > most ? most : tokens;
}

// What has no price of its own in the cache costs as much as what is not cached.
static int64_t price_or(int64_t price, int64_t otherwise)
{
    return price >= 0 ? price : otherwise;
}

struct usage_sum usage_of_request(const struct model_usage *usage, const struct model_info *model)
{
    int64_t input = within(usage->input, tokens_max);
    int64_t read = within(usage->cache_read, input);
    struct usage_sum sum = {
        .requests = 1,
        .input_tokens = input,
        .output_tokens = within(usage->output, tokens_max),
        .cache_read_tokens = read,
        .cache_write_tokens = within(usage->cache_write, input - read),
    };
    if (usage->input < 0 || usage->output < 0)
        sum.uncounted = 1;
    if (usage->input < 0 && usage->output < 0)
        return sum;
    bool is_long = model->long_above > 0 && input > model->long_above;
    const struct model_prices *prices = is_long ? &model->long_prices : &model->prices;
    struct bill bill = {.known = true};
    charge(&bill, input - read - sum.cache_write_tokens, prices->input);
    charge(&bill, read, price_or(prices->cache_read, prices->input));
    charge(&bill, sum.cache_write_tokens, price_or(prices->cache_write, prices->input));
    charge(&bill, sum.output_tokens, prices->output);
    if (bill.known)
        sum.cost = bill.whole + (bill.rest + MILLION / 2) / MILLION;
    else if (!sum.uncounted)
        sum.unpriced = 1;
    return sum;
}

// --- as text ---

void usage_add_members(struct json_writer *w, const struct usage_sum *sum)
{
    json_add_int(w, "inputTokens", sum->input_tokens);
    json_add_int(w, "outputTokens", sum->output_tokens);
    json_add_int(w, "cacheReadTokens", sum->cache_read_tokens);
    json_add_int(w, "cacheWriteTokens", sum->cache_write_tokens);
    if (usage_is_priced(sum))
        dollars_add(w, "costUsd", sum->cost);
    else
        json_add_null(w, "costUsd");
    json_add_int(w, "requests", sum->requests);
    json_add_int(w, "seconds", sum->work_ms / 1000);
}

enum { MEMBERS = 9 };

static void put_members(struct usage_sum *sum, int64_t *members[MEMBERS])
{
    int64_t *all[MEMBERS] = {&sum->requests,           &sum->unpriced,      &sum->uncounted,
                             &sum->input_tokens,       &sum->output_tokens, &sum->cache_read_tokens,
                             &sum->cache_write_tokens, &sum->cost,          &sum->work_ms};
    memcpy(members, all, sizeof(all));
}

void usage_sum_write(struct json_writer *w, const struct usage_sum *sum)
{
    struct usage_sum copy = *sum;
    int64_t *members[MEMBERS];
    put_members(&copy, members);
    json_begin_array(w);
    for (int i = 0; i < MEMBERS; i++)
        json_put_int(w, *members[i]);
    json_end_array(w);
}

struct usage_sum usage_sum_read(const struct json *json)
{
    struct usage_sum sum = {0};
    int64_t *members[MEMBERS];
    int i = 0;
    put_members(&sum, members);
    json_for_each(value, json)
    {
        if (i < MEMBERS && value->type == JSON_INT)
            *members[i++] = value->integer;
    }
    return sum;
}

void usage_format_day(int64_t day, char out[USAGE_DAY_TEXT])
{
    char text[25];
    time_format(day * USAGE_DAY_MS, text);
    memcpy(out, text, USAGE_DAY_TEXT - 1);
    out[USAGE_DAY_TEXT - 1] = 0;
}

bool usage_read_day(struct str text, int64_t *day)
{
    char whole[25];
    int64_t ms;
    if (text.len != USAGE_DAY_TEXT - 1)
        return false;
    memcpy(whole, text.data, text.len);
    memcpy(whole + text.len, "T00:00:00.000Z", 15);
    if (!time_parse(str_of(whole), &ms))
        return false;
    *day = ms / USAGE_DAY_MS;
    return ms >= 0;
}
