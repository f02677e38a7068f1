// SPDX-License-Identifier: MIT
// swarmd: the only place that knows all parts. It builds them in order, runs, and tears down.
//
// The first answer does not wait for the store: it is opened on its lane while `initialize` is
// answered; requests about the swarm wait for it in the server.
#include "cli/cli.h"
#include "core/lease.h"
#include "core/mem.h"
#include "core/module.h"
#include "core/swarm.h"
#include "lsp/server.h"
#include "transports/config_file.h"
#include "transports/http.h"
#include "transports/loop.h"
#include "transports/providers.h"
#include "transports/rest.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct record { // an agent's row, on its way from the store's lane to the loop
    struct record *next;
    int64_t num;
    size_t len;
    char text[];
};

struct host {
    struct loop *loop;
    struct rest *rest;
    struct log *log; // NULL without a state folder
    struct http *http;
    struct providers *providers;
    struct server *server;
    struct journal *journal;
    struct swarm *swarm;
    struct config config;
    struct lease lease;
    char *folder;
    char **tool_env;
    // opening the store
    struct work open;
    bool opening;
    struct store *writer, *reader;
    struct store_state state;
    struct record *records, **next_record;
    char *moved_aside;
    struct err open_err;
    // the end
    bool ending;
    int exit_code;
};

// --- the store is opened on its lane ---

static bool keep_record(void *arg, int64_t num, struct str text, struct err *err)
{
    struct host *host = arg;
    struct record *record = mem_new(sizeof(*record) + text.len + 1);
    (void)err;
    record->num = num;
    record->len = text.len;
    memcpy(record->text, text.data, text.len);
    *host->next_record = record;
    host->next_record = &record->next;
    return true;
}

static void open_run(struct work *work)
{
    struct host *host = list_entry(work, struct host, open);
    struct err *err = &host->open_err;
    if (!store_open(&host->writer, host->folder, &host->moved_aside, err) ||
        !store_open_reader(&host->reader, host->folder, err) ||
        !store_state(host->writer, &host->state, err))
        return;
    store_each_agent(host->writer, keep_record, host, err);
}

static void close_all(struct host *host);

static void drop_records(struct host *host)
{
    while (host->records) {
        struct record *record = host->records;
        host->records = record->next;
        mem_free(record);
    }
}

static bool restore(struct host *host, struct err *err)
{
    struct swarm_setup setup = {
        .ports = loop_ports(host->loop),
        .log = host->log,
        .journal = host->journal,
        .providers = providers_port(host->providers),
        .config = &host->config,
        .state_folder = host->folder,
        .tool_envp = (const char *const *)host->tool_env,
        .last_agent = host->state.last_agent,
    };
    host->swarm = swarm_create(&setup);
    for (const struct record *record = host->records; record; record = record->next) {
        if (!swarm_restore(host->swarm, record->num, str_from(record->text, record->len), err))
            return false;
    }
    return true;
}

static void tell_moved_aside(struct host *host)
{
    char *text = mem_format("the database of agents could not be read: it was moved to %s, and a "
                            "new one begun; the worktrees of its agents are left as they are",
                            host->moved_aside);
    fprintf(stderr, "swarmd: %s\n", text);
    log_line(host->log, LOG_ERROR, NULL, "%s", text);
    server_warn(host->server, text);
    mem_free(text);
}

static void open_done(struct work *work)
{
    struct host *host = list_entry(work, struct host, open);
    struct err err = host->open_err;
    host->opening = false;
    if (err.kind == ERR_NONE && !host->ending) {
        host->journal = journal_create(loop_ports(host->loop), host->writer, host->reader,
                                       host->state.last_seq);
        host->writer = host->reader = NULL;
        restore(host, &err);
    }
    drop_records(host);
    if (err.kind != ERR_NONE)
        log_line(host->log, LOG_ERROR, NULL, "%s", err.message);
    if (host->moved_aside)
        tell_moved_aside(host);
    if (host->ending)
        close_all(host);
    else if (err.kind != ERR_NONE)
        server_failed(host->server, &err);
    else
        server_ready(host->server, host->swarm);
}

// --- the end: server, swarm, journal, http, in this order ---

static void log_closed(void *arg)
{
    struct host *host = arg;
    host->log = NULL;
    loop_stop(host->loop);
}

