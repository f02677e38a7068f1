// SPDX-License-Identifier: MIT
#include "transports/model_key.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS_SHOWN_MAX = 200, COMMAND_SHOWN_MAX = 80 };

// What a command prints and what it says on stderr come through one pipe: first the one; then its
// exit code, between two marks; then the beginning of the other.
#define MARK "\036"
static const char script[] = "exec 3>&1; words=$({ (eval \"$1\") 2>&1 >&3 3>&-; "
                             "printf '\\036%s\\036' \"$?\" >&3; } | "
                             "{ head -c 1000; cat >/dev/null; }); printf %s \"$words\"";

struct model_key {
    const struct ports *ports;
    const struct provider_config *config;
    const char *const *envp;
    char *place, *value;
    struct list waiting;
    struct err err; // why there is none
    // the command
    struct process *process;
    struct timer *timer;
    struct buf output;
    bool too_late, too_much;
    // the file
    struct work work;
    bool reading;
    bool orphan; // destroyed while one of the two was under way
};

static char *name_place(const struct provider_config *config)
{
    if (config->api_key_env)
        return mem_format("the environment variable %s", config->api_key_env);
    if (config->api_key_file)
        return mem_format("the file %s", config->api_key_file);
    if (!config->api_key_command)
        return NULL;
    struct str shown = utf8_cut(str_of(config->api_key_command), COMMAND_SHOWN_MAX);
    return mem_format("what the command '%.*s' prints", STR_ARG(shown));
}

struct model_key *model_key_create(const struct ports *ports, const struct provider_config *config,
                                   const char *const *envp)
{
    struct model_key *key = mem_new(sizeof(*key));
    key->ports = ports;
    key->config = config;
    key->envp = envp;
    key->place = name_place(config);
    list_init(&key->waiting);
    buf_init(&key->output, MODEL_KEY_OUTPUT_MAX);
    return key;
}

static void forget(struct model_key *key)
{
    if (key->value)
        explicit_bzero(key->value, strlen(key->value));
    mem_free(key->value);
    key->value = NULL;
}

static void clear_output(struct model_key *key)
{
    if (key->output.len)
        explicit_bzero(key->output.data, key->output.len);
    buf_release(&key->output);
    buf_init(&key->output, MODEL_KEY_OUTPUT_MAX);
}

void model_key_destroy(struct model_key *key)
{
    if (!key)
        return;
    forget(key);
    if (key->process || key->reading) {
        key->orphan = true;
        return;
    }
    clear_output(key);
    mem_free(key->place);
    mem_free(key);
}

static struct str first_line(struct str text)
{
    long end = str_find(text, STR("\n"));
    return str_trim(end < 0 ? text : str_from(text.data, (size_t)end));
}

// HTTP would end the header line at a line break.
static bool is_header_value(struct str key)
{
    for (size_t i = 0; i < key.len; i++)
        if ((unsigned char)key.data[i] <= ' ' || key.data[i] == 0x7f)
            return false;
    return true;
}

static bool set_value(struct model_key *key, struct str value, struct err *err)
{
    const char *name = key->config->name;
    forget(key);
    if (value.len == 0)
        return err_set(err, ERR_AUTH, "provider '%s': there is no key in %s", name, key->place);
    if (value.len > MODEL_KEY_MAX)
        return err_set(err, ERR_AUTH, "provider '%s': the key in %s is longer than %d bytes", name,
                       key->place, (int)MODEL_KEY_MAX);
    if (!is_header_value(value))
        return err_set(err, ERR_AUTH,
                       "provider '%s': the key in %s has a space or a line break in it", name,
                       key->place);
    key->value = mem_dup(value);
    return true;
}

bool model_key_ready(struct model_key *key, struct err *err)
{
    err->kind = ERR_NONE;
    if (key->value || !key->place)
        return true;
    if (!key->config->api_key_env)
        return false;
    struct str value = str_of(getenv(key->config->api_key_env));
    if (value.len == 0)
        return err_set(
            err, ERR_AUTH,
            "provider '%s' has no key: set the environment variable %s and start swarmd again",
            key->config->name, key->config->api_key_env);
    return set_value(key, value, err);
}

// --- the end of a search

