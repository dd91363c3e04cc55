#include "api/rows.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* A text in a block of exactly its size: a read behind it is seen by the sanitizer. */
struct text {
    char *block;
    struct cursor c;
};
static struct text text_new_n(const char *from, size_t n) {
    struct text t = {malloc(n ? n : 1), {0}};
    if (!t.block)
        abort();
    memcpy(t.block, from, n);
    t.c = (struct cursor){t.block, t.block, t.block + n};
    return t;
}
static struct text text_new(const char *from) {
    return text_new_n(from, strlen(from));
}

static void test_rows(void) {
    struct text t = text_new(" [ [1, -2.5 ,3e2]\n,[ 0.1,-0,16777217 ] ] ,");
    struct rows rows = {0};
    struct err e = {0};
    if (!CHECK_SAY(rows_scan(&t.c, 0, "/instances", &rows, &e), "%s %s", e.where, e.text))
        return;
    static const float want[] = {1, -2.5F, 300, 0.1F, -0.0F, 16777216};
    CHECK(rows.rows_n == 2 && rows.columns_n == 3 && rows.capacity >= 6);
    CHECK(rows.capacity * sizeof(float) < 4096); /* too few to be aligned */
    CHECK(memcmp(rows.values, want, sizeof want) == 0);
    CHECK(*t.c.at == ' ' && t.c.end - t.c.at == 2);
    rows_free(&rows);
    CHECK(!rows.values && rows.rows_n == 0);
    t.c.at = t.c.start;
    CHECK(rows_scan(&t.c, 3, "/instances", &rows, &e));
    rows_free(&rows);
    free(t.block);
}

static void check_rows_error(const char *json, size_t columns, enum err_kind kind,
                             const char *where, const char *text) {
    struct text t = text_new(json);
    struct rows rows = {0};
    struct err e = {0};
    CHECK_SAY(!rows_scan(&t.c, columns, "/instances", &rows, &e), "%s", json);
    CHECK_SAY(e.kind == kind, "%s: kind %d", json, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    rows_free(&rows);
    free(t.block);
}

static void test_rows_types(void) {
    static const enum err_kind I = ERR_INVALID;
    check_rows_error("[[1],[2],[3],[\"a\"]]", 0, I, "/instances/3/0",
                     "expected a number, got a string");
    check_rows_error("[[1,null]]", 0, I, "/instances/0/1", "expected a number, got null");
    check_rows_error("[[1,2],[true,1]]", 0, I, "/instances/1/0",
                     "expected a number, got a boolean");
    check_rows_error("[[1,[2]]]", 0, I, "/instances/0/1",
                     "expected a number, got an array");
    check_rows_error("[[1,NaN]]", 0, I, "/instances/0/1", "expected a number, got 'NaN'");
    check_rows_error("{\"a\":1}", 0, I, "/instances",
                     "expected an array of arrays of numbers, got an object");
    check_rows_error("null", 0, I, "/instances",
                     "expected an array of arrays of numbers, got null");
    check_rows_error("[5,1]", 0, I, "/instances/0",
                     "expected an array of numbers, got a number");
    check_rows_error("[[1], \"a\"]", 0, I, "/instances/1",
                     "expected an array of numbers, got a string");
}

static void test_rows_lengths(void) {
    static const enum err_kind I = ERR_INVALID;
    check_rows_error("[]", 0, I, "/instances", "expected at least one row");
    check_rows_error("[ ]", 4, I, "/instances", "expected at least one row");
    check_rows_error("[[]]", 0, I, "/instances/0", "expected at least one number");
    check_rows_error("[[]]", 4, I, "/instances/0", "expected 4 numbers, got 0");
    check_rows_error("[[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3]]", 0, I, "/instances/3",
                     "expected 4 numbers, got 3");
    check_rows_error("[[1,2,3]]", 4, I, "/instances/0", "expected 4 numbers, got 3");
    check_rows_error("[[1,2],[1,2,3]]", 0, I, "/instances/1",
                     "expected 2 numbers, got 3");
    check_rows_error("[[1,2],[1,2,\"x\" , [{}],5]]", 0, I, "/instances/1",
                     "expected 2 numbers, got 5");
    check_rows_error("[[1,2],[]]", 0, I, "/instances/1", "expected 2 numbers, got 0");
    check_rows_error("[[1,2,3]]", 1, I, "/instances/0", "expected 1 number, got 3");
}

static void test_rows_grammar(void) {
    static const enum err_kind I = ERR_INVALID;
    check_rows_error("[[1}", 0, I, "line 1, column 4", "expected ',' or ']', got '}'");
    check_rows_error("[[1,]]", 0, I, "line 1, column 5", "expected a number, got ']'");
    check_rows_error("[[1],]", 0, I, "line 1, column 6",
                     "expected an array of numbers, got ']'");
    check_rows_error("[[1] [2]]", 0, I, "line 1, column 6",
                     "expected ',' or ']', got '['");
    check_rows_error("[[1],\n [01]]", 0, I, "line 2, column 3",
                     "this is not a JSON number");
    check_rows_error("[[1.]]", 0, I, "line 1, column 3", "this is not a JSON number");
    check_rows_error("[[1 2]]", 0, I, "line 1, column 5", "expected ',' or ']', got '2'");
    check_rows_error("[[1", 0, I, "line 1, column 4", "expected ',' or ']', got the end");
    check_rows_error("[[1,2],[1,2,}]", 0, I, "line 1, column 13",
                     "expected a value, got '}'");
    check_rows_error("", 0, I, "line 1, column 1",
                     "expected an array of arrays of numbers, got the end");
}

static void test_rows_range(void) {
    check_rows_error("[[1],[1e39]]", 0, ERR_RANGE, "/instances/1/0",
                     "1e39 is outside float32 (at most 3.4028235e38 in magnitude)");
    check_rows_error(
        "[[1],[-3.4028236e38]]", 0, ERR_RANGE, "/instances/1/0",
        "-3.4028236e38 is outside float32 (at most 3.4028235e38 in magnitude)");
    check_rows_error(
        "[[1000000000000000000000000000000000000000000]]", 0, ERR_RANGE, "/instances/0/0",
        "100000000000000000000... is outside float32 (at most 3.4028235e38 in "
        "magnitude)");
}

static void test_rows_prefixes(void) {
    static const char text[] = "[[1.5e-3, 2, -0.125], [1e+2,2,3], [4 ,5 ,6]\n]";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        struct text t = text_new_n(text, n);
        struct rows rows = {0};
        struct err e = {0};
        CHECK_SAY(!rows_scan(&t.c, 0, "/x", &rows, &e) && e.kind == ERR_INVALID,
                  "the first %zu bytes", n);
        rows_free(&rows);
        free(t.block);
    }
}

