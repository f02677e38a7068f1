// SPDX-License-Identifier: MIT
#include "core/model/catalogue_match.h"

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == '.' || c == '_' || c == ':' ? '-' : c;
}

static bool same_start(struct str a, struct str b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (plain(a.data[i]) != plain(b.data[i]))
            return false;
    return true;
}

static bool same(struct str a, struct str b)
{
    return a.len == b.len && same_start(a, b, a.len);
}

static bool are_digits(struct str s, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++)
        if (i >= s.len || s.data[i] < '0' || s.data[i] > '9')
            return false;
    return true;
}

// -20250929, @20250929, -2024-11-20, -latest: how many bytes at the end.
static size_t date_length(struct str s)
{
    if (str_ends(s, STR("-latest")))
        return sizeof("-latest") - 1;
    size_t at = s.len - 9;
    if (s.len > 9 && are_digits(s, at + 1, 8) && (s.data[at] == '-' || s.data[at] == '@'))
        return 9;
    at = s.len - 11;
    if (s.len > 11 && s.data[at] == '-' && are_digits(s, at + 1, 4) && s.data[at + 5] == '-' &&
        are_digits(s, at + 6, 2) && s.data[at + 8] == '-' && are_digits(s, at + 9, 2))
        return 11;
    return 0;
}

static struct str undated(struct str s)
{
    return str_from(s.data, s.len - date_length(s));
}

static struct str untagged(struct str s)
{
    const char *colon = s.len ? memrchr(s.data, ':', s.len) : NULL;
    return colon ? str_from(s.data, (size_t)(colon - s.data)) : s;
}

static struct str without_vendor(struct str s)
{
    const char *slash = s.len ? memrchr(s.data, '/', s.len) : NULL;
    return slash ? str_skip(s, (size_t)(slash - s.data) + 1) : s;
}

static enum model_fit fits_name(struct str model, struct str id)
{
    if (str_ends(id, STR("*")))
        return model.len >= id.len - 1 && same_start(model, id, id.len - 1) ? MODEL_FIT_FAMILY
                                                                            : MODEL_FIT_NONE;
    if (same(model, id))
        return MODEL_FIT_EXACT;
    if (same(undated(model), undated(id)))
        return MODEL_FIT_DATED;
    struct str bare = untagged(model);
    if (bare.len < model.len && same(undated(bare), undated(id)))
        return str_ends(model, STR(":latest")) ? MODEL_FIT_DATED : MODEL_FIT_TAGGED;
    return MODEL_FIT_NONE;
}

enum model_fit model_fits(struct str model, struct str id)
{
    struct str a = without_vendor(model), b = without_vendor(id);
    // Nearly all pairs of a long list end here.
    if (a.len == 0 || b.len == 0 || (b.data[0] != '*' && plain(a.data[0]) != plain(b.data[0])))
        return MODEL_FIT_NONE;
    enum model_fit whole = fits_name(model, id);
    enum model_fit name = fits_name(a, b);
    return whole > name ? whole : name;
}
