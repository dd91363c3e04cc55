/* The dialect of TensorFlow Serving. Bodies are those of its documentation and of its own
 * tests, where a model like theirs can be had. */
#include "api/tfs.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "tests/unit/api/test_encoder.h"

/* A model whose inputs are its columns, which it borrows as its labels. */
struct stage {
    struct net *net;
    struct model model;
};
static void stage_new(struct stage *s, enum task task, size_t inputs, size_t k,
                      struct labels labels) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = k};
    s->net = net_new(inputs, &shape, 1, &e);
    if (!s->net)
        abort();
    s->model = (struct model){.task = task, .net = s->net, .labels = labels};
}

/* ---- requests ------------------------------------------------------------------- */

static bool rows_of(enum tfs_verb verb, const struct model *model, const char *body,
                    struct tfs_request *r, struct err *e) {
    *e = (struct err){0};
    bool ok = tfs_decode(verb, body, strlen(body), r, e);
    size_t bound = ok ? predict_rows_bound(&r->rows) : 0;
    ok = ok && tfs_rows(r, model, e);
    if (ok)
        CHECK_SAY(r->rows.instances.rows_n <= bound, "%s: %zu", body, bound);
    return ok;
}

static void check_rows(enum tfs_verb verb, const struct model *model, const char *body,
                       bool outputs, const float *want, size_t m) {
    struct tfs_request r;
    struct err e;
    size_t n = model->net->inputs_n;
    bool ok = rows_of(verb, model, body, &r, &e);
    CHECK_SAY(ok && r.outputs == outputs && r.rows.instances.rows_n == m &&
                  memcmp(r.rows.instances.values, want, m * n * sizeof *want) == 0,
              "%s: %s %s", body, e.where, e.text);
    tfs_request_free(&r);
}

static void check_refused(enum tfs_verb verb, const struct model *model, const char *body,
                          const char *where, const char *says) {
    struct tfs_request r;
    struct err e;
    CHECK_SAY(!rows_of(verb, model, body, &r, &e), "%s", body);
    CHECK_SAY(e.kind == ERR_INVALID || e.kind == ERR_RANGE, "%s: %d", body, e.kind);
    CHECK_SAY(strcmp(e.where, where) == 0, "%s: at %s: %s", body, e.where, e.text);
    CHECK_SAY(strstr(e.text, says), "%s: %s", body, e.text);
    tfs_request_free(&r);
}

static void test_instances(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 1, 1, (struct labels){0});
    const struct model *one = &s.model;
    static const float x[] = {1, 2, 5};
    check_rows(TFS_PREDICT, one, "{\"instances\": [1.0,2.0,5.0]}", false, x, 3);
    check_rows(TFS_PREDICT, one, "{\"instances\": [[1.0],[2.0],[5]]}", false, x, 3);
    check_rows(TFS_PREDICT, one,
               "{\"signature_name\": \"serving_default\", \"instances\": [1.0, 2.0]}",
               false, x, 2);
    check_rows(TFS_PREDICT, one,
               "{\"signature_name\": \"serving_default\", \"inputs\": [1.0, 2.0]}", true,
               x, 2);
    check_rows(TFS_PREDICT, one,
               "{\"inputs\": {\"x\": [1,2,5]}, \"signature_name\":\"\"}", true, x, 3);
    net_free(s.net);
    stage_new(&s, TASK_REGRESSION, 2, 1, (struct labels){0});
    const struct model *two = &s.model;
    static const float rows[] = {1, 2, 3, 4, 5, 6};
    check_rows(TFS_PREDICT, two, "{\"instances\": [ [[1, 2]], [[3, 4]] ]}", false, rows,
               2);
    check_rows(TFS_PREDICT, two, "{\"instances\": [[1,2],[3,4],[5,6]]}", false, rows, 3);
    check_rows(TFS_PREDICT, two, "{\"inputs\": [[1,2],[3,4],[5,6]]}", true, rows, 3);
    check_rows(TFS_PREDICT, two, "{\"inputs\": {\"t\": [[1,2],[3,4],[5,6]]}}", true, rows,
               3);
    check_rows(TFS_PREDICT, two,
               "{\"instances\":[{\"t\":[1,2]},{\"t\":[3,4]},{\"t\":[5,6]}]}", false, rows,
               3);
    net_free(s.net);
}

