// SPDX-License-Identifier: MIT
// Tools that read and write files run whole on LANE_FILES.
#include "core/base/mem.h"
#include "core/tools/tool_output.h"
#include "core/tools/tool_parts.h"

struct job {
    struct work work; // first: the lane hands it back
    struct tool_run *run;
    atomic_bool stop;
    void (*fn)(struct tool_run *run, const atomic_bool *stop);
};

static void run_job(struct work *work)
{
    struct job *job = (struct job *)work;
    if (!atomic_load(&job->stop))
        job->fn(job->run, &job->stop);
}

static void finish_job(struct work *work)
{
    struct job *job = (struct job *)work;
    struct tool_run *run = job->run;
    bool stopped = atomic_load(&job->stop);
    mem_free(job);
    run->state = NULL;
    // What was written is written: a result that names files stays, cancelled or not.
    if (stopped && !run->result.paths) {
        struct err err;
        err_set(&err, ERR_REFUSED, "%s: cancelled", run->tool->schema.name);
        tool_fail(run, &err);
    }
    if (run->result.bytes == 0)
        run->result.bytes = (int64_t)run->result.output.len;
    tool_output_keep(run);
}

void tool_job_start(struct tool_run *run, void (*fn)(struct tool_run *run, const atomic_bool *stop))
{
    struct job *job = mem_new(sizeof *job);
    job->work.run = run_job;
    job->work.done = finish_job;
    job->run = run;
    job->fn = fn;
    atomic_init(&job->stop, false);
    run->state = job;
    port_work(run->place->ports, LANE_FILES, &job->work);
}

void tool_job_cancel(struct tool_run *run)
{
    struct job *job = run->state;
    if (job)
        atomic_store(&job->stop, true);
}
