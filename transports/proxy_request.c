// SPDX-License-Identifier: MIT
#include "transports/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool same(struct str name, const char *pattern, size_t len)
{
    return name.len == len && strncasecmp(name.data, pattern, len) == 0;
}

static bool matches(const char *pattern, struct str host, int port)
{
    size_t len = strlen(pattern);
    const char *colon = strchr(pattern, ':');
    if (colon && !strchr(colon + 1, ':')) { // with two it is an address of IPv6
        if (strtol(colon + 1, NULL, 10) != port)
            return false;
        len = (size_t)(colon - pattern);
    }
    if (len > 2 && pattern[0] == '*' && pattern[1] == '.')
        return host.len > len - 1 &&
               same(str_skip(host, host.len - (len - 1)), pattern + 1, len - 1);
    return same(host, pattern, len);
}

bool proxy_allows(const struct sandbox_list *hosts, struct str host, int port)
{
    while (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    for (size_t i = 0; i < hosts->count; i++)
        if (matches(hosts->items[i], host, port))
            return true;
    return false;
}

// "host", "host:port", "[address]:port"
static bool parse_authority(struct str text, int port, struct proxy_target *target)
{
    struct str host = text;
    const char *end = NULL;
    if (text.len > 0 && text.data[0] == '[') {
        const char *close = memchr(text.data, ']', text.len);
        if (!close)
            return false;
        host = str_from(text.data + 1, (size_t)(close - text.data - 1));
        end = close + 1;
    } else {
        const char *colon = memchr(text.data, ':', text.len);
        host.len = colon ? (size_t)(colon - text.data) : text.len;
        end = host.data + host.len;
    }
    size_t rest = (size_t)(text.data + text.len - end);
    if (rest > 0) {
        char digits[8] = "";
        if (*end != ':' || rest < 2 || rest > 6)
            return false;
        memcpy(digits, end + 1, rest - 1);
        port = digits[strspn(digits, "0123456789")] ? 0 : (int)strtol(digits, NULL, 10);
    }
    if (host.len == 0 || host.len >= sizeof target->host || port < 1 || port > 65535 ||
        memchr(host.data, '\0', host.len) || memchr(host.data, '@', host.len))
        return false;
    memcpy(target->host, host.data, host.len);
    target->host[host.len] = '\0';
    target->port = port;
    return true;
}

bool proxy_parse(struct str head, struct proxy_target *target)
{
    const char *end = memmem(head.data, head.len, "\r\n", 2);
    const char *space = end ? memchr(head.data, ' ', (size_t)(end - head.data)) : NULL;
    *target = (struct proxy_target){.port = 0};
    if (!space)
        return false;
    struct str url = str_from(space + 1, (size_t)(end - space - 1));
    const char *after = memchr(url.data, ' ', url.len);
    if (!after || end - after < 9 || memcmp(after, " HTTP/1.", 8) != 0)
        return false;
    url.len = (size_t)(after - url.data);
    target->line = (size_t)(end - head.data) + 2;
    target->method = str_from(head.data, (size_t)(space - head.data));
    target->tunnel = str_is(target->method, "CONNECT");
    if (target->tunnel)
        return parse_authority(url, 0, target);
    if (url.len < 8 || strncasecmp(url.data, "http://", 7) != 0)
        return false;
    url = str_skip(url, 7);
    const char *slash = memchr(url.data, '/', url.len);
    target->path = slash ? str_skip(url, (size_t)(slash - url.data)) : STR("/");
    if (slash)
        url.len = (size_t)(slash - url.data);
    return parse_authority(url, 80, target);
}
