// SPDX-License-Identifier: MIT
#include "transports/http_internal.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// --- callbacks of curl

static bool is_live(struct http_request *request)
{
    request->last_byte = port_mono_ms(request->http->ports);
    request->answered = true;
    return !request->dropped || request->lingering;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_request *request = arg;
    size_t len = size * count;
    if (!is_live(request))
        return 0; // ends the transfer
    if (request->lingering)
        return len;
    int status = http_easy_status(request);
    if (status >= 200 && status < 300) {
        request->sink.body(request->arg, str_from(bytes, len));
        return len;
    }
    size_t room = HTTP_ERROR_BODY_MAX - request->error_body.len;
    buf_add(&request->error_body, bytes, len < room ? len : room);
    return len < room ? len : 0; // what is said by then says it; some never end
}

static struct str header_value(struct str line, const char *name)
{
    size_t len = strlen(name);
    if (line.len <= len || line.data[len] != ':' || strncasecmp(line.data, name, len) != 0)
        return STR_NONE;
    return str_trim(str_skip(line, len + 1));
}

static int64_t parse_number(struct str value) // -1: it is none
{
    int64_t number = 0;
    if (value.len == 0 || value.len > 9)
        return -1;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return -1;
        number = number * 10 + (value.data[i] - '0');
    }
    return number;
}

static int64_t retry_after(struct str value)
{
    char text[64];
    int64_t seconds = parse_number(value);
    if (seconds >= 0)
        return seconds * 1000;
    if (value.len >= sizeof(text))
        return -1;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    time_t at = curl_getdate(text, NULL), now = time(NULL);
    if (at < 0)
        return -1;
    return at > now ? (int64_t)(at - now) * 1000 : 0;
}

static void begin_answer(struct http_request *request, struct str line)
{
    request->retry_after_ms = -1;
    if (request->host->tls && !request->host->only_http1 && str_starts(line, STR("HTTP/1."))) {
        request->host->only_http1 = true;
        request->http->lift_cap = true;
        http_settle_soon(request->http);
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_request *request = arg;
    struct str line = str_from(bytes, size * count);
    if (!is_live(request))
        return 0;
    if (str_starts(line, STR("HTTP/")))
        begin_answer(request, line);
    struct str ms = header_value(line, "retry-after-ms"), value = header_value(line, "retry-after");
    if (ms.len && parse_number(ms) >= 0)
        request->retry_after_ms = parse_number(ms);
    else if (value.len && request->retry_after_ms < 0)
        request->retry_after_ms = retry_after(value);
    if (request->sink.header && !request->lingering)
        request->sink.header(request->arg, str_trim(line));
    return line.len;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_request *request = arg;
    (void)purpose;
    request->last_byte = port_mono_ms(request->http->ports);
    request->http->stats.connections++;
    request->http->events->found(request);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_connected(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http_request *request = arg;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    request->begun = true;
    request->last_byte = port_mono_ms(request->http->ports);
    request->http->events->found(request);
    return CURL_PREREQFUNC_OK;
}

// --- handles

// The same for all, as curl's cache of certificates is for one set of them.
static void set_certificates(CURL *easy, const struct http *http)
{
    // With a folder of certificates, each new connection would read it: see docs/performance.md.
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (http->ca_bundle)
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_bundle);
}

static void set_constant_options(CURL *easy, const struct http *http)
{
    curl_easy_setopt(easy, CURLOPT_SHARE, http->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // A transfer that is cancelled during its lookup must not wait for the resolver's thread.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    set_certificates(easy, http);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)HTTP_NAMES_KEPT_S);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_UNLIMITED_S);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HTTP_RECEIVE_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "swarmd/" SWARMD_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
}

static int listen_here(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && bind(fd, (struct sockaddr *)address, size) == 0 && listen(fd, 1) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &size) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

// Until the other side has sent something.
static void perform_until_heard(CURLM *multi, int listener)
{
    struct pollfd peer = {.fd = -1, .events = POLLIN};
    int running = 1;
    for (int i = 0; i < HTTP_WARM_ROUNDS_MAX && running && peer.revents == 0; i++) {
        curl_multi_perform(multi, &running);
        if (peer.fd < 0)
            peer.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        poll(&peer, 1, 1);
    }
    if (peer.fd >= 0)
        close(peer.fd);
}

// Begins a TLS connection to ourselves: with the first byte that it sends, curl has read the
// certificates. Runs off the loop. Where this fails, the first request reads them.
void http_easy_load_certificates(const struct http *http, void *multi)
{
    struct sockaddr_in address;
    char url[64];
    int listener = listen_here(&address);
    CURL *easy = listener < 0 ? NULL : curl_easy_init();
    if (easy) {
        snprintf(url, sizeof(url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
        set_certificates(easy, http);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_multi_add_handle(multi, easy);
        perform_until_heard(multi, listener);
        curl_multi_remove_handle(multi, easy);
        curl_easy_cleanup(easy);
    }
    if (listener >= 0)
        close(listener);
}

// Handles in the pool keep the constant options; all the others are set for each request.
static CURL *take_handle(struct http *http)
{
    if (http->pool_count)
        return http->pool[--http->pool_count];
    CURL *easy = curl_easy_init();
    if (easy)
        set_constant_options(easy, http);
    return easy;
}

static void give_handle_back(struct http *http, CURL *easy)
{
    if (http->pool_count == HTTP_POOL_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    http->pool[http->pool_count++] = easy;
}

static struct curl_slist *header_lines(char *const *headers)
{
    // "Expect: 100-continue" would cost a round trip for each large body.
    struct curl_slist *lines = curl_slist_append(NULL, "Expect:");
    for (; *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(lines, *headers);
        if (!longer)
            break;
        lines = longer;
    }
    return lines;
}

static CURLcode set_request_options(struct http_request *request)
{
    CURL *easy = request->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->lines);
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body); // not copied
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    return curl_easy_setopt(easy, CURLOPT_URL, request->url);
}

bool http_easy_add(struct http_request *request, struct http_multi *multi)
{
    struct http *http = request->http;
    if (!request->easy && !(request->easy = take_handle(http)))
        return false;
    request->lines = header_lines(request->headers);
    if (set_request_options(request) != CURLE_OK)
        return false;
    bool shared = request->host->tls && !request->host->only_http1;
    curl_easy_setopt(request->easy, CURLOPT_PIPEWAIT, shared ? 1L : 0L);
    if (curl_multi_add_handle(multi->curl, request->easy) != CURLM_OK)
        return false;
    request->multi = multi;
    return true;
}

void http_easy_remove(struct http_request *request)
{
    if (request->multi)
        curl_multi_remove_handle(request->multi->curl, request->easy);
    request->multi = NULL;
    give_handle_back(request->http, request->easy);
    request->easy = NULL;
    curl_slist_free_all(request->lines);
    request->lines = NULL;
}

int http_easy_status(const struct http_request *request)
{
    long status = 0;
    curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

int64_t http_easy_sent(const struct http_request *request)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(request->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent;
}
