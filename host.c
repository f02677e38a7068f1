// SPDX-License-Identifier: MIT
// The first answer does not wait for the store: it is opened on its lane while `initialize` is
// answered; requests about the swarm wait for it in the server.
#include "host.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/swarm/swarm.h"
#include "lsp/server.h"
#include "transports/control.h"
#include "transports/http.h"
#include "transports/loop.h"
#include "transports/providers.h"

#include <stdio.h>
#include <unistd.h>

struct record { // an agent's row, or a rule's, on its way from the store's lane to the loop
    struct record *next;
    int64_t num;
    size_t len;
    bool is_rule; // that was answered
    char text[];
};

struct setting { // a row of the settings, on the same way
    struct setting *next;
    size_t key_len, value_len;
    char text[]; // both
};

struct host {
    struct host_setup setup;
    const struct ports *ports;
    struct log *log; // NULL without a state folder
    struct http *http;
    struct providers *providers;
    struct server *server;
    struct journal *journal;
    struct swarm *swarm;
    struct control *control;
    struct lease lease;
    // opening the store
    struct work open;
    bool opening;
    struct store *writer, *reader;
    struct store_state state;
    struct record *records, **next_record;
    struct setting *settings;
    char *moved_aside;
    struct err open_err;
    // nothing to do
    struct swarm_watcher watcher;
    struct timer *idle; // NULL unless setup.stays
    bool idle_set;
    // the end
    bool closing;
    int exit_code;
    void (*closed)(void *arg, int exit_code);
    void *closed_arg;
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

static bool keep_setting(void *arg, struct str key, struct str value, struct err *err)
{
    struct host *host = arg;
    struct setting *setting = mem_new(sizeof(*setting) + key.len + value.len + 1);
    (void)err;
    *setting = (struct setting){host->settings, key.len, value.len};
    memcpy(setting->text, key.data, key.len);
    memcpy(setting->text + key.len, value.data, value.len);
    host->settings = setting;
    return true;
}

static bool keep_rule(void *arg, int64_t id, struct str text, struct err *err)
{
    struct host *host = arg;
    struct record **last = host->next_record;
    keep_record(arg, id, text, err);
    (*last)->is_rule = true;
    return true;
}

static void open_run(struct work *work)
{
    struct host *host = list_entry(work, struct host, open);
    struct err *err = &host->open_err;
    if (!store_open(&host->writer, host->setup.folder, &host->moved_aside, err) ||
        !store_open_reader(&host->reader, host->setup.folder, err) ||
        !store_state(host->writer, &host->state, err))
        return;
    if (store_each_rule(host->writer, keep_rule, host, err) &&
        store_each_agent(host->writer, keep_record, host, err))
        store_each_setting(host->writer, keep_setting, host, err);
}

static void drop_records(struct host *host)
{
    while (host->records) {
        struct record *record = host->records;
        host->records = record->next;
        mem_free(record);
    }
    while (host->settings) {
        struct setting *setting = host->settings;
        host->settings = setting->next;
        mem_free(setting);
    }
}

static void say(void *arg, const char *text)
{
    const struct host *host = arg;
    if (host->server)
        server_say(host->server, text);
}

// One agent that cannot be read does not keep the others from starting.
static void restore(struct host *host)
{
    struct swarm_setup setup = {
        .ports = host->ports,
        .log = host->log,
        .journal = host->journal,
        .providers = providers_port(host->providers),
        .config = host->setup.config,
        .state_folder = host->setup.folder,
        .tool_envp = (const char *const *)host->setup.tool_env,
        .last_agent = host->state.last_agent,
        .say = say,
        .arg = host,
    };
    host->swarm = swarm_create(&setup);
    for (const struct setting *setting = host->settings; setting; setting = setting->next)
        swarm_restore_setting(host->swarm, str_from(setting->text, setting->key_len),
                              str_from(setting->text + setting->key_len, setting->value_len));
    for (const struct record *record = host->records; record; record = record->next) {
        struct err err;
        struct str text = str_from(record->text, record->len);
        if (record->is_rule ? swarm_restore_rule(host->swarm, record->num, text, &err)
                            : swarm_restore(host->swarm, record->num, text, &err))
            continue;
        log_line(host->log, LOG_ERROR, NULL, "%s", err.message);
        server_warn(host->server, err.message);
    }
}

// --- nothing to do ---

static bool runs(struct swarm *swarm)
{
    struct swarm_counts counts;
    swarm_count(swarm, &counts);
    if (counts.queued > 0)
        return true;
    if (counts.active == 0)
        return false;
    // One that waits for a person does so in the store just as well.
    for (struct agent *agent = swarm_first(swarm); agent; agent = swarm_next(swarm, agent)) {
        if (agent->state == STATE_WORKING || agent->state == STATE_STARTING)
            return true;
    }
    return false;
}

static bool is_idle(const struct host *host)
{
    bool used = host->closing || host->opening || server_connections(host->server) > 0;
    return !used && !(host->swarm && runs(host->swarm));
}

static void look_idle(struct host *host)
{
    if (!host->idle)
        return;
    bool idle = is_idle(host);
    if (idle == host->idle_set)
        return;
    host->idle_set = idle;
    if (idle)
        host->ports->ops->timer_set(host->idle, host->setup.config->idle_s * 1000LL);
    else
        host->ports->ops->timer_stop(host->idle);
}

static void on_idle(void *arg)
{
    struct host *host = arg;
    host->idle_set = false;
    if (!is_idle(host))
        return;
    log_line(host->log, LOG_INFO, NULL, "nothing to do for %d s", host->setup.config->idle_s);
    host->setup.ended(host->setup.arg, 0);
}

static void on_swarm_changed(struct swarm_watcher *watcher)
{
    struct host *host = list_entry(watcher, struct host, watcher);
    if (server_connections(host->server) == 0)
        look_idle(host);
}

static void on_last_ended(void *arg, int exit_code)
{
    struct host *host = arg;
    if (host->setup.stays)
        look_idle(host);
    else
        host->setup.ended(host->setup.arg, exit_code);
}

static void on_own_ended(void *arg)
{
    struct host *host = arg;
    host->setup.own_ended(host->setup.arg);
}

// --- the end: server, swarm, journal, http, log, in this order ---

static void all_closed(void *arg)
{
    struct host *host = arg;
    host->log = NULL;
    lease_release(&host->lease);
    host->closed(host->closed_arg, host->exit_code);
}

static void http_closed(void *arg)
{
    struct host *host = arg;
    host->http = NULL;
    log_line(host->log, LOG_INFO, NULL, "swarmd ends, pid %d", (int)getpid());
    if (host->log)
        log_close(host->log, all_closed, host);
    else
        all_closed(host);
}

static void journal_closed(void *arg, const struct err *err)
{
    struct host *host = arg;
    host->journal = NULL;
    if (err->kind != ERR_NONE) {
        fprintf(stderr, "swarmd: the last changes could not be stored: %s\n", err->message);
        host->exit_code = 1;
    }
    if (host->swarm) // not at rest: nothing that it uses is taken away from it
        host->closed(host->closed_arg, host->exit_code);
    else
        http_close(host->http, http_closed, host);
}

static void swarm_closed(void *arg)
{
    struct host *host = arg;
    if (swarm_is_at_rest(host->swarm)) {
        swarm_destroy(host->swarm);
        host->swarm = NULL;
    } else {
        fprintf(stderr, "swarmd: ends although work on files is still under way; the next start "
                        "settles it, as after a crash\n");
    }
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
    if (host->swarm && host->idle)
        swarm_unwatch(&host->watcher);
    if (host->swarm && server_accepted(host->server) > 0)
        swarm_hand_over(host->swarm);
    server_close(host->server, server_closed, host);
}

void host_close(struct host *host, void (*closed)(void *arg, int exit_code), void *arg)
{
    if (host->closing)
        return;
    host->closing = true;
    host->closed = closed;
    host->closed_arg = arg;
    look_idle(host);
    control_close(host->control); // nobody comes any more
    host->control = NULL;
    if (!host->opening) // else open_done() goes on
        close_all(host);
}

// --- the beginning ---

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
    if (err.kind == ERR_NONE && !host->closing) {
        host->journal =
            journal_create(host->ports, host->writer, host->reader, host->state.last_seq);
        host->writer = host->reader = NULL;
        restore(host);
    }
    drop_records(host);
    if (err.kind != ERR_NONE)
        log_line(host->log, LOG_ERROR, NULL, "%s", err.message);
    if (host->moved_aside)
        tell_moved_aside(host);
    if (host->closing) {
        close_all(host);
        return;
    }
    if (err.kind != ERR_NONE)
        server_failed(host->server, &err);
    else
        server_ready(host->server, host->swarm);
    if (host->swarm && host->idle)
        swarm_watch(host->swarm, &host->watcher);
    look_idle(host);
}

