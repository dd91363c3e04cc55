/* Arrays as bodies: every type, order and shape against the reader of files, which reads
 * them another way; rows of a model with columns; answers. */
#include "api/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/predict.h"
#include "api/reader.h"
#include "tests/unit/check.h"

static struct net net = {.outputs_n = 1};
static struct model model = {.net = &net};

/* As malloc has it: room for a file, aligned as a body is. */
struct file {
    char *bytes;
    size_t n;
};

static struct file file_new(const char *descr, bool fortran, const char *shape,
                            const void *data, size_t n) {
    struct file f = {malloc(n + 512), 0};
    char dict[256];
    if (!f.bytes)
        abort();
    int dict_n =
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }",
                 descr, fortran ? "True" : "False", shape);
    int padded_n = (10 + dict_n + 1 + 63) / 64 * 64 - 10;
    memcpy(f.bytes, "\x93NUMPY\1\0", 8);
    f.bytes[8] = (char)(padded_n & 255);
    f.bytes[9] = (char)(padded_n >> 8);
    sprintf(f.bytes + 10, "%-*s\n", padded_n - 1, dict);
    memcpy(f.bytes + 10 + padded_n, data, n);
    f.n = 10 + (size_t)padded_n + n;
    return f;
}

/* ---- against the reader --------------------------------------------------------- */

struct seen {
    float values[64];
    size_t n, columns_n;
};

static bool see_columns(void *context, const char *const *names, size_t n,
                        struct err *e) {
    (void)names;
    (void)e;
    ((struct seen *)context)->columns_n = n;
    return true;
}

static bool see_row(void *context, const struct cell *cells, size_t n, size_t line,
                    struct err *e) {
    struct seen *s = context;
    (void)line;
    (void)e;
    for (size_t i = 0; i < n; i++)
        s->values[s->n++] = (float)cells[i].number;
    return true;
}

static bool see_rows(void *context, size_t rows_n, struct err *e) {
    (void)context;
    (void)rows_n;
    (void)e;
    return true;
}

/* Of a source that goes column by column. */
static bool see_run(void *context, size_t column, size_t row, const struct cell *cells,
                    size_t n, struct err *e) {
    struct seen *s = context;
    (void)e;
    for (size_t i = 0; i < n; i++)
        s->values[(row + i) * s->columns_n + column] = (float)cells[i].number;
    s->n += n;
    return true;
}

static bool reader_sees(const struct file *f, struct seen *s, struct err *e) {
    const struct table_sink sink = {.columns = see_columns,
                                    .row = see_row,
                                    .context = s,
                                    .rows = see_rows,
                                    .run = see_run};
    struct reader_options options = READER_OPTIONS_DEFAULT;
    options.format = TABLE_NPY;
    struct reader *r = reader_new(&options, &sink, e);
    bool ok = r && reader_feed(r, f->bytes, f->n, e) && reader_end(r, e);
    reader_free(r);
    return ok;
}

/* Data whose floats are of any sign, far apart, and finite. */
static void data_fill(char *data, const char *descr, size_t n) {
    size_t width = (size_t)(descr[2] - '0');
    for (size_t i = 0; i < n * width; i++)
        data[i] = (char)(i * 2654435761u >> 11);
    for (size_t i = 0; i < n; i++) {
        char *top = data + i * width + (descr[0] == '>' ? 0 : width - 1);
        if (descr[1] == 'b')
            *top &= 1;
        if (descr[1] == 'f')
            *top = (char)((*top & 0x80) | (width == 2 ? 0x38 : 0x3f));
    }
}