static void tell(struct model_key *key)
{
    struct list waiting;
    list_init(&waiting);
    while (!list_empty(&key->waiting)) { // a waiter may come back at once
        struct list *node = key->waiting.next;
        list_remove(node);
        list_append(&waiting, node);
    }
    while (!list_empty(&waiting)) {
        struct model_key_wait *wait = list_entry(waiting.next, struct model_key_wait, node);
        list_remove(&wait->node);
        wait->fn(wait, &key->err);
    }
}

// --- the command

static void on_output(void *arg, struct str bytes)
{
    struct model_key *key = arg;
    buf_add_str(&key->output, bytes);
    if (key->output.overflow && !key->too_much) {
        key->too_much = true;
        key->ports->ops->process_stop(key->process);
    }
}

// What it has said, on one line.
static void add_words(struct buf *out, struct str words)
{
    size_t from = out->len;
    utf8_repair(out, utf8_cut(str_trim(words), WORDS_SHOWN_MAX));
    for (size_t i = from; i < out->len; i++)
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
            out->data[i] = ' ';
}

static bool command_failed(struct model_key *key, const char *how, struct str words,
                           struct err *err)
{
    struct buf said;
    buf_init(&said, 4 * WORDS_SHOWN_MAX);
    add_words(&said, words);
    err_set(err, ERR_AUTH, "provider '%s' has no key: its api_key_command %s%s%.*s",
            key->config->name, how, said.len ? ": " : "", STR_ARG(buf_str(&said)));
    buf_release(&said);
    return false;
}

struct told {
    struct str printed, words;
    int exit_code;
};

// Takes what is in front of the next mark off *rest.
static bool take_part(struct str *rest, struct str *part)
{
    long at = str_find(*rest, STR(MARK));
    if (at < 0)
        return false;
    *part = str_from(rest->data, (size_t)at);
    *rest = str_skip(*rest, (size_t)at + 1);
    return true;
}

// Without marks (the shell was killed) nothing is shown of it: it may be the key.
static struct told read_output(struct str all, int exit_code)
{
    struct told told = {.exit_code = exit_code ? exit_code : -1};
    struct str code;
    if (take_part(&all, &told.printed) && take_part(&all, &code)) {
        told.exit_code = exit_code; // of the shell; 0 unless something killed it
        for (size_t i = 0; exit_code == 0 && i < code.len && i < 3; i++)
            told.exit_code = told.exit_code * 10 + (code.data[i] - '0');
        told.words = all;
    }
    return told;
}

static bool take_output(struct model_key *key, const struct process_end *end, struct err *err)
{
    struct told told = read_output(buf_str(&key->output), end->exit_code);
    char how[64];
    if (key->too_late) {
        snprintf(how, sizeof(how), "took longer than %d s", MODEL_KEY_COMMAND_MS / 1000);
        return command_failed(key, how, told.words, err);
    }
    if (key->too_much) {
        snprintf(how, sizeof(how), "printed more than %d bytes", (int)MODEL_KEY_OUTPUT_MAX);
        return command_failed(key, how, STR_NONE, err);
    }
    if (told.exit_code != 0) {
        snprintf(how, sizeof(how), "ended with exit code %d", told.exit_code);
        return command_failed(key, how, told.words, err);
    }
    struct str value = first_line(told.printed);
    return value.len ? set_value(key, value, err)
                     : command_failed(key, "printed nothing", told.words, err);
}

static void start_command(struct model_key *key);

static void on_ended(void *arg, const struct process_end *end, const struct err *err)
{
    struct model_key *key = arg;
    key->process = NULL;
    key->ports->ops->timer_free(key->timer);
    key->timer = NULL;
    if (key->orphan) {
        model_key_destroy(key);
        return;
    }
    bool nobody_waited = end->stopped && !key->too_late && !key->too_much;
    if (nobody_waited && list_empty(&key->waiting)) {
        clear_output(key);
        return;
    }
    if (nobody_waited) { // but somebody came meanwhile
        clear_output(key);
        start_command(key);
        return;
    }
    key->err.kind = ERR_NONE;
    if (err->kind != ERR_NONE)
        err_set(&key->err, ERR_AUTH, "provider '%s' has no key: its api_key_command: %s",
                key->config->name, err->message);
    else
        take_output(key, end, &key->err);
    clear_output(key);
    tell(key);
}

