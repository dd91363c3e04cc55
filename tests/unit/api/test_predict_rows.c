/* Instances of every form on models with and without names for their columns. */
#include "api/predict.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rows_named.h"
#include "tests/unit/api/test_encoder.h"

/* A model of n inputs: "a", "b", ... where they are named. */
struct stage {
    struct model model;
};
static void stage_new(struct stage *s, size_t n, bool named) {
    struct err e = {0};
    struct layer_shape shape = {.units_n = 1};
    struct encoder *enc = &s->model.encoder;
    s->model = (struct model){.net = net_new(n, &shape, 1, &e)};
    if (!s->model.net)
        abort();
    if (!named)
        return;
    enc->columns = calloc(n, sizeof *enc->columns);
    if (!enc->columns)
        abort();
    for (enc->columns_n = 0; enc->columns_n < n; enc->columns_n++) {
        char name[] = {(char)('a' + enc->columns_n), 0};
        enc->columns[enc->columns_n].name = strdup(name);
    }
    CHECK(encoder_layout(enc, &e));
}
static void stage_free(struct stage *s) {
    encoder_free(&s->model.encoder);
    net_free(s->model.net);
}

static bool rows_of(const struct stage *s, const char *instances,
                    struct predict_request *r, struct err *e) {
    static char body[1 << 16]; /* which the request borrows */
    *e = (struct err){0};
    int n = snprintf(body, sizeof body, "{\"instances\":%s}", instances);
    return predict_decode(body, (size_t)n, r, e) && predict_rows(r, &s->model, e);
}

static void check_rows(const struct stage *s, const char *instances, size_t rows_n,
                       const float *want) {
    struct predict_request r;
    struct err e;
    size_t k = s->model.net->inputs_n;
    bool ok = rows_of(s, instances, &r, &e);
    CHECK_SAY(ok && r.instances.rows_n == rows_n && r.instances.columns_n == k &&
                  memcmp(r.instances.values, want, rows_n * k * sizeof *want) == 0,
              "%s: %s %s", instances, e.where, e.text);
    predict_request_free(&r);
}

static void check_refused(const struct stage *s, const char *instances, const char *where,
                          const char *text) {
    struct predict_request r;
    struct err e;
    CHECK_SAY(!rows_of(s, instances, &r, &e), "%s", instances);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    predict_request_free(&r);
}

static void test_flat(void) {
    static const float want[] = {1, -2.5f, 300};
    struct stage s;
    for (int named = 0; named < 2; named++) {
        stage_new(&s, 3, named);
        check_rows(&s, "[1,-2.5,3e2]", 1, want);
        check_rows(&s, " [ 1 , -2.5\n, 3e2 ] ", 1, want);
        check_refused(&s, "[1,2]", "/instances", "expected 3 numbers, got 2");
        check_refused(&s, "[1,2,3,4]", "/instances", "expected 3 numbers, got 4");
        check_refused(&s, "[1,2,1e39]", "/instances/2",
                      "1e39 is outside float32 (at most 3.4028235e38 in magnitude)");
        stage_free(&s);
        stage_new(&s, 1, named);
        check_rows(&s, "[1,-2.5,3e2]", 3, want);
        check_rows(&s, "[[1],[-2.5],[3e2]]", 3, want);
        stage_free(&s);
    }
    stage_new(&s, 3, false);
    check_refused(&s, "[1,\"x\",3]", "/instances/1", "expected a number, got a string");
    check_refused(&s, "[1,[2],3]", "/instances/1", "expected a number, got an array");
    check_refused(&s, "[\"x\",2,3]", "/instances/0",
                  "expected an array of numbers, got a string");
    stage_free(&s);
}

/* Cells that are not numbers: the columns say what they mean. */
static void test_flat_cells(void) {
    struct stage s;
    struct encoder abc = encoder_abc();
    stage_new(&s, abc.inputs_n, false);
    s.model.encoder = abc;
    static const float want[] = {1.5f, 1, 0, 1, 0};
    static const float missing[] = {2.1f, 0.25f, 0, 0, 1};
    check_rows(&s, "[1.5,true,\"y\"]", 1, want);
    check_rows(&s, "[null,null,null]", 1, missing);
    check_refused(&s, "[1.5,true]", "/instances", "expected 3 cells, got 2");
    check_refused(&s, "[1.5,true,\"y\",1]", "/instances", "expected 3 cells, got more");
    check_refused(&s, "[1.5,7,\"y\"]", "/instances/1", "expected true or false, got 7");
    stage_free(&s);
    stage_new(&s, 1, true);
    s.model.encoder.columns[0].mean = 7;
    static const float means[] = {1, 7, 2};
    check_rows(&s, "[1,null,2]", 3, means);
    check_refused(&s, "[1,null,[2]]", "/instances/2",
                  "expected a value, as the first row is one, got an array");
    check_refused(&s, "[1,\"x\"]", "/instances/1", "expected a number, got \"x\"");
    stage_free(&s);
}

