/* What MLflow's and SageMaker's clients send. Bodies are those of MLflow's documentation
 * and of its own tests, where a model like theirs can be had. */
#include "api/invocations.h"

#include <math.h>
#include <stdio.h>

#include "tests/unit/api/test_encoder.h"

/* A model whose inputs are numbers without names, or the columns a, b and c. */
struct stage {
    struct net *net;
    struct model model;
};
static void stage_net(struct stage *s, size_t inputs) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = 1};
    net_free(s->net);
    s->net = net_new(inputs, &shape, 1, &e);
    if (!s->net)
        abort();
    s->model.net = s->net;
}
static void stage_new(struct stage *s, size_t inputs, bool named) {
    *s = (struct stage){.model = {.task = TASK_REGRESSION}};
    stage_net(s, inputs);
    if (named)
        s->model.encoder = encoder_abc();
}
static void stage_free(struct stage *s) {
    encoder_free(&s->model.encoder);
    net_free(s->net);
}

/* A body is JSON, or of this type. */
static bool rows_of(const struct model *model, const char *type, const char *body,
                    struct invocation *in, struct err *e) {
    *e = (struct err){0};
    if (type)
        invocation_decode_csv(body, strlen(body), type, in);
    else if (!invocation_decode(body, strlen(body), in, e))
        return false;
    size_t bound = predict_rows_bound(&in->rows);
    bool ok = invocation_rows(in, model, e);
    if (ok)
        CHECK_SAY(in->rows.instances.rows_n <= bound, "%s: %zu", body, bound);
    return ok;
}

static void check_rows_as(const struct model *model, const char *type, const char *body,
                          const float *want, size_t m) {
    struct invocation in;
    struct err e;
    size_t n = model->net->inputs_n;
    bool ok = rows_of(model, type, body, &in, &e);
    CHECK_SAY(ok && in.rows.instances.rows_n == m &&
                  memcmp(in.rows.instances.values, want, m * n * sizeof *want) == 0,
              "%s: %s %s", body, e.where, e.text);
    invocation_free(&in);
}

static void check_rows(const struct model *model, const char *body, const float *want,
                       size_t m) {
    check_rows_as(model, NULL, body, want, m);
}

static void check_refused_as(const struct model *model, const char *type,
                             const char *body, const char *where, const char *says) {
    struct invocation in;
    struct err e;
    CHECK_SAY(!rows_of(model, type, body, &in, &e), "%s", body);
    CHECK_SAY(e.kind == ERR_INVALID || e.kind == ERR_RANGE, "%s: %d", body, e.kind);
    CHECK_SAY(strcmp(e.where, where) == 0, "%s: at %s: %s", body, e.where, e.text);
    CHECK_SAY(strstr(e.text, says), "%s: %s", body, e.text);
    invocation_free(&in);
}

