// SPDX-License-Identifier: MIT
#include "transports/proxy.h"

#include "core/base/list.h"
#include "core/base/mem.h"
#include "transports/loop.h"
#include "transports/loop_parts.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct link;

struct half { // from one side to the other
    struct link *link;
    uv_tcp_t *from, *to;
    uv_write_t write;
    char bytes[PROXY_PIECE];
    bool ended;
};

struct link { // a connection of the command, and ours for it
    struct proxy *proxy;
    struct list node;
    uv_tcp_t inner, outer;
    uv_getaddrinfo_t lookup;
    uv_connect_t connect;
    uv_write_t answer;
    struct half out, in;
    struct proxy_target target;
    struct addrinfo *addresses, *next;
    struct buf head;
    char told[200];
    bool outer_open, looking, closing;
    int open_handles;
};

struct proxy {
    struct uv_loop_s *uv;
    const struct sandbox_list *hosts;
    uv_tcp_t listener;
    struct list links;
    size_t count;
    bool closing, waiting; // waiting: somebody could not be taken yet
    bool closed;
};

static void take(struct proxy *proxy);

// --- the end ---

static void proxy_free(struct proxy *proxy)
{
    if (proxy->closed && proxy->count == 0)
        mem_free(proxy);
}

static void link_free(struct link *link)
{
    struct proxy *proxy = link->proxy;
    if (link->open_handles > 0 || link->looking)
        return;
    if (link->addresses)
        uv_freeaddrinfo(link->addresses);
    buf_release(&link->head);
    list_remove(&link->node);
    mem_free(link);
    proxy->count--;
    if (proxy->waiting && !proxy->closing)
        take(proxy);
    proxy_free(proxy);
}

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->open_handles--;
    link_free(link);
}

static void link_close(struct link *link)
{
    if (link->closing)
        return;
    link->closing = true;
    uv_close((uv_handle_t *)&link->inner, on_closed);
    if (link->outer_open)
        uv_close((uv_handle_t *)&link->outer, on_closed);
    if (link->looking)
        uv_cancel((uv_req_t *)&link->lookup);
}

static void on_told(uv_write_t *write, int status)
{
    (void)status;
    link_close(write->data);
}

// An answer of our own; the connection ends with it.
static void tell(struct link *link, const char *status, const char *text)
{
    int len = snprintf(link->told, sizeof link->told,
                       "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status,
                       strlen(text), text);
    uv_buf_t buf = uv_buf_init(link->told, (unsigned)len);
    link->answer.data = link;
    uv_read_stop((uv_stream_t *)&link->inner);
    if (uv_write(&link->answer, (uv_stream_t *)&link->inner, &buf, 1, on_told) < 0)
        link_close(link);
}

// --- passing on ---

static void on_half_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf);

static void give_half(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct link *link = handle->data;
    struct half *half = handle == (uv_handle_t *)&link->inner ? &link->out : &link->in;
    (void)size;
    *buf = uv_buf_init(half->bytes, sizeof half->bytes);
}

static void on_half_written(uv_write_t *write, int status)
{
    struct half *half = write->data;
    if (half->link->closing)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)half->from, give_half, on_half_read) < 0)
        link_close(half->link);
}

static void on_half_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct link *link = stream->data;
    struct half *half = stream == (uv_stream_t *)&link->inner ? &link->out : &link->in;
    if (got == 0)
        return;
    uv_read_stop(stream);
    if (got < 0) {
        half->ended = true;
        // What the other side still says is passed on when this one has only ended its own part.
        if (got != UV_EOF || half == &link->in || link->in.ended)
            link_close(link);
        return;
    }
    uv_buf_t piece = uv_buf_init(buf->base, (unsigned)got);
    half->write.data = half;
    if (uv_write(&half->write, (uv_stream_t *)half->to, &piece, 1, on_half_written) < 0)
        link_close(link);
}

static void on_begun(uv_write_t *write, int status)
{
    struct link *link = write->data;
    if (link->closing)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&link->inner, give_half, on_half_read) < 0 ||
        uv_read_start((uv_stream_t *)&link->outer, give_half, on_half_read) < 0)
        link_close(link);
}

// A tunnel is told to the command; a plain request goes on with the path alone in its first line,
// and what came after its head.
static void begin_passing(struct link *link)
{
    static char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct buf *head = &link->head;
    uv_buf_t bufs[2];
    link->answer.data = link;
    if (link->target.tunnel) {
        bufs[0] = uv_buf_init(established, sizeof established - 1);
        if (uv_write(&link->answer, (uv_stream_t *)&link->inner, bufs, 1, on_begun) < 0)
            link_close(link);
        return;
    }
    struct buf line;
    buf_init(&line, PROXY_HEAD_MAX);
    buf_addf(&line, "%.*s %.*s HTTP/1.1\r\nConnection: close\r\n", STR_ARG(link->target.method),
             STR_ARG(link->target.path));
    struct str rest = str_skip(buf_str(head), link->target.line);
    buf_add_str(&line, rest);
    buf_release(head);
    *head = line;
    bufs[0] = uv_buf_init(head->data, (unsigned)head->len);
    if (head->overflow ||
        uv_write(&link->answer, (uv_stream_t *)&link->outer, bufs, 1, on_begun) < 0)
        link_close(link);
}

// --- the connection outside ---

static void connect_next(struct link *link);

static bool is_private_v4(uint32_t a)
{
    return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 20 == 0xac1 ||
           a >> 16 == 0xc0a8 || a >> 16 == 0xa9fe || a >> 22 == (100u << 2 | 1) || a >> 28 >= 14;
}

