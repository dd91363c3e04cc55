#include "api/inline_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* Scans a copy of exactly the text's size: a read behind it is seen by the sanitizer. */
static bool scan(const char *json, struct inline_rows *rows, size_t *taken,
                 struct err *e) {
    size_t n = strlen(json);
    char *block = malloc(n ? n : 1);
    if (!block)
        abort();
    memcpy(block, json, n);
    struct cursor c = {block, block, block + n};
    bool ok = inline_rows_scan(&c, "/rows", rows, e);
    *taken = (size_t)(c.at - block);
    if (ok)
        CHECK(rows->from >= block && rows->to == c.at && *rows->from == '[' &&
              rows->to[-1] == ']');
    free(block);
    return ok;
}

static void check_rows(const char *json, size_t rows_n, size_t columns_n) {
    struct inline_rows rows = {0};
    struct err e = {0};
    size_t taken;
    CHECK_SAY(scan(json, &rows, &taken, &e) && rows.rows_n == rows_n &&
                  rows.columns_n == columns_n,
              "%s: %s %s, %zu %zu", json, e.where, e.text, rows.rows_n, rows.columns_n);
}

static void test_rows(void) {
    struct inline_rows rows = {0};
    struct err e = {0};
    size_t taken;
    check_rows("[[1]]", 1, 1);
    check_rows("[[\"a\",1,null],[\"b\",-2.5e3,true]]", 2, 3);
    check_rows(" [ [ \"]\" , \"\\\"[\" ] ,\n[ \"\" , false ] ]", 2, 2);
    check_rows("[{\"a\":1},{\"a\":null}]", 2, 1);
    /* Keys in any order, however they are written. */
    check_rows("[{\"a\":1,\"b\":\"x\"},{\"\\u0062\" : \"y\" , \"a\":2}]", 2, 2);
    /* What is behind them is not looked at. */
    CHECK(scan("[[true]] , 7", &rows, &taken, &e) && taken == 8);
}

