/* npy and IDX. */
#include "api/reader.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/unit/api/test_reader.h"

struct file {
    char bytes[8192];
    size_t n;
};

static void file_add(struct file *f, const void *bytes, size_t n) {
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static struct file npy_new(int version, const char *header) {
    struct file f = {.n = 0};
    size_t n = strlen(header);
    const unsigned char length[] = {(unsigned char)n, (unsigned char)(n >> 8), 0, 0};
    file_add(&f, "\x93NUMPY", 6);
    f.bytes[f.n++] = (char)version;
    f.bytes[f.n++] = 0;
    file_add(&f, length, version == 1 ? 2 : 4);
    file_add(&f, header, n);
    return f;
}

static struct file npy_dict(const char *descr, const char *fortran, const char *shape) {
    char header[256];
    snprintf(header, sizeof header,
             "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }       \n", descr,
             fortran, shape);
    return npy_new(1, header);
}

static void check_npy(const char *descr, const char *shape, const void *data, size_t n,
                      const char *want) {
    struct file f = npy_dict(descr, "False", shape);
    file_add(&f, data, n);
    check_read_as(f.bytes, f.n, &DEFAULTS, want);
}

static void test_types(void) {
    check_npy("|b1", "(3,)", "\0\1\0", 3, "[1]\n0: F\n0: T\n0: F\n");
    check_npy("|i1", "(1, 2)", "\x7f\x80", 2, "[2]\n0: 127 -128\n");
    check_npy("|u1", "(2,)", "\x7f\xff", 2, "[1]\n0: 127\n0: 255\n");
    check_npy("<u1", "(1,)", "\x05", 1, "[1]\n0: 5\n");
    check_npy("<i2", "(2,)", "\x01\x00\xff\xff", 4, "[1]\n0: 1\n0: -1\n");
    check_npy(">i2", "(2,)", "\x00\x01\xff\xfe", 4, "[1]\n0: 1\n0: -2\n");
    check_npy("<u2", "(2,)", "\x01\x00\xff\xff", 4, "[1]\n0: 1\n0: 65535\n");
    check_npy("<i4", "(1,)", "\xfe\xff\xff\xff", 4, "[1]\n0: -2\n");
    check_npy(">u4", "(1,)", "\xff\xff\xff\xfe", 4, "[1]\n0: 4294967294\n");
    check_npy("<i8", "(1,)", "\xfd\xff\xff\xff\xff\xff\xff\xff", 8, "[1]\n0: -3\n");
    check_npy(">i8", "(1,)", "\0\0\0\1\0\0\0\0", 8, "[1]\n0: 4294967296\n");
    check_npy("<u8", "(1,)", "\0\0\0\0\0\0\0\x80", 8, "[1]\n0: 9.22337203685478e+18\n");
    check_npy("<f4", "(1, 2)", "\0\0\xc0\x3f\0\0\x20\xc1", 8, "[2]\n0: 1.5 -10\n");
    check_npy(">f4", "(1,)", "\x3f\xc0\0\0", 4, "[1]\n0: 1.5\n");
    check_npy("<f8", "(1,)", "\0\0\0\0\0\0\x04\xc0", 8, "[1]\n0: -2.5\n");
    check_npy(">f8", "(1,)", "\xc0\x04\0\0\0\0\0\0", 8, "[1]\n0: -2.5\n");
    /* binary16: 1, -2, the largest, the smallest, the largest below the normal ones, -0
     */
    check_npy("<f2", "(2, 3)", "\0\x3c\0\xc0\xff\x7b\x01\x00\xff\x03\0\x80", 12,
              "[3]\n0: 1 -2 65504\n0: 5.96046447753906e-08 6.09755516052246e-05 -0\n");
    check_npy(">f2", "(1,)", "\x35\x55", 2, "[1]\n0: 0.333251953125\n");
}

static void test_not_finite(void) {
    check_npy("<f4", "(2, 2)", "\0\0\xc0\x7f\0\0\x80\x3f\0\0\x80\x3f\0\0\xc0\x7f", 16,
              "[2]\n0: _ 1\n0: 1 _\n");
    check_npy("<f4", "(2,)", "\0\0\xc0\x7f\0\0\x80\x3f", 8, "[1]\n0: _\n0: 1\n");
    check_npy(
        "<f4", "(2, 2)", "\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\xff", 16,
        "[2]\n0: 1 1\n! row 2, column 2: expected a finite number, got -infinity\n");
    check_npy("<f2", "(2,)", "\0\x7e\0\x7c", 4,
              "[1]\n0: _\n! row 2, column 1: expected a finite number, got infinity\n");
    check_npy("|b1", "(1, 2)", "\1\2", 2,
              "[2]\n! row 1, column 2: expected a boolean, 0 or 1, got 2\n");
}

static void test_shapes(void) {
    check_npy("|u1", "(2, 2, 3)", "\0\1\2\3\4\5\6\7\10\11\12\13", 12,
              "[6]\n0: 0 1 2 3 4 5\n0: 6 7 8 9 10 11\n");
    check_npy("|u1", "(0, 3)", "", 0, "[3]\n");
    check_npy("|u1", "(2L, 1L)", "\1\2", 2, "[1]\n0: 1\n0: 2\n");
    check_npy("|u1", "()", "\1", 1, "! : expected 1 or 2 dimensions, got none\n");
    check_npy("|u1", "(3, 0)", "", 0, "! : an array without columns\n");
    check_npy("<f8", "(4, 18446744073709551616)", "", 0, "! : the dimensions overflow\n");
    check_npy("<f8", "(4611686018427387904, 2)", "", 0, "! : the dimensions overflow\n");
    check_npy("<f8", "(2, 4294967296, 4294967296)", "", 0,
              "! : the dimensions overflow\n");
    check_npy("<f8", "(2, 65537)", "", 0, "! : more than 65536 columns\n");
}

/* Element (i, j, k) of (2, 3, 2) is 100i + 10j + k; the first index runs fastest. */
static void test_fortran(void) {
    static const unsigned char data[] = {0, 100, 10, 110, 20, 120,
                                         1, 101, 11, 111, 21, 121};
    struct file f = npy_dict("|u1", "True", "(2, 3, 2)");
    file_add(&f, data, sizeof data);
    check_read_as(f.bytes, f.n, &DEFAULTS,
                  "[6]\nx 2\n0: 0 100\n2: 10 110\n4: 20 120\n1: 1 101\n3: 11 111\n"
                  "5: 21 121");
    f = npy_dict(">i2", "True", "(3, 2)");
    file_add(&f, "\0\1\0\2\0\3\0\4\0\5\0\6", 12);
    check_read_as(f.bytes, f.n, &DEFAULTS, "[2]\nx 3\n0: 1 2 3\n1: 4 5 6");
    f = npy_dict("|u1", "True", "(3,)");
    file_add(&f, "\1\2\3", 3);
    check_read_as(f.bytes, f.n, &DEFAULTS, "[1]\n0: 1\n0: 2\n0: 3\n");
    f = npy_dict("|b1", "True", "(2, 2)");
    file_add(&f, "\0\1\1\2", 4);
    check_read_as(f.bytes, f.n - 1, &DEFAULTS,
                  "[2]\nx 2\n0: F T\n1: T! : the file ends inside the array: expected 4 "
                  "bytes of data, got 3\n");
}

/* A missing cell and what cannot be, at their places, and no trace of either behind. */
static void test_fortran_cells(void) {
    const float numbers[] = {1, NAN, 3, 4, 5, INFINITY};
    struct file f = npy_dict("<f4", "True", "(2, 3)");
    file_add(&f, numbers, sizeof numbers);
    struct err e;
    char *got = read_notes(f.bytes, f.n, &DEFAULTS, CUT_BYTES, &e);
    CHECK_TEXT(got, "[3]\nx 2\n0: 1 _\n1: 3 4\n2: 5! row 2, column 3: expected a finite "
                    "number, got infinity\n");
    free(got);
}

/* More rows than go in a run. */
static void test_fortran_runs(void) {
    enum { ROWS = 2500, COLUMNS = 3 };
    struct file f = npy_dict("|u1", "True", "(2500, 3)");
    struct text want = {0};
    text_format(&want, "[%d]\nx %d", COLUMNS, ROWS);
    for (int c = 0; c < COLUMNS; c++) {
        text_format(&want, "\n%d:", c);
        for (int row = 0; row < ROWS; row++) {
            f.bytes[f.n++] = (char)(row % 50 + c * 40);
            text_format(&want, " %d", row % 50 + c * 40);
        }
    }
    char *notes = text_take(&want);
    check_read_as(f.bytes, f.n, &DEFAULTS, notes);
    free(notes);
}

static void test_versions(void) {
    static const char header[] = "{\"shape\":(1,),'fortran_order':False,'descr':'|u1'}";
    for (int version = 1; version <= 3; version++) {
        struct file f = npy_new(version, header);
        file_add(&f, "\5", 1);
        check_read_as(f.bytes, f.n, &DEFAULTS, "[1]\n0: 5\n");
    }
    struct file f = npy_new(4, header);
    check_refused(f.bytes, f.n, ERR_INVALID,
                  "! : version 4.0 of npy: versions 1.0, 2.0 and 3.0 are read\n");
    f = npy_new(2, header);
    f.bytes[11] = 1;
    check_refused(f.bytes, f.n, ERR_TOO_LARGE,
                  "! : an npy header of more than 65536 bytes\n");
}

static void check_header(const char *header, const char *why) {
    char want[256];
    struct file f = npy_new(1, header);
    snprintf(want, sizeof want, "! : the npy header: %s\n", why);
    check_refused(f.bytes, f.n, ERR_INVALID, want);
}

static void test_header(void) {
    check_header("", "expected a dict");
    check_header("[1]", "expected a dict");
    check_header("{}", "one of 'descr', 'fortran_order' and 'shape' is missing");
    check_header("{'descr':'<f8','shape':(1,)}",
                 "one of 'descr', 'fortran_order' and 'shape' is missing");
    check_header("{'descr':'<f8','descr':'<f8'}", "a key stands twice");
    check_header("{'descr':'<f8','x':1}",
                 "expected the keys 'descr', 'fortran_order' and 'shape' alone");
    check_header("{'descr':'<f8' 'shape':(1,)}", "expected ',' or '}'");
    check_header("{'descr':'<f8','fortran_order':False,'shape':(1,)} x",
                 "something stands behind the dict");
    check_header("{'descr':'|O'}", "an array of objects is not accepted");
    check_header("{'descr':[('a','<f8')]}", "a structured array is not accepted");
    check_header("{'descr':'<U4'}", "expected a numeric descr such as '<f8', got '<U4'");
    check_header("{'descr':'<c8'}", "expected a numeric descr such as '<f8', got '<c8'");
    check_header("{'descr':'|f8'}", "expected a numeric descr such as '<f8', got '|f8'");
    check_header("{'descr':'<f16'}",
                 "expected a numeric descr such as '<f8', got '<f16'");
    check_header("{'descr':'<i3'}", "expected a numeric descr such as '<f8', got '<i3'");
    check_header("{'descr':'<f8", "expected a string behind 'descr'");
    check_header("{'fortran_order':0}", "expected True or False behind 'fortran_order'");
    check_header("{'shape':[1]}", "expected a tuple behind 'shape'");
    check_header("{'shape':(1 2)}", "expected ',' or ')' in 'shape'");
    check_header("{'shape':(-1,)}", "expected a dimension in 'shape'");
}

static void test_npy_length(void) {
    static const unsigned char data[] = {1, 2, 3, 4, 5, 6};
    struct file f = npy_dict("|u1", "False", "(3, 2)");
    file_add(&f, data, 6);
    for (size_t n = 0; n < f.n; n++) {
        char *got = read_notes(f.bytes, n, &DEFAULTS, CUT_WHOLE, NULL);
        CHECK_SAY(strstr(got, "! "), "%zu bytes: %s", n, got);
        check_read_as(f.bytes, n, &DEFAULTS, got);
        free(got);
    }
    f.bytes[f.n++] = 7;
    check_read_as(f.bytes, f.n, &DEFAULTS,
                  "[2]\n0: 1 2\n0: 3 4\n0: 5 6\n"
                  "! : bytes behind the array: its header says 6 bytes of data\n");
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.format = TABLE_NPY;
    check_read_as("\x93NUMPZ\1\0", 8, &o,
                  "! : not an npy file: its first bytes are not \\x93NUMPY\n");
    check_read_as("\x93NU", 3, &DEFAULTS, "! : the file ends inside its header\n");
}

static void check_idx(const char *bytes, size_t n, const char *want) {
    check_read_as(bytes, n, &DEFAULTS, want);
}

static void test_idx(void) {
    check_idx("\0\0\x08\1\0\0\0\3\1\2\xff", 11, "[1]\n0: 1\n0: 2\n0: 255\n");
    check_idx("\0\0\x09\1\0\0\0\1\xff", 9, "[1]\n0: -1\n");
    check_idx("\0\0\x0b\2\0\0\0\1\0\0\0\2\0\1\xff\xfe", 16, "[2]\n0: 1 -2\n");
    check_idx("\0\0\x0c\1\0\0\0\1\0\0\1\0", 12, "[1]\n0: 256\n");
    check_idx("\0\0\x0d\1\0\0\0\2\x3f\xc0\0\0\x7f\xc0\0\0", 16, "[1]\n0: 1.5\n0: _\n");
    check_idx("\0\0\x0e\1\0\0\0\1\xc0\x04\0\0\0\0\0\0", 16, "[1]\n0: -2.5\n");
    check_idx("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2\1\2\3\4", 20, "[2]\n0: 1 2\n0: 3 4\n");
}

static void test_idx_refused(void) {
    check_refused("\0\0\x0a\1\0\0\0\1\1", 9, ERR_INVALID,
                  "! : 0x0a is no type of an IDX file\n");
    check_refused("\0\0\x08\0", 4, ERR_INVALID,
                  "! : expected 1 to 32 dimensions, got 0\n");
    check_refused("\0\0\x08\xff", 4, ERR_INVALID,
                  "! : expected 1 to 32 dimensions, got 255\n");
    check_refused("\0\0\x08\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16,
                  ERR_TOO_LARGE, "! : more than 65536 columns\n");
    check_refused("\0\0\x08\4\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                  20, ERR_TOO_LARGE, "! : the dimensions overflow\n");
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.format = TABLE_IDX;
    check_read_as("\0\1\x08\1", 4, &o,
                  "! : not an IDX file: its first bytes are not 0\n");
    static const char file[] = "\0\0\x08\2\0\0\0\2\0\0\0\2\1\2\3\4";
    for (size_t n = 0; n < sizeof file - 1; n++) {
        char *got = read_notes(file, n, &DEFAULTS, CUT_WHOLE, NULL);
        CHECK_SAY(strstr(got, "! "), "%zu bytes: %s", n, got);
        check_read_as(file, n, &DEFAULTS, got);
        free(got);
    }
}

int main(void) {
    CHECK_RUN(test_types);
    CHECK_RUN(test_not_finite);
    CHECK_RUN(test_shapes);
    CHECK_RUN(test_fortran);
    CHECK_RUN(test_fortran_cells);
    CHECK_RUN(test_fortran_runs);
    CHECK_RUN(test_versions);
    CHECK_RUN(test_header);
    CHECK_RUN(test_npy_length);
    CHECK_RUN(test_idx);
    CHECK_RUN(test_idx_refused);
    return check_done();
}