static bool is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return is_private_v4(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6)
        return true;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    const unsigned char *b = six->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six) || (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b))
        return is_private_v4((uint32_t)b[12] << 24 | b[13] << 16 | b[14] << 8 | b[15]);
    return IN6_IS_ADDR_UNSPECIFIED(six) || IN6_IS_ADDR_LOOPBACK(six) || b[0] >= 0xfc ||
           (b[0] == 0 && b[1] == 0);
}

static bool is_allowed(const struct link *link, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (!is_private(address))
        return true;
    if (address->sa_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)address, text, sizeof text);
    else
        uv_ip6_name((const struct sockaddr_in6 *)address, text, sizeof text);
    return proxy_allows(link->proxy->hosts, str_of(text), link->target.port);
}

static void on_outer_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->open_handles--;
    if (link->closing)
        link_free(link);
    else
        connect_next(link);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct link *link = connect->data;
    if (link->closing)
        return;
    if (status == 0) {
        begin_passing(link);
        return;
    }
    link->outer_open = false;
    uv_close((uv_handle_t *)&link->outer, on_outer_closed);
}

static void connect_next(struct link *link)
{
    for (; link->next; link->next = link->next->ai_next) {
        const struct sockaddr *address = link->next->ai_addr;
        if (!is_allowed(link, address))
            continue;
        link->next = link->next->ai_next;
        uv_tcp_init(link->proxy->uv, &link->outer);
        link->outer.data = link;
        link->connect.data = link;
        link->outer_open = true;
        link->open_handles++;
        if (uv_tcp_connect(&link->connect, &link->outer, address, on_connected) == 0)
            return;
        link->outer_open = false;
        uv_close((uv_handle_t *)&link->outer, on_outer_closed);
        return;
    }
    tell(link, "502 Bad Gateway",
         "swarmd: no address of this host can be reached, or all are private ones\n");
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    struct link *link = lookup->data;
    link->looking = false;
    link->addresses = link->next = addresses;
    if (link->closing)
        link_free(link);
    else if (status < 0)
        tell(link, "502 Bad Gateway", "swarmd: the host's name cannot be resolved\n");
    else
        connect_next(link);
}

static void look_up(struct link *link)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof port, "%d", link->target.port);
    link->lookup.data = link;
    if (uv_getaddrinfo(link->proxy->uv, &link->lookup, on_looked_up, link->target.host, port,
                       &hints) < 0)
        link_close(link);
    else
        link->looking = true;
}

// --- the request ---

static void on_head(struct link *link)
{
    struct proxy_target *target = &link->target;
    uv_read_stop((uv_stream_t *)&link->inner);
    if (!proxy_parse(buf_str(&link->head), target))
        tell(link, "400 Bad Request", "swarmd: not a request to a proxy\n");
    else if (!proxy_allows(link->proxy->hosts, str_of(target->host), target->port))
        tell(link, "403 Forbidden", "swarmd: not among the hosts of sandbox.network\n");
    else
        look_up(link);
}

static void on_head_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct link *link = stream->data;
    if (got < 0) {
        link_close(link);
        return;
    }
    buf_add(&link->head, buf->base, (size_t)got);
    if (link->head.overflow)
        tell(link, "431 Request Header Fields Too Large",
             "swarmd: a request's head is too large\n");
    else if (link->head.len > 0 && memmem(link->head.data, link->head.len, "\r\n\r\n", 4))
        on_head(link);
}

static void take(struct proxy *proxy)
{
    proxy->waiting = proxy->count >= PROXY_CONNECTIONS_MAX;
    if (proxy->waiting)
        return;
    struct link *link = mem_new(sizeof *link);
    link->proxy = proxy;
    list_append(&proxy->links, &link->node);
    proxy->count++;
    buf_init(&link->head, PROXY_HEAD_MAX);
    uv_tcp_init(proxy->uv, &link->inner);
    link->inner.data = link;
    link->open_handles = 1;
    link->out = (struct half){.link = link, .from = &link->inner, .to = &link->outer};
    link->in = (struct half){.link = link, .from = &link->outer, .to = &link->inner};
    if (uv_accept((uv_stream_t *)&proxy->listener, (uv_stream_t *)&link->inner) < 0 ||
        uv_read_start((uv_stream_t *)&link->inner, give_half, on_head_read) < 0)
        link_close(link);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        take(listener->data);
}

// --- life ---

static void on_listener_closed(uv_handle_t *handle)
{
    struct proxy *proxy = handle->data;
    proxy->closed = true;
    proxy_free(proxy);
}

void proxy_close(struct proxy *proxy)
{
    if (!proxy || proxy->closing)
        return;
    proxy->closing = true;
    list_for_each_safe(node, &proxy->links) link_close(list_entry(node, struct link, node));
    uv_close((uv_handle_t *)&proxy->listener, on_listener_closed);
}

struct proxy *proxy_create(struct loop *loop, int fd, const struct sandbox_list *hosts)
{
    struct proxy *proxy = mem_new(sizeof *proxy);
    proxy->uv = loop_uv(loop);
    proxy->hosts = hosts;
    list_init(&proxy->links);
    uv_tcp_init(proxy->uv, &proxy->listener);
    proxy->listener.data = proxy;
    if (uv_tcp_open(&proxy->listener, fd) < 0) {
        close(fd);
        proxy_close(proxy);
        return NULL;
    }
    if (uv_listen((uv_stream_t *)&proxy->listener, PROXY_CONNECTIONS_MAX, on_connection) < 0) {
        proxy_close(proxy);
        return NULL;
    }
    return proxy;
}
