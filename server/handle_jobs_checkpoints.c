/* /v1/jobs/{id}/checkpoints */
#include "server/handle_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "api/checkpoint_file.h"
#include "api/job_event.h"
#include "api/job_order.h"
#include "api/version_image.h"

bool handle_checkpoints_list(void *subsystem, struct store *store,
                             const struct http_request *request, struct http_reply *reply,
                             struct err *e) {
    (void)subsystem;
    struct store_checkpoint *list = NULL;
    size_t n = 0;
    if (!job_id_check(request, e) ||
        !store_checkpoints(store, request->parameters[0], &list, &n, e))
        return false;
    list_open(&reply->body);
    for (size_t i = 0; i < n; i++) {
        const struct checkpoint_view view = {
            .number = list[i].number,
            .epoch = list[i].epoch,
            .bytes = list[i].bytes,
            .created_ms = list[i].created_ms,
            .epochs_done = list[i].epochs_done,
            .cost = list[i].cost,
            .validation_cost = list[i].validation_cost,
            .best = list[i].best,
            .resumable = list[i].resumable,
        };
        checkpoint_document_encode(&view, &reply->body);
    }
    list_close(&reply->body, false);
    free(list);
    return true;
}

/* ---- publishing ------------------------------------------------------------------ */

static bool number_read(const char *text, int64_t *number, struct err *e) {
    size_t digits = strspn(text, "0123456789");
    if (!digits || text[digits] || digits > 18 || text[0] == '0')
        return err_set(e, ERR_INVALID, "number",
                       "expected a number from 1, best or last, got \"%.40s\"", text);
    *number = strtoll(text, NULL, 10);
    return true;
}

/* The path's checkpoint: by number, "best", or "last", the newest that can be resumed. */
static bool checkpoint_find(struct store *store, const struct http_request *request,
                            struct store_checkpoint *row, struct err *e) {
    const char *id = request->parameters[0], *which = request->parameters[1];
    int64_t number = 0;
    if (strcmp(which, "best") == 0)
        return store_checkpoint_best(store, id, row, e);
    return (strcmp(which, "last") == 0 || number_read(which, &number, e)) &&
           store_checkpoint_get(store, id, number, row, e);
}

static bool checkpoint_read(struct store *store, const struct store_checkpoint *row,
                            struct checkpoint *out, struct err *e) {
    void *bytes = NULL;
    size_t n = 0;
    bool ok = store_blob_get(store, row->blob, &bytes, &n, e) &&
              checkpoint_decode(bytes, n, out, e);
    out->state = NULL; /* it stood in the bytes */
    free(bytes);
    return ok;
}

/* The checkpoint as a version: what it predicts is in the target's own units, and of the
 * training nothing but the facts is left. */
static bool image_make(struct checkpoint *checkpoint, const struct store_job *job,
                       const struct store_checkpoint *row, struct version_image *image,
                       struct err *e) {
    struct job_spec spec = {0};
    const struct checkpoint_facts *facts = &checkpoint->facts;
    const struct version_training training = {
        .spec = &spec, .cost = row->cost, .epochs = row->epoch};
    if (!job_spec_decode(job->hyperparameters, &spec, NULL, e))
        return false;
    spec.inputs_n = checkpoint->model->net->inputs_n;
    if (facts->target_scale != 0)
        net_outputs_scale(checkpoint->model->net, (float)facts->target_scale,
                          (float)facts->target_mean);
    bool ok = version_image_make(checkpoint->model, &training, image, e);
    job_spec_free(&spec);
    return ok;
}

static bool image_publish(struct store *store, const struct store_job *job,
                          const struct version_image *image, int64_t *version,
                          struct err *e) {
    char sha256[STORE_SHA256_TEXT];
    struct store_version_new new_version = {
        .model = job->model,
        .job_id = job->id,
        .document = image->facts,
        .now_ms = store_now_ms(store),
    };
    return store_blob_put(store, image->file, image->file_n, new_version.now_ms,
                          &new_version.blob, sha256, e) &&
           store_version_add(store, &new_version, version, e);
}

bool handle_checkpoints_publish(void *subsystem, struct store *store,
                                const struct http_request *request,
                                struct http_reply *reply, struct err *e) {
    const struct jobs_context *jobs = subsystem;
    struct store_job job;
    struct store_checkpoint row;
    struct checkpoint checkpoint = {0};
    struct version_image image = {0};
    int64_t version;
    if (!job_order_decode(request->body, request->body_n, e) ||
        !job_find(store, request, &job, e))
        return false;
    bool ok = checkpoint_find(store, request, &row, e) &&
              checkpoint_read(store, &row, &checkpoint, e) &&
              image_make(&checkpoint, &job, &row, &image, e) &&
              image_publish(store, &job, &image, &version, e) &&
              model_version_reply(jobs->registry, store, job.model, version, reply, e);
    version_image_free(&image);
    checkpoint_free(&checkpoint);
    store_job_free(&job);
    return ok;
}
