#include "api/tensor.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* ---- datatypes and shapes ------------------------------------------------------- */

static void test_datatypes(void) {
    static const struct {
        const char *name;
        size_t size;
    } all[DATATYPES_N] = {{"BOOL", 1},   {"UINT8", 1}, {"UINT16", 2}, {"UINT32", 4},
                          {"UINT64", 8}, {"INT8", 1},  {"INT16", 2},  {"INT32", 4},
                          {"INT64", 8},  {"FP16", 2},  {"BF16", 2},   {"FP32", 4},
                          {"FP64", 8},   {"BYTES", 0}};
    enum datatype type;
    for (size_t i = 0; i < DATATYPES_N; i++) {
        CHECK(datatype_find(all[i].name, &type) && type == i);
        CHECK_TEXT(datatype_name(type), all[i].name);
        CHECK(datatype_size(type) == all[i].size);
    }
    CHECK(!datatype_find("fp32", &type) && !datatype_find("", &type));
}

static void test_shapes(void) {
    static const struct {
        struct tensor_shape shape;
        bool ok;
        size_t elements;
        const char *text;
    } cases[] = {
        {{{3}, 1}, true, 3, "[3]"},
        {{{2, 3, 4}, 3}, true, 24, "[2,3,4]"},
        {{{0, 1 << 28, 1 << 28}, 3}, true, 0, "[0,268435456,268435456]"},
        {{{1 << 28}, 1}, true, 1 << 28, "[268435456]"},
        {{{(1 << 28) + 1}, 1}, false, 0, "[268435457]"},
        {{{SIZE_MAX, SIZE_MAX}, 2},
         false,
         0,
         "[18446744073709551615,18446744073709551615]"},
        {{{SIZE_MAX / 2 + 1, 2}, 2}, false, 0, "[9223372036854775808,2]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[TENSOR_SHAPE_TEXT];
        size_t elements = 0;
        CHECK_SAY(tensor_shape_elements(&cases[i].shape, &elements) == cases[i].ok, "%s",
                  cases[i].text);
        CHECK(elements == cases[i].elements);
        CHECK_TEXT(tensor_shape_text(&cases[i].shape, text), cases[i].text);
    }
}

/* ---- JSON data ------------------------------------------------------------------ */

/* A tensor of that JSON data, as stated; false with *e. */
struct made {
    struct tensor t;
    struct tensor_block block;
    float values[64];
};

static bool make_text(struct made *made, enum datatype type, const char *text,
                      const struct tensor_shape *shape, struct err *e) {
    size_t n = strlen(text);
    struct cursor c = {text, text, text + n};
    *made = (struct made){.t = {.name = "x", .place = "/inputs/0", .type = type}};
    if (!CHECK(tensor_block_open(&made->block, n, e)))
        return false;
    return tensor_scan(&c, "/inputs/0/data", &made->block, &made->t, e) &&
           CHECK(c.at == c.end) && (!shape || tensor_reshape(&made->t, shape, e));
}

static bool floats(struct made *made, struct err *e) {
    struct tensor_place to = {made->values, 1, 1, NULL};
    return tensor_floats(&made->t, &made->block, &to, e);
}

static void check_numbers(enum datatype type, const char *text,
                          const struct tensor_shape *shape, const float *want, size_t n) {
    struct made made;
    struct err e = {0};
    bool ok = make_text(&made, type, text, shape, &e) && floats(&made, &e);
    if (CHECK_SAY(ok, "%s: %s %s", text, e.where, e.text) &&
        CHECK(made.t.elements_n == n))
        CHECK_SAY(memcmp(made.values, want, n * sizeof *want) == 0, "%s: %.9g, ...", text,
                  (double)made.values[0]);
    tensor_block_free(&made.block);
}

static const struct tensor_shape flat6 = {{6}, 1}, two_three = {{2, 3}, 2},
                                 one = {{1}, 1}, two = {{2}, 1};

/* WIRE: row-major, nested or flat; the same elements either way. */
static void test_nested_or_flat(void) {
    static const float want[] = {1, 2.5f, -3, 4e10f, 0, 6};
    check_numbers(DATATYPE_FP32, "[1, 2.5,-3 ,4e10,0,6]", &flat6, want, 6);
    check_numbers(DATATYPE_FP32, "[1,2.5,-3,4e10,0,6]", &two_three, want, 6);
    check_numbers(DATATYPE_FP32, "[[1,2.5,-3],\n[4e10,0,6]]", &two_three, want, 6);
    check_numbers(DATATYPE_FP64, "[[1,2.5,-3],[4e10,0,6]]", &two_three, want, 6);
    struct tensor_shape cube = {{2, 3, 1}, 3};
    check_numbers(DATATYPE_FP32, " [[[1],[2.5],[-3]] , [[4e10],[0],[6]]]", &cube, want,
                  6);
}

/* Each datatype takes its own range, whatever the spelling of its numbers. */
static void test_json_datatypes(void) {
    check_numbers(DATATYPE_UINT8, "[0,255]", &two, (float[]){0, 255}, 2);
    check_numbers(DATATYPE_INT8, "[-128,127]", &two, (float[]){-128, 127}, 2);
    check_numbers(DATATYPE_UINT16, "[65535,1e3]", &two, (float[]){65535, 1000}, 2);
    check_numbers(DATATYPE_INT16, "[-32768,32767]", &two, (float[]){-32768, 32767}, 2);
    check_numbers(DATATYPE_UINT32, "[4294967295,7.0]", &two, (float[]){4294967296.0f, 7},
                  2);
    check_numbers(DATATYPE_INT32, "[-2147483648,2147483647]", &two,
                  (float[]){-2147483648.0f, 2147483648.0f}, 2);
    check_numbers(DATATYPE_UINT64, "[18446744073709551615,-0]", &two,
                  (float[]){18446744073709551616.0f, 0}, 2);
    check_numbers(DATATYPE_INT64, "[-9223372036854775808,9007199791611905]", &two,
                  (float[]){-9223372036854775808.0f, 9007200328482816.0f}, 2);
    check_numbers(DATATYPE_BOOL, "[true,false]", &two, (float[]){1, 0}, 2);
    check_numbers(DATATYPE_BOOL, "[1,0]", &two, (float[]){1, 0}, 2);
    check_numbers(DATATYPE_FP32, "[-0.0,3.4028235e38]", &two, (float[]){-0.0f, FLT_MAX},
                  2);
    check_numbers(DATATYPE_FP64, "[0.1,1e-50]", &two, (float[]){0.1f, 0}, 2);
}

/* Long arrays go another way to the same numbers, wherever they stand among others. */
static void test_long(void) {
    enum { ROWS = 300, COLUMNS = 7, BYTES = ROWS * COLUMNS * 16 };
    char *text = malloc(3 * BYTES);
    struct tensor tensors[3] = {0};
    struct tensor_block block = {0};
    struct err e = {0};
    if (!CHECK(text))
        return;
    char *end = text;
    for (int k = 0; k < 3; k++) { /* flat, nested, flat */
        *end++ = '[';
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            const char *open = k == 1 && i % COLUMNS == 0 ? "[" : "";
            const char *close = k == 1 && i % COLUMNS == COLUMNS - 1 ? "]" : "";
            end += sprintf(end, "%s%s%.7g%s", i ? "," : "", open,
                           (i - 900) * 0.37 * k + i, close);
        }
        *end++ = ']';
    }
    struct cursor c = {text, text, end};
    CHECK(tensor_block_open(&block, (size_t)(end - text), &e));
    for (int k = 0; k < 3; k++)
        CHECK_SAY(tensor_scan(&c, "/d", &block, &tensors[k], &e), "%d: %s", k, e.text);
    CHECK(c.at == end);
    for (int k = 0; k < 3; k++) {
        const struct tensor *t = &tensors[k];
        CHECK(t->rounded && t->elements_n == ROWS * COLUMNS);
        CHECK(k == 1 ? t->shape.n == 2 && t->shape.dims[1] == COLUMNS : t->shape.n == 1);
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            char number[32];
            snprintf(number, sizeof number, "%.7g", (i - 900) * 0.37 * k + i);
            if (!CHECK_SAY(block.values[t->rounded_at + (size_t)i] ==
                               strtof(number, NULL),
                           "%d of %d", i, k))
                break;
        }
    }
    tensor_block_free(&block);
    /* One wrong element far behind. */
    while (end[-1] != ',')
        end--;
    memcpy(end, "true]", 5);
    end += 5;
    c = (struct cursor){text, tensors[2].text, end};
    if (CHECK(tensor_block_open(&block, (size_t)(end - text), &e)) &&
        CHECK_SAY(tensor_scan(&c, "/d", &block, &tensors[0], &e), "%s %s", e.where,
                  e.text))
        CHECK(!tensors[0].rounded && tensors[0].shape.n == 1);
    tensor_block_free(&block);
    free(text);
}