/* Lists within lists stand alike in a row. */
static void test_shapes(void) {
    struct stage s;
    static const char ragged[] = "lists of one length and depth";
    static const float rows[] = {1, 2, 3, 4, 5, 6, 7, 8};
    stage_new(&s, TASK_REGRESSION, 4, 1, (struct labels){0});
    const struct model *four = &s.model;
    check_rows(TFS_PREDICT, four, "{\"instances\":[[[1,2],[3,4]],[[5,6],[7,8]]]}", false,
               rows, 2);
    check_rows(TFS_PREDICT, four, "{\"instances\":[[[[1],[2],[3],[4]]]]}", false, rows,
               1);
    check_rows(TFS_PREDICT, four,
               "{\"instances\":[{\"x\":[[1],[2],[3],[4]]},{\"x\":[[5],[6],[7],[8]]}]}",
               false, rows, 2);
    static const struct {
        const char *rows, *where;
    } wrong[] = {{"[[1],[2,3,4]]", "/instances/0"},
                 {"[1,[2,[3]],4]", "/instances/0/1"},
                 {"[[1,2],3,4]", "/instances/0/2"},
                 {"[[1,2],[3,4]],[[1,2,3],[4]]", "/instances/1"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"instances\":[%s]}", wrong[i].rows);
        check_refused(TFS_PREDICT, four, body, wrong[i].where, ragged);
    }
    check_refused(TFS_PREDICT, four, "{\"instances\":[[1,2,3,4],[1,2,3]]}",
                  "/instances/1", "expected 4 numbers, got 3");
    check_refused(TFS_PREDICT, four, "{\"instances\":[[[1,2],[3,4],[5]]]}",
                  "/instances/0", "");
    net_free(s.net);
}

static void test_named(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 5, 1, (struct labels){0});
    s.model.encoder = encoder_abc();
    const struct model *model = &s.model;
    static const float two[] = {1.5f, 1, 0, 1, 0, 3, 0, 1, 0, 0};
    check_rows(
        TFS_PREDICT, model,
        "{\"instances\":[{\"a\":1.5,\"b\":true,\"c\":\"y\"},{\"c\":\"x \\\"1\\\"\","
        "\"a\":[3],\"b\":[false]}]}",
        false, two, 2);
    check_rows(TFS_PREDICT, model,
               "{\"instances\":[[1.5,true,\"y\"],[3,false,\"x \\\"1\\\"\"]]}", false, two,
               2);
    check_rows(
        TFS_PREDICT, model,
        "{\"inputs\":{\"c\":[\"y\",{\"b64\":\"eCAiMSI=\"}],\"a\":[1.5,3],\"b\":[true,"
        "false]}}",
        true, two, 2);
    check_rows(
        TFS_REGRESS, model,
        "{\"context\":{\"c\":[\"y\"]},\"examples\":[{\"a\":1.5,\"b\":1},{\"b\":[true]"
        ",\"a\":1.5}]}",
        false, (const float[]){1.5f, 1, 0, 1, 0, 1.5f, 1, 0, 1, 0}, 2);
    check_refused(TFS_PREDICT, model, "{\"instances\":[[1.5,true,null]]}",
                  "/instances/0/2", "got null");
    /* NaN is what float columns have for a value that is not known. */
    static const float missing[] = {2.1f, 0.25f, 0, 0, 1, 3, 0, 1, 0, 0};
    check_rows(TFS_PREDICT, model,
               "{\"instances\":[[NaN,NaN,NaN],[3,false,\"x \\\"1\\\"\"]]}", false,
               missing, 2);
    check_rows(TFS_PREDICT, model,
               "{\"inputs\":{\"a\":[NaN,3],\"b\":[[NaN],0],\"c\":[NaN,\"x \\\"1\\\"\"]}}",
               true, missing, 2);
    check_rows(TFS_REGRESS, model,
               "{\"context\":{\"b\":NaN,\"c\":[NaN]},\"examples\":[{\"a\":NaN}]}", false,
               missing, 1);
    check_refused(TFS_PREDICT, model,
                  "{\"instances\":[{\"b\":1,\"c\":NaN,\"a\":Infinity}]}",
                  "/instances/0/a", "expected a number that is finite, got Infinity");
    check_refused(TFS_PREDICT, model, "{\"inputs\":{\"a\":[1,-Infinity]}}", "/inputs/a/1",
                  "expected a number that is finite, got -Infinity");
    check_refused(TFS_REGRESS, model, "{\"context\":{\"a\":Infinity},\"examples\":[{}]}",
                  "/context/a", "expected a number that is finite, got Infinity");
    check_refused(TFS_PREDICT, model, "{\"instances\":[[1.5,true,\"y\"],{\"a\":1}]}",
                  "/instances/1", "expected an array, as the first row is one");
    check_refused(TFS_PREDICT, model, "{\"inputs\":{\"a\":[1,2],\"b\":[true]}}",
                  "/inputs/b", "expected 2 values, got 1");
    check_refused(TFS_REGRESS, model,
                  "{\"context\":{\"a\":1},\"examples\":[{\"a\":1,\"b\":1,\"c\":\"y\"}]}",
                  "/examples/0/a", "stands in the context too");
    check_refused(TFS_REGRESS, model, "{\"context\":[1],\"examples\":[{}]}", "/context",
                  "expected an object, got an array");
    check_refused(TFS_REGRESS, model, "{\"examples\":[{\"a\":1,\"b\":1}]}", "/examples/0",
                  "column \"c\" is missing");
    check_refused(TFS_REGRESS, model, "{\"examples\":[[1,1,\"y\"]]}", "/examples/0",
                  "expected an object, got an array");
    encoder_free(&s.model.encoder);
    net_free(s.net);
}

