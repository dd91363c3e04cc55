#include "api/instances.h"

#include <stdio.h>

#include "tests/unit/api/test_encoder.h"

static bool scan(const struct encoder *enc, const char *json, struct rows *rows,
                 struct err *e) {
    struct cursor c = {json, json, json + strlen(json)};
    *rows = (struct rows){0};
    *e = (struct err){0};
    struct instances_form form = {.columns = columns_of(enc, enc->inputs_n),
                                  .allowed = JSON_CELL_MISSING,
                                  .path = "/instances"};
    return instances_scan(&c, &form, rows, e) && c.at == c.end;
}

static void check_rows(const struct encoder *enc, const char *json, size_t rows_n,
                       const float *wanted) {
    struct rows rows;
    struct err e;
    bool ok = scan(enc, json, &rows, &e);
    CHECK_SAY(ok && rows.rows_n == rows_n && rows.columns_n == 5 &&
                  memcmp(rows.values, wanted, rows_n * 5 * sizeof *wanted) == 0,
              "%s: %s %s", json, e.where, e.text);
    rows_free(&rows);
}

static void test_rows(void) {
    struct encoder enc = encoder_abc();
    static const float one[] = {1.5f, 1, 0, 1, 0};
    check_rows(&enc, "[[1.5,true,\"y\"]]", 1, one);
    check_rows(&enc, " [ { \"c\" : \"y\" , \"a\":15e-1,\"b\":1 } ]", 1, one);
    check_rows(&enc, "[{\"\\u0061\":1.5,\"b\":true,\"c\":\"\\u0079\"}]", 1, one);
    static const float missing[] = {2.1f, 0.25f, 0, 0, 1};
    check_rows(&enc, "[[null,null,null]]", 1, missing);
    static const float unseen[] = {0, 0, 0, 0, 0};
    check_rows(&enc, "[[0,false,\"z\"]]", 1, unseen);
    static const float both[] = {1.5f, 1, 0, 1, 0, 3, 0, 1, 0, 0};
    check_rows(&enc, "[[1.5,true,\"y\"],{\"a\":3,\"b\":false,\"c\":\"x \\\"1\\\"\"}]", 2,
               both);
    encoder_free(&enc);
}

static void test_many_rows(void) {
    enum { ROWS = 1000 };
    static char json[ROWS * 16 + 8];
    struct encoder enc = encoder_abc();
    struct rows rows;
    struct err e;
    char *at = json;
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "%c[%d,1,\"y\"]", i ? ',' : '[', i);
    strcpy(at, "]");
    if (CHECK_SAY(scan(&enc, json, &rows, &e), "%s", e.text) &&
        CHECK(rows.rows_n == ROWS))
        for (size_t i = 0; i < ROWS; i++)
            CHECK(rows.values[5 * i] == (float)i && rows.values[5 * i + 3] == 1);
    rows_free(&rows);
    encoder_free(&enc);
}

/* Keys in another order than those of the row before, some of them spelt otherwise, and
 * spaces that come and go. */
static void test_orders(void) {
    struct encoder enc = encoder_abc();
    static const float six[] = {1, 1, 0, 1, 0, 2, 0, 1, 0, 0, 3, 1, 0, 1, 0,
                                4, 0, 0, 1, 0, 5, 1, 0, 1, 0, 6, 0, 0, 1, 0};
    check_rows(
        &enc,
        "[{\"a\":1,\"b\":true,\"c\":\"y\"},{\"c\":\"x \\\"1\\\"\",\"b\":0,\"a\":2},"
        "{\"c\":\"y\",\"a\":3,\"b\":1},{\"c\":\"y\",\"\\u0061\":4,\"b\":0},"
        "{ \"c\" :\"y\", \"a\" : 5,\"b\":1},{\"c\":\"y\",\"a\":6,\"b\":0}]",
        6, six);
    encoder_free(&enc);
}

static void test_refusals(void) {
    static const struct {
        const char *json, *where;
        enum err_kind kind;
    } bad[] = {
        {"7", "/instances", ERR_INVALID},
        {"[7]", "/instances/0", ERR_INVALID},
        {"[[1,true,\"y\"],[1,true]]", "/instances/1", ERR_INVALID},
        {"[[1,true,\"y\",1]]", "/instances/0", ERR_INVALID},
        {"[[\"1\",true,\"y\"]]", "/instances/0/0", ERR_INVALID},
        {"[[1,\"perhaps\",\"y\"]]", "/instances/0/1", ERR_INVALID},
        {"[[1,2,\"y\"]]", "/instances/0/1", ERR_INVALID},
        {"[[1,true,[1]]]", "/instances/0/2", ERR_INVALID},
        {"[[1e39,true,\"y\"]]", "/instances/0/0", ERR_RANGE},
        {"[[1e999,true,\"y\"]]", "/instances/0/0", ERR_RANGE},
        {"[[nul,true,\"y\"]]", "/instances/0/0", ERR_INVALID},
        {"[[1,true,\"y\"]", "/instances", ERR_INVALID},
        {"[[1,true,\"y]]", "/instances/0/2", ERR_INVALID},
        {"[[1 true]]", "/instances/0", ERR_INVALID},
        {"[{}]", "/instances/0", ERR_INVALID},
        {"[{\"a\":1,\"b\":true}]", "/instances/0", ERR_INVALID},
        {"[{\"a\":1,\"b\":true,\"c\":\"y\",\"d\":1}]", "/instances/0/d", ERR_INVALID},
        {"[{\"a\":1,\"a\":1,\"b\":true,\"c\":\"y\"}]", "/instances/0/a", ERR_INVALID},
        {"[{\"a\":1,\"b\":3,\"c\":\"y\"}]", "/instances/0/b", ERR_INVALID},
        {"[{\"a\":1,\"b\":true,\"c\":\"y\",}]", "/instances/0", ERR_INVALID},
        {"[{\"a/~\":1}]", "/instances/0/a~1~0", ERR_INVALID},
        {"[{1:1}]", "/instances/0", ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":1,\"b\":1}]", "/instances/1/b",
         ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":1,\"cc\":\"y\"}]",
         "/instances/1/cc", ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":1}]", "/instances/1",
         ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":1,\"c\"}]", "/instances/1",
         ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":\"y\",\"c\":1}]",
         "/instances/1/b", ERR_INVALID},
        {"[{\"a\":1,\"b\":1,\"c\":\"y\"},{\"a\":1,\"b\":1,\"c\":\"y", "/instances/1/c",
         ERR_INVALID},
    };
    struct encoder enc = encoder_abc();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rows rows;
        struct err e;
        CHECK_SAY(!scan(&enc, bad[i].json, &rows, &e) && e.kind == bad[i].kind &&
                      strcmp(e.where, bad[i].where) == 0 && e.text[0],
                  "%s: kind %d at %s: %s", bad[i].json, e.kind, e.where, e.text);
        rows_free(&rows);
    }
    encoder_free(&enc);
}

int main(void) {
    CHECK_RUN(test_rows);
    CHECK_RUN(test_many_rows);
    CHECK_RUN(test_orders);
    CHECK_RUN(test_refusals);
    return check_done();
}
