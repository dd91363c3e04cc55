#include "api/tensor_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/api/test_encoder.h"
#include "tests/unit/check.h"

static struct net net = {.outputs_n = 1};
static struct model model = {.net = &net};

/* Named columns, all numbers. */
static struct encoder encoder_xy(void) {
    static struct encoder_column columns[] = {{.name = "x", .mean = 7},
                                              {.name = "y", .missing_refused = true}};
    struct encoder enc = {.columns = columns, .columns_n = 2};
    struct err e = {0};
    CHECK(encoder_layout(&enc, &e));
    return enc;
}

/* The tensors of a request, from JSON data or bytes. */
struct part {
    const char *name;
    enum datatype type;
    struct tensor_shape shape;
    const char *text; /* or bytes: */
    const void *bytes;
    size_t bytes_n;
};

static bool rows_of(const struct part *parts, size_t n, struct tensor_rows *rows,
                    struct tensor_block *block, struct err *e) {
    static const char *const places[] = {"/inputs/0", "/inputs/1", "/inputs/2",
                                         "/inputs/3"};
    static const char *const paths[] = {"/inputs/0/data", "/inputs/1/data",
                                        "/inputs/2/data", "/inputs/3/data"};
    struct tensor tensors[4] = {0};
    *rows = (struct tensor_rows){0};
    if (!CHECK(tensor_block_open(block, 1000, e)))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct tensor *t = &tensors[i];
        *t = (struct tensor){.name = parts[i].name,
                             .place = places[i],
                             .path = paths[i],
                             .type = parts[i].type,
                             .shape = parts[i].shape};
        const char *text = parts[i].text;
        struct cursor c = {text, text, text ? text + strlen(text) : NULL};
        bool ok = text ? tensor_scan(&c, paths[i], block, t, e) &&
                             tensor_reshape(t, &parts[i].shape, e)
                       : tensor_take_bytes(t, parts[i].bytes, parts[i].bytes_n, e);
        if (!CHECK_SAY(ok, "%s %s", e->where, e->text))
            return false;
    }
    return tensor_rows_make(tensors, n, block, &model, rows, e);
}

static void check_rows(const struct part *parts, size_t n, size_t m, const float *want) {
    struct tensor_rows rows;
    struct tensor_block block;
    struct err e = {0};
    if (CHECK_SAY(rows_of(parts, n, &rows, &block, &e), "%s: %s", e.where, e.text) &&
        CHECK_SAY(rows.m == m, "%zu rows", rows.m))
        for (size_t i = 0; i < m * net.inputs_n; i++)
            CHECK_SAY(rows.X[i] == want[i], "%zu: %g, not %g", i, (double)rows.X[i],
                      (double)want[i]);
    tensor_rows_free(&rows);
    tensor_block_free(&block);
}

static void check_refused(const struct part *parts, size_t n, const char *where,
                          const char *says) {
    struct tensor_rows rows;
    struct tensor_block block;
    struct err e = {0};
    CHECK(!rows_of(parts, n, &rows, &block, &e));
    CHECK(e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, where);
    CHECK_SAY(strstr(e.text, says), "\"%s\" has no \"%s\"", e.text, says);
    tensor_rows_free(&rows);
    tensor_block_free(&block);
}

#define F DATATYPE_FP32

