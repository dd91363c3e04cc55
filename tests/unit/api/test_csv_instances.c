#include "api/csv_instances.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/check.h"

/* A number "age", a category "sex" of female and male, a boolean "alone". */
static char age[] = "age", sex[] = "sex", alone[] = "alone", female[] = "female",
            male[] = "male";
static char *sexes[] = {female, male};
static struct encoder_column columns[] = {
    {.name = age, .kind = ENCODER_NUMBER, .mean = 30},
    {.name = sex, .kind = ENCODER_CATEGORY, .categories = sexes, .categories_n = 2},
    {.name = alone, .kind = ENCODER_BOOLEAN, .missing_refused = true},
};

static bool read_with(const struct encoder *encoder, size_t inputs_n,
                      enum csv_header header, const char *text, struct rows *rows,
                      struct err *e) {
    struct csv_instances from = {text, strlen(text), header,
                                 columns_of(encoder, inputs_n)};
    *e = (struct err){0};
    return csv_instances_read(&from, rows, e);
}

static void check_rows(const struct encoder *encoder, size_t inputs_n,
                       enum csv_header header, const char *text, const float *expected,
                       size_t m) {
    struct rows rows;
    struct err e;
    if (CHECK_SAY(read_with(encoder, inputs_n, header, text, &rows, &e), "%s: %s: %s",
                  text, e.where, e.text) &&
        CHECK(rows.rows_n == m && rows.columns_n == inputs_n))
        CHECK_SAY(memcmp(rows.values, expected, m * inputs_n * sizeof(float)) == 0, "%s",
                  text);
    rows_free(&rows);
}

static void check_refused_as(const struct encoder *encoder, size_t inputs_n,
                             enum csv_header header, const char *text, const char *where,
                             const char *says) {
    struct rows rows;
    struct err e;
    CHECK_SAY(!read_with(encoder, inputs_n, header, text, &rows, &e), "%s", text);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, says);
    rows_free(&rows);
}

static void check_refused(const struct encoder *encoder, size_t inputs_n,
                          const char *text, const char *where, const char *says) {
    check_refused_as(encoder, inputs_n, CSV_HEADER_PRESENT, text, where, says);
}

/* Columns that are called by their places are names all the same: one that is none of
 * them is no first column. */
static void test_numbered(void) {
    char names[3][2] = {"0", "1", "2"};
    struct encoder_column numbers[3] = {
        {.name = names[0]}, {.name = names[1]}, {.name = names[2]}};
    struct encoder enc = {.columns = numbers, .columns_n = 3};
    struct err e = {0};
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    check_rows(&enc, 3, CSV_HEADER_PRESENT, "2,0,1\n3,1,2\n", (float[]){1, 2, 3}, 1);
    check_refused(&enc, 3, "id,0,1\n7,1,2\n", "line 1, column \"id\"",
                  "the model has no column \"id\"");
    check_refused(&enc, 3, "a,b,c\n7,1,2\n", "line 1, column \"a\"",
                  "the model has no column \"a\"");
    enc.columns = NULL; /* they are not its own */
    encoder_free(&enc);
}

