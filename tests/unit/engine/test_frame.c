#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/frame.h"
#include "engine/memory.h"
#include "engine/rng.h"
#include "tests/unit/check.h"

static long allocations_n;
static long failing = -1; /* the one that fails, alone */

void *aligned_alloc(size_t alignment, size_t size) {
    void *p;
    if (allocations_n++ == failing)
        return NULL;
    return posix_memalign(&p, alignment, size) == 0 ? p : NULL;
}

#define MISSING ((struct cell){.kind = CELL_MISSING})
#define NUMBER(x) ((struct cell){.kind = CELL_NUMBER, .number = (x)})
#define SPELLED(x, s) ((struct cell){CELL_NUMBER, (x), (s), sizeof(s) - 1})
#define BOOLEAN(x) ((struct cell){.kind = CELL_BOOLEAN, .number = (x)})
#define SPOKEN(x, s) ((struct cell){CELL_BOOLEAN, (x), (s), sizeof(s) - 1})
#define TEXT(s) ((struct cell){CELL_TEXT, 0, (s), sizeof(s) - 1})

enum { AGE, NOTE, SEX, PORT, ALIVE, FARE, COLUMNS_N, ROWS_N = 8 };

static const struct frame_column columns[COLUMNS_N] = {
    {.name = (char *)"age", .kind = ENCODER_NUMBER},
    {.name = (char *)"note", .kind = ENCODER_CATEGORY, .skipped = true},
    {.name = (char *)"sex", .kind = ENCODER_CATEGORY},
    {.name = (char *)"port", .kind = ENCODER_CATEGORY},
    {.name = (char *)"alive", .kind = ENCODER_BOOLEAN},
    {.name = (char *)"fare", .kind = ENCODER_NUMBER},
};

/* Passengers: some cells of each column missing, of fare all; ports as texts, codes,
 * whole numbers and words. */
static const struct cell cells[ROWS_N][COLUMNS_N] = {
    {NUMBER(22), TEXT("x"), TEXT("male"), TEXT("S"), NUMBER(0), MISSING},
    {SPELLED(38, "38.0"), MISSING, TEXT("female"), TEXT("C"), TEXT("TRUE"), MISSING},
    {MISSING, NUMBER(2.5), TEXT("female"), MISSING, MISSING, MISSING},
    {NUMBER(35.5), TEXT("x"), MISSING, SPELLED(7, "007"), BOOLEAN(1), MISSING},
    {NUMBER(-1e-50), TEXT("x"), TEXT("male"), NUMBER(7), TEXT("false"), MISSING},
    {MISSING, TEXT("x"), TEXT("Québec"), BOOLEAN(1), SPELLED(1, "1"), MISSING},
    {NUMBER(2), TEXT("x"), TEXT(""), SPOKEN(0, "False"), SPOKEN(0, "no"), MISSING},
    {NUMBER(80), TEXT("x"), TEXT("male"), TEXT("S"), MISSING, MISSING},
};

static bool frame_make(struct frame *f, struct err *e) {
    if (!frame_init(f, columns, COLUMNS_N, ROWS_N, e))
        return false;
    struct table_sink sink = frame_sink(f);
    bool ok = sink.columns(sink.context, NULL, COLUMNS_N, e);
    for (size_t row = 0; ok && row < ROWS_N; row++)
        ok = sink.row(sink.context, cells[row], COLUMNS_N, row + 2, e);
    return ok;
}

static bool is_text(struct cell cell, const char *text) {
    return cell.kind == CELL_TEXT && cell.text_n == strlen(text) &&
           memcmp(cell.text, text, cell.text_n) == 0;
}

