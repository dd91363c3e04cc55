/* What a job's document may say, what follows from what it leaves out, and what it is
 * refused for. The echo of a spec is in test_job_spec.c, all refusals in
 * test_job_refusals.c. */
#include "api/job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* A document with `targets` for four rows of two columns, and `rest` behind it. */
static struct job_request *request_new(const char *targets, const char *rest) {
    char body[4096];
    struct err e = {0};
    int n = snprintf(body, sizeof body,
                     "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1],[0,0]],"
                     "\"targets\":%s}%s%s}",
                     targets, rest[0] ? "," : "", rest);
    struct job_request *request = calloc(1, sizeof *request);
    if (!request || n >= (int)sizeof body)
        abort();
    if (!CHECK_SAY(job_decode(body, (size_t)n, 77, request, &e), "%s: %s: %s", body,
                   e.where, e.text)) {
        free(request);
        return NULL;
    }
    return request;
}
static void request_done(struct job_request *request) {
    if (request)
        job_request_free(request);
    free(request);
}

static const struct layer_shape *output_of(const struct job_spec *spec) {
    return &spec->layers[spec->layers_n - 1];
}

static void test_defaults(void) {
    struct job_request *r = request_new("[0.5,1,2,3]", "");
    if (!r)
        return;
    const struct job_spec *s = &r->spec;
    CHECK_TEXT(r->model, "m");
    CHECK(r->metadata == NULL);
    CHECK(s->task == TASK_REGRESSION && s->loss == LOSS_MSE && s->labels.n == 0);
    CHECK(s->samples_n == 4 && s->inputs_n == 2);
    CHECK(s->layers_n == 2 && s->layers[0].units_n == 16 &&
          s->layers[0].activation == ACTIVATION_RELU);
    CHECK(output_of(s)->units_n == 1 && output_of(s)->activation == ACTIVATION_LINEAR);
    CHECK(s->initializer == INITIALIZER_HE_NORMAL && s->init_scale == 0.01f);
    CHECK(s->optimizer.kind == OPTIMIZER_GRADIENT_DESCENT &&
          s->optimizer.learning_rate == 0.1f);
    CHECK(s->batch_rows == 0 && s->epochs == 1000 && s->shuffle);
    CHECK(s->normalize == NORMALIZE_NONE && s->report_every == 1 && s->seed == 77);
    CHECK(r->values && !r->classes && r->values[0] == 0.5f && r->values[3] == 3);
    CHECK(r->features.values[1] == 1 && r->features.values[6] == 0);
    request_done(r);
}

/* What targets alone pose. `classes` is the labels' JSON; `indices` one digit a row, for
 * values 0 and 1 of a binary task as well. */
static void check_inferred(const char *targets, const char *rest, enum task task,
                           size_t outputs_n, const char *classes, const char *indices) {
    static const struct {
        enum activation activation;
        enum loss loss;
    } wanted[TASKS_N] = {
        [TASK_REGRESSION] = {ACTIVATION_LINEAR, LOSS_MSE},
        [TASK_BINARY] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY},
        [TASK_MULTI_CLASS] = {ACTIVATION_SOFTMAX, LOSS_CROSS_ENTROPY},
        [TASK_MULTI_LABEL] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY},
    };
    struct job_request *r = request_new(targets, rest);
    if (!r)
        return;
    const struct job_spec *s = &r->spec;
    CHECK_SAY(s->task == task, "%s %s: %s, not %s", targets, rest, task_name(s->task),
              task_name(task));
    CHECK(output_of(s)->units_n == outputs_n);
    CHECK(output_of(s)->activation == wanted[task].activation &&
          s->loss == wanted[task].loss);
    struct text labels = {0};
    job_labels_encode(&s->labels, &labels);
    char *text = text_take(&labels);
    CHECK_TEXT(text, classes);
    free(text);
    CHECK(!r->values == (task == TASK_MULTI_CLASS) && !r->classes == !!r->values);
    for (size_t i = 0; i < 4 && indices; i++) {
        int got = r->classes ? r->classes[i] : (int)r->values[i];
        CHECK_SAY(got == indices[i] - '0', "%s %s: row %zu is %d", targets, rest, i, got);
    }
    request_done(r);
}