static void check_refused(const char *json, enum err_kind kind, const char *where,
                          const char *text) {
    struct inline_rows rows = {0};
    struct err e = {0};
    size_t taken;
    CHECK_SAY(!scan(json, &rows, &taken, &e), "%s", json);
    CHECK_SAY(e.kind == kind, "%s: kind %d", json, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
}

static void test_forms(void) {
    const enum err_kind I = ERR_INVALID;
    check_refused("{}", I, "/rows", "expected an array of rows, got an object");
    check_refused("[]", I, "/rows", "expected at least one row");
    check_refused("[[]]", I, "/rows/0", "expected at least one number");
    check_refused("[{}]", I, "/rows/0", "expected at least one cell");
    check_refused("[1]", I, "/rows/0",
                  "expected a row as an array or an object, got a number");
    check_refused("[[\"a\"],null]", I, "/rows/1",
                  "expected a row as an array or an object, got null");
    check_refused("[[1],{\"a\":1}]", I, "/rows/1",
                  "expected an array, as the first row is one, got an object");
    check_refused("[{\"a\":1},[1]]", I, "/rows/1",
                  "expected an object, as the first row is one, got an array");
    check_refused("[[1,2],[3]]", I, "/rows/1", "expected 2 numbers, got 1");
    check_refused("[[1],[3,4,5]]", I, "/rows/1", "expected 1 number, got 3");
    check_refused("[[\"a\",2],[]]", I, "/rows/1", "expected 2 cells, got 0");
    check_refused("[[\"a\"],[1,2]]", I, "/rows/1", "expected 1 cell, got 2");
}

static void test_cells(void) {
    const enum err_kind I = ERR_INVALID;
    check_refused("[[1,[2]]]", I, "/rows/0/1",
                  "expected a number, a string, a boolean or null, got an array");
    check_refused("[[\"a\"],[{}]]", I, "/rows/1/0",
                  "expected a number, a string, a boolean or null, got an object");
    check_refused("[{\"a/b\":[]}]", I, "/rows/0/a~1b",
                  "expected a number, a string, a boolean or null, got an array");
    check_refused("[[\"a\",1e39]]", ERR_RANGE, "/rows/0/1",
                  "1e39 is outside float32 (at most 3.4028235e38 in magnitude)");
    check_refused("[{\"a\":1},{\"a\":-4e38}]", ERR_RANGE, "/rows/1/a",
                  "-4e38 is outside float32 (at most 3.4028235e38 in magnitude)");
}

static void test_keys(void) {
    const enum err_kind I = ERR_INVALID;
    check_refused("[{\"a\":1,\"a\":2}]", I, "/rows/0/a", "is given twice");
    check_refused("[{\"a\":1,\"b\":2},{\"b\":1,\"\\u0062\":2}]", I, "/rows/1/b",
                  "is given twice");
    check_refused("[{\"a\":1},{\"b\":1}]", I, "/rows/1/b",
                  "\"b\" is none of the first row's keys");
    check_refused("[{\"a\":1,\"b\":2},{\"a\":1}]", I, "/rows/1",
                  "\"b\" is missing (null says that it is not known)");
    check_refused("[{\"a\":1},{}]", I, "/rows/1",
                  "\"a\" is missing (null says that it is not known)");
    /* A key of 256 bytes, and one of 257. */
    for (int n = 256; n <= 257; n++) {
        char json[400];
        snprintf(json, sizeof json, "[{\"%0*d\":1}]", n, 7);
        struct inline_rows rows = {0};
        struct err e = {0};
        size_t taken;
        CHECK(scan(json, &rows, &taken, &e) == (n == 256));
        CHECK(n == 256 || (e.kind == ERR_TOO_LARGE && strcmp(e.where, "/rows/0") == 0));
    }
}

static void test_grammar(void) {
    static const char *const bad[] = {
        "[[\"a\"]",     "[[\"a\"],]",     "[[\"a\" 1]]",      "[[\"a\",]]",
        "[[\"a]]",      "[[tru]]",        "[[\"\\u0000\"]]",  "[[\"a\"][1]]",
        "[{\"a\" 1}]",  "[{\"a\":1,}]",   "[{\"a\":1 \"b\"}", "[{a:1}]",
        "[{\"a\":1]]",  "[{\"a\":}]",     "[[01,\"a\"]]",     "[[\"\\ud800\"]]",
        "[[\"\xff\"]]", "[{\"\xc3\":1}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct inline_rows rows = {0};
        struct err e = {0};
        size_t taken;
        CHECK_SAY(!scan(bad[i], &rows, &taken, &e) && e.kind == ERR_INVALID, "%s: %d %s",
                  bad[i], e.kind, e.text);
        CHECK_SAY(strncmp(e.where, "line 1, ", 8) == 0 || e.where[0] == '/', "%s: %s",
                  bad[i], e.where);
    }
}

static void test_columns_max(void) {
    size_t n = 0, taken;
    char *json = malloc(2 * (INLINE_COLUMNS_MAX + 8));
    struct inline_rows rows = {0};
    struct err e = {0};
    if (!CHECK(json))
        return;
    json[n++] = '[';
    for (size_t i = 0; i < INLINE_COLUMNS_MAX; i++) {
        json[n++] = i ? ',' : '[';
        json[n++] = '1';
    }
    memcpy(json + n, "]]", 3);
    CHECK(scan(json, &rows, &taken, &e) && rows.columns_n == INLINE_COLUMNS_MAX);
    memcpy(json + n, ",1]]", 5);
    CHECK(!scan(json, &rows, &taken, &e) && e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "/rows/0");
    free(json);
}

int main(void) {
    CHECK_RUN(test_rows);
    CHECK_RUN(test_forms);
    CHECK_RUN(test_cells);
    CHECK_RUN(test_keys);
    CHECK_RUN(test_grammar);
    CHECK_RUN(test_columns_max);
    return check_done();
}
