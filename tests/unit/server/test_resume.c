#include "server/resume.h"

#include "tests/unit/server/test_store.h"

static void checkpoint_add(struct store *s, const struct store_claim *claim,
                           const void *bytes, size_t n, bool best) {
    struct err e = {0};
    const struct store_progress progress = {.lease_ms = LEASE_MS, .epochs_done = 3};
    struct store_checkpoint c = {.epoch = 3,
                                 .epochs_done = 3,
                                 .bytes = (int64_t)n,
                                 .best = best,
                                 .resumable = true};
    char sha256[STORE_SHA256_TEXT];
    OK(store_blob_put(s, bytes, n, INT64_MAX / 2, &c.blob, sha256, &e));
    OK(store_claim_checkpoint(s, claim, &progress, &c, 1, &e));
}

/* A job whose best checkpoint has those bytes. */
static struct store_claim job_with(struct store *s, const void *bytes, size_t n) {
    struct err e = {0};
    OK(insert_job(s, "job", "a", &e));
    struct store_claim claim = claim_by(s, "w", LEASE_MS);
    checkpoint_add(s, &claim, bytes, n, true);
    return claim;
}

/* One that is damaged is passed over: there is none to go on from. */
static void test_damaged(void) {
    struct place p;
    struct err e = {0};
    struct resume r = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    job_with(s, "damaged", 7);
    OK(resume_load(s, "job", &r, &e));
    CHECK(!r.found);
    resume_free(&r);
    store_close(s);
    place_free(&p);
}

/* One that cannot be read just now is not damaged: whoever asks has to ask again. */
static void test_held(void) {
    struct place p;
    struct err e = {0};
    struct resume r = {0};
    place_new(&p);
    struct store *s = place_open(&p);
    job_with(s, "held", 4);
    struct db *holder = db_open(p.path, &e);
    OK(holder && db_begin(holder, &e) &&
       db_exec(holder, "LOCK TABLE blob_chunks IN ACCESS EXCLUSIVE MODE", &e));
    FAILS(resume_load(s, "job", &r, &e), ERR_CONTENDED);
    CHECK(!r.found && !r.from_bytes);
    resume_free(&r);
    db_rollback(holder);
    db_close(holder);
    OK(resume_load(s, "job", &r, &e));
    resume_free(&r);
    store_close(s);
    place_free(&p);
}

/* The bytes of a state after so many passes, of a net of one weight. */
static void *state_of(int64_t epoch, size_t *n) {
    static const char body[] =
        "{\"model\":\"m\",\"data\":{\"features\":[[0],[1]],\"targets\":[1.5,2]},"
        "\"hidden\":[]}";
    struct err e = {0};
    struct job_request request;
    static const float state[1] = {1};
    if (!OK(job_decode(body, strlen(body), 5, &request, &e)))
        abort();
    struct model model = {.task = request.spec.task, .loss = request.spec.loss};
    model.net =
        net_new(request.spec.inputs_n, request.spec.layers, request.spec.layers_n, &e);
    if (!model.net)
        abort();
    const struct checkpoint_source source = {
        .model = &model,
        .spec = &request.spec,
        .facts = {.job_id = "job",
                  .resumable = true,
                  .position = {.epoch = epoch},
                  .stopping = {.best = 1, .best_epoch = 3},
                  .cost_epoch = epoch,
                  .cost = 1},
        .state = state,
        .state_n = 1,
    };
    void *bytes = checkpoint_encode(&source, n, &e);
    OK(bytes != NULL);
    net_free(model.net);
    job_request_free(&request);
    return bytes;
}

/* The best parameters, of the third pass, are damaged: what comes by there again goes on,
 * what is past it begins anew. */
static void test_best_damaged(void) {
    static const int64_t epochs[] = {2, 3, 10};
    for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
        struct place p;
        struct err e = {0};
        struct resume r = {0};
        place_new(&p);
        struct store *s = place_open(&p);
        size_t n;
        void *bytes = state_of(epochs[i], &n);
        struct store_claim claim = job_with(s, "damaged", 7);
        checkpoint_add(s, &claim, bytes, n, false);
        OK(resume_load(s, "job", &r, &e));
        CHECK_SAY(r.found == (epochs[i] < 3) && !r.best.model, "epoch %d",
                  (int)epochs[i]);
        resume_free(&r);
        store_close(s);
        place_free(&p);
        free(bytes);
    }
}

int main(void) {
    STORE_RUN(test_damaged);
    STORE_RUN(test_best_damaged);
    place_on_server = true; /* readers of a file are held up by nobody */
    CHECK_RUN(test_held);
    return check_done();
}