struct host *host_create(const struct host_setup *setup)
{
    struct host *host = mem_new(sizeof(*host));
    host->setup = *setup;
    host->ports = loop_ports(setup->loop);
    host->lease.fd = -1;
    host->next_record = &host->records;
    host->watcher.changed = on_swarm_changed;
    list_init(&host->watcher.node);
    host->http = http_create(setup->loop);
    host->providers = providers_create(setup->loop, host->http, setup->config);
    struct server_setup server = {
        .loop = setup->loop,
        .ports = host->ports,
        .ended = on_last_ended,
        .own_ended = on_own_ended,
        .arg = host,
    };
    host->server = server_create(&server);
    if (setup->stays && setup->config->idle_s > 0)
        host->idle = port_timer_new(host->ports, on_idle, host);
    return host;
}

static void on_accepted(void *arg, int fd, const struct err *refusal)
{
    struct host *host = arg;
    server_accept(host->server, fd, refusal);
    look_idle(host);
}

bool host_open(struct host *host, struct lease *lease, struct err *err)
{
    host->lease = *lease;
    lease->fd = -1;
    const char *folder = host->setup.folder;
    host->log = log_create(host->ports, folder, host->setup.config->log_level);
    log_line(host->log, LOG_INFO, NULL, "swarmd %s is the host, pid %d", SWARMD_VERSION,
             (int)getpid());
    host->open.run = open_run;
    host->open.done = open_done;
    host->opening = true;
    port_work(host->ports, LANE_STORE, &host->open);
    host->control = control_listen(host->setup.loop, folder, on_accepted, host, err);
    if (!host->control)
        log_line(host->log, LOG_ERROR, NULL, "%s", err->message);
    return host->control != NULL;
}

void host_fail(struct host *host, const struct err *err)
{
    server_failed(host->server, err);
}

bool host_connect(struct host *host, int in_fd, int out_fd, struct err *err)
{
    return server_connect(host->server, in_fd, out_fd, err);
}

void host_accept(struct host *host, int fd)
{
    server_accept(host->server, fd, NULL);
}

bool host_is_at_rest(const struct host *host)
{
    return !host->swarm;
}

bool host_is_used(const struct host *host)
{
    return server_connections(host->server) > 0;
}

void host_destroy(struct host *host)
{
    if (!host)
        return;
    providers_destroy(host->providers);
    host->ports->ops->timer_free(host->idle);
    store_close(host->reader); // when the end came before the journal took them
    store_close(host->writer);
    mem_free(host->moved_aside);
    mem_free(host);
}