/* Lists within rows: their numbers in order, where the columns have no names. */
static void test_nested(void) {
    static const float want[] = {1, 2, 3, 4, 5, 6, 7, -8};
    static const char unlike[] =
        "expected lists of one length and depth, as the first are";
    struct stage s;
    stage_new(&s, 4, false);
    check_rows(&s, "[[[1,2],[3,4]],[[5,6],[7,-8]]]", 2, want);
    check_rows(&s, " [ [[[1],[2]],[[3] , [4]]],\n[[[5],[6]],[[ 7],[-8e0]]] ] ", 2, want);
    check_rows(&s, "[[[1,2,3,4]]]", 1, want);
    check_refused(&s, "[[[1,2],[3,4],[5,6]]]", "/instances/0",
                  "expected 4 numbers, got more");
    check_refused(&s, "[[[1,2],[3,4]],[[5,6]]]", "/instances/1",
                  "expected 4 numbers, got 2");
    check_refused(&s, "[[[1,2],[3]]]", "/instances/0", unlike);
    check_refused(&s, "[[[1,2],[3,4]],[[5,6,7],[8]]]", "/instances/1", unlike);
    check_refused(&s, "[[[1,2],[3,4]],[5,6,7,8]]", "/instances/1/0", unlike);
    check_refused(&s, "[[[1,2],[3,\"4\"]]]", "/instances/0/3",
                  "expected a number, got a string");
    check_refused(&s, "[[[1,2],[3,1e39]]]", "/instances/0/3", "a number outside float32");
    check_refused(&s, "[[[1,2],[]]]", "/instances/0/2",
                  "expected at least one number in a list");
    check_refused(&s, "[[1,2,3,4],[5,[6],7,8]]", "/instances/1/1",
                  "expected a number, got an array");
    for (size_t depth = 61; depth <= 63; depth++) { /* and the list of rows */
        char text[256] = "[";
        size_t n = 1;
        for (size_t i = 0; i < depth; i++)
            text[n++] = '[';
        n += (size_t)sprintf(text + n, "1,2,3,4");
        memset(text + n, ']', depth + 1);
        text[n + depth + 1] = '\0';
        check_rows(&s, text, 1, want);
    }
    stage_free(&s);
    stage_new(&s, 4, true);
    check_refused(&s, "[[[1,2],[3,4]]]", "/instances/0/0",
                  "expected a cell, got an array");
    stage_free(&s);
}

static void test_keyed(void) {
    static const float want[] = {1, 2, 3, 4, 5, 6};
    struct stage s;
    stage_new(&s, 3, true);
    check_rows(&s, "[{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":5,\"c\":6}]", 2, want);
    check_rows(&s, "[{\"c\":3,\"a\":1,\"b\":2},{\"c\":6,\"a\":4,\"b\":5}]", 2, want);
    check_rows(&s, "[{\"c\":3,\"a\":1,\"b\":2},{\"a\":4,\"b\":5,\"c\":6}]", 2, want);
    check_rows(&s, " [ { \"c\" : 3, \"a\" :1,\"b\":2 } ,\n{\"c\":6,\"a\":4,\"b\" : 5} ] ",
               2, want);
    check_rows(&s, "[{\"\\u0061\":1,\"b\":2,\"c\":3},{\"\\u0061\":4,\"b\":5,\"c\":6}]", 2,
               want);
    check_refused(&s, "[{\"a\":1,\"b\":2},{\"a\":4,\"b\":5}]", "/instances/0",
                  "column \"c\" is missing (null says that it is not known)");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":5}]", "/instances/1",
                  "column \"c\" is missing (null says that it is not known)");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":3,\"d\":4}]", "/instances/0/d",
                  "the model has no column \"d\"");
    check_refused(&s, "[{\"a\":1,\"a\":2,\"c\":3}]", "/instances/0/a", "is given twice");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":1e39}]", "/instances/0/c",
                  "1e+39 is outside float32");
    s.model.encoder.columns[1].mean = 5;
    check_rows(&s, "[{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":null,\"c\":6}]", 2, want);
    stage_free(&s);
    stage_new(&s, 2, false);
    check_rows(&s, "[{\"0\":1,\"1\":2},{\"0\":3,\"1\":4}]", 2, want);
    check_rows(&s, "[{\"1\":2,\"0\":1},{\"1\":4,\"0\":3}]", 2, want);
    check_refused(&s, "[{\"a\":1,\"b\":2}]", "/instances/0/a",
                  "the model has no column \"a\"");
    check_refused(&s, "[{\"0\":1,\"1\":null}]", "/instances/0/1",
                  "expected a cell, got null");
    stage_free(&s);
}

