#include "api/job_origin.h"

#include <stdlib.h>
#include <string.h>

#include "api/label_index.h"
#include "tests/unit/check.h"

/* Three classes, in an order that is no order. */
static char cat[] = "cat", ant[] = "ant", bee[] = "bee";
static char *animals[] = {cat, ant, bee};

static const struct layer_shape shapes[] = {
    {.units_n = 4, .activation = ACTIVATION_TANH},
    {.units_n = 3, .activation = ACTIVATION_SOFTMAX}};
static struct model model = {.task = TASK_MULTI_CLASS,
                             .loss = LOSS_CROSS_ENTROPY,
                             .labels = {LABEL_STRING, 3, NULL, animals}};

static bool resolve(const char *body, struct job_request *out, struct err *e) {
    struct job_origin origin = {"zoo", 7, &model};
    *e = (struct err){0};
    struct job_draft *d = job_draft_new(body, strlen(body), e);
    if (!d)
        return false;
    CHECK_TEXT(job_draft_init_from(d), "zoo@best");
    job_draft_start(d, &origin);
    bool ok = job_draft_resolve(d, NULL, 1, out, e);
    job_draft_free(d);
    return ok;
}

#define HEAD "{\"model\":\"m\",\"init_from\":\"zoo@best\","
#define TWO "\"data\":{\"features\":[[1,2],[3,4]],\"targets\":[\"bee\",\"cat\"]}"

static void test_taken(void) {
    struct job_request r;
    struct err e;
    if (!CHECK_SAY(resolve(HEAD TWO "}", &r, &e), "%s: %s", e.where, e.text))
        return;
    CHECK(r.spec.layers_n == 2 && r.spec.layers[0].units_n == 4);
    CHECK(r.spec.layers[0].activation == ACTIVATION_TANH && r.spec.labels.n == 3);
    CHECK_TEXT(r.spec.labels.strings[0], "cat");
    CHECK(r.classes[0] == 2 && r.classes[1] == 0);
    CHECK_TEXT(r.spec.init_from, "zoo@7");
    CHECK(r.spec.transform_kept && r.spec.normalize == model.transform.kind);

    struct text text = {0};
    struct job_spec again;
    job_spec_encode(&r.spec, &text);
    char *json = text_take(&text);
    if (CHECK_SAY(job_spec_decode(json, &again, NULL, &e), "%s", e.text)) {
        CHECK_TEXT(again.init_from, "zoo@7");
        CHECK(again.transform_kept);
        job_spec_free(&again);
    }
    free(json);
    job_request_free(&r);
    if (CHECK(resolve(HEAD TWO ",\"normalize\":\"minmax\",\"hidden_layers\":[4],"
                               "\"activation\":\"tanh\"}",
                      &r, &e))) {
        CHECK(!r.spec.transform_kept && r.spec.normalize == NORMALIZE_MINMAX);
        job_request_free(&r);
    }
}

/* Units alone are enough: nobody is told of a relu that was not asked for. */
static void test_units_agree(void) {
    static const char *const layers[] = {
        ",\"hidden_layers\":[4]}",
        ",\"layers_dims\":[2,4,3]}",
        ",\"layers\":[{\"units\":4},{\"units\":3}]}",
        ",\"layers\":[{\"units\":4,\"activation\":\"tanh\"},{\"units\":3}]}",
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        struct job_request r;
        struct err e;
        char body[512];
        snprintf(body, sizeof body, "%s%s", HEAD TWO, layers[i]);
        if (CHECK_SAY(resolve(body, &r, &e), "%s: %s %s", layers[i], e.where, e.text)) {
            CHECK(r.spec.layers_n == 2 && r.spec.layers[0].units_n == 4 &&
                  r.spec.layers[0].activation == ACTIVATION_TANH);
            job_request_free(&r);
        }
    }
}

static void check_refused(const char *body, const char *where, const char *says) {
    struct job_request r;
    struct err e;
    CHECK_SAY(!resolve(body, &r, &e), "%s", body);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, says);
}

static void test_refused(void) {
    check_refused(HEAD TWO ",\"hidden_layers\":[4,4],\"activation\":\"tanh\"}",
                  "/hidden_layers", "expected 2 layers, as init_from has them, got 3");
    check_refused(HEAD TWO ",\"hidden_layers\":[4],\"activation\":\"relu\"}",
                  "/hidden_layers",
                  "expected 4 tanh units in layer 1, as init_from has them, got 4 relu");
    check_refused(HEAD "\"data\":{\"features\":[[1,2]],\"targets\":[\"dog\"]}}",
                  "/data/targets/0", "init_from has no class \"dog\"");
    check_refused(HEAD "\"data\":{\"features\":[[1,2]],\"targets\":[true]}}",
                  "/data/targets/0", "init_from has no class true");
    check_refused(HEAD "\"data\":{\"features\":[[1,2,3]],\"targets\":[\"cat\"]}}",
                  "/data/features/0",
                  "expected 2 numbers, as init_from takes them, got 3");
    check_refused(HEAD "\"data\":{\"features\":[[1,2]],\"targets\":[[0,1]]}}",
                  "/data/targets", "expected 3 columns, the classes of init_from, got 2");
}

static void test_labels(void) {
    double numbers[] = {5, -1, 3};
    struct labels labels = {LABEL_NUMBER, 3, numbers, NULL}, copy;
    struct label_index index;
    struct err e = {0};
    if (CHECK(label_index_init(&index, &labels, &e)))
        CHECK(label_index_find(&index, NULL, -1) == 1 &&
              label_index_find(&index, NULL, 5) == 0 &&
              label_index_find(&index, NULL, 4) == -1 &&
              label_index_find(&index, "5", 5) == -1);
    label_index_free(&index);
    if (CHECK(labels_copy(&model.labels, &copy, &e))) {
        CHECK(copy.n == 3 && copy.strings != animals);
        CHECK_TEXT(copy.strings[2], "bee");
        labels_free(&copy);
    }
}

int main(void) {
    struct err e = {0};
    model.net = net_new(2, shapes, 2, &e);
    if (!CHECK(model.net))
        return 1;
    CHECK_RUN(test_taken);
    CHECK_RUN(test_units_agree);
    CHECK_RUN(test_refused);
    CHECK_RUN(test_labels);
    net_free(model.net);
    return check_done();
}