static void check_refused(enum datatype type, const char *text,
                          const struct tensor_shape *shape, enum err_kind kind,
                          const char *where, const char *says) {
    struct made made;
    struct err e = {0};
    bool ok = make_text(&made, type, text, shape, &e) && floats(&made, &e);
    CHECK_SAY(!ok && e.kind == kind, "%s: kind %d", text, e.kind);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, says), "%s: \"%s\" has no \"%s\"", text, e.text, says);
    tensor_block_free(&made.block);
}

#define DATA "/inputs/0/data"

static void test_json_refused(void) {
    enum datatype f = DATATYPE_FP32;
    check_refused(f, "[1,2,3]", &two, ERR_INVALID, DATA, "expected the elements of");
    check_refused(f, "[1]", &two, ERR_INVALID, DATA, "got 1");
    check_refused(f, "[]", &one, ERR_INVALID, DATA, "got 0");
    check_refused(f, "[[1,2,3],[4,5]]", &two_three, ERR_INVALID, DATA "/1",
                  "expected 3 elements, got 2");
    check_refused(f, "[[1,2],[3,4],[5,6]]", &two_three, ERR_INVALID, DATA,
                  "nested as [2,3], got [3,2]");
    check_refused(f, "[[[1,2,3],[4,5,6]]]", &two_three, ERR_INVALID, DATA, "[1,2,3]");
    check_refused(f, "[1,[2]]", &two, ERR_INVALID, DATA "/1", "got an array");
    check_refused(f, "[[1],2]", &two, ERR_INVALID, DATA "/1", "expected an array");
    check_refused(f, "[[1],[]]", &two, ERR_INVALID, DATA "/1", "got 0");
    check_refused(f, "[[],[1]]", &two, ERR_INVALID, DATA "/1", "got 1");
    check_refused(f, "[[[]],[]]", &two, ERR_INVALID, DATA "/1", "expected arrays");
    check_refused(f, "[1,{}]", &two, ERR_INVALID, DATA "/1", "got an object");
    check_refused(f, "[1,\"2\"]", &two, ERR_INVALID, DATA "/1", "got a string");
    check_refused(f, "[[1,2,3],[4,5,true]]", &two_three, ERR_INVALID, DATA "/1/2",
                  "got a boolean");
    check_refused(f, "[1,2,3,4,5,true]", &two_three, ERR_INVALID, DATA "/5",
                  "got a boolean");
    check_refused(f, "[1,null]", &two, ERR_INVALID, DATA "/1", "expected a number");
    check_refused(f, "[1,1e39]", &two, ERR_RANGE, DATA "/1", "float32");
    check_refused(f, "[[[[[[[[[1]]]]]]]]]", &one, ERR_INVALID, DATA "/0/0/0/0/0/0/0/0",
                  "more than 8 levels");
    check_refused(f, "{}", &one, ERR_INVALID, DATA, "expected an array");
    check_refused(f, "[1 2]", &two, ERR_INVALID, "line 1, column 4", "',' or ']'");
    check_refused(f, "[1,]", &two, ERR_INVALID, "line 1, column 4", "a value");
    check_refused(f, "[1", &one, ERR_INVALID, "line 1, column 3", "the end");
    check_refused(f, "[01]", &one, ERR_INVALID, "line 1, column 2", "not a JSON number");
    check_refused(f, "[NaN]", &one, ERR_INVALID, DATA "/0", "got null or NaN");
    check_refused(f, "[1,NaN ]", &two, ERR_INVALID, DATA "/1", "got null or NaN");
    check_refused(f, "[NaNs]", &one, ERR_INVALID, "line 1, column 5", "',' or ']'");
    check_refused(f, "[-NaN]", &one, ERR_INVALID, "line 1, column 2", "");
    check_refused(f, "[Infinity]", &one, ERR_INVALID, "line 1, column 2", "Infinity");
    check_refused(DATATYPE_INT32, "[NaN]", &one, ERR_INVALID, DATA "/0", "a number");
    check_refused(DATATYPE_BOOL, "[NaN]", &one, ERR_INVALID, DATA "/0", "true or false");
    check_refused(DATATYPE_FP64, "[1e300]", &one, ERR_RANGE, DATA "/0", "float32");
    check_refused(DATATYPE_UINT8, "[256]", &one, ERR_RANGE, DATA "/0", "UINT8");
    check_refused(DATATYPE_UINT8, "[-1]", &one, ERR_RANGE, DATA "/0", "-1 is outside");
    check_refused(DATATYPE_INT8, "[-129]", &one, ERR_RANGE, DATA "/0", "INT8");
    check_refused(DATATYPE_INT64, "[9223372036854775808]", &one, ERR_RANGE, DATA "/0",
                  "INT64");
    check_refused(DATATYPE_UINT64, "[18446744073709551616]", &one, ERR_RANGE, DATA "/0",
                  "datatype");
    check_refused(DATATYPE_INT32, "[1.5]", &one, ERR_INVALID, DATA "/0", "whole");
    check_refused(DATATYPE_INT32, "[true]", &one, ERR_INVALID, DATA "/0", "a number");
    check_refused(DATATYPE_BOOL, "[2]", &one, ERR_INVALID, DATA "/0", "true, false");
    check_refused(DATATYPE_BOOL, "[\"true\"]", &one, ERR_INVALID, DATA "/0", "a string");
    check_refused(DATATYPE_BYTES, "[\"a\"]", &one, ERR_INVALID, "/inputs/0/data",
                  "BYTES");
}

