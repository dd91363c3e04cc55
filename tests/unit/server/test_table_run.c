#include "server/table_run.h"

#include <math.h>

#include "tests/unit/api/test_table.h"
#include "tests/unit/server/test_store.h"

/* A job as it stands in a store, and what came of it. */
struct ready {
    struct job_request request;
    struct model parts;
    struct table_run run;
};

static void ready_free(struct ready *r) {
    table_run_free(&r->run);
    encoder_free(&r->parts.encoder);
    transform_free(&r->parts.transform);
    job_request_free(&r->request);
}

static int64_t blob_of(struct store *s, const char *text) {
    struct err e = {0};
    char sha256[STORE_SHA256_TEXT];
    int64_t blob = 0;
    OK(store_blob_put(s, text, strlen(text), 1, &blob, sha256, &e));
    return blob;
}

static const atomic_bool *stop; /* of the runs that follow; or NULL */

/* Resolved against `csv`, run on the bytes of `stored`. */
static bool prepare(const char *csv, const char *targets, const char *stored,
                    const char *rest, struct ready *r, struct err *e) {
    struct place p;
    char job[512];
    place_new(&p);
    struct store *s = place_open(&p);
    *r = (struct ready){.run.stop = stop};
    snprintf(job, sizeof job, "{\"model\":\"m\",\"dataset\":\"d\"%s}", rest);
    bool ok = CHECK_SAY(table_job(csv, targets, job, &r->request, e), "%s %s", e->where,
                        e->text);
    struct store_job stored_job = {.data_blob = stored ? blob_of(s, stored) : 99,
                                   .targets_blob = targets ? blob_of(s, targets) : 0};
    ok = ok && table_run_prepare(s, &stored_job, &r->request.spec, &r->parts, &r->run, e);
    store_close(s);
    place_free(&p);
    return ok;
}

static void check_floats(const float *got, const float *want, size_t n) {
    for (size_t i = 0; i < n; i++)
        CHECK_SAY(fabsf(got[i] - want[i]) < 1e-6f, "%zu: %g, not %g", i, (double)got[i],
                  (double)want[i]);
}

static void test_inputs(void) {
    static const char csv[] = "a,c,y\n1,red,p\n,blue,q\n3,,p\n5,red,q\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, NULL, csv, ",\"target\":\"y\"", &r, &e), "%s %s", e.where,
                  e.text)) {
        const struct table_part *t = &r.run.training;
        CHECK(r.request.spec.inputs_n == 4 && t->rows_n == 4);
        CHECK(r.run.validation.rows_n == 0 && !r.run.validation.X);
        CHECK(!t->classes && !t->weights && r.run.target_scale == 0);
        /* 1, 3, 3, 5: mean 3, deviation sqrt(2); blue, red, missing are not scaled. */
        const float z = sqrtf(2);
        check_floats(t->X, (float[]){-z, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, z, 0, 1, 0},
                     16);
        check_floats(t->values, (float[]){0, 1, 0, 1}, 4);
    }
    ready_free(&r);
}

static void test_scaled_target(void) {
    static const char csv[] = "a,y\n1,100.5\n2,300.5\n3,100.5\n4,300.5\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, NULL, csv, ",\"target\":\"y\"", &r, &e), "%s", e.text)) {
        CHECK_NEAR(r.run.target_mean, 200.5, 1e-12);
        CHECK_NEAR(r.run.target_scale, 100, 1e-12);
        check_floats(r.run.training.values, (float[]){-1, 1, -1, 1}, 4);
        struct layer_shape shape = {.units_n = 1, .activation = ACTIVATION_LINEAR};
        struct net *net = net_new(1, &shape, 1, &e);
        net_weights(net, 0)[0] = 0.1f;
        net_biases(net, 0)[0] = 1e-7f;
        float *kept = table_run_unscale_kept(&r.run, net, &e);
        CHECK_NEAR((double)net_weights(net, 0)[0], 10, 1e-6);
        CHECK_NEAR((double)net_biases(net, 0)[0], 200.5, 1e-4);
        if (CHECK(kept))
            table_run_restore(net, kept);
        CHECK(net_weights(net, 0)[0] == 0.1f && net_biases(net, 0)[0] == 1e-7f);
        net_weights(net, 0)[0] = 0.5f;
        net_biases(net, 0)[0] = 0.25f;
        table_run_unscale(&r.run, net);
        CHECK_NEAR((double)net_weights(net, 0)[0], 50, 1e-6);
        CHECK_NEAR((double)net_biases(net, 0)[0], 225.5, 1e-6);
        r.run.target_scale = 0; /* not scaled: left alone */
        table_run_unscale(&r.run, net);
        CHECK_NEAR((double)net_weights(net, 0)[0], 50, 1e-6);
        net_free(net);
    }
    ready_free(&r);
}

static void test_constant_target(void) {
    static const char csv[] = "a,y\n1,2.5\n2,2.5\n3,2.5\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, NULL, csv, ",\"target\":\"y\"", &r, &e), "%s", e.text)) {
        CHECK(r.run.target_scale == 1 && r.run.target_mean == 2.5);
        check_floats(r.run.training.values, (float[]){0, 0, 0}, 3);
    }
    ready_free(&r);
}

