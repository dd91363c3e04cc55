#include "api/profile.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reader.h"
#include "tests/unit/check.h"

static bool profiled(const char *bytes, size_t n, struct profile *out, struct err *e) {
    const struct reader_options o = READER_OPTIONS_DEFAULT;
    struct table_sink sink;
    struct profiler *p = profiler_new(&sink, e);
    struct reader *r = reader_new(&o, &sink, e);
    bool ok = p && r && reader_feed(r, bytes, n, e) && reader_end(r, e) &&
              profiler_end(p, out, e);
    CHECK(ok == (e->kind == ERR_NONE));
    reader_free(r);
    profiler_free(p);
    return ok;
}

static struct profile profile_of(const char *text) {
    struct profile p = {0};
    struct err e = {0};
    CHECK_SAY(profiled(text, strlen(text), &p, &e), "%s: %s %s", text, e.where, e.text);
    return p;
}

static const char PASSENGERS[] = "survived,name,age,alone,deck,code\n"
                                 "0,\"Braund, Mr. Owen\",22.0,True,,007\n"
                                 "1,\"Cumings, \"\"Flo\"\"\",38,False,C,8\n"
                                 "1,Ann,,True,C,9\n"
                                 "0,Bob,4,True,E,x\n";

static void test_types(void) {
    struct profile p = profile_of(PASSENGERS);
    static const enum profile_type want[] = {PROFILE_NUMBER,   PROFILE_CATEGORY,
                                             PROFILE_NUMBER,   PROFILE_BOOLEAN,
                                             PROFILE_CATEGORY, PROFILE_CATEGORY};
    if (!CHECK(p.columns_n == 6 && p.rows_n == 4 && p.named))
        return;
    for (size_t c = 0; c < 6; c++)
        CHECK_SAY(p.columns[c].type == want[c], "%s", p.columns[c].name);
    CHECK_TEXT(p.columns[1].name, "name");
    CHECK(p.columns[2].missing == 1 && p.columns[4].missing == 1);
    CHECK(p.columns[0].whole && p.columns[2].whole && !p.columns[0].missing);
    CHECK(p.columns[4].values_n == 2 && !p.columns[4].many);
    CHECK_TEXT(p.columns[4].values[0].text, "C");
    CHECK(p.columns[4].values[0].count == 2 && p.columns[4].values[1].count == 1);
    CHECK_TEXT(p.columns[5].values[0].text, "007");
    CHECK(p.columns[3].values[0].count == 3);
    CHECK_TEXT(p.columns[3].values[0].text, "True");
    CHECK_TEXT(p.first_rows,
               "[[0,\"Braund, Mr. Owen\",22,true,null,\"007\"],"
               "[1,\"Cumings, \\\"Flo\\\"\",38,false,\"C\",\"8\"],"
               "[1,\"Ann\",null,true,\"C\",\"9\"],[0,\"Bob\",4,true,\"E\",\"x\"]]");
    profile_free(&p);
    CHECK(!p.columns && !p.first_rows);
}

static void test_mixed(void) {
    struct profile p = profile_of("a,b,c\n1,,true\ntrue,,x\n");
    CHECK(p.columns[0].type == PROFILE_CATEGORY && p.columns[2].type == PROFILE_CATEGORY);
    CHECK(p.columns[1].type == PROFILE_NUMBER && p.columns[1].missing == 2);
    profile_free(&p);
}

static void test_statistics(void) {
    struct profile p = profile_of("x,y\n1,1e300\n2,-1e300\n4.5,1e300\n?,0\n");
    const struct profile_column *x = &p.columns[0], *y = &p.columns[1];
    CHECK(x->min == 1 && x->max == 4.5 && !x->whole && x->missing == 1);
    CHECK_NEAR(x->mean, 2.5, 1e-15);
    CHECK_NEAR(x->deviation, sqrt((1.5 * 1.5 + 0.5 * 0.5 + 2 * 2) / 3), 1e-15);
    CHECK(y->min == -1e300 && y->max == 1e300 && y->whole);
    CHECK(isfinite(y->mean) && isfinite(y->deviation));
    profile_free(&p);
    /* A difference that is not finite, and numbers that hide their variance. */
    p = profile_of("x,y\n1.7e308,1000000001\n-1.7e308,1000000002\n1.7e308,1000000003\n");
    CHECK(isfinite(p.columns[0].mean) && p.columns[0].deviation == DBL_MAX);
    CHECK_NEAR(p.columns[1].deviation, sqrt(2.0 / 3), 1e-12);
    profile_free(&p);
}

