// SPDX-License-Identifier: MIT
#include "serve.h"

#include "background.h"
#include "core/base/mem.h"
#include "core/base/module.h"
#include "host.h"
#include "lsp/bridge.h"
#include "seek.h"
#include "transports/config_file.h"
#include "transports/loop.h"
#include "transports/rest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct process {
    enum cli_serve how;
    struct loop *loop;
    struct rest *rest;
    struct config config;
    char **tool_env;
    char *folder;
    struct host *host;     // or NULL
    bool host_open;        // it is not closed yet
    struct bridge *bridge; // or NULL
    struct seek *seek;     // with a bridge
    int client_exit_code;  // of the bridge's client; -1 while there is none that is gone
    bool ending;
    int exit_code;
};

// --- the end ---

static void stop_when_closed(struct process *process)
{
    if (process->ending && !process->host_open && !process->bridge)
        loop_stop(process->loop);
}

static void host_closed(void *arg, int exit_code)
{
    struct process *process = arg;
    process->host_open = false;
    if (exit_code > process->exit_code)
        process->exit_code = exit_code;
    if (!host_is_at_rest(process->host))
        _exit(process->exit_code); // whatever is under way, on threads of its own, ends with it
    stop_when_closed(process);
}

static void end(struct process *process, int exit_code)
{
    if (process->ending)
        return;
    process->ending = true;
    process->exit_code = exit_code;
    if (process->seek)
        seek_stop(process->seek);
    if (process->bridge)
        bridge_close(process->bridge);
    if (process->host_open)
        host_close(process->host, host_closed, process);
    stop_when_closed(process);
}

static void on_signal(void *arg, int signal)
{
    if (signal != SIGHUP)
        end(arg, 128 + signal);
}

// Its editor is gone, or wants to be, and waits for the end of these.
static void let_go_of_stdio(void *arg)
{
    (void)arg;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; nothing >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(nothing, fd);
    if (nothing > STDERR_FILENO)
        close(nothing);
}

// --- the host ---

static void host_ended(void *arg, int exit_code)
{
    struct process *process = arg;
    if (process->bridge)
        return; // it has just lost its connection, and comes back
    end(process, process->client_exit_code >= 0 ? process->client_exit_code : exit_code);
}

static struct host *make_host(struct process *process)
{
    bool stays = process->how == CLI_HOST || process->how == CLI_BACKGROUND;
    struct host_setup setup = {
        .loop = process->loop,
        .config = &process->config,
        .tool_env = process->tool_env,
        .folder = process->folder,
        .stays = stays,
        .ended = host_ended,
        .own_ended = let_go_of_stdio,
        .arg = process,
    };
    process->host_open = true;
    process->host = host_create(&setup);
    return process->host;
}

static void open_host(struct process *process, struct lease *lease)
{
    struct err err;
    if (host_open(make_host(process), lease, &err))
        return;
    fprintf(stderr, "swarmd: other editors cannot reach this server: %s\n", err.message);
    if (process->how == CLI_HOST || process->how == CLI_BACKGROUND)
        end(process, 1);
}

static void connect_editor(struct process *process)
{
    struct err err;
    if (host_connect(process->host, STDIN_FILENO, STDOUT_FILENO, &err))
        return;
    fprintf(stderr, "swarmd: %s\n", err.message);
    end(process, 1);
}

// --- the bridge ---

static void bridge_lost(void *arg)
{
    struct process *process = arg;
    seek_start(process->seek);
}

static void bridge_closed(void *arg, int exit_code)
{
    struct process *process = arg;
    process->bridge = NULL;
    process->client_exit_code = exit_code;
    seek_stop(process->seek);
    if (process->ending)
        stop_when_closed(process);
    else if (process->host_open && host_is_used(process->host))
        let_go_of_stdio(process);
    else
        end(process, exit_code);
}

static void on_found(void *arg, int fd)
{
    struct process *process = arg;
    bridge_attach(process->bridge, fd);
}

static void on_seek_failed(void *arg, const struct err *err)
{
    struct process *process = arg;
    bridge_fail(process->bridge, err);
}

