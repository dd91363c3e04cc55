#include "server/run.h"

#include <stdlib.h>

#include "api/model_file.h"
#include "api/predict.h"
#include "engine/initializer.h"
#include "server/evaluation.h"

void run_free(struct run *run) {
    job_spec_free(&run->spec);
    net_free(run->parts.net);
    transform_free(&run->parts.transform);
    encoder_free(&run->parts.encoder);
    table_run_free(&run->tables);
    free(run->bytes);
    free(run->weights);
    free(run->metrics);
}

/* What was checked when the job came, against what the worker has found. */
static bool origin_fits(const struct run *run, struct err *e) {
    return run->spec.inputs_n == run->parts.net->inputs_n ||
           err_set(e, ERR_INVALID, NULL, "%s takes %zu inputs, the data have %zu",
                   run->spec.init_from[0] ? run->spec.init_from : "the checkpoint",
                   run->parts.net->inputs_n, run->spec.inputs_n);
}

static bool inline_prepare(struct store *store, const struct store_job *job,
                           struct run *run, struct err *e) {
    const struct job_spec *spec = &run->spec;
    size_t n;
    if (!store_blob_get(store, job->data_blob, &run->bytes, &n, e) ||
        !table_file_decode(run->bytes, n, spec, &run->table, e) ||
        (!spec->transform_kept &&
         !transform_learn(&run->parts.transform, spec->normalize, run->table.X,
                          spec->samples_n, spec->inputs_n, e)) ||
        (spec->transform_kept && !origin_fits(run, e)))
        return false;
    if (!class_weight_samples(&spec->class_weight, spec->labels.n, run->table.targets,
                              spec->samples_n, &run->weights, e))
        return false;
    run->table.targets.weights = run->weights;
    transform_apply(&run->parts.transform, run->table.X, spec->samples_n, run->table.X);
    run->training =
        (struct trainer_data){run->table.X, run->table.targets, spec->samples_n};
    return true;
}

static bool dataset_prepare(struct store *store, const struct store_job *job,
                            struct run *run, struct err *e) {
    run->tables.stop = run->stop;
    if (!table_run_prepare(store, job, &run->spec, &run->parts, &run->tables, e))
        return false;
    run->training = table_part_data(&run->tables.training);
    run->validation = table_part_data(&run->tables.validation);
    return true;
}

/* The version that the job continues from. */
static struct model *origin_load(struct store *store, const char *init_from,
                                 struct err *e) {
    struct model_ref ref;
    struct store_version v;
    void *bytes = NULL;
    size_t n = 0;
    if (!model_ref_parse(init_from, "init_from", &ref, e) ||
        !store_version_get(store, ref.name, ref.version, &v, e))
        return NULL;
    struct model *origin = NULL;
    if (store_blob_get(store, v.blob, &bytes, &n, e))
        origin = model_file_decode(bytes, n, e);
    free(bytes);
    store_version_free(&v);
    return origin;
}

/* Its net becomes the run's own, and what the job continues with besides; what its table
 * had beside the columns that it takes is no matter of this one's. */
static bool origin_take(struct run *run, struct model *origin, struct err *e) {
    run->parts.net = origin->net;
    origin->net = NULL;
    if (run->spec.init_from[0]) {
        run->parts.encoder = origin->encoder;
        origin->encoder = (struct encoder){0};
    }
    if (run->spec.transform_kept) {
        run->parts.transform = origin->transform;
        origin->transform = (struct transform){0};
    }
    model_free(origin);
    return encoder_leave_out(&run->parts.encoder, NULL, 0, e);
}

static bool net_make(struct run *run, struct err *e) {
    const struct job_spec *spec = &run->spec;
    run->parts.net = net_new(spec->inputs_n, spec->layers, spec->layers_n, e);
    if (!run->parts.net)
        return false;
    initializer_fill(run->parts.net, spec->initializer, spec->init_scale,
                     (uint64_t)spec->seed);
    return true;
}

bool run_prepare(struct store *store, const struct store_job *job,
                 struct checkpoint *from, struct run *run, struct err *e) {
    const struct job_spec *spec = &run->spec;
    if (!job_spec_decode(job->hyperparameters, &run->spec, NULL, e))
        return false;
    struct model *origin = from ? from->model : NULL;
    if (from)
        from->model = NULL;
    else if (spec->init_from[0] && !(origin = origin_load(store, spec->init_from, e)))
        return false;
    if (origin && !origin_take(run, origin, e))
        return false;
    if (!(spec->table.columns_n ? dataset_prepare(store, job, run, e)
                                : inline_prepare(store, job, run, e)) ||
        !job_size_check(spec, e))
        return false;
    if (!origin)
        return net_make(run, e);
    if (!from) /* a checkpoint is in the units of the training already */
        table_run_rescale(&run->tables, run->parts.net);
    return origin_fits(run, e);
}

bool run_evaluate(struct run *run, struct err *e) {
    struct text text = {0};
    struct evaluation evaluation = {
        .net = run->parts.net,
        .spec = &run->spec,
        .stop = run->stop,
        .target_mean = run->tables.target_mean,
        .target_scale = run->tables.target_scale,
    };
    text_open(&text, '{');
    text_key(&text, "training");
    bool held_idle,
        ok = evaluation_encode(&evaluation, run->training, &run->idle, &text, e);
    if (ok && run->validation.rows_n) {
        text_key(&text, "validation");
        ok = evaluation_encode(&evaluation, run->validation, &held_idle, &text, e);
    }
    text_close(&text, '}');
    run->metrics = ok ? text_take(&text) : NULL;
    text_free(&text);
    return ok &&
           (run->metrics || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the metrics"));
}