/* A model of four unnamed inputs: rows in any shape whose rows have four numbers. */
static void test_input(void) {
    static const float want[] = {1, 2, 3, 4, 5, 6, 7, 8};
    net.inputs_n = 4;
    model.encoder = (struct encoder){0};
    check_rows(&(struct part){.name = "input",
                              .type = F,
                              .shape = {{2, 4}, 2},
                              .text = "[1,2,3,4,5,6,7,8]"},
               1, 2, want);
    check_rows(
        &(struct part){
            .name = "input", .type = F, .shape = {{4}, 1}, .text = "[1,2,3,4]"},
        1, 1, want);
    check_rows(
        &(struct part){.name = NULL, .type = F, .shape = {{4}, 1}, .text = "[1,2,3,4]"},
        1, 1, want);
    check_rows(&(struct part){.name = "input",
                              .type = F,
                              .shape = {{2, 2, 2}, 3},
                              .text = "[1,2,3,4,5,6,7,8]"},
               1, 2, want);
    check_rows(&(struct part){.name = "input",
                              .type = F,
                              .shape = {{2, 4}, 2},
                              .bytes = want,
                              .bytes_n = sizeof want},
               1, 2, want);
    check_rows(&(struct part){.name = "input",
                              .type = DATATYPE_INT64,
                              .shape = {{1, 4}, 2},
                              .text = "[1,2,3,4]"},
               1, 1, want);
    check_refused(
        &(struct part){
            .name = "input", .type = F, .shape = {{2, 3}, 2}, .text = "[1,2,3,4,5,6]"},
        1, "/inputs/0", "expected shape [-1,4], got [2,3]");
    check_refused(
        &(struct part){
            .name = "input", .type = F, .shape = {{2, 2, 1}, 3}, .text = "[1,2,3,4]"},
        1, "/inputs/0", "expected shape [-1,4], got [2,2,1]; as one row it is [1,2,2,1]");
    check_refused(
        &(struct part){
            .name = "input", .type = F, .shape = {{8}, 1}, .text = "[1,2,3,4,5,6,7,8]"},
        1, "/inputs/0", "got [8]");
    check_refused(
        &(struct part){.name = "input", .type = F, .shape = {{0, 4}, 2}, .text = "[]"}, 1,
        "/inputs/0", "at least one row");
    check_refused(
        &(struct part){
            .name = "inputs", .type = F, .shape = {{1, 4}, 2}, .text = "[1,2,3,4]"},
        1, "/inputs/0", "no input \"inputs\"; the nearest is \"input\"");
    check_refused(NULL, 0, "", "expected one input");
    const struct part twice[] = {
        {.name = "input", .type = F, .shape = {{1, 4}, 2}, .text = "[1,2,3,4]"},
        {.name = "input", .type = F, .shape = {{1, 4}, 2}, .text = "[1,2,3,4]"}};
    check_refused(twice, 2, "", "expected one input");
    check_refused(&(struct part){.name = "input",
                                 .type = DATATYPE_BYTES,
                                 .shape = {{4}, 1},
                                 .text = "[\"\",1,2,3]"},
                  1, "/inputs/0/data", "BYTES");
}

/* Of one number: [m] are rows. */
static void test_one_number(void) {
    net.inputs_n = 1;
    model.encoder = (struct encoder){0};
    check_rows(
        &(struct part){.name = "input", .type = F, .shape = {{3}, 1}, .text = "[1,2,3]"},
        1, 3, (float[]){1, 2, 3});
    check_rows(
        &(struct part){
            .name = "input", .type = F, .shape = {{3, 1}, 2}, .text = "[[1],[2],[3]]"},
        1, 3, (float[]){1, 2, 3});
}

