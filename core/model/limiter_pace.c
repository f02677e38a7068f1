// SPDX-License-Identifier: MIT
// The pace that follows from what remains; the words for what a limiter does.
#include "core/model/limiter.h"

// What comes back of a limit while it is used, in milliseconds for so much of it.
static double gap_for(const struct limiter_window *window, double amount)
{
    if (window->limit <= 0 || window->remaining < 0 || window->reset_ms <= 0)
        return 0;
    double share = (double)window->remaining / (double)window->limit;
    if (share >= 0.5)
        return 0;
    double even = amount * (double)window->reset_ms / (double)(window->limit - window->remaining);
    return share >= 0.1 ? even * (0.5 - share) / 0.4 : even * (2 - 10 * share);
}

double limiter_gap(const struct limiter_rates *rates, double tokens)
{
    double by_requests = gap_for(&rates->requests, 1);
    double by_tokens = gap_for(&rates->tokens, tokens);
    double gap = by_requests > by_tokens ? by_requests : by_tokens;
    return gap < LIMITER_GAP_MS_MAX ? gap : LIMITER_GAP_MS_MAX;
}

const char *limiter_breaker_name(enum limiter_breaker breaker)
{
    static const char *const names[] = {"closed", "open", "probing", "reopening"};
    return names[breaker];
}

const char *limiter_mode_name(enum limiter_mode mode)
{
    static const char *const names[] = {"adaptive", "fixed", "off"};
    return names[mode];
}
