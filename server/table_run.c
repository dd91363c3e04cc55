#include "server/table_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/label_index.h"
#include "engine/frame.h"
#include "engine/memory.h"
#include "engine/split.h"

static void part_free(struct table_part *part) {
    free(part->X);
    free(part->values);
    free(part->classes);
    free(part->weights);
}

void table_run_free(struct table_run *run) {
    part_free(&run->training);
    part_free(&run->validation);
    *run = (struct table_run){0};
}

struct trainer_data table_part_data(const struct table_part *part) {
    return (struct trainer_data){
        .X = part->X,
        .targets = {.values = part->values,
                    .classes = part->classes,
                    .weights = part->weights},
        .rows_n = part->rows_n,
    };
}

/* ---- reading -------------------------------------------------------------------- */

static bool goes_on(const atomic_bool *stop, struct err *e) {
    return !stop || !atomic_load(stop) ||
           err_set(e, ERR_CANCELLED, NULL, "the job was stopped before its training");
}

struct reading {
    struct store *store;
    const atomic_bool *stop;
    struct reader *reader;
};

static bool take_bytes(void *context, const void *bytes, size_t n, struct err *e) {
    const struct reading *reading = context;
    return goes_on(reading->stop, e) && reader_feed(reading->reader, bytes, n, e);
}

static bool frame_read(struct reading *reading, int64_t blob,
                       const struct reader_found *source, struct frame *f,
                       struct err *e) {
    struct reader_options options = READER_OPTIONS_DEFAULT;
    struct table_sink sink = frame_sink(f);
    options.format = source->format;
    options.header = source->header;
    options.delimiter = source->delimiter;
    struct reader *reader = reading->reader = reader_new(&options, &sink, e);
    bool ok = reader && store_blob_each(reading->store, blob, take_bytes, reading, e) &&
              reader_end(reader, e);
    reader_free(reader);
    return ok;
}

static bool frame_open(struct frame *f, const struct job_column *columns, size_t n,
                       uint64_t rows_n, struct err *e) {
    struct frame_column *wanted = calloc(n, sizeof *wanted);
    if (!wanted)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu columns", n);
    for (size_t i = 0; i < n; i++) {
        wanted[i].name = columns[i].name; /* copied */
        wanted[i].kind = columns[i].kind;
        wanted[i].skipped = columns[i].use == COLUMN_UNUSED;
    }
    bool ok = frame_init(f, wanted, n, (size_t)rows_n, e);
    free(wanted);
    return ok;
}

/* The frame of the features, and where the target stands: in it, or in one of its own. */
struct source {
    struct frame features, targets;
    const struct frame *target_frame;
    size_t target;
};

static void source_free(struct source *s) {
    frame_free(&s->features);
    frame_free(&s->targets);
}

static bool source_read(struct reading *reading, int64_t data_blob, int64_t targets_blob,
                        const struct job_table *t, struct source *s, struct err *e) {
    if (!frame_open(&s->features, t->columns, t->columns_n, t->rows_n, e) ||
        !frame_read(reading, data_blob, &t->source, &s->features, e))
        return false;
    s->target_frame = &s->features;
    for (size_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].use == COLUMN_TARGET)
            s->target = i;
    if (!t->targets_apart)
        return true;
    s->target_frame = &s->targets;
    s->target = 0;
    return frame_open(&s->targets, &t->target, 1, t->rows_n, e) &&
           frame_read(reading, targets_blob, &t->targets_source, &s->targets, e) &&
           (s->features.rows_n == s->targets.rows_n ||
            err_set(e, ERR_INVALID, NULL, "%zu rows of features, %zu of targets",
                    s->features.rows_n, s->targets.rows_n));
}

/* ---- targets -------------------------------------------------------------------- */

/* The class of each row; -1 cannot be: the profile knew every value. */
static int32_t *classes_new(const struct source *s, const struct labels *labels,
                            struct err *e) {
    const struct frame_column *c = &s->target_frame->columns[s->target];
    size_t m = s->target_frame->rows_n;
    int32_t *classes = memory_new(m, sizeof *classes);
    struct label_index index = {0};
    bool ok = classes ? label_index_init(&index, labels, e)
                      : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the targets");
    for (size_t i = 0; ok && i < m; i++) {
        bool text = c->kind == ENCODER_CATEGORY;
        bool missing = text ? c->codes[i] < 0 : isnan(c->numbers[i]);
        classes[i] =
            missing ? -1
                    : label_index_find(&index, text ? c->dictionary[c->codes[i]] : NULL,
                                       text ? 0 : c->numbers[i]);
        if (classes[i] < 0)
            ok = err_set(e, ERR_INVALID, NULL,
                         "row %zu: the target is none of the classes", i);
    }
    label_index_free(&index);
    if (ok)
        return classes;
    free(classes);
    return NULL;
}

