#include "api/job_inline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rows_path[] = "/data/features";
static const char targets_path[] = "/data/targets";

void job_inline_free(struct job_inline *data) {
    free(data->targets);
    profile_free(&data->rows_profile);
    profile_free(&data->targets_profile);
    *data = (struct job_inline){0};
}

/* ---- profiles --------------------------------------------------------------------- */

/* A sink in front of another, which counts the rows that it took. */
struct counter {
    struct table_sink to;
    size_t rows_n;
};

static bool counter_columns(void *context, const char *const *names, size_t columns_n,
                            struct err *e) {
    struct counter *counter = context;
    return counter->to.columns(counter->to.context, names, columns_n, e);
}

static bool counter_row(void *context, const struct cell *cells, size_t columns_n,
                        size_t line, struct err *e) {
    struct counter *counter = context;
    if (!counter->to.row(counter->to.context, cells, columns_n, line, e))
        return false;
    counter->rows_n++;
    return true;
}

/* What reader and profiler found at a line is told by its path. */
static void where_rename(const struct profiler *p, const struct counter *counter,
                         const char *path, struct err *e) {
    struct profile_damage damage;
    char row[ERR_WHERE_MAX];
    bool damaged = profiler_damaged(p, &damage);
    json_path_index(row, path, damaged ? damage.row : counter->rows_n);
    if (damaged && damage.name)
        json_path_key(e->where, row, damage.name);
    else if (damaged)
        json_path_index(e->where, row, damage.column);
    else
        snprintf(e->where, sizeof e->where, "%s", row);
}

/* Reads rows as the worker will. */
static bool profile_read(const char *bytes, size_t n, const char *path,
                         struct reader_found *found, struct profile *profile,
                         struct err *e) {
    struct reader_options options = READER_OPTIONS_DEFAULT;
    struct counter counter = {0};
    struct table_sink sink = {
        .columns = counter_columns, .row = counter_row, .context = &counter};
    options.format = TABLE_JSON;
    struct profiler *profiler = profiler_new(&counter.to, e);
    struct reader *reader = profiler ? reader_new(&options, &sink, e) : NULL;
    bool ok = reader && reader_feed(reader, bytes, n, e) && reader_end(reader, e) &&
              profiler_end(profiler, profile, e);
    if (ok)
        *found = reader_found(reader);
    else if (reader)
        where_rename(profiler, &counter, path, e);
    reader_free(reader);
    profiler_free(profiler);
    return ok;
}

/* ---- targets ---------------------------------------------------------------------- */

static void target_encode(const struct column *targets, size_t row, struct text *out) {
    switch (targets->kind) {
    case COLUMN_NUMBERS:
        text_json_double(out, targets->numbers[row]);
        break;
    case COLUMN_BOOLEANS:
        text_json_bool(out, targets->numbers[row] != 0);
        break;
    case COLUMN_STRINGS:
        text_json_string(out, targets->strings.strings[targets->string_ids[row]]);
        break;
    case COLUMN_ROWS:
        text_json_float(out, targets->rows.values[row]);
        break;
    }
}

static char *targets_encode(const struct column *targets, struct err *e) {
    struct text text = {0};
    if (targets->kind == COLUMN_ROWS && targets->rows.columns_n > 1) {
        err_set(e, ERR_INVALID, targets_path,
                "expected a number, a string or a boolean each: rows of several numbers "
                "go with features of numbers alone, and without validation_split and "
                "scale_target");
        return NULL;
    }
    text_open(&text, '[');
    for (size_t i = 0; i < targets->n; i++) {
        text_open(&text, '[');
        target_encode(targets, i, &text);
        text_close(&text, ']');
    }
    text_close(&text, ']');
    char *rows = text_take(&text);
    if (!rows)
        err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    return rows;
}

/* ---- both ------------------------------------------------------------------------- */

/* Cells of an array stand in the order of the columns that init_from takes. */
static bool origin_names(const struct encoder *encoder, struct profile *p,
                         struct err *e) {
    if (p->named || !encoder->columns_n)
        return true;
    if (p->columns_n != encoder->columns_n)
        return err_set(e, ERR_INVALID, "/data/features/0",
                       "expected %zu cells, as init_from takes them, got %zu",
                       encoder->columns_n, p->columns_n);
    for (size_t i = 0; i < p->columns_n; i++) {
        char *name = strdup(encoder->columns[i].name);
        if (!name)
            return err_set(e, ERR_NO_MEMORY, rows_path, "no memory for the columns");
        free(p->columns[i].name);
        p->columns[i].name = name;
    }
    return true;
}

bool job_inline_read(const struct inline_rows *rows, const struct column *targets,
                     const struct model *origin, struct job_inline *data, struct err *e) {
    data->dataset = (struct job_dataset){
        .name = "", .table = &data->rows_profile, .targets = &data->targets_profile};
    data->targets = targets_encode(targets, e);
    return data->targets &&
           profile_read(rows->from, (size_t)(rows->to - rows->from), rows_path,
                        &data->dataset.source, &data->rows_profile, e) &&
           profile_read(data->targets, strlen(data->targets), targets_path,
                        &data->dataset.targets_source, &data->targets_profile, e) &&
           (!origin || origin_names(&origin->encoder, &data->rows_profile, e));
}
