/* Jobs on inline rows that hold more than numbers: how they are read, what a worker is
 * given, and what is refused. */
#include "api/job_inline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

enum { BODY_BYTES = 1 << 20 };
static char body[BODY_BYTES];

/* A job of these data and `rest` (", ..." or ""); ' stands for ". The body stays. */
static bool decode(const char *features, const char *targets, const char *rest,
                   struct job_request *r, struct err *e) {
    snprintf(body, sizeof body,
             "{'model':'m','data':{'features':%s,'targets':%s},'seed':1%s}", features,
             targets, rest);
    for (char *at = body; *at; at++)
        if (*at == '\'')
            *at = '"';
    return job_decode(body, strlen(body), 0, r, e);
}

#define ARRAYS "[['red',1,true],['blue',null,false],[null,2.5,true]]"
#define OBJECTS                                                                          \
    "[{'colour':'red','size':1},{'size':2,'colour':'blue'},{'colour':null,'size':3}]"

static void test_request(void) {
    struct job_request r;
    struct err e = {0};
    if (!CHECK_SAY(decode(ARRAYS, "['no','yes','no']", "", &r, &e), "%s %s", e.where,
                   e.text))
        return;
    const struct job_table *t = &r.spec.table;
    CHECK(r.rows > body && r.rows_bytes == strlen(ARRAYS) && r.rows[0] == '[');
    CHECK_TEXT(r.targets_rows, "[[\"no\"],[\"yes\"],[\"no\"]]");
    CHECK(!r.features.values && !r.values && !r.classes);
    CHECK(t->columns_n == 3 && t->rows_n == 3 && !t->dataset[0] && t->targets_apart);
    CHECK(t->columns[0].kind == ENCODER_CATEGORY &&
          t->columns[1].kind == ENCODER_NUMBER && t->columns[2].kind == ENCODER_BOOLEAN);
    CHECK_TEXT(t->columns[2].name, "2");
    CHECK(t->source.format == TABLE_JSON && t->targets_source.format == TABLE_JSON);
    CHECK(r.spec.samples_n == 3 && r.spec.inputs_n == 0);
    CHECK(r.spec.task == TASK_BINARY && r.spec.labels.n == 2);
    /* The defaults of a dataset's job. */
    CHECK(r.spec.layers_n == 2 && r.spec.layers[0].units_n == 32 &&
          r.spec.layers[0].activation == ACTIVATION_TANH);
    CHECK(r.spec.normalize == NORMALIZE_STANDARD && r.spec.epochs == 300 &&
          r.spec.optimizer.kind == OPTIMIZER_ADAMW);
    job_request_free(&r);
}

/* A share of nothing is as if none was given: numbers stay numbers. */
static void test_no_split(void) {
    static const char *const shares[] = {"", ",'validation_split':0",
                                         ",'validation_split':-0.0"};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct job_request r;
        struct err e = {0};
        if (!CHECK_SAY(decode("[[1,2],[3,4]]", "[[1,2],[3,4]]", shares[i], &r, &e),
                       "%s: %s %s", shares[i], e.where, e.text))
            continue;
        CHECK(!r.spec.table.columns_n && r.spec.inputs_n == 2 && r.features.rows_n == 2);
        job_request_free(&r);
    }
}

static char *echo(const struct job_spec *spec) {
    struct text text = {0};
    job_spec_encode(spec, &text);
    char *json = text_take(&text);
    if (!json)
        abort();
    return json;
}

static void test_echo(void) {
    struct job_request r;
    struct job_spec again;
    struct err e = {0};
    if (!CHECK(decode(OBJECTS, "[1.5,2,3.25]", ",'missing_values':'mean'", &r, &e)))
        return;
    char *json = echo(&r.spec);
    CHECK_SAY(!strstr(json, "dataset") && !strstr(json, "\"target\":") &&
                  !strstr(json, "revision") &&
                  strstr(json, "{\"name\":\"colour\",\"type\":\"category\","
                               "\"use\":\"feature\"}"),
              "%s", json);
    CHECK(r.spec.table.scale_target);
    if (CHECK_SAY(job_spec_decode(json, &again, NULL, &e), "%s %s", e.where, e.text)) {
        char *second = echo(&again);
        CHECK_TEXT(second, json);
        CHECK(again.table.targets_apart && !again.table.dataset[0]);
        free(second);
        job_spec_free(&again);
    }
    free(json);
    job_request_free(&r);
}