static void check_as_read(const char *descr, bool fortran, const char *shape) {
    static char data[24 * 8];
    struct array array = {0};
    struct tensor_rows rows = {0};
    struct seen seen = {.n = 0};
    struct err e = {0};
    data_fill(data, descr, 24);
    struct file f = file_new(descr, fortran, shape, data, 24 * (size_t)(descr[2] - '0'));
    bool ok = CHECK_SAY(reader_sees(&f, &seen, &e), "%s %s: %s", descr, shape, e.text);
    net.inputs_n = seen.columns_n;
    model.encoder = (struct encoder){0};
    ok = ok && array_decode_npy(f.bytes, f.n, &array, &e) &&
         array_rows(&array, &model, &rows, &e);
    CHECK_SAY(ok && rows.m * seen.columns_n == 24 && seen.n == 24 &&
                  memcmp(rows.X, seen.values, sizeof(float[24])) == 0,
              "%s %s %d: %s %s", descr, shape, fortran, e.where, e.text);
    tensor_rows_free(&rows);
    array_free(&array);
    free(f.bytes);
}

static void test_types_and_orders(void) {
    static const char *const descrs[] = {"|b1", "|i1", "|u1", "<i2", ">i2", "<u2", ">u2",
                                         "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8",
                                         ">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"};
    static const char *const shapes[] = {
        "(24,)",     "(6, 4)",    "(4, 6)",    "(1, 24)",      "(24, 1)",
        "(2, 3, 4)", "(4, 3, 2)", "(3, 1, 8)", "(2, 2, 2, 3)", "(3, 4, 2, 1)"};
    for (size_t d = 0; d < sizeof descrs / sizeof *descrs; d++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int fortran = 0; fortran < 2; fortran++)
                check_as_read(descrs[d], fortran, shapes[s]);
}

/* ---- rows ----------------------------------------------------------------------- */

/* What the body makes of a model; its error as "where|text" on a failure. */
static void check_rows(bool raw, const void *bytes, size_t n, const char *want) {
    struct array array = {0};
    struct tensor_rows rows = {0};
    struct err e = {0};
    char got[512] = "";
    if (raw)
        array_decode_raw(bytes, n, &array);
    bool ok = (raw || array_decode_npy(bytes, n, &array, &e)) &&
              array_rows(&array, &model, &rows, &e);
    for (size_t i = 0, at = 0; ok && i < rows.m * net.inputs_n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%g",
                               !i                      ? ""
                               : i % net.inputs_n == 0 ? ";"
                                                       : ",",
                               (double)rows.X[i]);
    if (!ok)
        snprintf(got, sizeof got, "%s|%s", e.where, e.text);
    CHECK_TEXT(got, want);
    tensor_rows_free(&rows);
    array_free(&array);
}

static void check_npy(const char *descr, const char *shape, const void *data, size_t n,
                      const char *want) {
    struct file f = file_new(descr, false, shape, data, n);
    check_rows(false, f.bytes, f.n, want);
    free(f.bytes);
}

#define FLOATS(...) (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__})
#define DOUBLES(...) (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__})

static void test_rows(void) {
    net.inputs_n = 2;
    model.encoder = (struct encoder){0};
    check_npy("<f4", "(2, 2)", FLOATS(1, 2, 3, 4), "1,2;3,4");
    check_npy("<f4", "(2,)", FLOATS(1, 2), "1,2");
    check_rows(true, FLOATS(1, 2, 3, 4), "1,2;3,4");
    check_npy("<f4", "(3,)", FLOATS(1, 2, 3), "|expected shape [-1,2], got [3]");
    check_npy("<f4", "(0, 2)", "", 0, "|expected at least one row");
    check_npy("<f8", "(1, 2)", DOUBLES(1, 1e39),
              "/0/1|a number outside float32 (at most 3.4028235e38 in magnitude)");
    check_npy("<f4", "(2, 2)", FLOATS(1, 2, NAN, 4), "/1/0|expected a number, got NaN");
    check_rows(true, FLOATS(1, 2, 3, NAN), "/1/1|expected a number, got NaN");
    check_rows(true, FLOATS(1, -INFINITY),
               "/0/1|a number outside float32 (at most 3.4028235e38 in magnitude)");
    check_rows(true, FLOATS(1, 2, 3),
               "|expected rows of 8 bytes (2 float32), got 12 bytes");
    check_rows(true, "", 0, "|expected rows of 8 bytes (2 float32), got 0 bytes");
    check_npy("<f4", "(2, 2)", FLOATS(1, 2, 3),
              "|expected the FP32 elements of shape [2,2], got 12 bytes");
    check_npy("|b1", "(1, 2)", "\1\2", 2, "/0/1|expected a byte of 0 or 1");
    net.inputs_n = 1;
    check_npy("<f4", "(3,)", FLOATS(1, 2, 3), "1;2;3");
    check_rows(true, FLOATS(1, 2), "1;2");
}