/* ---- bytes ---------------------------------------------------------------------- */

static bool make_bytes(struct made *made, enum datatype type, const void *bytes, size_t n,
                       const struct tensor_shape *shape, struct err *e) {
    *made = (struct made){
        .t = {.place = "/inputs/0", .path = DATA, .type = type, .shape = *shape}};
    return tensor_take_bytes(&made->t, bytes, n, e);
}

static void check_bytes(enum datatype type, const void *bytes, size_t n,
                        const float want[2]) {
    /* Behind an odd address: a tensor may stand anywhere in a body. */
    unsigned char body[64];
    struct made made;
    struct err e = {0};
    memcpy(body + 1, bytes, n);
    if (CHECK_SAY(make_bytes(&made, type, body + 1, n, &two, &e) && floats(&made, &e),
                  "%s: %s", datatype_name(type), e.text))
        CHECK_SAY(memcmp(made.values, want, 8) == 0, "%s: %.9g %.9g", datatype_name(type),
                  (double)made.values[0], (double)made.values[1]);
    CHECK(!make_bytes(&made, type, body + 1, n - 1, &two, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, DATA);
    e = (struct err){0};
    CHECK(!make_bytes(&made, type, body + 1, n + 1, &two, &e));
}

static void test_binary_datatypes(void) {
    check_bytes(DATATYPE_BOOL, (uint8_t[]){1, 0}, 2, (float[]){1, 0});
    check_bytes(DATATYPE_UINT8, (uint8_t[]){255, 7}, 2, (float[]){255, 7});
    check_bytes(DATATYPE_INT8, (int8_t[]){-128, 127}, 2, (float[]){-128, 127});
    check_bytes(DATATYPE_UINT16, (uint16_t[]){65535, 1}, 4, (float[]){65535, 1});
    check_bytes(DATATYPE_INT16, (int16_t[]){-32768, 5}, 4, (float[]){-32768, 5});
    check_bytes(DATATYPE_UINT32, (uint32_t[]){UINT32_MAX, 9}, 8,
                (float[]){4294967296.0f, 9});
    check_bytes(DATATYPE_INT32, (int32_t[]){INT32_MIN, -9}, 8,
                (float[]){-2147483648.0f, -9});
    check_bytes(DATATYPE_UINT64, (uint64_t[]){UINT64_MAX, 3}, 16,
                (float[]){18446744073709551616.0f, 3});
    check_bytes(DATATYPE_INT64, (int64_t[]){INT64_MIN, 9007199791611905}, 16,
                (float[]){-9223372036854775808.0f, 9007200328482816.0f});
    check_bytes(DATATYPE_FP16, (uint16_t[]){0x3555, 0xfbff}, 4,
                (float[]){0.333251953125f, -65504});
    check_bytes(DATATYPE_BF16, (uint16_t[]){0x3f80, 0xc049}, 4, (float[]){1, -3.140625f});
    check_bytes(DATATYPE_FP32, (float[]){0.1f, FLT_MIN / 4}, 8,
                (float[]){0.1f, FLT_MIN / 4});
    check_bytes(DATATYPE_FP64, (double[]){0.1, -1e38}, 16, (float[]){0.1f, -1e38f});
}

static void check_bytes_refused(enum datatype type, const void *bytes, size_t n,
                                enum err_kind kind, const char *says) {
    struct made made;
    struct err e = {0};
    struct tensor_shape shape = {{2}, 1};
    CHECK(!(make_bytes(&made, type, bytes, n, &shape, &e) && floats(&made, &e)));
    CHECK_SAY(e.kind == kind && strstr(e.text, says), "%s: %s", datatype_name(type),
              e.text);
    CHECK_TEXT(e.where, DATA "/1");
}

static void test_binary_refused(void) {
    check_bytes_refused(DATATYPE_BOOL, (uint8_t[]){1, 2}, 2, ERR_INVALID, "0 or 1");
    check_bytes_refused(DATATYPE_FP32, (float[]){1, NAN}, 8, ERR_INVALID, "NaN");
    check_bytes_refused(DATATYPE_FP32, (float[]){1, INFINITY}, 8, ERR_RANGE, "float32");
    check_bytes_refused(DATATYPE_FP64, (double[]){1, 1e39}, 16, ERR_RANGE, "float32");
    check_bytes_refused(DATATYPE_FP16, (uint16_t[]){1, 0x7c00}, 4, ERR_RANGE, "float32");
    check_bytes_refused(DATATYPE_BF16, (uint16_t[]){1, 0x7fc0}, 4, ERR_INVALID, "NaN");
}

/* Aligned finite float32 is used where it lies; nothing else is. */
static void test_borrow(void) {
    float values[] = {1, 2, 3};
    struct made made;
    struct err e = {0};
    CHECK(make_bytes(&made, DATATYPE_FP32, values, 8, &two, &e));
    CHECK(tensor_borrow(&made.t, &made.block) == values);
    CHECK(make_bytes(&made, DATATYPE_FP32, (char *)values + 1, 8, &two, &e));
    CHECK(!tensor_borrow(&made.t, &made.block));
    CHECK(make_bytes(&made, DATATYPE_INT32, values, 8, &two, &e));
    CHECK(!tensor_borrow(&made.t, &made.block));
    values[1] = NAN;
    CHECK(make_bytes(&made, DATATYPE_FP32, values, 8, &two, &e));
    CHECK(!tensor_borrow(&made.t, &made.block));
    if (CHECK(make_text(&made, DATATYPE_FP32, "[5,6]", &two, &e)))
        CHECK(tensor_borrow(&made.t, &made.block) == made.block.values &&
              made.block.values[1] == 6);
    tensor_block_free(&made.block);
}

/* ---- cells ---------------------------------------------------------------------- */

static void check_cells(struct tensor *t, const char *const *want, size_t n) {
    struct tensor_cells cells = {.tensor = t};
    struct err e = {0};
    struct cell cell;
    if (!CHECK(t->elements_n == n))
        return;
    for (size_t i = 0; i < n; i++) {
        if (!CHECK_SAY(tensor_cells_next(&cells, &cell, &e), "%s %s", e.where, e.text))
            break;
        if (!want[i])
            CHECK(cell.kind == CELL_MISSING);
        else
            CHECK_SAY(cell.text && cell.text_n == strlen(want[i]) &&
                          memcmp(cell.text, want[i], cell.text_n) == 0,
                      "%.*s, not %s", (int)cell.text_n, cell.text, want[i]);
    }
    tensor_cells_free(&cells);
}

static void test_cells(void) {
    static const unsigned char bytes[] = "\x02\0\0\0ab\0\0\0\0\x03\0\0\0\xe2\x82\xac";
    struct tensor_shape three = {{3, 1}, 2};
    struct made made;
    struct err e = {0};
    if (CHECK(make_text(&made, DATATYPE_BYTES, "[\"ab\",\"\",\"\\u20ac\"]", &three, &e)))
        check_cells(&made.t, (const char *const[]){"ab", "", "\xe2\x82\xac"}, 3);
    tensor_block_free(&made.block);
    if (CHECK(make_bytes(&made, DATATYPE_BYTES, bytes, sizeof bytes - 1, &three, &e)))
        check_cells(&made.t, (const char *const[]){"ab", "", "\xe2\x82\xac"}, 3);
    if (CHECK(make_text(&made, DATATYPE_BYTES, "[[\"x\"],[null],[\"y\"]]", &three, &e)))
        check_cells(&made.t, (const char *const[]){"x", NULL, "y"}, 3);
    tensor_block_free(&made.block);
    if (CHECK(make_text(&made, DATATYPE_INT64, "[-3,9007199254740993,1e2]", &three, &e)))
        check_cells(&made.t, (const char *const[]){"-3", "9007199254740993", "100"}, 3);
    tensor_block_free(&made.block);
    int16_t whole[] = {-3, 0, 700};
    if (CHECK(make_bytes(&made, DATATYPE_INT16, whole, sizeof whole, &three, &e)))
        check_cells(&made.t, (const char *const[]){"-3", "0", "700"}, 3);
    if (CHECK(make_bytes(&made, DATATYPE_BOOL, "\1\0\1", 3, &three, &e)))
        check_cells(&made.t, (const char *const[]){"true", "false", "true"}, 3);
}

static void test_binary_strings_refused(void) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *where, *says;
    } bad[] = {
        {"\1\0\0\0a", 5, DATA "/1", "ends within"},
        {"\1\0\0\0a\1\0\0", 8, DATA "/1", "ends within"},
        {"\1\0\0\0a\2\0\0\0b", 10, DATA "/1", "ends within"},
        {"\1\0\0\0a\xff\xff\xff\xff", 9, DATA "/1", "ends within"},
        {"\1\0\0\0a\0\0\0\0b", 10, DATA, "1 bytes of binary data more"},
    };
    struct made made;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        CHECK(!make_bytes(&made, DATATYPE_BYTES, bad[i].bytes, bad[i].n, &two, &e));
        CHECK_TEXT(e.where, bad[i].where);
        CHECK_SAY(strstr(e.text, bad[i].says), "%s", e.text);
    }
    struct err e = {0};
    struct cell cell;
    if (CHECK(make_bytes(&made, DATATYPE_BYTES, "\1\0\0\0a\1\0\0\0\xff", 10, &two, &e))) {
        struct tensor_cells cells = {.tensor = &made.t};
        CHECK(tensor_cells_next(&cells, &cell, &e));
        CHECK(!tensor_cells_next(&cells, &cell, &e) && e.kind == ERR_INVALID);
        CHECK_TEXT(e.where, DATA "/1");
    }
}

int main(void) {
    CHECK_RUN(test_datatypes);
    CHECK_RUN(test_shapes);
    CHECK_RUN(test_nested_or_flat);
    CHECK_RUN(test_long);
    CHECK_RUN(test_json_datatypes);
    CHECK_RUN(test_json_refused);
    CHECK_RUN(test_binary_datatypes);
    CHECK_RUN(test_binary_refused);
    CHECK_RUN(test_borrow);
    CHECK_RUN(test_cells);
    CHECK_RUN(test_binary_strings_refused);
    return check_done();
}