static void test_inferred_numbers(void) {
    check_inferred("[0,1,1,0]", "", TASK_BINARY, 1, "[0,1]", "0110");
    check_inferred("[5,-2,5,5]", "", TASK_BINARY, 1, "[-2,5]", "1011");
    check_inferred("[-0.0,0,1,-0]", "", TASK_BINARY, 1, "[0,1]", "0010");
    check_inferred("[3,1,2,3]", "", TASK_MULTI_CLASS, 3, "[1,2,3]", "2012");
    check_inferred("[1e1,10.0,7,10]", "", TASK_BINARY, 1, "[7,10]", "1101");
    check_inferred("[0,1,1,0.5]", "", TASK_REGRESSION, 1, "[]", NULL);
    check_inferred("[4,4,4,4]", "", TASK_REGRESSION, 1, "[]", NULL);
    check_inferred("[[4],[3],[4],[3]]", "", TASK_BINARY, 1, "[3,4]", "1010");
    check_inferred("[[0.5],[3],[4],[3]]", "", TASK_REGRESSION, 1, "[]", NULL);
    /* The last integer that is exact, to the digit, and its neighbour. */
    check_inferred("[9007199254740991,9007199254740990,0,0]", "", TASK_MULTI_CLASS, 3,
                   "[0,9007199254740990,9007199254740991]", "2100");
}

static void test_inferred_others(void) {
    check_inferred("[\"b\",\"a\",\"b\",\"b\"]", "", TASK_BINARY, 1, "[\"a\",\"b\"]",
                   "1011");
    check_inferred("[\"b\",\"a\",\"\",\"\xc3\xa9\"]", "", TASK_MULTI_CLASS, 4,
                   "[\"\",\"a\",\"b\",\"\xc3\xa9\"]", "2103");
    check_inferred("[true,false,false,true]", "", TASK_BINARY, 1, "[false,true]", "1001");
    check_inferred("[true,true,true,true]", "", TASK_BINARY, 1, "[false,true]", "1111");
    check_inferred("[[0,1],[1,0],[0,1],[0,1]]", "", TASK_MULTI_CLASS, 2, "[0,1]", "1011");
    check_inferred("[[0,0,1],[1,0,0],[0,1,0],[0,0,1]]", "", TASK_MULTI_CLASS, 3,
                   "[0,1,2]", "2012");
    check_inferred("[[0,0],[1,1],[0,1],[0,1]]", "", TASK_MULTI_LABEL, 2, "[]", NULL);
    check_inferred("[[0,0],[1,1],[0,2],[0,1]]", "", TASK_REGRESSION, 2, "[]", NULL);
    check_inferred("[[0.5,1],[1,1],[0,2],[0,1]]", "", TASK_REGRESSION, 2, "[]", NULL);
}

/* Twenty distinct integers are classes, twenty-one a measurement. */
static void test_many_integers(void) {
    for (int distinct = 20; distinct <= 21; distinct++) {
        char body[2048];
        int n = snprintf(body, sizeof body, "{\"model\":\"m\",\"data\":{\"features\":[");
        for (int i = 0; i < 30; i++)
            n += snprintf(body + n, sizeof body - (size_t)n, "%s[%d]", i ? "," : "", i);
        n += snprintf(body + n, sizeof body - (size_t)n, "],\"targets\":[");
        for (int i = 0; i < 30; i++)
            n += snprintf(body + n, sizeof body - (size_t)n, "%s%d", i ? "," : "",
                          i % distinct);
        n += snprintf(body + n, sizeof body - (size_t)n, "]}}");
        struct job_request r;
        struct err e = {0};
        if (!CHECK_SAY(job_decode(body, (size_t)n, 0, &r, &e), "%s", e.text))
            return;
        CHECK(r.spec.task == (distinct == 20 ? TASK_MULTI_CLASS : TASK_REGRESSION));
        job_request_free(&r);
    }
}