static void test_numbers(void) {
    struct stage s;
    static const float rows[] = {1, 2, 3, 4, 5, 6};
    stage_new(&s, 2, false);
    const struct model *two = &s.model;
    check_rows(two, "{\"inputs\": [[1, 2], [3, 4], [5, 6]]}", rows, 3);
    check_rows(two, "{\"instances\": [[1, 2], [3, 4], [5, 6]]}", rows, 3);
    check_rows(two, "{\"instances\": [[[1, 2]], [[3, 4]]]}", rows, 2);
    check_rows(two, "{\"dataframe_split\":{\"data\":[[1,2],[3,4]]}}", rows, 2);
    check_rows(
        two,
        "{\"dataframe_split\":{\"index\":[0,1],\"columns\":[0,1],\"data\":[[1,2],[3,"
        "4]]}}",
        rows, 2);
    check_rows(two, "{\"dataframe_split\":{\"columns\":[1,0],\"data\":[[2,1],[4,3]]}}",
               rows, 2);
    check_rows(two,
               "{\"dataframe_split\":{\"columns\":[\"x\",\"y\"],\"data\":[[1,2],[3,4]],"
               "\"index\":[\"p\",[\"q\",7]]},\"params\":{}}",
               rows, 2);
    check_rows(two, "{\"dataframe_records\":[{\"0\":1,\"1\":2},{\"1\":4,\"0\":3}]}", rows,
               2);
    check_rows(two, "{\"inputs\":{\"0\":[1,3],\"1\":[2,4]},\"params\":null}", rows, 2);
    check_rows(two, "{\"inputs\":[[1,2],[3,4]],\"params\":{\"max_answer_len\":10}}", rows,
               2);
    check_rows(two, "{\"inputs\":{\"dense\":[[1,2],[3,4]]}}", rows, 2);
    check_rows_as(two, "text/csv", "x,y\n1,2\n3,4\n", rows, 2);
    check_rows_as(two, "text/csv", "1.0,2\n3,4", rows, 2);
    check_refused_as(two, "text/csv", "1,\n3,4\n", "line 1, column \"1\"", "missing");
    check_refused_as(two, "text/csv", "NaN,2\n3,4\n", "line 1, column \"0\"", "missing");
    check_refused_as(two, "text/csv", "1,x\n3,4\n", "line 1", "a header or a row");
    check_rows_as(two, "text/csv; charset=utf-8", "1,2\n3,4\n", rows, 2);
    check_rows_as(two, "text/csv; header=present", "1,0\n2,1\n4,3\n", rows, 2);
    check_refused_as(two, "text/csv", "1,0\n2,1\n", "line 1", "a header or a row");
    check_refused_as(two, "text/csv", "x,y\n", "", "expected at least one row");
    check_refused_as(two, "text/csv", "", "", "the file is empty");
    stage_free(&s);
    stage_new(&s, 1, false);
    check_rows(&s.model, "{\"instances\": [1.0, 2.0, 5.0]}", (float[]){1, 2, 5}, 3);
    stage_free(&s);
    stage_new(&s, 4, false);
    check_rows_as(&s.model, "application/csv", "1,2,3,4", (float[]){1, 2, 3, 4}, 1);
    stage_free(&s);
}

static void test_columns(void) {
    struct stage s;
    static const float two[] = {1.5f, 1, 0, 1, 0, 2.1f, 0, 1, 0, 0};
    stage_new(&s, 5, true);
    const struct model *model = &s.model;
    check_rows(model,
               "{\"dataframe_split\":{\"columns\":[\"c\",\"a\",\"b\"],\"index\":[0,1],"
               "\"data\":[[\"y\",1.5,true],[\"x \\\"1\\\"\",null,false]]}}",
               two, 2);
    check_rows(model,
               "{\"dataframe_split\":{\"data\":[[1.5,true,\"y\"],[null,false,\"x "
               "\\\"1\\\"\"]]}}",
               two, 2);
    check_rows(model,
               "{\"dataframe_records\":[{\"a\":1.5,\"b\":true,\"c\":\"y\"},{\"c\":\"x "
               "\\\"1\\\"\",\"b\":false,\"a\":null}]}",
               two, 2);
    check_rows(
        model,
        "{\"instances\":[{\"a\":1.5,\"b\":true,\"c\":\"y\"},{\"c\":\"x \\\"1\\\"\","
        "\"b\":false,\"a\":null}]}",
        two, 2);
    check_rows(model,
               "{\"inputs\":{\"a\":[1.5,null],\"b\":[true,false],\"c\":[\"y\",\"x "
               "\\\"1\\\"\"]}}",
               two, 2);
    check_rows_as(model, "text/csv", "b,c,a\ntrue,y,1.5\nfalse,\"x \"\"1\"\"\",\n", two,
                  2);
    check_refused_as(model, NULL,
                     "{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,2]]}}",
                     "/dataframe_split/columns", "column \"c\" is missing");
    check_refused_as(model, NULL,
                     "{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"d\"],\"data\":[[1,"
                     "true,\"y\"]]}}",
                     "/dataframe_split/columns/2", "the model has no column \"d\"");
    check_refused_as(model, NULL,
                     "{\"dataframe_split\":{\"columns\":[\"c\",\"a\",\"b\"],\"data\":[["
                     "\"y\",\"z\",1]]}}",
                     "/dataframe_split/data/0/1", "expected a number, got \"z\"");
    check_refused_as(model, NULL, "{\"dataframe_records\":[{\"a\":1,\"b\":true}]}",
                     "/dataframe_records/0", "column \"c\" is missing");
    stage_free(&s);
}