static void test_named(void) {
    struct encoder enc = {.columns = columns, .columns_n = 3};
    struct err e = {0};
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    static const float two[] = {22, 0, 1, 1, 30, 1, 0, 0};
    check_rows(&enc, 4, CSV_HEADER_PRESENT, "age,sex,alone\n22,male,true\n,female,0\n",
               two, 2);
    check_rows(&enc, 4, CSV_HEADER_PRESENT,
               "\xef\xbb\xbf"
               "alone;sex;age\r\ntrue;\"male\";22\r\nfalse;female;NA",
               two, 2);
    check_rows(&enc, 4, CSV_HEADER_ABSENT, "22,male,true\n,female,false\n", two, 2);
    check_rows(&enc, 4, CSV_HEADER_PRESENT, "age,sex,alone\n1,unseen,1\n",
               (float[]){1, 0, 0, 1}, 1);
    check_refused(&enc, 4, "age,sex\n1,male\n", "line 1", "column \"alone\" is missing");
    check_refused(&enc, 4, "age,sex,alone,x\n1,male,1,1\n", "line 1, column \"x\"",
                  "the model has no column \"x\"");
    check_refused(&enc, 4, "age,sex,sex\n1,male,1\n", "line 1, column \"sex\"",
                  "is given twice");
    check_refused(&enc, 4, "sex,age,alone\nmale,1,1\n\"a\nb\",abc,1\n",
                  "line 3, column \"age\"", "expected a number, got \"abc\"");
    check_refused(&enc, 4, "sex,age,alone\nmale,1e400,1\n", "line 2, column \"age\"",
                  "1e400 is outside float32");
    check_refused(&enc, 4, "sex,age,alone\nmale,1,\n", "line 2, column \"alone\"",
                  "expected a value, but it is missing");
    check_refused(&enc, 4, "\x1f\x8b\x08", "", "expected CSV, got a gzip file");
    enc.columns = NULL; /* they are not its own */
    encoder_free(&enc);
}

/* Columns of the table that the model does not take, in any place, whatever they hold. */
static void test_unused(void) {
    static char id[] = "id", lived[] = "lived";
    static char *unused[] = {id, lived};
    struct encoder enc = {
        .columns = columns, .columns_n = 3, .unused = unused, .unused_n = 2};
    struct err e = {0};
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    static const float two[] = {22, 0, 1, 1, 30, 1, 0, 0};
    check_rows(&enc, 4, CSV_HEADER_PRESENT, "age,sex,alone\n22,male,true\n,female,0\n",
               two, 2);
    check_rows(&enc, 4, CSV_HEADER_PRESENT,
               "id,age,lived,sex,alone\n1e400,22,yes,male,true\n,,\"n,o\",female,0\n",
               two, 2);
    check_rows(&enc, 4, CSV_HEADER_FOUND, "lived,age,sex,alone\n1,22,male,1\n,,female,0",
               two, 2);
    check_rows(&enc, 4, CSV_HEADER_ABSENT, "22,male,true\n,female,false\n", two, 2);
    check_refused(&enc, 4, "id,sex,alone\n1,male,1\n", "line 1",
                  "column \"age\" is missing");
    check_refused(&enc, 4, "id,age,sex,id,alone\n1,1,male,1,1\n", "line 1, column \"id\"",
                  "is given twice");
    check_refused(&enc, 4, "id,age,sex,alone,x\n1,1,male,1,1\n", "line 1, column \"x\"",
                  "the model has no column \"x\"");
    check_refused_as(&enc, 4, CSV_HEADER_ABSENT, "1,22,1,male,true\n", "line 1",
                     "expected 3 columns, got 5");
    enc = (struct encoder){.by_name = enc.by_name}; /* the others are not its own */
    encoder_free(&enc);
}

/* Columns whose names are numbers, as those of tables without a header: a row of numbers
 * is a header where it names all that the model takes, each once. */
static void test_unused_numbers(void) {
    static char one[] = "1", two[] = "2", zero[] = "0", four[] = "4";
    static char *unused[] = {zero, four};
    static struct encoder_column both[] = {{.name = one}, {.name = two}};
    struct encoder enc = {
        .columns = both, .columns_n = 2, .unused = unused, .unused_n = 2};
    struct err e = {0};
    static const enum csv_header F = CSV_HEADER_FOUND;
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    check_rows(&enc, 2, F, "0,4\n7,8\n", (float[]){0, 4, 7, 8}, 2);
    check_rows(&enc, 2, F, "0,1\n7,8\n", (float[]){0, 1, 7, 8}, 2);
    check_rows(&enc, 2, F, "2,2\n7,8\n", (float[]){2, 2, 7, 8}, 2);
    check_rows(&enc, 2, F, "0,1,2,4\n7,8,9,9\n", (float[]){8, 9}, 1);
    check_rows(&enc, 2, F, "2,4,1\n7,8,9\n", (float[]){9, 7}, 1);
    check_refused_as(&enc, 2, F, "2,1\n7,8\n", "line 1",
                     "this may be a header or a row: the type text/csv; header=absent or "
                     "header=present says which");
    check_refused_as(&enc, 2, F, "0,1,2,2\n7,8,9,9\n", "line 1",
                     "expected 2 columns, got 4");
    check_refused_as(&enc, 2, F, "0,1,4\n7,8,9\n", "line 1", "expected 2 columns, got 3");
    check_refused_as(&enc, 2, F, "1\n7\n", "line 1", "expected 2 columns, got 1");
    enc = (struct encoder){.by_name = enc.by_name};
    encoder_free(&enc);
}

