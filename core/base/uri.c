// SPDX-License-Identifier: MIT
#include "core/base/uri.h"

#include "core/base/mem.h"

#include <strings.h>

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~/", c));
}

void uri_add_path(struct buf *out, struct str path)
{
    buf_add_str(out, STR("file://"));
    for (size_t i = 0; i < path.len; i++) {
        if (is_unreserved(path.data[i]))
            buf_add_char(out, path.data[i]);
        else
            buf_addf(out, "%%%02X", (unsigned char)path.data[i]);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False on bad encoding.
static bool decode(struct str s, char *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.data[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        *out++ = c;
    }
    *out = '\0';
    return true;
}

char *uri_to_path(struct str uri)
{
    if (uri.len < 6 || strncasecmp(uri.data, "file:", 5) != 0)
        return NULL;
    struct str rest = str_skip(uri, 5);
    if (str_starts(rest, STR("//localhost/")))
        rest = str_skip(rest, sizeof "//localhost" - 1);
    else if (str_starts(rest, STR("///")))
        rest = str_skip(rest, 2);
    if (rest.data[0] != '/' || str_starts(rest, STR("//")))
        return NULL;
    char *path = mem_new(rest.len + 1);
    if (decode(rest, path))
        return path;
    mem_free(path);
    return NULL;
}