/* The table as it was trained on, with the columns that the model does not take. */
static void test_unused(void) {
    struct stage s;
    static const float two[] = {1.5f, 1, 0, 1, 0, 2.1f, 0, 1, 0, 0};
    stage_new(&s, 5, true);
    encoder_leave_two(&s.model.encoder, "id", "y");
    check_rows(
        &s.model,
        "{\"dataframe_split\":{\"columns\":[\"id\",\"c\",\"a\",\"y\",\"b\"],\"data\":["
        "[7,\"y\",1.5,null,true],[\"k\",\"x \\\"1\\\"\",null,[3],false]]}}",
        two, 2);
    check_rows(
        &s.model,
        "{\"dataframe_records\":[{\"y\":2,\"a\":1.5,\"b\":true,\"c\":\"y\"},{\"c\":\"x "
        "\\\"1\\\"\",\"b\":false,\"a\":null}]}",
        two, 2);
    check_rows(&s.model,
               "{\"inputs\":{\"id\":[1,null],\"a\":[1.5,null],\"b\":[true,false],"
               "\"c\":[\"y\",\"x \\\"1\\\"\"]}}",
               two, 2);
    check_rows_as(&s.model, "text/csv",
                  "y,b,c,a\n,true,y,1.5\n1,false,\"x \"\"1\"\"\",\n", two, 2);
    check_refused_as(
        &s.model, NULL,
        "{\"inputs\":{\"id\":[1],\"a\":[1,2],\"b\":[1,0],\"c\":[\"\",\"\"]}}",
        "/inputs/a", "expected 1 value, got more");
    check_refused_as(
        &s.model, NULL,
        "{\"dataframe_split\":{\"columns\":[\"id\",\"a\",\"b\",\"c\"],\"data\":["
        "[7,1.5,true]]}}",
        "/dataframe_split/data/0", "expected 4 cells, got 3");
    for (size_t i = 1; i < 3; i++)
        s.model.encoder.columns[i].kind = ENCODER_NUMBER;
    struct err e = {0};
    CHECK(encoder_layout(&s.model.encoder, &e));
    stage_net(&s, 3);
    check_rows(&s.model,
               "{\"dataframe_split\":{\"columns\":[\"c\",\"id\",\"b\",\"a\"],\"data\":["
               "[3,7,2,1],[6,8,5,4]]}}",
               (float[]){1, 2, 3, 4, 5, 6}, 2);
    check_refused_as(
        &s.model, NULL,
        "{\"dataframe_split\":{\"columns\":[\"c\",\"id\",\"b\",\"a\"],\"data\":["
        "[3,7,2],[6,8,5]]}}",
        "/dataframe_split/data/0", "expected 4 numbers, got 3");
    check_rows(&s.model,
               "{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"c\",\"id\"],\"data\":["
               "[1,2,3,7],[4,5,6,8]]}}",
               (float[]){1, 2, 3, 4, 5, 6}, 2);
    check_rows(&s.model,
               "{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"c\",\"id\"],\"data\":["
               "[1,2,3,7],[4,5,6,1e39]]}}",
               (float[]){1, 2, 3, 4, 5, 6}, 2);
    check_refused_as(
        &s.model, NULL,
        "{\"dataframe_split\":{\"columns\":[\"a\",\"b\",\"c\",\"id\"],\"data\":["
        "[1,2,1e39,7]]}}",
        "/dataframe_split/data/0/2", "1e39 is outside float32 (at most");
    stage_free(&s);
}