/* 30 rows, ten of each class; what is learnt comes from the training part alone. */
static void test_split(void) {
    char csv[1024] = "a,y\n";
    struct ready r;
    struct err e = {0};
    for (int i = 0; i < 30; i++)
        snprintf(csv + strlen(csv), 32, "%d,%c\n", i * i, 'r' + i % 3);
    if (CHECK_SAY(prepare(csv, NULL, csv,
                          ",\"target\":\"y\",\"validation_split\":0.2,"
                          "\"normalize\":\"standard\",\"seed\":3",
                          &r, &e),
                  "%s", e.text)) {
        const struct table_part *parts[] = {&r.run.training, &r.run.validation};
        CHECK(parts[0]->rows_n == 24 && parts[1]->rows_n == 6);
        for (size_t p = 0; p < 2; p++) {
            size_t counts[3] = {0};
            for (size_t i = 0; i < parts[p]->rows_n; i++)
                counts[parts[p]->classes[i]]++;
            size_t each = parts[p]->rows_n / 3;
            CHECK(counts[0] == each && counts[1] == each && counts[2] == each);
        }
        /* Each row is in one part, with its own class. */
        double mean = 0, offset = (double)r.parts.transform.offset[0],
               scale = (double)r.parts.transform.scale[0];
        bool seen[30] = {false};
        for (size_t p = 0; p < 2; p++)
            for (size_t i = 0; i < parts[p]->rows_n; i++) {
                double a = (double)parts[p]->X[i] / scale + offset;
                long row = lround(sqrt(fabs(a)));
                if (!CHECK(row >= 0 && row < 30 && !seen[row]))
                    continue;
                seen[row] = true;
                CHECK(parts[p]->classes[i] == row % 3);
                mean += p == 0 ? a / 24 : 0;
            }
        CHECK_NEAR(offset, mean, 1e-4);
        CHECK_NEAR(r.parts.encoder.columns[0].mean, mean, 1e-4);
    }
    ready_free(&r);
}

static void test_balanced(void) {
    static const char csv[] = "a,y\n1,p\n2,p\n3,p\n4,q\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, NULL, csv,
                          ",\"target\":\"y\",\"class_weight\":\"balanced\"", &r, &e),
                  "%s", e.text)) {
        const float p = 4 / 6.0f;
        CHECK(r.run.training.weights != NULL);
        check_floats(r.run.training.weights, (float[]){p, p, p, 2}, 4);
        CHECK(table_part_data(&r.run.training).targets.weights == r.run.training.weights);
    }
    ready_free(&r);
}

static void test_classes(void) {
    static const char csv[] = "a,y\n1,30\n2,-7\n3,30\n4,100\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, NULL, csv, ",\"target\":\"y\"", &r, &e), "%s", e.text)) {
        static const int32_t wanted[] = {1, 0, 1, 2};
        CHECK(r.run.training.classes &&
              memcmp(r.run.training.classes, wanted, sizeof wanted) == 0);
        CHECK(!r.run.training.values);
    }
    ready_free(&r);
}

static void test_apart(void) {
    static const char csv[] = "a,b\n1,5\n2,6\n3,7\n";
    struct ready r;
    struct err e = {0};
    if (CHECK_SAY(prepare(csv, "t\nq\np\nq\n", csv, ",\"normalize\":\"none\"", &r, &e),
                  "%s", e.text)) {
        check_floats(r.run.training.X, (float[]){1, 5, 2, 6, 3, 7}, 6);
        check_floats(r.run.training.values, (float[]){1, 0, 1}, 3);
    }
    ready_free(&r);
}

/* Bytes that are not those the job was made for. */
static void test_other_bytes(void) {
    static const char csv[] = "a,y\n1,p\n2,q\n3,p\n";
    static const char *const bad[] = {
        NULL,                   /* no bytes at all */
        "a,y\n1,p\n2,q\n",      /* a row less would leave a target out */
        "a,y\n1,p\n2,q\n3,z\n", /* a class that was not there */
        "a,y\n1,p\nx,q\n3,p\n",
        "a\n1\n2\n3\n",
        "a,y\n1,p\n2,q\n3,p\n4,p\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ready r;
        struct err e = {0};
        bool ok = prepare(csv, NULL, bad[i], ",\"target\":\"y\"", &r, &e);
        if (i == 1)
            CHECK_SAY(ok && r.run.training.rows_n == 2, "%s", e.text);
        else
            CHECK_SAY(!ok && e.text[0], "case %zu", i);
        ready_free(&r);
    }
}

/* Somebody does not want it any more, before it is ready. */
static void test_stopped(void) {
    static const char csv[] = "a,y\n1,p\n2,q\n";
    static const atomic_bool is_set = true;
    struct ready r;
    struct err e = {0};
    stop = &is_set;
    CHECK(!prepare(csv, NULL, csv, ",\"target\":\"y\"", &r, &e));
    CHECK_SAY(e.kind == ERR_CANCELLED, "%s", e.text);
    stop = NULL;
    ready_free(&r);
}

int main(void) {
    CHECK_RUN(test_inputs);
    CHECK_RUN(test_scaled_target);
    CHECK_RUN(test_constant_target);
    CHECK_RUN(test_split);
    CHECK_RUN(test_balanced);
    CHECK_RUN(test_classes);
    CHECK_RUN(test_apart);
    CHECK_RUN(test_other_bytes);
    CHECK_RUN(test_stopped);
    return check_done();
}
