// SPDX-License-Identifier: MIT
// A model server for benchmarks: streams words to thousands of clients at once, and costs little
// itself. HTTP/1.1 on loopback, one thread, no checks (tests/functional/model_server.py has them).
//
//   model_server [--port N] [--deltas N] [--pace-ms N] [--think-ms N] [--tool COMMAND]
//
// Prints "http://127.0.0.1:PORT/v1". Every POST gets --deltas words, one in --pace-ms (0: as fast
// as the client reads), the first after --think-ms. With --tool, a request that ends in a user's
// message gets a call of `bash` with that command, and one that ends in a result gets the words.
// GET /stats: {"requests", "active", "deltas", "first_byte_ns", "cpu_us"}: first_byte_ns is
// CLOCK_MONOTONIC at the first byte of the newest POST.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <uv.h>

enum { BATCH = 256, HEAD_MAX = 64 << 10, SMALL_MAX = 2048 };

struct options {
    int port, deltas, pace_ms, think_ms;
    const char *command;
};

struct server {
    struct options options;
    uv_tcp_t listener;
    char *words, *call, *end; // ready for the wire, in chunked coding
    size_t word_len;          // of each of BATCH words in `words`
    int64_t requests, active, deltas, first_byte_ns;
};

struct client {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_write_t write;
    struct server *server;
    char *data; // of the request so far
    size_t len, cap;
    int64_t first_byte_ns;
    int left; // words
    bool writing, ending;
    int handles;
};

static int64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *checked(void *memory)
{
    if (!memory) {
        fputs("model_server: no memory\n", stderr);
        exit(1);
    }
    return memory;
}

// --- bytes

#define CHUNK                                                                                      \
    "data: {\"id\":\"chatcmpl-bench0123456789abcdef\",\"object\":\"chat.completion.chunk\","       \
    "\"created\":1763700000,\"model\":\"bench\",\"system_fingerprint\":\"fp_0123456789\","         \
    "\"choices\":[{\"index\":0,\"delta\":{%s},\"logprobs\":null,\"finish_reason\":%s}]}\n\n"

static char *chunked(const char *delta, const char *finish)
{
    char event[SMALL_MAX * 2], *out = NULL;
    int len = snprintf(event, sizeof(event), CHUNK, delta, finish);
    if (asprintf(&out, "%x\r\n%s\r\n", (unsigned)len, event) < 0)
        out = NULL;
    return checked(out);
}

static char *joined(const char *a, const char *b)
{
    char *out = NULL;
    if (asprintf(&out, "%s%s", a, b) < 0)
        out = NULL;
    return checked(out);
}

static char *make_end(const char *reason)
{
    static const char tail[] =
        "75\r\ndata: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":"
        "{\"prompt_tokens\":1000,\"completion_tokens\":200}}       \n\n\r\n"
        "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    char *finish = chunked("", reason), *out = joined(finish, tail);
    free(finish);
    return out;
}

static void make_bytes(struct server *server)
{
    char delta[SMALL_MAX];
    char *word = chunked("\"content\":\" hello\"", "null");
    server->word_len = strlen(word);
    server->words = checked(malloc(server->word_len * BATCH));
    for (int i = 0; i < BATCH; i++)
        memcpy(server->words + (size_t)i * server->word_len, word, server->word_len);
    free(word);
    server->end = make_end("\"stop\"");
    if (!server->options.command)
        return;
    snprintf(
        delta, sizeof(delta),
        "\"tool_calls\":[{\"index\":0,\"id\":\"call_bench\",\"type\":\"function\","
        "\"function\":{\"name\":\"bash\",\"arguments\":\"{\\\"command\\\":\\\"%.1000s\\\"}\"}}]",
        server->options.command);
    char *begin = chunked(delta, "null"), *end = make_end("\"tool_calls\"");
    server->call = joined(begin, end);
    free(begin);
    free(end);
}

// --- clients

static void on_client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    if (--client->handles)
        return;
    free(client->data);
    free(client);
}

static void client_close(struct client *client)
{
    if (uv_is_closing((uv_handle_t *)&client->tcp))
        return;
    if (client->left || client->writing)
        client->server->active--;
    uv_close((uv_handle_t *)&client->tcp, on_client_closed);
    uv_close((uv_handle_t *)&client->timer, on_client_closed);
}

static void send_more(struct client *client);

static void on_written(uv_write_t *write, int status)
{
    struct client *client = write->data;
    client->writing = false;
    if (status < 0)
        client_close(client);
    else if (client->ending)
        client->server->active--;
    else if (client->server->options.pace_ms == 0)
        send_more(client);
}

static void send_bytes(struct client *client, const char *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);
    client->write.data = client;
    client->writing = true;
    if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &buf, 1, on_written) < 0)
        client_close(client);
}

static void send_more(struct client *client)
{
    struct server *server = client->server;
    int count = server->options.pace_ms ? 1 : BATCH;
    if (client->writing)
        return; // a client that does not keep up gets its words later
    if (client->left == 0) {
        uv_timer_stop(&client->timer);
        client->ending = true;
        send_bytes(client, server->end, strlen(server->end));
        return;
    }
    if (count > client->left)
        count = client->left;
    client->left -= count;
    server->deltas += count;
    send_bytes(client, server->words, (size_t)count * server->word_len);
}

static void on_timer(uv_timer_t *timer)
{
    send_more(timer->data);
}

