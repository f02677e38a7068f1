// SPDX-License-Identifier: MIT
// The module swarmd-http.so: curl's start and end, and the table that transports/http.c uses.
#include "transports/http_internal.h"

#include <curl/curl.h>

_Static_assert(HTTP_ERROR_BYTES >= CURL_ERROR_SIZE, "curl writes so much");

static bool start_curl(struct http *http, struct err *err)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    http->global = code == CURLE_OK;
    return http->global ||
           err_set(err, ERR_PROVIDER, "libcurl does not start: %s", curl_easy_strerror(code));
}

static bool start_share(struct http *http)
{
    if (!http->share)
        http->share = curl_share_init();
    return http->share &&
           curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
           curl_share_setopt(http->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
               CURLSHE_OK;
}

static bool start(struct http_multi *multi, struct err *err)
{
    struct http *http = multi->http;
    if (!http->global && (!start_curl(http, err)))
        return false;
    return (start_share(http) && http_multi_init(multi)) ||
           err_set(err, ERR_PROVIDER, "libcurl does not start: no memory");
}

static void rest(struct http *http)
{
    while (http->pool_count)
        curl_easy_cleanup(http->pool[--http->pool_count]);
}

static void release(struct http *http)
{
    rest(http);
    for (int kind = 0; kind < HTTP_MULTI_COUNT; kind++)
        http_multi_release(&http->multis[kind]);
    if (http->share)
        curl_share_cleanup(http->share);
    http->share = NULL;
}

extern const struct http_curl swarmd_http;
__attribute__((visibility("default"))) const struct http_curl swarmd_http = {
    .version = SWARMD_VERSION,
    .start = start,
    .rest = rest,
    .release = release,
    .stop = curl_global_cleanup,
    .add = http_easy_add,
    .remove = http_easy_remove,
    .status = http_easy_status,
    .sent = http_easy_sent,
    .uncap = http_multi_uncap,
};