static void check_targets(const char *targets, const char *rows, enum task task,
                          enum encoder_kind kind) {
    struct job_request r;
    struct err e = {0};
    if (!CHECK_SAY(decode(ARRAYS, targets, "", &r, &e), "%s: %s %s", targets, e.where,
                   e.text))
        return;
    CHECK_TEXT(r.targets_rows, rows);
    CHECK(r.spec.task == task && r.spec.table.target.kind == kind);
    job_request_free(&r);
}

static void test_targets(void) {
    check_targets("[7,3,7]", "[[7],[3],[7]]", TASK_BINARY, ENCODER_NUMBER);
    check_targets("[0.1,1e30,-0.30000000000000004]",
                  "[[0.1],[1e30],[-0.30000000000000004]]", TASK_REGRESSION,
                  ENCODER_NUMBER);
    check_targets("[true,false,true]", "[[true],[false],[true]]", TASK_BINARY,
                  ENCODER_BOOLEAN);
    check_targets("['1','2','\\u0027']", "[[\"1\"],[\"2\"],[\"'\"]]", TASK_MULTI_CLASS,
                  ENCODER_CATEGORY);
    check_targets("[[1.5],[2],[4]]", "[[1.5],[2],[4]]", TASK_REGRESSION, ENCODER_NUMBER);
}

/* Numbers alone stay what they were; objects and nulls of numbers are encoded. */
static void test_numbers(void) {
    struct job_request r;
    struct err e = {0};
    if (CHECK(decode("[[1,2],[3,4]]", "[0,1]", "", &r, &e)))
        CHECK(!r.rows && !r.targets_rows && r.features.rows_n == 2 &&
              r.spec.table.columns_n == 0 && r.spec.inputs_n == 2 &&
              r.spec.layers[0].units_n == 16 && r.spec.normalize == NORMALIZE_NONE);
    job_request_free(&r);
    if (CHECK(decode("[{'a':1},{'a':2}]", "[0,1]", "", &r, &e)))
        CHECK(r.rows && r.spec.table.columns_n == 1);
    job_request_free(&r);
    if (CHECK(decode("[[1],[null]]", "[0,1]", "", &r, &e)))
        CHECK(r.rows && r.spec.table.columns[0].kind == ENCODER_NUMBER);
    job_request_free(&r);
}

/* Images: lists within rows are numbers too, whether a worker has to split them or not.
 */