static bool ends_in_result(const char *body, size_t len)
{
    static const char role[] = "\"role\":\"";
    for (size_t at = len; at-- > 0;)
        if (len - at > sizeof(role) + 4 && memcmp(body + at, role, sizeof(role) - 1) == 0)
            return strncmp(body + at + sizeof(role) - 1, "tool", 4) == 0;
    return false;
}

static void answer(struct client *client, const char *body, size_t len)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    struct server *server = client->server;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)head, sizeof(head) - 1);
    server->requests++;
    server->active++;
    server->first_byte_ns = client->first_byte_ns;
    client->ending = false;
    uv_try_write((uv_stream_t *)&client->tcp, &buf, 1); // an empty socket takes it
    if (server->call && !ends_in_result(body, len)) {
        client->left = 0;
        client->ending = true;
        send_bytes(client, server->call, strlen(server->call));
        return;
    }
    client->left = server->options.deltas;
    uv_timer_start(&client->timer, on_timer, (uint64_t)server->options.think_ms,
                   (uint64_t)server->options.pace_ms);
}

static void answer_stats(struct client *client)
{
    struct server *server = client->server;
    struct rusage usage;
    char body[256], text[512];
    getrusage(RUSAGE_SELF, &usage);
    long long cpu = (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                    usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    int len = snprintf(body, sizeof(body),
                       "{\"requests\": %lld, \"active\": %lld, \"deltas\": %lld, "
                       "\"first_byte_ns\": %lld, \"cpu_us\": %lld}\n",
                       (long long)server->requests, (long long)server->active,
                       (long long)server->deltas, (long long)server->first_byte_ns, cpu);
    len = snprintf(text, sizeof(text),
                   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                   "%s",
                   len, body);
    uv_buf_t buf = uv_buf_init(text, (unsigned)len);
    uv_try_write((uv_stream_t *)&client->tcp, &buf, 1);
}

// True when a whole request was there.
static bool take_request(struct client *client)
{
    char *end = client->len ? memmem(client->data, client->len, "\r\n\r\n", 4) : NULL;
    if (!end)
        return false;
    *end = '\0';
    char *length = strcasestr(client->data, "\r\ncontent-length:");
    size_t head = (size_t)(end + 4 - client->data);
    size_t whole = head + (length ? strtoul(length + 17, NULL, 10) : 0);
    *end = '\r';
    if (client->len < whole)
        return false;
    if (strncmp(client->data, "GET", 3) == 0)
        answer_stats(client);
    else
        answer(client, client->data + head, whole - head);
    client->len -= whole;
    memmove(client->data, client->data + whole, client->len);
    return true;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct client *client = handle->data;
    (void)suggested;
    if (client->cap - client->len < 4096) {
        client->cap = client->cap ? client->cap * 2 : 16384;
        client->data = checked(realloc(client->data, client->cap));
    }
    *buf = uv_buf_init(client->data + client->len, (unsigned)(client->cap - client->len - 1));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    (void)buf;
    if (got < 0) {
        client_close(client);
        return;
    }
    if (client->len == 0)
        client->first_byte_ns = monotonic_ns();
    client->len += (size_t)got;
    client->data[client->len] = '\0';
    while (take_request(client))
        ;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    struct client *client = checked(calloc(1, sizeof(*client)));
    client->server = server;
    client->handles = 2;
    client->tcp.data = client->timer.data = client;
    uv_tcp_init(listener->loop, &client->tcp);
    uv_timer_init(listener->loop, &client->timer);
    if (status < 0 || uv_accept(listener, (uv_stream_t *)&client->tcp) < 0) {
        client_close(client);
        return;
    }
    uv_tcp_nodelay(&client->tcp, 1);
    uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
}

// --- start

static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || value < 0 || value > 100000000) {
        fprintf(stderr, "model_server: expected a number, not '%s'\n", text);
        exit(2);
    }
    return (int)value;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.deltas = 200};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--port") == 0)
            options.port = number(value);
        else if (strcmp(argv[i], "--deltas") == 0)
            options.deltas = number(value);
        else if (strcmp(argv[i], "--pace-ms") == 0)
            options.pace_ms = number(value);
        else if (strcmp(argv[i], "--think-ms") == 0)
            options.think_ms = number(value);
        else if (strcmp(argv[i], "--tool") == 0)
            options.command = value;
        else {
            fprintf(stderr, "model_server: unknown option '%s'\n", argv[i]);
            exit(2);
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    struct server server = {.options = parse(argc, argv)};
    struct sockaddr_in address;
    struct sockaddr_storage bound;
    int size = sizeof(bound);
    uv_loop_t *loop = uv_default_loop();
    make_bytes(&server);
    uv_tcp_init(loop, &server.listener);
    server.listener.data = &server;
    uv_ip4_addr("127.0.0.1", server.options.port, &address);
    if (uv_tcp_bind(&server.listener, (struct sockaddr *)&address, 0) < 0 ||
        uv_listen((uv_stream_t *)&server.listener, 4096, on_connection) < 0 ||
        uv_tcp_getsockname(&server.listener, (struct sockaddr *)&bound, &size) < 0) {
        fputs("model_server: cannot listen\n", stderr);
        return 1;
    }
    printf("http://127.0.0.1:%d/v1\n", ntohs(((struct sockaddr_in *)&bound)->sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