/* Past every estimate: a first row that is longer, or much shorter, than the others. */
static void test_rows_many(void) {
    enum { ROWS = 20000, COLUMNS = 7 };
    for (int kind = 0; kind < 3; kind++) {
        char *json = malloc(ROWS * COLUMNS * 16);
        if (!json)
            abort();
        size_t n = 0;
        json[n++] = '[';
        for (int row = 0; row < ROWS; row++) {
            json[n++] = row ? ',' : ' ';
            for (int column = 0; column < COLUMNS; column++) {
                bool wide = kind == (row == 0 ? 1 : 2);
                n += (size_t)sprintf(json + n, wide ? "%c%d.00000000" : "%c%d",
                                     column ? ',' : '[', (row * 7 + column) % 1000);
            }
            json[n++] = ']';
        }
        json[n++] = ']';
        struct text t = text_new_n(json, n);
        struct rows rows = {0};
        struct err e = {0};
        CHECK(rows_scan(&t.c, 0, "/x", &rows, &e) && t.c.at == t.c.end);
        CHECK(rows.rows_n == ROWS && rows.columns_n == COLUMNS);
        CHECK((uintptr_t)rows.values % 64 == 0);
        bool same = true;
        for (int i = 0; i < ROWS * COLUMNS; i++)
            same &= rows.values[i] == (float)((i / COLUMNS * 7 + i % COLUMNS) % 1000);
        CHECK(same);
        /* The block is no larger than the text can fill. */
        CHECK_SAY(rows.capacity <= n / 2 + 64, "%zu floats for %zu bytes", rows.capacity,
                  n);
        rows_free(&rows);
        free(t.block);
        free(json);
    }
}