/* n numbers, odd_n of which are spelled wrongly, the first at line 4. */
static char *damaged_table(int n, int odd_n) {
    struct text t = {0};
    text_string(&t, "id,age\n");
    for (int i = 0; i < n; i++)
        text_format(&t, i >= 2 && i < 2 + odd_n ? "%d,abc%d\n" : "%d,%d\n", i, i);
    return text_take(&t);
}

static void check_damaged(int n, int odd_n, bool refused) {
    char *text = damaged_table(n, odd_n);
    struct profile p = {0};
    struct err e = {0};
    CHECK_SAY(profiled(text, strlen(text), &p, &e) == !refused, "%d of %d", odd_n, n);
    if (refused) {
        CHECK(e.kind == ERR_INVALID && !p.columns);
        CHECK_TEXT(e.where, "line 4, column \"age\"");
        CHECK_TEXT(e.text, "expected a number, got \"abc2\"");
    } else {
        CHECK(p.columns[1].type == PROFILE_CATEGORY);
    }
    profile_free(&p);
    free(text);
}

static void test_damaged(void) {
    check_damaged(21, 1, true);
    check_damaged(20, 1, false); /* one in twenty is not less */
    check_damaged(40, 2, false);
    check_damaged(41, 2, true);
    check_damaged(19, 1, false);
    check_damaged(1000, 49, true);
    check_damaged(1000, 50, false);
}

static void check_error(const char *text, enum err_kind kind, const char *where,
                        const char *why) {
    struct profile p = {0};
    struct err e = {0};
    CHECK(!profiled(text, strlen(text), &p, &e));
    CHECK_SAY(e.kind == kind, "%s: kind %d", text, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, why);
    profile_free(&p);
}

static void test_names(void) {
    check_error("a,b,c,b\n1,2,3,4\n", ERR_INVALID, "column \"b\"",
                "columns 2 and 4 have the same name");
    check_error("[{\"a\":1,\"\":2}]", ERR_INVALID, "column 2", "a column without a name");
    check_error("a,b\n", ERR_INVALID, "", "the table has no rows");
    char text[400];
    int n = snprintf(text, sizeof text, "a,%0257d", 0);
    text[2] = 'x';
    snprintf(text + n, sizeof text - (size_t)n, "\n1,2\n");
    check_error(text, ERR_TOO_LARGE, "column 2", "a name of more than 256 bytes");
    struct profile p = profile_of("1,2\n3,4\n");
    CHECK(!p.named);
    CHECK_TEXT(p.columns[0].name, "0");
    CHECK_TEXT(p.columns[1].name, "1");
    profile_free(&p);
}

/* Numbers with a spelling (CSV) and without one (npy), up to the most that are kept. */
static void check_values(const char *bytes, size_t n, size_t values_n, bool many) {
    struct profile p = {0};
    struct err e = {0};
    CHECK_SAY(profiled(bytes, n, &p, &e), "%s", e.text);
    const struct profile_column *c = &p.columns[0];
    CHECK_SAY(c->many == many && c->values_n == (many ? 0 : values_n), "%zu",
              c->values_n);
    uint64_t total = 0;
    for (size_t i = 0; i < c->values_n; i++) {
        char text[32];
        snprintf(text, sizeof text, "%zu", i);
        CHECK_TEXT(c->values[i].text, text);
        CHECK(c->values[i].count == 2);
        total += c->values[i].count;
    }
    CHECK(many || total == p.rows_n);
    profile_free(&p);
}