/* Rows may have the columns that the model does not take, whatever stands in them. */
static void test_unused(void) {
    static const float want[] = {1, 2, 3, 4, 5, 6};
    struct stage s;
    stage_new(&s, 3, true);
    encoder_leave_two(&s.model.encoder, "b2", "id");
    check_rows(&s, "[{\"a\":1,\"b\":2,\"c\":3},{\"a\":4,\"b\":5,\"c\":6}]", 2, want);
    check_rows(&s,
               "[{\"id\":7,\"a\":1,\"b\":2,\"c\":3},{\"id\":8,\"a\":4,\"b\":5,\"c\":6}]",
               2, want);
    check_rows(&s,
               "[{\"c\":3,\"id\":7,\"b\":2,\"b2\":0,\"a\":1},"
               "{\"c\":6,\"id\":8,\"b\":5,\"b2\":9,\"a\":4}]",
               2, want);
    check_rows(&s,
               "[{\"a\":1,\"id\":\"x\",\"b\":2,\"c\":3},"
               "{\"a\":4,\"id\":null,\"b\":5,\"b2\":[{\"k\":[1e999]}],\"c\":6}]",
               2, want);
    check_rows(&s, "[{\"a\":1,\"b\":2,\"c\":3},{\"b2\":1e99,\"c\":6,\"b\":5,\"a\":4}]", 2,
               want);
    check_rows(&s,
               "[{\"a\":1,\"b\":2,\"c\":3,\"b2\":9},{\"a\":4,\"b\":5,\"c\":6,\"b2\":9}]",
               2, want); /* in order */
    check_rows(&s, "[[1,2,3],[4,5,6]]", 2, want);
    check_refused(&s, "[{\"a\":1,\"id\":1e39,\"b\":2,\"c\":1e39}]", "/instances/0/c",
                  "1e+39 is outside float32");
    check_refused(&s, "[[1,2,3,7,8]]", "/instances/0", "expected 3 numbers, got 5");
    check_refused(&s, "[{\"id\":1,\"a\":1,\"b\":2}]", "/instances/0",
                  "column \"c\" is missing (null says that it is not known)");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":3,\"id\":1,\"id\":1}]", "/instances/0/id",
                  "is given twice");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":3,\"id\":\"1\",\"id\":1}]",
                  "/instances/0/id", "is given twice");
    check_refused(&s, "[{\"a\":1,\"b\":2,\"c\":3,\"i\":1}]", "/instances/0/i",
                  "the model has no column \"i\"");
    stage_free(&s);
}

/* Many rows, of keys in one order and in any: the same numbers. */
static void test_keyed_many(void) {
    enum { ROWS = 700, COLUMNS = 5 };
    static char text[1 << 16];
    struct stage s;
    stage_new(&s, COLUMNS, true);
    float want[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        want[i] = (float)(i * i % 9973) / 16;
    for (int mixed = 0; mixed < 2; mixed++) {
        size_t n = 0;
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t j = 0; j < COLUMNS; j++) {
                size_t column = (j + (mixed ? i : 2)) % COLUMNS;
                n += (size_t)snprintf(text + n, sizeof text - n, "%s\"%c\":%.9g",
                                      j   ? ","
                                      : i ? "},{"
                                          : "[{",
                                      (char)('a' + column),
                                      (double)want[i * COLUMNS + column]);
            }
        }
        snprintf(text + n, sizeof text - n, "}]");
        check_rows(&s, text, ROWS, want);
    }
    stage_free(&s);
}

/* What is no array of like objects is left alone, and rows hold nothing. */
static void test_named_scan(void) {
    static const char *const no[] = {"",
                                     "[",
                                     "[]",
                                     "[[1]]",
                                     "[{}]",
                                     "{\"a\":1}",
                                     "[{\"a\":1}",
                                     "[{\"a\":1},]",
                                     "[{\"a\":1,}]",
                                     "[{\"a\":\"1\"}]",
                                     "[{\"a\"1}]",
                                     "[{\"a\":01}]",
                                     "[{\"a\":1}{\"a\":1}]",
                                     "[{\"a\":1},{\"b\":1}]",
                                     "[{\"a\":1},{\"a\":1,\"b\":2}]",
                                     "[{\"a\":1,\"b\":2},{\"a\":1}]",
                                     "[{\"a\":1,\"b\":2},{\"b\":1,\"a\":2}]",
                                     "[{\"a\xff\":1}]",
                                     "[{\"a\":[1]}]",
                                     "[{\"a\":1},{\"a\" 1}]",
                                     "[{\"a\":null}]",
                                     "[{\"a\":1e39}]"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        size_t n = strlen(no[i]);
        char *block = malloc(n ? n : 1);
        if (!block)
            abort();
        memcpy(block, no[i], n);
        struct cursor c = {block, block, block + n};
        struct rows rows = {0};
        CHECK_SAY(!rows_named_scan(&c, &rows) && c.at == block && !rows.values, "%s",
                  no[i]);
        free(block);
    }
    static const char yes[] = "[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]";
    for (size_t n = 0; n < sizeof yes; n++) {
        char *block = malloc(n ? n : 1);
        if (!block)
            abort();
        memcpy(block, yes, n);
        struct cursor c = {block, block, block + n};
        struct rows rows = {0};
        CHECK(rows_named_scan(&c, &rows) == (n >= sizeof yes - 1));
        rows_free(&rows);
        free(block);
    }
}

int main(void) {
    CHECK_RUN(test_flat);
    CHECK_RUN(test_flat_cells);
    CHECK_RUN(test_nested);
    CHECK_RUN(test_keyed);
    CHECK_RUN(test_unused);
    CHECK_RUN(test_keyed_many);
    CHECK_RUN(test_named_scan);
    return check_done();
}