/* What was said wins over what targets look like. */
static void test_said(void) {
    check_inferred("[0,1,1,0]", "\"task\":\"regression\"", TASK_REGRESSION, 1, "[]",
                   NULL);
    check_inferred("[0,1,1,0]", "\"loss\":\"mse\"", TASK_REGRESSION, 1, "[]", NULL);
    check_inferred("[0,1,1,0]", "\"task\":\"MULTI_CLASS\"", TASK_MULTI_CLASS, 2, "[0,1]",
                   "0110");
    check_inferred("[0,1,1,0]", "\"loss\":\"cross_entropy\"", TASK_MULTI_CLASS, 2,
                   "[0,1]", "0110");
    check_inferred("[-3,7,7,-3]", "\"task\":\"binary\"", TASK_BINARY, 1, "[-3,7]",
                   "0110");
    check_inferred("[[0,1],[1,0],[0,1],[0,1]]", "\"task\":\"multi_label\"",
                   TASK_MULTI_LABEL, 2, "[]", NULL);
    check_inferred("[[0,1],[1,0],[0,1],[0,1]]", "\"task\":\"regression\"",
                   TASK_REGRESSION, 2, "[]", NULL);
    check_inferred("[[0,1],[1,0],[0,1],[0,1]]", "\"loss\":\"binary_cross_entropy\"",
                   TASK_MULTI_LABEL, 2, "[]", NULL);
    check_inferred("[true,false,false,true]", "\"task\":\"multi_class\"",
                   TASK_MULTI_CLASS, 2, "[false,true]", "1001");
    check_inferred("[0,1,1,0]", "\"loss\":\"log_loss\"", TASK_BINARY, 1, "[0,1]", "0110");
    check_inferred("[0,1,2,0]", "\"loss\":\"log_loss\"", TASK_MULTI_CLASS, 3, "[0,1,2]",
                   "0120");
}

/* An output layer that was given says how many classes there are, present or not. */
static void test_output_layers(void) {
    check_inferred("[0,1,1,0]", "\"layers\":[{\"units\":3,\"activation\":\"softmax\"}]",
                   TASK_MULTI_CLASS, 3, "[0,1,2]", "0110");
    check_inferred("[1,2,3,1]", "\"layers\":[{\"units\":3,\"activation\":\"softmax\"}]",
                   TASK_MULTI_CLASS, 3, "[1,2,3]", "0120");
    check_inferred("[0,1,3,1]", "\"layers_dims\":[2,5,4]", TASK_MULTI_CLASS, 4,
                   "[0,1,2,3]", "0131");
}

static void test_output_layer_kept(void) {
    struct job_request *r =
        request_new("[0,1,1,0]", "\"layers\":[{\"units\":4,\"activation\":\"tanh\"},"
                                 "{\"units\":1,\"activation\":\"tanh\"}]");
    if (!r)
        return;
    CHECK(r->spec.task == TASK_REGRESSION && r->spec.loss == LOSS_MSE);
    CHECK(r->spec.layers_n == 2 && output_of(&r->spec)->activation == ACTIVATION_TANH);
    CHECK(r->spec.initializer == INITIALIZER_GLOROT_UNIFORM);
    request_done(r);
    r = request_new("[0,1,1,0]",
                    "\"loss\":\"mse\",\"layers\":[{\"units\":1,\"activation\":"
                    "\"sigmoid\"}]");
    CHECK(r && r->spec.task == TASK_BINARY && r->spec.loss == LOSS_MSE);
    request_done(r);
}

static void test_shapes(void) {
    struct job_request *r = request_new(
        "[0,1,1,0]", "\"layers\":[{\"n\":4,\"g\":\"LeakyReLU\",\"alpha\":0.3},"
                     "{\"units\":3.0,\"activation\":\"leaky_relu\"},"
                     "{\"units\":1,\"activation\":\"logistic\"}]");
    if (!r)
        return;
    const struct layer_shape *l = r->spec.layers;
    CHECK(r->spec.layers_n == 3 && l[0].units_n == 4 && l[1].units_n == 3);
    CHECK(l[0].activation == ACTIVATION_LEAKY_RELU && l[0].negative_slope == 0.3f);
    CHECK(l[1].negative_slope == 0.01f && l[2].activation == ACTIVATION_SIGMOID);
    CHECK(r->spec.initializer == INITIALIZER_HE_NORMAL);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"hidden_layers\":[8,4],\"activation\":\"tanh\"");
    CHECK(r && r->spec.layers_n == 3 && r->spec.layers[1].units_n == 4 &&
          r->spec.layers[1].activation == ACTIVATION_TANH);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"hidden_layers\":[]"); /* logistic regression */
    CHECK(r && r->spec.layers_n == 1 &&
          r->spec.layers[0].activation == ACTIVATION_SIGMOID);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"layers_dims\":[2,7,5,1]");
    CHECK(r && r->spec.layers_n == 3 && r->spec.layers[0].units_n == 7 &&
          r->spec.layers[1].units_n == 5 && r->spec.layers[2].units_n == 1);
    request_done(r);
}