static void test_values(void) {
    for (size_t values_n = PROFILE_VALUES_MAX; values_n <= PROFILE_VALUES_MAX + 1;
         values_n++) {
        struct text csv = {0}, npy = {0};
        bool many = values_n > PROFILE_VALUES_MAX;
        char header[128];
        int n = snprintf(header, sizeof header,
                         "{'descr':'<i4','fortran_order':False,'shape':(%zu,)}",
                         values_n * 2);
        text_bytes(&npy, "\x93NUMPY\1", 8);
        text_bytes(&npy, (const char[]){(char)n, 0}, 2);
        text_bytes(&npy, header, (size_t)n);
        for (size_t i = 0; i < values_n * 2; i++) {
            const unsigned v = (unsigned)(i % values_n);
            text_format(&csv, "%u\n", v);
            text_bytes(&npy, (const char[]){(char)v, (char)(v >> 8), 0, 0}, 4);
        }
        check_values(csv.data, csv.n, values_n, many);
        check_values(npy.data, npy.n, values_n, many);
        text_free(&csv);
        text_free(&npy);
    }
}

/* Bytes without a spelling, counted apart, and what is nearly one. */
static void test_bytes(void) {
    static const double numbers[] = {7, 0, -0.0, 255, 256, 255.5, -1, 1e300};
    enum { N = sizeof numbers / sizeof *numbers, TIMES = 5 };
    struct err e = {0};
    struct table_sink sink;
    struct profile p = {0};
    struct profiler *profiler = profiler_new(&sink, &e);
    if (!profiler || !sink.columns(sink.context, NULL, 1, &e))
        abort();
    for (size_t i = 0; i < N * TIMES; i++) {
        struct cell cell = {.kind = CELL_NUMBER, .number = numbers[i % N]};
        CHECK(sink.row(sink.context, &cell, 1, 0, &e));
    }
    CHECK_SAY(profiler_end(profiler, &p, &e), "%s", e.text);
    profiler_free(profiler);
    if (CHECK(p.columns_n == 1 && p.columns[0].values_n == N)) {
        CHECK_TEXT(p.columns[0].values[0].text, "7");
        CHECK_TEXT(p.columns[0].values[1].text, "0");
        CHECK_TEXT(p.columns[0].values[3].text, "255");
        for (size_t i = 0; i < N; i++)
            CHECK(p.columns[0].values[i].count == TIMES);
    }
    profile_free(&p);
}

/* A value that is too long to be kept; cells of first rows are cut, at a character. */
static void test_long_values(void) {
    struct text t = {0};
    text_string(&t, "a,b\n");
    for (int i = 0; i < 200; i++)
        text_string(&t, "\xc3\xa9");
    text_string(&t, ",1\nshort,2\n");
    char *text = text_take(&t);
    struct profile p = profile_of(text);
    CHECK(p.columns[0].many && p.columns[0].values_n == 0);
    CHECK(strlen(p.first_rows) == sizeof "[[\"...\",1],[\"short\",2]]" - 1 + 256);
    profile_free(&p);
    free(text);
}

/* Values of many columns together are bounded: the columns that hold most give up. */
static void test_values_budget(void) {
    enum { COLUMNS = 600, ROWS = 1000 };
    struct table_sink sink;
    struct err e = {0};
    struct profiler *p = profiler_new(&sink, &e);
    struct cell *cells = calloc(COLUMNS, sizeof *cells);
    struct profile out = {0};
    if (!CHECK(p && cells && sink.columns(sink.context, NULL, COLUMNS, &e)))
        return;
    for (int row = 0; row < ROWS; row++) {
        for (int c = 0; c < COLUMNS; c++)
            cells[c] = (struct cell){.kind = CELL_NUMBER,
                                     .number = c == 0 ? row % 3 : row + c / 1000.0};
        CHECK(sink.row(sink.context, cells, COLUMNS, 0, &e));
    }
    CHECK(profiler_end(p, &out, &e));
    size_t many_n = 0;
    for (size_t c = 0; c < out.columns_n; c++)
        many_n += out.columns[c].many;
    CHECK(many_n > 0 && many_n < COLUMNS - 100 && !out.columns[0].many);
    CHECK(out.columns[0].values_n == 3);
    profile_free(&out);
    profiler_free(p);
    free(cells);
}