/* Columns that are all numbers: either way, and NaN is missing. */
static void test_numbers_by_column(void) {
    static const float want[] = {1, 2, 3, 4};
    const struct part both[] = {
        {.name = "y", .type = F, .shape = {{2}, 1}, .text = "[2,4]"},
        {.name = "x", .type = DATATYPE_UINT8, .shape = {{2, 1}, 2}, .text = "[1,3]"}};
    net.inputs_n = 2;
    model.encoder = encoder_xy();
    check_rows(both, 2, 2, want);
    check_rows(
        &(struct part){
            .name = "input", .type = F, .shape = {{2, 2}, 2}, .text = "[1,2,3,4]"},
        1, 2, want);
    check_rows(&(struct part){.name = "input",
                              .type = F,
                              .shape = {{1, 2}, 2},
                              .bytes = (float[]){NAN, 2},
                              .bytes_n = 8},
               1, 1, (float[]){7, 2});
    check_rows(
        &(struct part){
            .name = "input", .type = F, .shape = {{1, 2}, 2}, .text = "[null,2]"},
        1, 1, (float[]){7, 2});
    check_rows(
        &(struct part){
            .name = "input", .type = F, .shape = {{1, 2}, 2}, .text = "[ NaN ,2]"},
        1, 1, (float[]){7, 2});
    check_refused(
        &(struct part){
            .name = "input", .type = F, .shape = {{1, 2}, 2}, .text = "[1,null]"},
        1, "/inputs/0/data/1", "got null");
    check_refused(both, 1, "", "input \"x\" is missing");
    const struct part again[] = {both[0], both[0]};
    check_refused(again, 2, "/inputs/1", "comes twice");
    const struct part more[] = {
        both[0], {.name = "x", .type = F, .shape = {{3}, 1}, .text = "[1,2,3]"}};
    check_refused(more, 2, "/inputs/1", "expected 2 rows");
    const struct part wide[] = {
        {.name = "x", .type = F, .shape = {{2, 2}, 2}, .text = "[1,2,3,4]"}, both[0]};
    check_refused(wide, 2, "/inputs/0", "expected shape [-1] or [-1,1], got [2,2]");
    const struct part other[] = {
        both[0], {.name = "z", .type = F, .shape = {{2}, 1}, .text = "[1,2]"}};
    check_refused(other, 2, "/inputs/1", "no input \"z\"");
    const struct part beside[] = {
        both[0], {.name = "input", .type = F, .shape = {{2, 1}, 2}, .text = "[1,2]"}};
    check_refused(beside, 2, "/inputs/1", "\"input\" holds all columns: it stands alone");
    free(model.encoder.by_name);
}

/* A number, a boolean and a category: by column alone. */
static void test_categories(void) {
    net.inputs_n = 5;
    model.encoder = encoder_abc();
    const struct part parts[] = {{.name = "a",
                                  .type = DATATYPE_FP64,
                                  .shape = {{3, 1}, 2},
                                  .text = "[1.5,null,3]"},
                                 {.name = "b",
                                  .type = DATATYPE_BOOL,
                                  .shape = {{3}, 1},
                                  .text = "[true,false,null]"},
                                 {.name = "c",
                                  .type = DATATYPE_BYTES,
                                  .shape = {{3, 1}, 2},
                                  .text = "[\"y\",\"unseen\",null]"}};
    static const float want[] = {1.5f, 1, 0, 1, 0, 2.1f, 0, 0, 0, 0, 3, 0.25f, 0, 0, 1};
    check_rows(parts, 3, 3, want);
    const struct part bytes[] = {
        {.name = "c",
         .type = DATATYPE_BYTES,
         .shape = {{1}, 1},
         .bytes = "\5\0\0\0x \"1\"",
         .bytes_n = 9},
        {.name = "b", .type = DATATYPE_BYTES, .shape = {{1}, 1}, .text = "[\"TRUE\"]"},
        {.name = "a",
         .type = DATATYPE_INT8,
         .shape = {{1}, 1},
         .bytes = "\xff",
         .bytes_n = 1}};
    check_rows(bytes, 3, 1, (float[]){-1, 1, 1, 0, 0});
    check_refused(
        &(struct part){
            .name = "input", .type = F, .shape = {{1, 5}, 2}, .text = "[1,2,3,4,5]"},
        1, "/inputs/0", "no input \"input\"");
    const struct part wrong[] = {parts[0],
                                 parts[1],
                                 {.name = "c",
                                  .type = F,
                                  .shape = {{3}, 1},
                                  .bytes = (float[]){1, 2.5f, 3},
                                  .bytes_n = 12}};
    check_refused(wrong, 3, "/inputs/2/data/1", "category");
    const struct part texts[] = {
        {.name = "a", .type = DATATYPE_BYTES, .shape = {{1}, 1}, .text = "[\"1\"]"}};
    check_refused(texts, 1, "/inputs/0/data", "BYTES");
    encoder_free(&model.encoder);
}

int main(void) {
    CHECK_RUN(test_input);
    CHECK_RUN(test_one_number);
    CHECK_RUN(test_numbers_by_column);
    CHECK_RUN(test_categories);
    return check_done();
}