static void on_timer(void *arg)
{
    struct model_key *key = arg;
    key->too_late = true;
    key->ports->ops->process_stop(key->process);
}

static void start_command(struct model_key *key)
{
    static const struct process_sink sink = {on_output, on_ended};
    const char *argv[] = {"/bin/sh", "-c", script, "api_key_command", NULL, NULL};
    const char *home = getenv("HOME");
    argv[4] = key->config->api_key_command;
    struct process_spec spec = {
        .argv = argv, .envp = key->envp, .cwd = home && home[0] == '/' ? home : "/"};
    key->too_late = key->too_much = false;
    key->timer = port_timer_new(key->ports, on_timer, key);
    key->ports->ops->timer_set(key->timer, MODEL_KEY_COMMAND_MS);
    key->process = key->ports->ops->process_start(key->ports->ctx, &spec, &sink, key);
}

// --- the file

static bool file_failed(const struct model_key *key, int error, struct err *err)
{
    return err_set_errno(err, ERR_AUTH, error, "provider '%s' has no key: %s", key->config->name,
                         key->config->api_key_file);
}

static bool is_private(const struct model_key *key, int fd, struct err *err)
{
    struct stat seen;
    const char *name = key->config->name, *path = key->config->api_key_file;
    if (fstat(fd, &seen) != 0)
        return file_failed(key, errno, err);
    if (!S_ISREG(seen.st_mode))
        return err_set(err, ERR_AUTH, "provider '%s': %s is no file", name, path);
    if (seen.st_uid != geteuid())
        return err_set(err, ERR_AUTH, "provider '%s': the key file %s must belong to you", name,
                       path);
    return (seen.st_mode & 077) == 0 ||
           err_set(err, ERR_AUTH,
                   "provider '%s': others may use the key file %s: run chmod 600 on it", name,
                   path);
}

static bool read_all(const struct model_key *key, int fd, struct buf *out, struct err *err)
{
    char piece[4096];
    ssize_t got;
    while ((got = read(fd, piece, sizeof(piece))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_failed(key, errno, err);
        buf_add(out, piece, (size_t)got);
        if (out->overflow)
            return err_set(err, ERR_AUTH, "provider '%s': the key file %s is larger than %d bytes",
                           key->config->name, key->config->api_key_file, (int)MODEL_KEY_OUTPUT_MAX);
    }
    explicit_bzero(piece, sizeof(piece));
    return true;
}

static void run_read(struct work *work)
{
    struct model_key *key = list_entry(work, struct model_key, work);
    int fd = open(key->config->api_key_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        file_failed(key, errno, &key->err);
        return;
    }
    if (is_private(key, fd, &key->err))
        read_all(key, fd, &key->output, &key->err);
    close(fd);
}

static void read_done(struct work *work)
{
    struct model_key *key = list_entry(work, struct model_key, work);
    key->reading = false;
    if (key->orphan) {
        model_key_destroy(key);
        return;
    }
    if (key->err.kind == ERR_NONE)
        set_value(key, first_line(buf_str(&key->output)), &key->err);
    clear_output(key);
    tell(key);
}

// --- waiting

void model_key_wait(struct model_key *key, struct model_key_wait *wait)
{
    list_append(&key->waiting, &wait->node);
    if (key->process || key->reading)
        return;
    key->err.kind = ERR_NONE;
    if (key->config->api_key_command) {
        start_command(key);
        return;
    }
    key->reading = true;
    key->work = (struct work){.run = run_read, .done = read_done};
    port_work(key->ports, LANE_FILES, &key->work);
}

void model_key_leave(struct model_key *key, struct model_key_wait *wait)
{
    list_remove(&wait->node);
    if (key->process && list_empty(&key->waiting))
        key->ports->ops->process_stop(key->process);
}

const char *model_key_value(const struct model_key *key)
{
    return key->value;
}

const char *model_key_place(const struct model_key *key)
{
    return key->place;
}

void model_key_refused(struct model_key *key)
{
    if (!key->config->api_key_env)
        forget(key);
}