static void check_same(const struct profile *a, const struct profile *b) {
    CHECK(a->rows_n == b->rows_n && a->columns_n == b->columns_n && a->named == b->named);
    CHECK_TEXT(b->first_rows, a->first_rows);
    for (size_t c = 0; c < a->columns_n && c < b->columns_n; c++) {
        const struct profile_column *x = &a->columns[c], *y = &b->columns[c];
        CHECK_TEXT(y->name, x->name);
        CHECK(x->type == y->type && x->missing == y->missing && x->many == y->many);
        CHECK(x->min == y->min && x->max == y->max && x->mean == y->mean);
        CHECK(x->deviation == y->deviation && x->whole == y->whole);
        CHECK(x->values_n == y->values_n);
        for (size_t i = 0; i < x->values_n && i < y->values_n; i++) {
            CHECK_TEXT(y->values[i].text, x->values[i].text);
            CHECK(x->values[i].count == y->values[i].count);
        }
    }
}

static void test_document(void) {
    static const char more[] = "[[0.1,\"a\\u0001\\\"\",null],[1e30,\"NA\",null]]";
    const char *const tables[] = {PASSENGERS, more};
    for (size_t i = 0; i < 2; i++) {
        struct profile p = profile_of(tables[i]), back;
        struct text text = {0};
        struct err e = {0};
        profile_encode(&p, &text);
        char *json = text_take(&text);
        if (CHECK_SAY(profile_decode(json, &back, &e), "%s %s", e.where, e.text))
            check_same(&p, &back);
        profile_free(&back);
        profile_free(&p);
        free(json);
    }
    struct profile p = profile_of("[[true,1],[false,1.5]]");
    struct text text = {0};
    profile_encode(&p, &text);
    char *json = text_take(&text);
    CHECK_TEXT(json,
               "{\"rows\":2,\"named\":false,\"columns\":["
               "{\"name\":\"0\",\"type\":\"boolean\",\"missing\":0,\"values\":["
               "{\"value\":\"true\",\"count\":1},{\"value\":\"false\",\"count\":1}]},"
               "{\"name\":\"1\",\"type\":\"number\",\"missing\":0,\"min\":1,\"max\":1.5,"
               "\"mean\":1.25,\"standard_deviation\":0.25,\"whole\":false,\"values\":["
               "{\"value\":\"1\",\"count\":1},{\"value\":\"1.5\",\"count\":1}]}],"
               "\"first_rows\":[[true,1],[false,1.5]]}");
    profile_free(&p);
    free(json);
}

static void check_document_refused(const char *json, const char *where) {
    struct profile p;
    struct err e = {0};
    CHECK_SAY(!profile_decode(json, &p, &e), "%s", json);
    CHECK(e.kind == ERR_INVALID && !p.columns);
    CHECK_TEXT(e.where, where);
}

static void test_document_refused(void) {
    check_document_refused("[]", "/rows");
    check_document_refused("{\"rows\":-1}", "/rows");
    check_document_refused("{\"rows\":1}", "/columns");
    check_document_refused("{\"rows\":1,\"columns\":[]}", "/first_rows");
    check_document_refused("{\"rows\":1,\"columns\":[5]}", "/columns/0/type");
    check_document_refused("{\"rows\":1,\"columns\":[{\"type\":\"number\"}]}",
                           "/columns/0/name");
    check_document_refused("{\"rows\":1,\"columns\":[{\"type\":\"number\",\"name\":\"a\","
                           "\"missing\":0,\"values\":[{}]}]}",
                           "/columns/0/count");
    check_document_refused("{\"rows\":1,\"columns\":[],\"first_rows\":[[[]]]}",
                           "/first_rows");
}

static void test_type_names(void) {
    enum profile_type type;
    CHECK(profile_type_find("boolean", &type) && type == PROFILE_BOOLEAN);
    CHECK(profile_type_find("category", &type) && type == PROFILE_CATEGORY);
    CHECK(!profile_type_find("text", &type));
    CHECK_TEXT(profile_type_name(PROFILE_NUMBER), "number");
}

int main(void) {
    CHECK_RUN(test_types);
    CHECK_RUN(test_mixed);
    CHECK_RUN(test_statistics);
    CHECK_RUN(test_damaged);
    CHECK_RUN(test_names);
    CHECK_RUN(test_values);
    CHECK_RUN(test_long_values);
    CHECK_RUN(test_bytes);
    CHECK_RUN(test_values_budget);
    CHECK_RUN(test_document);
    CHECK_RUN(test_document_refused);
    CHECK_RUN(test_type_names);
    return check_done();
}