// The host is dead: this process takes its place, and its bridge is a client like the others.
static void on_leased(void *arg, struct lease *lease)
{
    struct process *process = arg;
    struct err err;
    int pair[2];
    open_host(process, lease);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0) {
        host_accept(process->host, pair[0]);
        bridge_attach(process->bridge, pair[1]);
        return;
    }
    err_set_errno(&err, ERR_LIMIT, errno, "cannot make a pair of sockets");
    bridge_fail(process->bridge, &err);
}

static void make_bridge(struct process *process)
{
    struct err err;
    struct bridge_setup bridge = {
        .loop = process->loop,
        .ports = loop_ports(process->loop),
        .lost = bridge_lost,
        .closed = bridge_closed,
        .arg = process,
    };
    struct seek_setup seek = {
        .ports = loop_ports(process->loop),
        .folder = process->folder,
        .detach = process->how == CLI_DETACH,
        .found = on_found,
        .leased = on_leased,
        .failed = on_seek_failed,
        .arg = process,
    };
    process->seek = seek_create(&seek);
    process->bridge = bridge_create(&bridge, STDIN_FILENO, STDOUT_FILENO, &err);
    if (process->bridge)
        return;
    fprintf(stderr, "swarmd: %s\n", err.message);
    end(process, 1);
}

// --- the beginning ---

// A core dump would hold the keys of the providers.
static void protect_process(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0); // nor may a command of the same user look into its memory
    signal(SIGXFSZ, SIG_IGN);  // a limit to the size of files is an error like a full disk
}

static bool begin(struct process *process, struct err *err)
{
    if (!config_load(&process->config, err))
        return false;
    if (process->how == CLI_STDIO && process->config.detach)
        process->how = CLI_DETACH;
    process->tool_env = config_tool_env(&process->config);
    config_make_role_env(&process->config);
    config_hide_credentials(&process->config);
    char *helper = module_path("swarmd-exec");
    process->loop = loop_create(helper, err);
    mem_free(helper);
    if (!process->loop)
        return false;
    loop_on_signal(process->loop, on_signal, process);
    process->rest = rest_create(process->loop, REST_AFTER_MS);
    return true;
}

static bool begin_alone(struct process *process, struct err *err)
{
    struct lease lease = {-1};
    process->folder = state_folder(err);
    if (!process->folder)
        return false;
    bool ok = process->how == CLI_HOST
                  ? lease_take(&lease, process->folder, err)
                  : lease_adopt(&lease, BACKGROUND_LEASE_FD, process->folder, err);
    if (!ok)
        return false;
    if (process->how == CLI_BACKGROUND && chdir("/") != 0) {
        // It stays where it is, which only keeps a file system busy.
    }
    open_host(process, &lease);
    return true;
}

static void begin_for_editor(struct process *process)
{
    struct lease lease;
    struct err err;
    process->folder = state_folder(&err);
    if (process->folder && process->how == CLI_DETACH) {
        make_bridge(process);
    } else if (process->folder && lease_take(&lease, process->folder, &err)) {
        open_host(process, &lease);
        connect_editor(process);
    } else if (process->folder && err.kind == ERR_LEASE) {
        make_bridge(process);
    } else {
        host_fail(make_host(process), &err);
        connect_editor(process);
    }
}

int serve(enum cli_serve how)
{
    struct process process = {.how = how, .client_exit_code = -1, .exit_code = 1};
    struct err err;
    protect_process();
    bool ok = begin(&process, &err);
    if (ok && (how == CLI_HOST || how == CLI_BACKGROUND))
        ok = begin_alone(&process, &err);
    else if (ok)
        begin_for_editor(&process);
    if (ok)
        loop_run(process.loop);
    else
        fprintf(stderr, "swarmd: %s\n", err.message);
    host_destroy(process.host);
    seek_destroy(process.seek);
    rest_destroy(process.rest);
    if (process.loop && loop_destroy(process.loop) > 0)
        process.exit_code = 1;
    config_free_env(process.tool_env);
    config_release(&process.config);
    mem_free(process.folder);
    return process.exit_code;
}