static void test_nameless(void) {
    struct encoder none = {.columns_n = 0};
    static const float two[] = {1, 2.5f, -3, 4};
    check_rows(&none, 2, CSV_HEADER_PRESENT, "0,1\n1,2.5\n-3,4\n", two, 2);
    check_rows(&none, 2, CSV_HEADER_PRESENT, "1,0\n2.5,1\n4,-3\n", two, 2);
    check_rows(&none, 2, CSV_HEADER_PRESENT, "x,y\n1,2.5\n-3,4\n", two, 2);
    check_rows(&none, 2, CSV_HEADER_ABSENT, "1,2.5\n-3,4\n", two, 2);
    check_refused(
        &none, 2, "1.5,2\n1,2\n", "line 1",
        "expected a header line, got 1.5 (the type text/csv; header=absent says "
        "that there is none)");
    check_refused(&none, 2, "0,2\n1,2\n", "line 1, column \"2\"",
                  "the model has no column \"2\"");
    check_refused(&none, 2, "x,y,z\n1,2,3\n", "line 1", "expected 2 columns, got 3");
    check_refused(&none, 2, "x,y\n1,true\n", "line 2, column \"1\"",
                  "expected a number, got true");
    check_refused(&none, 2, "x,y\n1,\n", "line 2, column \"1\"",
                  "expected a number, but it is missing");
    check_refused(&none, 2, "x,y\n1,1e39\n", "line 2, column \"1\"",
                  "1e+39 is outside float32");
    check_refused(&none, 2, "x,y\n-1e400,2\n", "line 2, column \"0\"",
                  "-1e400 is outside float32");
    /* Beside the middle between two of float32, by less than float64 can tell. */
    check_rows(
        &none, 2, CSV_HEADER_ABSENT,
        "0.6045676767826080322265625000000000000000000001,"
        "0.6045676767826080322265624999999999999999999999\n"
        "0.6045676767826080322265625,-0.6045676767826080322265625000000000000001\n",
        (float[]){0x1.3589e6p-1f, 0x1.3589e4p-1f, 0x1.3589e4p-1f, -0x1.3589e6p-1f}, 2);
    check_refused(&none, 2, "x,y\n", "", "expected at least one row behind the header");
}