static void cells_come_back(void) {
    struct frame f;
    struct err e = {0};
    if (!CHECK_SAY(frame_make(&f, &e), "%s: %s", e.where, e.text))
        return;
    CHECK(f.rows_n == ROWS_N && f.columns_n == COLUMNS_N);
    CHECK(f.columns[SEX].dictionary_n == 4 && f.columns[PORT].dictionary_n == 6);
    CHECK(!f.columns[NOTE].codes && !f.columns[NOTE].dictionary);
    CHECK(f.columns[SEX].name != columns[SEX].name);
    CHECK_TEXT(f.columns[SEX].name, "sex");
    static const char *const ports[] = {"S", "C", NULL, "007", "7", "true", "False", "S"};
    static const double alive[] = {0, 1, -1, 1, 0, 1, 0, -1};
    for (size_t row = 0; row < ROWS_N; row++) {
        struct cell age = frame_cell(&f, AGE, row), port = frame_cell(&f, PORT, row);
        struct cell live = frame_cell(&f, ALIVE, row);
        CHECK(age.kind == cells[row][AGE].kind && age.number == cells[row][AGE].number);
        CHECK(ports[row] ? is_text(port, ports[row]) : port.kind == CELL_MISSING);
        CHECK(alive[row] < 0 ? live.kind == CELL_MISSING
                             : live.kind == CELL_BOOLEAN && live.number == alive[row]);
        CHECK(frame_cell(&f, FARE, row).kind == CELL_MISSING);
    }
    CHECK(is_text(frame_cell(&f, SEX, 6), ""));
    frame_free(&f);
    CHECK(!f.columns && !f.rows_n && !f.index);
    frame_free(&f);
}

static const uint32_t training[] = {4, 0, 2, 3, 0}, everyone[] = {0, 1, 2, 3, 4, 5, 6, 7};
static const size_t picked[] = {PORT, AGE, ALIVE, SEX, FARE};
enum { TRAINING_N = 5, PICKED_N = 5 };

static struct frame_learn learn_of(bool missing_refused) {
    return (struct frame_learn){.picked = picked,
                                .picked_n = PICKED_N,
                                .rows = training,
                                .rows_n = TRAINING_N,
                                .missing_refused = missing_refused};
}

/* Rows 4, 0, 2, 3 and 0 again, written out by hand. */
static void learning_looks_at_its_rows_alone(void) {
    struct frame f;
    struct err e = {0};
    struct encoder enc = {0};
    struct frame_learn learn = learn_of(false);
    CHECK(frame_make(&f, &e));
    if (!CHECK_SAY(frame_learn_encoder(&f, &learn, &enc, &e), "%s", e.text))
        return;
    const struct encoder_column *c = enc.columns;
    CHECK(enc.columns_n == PICKED_N && enc.inputs_n == 4 + 1 + 1 + 3 + 1);
    CHECK_TEXT(c[0].name, "port");
    CHECK(c[0].kind == ENCODER_CATEGORY && c[0].missing_category);
    CHECK(c[0].categories_n == 3);
    CHECK_TEXT(c[0].categories[0], "007");
    CHECK_TEXT(c[0].categories[1], "7");
    CHECK_TEXT(c[0].categories[2], "S");
    CHECK(c[1].kind == ENCODER_NUMBER && !c[1].missing_refused);
    CHECK_NEAR(c[1].mean, (22 + 35.5 + 22) / 4, 1e-12);
    CHECK(c[2].kind == ENCODER_BOOLEAN);
    CHECK_NEAR(c[2].mean, 1.0 / 4, 1e-12);
    CHECK(c[3].categories_n == 2 && c[3].missing_category);
    CHECK(c[4].mean == 0);
    CHECK(encoder_find(&enc, "sex", 3) == 3);
    learn.rows_n = 2; /* nothing missing here */
    encoder_free(&enc);
    CHECK(frame_learn_encoder(&f, &learn, &enc, &e) && !enc.columns[3].missing_category);
    encoder_free(&enc);
    learn.rows_n = 0;
    CHECK(frame_learn_encoder(&f, &learn, &enc, &e) && enc.inputs_n == 3);
    encoder_free(&enc);
    frame_free(&f);
}