/* 255 hidden layers and the output layer are a network's 256. */
static void test_deepest(void) {
    char rest[1024] = "\"hidden_layers\":[1";
    for (int l = 1; l < NET_LAYERS_MAX - 1; l++)
        strcat(rest, ",1");
    strcat(rest, "]");
    struct job_request *r = request_new("[0,1,1,0]", rest);
    CHECK(r && r->spec.layers_n == NET_LAYERS_MAX);
    request_done(r);
}

/* ---- hyper-parameters
 * ------------------------------------------------------------------- */

static void test_hyper(void) {
    struct job_request *r = request_new(
        "[0,1,1,0]",
        "\"initializer\":\"random_normal\",\"init_scale\":0.5,\"optimizer\":"
        "\"gradient_descent\",\"learning_rate\":1.2,\"batch_size\":3,\"epochs\":10000,"
        "\"shuffle\":false,\"normalize\":\"minmax\",\"report_every\":25,\"seed\":0,"
        "\"metadata\":{\"who\":\"a b\"}");
    if (!r)
        return;
    const struct job_spec *s = &r->spec;
    CHECK(s->initializer == INITIALIZER_RANDOM_NORMAL && s->init_scale == 0.5f);
    CHECK(s->optimizer.learning_rate == 1.2f && s->batch_rows == 3 && s->epochs == 10000);
    CHECK(!s->shuffle && s->normalize == NORMALIZE_MINMAX && s->report_every == 25);
    CHECK(s->seed == 0);
    CHECK_TEXT(r->metadata, "{\"who\":\"a b\"}");
    struct trainer_options o = job_trainer_options(s);
    CHECK(o.loss == LOSS_BINARY_CROSS_ENTROPY && o.batch_rows == 3 && o.epochs == 10000 &&
          !o.shuffle && o.seed == 0 && o.optimizer.learning_rate == 1.2f &&
          o.optimizer.kind == OPTIMIZER_GRADIENT_DESCENT);
    request_done(r);
}

/* Each alias under its canonical name's meaning. */
static void test_aliases(void) {
    struct job_request *r = request_new(
        "[0,1,1,0]", "\"hidden_layer_sizes\":[3],\"activation\":\"identity\","
                     "\"initializer\":\"xavier\",\"solver\":\"sgd\",\"lr\":2,"
                     "\"mini_batch_size\":2,\"max_iter\":7,\"standardize\":true,"
                     "\"random_state\":5,\"loss\":\"binary_crossentropy\"");
    if (!r)
        return;
    const struct job_spec *s = &r->spec;
    CHECK(s->layers[0].units_n == 3 && s->layers[0].activation == ACTIVATION_LINEAR);
    CHECK(s->initializer == INITIALIZER_GLOROT_NORMAL && s->optimizer.learning_rate == 2);
    CHECK(s->batch_rows == 2 && s->epochs == 7 && s->normalize == NORMALIZE_STANDARD);
    CHECK(s->seed == 5 && s->loss == LOSS_BINARY_CROSS_ENTROPY);
    request_done(r);
    r = request_new("[0,1,1,0]",
                    "\"hidden\":[3],\"activation\":\"Rectifier\",\"n_epochs\":9,"
                    "\"scale\":false,\"optimiser\":\"gd\",\"initializer\":\"he\"");
    CHECK(r && r->spec.epochs == 9 && r->spec.normalize == NORMALIZE_NONE &&
          r->spec.layers[0].activation == ACTIVATION_RELU &&
          r->spec.initializer == INITIALIZER_HE_NORMAL);
    request_done(r);
    static const struct {
        const char *name;
        enum initializer kind;
    } initializers[] = {{"kaiming_uniform", INITIALIZER_HE_UNIFORM},
                        {"kaiming_normal", INITIALIZER_HE_NORMAL},
                        {"xavier_uniform", INITIALIZER_GLOROT_UNIFORM},
                        {"xavier_normal", INITIALIZER_GLOROT_NORMAL},
                        {"zeros", INITIALIZER_ZEROS}};
    for (size_t i = 0; i < sizeof initializers / sizeof *initializers; i++) {
        char rest[64];
        snprintf(rest, sizeof rest, "\"initializer\":\"%s\"", initializers[i].name);
        r = request_new("[0,1,1,0]", rest);
        CHECK_SAY(r && r->spec.initializer == initializers[i].kind, "%s", rest);
        request_done(r);
    }
}