static void test_rows_wide(void) {
    enum { COLUMNS = 100000 };
    char *json = malloc(COLUMNS * 2 + 3);
    if (!json)
        abort();
    size_t n = 0;
    json[n++] = '[';
    for (int i = 0; i < COLUMNS; i++) {
        json[n++] = i ? ',' : '[';
        json[n++] = (char)('0' + i % 10);
    }
    json[n++] = ']';
    json[n++] = ']';
    struct text t = text_new_n(json, n);
    struct rows rows = {0};
    struct err e = {0};
    CHECK(rows_scan(&t.c, COLUMNS, "/x", &rows, &e));
    CHECK(rows.rows_n == 1 && rows.columns_n == COLUMNS && rows.values[99999] == 9);
    CHECK_SAY(rows.capacity <= n / 2 + 64, "%zu floats for %zu bytes", rows.capacity, n);
    rows_free(&rows);
    free(t.block);
    free(json);
}

static bool column_read(const char *json, struct column *column, struct err *e) {
    struct text t = text_new(json);
    bool ok = column_scan(&t.c, "/targets", column, e);
    if (ok)
        CHECK(t.c.at == t.c.end);
    free(t.block);
    return ok;
}

static void test_column(void) {
    struct column column = {0};
    struct err e = {0};
    CHECK(column_read("[1, 2.5,-3e2 ]", &column, &e));
    CHECK(column.kind == COLUMN_NUMBERS && column.n == 3);
    CHECK(column.numbers[0] == 1 && column.numbers[1] == 2.5 &&
          column.numbers[2] == -300);
    column_free(&column);
    CHECK(column_read("[16777217, 0.1]", &column, &e));
    CHECK(column.numbers[0] == 16777217 && column.numbers[1] == 0.1);
    column_free(&column);
    CHECK(column_read("[true,false , false]", &column, &e));
    CHECK(column.kind == COLUMN_BOOLEANS && column.n == 3 && column.numbers[0] == 1 &&
          column.numbers[1] == 0 && column.numbers[2] == 0);
    column_free(&column);
    CHECK(column_read("[\"b\", \"a\",\"b\" ,\"\\u0061\", \"\", \"ab\"]", &column, &e));
    static const int32_t ids[] = {0, 1, 0, 1, 2, 3};
    CHECK(column.kind == COLUMN_STRINGS && column.n == 6 &&
          memcmp(column.string_ids, ids, sizeof ids) == 0);
    CHECK(column.strings.n == 4 && column.strings.kind == LABEL_STRING);
    CHECK_TEXT(column.strings.strings[0], "b");
    CHECK_TEXT(column.strings.strings[1], "a");
    CHECK_TEXT(column.strings.strings[2], "");
    CHECK_TEXT(column.strings.strings[3], "ab");
    column_free(&column);
    CHECK(column_read("[[1,0],[0,1],[0,0]]", &column, &e));
    CHECK(column.kind == COLUMN_ROWS && column.n == 3 && column.rows.columns_n == 2 &&
          column.rows.values[3] == 1);
    column_free(&column);
    CHECK(!column.rows.values && e.kind == ERR_NONE);
}

