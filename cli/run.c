// SPDX-License-Identifier: MIT
#include "cli/run.h"

#include "cli/approve.h"
#include "cli/child.h"
#include "cli/help.h"
#include "cli/printer.h"
#include "cli/run_end.h"
#include "core/base/arena.h"
#include "core/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_INITIALIZE = 1, ID_SPAWN, ID_CANCEL, ID_SHUTDOWN, ID_APPROVE };
enum { TASK_MAX = 1 << 20, MESSAGE_MAX = 4 << 20, SIGNALED = 128 };

struct options {
    const char *model, *mode;
    bool json;
    struct buf task;
};

struct run {
    const struct options *options;
    struct child child;
    struct arena arena; // of the message at hand
    struct printer printer;
    char *id;    // of the agent, once it is there
    char *agent; // its newest snapshot, JSON
    bool over;   // the turn has ended, or there is none to come
    bool heard;  // the server has said something
    int interrupts;
    int exit_code;
};

// --- to the server ---

static void request_begin(struct json_writer *w, struct buf *out, const char *method, int id)
{
    buf_init(out, MESSAGE_MAX);
    json_writer_init(w, out);
    json_begin_object(w);
    json_add_cstr(w, "jsonrpc", "2.0");
    if (id)
        json_add_int(w, "id", id);
    json_add_cstr(w, "method", method);
    json_key(w, "params");
    json_begin_object(w);
}

// A server that does not read any more is seen at the next read from it.
static void request_end(struct run *run, struct json_writer *w, struct buf *out)
{
    struct err ignored;
    json_end_object(w);
    json_end_object(w);
    child_send(&run->child, buf_str(out), &ignored);
    buf_release(out);
}

static void send_initialize(struct run *run)
{
    struct json_writer w;
    struct buf out;
    char *scope = mem_format("run-%ld", (long)getpid());
    request_begin(&w, &out, "initialize", ID_INITIALIZE);
    json_add_int(&w, "processId", getpid());
    json_add_raw(&w, "clientInfo",
                 STR("{\"name\":\"swarmd run\",\"version\":\"" SWARMD_VERSION "\"}"));
    json_add_raw(&w, "capabilities", STR("{\"experimental\":{\"swarm\":true}}"));
    json_key(&w, "initializationOptions");
    json_begin_object(&w);
    json_add_cstr(&w, "scope", scope);
    json_end_object(&w);
    request_end(run, &w, &out);
    mem_free(scope);
}

static void send_spawn(struct run *run)
{
    struct json_writer w;
    struct buf out;
    char *cwd = getcwd(NULL, 0);
    request_begin(&w, &out, "initialized", 0);
    request_end(run, &w, &out);
    request_begin(&w, &out, "swarm/spawn", ID_SPAWN);
    json_add_str(&w, "task", buf_str(&run->options->task));
    json_add_cstr(&w, "cwd", cwd);
    json_add_cstr(&w, "mode", run->options->mode);
    // An answer about these is kept for the repository, and nobody is there to give one.
    if (!isatty(STDIN_FILENO))
        json_add_raw(&w, "permissions", STR("{\"deny\":[\"worktreeinclude\",\"worktreesetup\"]}"));
    if (run->options->model)
        json_add_cstr(&w, "model", run->options->model);
    request_end(run, &w, &out);
    free(cwd);
}

static void send_plain(struct run *run, const char *method, int id)
{
    struct json_writer w;
    struct buf out;
    request_begin(&w, &out, method, id);
    if (run->id && id == ID_CANCEL)
        json_add_cstr(&w, "agentId", run->id);
    request_end(run, &w, &out);
}

static void answer_approval(struct run *run, const struct json *approval)
{
    struct answer answer = approve_ask(&run->printer, approval);
    struct json_writer w;
    struct buf out;
    if (answer.reason && !run->options->json)
        printer_say(&run->printer, "  not allowed: %s", answer.reason);
    request_begin(&w, &out, "swarm/approve", ID_APPROVE);
    json_add_str(&w, "approvalId", json_str(approval, "id"));
    json_add_cstr(&w, "decision", answer.decision);
    if (answer.reason)
        json_add_cstr(&w, "reason", answer.reason);
    request_end(run, &w, &out);
}

// --- from the server ---

static void keep_agent(struct run *run, const struct json *agent)
{
    struct json_writer w;
    struct buf out;
    buf_init(&out, MESSAGE_MAX);
    json_writer_init(&w, &out);
    json_put_tree(&w, agent);
    mem_free(run->agent);
    run->agent = buf_detach(&out, NULL);
}

static void on_agent(struct run *run, const struct json *agent)
{
    static const char *const last[] = {"done", "failed", "killed", "paused", "detached"};
    struct str state = json_str(agent, "state");
    keep_agent(run, agent);
    if (!run->options->json)
        printer_activity(&run->printer, json_str(agent, "activity"));
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        run->over |= str_is(state, last[i]);
}

static void on_item(struct run *run, const struct json *item)
{
    if (!run->options->json)
        printer_item(&run->printer, item);
    if (str_is(json_str(item, "kind"), "approval") && str_is(json_str(item, "status"), "started"))
        answer_approval(run, json_get(item, "approval"));
}

static void print_json(const struct json *event)
{
    struct json_writer w;
    struct buf out;
    buf_init(&out, CHILD_LINE_MAX);
    json_writer_init(&w, &out);
    json_put_tree(&w, event);
    puts(out.overflow ? "{\"type\":\"tooLong\"}" : out.data);
    fflush(stdout);
    buf_release(&out);
}