/* Columns of any kind, in the model's order. */
static void test_columns(void) {
    static char *categories[] = {"1", "3"};
    static struct encoder_column columns[] = {
        {.name = "a", .kind = ENCODER_NUMBER, .mean = 7},
        {.name = "b", .kind = ENCODER_BOOLEAN},
        {.name = "c",
         .kind = ENCODER_CATEGORY,
         .categories = categories,
         .categories_n = 2}};
    struct encoder encoder = {.columns = columns, .columns_n = 3};
    struct err e = {0};
    if (!CHECK(encoder_layout(&encoder, &e)))
        return;
    net.inputs_n = encoder.inputs_n;
    model.encoder = encoder;
    check_npy("<f4", "(2, 3)", FLOATS(5, 1, 3, NAN, 0, 1), "5,1,0,1;7,0,1,0");
    check_npy("<i8", "(3,)", ((const int64_t[]){-5, 0, 1}), 24, "-5,0,1,0");
    check_rows(true, FLOATS(5, 1, 3), "5,1,0,1");
    check_rows(true, FLOATS(5, 2, 3), "/0/1|expected true or false, got 2");
    check_rows(true, FLOATS(5, 1), "|expected rows of 12 bytes (3 float32), got 8 bytes");
    check_npy("<f4", "(1, 4)", FLOATS(5, 1, 0, 1), "|expected shape [-1,3], got [1,4]");
    free(encoder.by_name);
    model.encoder = (struct encoder){0};
}

/* Aligned float32 in memory's order is not copied. */
static void test_not_copied(void) {
    struct array array = {0};
    struct tensor_rows rows = {0};
    struct err e = {0};
    net.inputs_n = 2;
    struct file f = file_new("<f4", false, "(1, 2)", FLOATS(1, 2));
    CHECK(array_decode_npy(f.bytes, f.n, &array, &e) &&
          array_rows(&array, &model, &rows, &e));
    CHECK(!rows.owned && (const char *)rows.X == f.bytes + 128);
    tensor_rows_free(&rows);
    array_free(&array);
    float raw[] = {1, 2};
    array_decode_raw((const char *)raw, sizeof raw, &array);
    CHECK(array_rows(&array, &model, &rows, &e) && rows.X == raw);
    tensor_rows_free(&rows);
    array_free(&array);
    free(f.bytes);
}

/* ---- what is no array ------------------------------------------------------------ */

static void check_refused(const char *bytes, size_t n, enum err_kind kind,
                          const char *says) {
    struct array array = {0};
    struct err e = {0};
    CHECK(!array_decode_npy(bytes, n, &array, &e));
    CHECK_SAY(e.kind == kind && strstr(e.text, says), "%d %s", e.kind, e.text);
    array_free(&array);
}