static void test_nested(void) {
    static const float want[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const char images[] = "[ [[1,2], [3,4]],[[5,6],[7,8]]]";
    struct job_request r;
    struct err e = {0};
    if (CHECK_SAY(decode(images, "[0,1]", "", &r, &e), "%s %s", e.where, e.text))
        CHECK(!r.rows && r.features.rows_n == 2 && r.spec.inputs_n == 4 &&
              memcmp(r.features.values, want, sizeof want) == 0);
    job_request_free(&r);
    if (CHECK_SAY(decode(images, "[0.5,1.5]", ",'validation_split':0.5", &r, &e), "%s %s",
                  e.where, e.text)) {
        static const char flat[] = "[ [1,2, 3,4],[5,6,7,8]]";
        CHECK_SAY(r.rows_bytes == strlen(flat) && !memcmp(r.rows, flat, r.rows_bytes),
                  "%.*s", (int)r.rows_bytes, r.rows);
        CHECK(r.spec.table.plain && r.spec.table.columns_n == 4);
    }
    job_request_free(&r);
}

/* Numbers alone go through a worker's encoder where it has to scale their targets. */
static void test_scale_target(void) {
    static const struct {
        const char *features, *rest;
        bool rows, scaled;
    } cases[] = {
        {"[[1,2],[3,4]]", "", false, false},
        {"[[1,2],[3,4]]", ",'scale_target':false", false, false},
        {"[[1,2],[3,4]]", ",'scale_target':true", true, true},
        {"[[1,2],[3,4]]", ",'normalize_target':true,'validation_split':0.5", true, true},
        {"[[1,2],[3,4]]", ",'validation_split':0.5", true, false},
        {"[[1,null],[3,4]]", "", true, true},
        {"[[1,null],[3,4]]", ",'standardize_target':false", true, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct job_request r;
        struct err e = {0};
        if (!CHECK_SAY(decode(cases[i].features, "[0.5,1.5]", cases[i].rest, &r, &e),
                       "%zu: %s %s", i, e.where, e.text))
            continue;
        CHECK_SAY((r.rows != NULL) == cases[i].rows, "%zu", i);
        CHECK_SAY(r.spec.table.scale_target == cases[i].scaled, "%zu", i);
        CHECK(r.spec.normalize ==
              (strstr(cases[i].features, "null") ? NORMALIZE_STANDARD : NORMALIZE_NONE));
        job_request_free(&r);
    }
}

static void check_refused(const char *features, const char *targets, const char *rest,
                          const char *where, const char *text) {
    struct job_request r;
    struct err e = {0};
    if (!CHECK_SAY(!decode(features, targets, rest, &r, &e), "%s", body)) {
        job_request_free(&r);
        return;
    }
    CHECK_SAY(strcmp(e.where, where) == 0 && strcmp(e.text, text) == 0, "%s: %s %s", body,
              e.where, e.text);
    CHECK(!r.rows && !r.targets_rows && !r.spec.table.columns_n);
}

/* The first row's text says how long rows are: it is not believed for ever. */
static void test_wide_nested(void) {
    enum { COMMAS = 1100000 };
    static const char head[] = "{\"model\":\"m\",\"data\":{\"features\":[[[1";
    static const char tail[] = "]]],\"targets\":[1]}}";
    struct job_request r;
    struct err e = {0};
    char *wide = malloc(sizeof head + 2 * COMMAS + sizeof tail), *at = wide;
    if (!wide)
        abort();
    at += sprintf(at, "%s", head);
    for (size_t i = 0; i < COMMAS; i++)
        at += sprintf(at, ",1");
    at += sprintf(at, "%s", tail);
    CHECK(!job_decode(wide, (size_t)(at - wide), 0, &r, &e));
    CHECK_SAY(e.kind == ERR_TOO_LARGE && strcmp(e.where, "/data/features/0") == 0 &&
                  strcmp(e.text, "expected at most 1048576 columns, got 1100001") == 0,
              "%s %s", e.where, e.text);
    free(wide);
}

static void test_refusals(void) {
    check_refused("[[1],[2]]", "['a','b']", ",'scale_target':true", "/scale_target",
                  "belongs to a regression whose output layer is linear");
    check_refused("[[1],[2]]", "[0.5,1.5]", ",'scale_target':1", "/scale_target",
                  "expected true or false, got a number");
    check_refused("[[[1,2],[3,4]],[[5,6],[7]]]", "[0,1]", "", "/data/features/1",
                  "expected lists of one length and depth, as the first are");
    check_refused("[[[1,2],[3,'x']]]", "[0]", "", "/data/features/0/3",
                  "expected a number, got a string");
    check_refused("[[[1,2],[3,4]],[[5,6]]]", "[0,1]", "", "/data/features/1",
                  "expected 4 numbers, got 2");
    check_refused("[[['a[b,c','}{,']]]", "[0]", "", "/data/features/0/0",
                  "expected a number, got a string");
    check_refused("[[[1],[2]],{'0':1,'1':2}]", "[0,1]", "", "/data/features/1",
                  "expected an array, as the first row is one, got an object");
    check_refused("[[[1],[2]],[[3],[01]]]", "[0,1]", "", "line 1, column 50",
                  "this is not a JSON number");
    check_refused("[[[]]]", "[0]", "", "/data/features/0/0",
                  "expected at least one number in a list");
    check_refused("[['a'],['b']]", "[1,2,3]", "", "/data/targets",
                  "expected 2 targets, one for each row of features, got 3");
    check_refused(
        "[['a'],['b']]", "[[1,2],[3,4]]", "", "/data/targets",
        "expected a number, a string or a boolean each: rows of several numbers "
        "go with features of numbers alone, and without validation_split and "
        "scale_target");
    check_refused("[['a'],['b']]", "['x','x']", "", "/data/targets",
                  "expected at least two classes, got 1");
    check_refused("[['a'],['b']]", "['x','y']", ",'task':'regression'", "/data/targets/0",
                  "expected a number for a regression, got a string");
    check_refused("[['a'],['b']]", "[1,1e39]", ",'task':'regression'", "/data/targets/1",
                  "1e+39 is outside float32");
    check_refused("[{'':1},{'':2}]", "[0,1]", "", "/data/features/0",
                  "a column without a name");
    check_refused("[['a'],[null]]", "[0,1]", ",'missing_values':'error'",
                  "/missing_values", "column \"0\" is missing in 1 rows");
    check_refused("[['a',1],['b',2]]", "[0,1]", ",'layers_dims':[2,3,1]",
                  "/layers_dims/0",
                  "the inputs follow from the texts of \"0\": give hidden_layers");
    check_refused("[['a'],['b']]", "[0,1]", ",'target':'0'", "/target",
                  "belongs to a job on a dataset");
    check_refused("[['a'],['b']]", "[0,1]", ",'validation_dataset':'v'",
                  "/validation_dataset", "belongs to a job on a dataset");
    check_refused("[[1],[2]]", "[0,1]", ",'validation_split':0.5", "/validation_split",
                  "no class has the two rows that a split into training and validation "
                  "takes");
}

/* `n` rows, of which row `odd` says "x" where the others are numbers. */
static void rows_write(size_t n, size_t odd, bool objects, char *to) {
    to += sprintf(to, "[");
    for (size_t i = 0; i < n; i++) {
        to += sprintf(to, i ? "," : "");
        to += sprintf(to, objects ? "{'b':1,'a':" : "[1,");
        to += i == odd ? sprintf(to, "'x'") : sprintf(to, "%zu", i * i);
        to += sprintf(to, objects ? "}" : "]");
    }
    sprintf(to, "]");
}

static void targets_write(size_t n, char *to) {
    for (size_t i = 0; i < n; i++)
        to += sprintf(to, "%c%zu", i ? ',' : '[', i % 2);
    sprintf(to, "]");
}

static void test_damaged(void) {
    static char features[2048], targets[256];
    struct job_request r;
    struct err e = {0};
    targets_write(25, targets);
    rows_write(25, 17, false, features);
    check_refused(features, targets, "", "/data/features/17/1",
                  "expected a number, got \"x\"");
    rows_write(25, 3, true, features);
    check_refused(features, targets, "", "/data/features/3/a",
                  "expected a number, got \"x\"");
    /* Of few rows it is a category. */
    targets_write(12, targets);
    rows_write(12, 3, false, features);
    if (CHECK_SAY(decode(features, targets, "", &r, &e), "%s %s", e.where, e.text))
        CHECK(r.spec.table.columns[1].kind == ENCODER_CATEGORY);
    job_request_free(&r);
}

/* Columns that a dataset's job leaves out are kept: rows to predict have them too. */
static void test_kept_columns(void) {
    struct job_request r;
    struct err e = {0};
    if (!CHECK(decode("[['k',null,1],['k',null,2],['k',null,4]]", "[0,1,1]", "", &r, &e)))
        return;
    for (size_t i = 0; i < 3; i++)
        CHECK(r.spec.table.columns[i].use == COLUMN_FEATURE);
    CHECK_TEXT(r.spec.table.warnings,
               "[\"column \\\"0\\\" is constant: kept, as inline rows have it\","
               "\"column \\\"1\\\" is empty: kept, as inline rows have it\"]");
    job_request_free(&r);
}

static void test_too_many_texts(void) {
    enum { ROWS = 1001 };
    static char features[ROWS * 16], targets[ROWS * 4];
    char *to = features;
    for (size_t i = 0; i < ROWS; i++)
        to += sprintf(to, "%c['t%zu']", i ? ',' : '[', i);
    sprintf(to, "]");
    targets_write(ROWS, targets);
    check_refused(
        features, targets, "", "/data/features",
        "column \"0\" has too many different texts, or one of more than 256 bytes, to "
        "learn from: leave it out");
}

int main(void) {
    CHECK_RUN(test_request);
    CHECK_RUN(test_no_split);
    CHECK_RUN(test_echo);
    CHECK_RUN(test_targets);
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_nested);
    CHECK_RUN(test_wide_nested);
    CHECK_RUN(test_scale_target);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_damaged);
    CHECK_RUN(test_kept_columns);
    CHECK_RUN(test_too_many_texts);
    return check_done();
}