static void http_closed(void *arg)
{
    struct host *host = arg;
    host->http = NULL;
    log_line(host->log, LOG_INFO, NULL, "swarmd ends with %d", host->exit_code);
    if (host->log)
        log_close(host->log, log_closed, host);
    else
        loop_stop(host->loop);
}

static void journal_closed(void *arg, const struct err *err)
{
    struct host *host = arg;
    host->journal = NULL;
    if (err->kind != ERR_NONE) {
        fprintf(stderr, "swarmd: the last changes could not be stored: %s\n", err->message);
        host->exit_code = 1;
    }
    http_close(host->http, http_closed, host);
}

static void swarm_closed(void *arg)
{
    struct host *host = arg;
    swarm_destroy(host->swarm);
    host->swarm = NULL;
    journal_close(host->journal, journal_closed, host);
}

static void server_closed(void *arg)
{
    struct host *host = arg;
    host->server = NULL;
    if (host->swarm)
        swarm_close(host->swarm, swarm_closed, host);
    else
        http_close(host->http, http_closed, host);
}

static void close_all(struct host *host)
{
    server_close(host->server, server_closed, host);
}

static void end(struct host *host, int exit_code)
{
    if (host->ending)
        return;
    host->ending = true;
    host->exit_code = exit_code;
    if (!host->opening) // else open_done() goes on
        close_all(host);
}

static void last_connection_ended(void *arg, int exit_code)
{
    end(arg, exit_code);
}

static void on_signal(void *arg, int signal)
{
    if (signal != SIGHUP)
        end(arg, 128 + signal);
}

// --- the beginning ---

// A core dump would hold the keys of the providers.
static void protect_process(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGXFSZ, SIG_IGN); // a limit to the size of files is an error like a full disk
}

static bool begin(struct host *host, struct err *err)
{
    if (!config_load(&host->config, err))
        return false;
    host->tool_env = config_tool_env(&host->config);
    config_hide_credentials(&host->config);
    char *helper = module_path("swarmd-exec");
    host->loop = loop_create(helper, err);
    mem_free(helper);
    if (!host->loop)
        return false;
    loop_on_signal(host->loop, on_signal, host);
    host->rest = rest_create(host->loop, REST_AFTER_MS);
    host->http = http_create(host->loop);
    host->providers = providers_create(host->loop, host->http, &host->config);
    struct server_setup setup = {
        .loop = host->loop,
        .ports = loop_ports(host->loop),
        .ended = last_connection_ended,
        .arg = host,
    };
    host->server = server_create(&setup);
    return true;
}

static void open_store(struct host *host)
{
    struct err err;
    host->folder = state_folder(&err);
    if (!host->folder || !lease_take(&host->lease, host->folder, &err)) {
        server_failed(host->server, &err);
        return;
    }
    host->log = log_create(loop_ports(host->loop), host->folder, host->config.log_level);
    log_line(host->log, LOG_INFO, NULL, "swarmd %s begins, pid %d", SWARMD_VERSION, (int)getpid());
    host->next_record = &host->records;
    host->open.run = open_run;
    host->open.done = open_done;
    host->opening = true;
    port_work(loop_ports(host->loop), LANE_STORE, &host->open);
}

static int serve(void)
{
    struct host host = {.lease = {.fd = -1}, .exit_code = 1};
    struct err err;
    protect_process();
    if (!begin(&host, &err)) {
        fprintf(stderr, "swarmd: %s\n", err.message);
        goto out;
    }
    open_store(&host);
    if (!server_connect(host.server, STDIN_FILENO, STDOUT_FILENO, &err)) {
        fprintf(stderr, "swarmd: %s\n", err.message);
        end(&host, 1);
    }
    loop_run(host.loop);
out:
    if (host.providers)
        providers_destroy(host.providers);
    store_close(host.reader); // when the end came before the journal took them
    store_close(host.writer);
    rest_destroy(host.rest);
    if (host.loop && loop_destroy(host.loop) > 0)
        host.exit_code = 1;
    config_free_env(host.tool_env);
    config_release(&host.config);
    lease_release(&host.lease);
    mem_free(host.moved_aside);
    mem_free(host.folder);
    return host.exit_code;
}

int main(int argc, char **argv)
{
    int exit_code = cli_main(argc, argv);
    return exit_code >= 0 ? exit_code : serve();
}