static void test_refusals(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 2, 1, (struct labels){0});
    static const struct {
        enum tfs_verb verb;
        const char *body, *where, *says;
    } bad[] = {
        {TFS_PREDICT, "", "line 1, column 1", "expected an object, got the end"},
        {TFS_PREDICT, "instances = [1, 2]", "line 1, column 1", "expected an object"},
        {TFS_PREDICT, "[]", "line 1, column 1", "expected an object, got an array"},
        {TFS_PREDICT, "{}", "", "expected \"instances\" or \"inputs\", got neither"},
        {TFS_PREDICT, "{\"instances\":[[1,2]],\"inputs\":[[1,2]]}", "", "got both"},
        {TFS_PREDICT, "{\"inputs\":{},\"instances\":[[1,2]]}", "", "got both"},
        {TFS_PREDICT, "{\"instances\":[]}", "/instances", "expected at least one row"},
        {TFS_PREDICT, "{\"instances\":{\"x\":[1,2]}}", "/instances", "expected '['"},
        {TFS_PREDICT, "{\"instances\":null}", "/instances", "expected '['"},
        {TFS_PREDICT, "{\"instances\":[1,2]}", "/instances/0", "expected a row as an"},
        {TFS_PREDICT, "{\"instances\":[[1,2],[3,4],[5,6,7]]}", "/instances/2",
         "got more"},
        {TFS_PREDICT, "{\"instances\":[[1,2],[\"a\",\"b\"]]}", "/instances/1/0",
         "expected a number, got a string"},
        {TFS_PREDICT, "{\"instances\":[[1,null]]}", "/instances/0/1", "got null"},
        {TFS_PREDICT, "{\"instances\":[[1,1e39]]}", "/instances/0/1", "outside float32"},
        {TFS_PREDICT, "{\"instances\":[[1,NaN]]}", "/instances/0/1",
         "expected a number that is finite, got NaN"},
        {TFS_PREDICT, "{\"inputs\":[[-Infinity,1]]}", "/inputs/0/0", "got -Infinity"},
        {TFS_PREDICT, "{\"inputs\":{\"x\":[[1,2],[Infinity,1]]}}", "/inputs/x/1/0",
         "got Infinity"},
        {TFS_PREDICT, "{\"instances\":[{\"0\":1,\"1\":NaN}]}", "/instances/0/1",
         "got NaN"},
        {TFS_PREDICT, "{\"inputs\":[[1,Inf]]}", "line 1, column 15", "got 'Inf'"},
        {TFS_PREDICT, "{\"signature_name\":NaN,\"inputs\":[[1,2]]}", "line 1, column 19",
         "NaN and Infinity"},
        {TFS_PREDICT, "{\"instances\":[[1,2,3]]}", "/instances/0", "expected 2 numbers"},
        {TFS_PREDICT, "{\"inputs\":[[1,2,3]]}", "/inputs/0", "expected 2 numbers, got 3"},
        {TFS_PREDICT, "{\"inputs\":5}", "/inputs", "expected '['"},
        {TFS_PREDICT, "{\"instances\":[[1,2]],\"instances\":[[1,2]]}", "/instances",
         "given twice"},
        {TFS_PREDICT, "{\"instance\":[[1,2]]}", "/instance", "unknown key \"instance\""},
        {TFS_PREDICT, "{\"examples\":[{\"x\":1}]}", "/examples", "unknown key"},
        {TFS_PREDICT, "{\"instances\":[[1,2]],\"signature_name\":5}", "/signature_name",
         "expected a string, got a number"},
        {TFS_PREDICT, "{\"instances\":[[1,2]],\"signature_name\":\"predict_images\"}",
         "/signature_name", "signature \"predict_images\" not found"},
        {TFS_PREDICT,
         "{\"instances\":[[1,2]],\"signature_name\":\"tensorflow/serving/regress\"}",
         "/signature_name", "is the signature of :regress, not of :predict"},
        {TFS_REGRESS, "{\"instances\":[[1,2]]}", "/instances", "unknown key"},
        {TFS_REGRESS, "{\"context\":{}}", "/examples", "is missing"},
        {TFS_REGRESS, "{\"examples\":{\"x\":[1,2]}}", "/examples", "expected '['"},
        {TFS_REGRESS, "{\"examples\":[]}", "/examples", "expected at least one row"},
        {TFS_REGRESS, "{\"examples\":[[{\"x\":[1,2]}]]}", "/examples/0",
         "expected an obj"},
        {TFS_REGRESS, "{\"examples\":[{\"x\":[1,null]}]}", "/examples/0/x/1", "got null"},
        {TFS_REGRESS, "{\"examples\":[{\"x\":[1,{\"test\":10}]}]}", "/examples/0/x/1",
         "expected a number, got an object"},
        {TFS_REGRESS, "{\"signature_name\":[\"hello\"],\"examples\":[{\"x\":[1,2]}]}",
         "/signature_name", "expected a string, got an array"},
        {TFS_CLASSIFY, "{\"examples\":[{\"x\":[1,2]}]}", "",
         "a model of task regression and 1 outputs does not answer :classify"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(bad[i].verb, &s.model, bad[i].body, bad[i].where, bad[i].says);
    net_free(s.net);
    stage_new(&s, TASK_MULTI_CLASS, 2, 3, (struct labels){0});
    check_refused(TFS_REGRESS, &s.model, "{\"examples\":[{\"x\":[1,2]}]}", "",
                  "does not answer :regress");
    net_free(s.net);
}

/* ---- answers -------------------------------------------------------------------- */

static void check_answer(const struct stage *s, enum tfs_verb verb, bool outputs,
                         const float *Y, size_t m, const char *want) {
    struct tfs_request r = {.verb = verb,
                            .outputs = outputs,
                            .rows.path = outputs ? "/inputs" : "/instances"};
    struct text t = {0};
    struct err e = {0};
    CHECK_SAY(tfs_encode(&r, &s->model, Y, m, &t, &e), "%s", e.text);
    char *got = text_take(&t);
    CHECK_TEXT(got, want);
    free(got);
}

static void test_regression_answers(void) {
    struct stage s;
    static const float Y[] = {0.2f, 0.9f, 1};
    stage_new(&s, TASK_REGRESSION, 1, 1, (struct labels){0});
    check_answer(&s, TFS_PREDICT, false, Y, 3, "{\"predictions\":[0.2,0.9,1]}\n");
    check_answer(&s, TFS_PREDICT, true, Y, 3, "{\"outputs\":[0.2,0.9,1]}\n");
    check_answer(&s, TFS_REGRESS, false, Y, 3, "{\"results\":[0.2,0.9,1]}\n");
    net_free(s.net);
    stage_new(&s, TASK_REGRESSION, 1, 3, (struct labels){0});
    check_answer(&s, TFS_PREDICT, false, Y, 1, "{\"predictions\":[[0.2,0.9,1]]}\n");
    check_answer(&s, TFS_PREDICT, true, Y, 1, "{\"outputs\":[[0.2,0.9,1]]}\n");
    net_free(s.net);
}

static void test_class_answers(void) {
    struct stage s;
    char car[] = "car", bike[] = "bike", bus[] = "bus";
    char *strings[] = {car, bike, bus};
    static const float Y[] = {0.2f, 0.7f, 0.1f, 0.7f, 0.1f, 0.2f};
    stage_new(&s, TASK_MULTI_CLASS, 1, 3,
              (struct labels){LABEL_STRING, 3, NULL, strings});
    check_answer(&s, TFS_PREDICT, false, Y, 2,
                 "{\"predictions\":[[0.2,0.7,0.1],[0.7,0.1,0.2]]}\n");
    check_answer(
        &s, TFS_CLASSIFY, false, Y, 2,
        "{\"results\":[[[\"car\",0.2],[\"bike\",0.7],[\"bus\",0.1]],[[\"car\",0.7],"
        "[\"bike\",0.1],[\"bus\",0.2]]]}\n");
    net_free(s.net);
    double numbers[] = {-1, 2.5}, bits[] = {0, 1};
    static const float p[] = {0.25f, 1};
    stage_new(&s, TASK_BINARY, 1, 1, (struct labels){LABEL_NUMBER, 2, numbers, NULL});
    check_answer(&s, TFS_PREDICT, false, p, 2, "{\"predictions\":[0.25,1]}\n");
    check_answer(&s, TFS_REGRESS, false, p, 2, "{\"results\":[0.25,1]}\n");
    check_answer(
        &s, TFS_CLASSIFY, false, p, 2,
        "{\"results\":[[[\"-1\",0.75],[\"2.5\",0.25]],[[\"-1\",0],[\"2.5\",1]]]}\n");
    s.model.labels = (struct labels){LABEL_BOOLEAN, 2, bits, NULL};
    check_answer(&s, TFS_CLASSIFY, false, p, 1,
                 "{\"results\":[[[\"false\",0.75],[\"true\",0.25]]]}\n");
    net_free(s.net);
    stage_new(&s, TASK_MULTI_LABEL, 1, 2, (struct labels){0});
    check_answer(&s, TFS_PREDICT, false, p, 1, "{\"predictions\":[[0.25,1]]}\n");
    check_answer(&s, TFS_CLASSIFY, false, p, 1,
                 "{\"results\":[[[\"\",0.25],[\"\",1]]]}\n");
    net_free(s.net);
}

/* Never NaN or Infinity: the row is named where it stood. */
static void test_not_finite(void) {
    struct stage s;
    struct tfs_request r = {.rows.path = "/inputs", .outputs = true};
    struct text t = {0};
    struct err e = {0};
    stage_new(&s, TASK_REGRESSION, 1, 1, (struct labels){0});
    CHECK(!tfs_encode(&r, &s.model, (float[]){1, INFINITY}, 2, &t, &e) && !t.n);
    CHECK(e.kind == ERR_NUMERIC);
    CHECK_TEXT(e.where, "/inputs/1");
    net_free(s.net);
}

/* ---- metadata ------------------------------------------------------------------- */

static json_t *metadata(const struct model *model) {
    struct text t = {0};
    tfs_metadata_encode(model, "m", 123, &t);
    char *text = text_take(&t);
    json_t *root = json_loads(text ? text : "", 0, NULL);
    CHECK_SAY(root, "%s", text);
    free(text);
    return root;
}

/* `want` has ' for ", and @N for a tensor's shape of N values a row, @ for one of one. */
static void check_json(json_t *got, const char *want) {
    struct text t = {0};
    for (; *want; want++) {
        if (*want != '@') {
            text_bytes(&t, *want == '\'' ? "\"" : want, 1);
            continue;
        }
        bool wide = want[1] >= '0' && want[1] <= '9';
        text_string(&t, "\"tensor_shape\":{\"dim\":[{\"size\":\"-1\",\"name\":\"\"}");
        if (wide)
            text_format(&t, ",{\"size\":\"%c\",\"name\":\"\"}", *++want);
        text_string(&t, "],\"unknown_rank\":false}");
    }
    char *wanted_text = text_take(&t), *text = json_dumps(got, JSON_COMPACT);
    json_t *wanted = json_loads(wanted_text, 0, NULL);
    CHECK_SAY(wanted && json_equal(got, wanted), "%s, not %s", text, wanted_text);
    json_decref(wanted);
    free(wanted_text);
    free(text);
}

static json_t *signature_of(json_t *root, const char *name) {
    json_t *map = json_object_get(
        json_object_get(json_object_get(root, "metadata"), "signature_def"),
        "signature_def");
    return json_object_get(map, name);
}

static void test_metadata(void) {
    struct stage s;
    stage_new(&s, TASK_REGRESSION, 4, 1, (struct labels){0});
    json_t *root = metadata(&s.model);
    check_json(json_object_get(root, "model_spec"),
               "{'name':'m','signature_name':'','version':'123'}");
    check_json(signature_of(root, "serving_default"),
               "{'inputs':{'input':{'dtype':'DT_FLOAT',@4,'name':'input'}},"
               "'outputs':{'predictions':{'dtype':'DT_FLOAT',@,'name':'predictions'}},"
               "'method_name':'tensorflow/serving/predict'}");
    CHECK(signature_of(root, "tensorflow/serving/predict"));
    CHECK(signature_of(root, "tensorflow/serving/regress"));
    CHECK(!signature_of(root, "tensorflow/serving/classify"));
    json_decref(root);
    net_free(s.net);
    stage_new(&s, TASK_MULTI_CLASS, 5, 3, (struct labels){0});
    s.model.encoder = encoder_abc();
    root = metadata(&s.model);
    check_json(json_object_get(signature_of(root, "serving_default"), "inputs"),
               "{'a':{'dtype':'DT_FLOAT',@,'name':'a'},'b':{'dtype':'DT_BOOL',@,'name':"
               "'b'},'c':{'dtype':'DT_STRING',@,'name':'c'}}");
    check_json(signature_of(root, "tensorflow/serving/classify"),
               "{'inputs':{'inputs':{'dtype':'DT_STRING',@,'name':'inputs'}},"
               "'outputs':{'classes':{'dtype':'DT_STRING',@3,'name':'classes'},"
               "'scores':{'dtype':'DT_FLOAT',@3,'name':'scores'}},"
               "'method_name':'tensorflow/serving/classify'}");
    CHECK(!signature_of(root, "tensorflow/serving/regress"));
    json_decref(root);
    encoder_free(&s.model.encoder);
    net_free(s.net);
}

static void test_verbs(void) {
    enum tfs_verb verb;
    CHECK(tfs_verb_find("predict", &verb) && verb == TFS_PREDICT);
    CHECK(tfs_verb_find("CLASSIFY", &verb) && verb == TFS_CLASSIFY);
    CHECK(tfs_verb_find("Regress", &verb) && verb == TFS_REGRESS);
    CHECK(!tfs_verb_find("predicts", &verb) && !tfs_verb_find("", &verb));
}

int main(void) {
    CHECK_RUN(test_instances);
    CHECK_RUN(test_shapes);
    CHECK_RUN(test_named);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_regression_answers);
    CHECK_RUN(test_class_answers);
    CHECK_RUN(test_not_finite);
    CHECK_RUN(test_metadata);
    CHECK_RUN(test_verbs);
    return check_done();
}