static void test_epochs(void) {
    struct job_request *r = request_new("[0,1,1,0]", "\"iterations\":1e3");
    CHECK(r && r->spec.epochs == 1000);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"num_iterations\":10.0,\"batch_size\":\"full\"");
    CHECK(r && r->spec.epochs == 10);
    request_done(r);
    r = request_new("[0,1,1,0]",
                    "\"iterations\":10,\"batch_size\":4"); /* all four rows */
    CHECK(r && r->spec.epochs == 10 && r->spec.batch_rows == 0);
    request_done(r);
    /* About a thousand points, and a bound on what may be asked for. */
    r = request_new("[0,1,1,0]", "\"epochs\":1000000000");
    CHECK(r && r->spec.report_every == 1000000);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"epochs\":1001");
    CHECK(r && r->spec.report_every == 2);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"epochs\":1000000,\"report_every\":1");
    CHECK(r && r->spec.report_every == 1);
    request_done(r);
}

/* An integer may be written as any number that is one. */
static void test_integers(void) {
    static const char *const wholes[] = {
        "\"epochs\":100,\"seed\":100,\"batch_size\":2,\"report_every\":10,"
        "\"hidden_layers\":[5,3]",
        "\"epochs\":100.0,\"seed\":1e2,\"batch_size\":2.0,\"report_every\":1e1,"
        "\"hidden_layers\":[5.0,0.3e1]",
        "\"epochs\":1E2,\"seed\":100.000,\"batch_size\":20e-1,\"report_every\":10.0,"
        "\"layers_dims\":[2.0,5e0,3.0,1e0]",
        "\"epochs\":1.0e+2,\"seed\":1000e-1,\"batch_size\":2e0,\"report_every\":1.0e1,"
        "\"layers\":[{\"units\":5.0},{\"units\":3e0},{\"units\":1.0}]",
    };
    static const struct {
        const char *rest, *where;
    } parts[] = {
        {"\"epochs\":100.5", "/epochs"},
        {"\"iterations\":1e-1", "/iterations"},
        {"\"seed\":0.5", "/seed"},
        {"\"batch_size\":2.5", "/batch_size"},
        {"\"report_every\":1.5", "/report_every"},
        {"\"hidden_layers\":[5,3.5]", "/hidden_layers/1"},
        {"\"layers_dims\":[2.5,1]", "/layers_dims/0"},
        {"\"layers\":[{\"units\":5.5},{\"units\":1}]", "/layers/0/units"},
    };
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        struct job_request *r = request_new("[0,1,1,0]", wholes[i]);
        CHECK_SAY(r && r->spec.epochs == 100 && r->spec.seed == 100 &&
                      r->spec.batch_rows == 2 && r->spec.report_every == 10 &&
                      r->spec.layers_n == 3 && r->spec.layers[0].units_n == 5 &&
                      r->spec.layers[1].units_n == 3,
                  "%s", wholes[i]);
        request_done(r);
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char body[256];
        struct job_request r;
        struct err e = {0};
        int n = snprintf(body, sizeof body,
                         "{\"model\":\"m\",\"data\":{\"features\":[[0,0],[0,1],[1,0],"
                         "[1,1]],\"targets\":[0,1,1,0]},%s}",
                         parts[i].rest);
        CHECK_SAY(!job_decode(body, (size_t)n, 1, &r, &e) && e.kind == ERR_INVALID, "%s",
                  parts[i].rest);
        CHECK_TEXT(e.where, parts[i].where);
        CHECK_SAY(strstr(e.text, "expected an integer") != NULL, "%s", e.text);
    }
}