/* X of `rows` against one call of the encoder a cell, from the cell as it came. */
static void equals_the_encoder(const struct frame *f, const struct encoder *enc,
                               const uint32_t *rows, size_t rows_n,
                               struct cell (*source)(size_t row, size_t column)) {
    struct err e = {0};
    float *X = memory_new(rows_n * enc->inputs_n, sizeof *X);
    float *row = memory_new(enc->inputs_n, sizeof *row);
    for (size_t i = 0; i < rows_n * enc->inputs_n; i++)
        X[i] = -9;
    bool ok = CHECK_SAY(frame_encode(f, enc, rows, rows_n, X, &e), "%s", e.text);
    for (size_t i = 0; ok && i < rows_n; i++) {
        for (size_t c = 0; c < enc->columns_n; c++) {
            size_t from = 0;
            while (strcmp(f->columns[from].name, enc->columns[c].name) != 0)
                from++;
            struct cell cell = source(rows[i], from);
            ok &= CHECK_SAY(encoder_cell(enc, c, &cell, row, NULL, &e), "%s", e.text);
        }
        ok &= CHECK_SAY(memcmp(row, X + i * enc->inputs_n, enc->inputs_n * 4) == 0,
                        "row %zu", i);
    }
    free(row);
    free(X);
}

static struct cell passenger(size_t row, size_t column) {
    return cells[row][column];
}

static void encoding_equals_the_encoder(void) {
    struct frame f;
    struct err e = {0};
    struct encoder enc = {0};
    struct frame_learn learn = learn_of(false);
    CHECK(frame_make(&f, &e) && frame_learn_encoder(&f, &learn, &enc, &e));
    equals_the_encoder(&f, &enc, everyone, ROWS_N, passenger); /* with unseen ones */
    equals_the_encoder(&f, &enc, training, TRAINING_N, passenger);
    float none;
    CHECK(frame_encode(&f, &enc, NULL, 0, &none, &e));
    encoder_free(&enc);
    CHECK(encoder_layout(&enc, &e) && frame_encode(&f, &enc, everyone, 8, &none, &e));
    encoder_free(&enc);
    frame_free(&f);
}