static void on_event(struct run *run, const struct json *event)
{
    struct str type = json_str(event, "type");
    if (!run->id || !str_is(json_str(event, "agentId"), run->id))
        return;
    if (run->options->json)
        print_json(event);
    if (str_is(type, "agent"))
        on_agent(run, json_get(event, "agent"));
    else if (str_is(type, "item"))
        on_item(run, json_get(event, "item"));
    else if (str_is(type, "delta") && !run->options->json)
        printer_delta(&run->printer, event);
}

static void on_result(struct run *run, int64_t id, const struct json *result)
{
    if (id == ID_INITIALIZE)
        send_spawn(run);
    if (id != ID_SPAWN)
        return;
    const struct json *agent = json_get(result, "agent");
    run->id = mem_dup(json_str(agent, "id"));
    keep_agent(run, agent);
    if (run->interrupts)
        send_plain(run, "swarm/cancel", ID_CANCEL);
}

// -32602 is a wrong command line, for all that was sent comes from it.
static void on_error(struct run *run, int64_t id, const struct json *error)
{
    if (id != ID_INITIALIZE && id != ID_SPAWN)
        return;
    fputs("swarmd run: ", stderr);
    printer_safe(stderr, json_str(error, "message"));
    fputc('\n', stderr);
    run->exit_code = json_int(error, "code", 0) == -32602 ? RUN_USAGE : RUN_FAILED;
    run->over = true;
}

static void on_line(struct run *run, struct str line)
{
    struct json *message;
    struct err err;
    run->heard = true;
    arena_reset(&run->arena);
    if (!json_parse(&message, &run->arena, line, &err)) {
        fprintf(stderr, "swarmd run: the server sent what is no message: %s\n", err.message);
        return;
    }
    const struct json *error = json_get(message, "error");
    int64_t id = json_int(message, "id", 0);
    if (str_is(json_str(message, "method"), "swarm/events")) {
        json_for_each(event, json_get(json_get(message, "params"), "events")) on_event(run, event);
    } else if (error) {
        on_error(run, id, error);
    } else if (id) {
        on_result(run, id, json_get(message, "result"));
    }
}

// --- the turn ---

static void on_interrupt(struct run *run)
{
    if (run->interrupts++ > 0 || !run->id) {
        run->over = true;
    } else {
        if (!run->options->json)
            printer_say(&run->printer, "cancelling; once more ends at once");
        send_plain(run, "swarm/cancel", ID_CANCEL);
    }
    run->exit_code = RUN_INTERRUPTED;
}

static void converse(struct run *run)
{
    struct str line;
    send_initialize(run);
    while (!run->over) {
        enum child_read got = child_next(&run->child, &line);
        if (got == CHILD_LINE)
            on_line(run, line);
        else if (got == CHILD_INTERRUPTED)
            on_interrupt(run);
        else
            break;
    }
}

// True when it ended as it should.
static bool say_goodbye(struct run *run)
{
    bool was_over = run->over;
    struct str line;
    if (was_over) {
        send_plain(run, "shutdown", ID_SHUTDOWN);
        send_plain(run, "exit", 0);
        while (run->interrupts < 2 && child_next(&run->child, &line) != CHILD_ENDED)
            run->interrupts = child_interrupts();
    }
    int code = child_finish(&run->child);
    // One that refuses to start has said why itself.
    if (!was_over && (run->heard || code == 0 || code > SIGNALED))
        fprintf(stderr, "swarmd run: the server ended (exit code %d) before the turn did\n", code);
    return was_over;
}

static int run_agent(const struct options *options)
{
    struct run *run = mem_new(sizeof *run);
    struct err err;
    run->options = options;
    run->exit_code = -1; // not decided
    if (!child_start(&run->child, &err)) {
        fprintf(stderr, "swarmd run: %s\n", err.message);
        mem_free(run);
        return RUN_FAILED;
    }
    arena_init(&run->arena, 4 * (size_t)CHILD_LINE_MAX);
    printer_init(&run->printer, stdout);
    converse(run);
    if (!say_goodbye(run) && run->exit_code < 0)
        run->exit_code = RUN_FAILED;
    int code = run->exit_code;
    if (run->id) {
        int ended = run_end(&run->printer, run->agent, options->json);
        code = code < 0 ? ended : code;
    }
    arena_release(&run->arena);
    mem_free(run->agent);
    mem_free(run->id);
    mem_free(run);
    return code < 0 ? RUN_FAILED : code;
}

// --- the command line ---

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "swarmd run: %s%s; see swarmd run --help\n", what, word);
    return RUN_USAGE;
}

// Sets *index to the first word of the task; -1, or the exit code when there is nothing to run.
static int read_options(struct options *options, int argc, char **argv, int *index)
{
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            i++;
            break;
        }
        if (strcmp(word, "--json") == 0) {
            options->json = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            fputs(help_run_text, stdout);
            return RUN_DONE;
        } else if (strcmp(word, "--model") != 0 && strcmp(word, "--mode") != 0) {
            return wrong("unknown argument ", word);
        } else if (++i == argc) {
            return wrong("a value is missing after ", word);
        } else if (strcmp(word, "--model") == 0) {
            options->model = argv[i];
        } else {
            options->mode = argv[i];
        }
    }
    *index = i;
    return i < argc ? -1 : wrong("there is no task", "");
}

int run_main(int argc, char **argv)
{
    struct options options = {.mode = "full"};
    int first = 0, code = read_options(&options, argc, argv, &first);
    if (code >= 0)
        return code;
    buf_init(&options.task, TASK_MAX);
    for (int i = first; i < argc; i++) {
        if (i > first)
            buf_add_char(&options.task, ' ');
        buf_add_str(&options.task, str_of(argv[i]));
    }
    code = options.task.overflow ? wrong("the task is longer than 1 MiB", "") : run_agent(&options);
    buf_release(&options.task);
    return code;
}