static bool part_targets(const struct source *s, const struct job_spec *spec,
                         const int32_t *classes, const uint32_t *rows,
                         struct table_part *part, struct err *e) {
    bool by_class = spec->task == TASK_MULTI_CLASS;
    size_t m = part->rows_n;
    part->classes = by_class ? memory_new(m, sizeof *part->classes) : NULL;
    part->values = by_class ? NULL : memory_new(m, sizeof *part->values);
    if (!part->classes && !part->values)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the targets");
    const double *numbers = s->target_frame->columns[s->target].numbers;
    for (size_t i = 0; i < m; i++) {
        if (by_class)
            part->classes[i] = classes[rows[i]];
        else
            part->values[i] = classes ? (float)classes[rows[i]] : (float)numbers[rows[i]];
    }
    return true;
}

/* Standardised on the training rows, both parts alike. */
static void target_scale(struct table_run *run) {
    struct table_part *t = &run->training;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < t->rows_n; i++)
        sum += (double)t->values[i];
    run->target_mean = sum / (double)t->rows_n;
    for (size_t i = 0; i < t->rows_n; i++) {
        double d = (double)t->values[i] - run->target_mean;
        squares += d * d;
    }
    double deviation = sqrt(squares / (double)t->rows_n);
    run->target_scale = deviation > 0 && isfinite(deviation) ? deviation : 1;
    struct table_part *parts[] = {t, &run->validation};
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p]->rows_n; i++)
            parts[p]->values[i] =
                (float)(((double)parts[p]->values[i] - run->target_mean) /
                        run->target_scale);
}

void table_run_unscale(const struct table_run *run, struct net *net) {
    if (run->target_scale != 0)
        net_outputs_scale(net, (float)run->target_scale, (float)run->target_mean);
}

static size_t last_weights_n(const struct net *net) {
    return net->outputs_n * net->layers[net->layers_n - 1].inputs_n;
}

float *table_run_unscale_kept(const struct table_run *run, struct net *net,
                              struct err *e) {
    size_t l = net->layers_n - 1, weights_n = last_weights_n(net);
    float *kept = memory_new(weights_n + net->outputs_n, sizeof *kept);
    if (!kept) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the outputs of the net");
        return NULL;
    }
    memcpy(kept, net_weights(net, l), weights_n * sizeof *kept);
    memcpy(kept + weights_n, net_biases(net, l), net->outputs_n * sizeof *kept);
    table_run_unscale(run, net);
    return kept;
}

void table_run_restore(struct net *net, float *kept) {
    size_t l = net->layers_n - 1, weights_n = last_weights_n(net);
    memcpy(net_weights(net, l), kept, weights_n * sizeof *kept);
    memcpy(net_biases(net, l), kept + weights_n, net->outputs_n * sizeof *kept);
    free(kept);
}

void table_run_rescale(const struct table_run *run, struct net *net) {
    size_t l = net->layers_n - 1;
    float s = (float)run->target_scale, mean = (float)run->target_mean;
    if (run->target_scale == 0)
        return;
    for (size_t i = 0; i < net->outputs_n * net->layers[l].inputs_n; i++)
        net_weights(net, l)[i] /= s;
    for (size_t i = 0; i < net->outputs_n; i++)
        net_biases(net, l)[i] = (net_biases(net, l)[i] - mean) / s;
}

/* ---- rows and inputs ------------------------------------------------------------ */

struct rows_split {
    uint32_t *training, *validation; /* owned */
    size_t training_n, validation_n;
};

static bool rows_split(const struct job_spec *spec, const int32_t *classes, size_t m,
                       struct rows_split *split, struct err *e) {
    split->training = memory_new(m, sizeof *split->training);
    split->validation = memory_new(m, sizeof *split->validation);
    if (!split->training || !split->validation)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu rows", m);
    if (spec->table.validation_split > 0) {
        struct split_options options = {
            .m = m,
            .fraction = (double)spec->table.validation_split,
            .seed = (uint64_t)spec->seed,
            .classes = classes,
            .classes_n = spec->labels.n,
        };
        return split_rows(&options, split->training, &split->training_n,
                          split->validation, &split->validation_n, e);
    }
    for (size_t i = 0; i < m; i++)
        split->training[i] = (uint32_t)i;
    split->training_n = m;
    return true;
}

static bool encoder_learn(const struct source *s, const struct job_spec *spec,
                          const struct rows_split *split, struct encoder *encoder,
                          struct err *e) {
    const struct job_table *t = &spec->table;
    size_t *picked = memory_new(t->columns_n, sizeof *picked), picked_n = 0;
    if (!picked)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    for (size_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].use == COLUMN_FEATURE)
            picked[picked_n++] = i;
    struct frame_learn learn = {
        .picked = picked,
        .picked_n = picked_n,
        .rows = split->training,
        .rows_n = split->training_n,
        .missing_refused = t->missing_refused,
        .unseen_refused = t->unseen_refused,
    };
    bool ok = frame_learn_encoder(&s->features, &learn, encoder, e);
    free(picked);
    return ok;
}

