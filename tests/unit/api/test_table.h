/* What tests of jobs on datasets share: a job's document resolved against a CSV text, as
 * if that had been uploaded. */
#ifndef TESTS_TEST_TABLE_H
#define TESTS_TEST_TABLE_H

#include <stdlib.h>
#include <string.h>

#include "api/job.h"
#include "tests/unit/check.h"

static inline bool table_profile(const char *csv, struct profile *profile,
                                 struct reader_found *found, struct err *e) {
    struct table_sink sink;
    struct reader_options options = READER_OPTIONS_DEFAULT;
    options.format = TABLE_CSV;
    options.header = 1;
    options.delimiter = ',';
    struct profiler *profiler = profiler_new(&sink, e);
    struct reader *reader = profiler ? reader_new(&options, &sink, e) : NULL;
    bool ok = reader && reader_feed(reader, csv, strlen(csv), e) &&
              reader_end(reader, e) && profiler_end(profiler, profile, e);
    if (ok)
        *found = reader_found(reader);
    reader_free(reader);
    profiler_free(profiler);
    return ok;
}

/* `targets` is the CSV of a file of its own, or NULL. */
static inline bool table_job(const char *csv, const char *targets, const char *job,
                             struct job_request *out, struct err *e) {
    struct profile profile = {0}, targets_profile = {0};
    struct job_dataset dataset = {.name = "d", .revision = 3, .table = &profile};
    *out = (struct job_request){0};
    struct job_draft *draft = job_draft_new(job, strlen(job), e);
    bool ok = draft && table_profile(csv, &profile, &dataset.source, e) &&
              (!targets ||
               table_profile(targets, &targets_profile, &dataset.targets_source, e));
    dataset.targets = targets ? &targets_profile : NULL;
    ok = ok && job_draft_resolve(draft, &dataset, 1, out, e);
    profile_free(&profile);
    profile_free(&targets_profile);
    job_draft_free(draft);
    return ok;
}

#endif