static void check_column_error(const char *json, enum err_kind kind, const char *where,
                               const char *text) {
    struct column column = {0};
    struct err e = {0};
    CHECK_SAY(!column_read(json, &column, &e), "%s", json);
    CHECK_SAY(e.kind == kind, "%s: kind %d", json, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    column_free(&column);
}

static void test_column_errors(void) {
    static const enum err_kind I = ERR_INVALID;
    check_column_error("[]", I, "/targets", "expected at least one value");
    check_column_error("{}", I, "/targets", "expected an array, got an object");
    check_column_error(
        "[null]", I, "/targets/0",
        "expected a number, a string, a boolean or an array of numbers, got "
        "null");
    check_column_error("[1,\"a\"]", I, "/targets/1", "expected a number, got a string");
    check_column_error("[\"a\",1]", I, "/targets/1", "expected a string, got a number");
    check_column_error("[true,1]", I, "/targets/1", "expected a boolean, got a number");
    check_column_error("[true,null]", I, "/targets/1", "expected a boolean, got null");
    check_column_error("[1,[1]]", I, "/targets/1", "expected a number, got an array");
    check_column_error("[[1],1]", I, "/targets/1",
                       "expected an array of numbers, got a number");
    check_column_error("[[1],[1,2]]", I, "/targets/1", "expected 1 number, got 2");
    check_column_error("[1,1e309]", ERR_RANGE, "/targets/1",
                       "1e309 is outside float64 (at most 1.7976931348623157e308 in "
                       "magnitude)");
    check_column_error("[1,]", I, "line 1, column 4", "expected a number, got ']'");
    check_column_error("[truex]", I, "line 1, column 6", "expected ',' or ']', got 'x'");
    check_column_error("[\"a\\x\"]", I, "line 1, column 4",
                       "this is not an escape of JSON");
    check_column_error("[\"a\"", I, "line 1, column 5",
                       "expected ',' or ']', got the end");
}

static void test_column_prefixes(void) {
    static const char *const texts[] = {"[1,2.5e3, 3]",
                                        "[\"a\",\"\\ud83d\\ude00\", \"b\"]",
                                        "[true,false ]", "[[1,2],[3,4]]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t n = 0; n < strlen(texts[i]); n++) {
            struct text t = text_new_n(texts[i], n);
            struct column column = {0};
            struct err e = {0};
            CHECK_SAY(!column_scan(&t.c, "/x", &column, &e) && e.kind == ERR_INVALID,
                      "the first %zu bytes of %s", n, texts[i]);
            column_free(&column);
            free(t.block);
        }
}

/* `distinct` strings, over and over, m in all. */
static char *strings_json(size_t m, size_t distinct, size_t *n) {
    char *json = malloc(m * 12 + 2);
    if (!json)
        abort();
    *n = 0;
    for (size_t i = 0; i < m; i++)
        *n += (size_t)sprintf(json + *n, "%c\"s%zu\"", i ? ',' : '[', i % distinct);
    json[(*n)++] = ']';
    return json;
}

static void test_column_strings_max(void) {
    size_t n;
    char *json = strings_json(1000000, COLUMN_STRINGS_MAX, &n);
    struct cursor c = {json, json, json + n};
    struct column column = {0};
    struct err e = {0};
    CHECK(column_scan(&c, "/y", &column, &e));
    CHECK(column.n == 1000000 && column.strings.n == COLUMN_STRINGS_MAX);
    bool same = true;
    for (size_t i = 0; i < column.n; i++)
        same &= (size_t)column.string_ids[i] == i % COLUMN_STRINGS_MAX;
    CHECK(same);
    CHECK_TEXT(column.strings.strings[65535], "s65535");
    column_free(&column);
    free(json);

    json = strings_json(COLUMN_STRINGS_MAX + 1, COLUMN_STRINGS_MAX + 1, &n);
    c = (struct cursor){json, json, json + n};
    CHECK(!column_scan(&c, "/y", &column, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "/y/65536");
    CHECK_TEXT(e.text, "more than 65536 distinct strings");
    column_free(&column);
    free(json);
}

static void test_column_string_bytes(void) {
    char json[COLUMN_STRING_BYTES_MAX + 16];
    memset(json, 'x', sizeof json);
    memcpy(json, "[\"", 2);
    memcpy(json + 2 + COLUMN_STRING_BYTES_MAX, "\"]", 3);
    struct column column = {0};
    struct err e = {0};
    CHECK(column_read(json, &column, &e) && column.strings.n == 1 &&
          strlen(column.strings.strings[0]) == COLUMN_STRING_BYTES_MAX);
    column_free(&column);
    memcpy(json + 2 + COLUMN_STRING_BYTES_MAX, "x\"]", 4);
    CHECK(!column_read(json, &column, &e) && e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "/targets/0");
    CHECK_TEXT(e.text, "a string of more than 1024 bytes");
    column_free(&column);
}

int main(void) {
    CHECK_RUN(test_rows);
    CHECK_RUN(test_rows_types);
    CHECK_RUN(test_rows_lengths);
    CHECK_RUN(test_rows_grammar);
    CHECK_RUN(test_rows_range);
    CHECK_RUN(test_rows_prefixes);
    CHECK_RUN(test_rows_many);
    CHECK_RUN(test_rows_wide);
    CHECK_RUN(test_column);
    CHECK_RUN(test_column_errors);
    CHECK_RUN(test_column_prefixes);
    CHECK_RUN(test_column_strings_max);
    CHECK_RUN(test_column_string_bytes);
    return check_done();
}