static bool part_inputs(const struct source *s, const struct encoder *encoder,
                        const uint32_t *rows, size_t rows_n, struct table_part *part,
                        struct err *e) {
    size_t floats;
    part->rows_n = rows_n;
    if (!rows_n)
        return true;
    part->X = size_mul(rows_n, encoder->inputs_n, &floats)
                  ? memory_new(floats, sizeof(float))
                  : NULL;
    if (!part->X)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu rows of %zu inputs",
                       rows_n, encoder->inputs_n);
    return frame_encode(&s->features, encoder, rows, rows_n, part->X, e);
}

static bool transform_get(const struct job_spec *spec, struct model *parts,
                          const struct table_run *run, struct err *e) {
    size_t n = parts->encoder.inputs_n;
    if (spec->transform_kept)
        return parts->transform.kind == NORMALIZE_NONE ||
               parts->transform.columns_n == n ||
               err_set(e, ERR_INVALID, NULL, "%s scales %zu inputs, the data have %zu",
                       spec->init_from, parts->transform.columns_n, n);
    unsigned char *scaled = memory_new(n, 1);
    if (!scaled)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu inputs", n);
    encoder_scaled(&parts->encoder, scaled);
    bool ok = transform_learn_some(&parts->transform, spec->normalize, run->training.X,
                                   run->training.rows_n, n, scaled, e);
    free(scaled);
    return ok;
}

static bool inputs_scale(const struct job_spec *spec, struct model *parts,
                         struct table_run *run, struct err *e) {
    if (!transform_get(spec, parts, run, e))
        return false;
    transform_apply(&parts->transform, run->training.X, run->training.rows_n,
                    run->training.X);
    if (run->validation.rows_n)
        transform_apply(&parts->transform, run->validation.X, run->validation.rows_n,
                        run->validation.X);
    return true;
}

static bool parts_make(const struct source *s, const int32_t *classes,
                       struct job_spec *spec, struct model *parts, struct table_run *run,
                       struct err *e) {
    struct rows_split split = {0};
    bool ok = rows_split(spec, classes, s->features.rows_n, &split, e) &&
              (parts->encoder.columns_n ||
               encoder_learn(s, spec, &split, &parts->encoder, e)) &&
              job_table_leave_out(&spec->table, &parts->encoder, e) &&
              goes_on(run->stop, e) &&
              part_inputs(s, &parts->encoder, split.training, split.training_n,
                          &run->training, e) &&
              part_inputs(s, &parts->encoder, split.validation, split.validation_n,
                          &run->validation, e) &&
              goes_on(run->stop, e) &&
              part_targets(s, spec, classes, split.training, &run->training, e) &&
              (!split.validation_n ||
               part_targets(s, spec, classes, split.validation, &run->validation, e)) &&
              class_weight_samples(&spec->class_weight, spec->labels.n,
                                   table_part_data(&run->training).targets,
                                   run->training.rows_n, &run->training.weights, e);
    free(split.training);
    free(split.validation);
    return ok;
}

/* All rows of the other dataset, through what was learnt from this one. */
static bool validation_make(struct store *store, const struct store_job *job,
                            const struct job_spec *spec, const struct model *parts,
                            struct table_run *run, struct err *e) {
    struct source s = {0};
    struct reading reading = {.store = store, .stop = run->stop};
    int32_t *classes = NULL;
    bool ok = source_read(&reading, job->validation_blob, job->validation_targets_blob,
                          spec->table.validation, &s, e) &&
              (!spec->labels.n || (classes = classes_new(&s, &spec->labels, e)));
    size_t m = s.features.rows_n;
    uint32_t *rows = ok ? memory_new(m, sizeof *rows) : NULL;
    if (ok && !rows)
        ok = err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu rows", m);
    for (size_t i = 0; ok && i < m; i++)
        rows[i] = (uint32_t)i;
    ok = ok && part_inputs(&s, &parts->encoder, rows, m, &run->validation, e) &&
         part_targets(&s, spec, classes, rows, &run->validation, e);
    free(rows);
    free(classes);
    source_free(&s);
    return ok;
}

bool table_run_prepare(struct store *store, const struct store_job *job,
                       struct job_spec *spec, struct model *parts, struct table_run *run,
                       struct err *e) {
    struct source s = {0};
    struct reading reading = {.store = store, .stop = run->stop};
    int32_t *classes = NULL;
    bool ok =
        source_read(&reading, job->data_blob, job->targets_blob, &spec->table, &s, e);
    if (ok && spec->labels.n)
        ok = (classes = classes_new(&s, &spec->labels, e));
    ok = ok && parts_make(&s, classes, spec, parts, run, e);
    free(classes);
    source_free(&s);
    if (ok && spec->table.validation)
        ok = validation_make(store, job, spec, parts, run, e);
    if (!ok)
        return false;
    spec->inputs_n = parts->encoder.inputs_n;
    if (spec->table.scale_target)
        target_scale(run);
    return inputs_scale(spec, parts, run, e);
}