static void test_refused(void) {
    static const struct {
        const char *descr, *shape, *says;
        enum err_kind kind;
    } cases[] = {
        {"<f4", "()", "expected 1 to 8 dimensions, got 0", ERR_INVALID},
        {"<f4", "(1,1,1,1,1,1,1,1,1)", "got 9", ERR_INVALID},
        {"<f4", "(4294967296, 4294967296)", "elements", ERR_TOO_LARGE},
        {"<f4", "(99999999999999999999,)", "overflow", ERR_TOO_LARGE},
        {"<f4", "(268435457,)", "more than 268435456 elements", ERR_TOO_LARGE},
        {"|O", "(1,)", "an array of objects is not accepted", ERR_INVALID},
        {"<c8", "(1,)", "expected a numeric descr such as '<f8', got '<c8'", ERR_INVALID},
        {"<f4", "(1,", "expected a dimension in 'shape'", ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file f = file_new(cases[i].descr, false, cases[i].shape, "\0\0\0\0", 4);
        check_refused(f.bytes, f.n, cases[i].kind, cases[i].says);
        free(f.bytes);
    }
    struct file f = file_new("<f4", false, "(1,)", "\0\0\0\0", 4);
    for (size_t n = 0; n < f.n; n++) { /* cut anywhere; each in a block of its own */
        char *cut = malloc(n ? n : 1);
        if (!cut)
            abort();
        memcpy(cut, f.bytes, n);
        check_refused(cut, n, ERR_INVALID,
                      n < f.n - 4 ? "the npy file ends inside its header" : "got ");
        free(cut);
    }
    f.bytes[1] = 'n';
    check_refused(f.bytes, f.n, ERR_INVALID, "its first bytes are not");
    free(f.bytes);
    check_refused("\x93NUMPY\4\0", 8, ERR_INVALID, "version 4.0");
    check_refused("\x93NUMPY\2\0\0\0\2\0", 12, ERR_TOO_LARGE, "more than 65536 bytes");
}

/* ---- answers -------------------------------------------------------------------- */

static void check_answer(enum task task, size_t outputs_n, size_t m, const float *Y,
                         const char *shape, const float *want, size_t want_n) {
    struct text npy = {0}, raw = {0};
    struct err e = {0};
    char dict[128];
    net.outputs_n = outputs_n;
    model.task = task;
    CHECK(array_encode(ARRAY_NPY, &model, Y, m, &npy, &e) &&
          array_encode(ARRAY_RAW, &model, Y, m, &raw, &e));
    int n = snprintf(dict, sizeof dict,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
    CHECK(npy.n == 128 + raw.n && memcmp(npy.data, "\x93NUMPY\1\0\x76\0", 10) == 0);
    CHECK_SAY(memcmp(npy.data + 10, dict, (size_t)n) == 0, "%.118s", npy.data + 10);
    CHECK(npy.data[126] == ' ' && npy.data[127] == '\n');
    CHECK(raw.n == want_n * sizeof *want && memcmp(raw.data, want, raw.n) == 0);
    CHECK(memcmp(npy.data + 128, raw.data, raw.n) == 0);
    text_free(&npy);
    text_free(&raw);
}

static void test_answers(void) {
    static const float Y[] = {0.25f, 0.75f, 0.5f, 0.125f};
    check_answer(TASK_REGRESSION, 1, 4, Y, "(4,)", Y, 4);
    check_answer(TASK_REGRESSION, 2, 2, Y, "(2, 2)", Y, 4);
    check_answer(TASK_MULTI_CLASS, 4, 1, Y, "(1, 4)", Y, 4);
    check_answer(TASK_MULTI_LABEL, 2, 2, Y, "(2, 2)", Y, 4);
    check_answer(TASK_BINARY, 1, 2, Y, "(2, 2)",
                 (const float[]){0.75f, 0.25f, 0.25f, 0.75f}, 4);
    struct text out = {0};
    struct err e = {0};
    net.outputs_n = 2;
    model.task = TASK_REGRESSION;
    CHECK(!array_encode(ARRAY_RAW, &model, (const float[]){1, 2, 3, INFINITY}, 2, &out,
                        &e));
    CHECK(e.kind == ERR_NUMERIC);
    CHECK_TEXT(e.where, "/1");
    text_free(&out);
    net.outputs_n = 1;
}

int main(void) {
    CHECK_RUN(test_types_and_orders);
    CHECK_RUN(test_rows);
    CHECK_RUN(test_columns);
    CHECK_RUN(test_not_copied);
    CHECK_RUN(test_refused);
    CHECK_RUN(test_answers);
    return check_done();
}