/* Where nobody says whether there is a header: numbers alone are a row. */
static void test_header_found(void) {
    static const enum csv_header F = CSV_HEADER_FOUND;
    struct encoder none = {.columns_n = 0}, enc = {.columns = columns, .columns_n = 3};
    struct err e = {0};
    static const float two[] = {1.5f, 2, -3, 4}, passengers[] = {22, 0, 1, 1};
    check_rows(&none, 2, F, "1.5,2\n-3,4\n", two, 2);
    check_rows(&none, 2, F, "1.5,2\n", two, 1);
    check_rows(&none, 2, F, "x,y\n1.5,2\n-3,4\n", two, 2);
    static const char *const unclear[] = {"0,1\n1.5,2\n", "x,1\n1.5,2\n", "1,x\n1.5,2\n"};
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++)
        check_refused_as(&none, 2, F, unclear[i], "line 1",
                         "this may be a header or a row: the type text/csv; "
                         "header=absent or header=present says which");
    check_rows(&none, 2, CSV_HEADER_PRESENT, "x,1\n1.5,2\n-3,4\n", two, 2);
    check_refused_as(&none, 2, F, "1.5,\n-3,4\n", "line 1, column \"1\"",
                     "expected a number, but it is missing");
    check_refused_as(&none, 2, F, "1,2,3\n", "line 1", "expected 2 columns, got 3");
    check_refused_as(&none, 2, F, "x,y\n", "",
                     "expected at least one row behind the header");
    check_refused_as(&none, 2, F, "", "", "the file is empty");
    check_refused_as(&none, 2, F, "1.5,2\n3,x\n", "line 2, column \"1\"",
                     "expected a number, got \"x\"");
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    check_rows(&enc, 4, F, "alone,age,sex\ntrue,22,male\n", passengers, 1);
    check_refused_as(&enc, 4, F, "22,male,true\n", "line 1, column \"22\"",
                     "the model has no column \"22\"");
    check_rows(&enc, 4, F, "22,1,1\n", (float[]){22, 0, 0, 1}, 1); /* sex "1": unseen */
    check_rows(&enc, 4, F, ",1,1\n22,1,1\n", (float[]){30, 0, 0, 1, 22, 0, 0, 1}, 2);
    check_rows(&enc, 4, CSV_HEADER_PRESENT,
               "\"age\",\"sex\",\"alone\"\n\"\",\"male\",\"1\"\n", (float[]){30, 0, 1, 1},
               1);
    check_refused_as(&enc, 4, CSV_HEADER_PRESENT, "age,sex,alone\n\"NA\",male,1\n",
                     "line 2, column \"age\"", "expected a number, got \"NA\"");
    static const char *const holes[] = {"NA,NA\n2,3\n", ",\n2,3\n", "true,false\n2,3\n"};
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++)
        check_refused_as(&none, 2, F, holes[i], "line 1, column \"0\"",
                         i < 2 ? "expected a number, but it is missing"
                               : "expected a number, got true");
    enc.columns = NULL; /* they are not its own */
    encoder_free(&enc);
}

static void test_header_of(void) {
    CHECK(csv_header_of(NULL, CSV_HEADER_FOUND) == CSV_HEADER_FOUND);
    CHECK(csv_header_of("text/csv", CSV_HEADER_PRESENT) == CSV_HEADER_PRESENT);
    CHECK(csv_header_of("text/csv; Header=Absent", CSV_HEADER_FOUND) ==
          CSV_HEADER_ABSENT);
    CHECK(csv_header_of("text/csv;header=present", CSV_HEADER_FOUND) ==
          CSV_HEADER_PRESENT);
    CHECK(csv_header_of("text/csv; charset=utf-8;\theader=\"absent\" ",
                        CSV_HEADER_PRESENT) == CSV_HEADER_ABSENT);
    static const char *const others[] = {"text/csv; xheader=absent",
                                         "text/csv; header",
                                         "text/csv; header=",
                                         "text/csv header=absent",
                                         "text/csv; header=absently",
                                         "text/csv; header=\"",
                                         "text/csv;",
                                         "header=absent"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_SAY(csv_header_of(others[i], CSV_HEADER_FOUND) == CSV_HEADER_FOUND, "%s",
                  others[i]);
}

/* More rows than the first room holds. */
static void test_many(void) {
    enum { M = 5000 };
    static char text[M * 8];
    struct encoder none = {.columns_n = 0};
    struct rows rows;
    struct err e;
    size_t n = (size_t)snprintf(text, sizeof text, "x\n");
    for (int i = 0; i < M; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%d\n", i);
    bool right = CHECK(read_with(&none, 1, CSV_HEADER_PRESENT, text, &rows, &e)) &&
                 rows.rows_n == M;
    for (int i = 0; right && i < M; i++)
        right = rows.values[i] == (float)i;
    CHECK(right);
    rows_free(&rows);
}

int main(void) {
    CHECK_RUN(test_named);
    CHECK_RUN(test_numbered);
    CHECK_RUN(test_unused);
    CHECK_RUN(test_unused_numbers);
    CHECK_RUN(test_nameless);
    CHECK_RUN(test_header_found);
    CHECK_RUN(test_header_of);
    CHECK_RUN(test_many);
    return check_done();
}