/* Of one column, whose cells may stand alone. */
static void test_unused_beside_one(void) {
    struct stage s;
    struct err e = {0};
    stage_new(&s, 1, true);
    encoder_free(&s.model.encoder);
    s.model.encoder = (struct encoder){
        .columns = calloc(1, sizeof *s.model.encoder.columns), .columns_n = 1};
    if (!s.model.encoder.columns)
        abort();
    s.model.encoder.columns[0].name = strdup("a");
    CHECK(encoder_layout(&s.model.encoder, &e));
    encoder_leave_two(&s.model.encoder, "id", "y");
    check_rows(&s.model, "{\"dataframe_split\":{\"columns\":[\"a\"],\"data\":[5,6]}}",
               (float[]){5, 6}, 2);
    check_rows(
        &s.model,
        "{\"dataframe_split\":{\"columns\":[\"a\",\"id\"],\"data\":[[5,1],[6,\"\"]]}}",
        (float[]){5, 6}, 2);
    check_refused_as(&s.model, NULL,
                     "{\"dataframe_split\":{\"columns\":[\"a\",\"id\"],\"data\":[5,6]}}",
                     "/dataframe_split/data/0", "expected a row");
    stage_free(&s);
}

static void test_refusals(void) {
    struct stage s;
    stage_new(&s, 2, false);
    static const struct {
        const char *body, *where, *says;
    } bad[] = {
        {"this is,,,, not valid json", "line 1, column 1", "expected an object"},
        {"1", "line 1, column 1", "expected an object, got a number"},
        {"[1]", "line 1, column 1", "expected an object, got an array"},
        {"[{\"a\":0}]", "line 1, column 1", "expected an object, got an array"},
        {"{}", "", "expected one of \"dataframe_split\""},
        {"{\"params\":{}}", "", "expected one of \"dataframe_split\""},
        {"{\"not\":\"a serialized dataframe\"}", "/not", "unknown key \"not\""},
        {"{\"dataframe_records\":[[1,2]],\"dataframe_split\":{\"data\":[[1,2]]}}", "",
         "expected one form of input, got /dataframe_records and /dataframe_split/data"},
        {"{\"inputs\":[[1,2]],\"instances\":[[1,2]]}", "", "got /inputs and /instances"},
        {"{\"dataframe_split\":[{\"0\":1}]}", "/dataframe_split",
         "expected an object, got an array"},
        {"{\"dataframe_split\":{}}", "/dataframe_split/data", "is missing"},
        {"{\"dataframe_split\":{\"columns\":[0,1]}}", "/dataframe_split/data",
         "is missing"},
        {"{\"dataframe_split\":{\"data\":[[1,2]],\"name\":1}}", "/dataframe_split/name",
         "unknown key \"name\""},
        {"{\"dataframe_split\":{\"data\":[[1,2],[3]]}}", "/dataframe_split/data/1",
         "expected 2 numbers, got 1"},
        {"{\"dataframe_split\":{\"data\":[[1,2]],\"columns\":[0]}}",
         "/dataframe_split/columns", "column \"1\" is missing"},
        {"{\"dataframe_split\":{\"data\":[[1,2]],\"columns\":[\"x\"]}}",
         "/dataframe_split/columns", "expected 2 columns, got 1"},
        {"{\"dataframe_split\":{\"data\":[[1,2]],\"columns\":{\"0\":1}}}",
         "/dataframe_split/columns", "expected '['"},
        {"{\"dataframe_split\":{\"index\":[1,2],\"data\":[[1,2],[2,3],[3,4]]}}",
         "/dataframe_split/index", "expected 3, one a row, got 2"},
        {"{\"dataframe_split\":{\"index\":7,\"data\":[[1,2]]}}", "/dataframe_split/index",
         "expected '['"},
        {"{\"dataframe_records\":{\"0\":[1,2]}}", "/dataframe_records", "expected '['"},
        {"{\"dataframe_records\":[{\"size\":1,\"rooms\":2}]}",
         "/dataframe_records/0/size", "expected"},
        {"{\"inputs\":[[1,2]],\"params\":[]}", "/params", "expected an object"},
        {"{\"inputs\":[[1,2]],\"signature_name\":\"serving_default\"}", "/signature_name",
         "unknown key"},
        {"{\"inputs\":[[1,NaN]]}", "/inputs/0/1", "a number that is finite, got NaN"},
        {"{\"inputs\":[[1,null]]}", "/inputs/0/1", "expected a number, got null"},
        {"{\"inputs\":[[1,{\"b64\":\"MQ==\"}]]}", "/inputs/0/1", "got an object"},
        {"{\"inputs\":[[1,1e39]]}", "/inputs/0/1", "outside float32"},
        {"{\"instances\":[]}", "/instances", "expected at least one row"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused_as(&s.model, NULL, bad[i].body, bad[i].where, bad[i].says);
    stage_free(&s);
}

/* ---- answers -------------------------------------------------------------------- */

static void check_answer(enum task task, struct labels labels, size_t k, const float *Y,
                         size_t m, const char *json, const char *csv) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = k};
    struct net *net = net_new(1, &shape, 1, &e);
    if (!net)
        abort();
    struct model model = {.task = task, .net = net, .labels = labels};
    struct invocation in = {.rows.path = "/inputs"};
    struct text t = {0};
    CHECK_SAY(invocation_encode(&in, &model, Y, m, &t, &e), "%s", e.text);
    char *got = text_take(&t);
    CHECK_TEXT(got, json);
    free(got);
    CHECK_SAY(invocation_encode_csv(&in, &model, Y, m, &t, &e), "%s", e.text);
    got = text_take(&t);
    CHECK_TEXT(got, csv);
    free(got);
    net_free(net);
}