static void test_batches(void) {
    static const struct {
        const char *text;
        size_t rows;
    } batches[] = {{"0", 0},   {"1", 1},          {"3e0", 3},     {"4", 0},
                   {"100", 0}, {"4294967295", 0}, {"\"FULL\"", 0}};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        char rest[64];
        snprintf(rest, sizeof rest, "\"batch_size\":%s", batches[i].text);
        struct job_request *r = request_new("[0,1,1,0]", rest);
        CHECK_SAY(r && r->spec.batch_rows == batches[i].rows, "%s", rest);
        request_done(r);
    }
}

/* Kept to the letter, white space apart, numbers above all. */
static void test_metadata(void) {
    struct job_request *r = request_new(
        "[0,1,1,0]",
        "\"metadata\": {\n \"a b\" : [ 0.1 , 1.50 , 123456789012345678901 ],\t"
        "\"q\\\" \\\\\" : \" x \" , \"n\" : { } }");
    if (!r)
        return;
    CHECK_TEXT(r->metadata,
               "{\"a b\":[0.1,1.50,123456789012345678901],\"q\\\" \\\\\":\" x \","
               "\"n\":{}}");
    request_done(r);
    r = request_new("[0,1,1,0]", "\"metadata\":null");
    CHECK(r && !r->metadata);
    request_done(r);
    r = request_new("[0,1,1,0]", "\"metadata\":{}");
    CHECK(r && r->metadata && strcmp(r->metadata, "{}") == 0);
    request_done(r);
}

/* Values that only just fit a float32, and one row. */
static void test_edges(void) {
    struct job_request *r = request_new("[3.4028235e38,-3.4028235e38,1e-45,-0.0]",
                                        "\"learning_rate\":3.4028235e38,"
                                        "\"init_scale\":1e-45");
    if (r) {
        CHECK(r->values[0] == 3.4028234663852886e38f && r->values[2] > 0);
        CHECK(r->values[3] == 0 && signbit(r->values[3]));
        CHECK(r->spec.optimizer.learning_rate == r->values[0] && r->spec.init_scale > 0);
    }
    request_done(r);
    static const char one[] = "{\"model\":\"m\",\"data\":{\"features\":[[1]],\"targets\":"
                              "[\"yes\"]},\"task\":\"regression\"}";
    static const char two[] =
        "{\"model\":\"m\",\"data\":{\"features\":[[1]],\"targets\":[7]}}";
    struct job_request request;
    struct err e = {0};
    CHECK(!job_decode(one, sizeof one - 1, 0, &request, &e));
    e = (struct err){0};
    if (CHECK_SAY(job_decode(two, sizeof two - 1, 0, &request, &e), "%s", e.text))
        CHECK(request.spec.task == TASK_REGRESSION && request.spec.samples_n == 1);
    job_request_free(&request);
}

static void test_names(void) {
    char name[JOB_NAME_MAX + 2];
    memset(name, 'a', sizeof name);
    name[JOB_NAME_MAX] = '\0';
    CHECK(job_name_valid(name));
    name[JOB_NAME_MAX] = 'a';
    name[JOB_NAME_MAX + 1] = '\0';
    CHECK(!job_name_valid(name));
    CHECK(job_name_valid("Z") && job_name_valid("0") && job_name_valid("a.b_c-D9"));
    CHECK(!job_name_valid("") && !job_name_valid(".a") && !job_name_valid("-a"));
    CHECK(!job_name_valid("_a") && !job_name_valid("a b") && !job_name_valid("a/b"));
    CHECK(!job_name_valid("a@b") && !job_name_valid("\xc3\xa9"));
}

int main(void) {
    CHECK_RUN(test_defaults);
    CHECK_RUN(test_inferred_numbers);
    CHECK_RUN(test_inferred_others);
    CHECK_RUN(test_many_integers);
    CHECK_RUN(test_said);
    CHECK_RUN(test_output_layers);
    CHECK_RUN(test_output_layer_kept);
    CHECK_RUN(test_shapes);
    CHECK_RUN(test_deepest);
    CHECK_RUN(test_hyper);
    CHECK_RUN(test_aliases);
    CHECK_RUN(test_epochs);
    CHECK_RUN(test_integers);
    CHECK_RUN(test_batches);
    CHECK_RUN(test_metadata);
    CHECK_RUN(test_edges);
    CHECK_RUN(test_names);
    return check_done();
}