/* A frame whose kinds are not the encoder's: cell by cell. */
static void other_kinds(void) {
    const struct frame_column kinds[] = {{.name = (char *)"a", .kind = ENCODER_NUMBER}};
    char *digits[] = {(char *)"3", (char *)"4"};
    struct encoder_column column = {.name = (char *)"a",
                                    .kind = ENCODER_CATEGORY,
                                    .categories = digits,
                                    .categories_n = 2};
    struct encoder enc = {.columns = &column, .columns_n = 1};
    struct frame f;
    struct err e = {0};
    const uint32_t rows[] = {1, 0, 2};
    float X[6];
    CHECK(encoder_layout(&enc, &e) && frame_init(&f, kinds, 1, 3, &e));
    struct table_sink sink = frame_sink(&f);
    CHECK(sink.row(&f, &NUMBER(3), 1, 0, &e) && sink.row(&f, &NUMBER(4), 1, 0, &e) &&
          sink.row(&f, &NUMBER(0.5), 1, 0, &e));
    CHECK(frame_encode(&f, &enc, rows, 2, X, &e));
    CHECK(X[0] == 0 && X[1] == 1 && X[2] == 1 && X[3] == 0);
    CHECK(!frame_encode(&f, &enc, rows, 3, X, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "row 3, column \"a\"");
    CHECK_TEXT(e.text, "expected a category, got 0.5");
    e = (struct err){0};
    column.name = (char *)"b";
    CHECK(encoder_layout(&enc, &e) && !frame_encode(&f, &enc, rows, 3, X, &e));
    CHECK_TEXT(e.text, "the table has no column \"b\"");
    free(enc.by_name);
    frame_free(&f);
}

/* More rows than a block has, and a dictionary that grows many times. */
enum { LONG_N = 5000, LONG_TEXTS = 1700 };
static char spellings[LONG_N][16];
static float draws[LONG_N];

static struct cell long_cell(size_t row, size_t column) {
    if (row % 11 == column)
        return MISSING;
    if (column)
        return NUMBER((double)draws[row] * 3);
    return (struct cell){CELL_TEXT, 0, spellings[row], strlen(spellings[row])};
}

static void long_tables(void) {
    const struct frame_column kinds[] = {
        {.name = (char *)"text", .kind = ENCODER_CATEGORY},
        {.name = (char *)"number", .kind = ENCODER_NUMBER}};
    static uint32_t rows[LONG_N];
    struct frame f;
    struct err e = {0};
    struct encoder enc = {0};
    CHECK(frame_init(&f, kinds, 2, LONG_N, &e));
    struct table_sink sink = frame_sink(&f);
    rng_normal(3, 1, draws, LONG_N);
    rng_permutation(3, 2, rows, LONG_N);
    for (size_t row = 0; row < LONG_N; row++) {
        snprintf(spellings[row], sizeof spellings[row], "%zu", row * 31 % LONG_TEXTS);
        const struct cell two[] = {long_cell(row, 0), long_cell(row, 1)};
        CHECK(sink.row(&f, two, 2, row + 1, &e));
    }
    CHECK(f.columns[0].dictionary_n == LONG_TEXTS);
    for (size_t row = 0; row < LONG_N; row++)
        CHECK(row % 11 == 0 || is_text(frame_cell(&f, 0, row), spellings[row]));
    const size_t both[] = {0, 1};
    struct frame_learn learn = {
        .picked = both, .picked_n = 2, .rows = rows, .rows_n = 200};
    if (CHECK(frame_learn_encoder(&f, &learn, &enc, &e)))
        equals_the_encoder(&f, &enc, rows, LONG_N, long_cell);
    encoder_free(&enc);
    frame_free(&f);
}

/* These two have one hash, and the one begins with the other. */
static void texts_of_one_hash(void) {
    struct frame f;
    struct err e = {0};
    CHECK(frame_init(&f, &columns[SEX], 1, 3, &e));
    struct table_sink sink = frame_sink(&f);
    CHECK(sink.row(&f, &TEXT("dxgxjxdu"), 1, 1, &e));
    CHECK(sink.row(&f, &TEXT("dx"), 1, 2, &e));
    CHECK(sink.row(&f, &TEXT("dxgxjxdu"), 1, 3, &e));
    CHECK(f.columns[0].dictionary_n == 2);
    CHECK(is_text(frame_cell(&f, 0, 1), "dx"));
    CHECK(is_text(frame_cell(&f, 0, 2), "dxgxjxdu"));
    frame_free(&f);
}

static void missing_can_be_refused(void) {
    struct frame f;
    struct err e = {0};
    struct encoder enc = {0};
    struct frame_learn learn = learn_of(true);
    const size_t age = AGE;
    float X[ROWS_N];
    learn.rows_n = 2; /* nothing missing among these, but elsewhere */
    CHECK(frame_make(&f, &e));
    CHECK(!frame_learn_encoder(&f, &learn, &enc, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "row 3, column \"port\"");
    CHECK_TEXT(e.text, "expected a value, but it is missing");
    CHECK(!enc.columns && !enc.columns_n);
    learn.picked = &age, learn.picked_n = 1;
    e = (struct err){0};
    CHECK(!frame_learn_encoder(&f, &learn, &enc, &e));
    CHECK_TEXT(e.where, "row 3, column \"age\"");
    for (size_t c = 0; c < PICKED_N; c++) { /* learnt elsewhere, where none was missing */
        learn.picked = &picked[c];
        learn.missing_refused = false;
        e = (struct err){0};
        CHECK(frame_learn_encoder(&f, &learn, &enc, &e));
        enc.columns[0].missing_refused = true;
        float *wide = memory_new(ROWS_N * enc.inputs_n, sizeof *wide);
        CHECK(!frame_encode(&f, &enc, everyone, ROWS_N, wide, &e));
        CHECK(e.kind == ERR_INVALID && strstr(e.where, enc.columns[0].name));
        CHECK_TEXT(e.text, "expected a value, but it is missing");
        free(wide);
        encoder_free(&enc);
    }
    e = (struct err){0};
    learn.picked = &age;
    f.columns[AGE].numbers[7] = 1e39;
    CHECK(frame_learn_encoder(&f, &learn, &enc, &e));
    CHECK(frame_encode(&f, &enc, everyone, ROWS_N - 1, X, &e));
    CHECK(!frame_encode(&f, &enc, everyone, ROWS_N, X, &e) && e.kind == ERR_RANGE);
    CHECK_TEXT(e.where, "row 8, column \"age\"");
    encoder_free(&enc);
    frame_free(&f);
}

static void refused(struct cell cell, size_t column, size_t line, const char *where,
                    const char *text) {
    struct frame f;
    struct err e = {0};
    struct cell row[COLUMNS_N];
    memcpy(row, cells[0], sizeof row);
    row[column] = cell;
    CHECK(frame_init(&f, columns, COLUMNS_N, 2, &e));
    struct table_sink sink = frame_sink(&f);
    CHECK(sink.row(&f, cells[1], COLUMNS_N, 1, &e));
    CHECK(!sink.row(&f, row, COLUMNS_N, line, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, where);
    CHECK_TEXT(e.text, text);
    CHECK(f.rows_n == 1);
    frame_free(&f);
}

static void cells_that_do_not_fit(void) {
    refused(TEXT("abc"), AGE, 17, "line 17, column \"age\"",
            "expected a number, got \"abc\"");
    refused(BOOLEAN(1), FARE, 0, "row 2, column \"fare\"", "expected a number, got true");
    refused(NUMBER(2), ALIVE, 9, "line 9, column \"alive\"",
            "expected true or false, got 2");
    refused(TEXT("yes"), ALIVE, 9, "line 9, column \"alive\"",
            "expected true or false, got \"yes\"");
    refused(NUMBER(0.5), SEX, 9, "line 9, column \"sex\"",
            "expected a category, got 0.5");
    refused(TEXT("a\0b"), SEX, 9, "line 9, column \"sex\"",
            "expected a category, got a text that holds U+0000");
}

static void rows_that_do_not_fit(void) {
    struct frame f;
    struct err e = {0};
    CHECK(frame_make(&f, &e));
    struct table_sink sink = frame_sink(&f);
    CHECK(!sink.columns(&f, NULL, 5, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.text, "expected 6 columns, got 5");
    e = (struct err){0};
    CHECK(!sink.row(&f, cells[0], 5, 10, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "line 10");
    e = (struct err){0};
    CHECK(!sink.row(&f, cells[0], COLUMNS_N, 10, &e) && e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.where, "line 10");
    CHECK_TEXT(e.text, "expected 8 rows, got more");
    CHECK(f.rows_n == ROWS_N);
    frame_free(&f);
    e = (struct err){0};
    CHECK(!frame_init(&f, columns, COLUMNS_N, (size_t)1 << 32, &e) &&
          e.kind == ERR_TOO_LARGE);
    frame_free(&f);
}

static bool everything(struct err *e) {
    struct frame f;
    struct encoder enc = {0};
    struct frame_learn learn = learn_of(false);
    float X[ROWS_N * 16];
    bool ok = frame_make(&f, e) && frame_learn_encoder(&f, &learn, &enc, e) &&
              frame_encode(&f, &enc, everyone, ROWS_N, X, e);
    encoder_free(&enc);
    frame_free(&f);
    return ok;
}

static void each_allocation_may_fail(void) {
    struct err e = {0};
    allocations_n = 0;
    CHECK(everything(&e));
    long total = allocations_n;
    CHECK_SAY(total >= 37, "%ld", total);
    for (long n = 0; n < total; n++) {
        e = (struct err){0};
        allocations_n = 0;
        failing = n;
        bool ok = everything(&e);
        failing = -1;
        CHECK_SAY(!ok && e.kind == ERR_NO_MEMORY, "allocation %ld of %ld: %d \"%s\"", n,
                  total, e.kind, e.text);
    }
}

int main(void) {
    CHECK_RUN(cells_come_back);
    CHECK_RUN(learning_looks_at_its_rows_alone);
    CHECK_RUN(encoding_equals_the_encoder);
    CHECK_RUN(other_kinds);
    CHECK_RUN(long_tables);
    CHECK_RUN(texts_of_one_hash);
    CHECK_RUN(missing_can_be_refused);
    CHECK_RUN(cells_that_do_not_fit);
    CHECK_RUN(rows_that_do_not_fit);
    CHECK_RUN(each_allocation_may_fail);
    return check_done();
}
