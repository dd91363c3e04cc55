/* What the tests of the registry share: a store and a registry, models that can be told
 * apart by their answers, and short ways to publish and to ask for them. */
#ifndef TESTS_TEST_REGISTRY_H
#define TESTS_TEST_REGISTRY_H

#include "server/registry.h"

#include "api/model_file.h"
#include "engine/memory.h"
#include "tests/unit/server/test_store.h"

/* A linear model of `inputs` columns whose every prediction is `bias`: which version
 * answered can be told from its answer. */
static inline void *model_bytes(float bias, size_t inputs, size_t *n) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = 1, .activation = ACTIVATION_LINEAR};
    struct job_spec spec = {.task = TASK_REGRESSION,
                            .samples_n = 1,
                            .inputs_n = inputs,
                            .layers = &shape,
                            .layers_n = 1,
                            .loss = LOSS_MSE,
                            .init_scale = 1,
                            .optimizer.learning_rate = 1,
                            .epochs = 1,
                            .report_every = 1};
    struct model model = {
        .task = TASK_REGRESSION, .loss = LOSS_MSE, .net = net_new(inputs, &shape, 1, &e)};
    if (!model.net)
        abort();
    net_biases(model.net, 0)[0] = bias;
    void *bytes = model_file_encode(&model, &spec, n, &e);
    OK(bytes != NULL);
    net_free(model.net);
    return bytes;
}

/* Publishes bytes as the next version of `name`. */
static inline int64_t publish_bytes(struct store *s, const char *name, const void *bytes,
                                    size_t n) {
    static int jobs_n;
    struct err e = {0};
    char id[STORE_ID_MAX], sha256[STORE_SHA256_TEXT];
    int64_t blob = 0, version = 0;
    snprintf(id, sizeof id, "job%d", jobs_n++);
    OK(store_blob_put(s, bytes, n, 1, &blob, sha256, &e));
    OK(insert_job(s, id, name, &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    const struct store_outcome outcome = {.status = JOB_SUCCEEDED,
                                          .error_epoch = -1,
                                          .model_blob = blob,
                                          .model_document = "{}"};
    OK(store_claim_finish(s, &claim, &outcome, &version, &e));
    return version;
}

static inline int64_t publish_wide(struct store *s, const char *name, float bias,
                                   size_t inputs) {
    size_t n;
    void *bytes = model_bytes(bias, inputs, &n);
    int64_t version = publish_bytes(s, name, bytes, n);
    free(bytes);
    return version;
}
static inline int64_t publish(struct store *s, const char *name, float bias) {
    return publish_wide(s, name, bias, 2);
}

static inline float answer_of(const struct served *served) {
    size_t inputs = served->model->net->inputs_n;
    float Y = -1, *X = memory_new(inputs, sizeof *X);
    float *scratch = memory_new(model_scratch_n(served->model, 1), sizeof *scratch);
    if (!X || !scratch)
        abort();
    model_predict(served->model, X, 1, scratch, &Y);
    free(X);
    free(scratch);
    return Y;
}

static inline struct model_ref ref_of(const char *name, int64_t version) {
    struct model_ref ref = {.version = version};
    snprintf(ref.name, sizeof ref.name, "%s", name);
    return ref;
}

/* A store and a registry with room for `memory` bytes. */
struct scene {
    struct place place;
    struct store *store;
    struct registry *registry;
};
static inline void scene_new(struct scene *s, size_t memory) {
    struct err e = {0};
    place_new(&s->place);
    s->store = place_open(&s->place);
    s->registry = registry_new(memory, &e);
    if (!OK(s->registry != NULL))
        abort();
}
static inline void scene_free(struct scene *s) {
    registry_free(s->registry);
    store_close(s->store);
    place_free(&s->place);
}

static inline void refresh(struct scene *s) {
    struct err e = {0};
    OK(registry_refresh(s->registry, s->store, &e));
}

static inline void check_counts(struct scene *s, int64_t models, int64_t loaded) {
    struct registry_counts got;
    registry_counts(s->registry, &got);
    CHECK_SAY(got.models == models && got.loaded == loaded &&
                  (got.bytes > 0) == (loaded > 0),
              "%d models, %d loaded, %d bytes", (int)got.models, (int)got.loaded,
              (int)got.bytes);
}

static inline struct model_ref alias_of(const char *name, const char *alias) {
    struct model_ref ref = ref_of(name, 0);
    snprintf(ref.alias, sizeof ref.alias, "%s", alias);
    return ref;
}
static inline void point(struct scene *s, const char *name, const char *alias,
                         int64_t version) {
    struct err e = {0};
    struct store_alias result;
    OK(store_alias_set(s->store, name, alias, version, -1, 1, &result, &e));
}
static inline void refresh_aliases(struct scene *s) {
    struct err e = {0};
    OK(registry_refresh_aliases(s->registry, s->store, &e));
}
/* -1: not here, or (with the store) the kind of its error in *kind. */
static inline float alias_acquired(struct scene *s, const char *name, const char *alias) {
    struct model_ref ref = alias_of(name, alias);
    const struct served *served = registry_acquire(s->registry, &ref);
    float answer = served ? answer_of(served) : -1;
    if (served)
        registry_release(served);
    return answer;
}
static inline float alias_loaded(struct scene *s, const char *name, const char *alias,
                                 enum err_kind *kind) {
    struct err e = {0};
    struct model_ref ref = alias_of(name, alias);
    const struct served *served = registry_load(s->registry, s->store, &ref, &e);
    float answer = served ? answer_of(served) : -1;
    if (served)
        registry_release(served);
    *kind = e.kind;
    return answer;
}

#endif