static void test_answers(void) {
    char a[] = "a, b", b[] = "b", c[] = "c";
    char *strings[] = {a, b, c};
    double numbers[] = {0, 1};
    static const float Y[] = {0.25f, 0.5f, 0.125f, 0.75f, 0.25f, 0};
    check_answer(TASK_REGRESSION, (struct labels){0}, 1, Y, 2,
                 "{\"predictions\":[0.25,0.5]}\n", "0.25\n0.5\n");
    check_answer(TASK_REGRESSION, (struct labels){0}, 3, Y, 2,
                 "{\"predictions\":[[0.25,0.5,0.125],[0.75,0.25,0]]}\n",
                 "0.25,0.5,0.125\n0.75,0.25,0\n");
    check_answer(TASK_BINARY, (struct labels){LABEL_NUMBER, 2, numbers, NULL}, 1, Y + 2,
                 2, "{\"predictions\":[0,1]}\n", "0\n1\n");
    check_answer(TASK_BINARY, (struct labels){LABEL_BOOLEAN, 2, numbers, NULL}, 1, Y + 2,
                 2, "{\"predictions\":[false,true]}\n", "false\ntrue\n");
    check_answer(TASK_MULTI_CLASS, (struct labels){LABEL_STRING, 3, NULL, strings}, 3, Y,
                 2, "{\"predictions\":[\"b\",\"a, b\"]}\n", "b\n\"a, b\"\n");
    check_answer(TASK_MULTI_LABEL, (struct labels){0}, 3, Y, 2,
                 "{\"predictions\":[[0,0,0],[1,0,0]]}\n", "0,0,0\n1,0,0\n");
}

static void test_not_finite(void) {
    struct stage s;
    struct text t = {0};
    struct err e = {0};
    struct invocation in = {.rows.path = "/dataframe_split/data"};
    stage_new(&s, 1, false);
    static const float Y[] = {1, NAN};
    CHECK(!invocation_encode(&in, &s.model, Y, 2, &t, &e) && !t.n);
    CHECK(e.kind == ERR_NUMERIC);
    CHECK_TEXT(e.where, "/dataframe_split/data/1");
    CHECK(!invocation_encode_csv(&in, &s.model, Y, 2, &t, &e) && !t.n);
    stage_free(&s);
}

int main(void) {
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_unused);
    CHECK_RUN(test_unused_beside_one);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_answers);
    CHECK_RUN(test_not_finite);
    return check_done();
}
