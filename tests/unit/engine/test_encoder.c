#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/encoder.h"
#include "engine/memory.h"
#include "engine/net.h"
#include "tests/unit/check.h"

#define MISSING ((struct cell){.kind = CELL_MISSING})
#define NUMBER(x) ((struct cell){.kind = CELL_NUMBER, .number = (x)})
#define SPELLED(x, s) ((struct cell){CELL_NUMBER, (x), (s), sizeof(s) - 1})
#define BOOLEAN(x) ((struct cell){.kind = CELL_BOOLEAN, .number = (x)})
#define SPOKEN(x, s) ((struct cell){CELL_BOOLEAN, (x), (s), sizeof(s) - 1})
#define TEXT(s) ((struct cell){CELL_TEXT, 0, (s), sizeof(s) - 1})
#define WHERE "line 17, column \"age\""

enum { AGE, ALIVE, PORT, CODE, NOTHING, COLUMNS_N };

static char **strings(const char *const *texts, size_t n) {
    char **copies = memory_new(n, sizeof *copies);
    for (size_t i = 0; i < n; i++)
        copies[i] = strdup(texts[i]);
    return copies;
}

/* age: a number; alive: boolean; port: categories, with missing ones; code: categories
 * that look like numbers and words; nothing: no category at all. Inputs 1 + 1 + 4 + 6 +
 * 0. */
static struct encoder encoder_make(void) {
    const char *const ports[] = {"C", "Q", "Québec"};
    const char *const codes[] = {"-3", "0.5", "007", "7", "C", "true"};
    struct encoder enc = {.columns_n = COLUMNS_N};
    enc.columns = memory_new(COLUMNS_N, sizeof *enc.columns);
    enc.columns[AGE] = (struct encoder_column){.kind = ENCODER_NUMBER, .mean = 29.5};
    enc.columns[ALIVE] = (struct encoder_column){.kind = ENCODER_BOOLEAN, .mean = 0.375};
    enc.columns[PORT] = (struct encoder_column){.kind = ENCODER_CATEGORY,
                                                .missing_category = true,
                                                .categories = strings(ports, 3),
                                                .categories_n = 3};
    enc.columns[CODE] = (struct encoder_column){
        .kind = ENCODER_CATEGORY, .categories = strings(codes, 6), .categories_n = 6};
    enc.columns[NOTHING] = (struct encoder_column){.kind = ENCODER_CATEGORY};
    const char *const names[] = {"age", "alive", "port", "a code", ""};
    for (size_t c = 0; c < COLUMNS_N; c++)
        enc.columns[c].name = strdup(names[c]);
    return enc;
}

static void layout(void) {
    struct encoder enc = encoder_make();
    struct err e = {0};
    if (!CHECK(encoder_layout(&enc, &e)))
        return;
    const size_t at[] = {0, 1, 2, 6, 12}, n[] = {1, 1, 4, 6, 0};
    for (size_t c = 0; c < COLUMNS_N; c++)
        CHECK(enc.columns[c].input_at == at[c] && enc.columns[c].inputs_n == n[c]);
    CHECK(enc.inputs_n == 12);
    unsigned char scaled[13];
    memset(scaled, 7, sizeof scaled);
    encoder_scaled(&enc, scaled);
    for (size_t i = 0; i < 12; i++)
        CHECK(scaled[i] == (i == 0));
    CHECK(scaled[12] == 7);
    CHECK(!encoder_takes_numbers(&enc));
    CHECK(
        encoder_takes_numbers(&(struct encoder){.columns = enc.columns, .columns_n = 1}));
    CHECK(encoder_takes_numbers(&(struct encoder){0}));
    CHECK(encoder_layout(&enc, &e) && enc.inputs_n == 12);
    encoder_free(&enc);
    CHECK(!enc.columns && !enc.columns_n && !enc.by_name);
    encoder_free(&enc);
}

static void find(void) {
    struct encoder enc = encoder_make();
    struct err e = {0};
    CHECK(encoder_layout(&enc, &e));
    for (size_t c = 0; c < COLUMNS_N; c++)
        CHECK(encoder_find(&enc, enc.columns[c].name, strlen(enc.columns[c].name)) == c);
    CHECK(encoder_find(&enc, "agent", 3) == AGE); /* no NUL where the name ends */
    CHECK(encoder_find(&enc, "agent", 5) == COLUMNS_N);
    CHECK(encoder_find(&enc, "ag", 2) == COLUMNS_N);
    CHECK(encoder_find(&enc, "Age", 3) == COLUMNS_N);
    CHECK(encoder_find(&enc, "age\0", 4) == COLUMNS_N);
    CHECK(encoder_find(&enc, "zzz", 3) == COLUMNS_N);
    CHECK(encoder_find(&enc, NULL, 0) == NOTHING);
    encoder_free(&enc);
    CHECK(encoder_layout(&enc, &e) && enc.inputs_n == 0);
    CHECK(encoder_find(&enc, "age", 3) == 0);
    encoder_free(&enc);
}

/* One cell in a row that holds rubbish before; `want` are all inputs of the column, and
 * no others may change. */
static bool encodes(size_t c, struct cell cell, const float *want) {
    struct encoder enc = encoder_make();
    struct err e = {0};
    float row[12];
    bool ok = CHECK(encoder_layout(&enc, &e));
    for (size_t i = 0; i < 12; i++)
        row[i] = -9;
    ok = ok && CHECK_SAY(encoder_cell(&enc, c, &cell, row, WHERE, &e), "%s", e.text);
    for (size_t i = 0; ok && i < 12; i++) {
        size_t j = i - enc.columns[c].input_at;
        float wanted = j < enc.columns[c].inputs_n ? want[j] : -9;
        ok = CHECK_SAY(row[i] == wanted, "input %zu is %g", i, (double)row[i]);
    }
    encoder_free(&enc);
    return ok;
}

static void numbers(void) {
    CHECK(encodes(AGE, NUMBER(41.25), (float[]){41.25f}));
    CHECK(encodes(AGE, SPELLED(-1e-50, "-1e-50"), (float[]){0}));
    CHECK(encodes(AGE, NUMBER((double)FLT_MAX), (float[]){FLT_MAX}));
    CHECK(encodes(AGE, MISSING, (float[]){29.5f}));
}

static void booleans(void) {
    CHECK(encodes(ALIVE, BOOLEAN(1), (float[]){1}));
    CHECK(encodes(ALIVE, BOOLEAN(0), (float[]){0}));
    CHECK(encodes(ALIVE, NUMBER(1), (float[]){1}));
    CHECK(encodes(ALIVE, SPELLED(0, "0.0"), (float[]){0}));
    CHECK(encodes(ALIVE, TEXT("true"), (float[]){1}));
    CHECK(encodes(ALIVE, TEXT("TRUE"), (float[]){1}));
    CHECK(encodes(ALIVE, TEXT("False"), (float[]){0}));
    CHECK(encodes(ALIVE, MISSING, (float[]){0.375f}));
}

static void categories(void) {
    CHECK(encodes(PORT, TEXT("C"), (float[]){1, 0, 0, 0}));
    CHECK(encodes(PORT, TEXT("Q"), (float[]){0, 1, 0, 0}));
    CHECK(encodes(PORT, TEXT("Québec"), (float[]){0, 0, 1, 0}));
    CHECK(encodes(PORT, ((struct cell){CELL_TEXT, 0, "Cherbourg", 1}),
                  (float[]){1, 0, 0, 0}));
    CHECK(encodes(PORT, MISSING, (float[]){0, 0, 0, 1}));
    const struct cell unseen[] = {TEXT("S"),   TEXT("na"), TEXT("CC"), TEXT("c"),
                                  TEXT("Qué"), NUMBER(12), BOOLEAN(1), TEXT("C\0")};
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        CHECK_SAY(encodes(PORT, unseen[i], (float[]){0, 0, 0, 0}), "cell %zu", i);
    /* What is not found as it is spelt. */
    CHECK(encodes(PORT, TEXT("  C\t"), (float[]){1, 0, 0, 0}));
    CHECK(encodes(CODE, TEXT(" 7.0"), (float[]){0, 0, 0, 1, 0, 0}));
    CHECK(encodes(PORT, TEXT(" C Q"), (float[]){0, 0, 0, 0}));
    const struct cell missing[] = {TEXT(""), TEXT(" "), TEXT("NA"), TEXT("?"),
                                   TEXT(" nan ")};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        CHECK_SAY(encodes(PORT, missing[i], (float[]){0, 0, 0, 1}), "cell %zu", i);
    CHECK(encodes(CODE, TEXT("NA"), (float[]){0, 0, 0, 0, 0, 0}));
    struct encoder_column strict = {.kind = ENCODER_CATEGORY, .missing_category = true};
    CHECK(encoder_category_missing(&strict, "NA", 2));
    strict.missing_refused = true; /* then it is a text like any other */
    CHECK(!encoder_category_missing(&strict, "NA", 2));
    CHECK(encodes(CODE, MISSING, (float[]){0, 0, 0, 0, 0, 0})); /* as if unseen */
    CHECK(encodes(NOTHING, TEXT("anything"), NULL));
    CHECK(encodes(NOTHING, MISSING, NULL));
}

static void numbers_as_categories(void) {
    CHECK(encodes(CODE, NUMBER(7), (float[]){0, 0, 0, 1, 0, 0}));
    CHECK(encodes(CODE, NUMBER(-3), (float[]){1, 0, 0, 0, 0, 0}));
    CHECK(encodes(CODE, SPELLED(7, "007"), (float[]){0, 0, 1, 0, 0, 0}));
    CHECK(encodes(CODE, SPELLED(7, "7"), (float[]){0, 0, 0, 1, 0, 0}));
    CHECK(encodes(CODE, SPELLED(0.5, "0.5"), (float[]){0, 1, 0, 0, 0, 0}));
    CHECK(encodes(CODE, SPELLED(0.5, "5e-1"), (float[]){0, 0, 0, 0, 0, 0}));
    CHECK(encodes(CODE, NUMBER(0x1p53 - 1), (float[]){0, 0, 0, 0, 0, 0}));
    CHECK(encodes(CODE, BOOLEAN(1), (float[]){0, 0, 0, 0, 0, 1}));
    CHECK(encodes(CODE, BOOLEAN(0), (float[]){0, 0, 0, 0, 0, 0}));
    CHECK(encodes(CODE, SPOKEN(1, "true"), (float[]){0, 0, 0, 0, 0, 1}));
    CHECK(encodes(CODE, SPOKEN(1, "True"), (float[]){0, 0, 0, 0, 0, 0}));
}

static void refused(void) {
    const struct {
        size_t column;
        struct cell cell;
        enum err_kind kind;
        const char *text;
    } cases[] = {
        {AGE, TEXT("abc"), ERR_INVALID, "expected a number, got \"abc\""},
        {AGE, TEXT(""), ERR_INVALID, "expected a number, got \"\""},
        {AGE, TEXT("a text of many bytes, forty of which come, and no more"), ERR_INVALID,
         "expected a number, got \"a text of many bytes, forty of which com\"..."},
        {AGE, TEXT("a text that has a long character right ✓ here"), ERR_INVALID,
         "expected a number, got \"a text that has a long character right \"..."},
        {AGE, BOOLEAN(1), ERR_INVALID, "expected a number, got true"},
        {AGE, SPOKEN(0, "False"), ERR_INVALID, "expected a number, got false"},
        {AGE, NUMBER(1e39), ERR_RANGE, "1e+39 is outside float32"},
        {AGE, NUMBER(-DBL_MAX), ERR_RANGE, "-1.79769e+308 is outside float32"},
        {AGE, NUMBER((double)INFINITY), ERR_RANGE, "inf is outside float32"},
        {AGE, NUMBER((double)NAN), ERR_RANGE, "nan is outside float32"},
        {ALIVE, NUMBER(2), ERR_INVALID, "expected true or false, got 2"},
        {ALIVE, SPELLED(0.5, "5e-1"), ERR_INVALID, "expected true or false, got 5e-1"},
        {ALIVE, NUMBER((double)NAN), ERR_INVALID, "expected true or false, got nan"},
        {ALIVE, TEXT("yes"), ERR_INVALID, "expected true or false, got \"yes\""},
        {ALIVE, TEXT("truest"), ERR_INVALID, "expected true or false, got \"truest\""},
        {ALIVE, TEXT("tru"), ERR_INVALID, "expected true or false, got \"tru\""},
        {CODE, NUMBER(0.5), ERR_INVALID, "expected a category, got 0.5"},
        {CODE, NUMBER(0x1p53), ERR_INVALID, "expected a category, got 9007199254740992"},
        {CODE, NUMBER((double)NAN), ERR_INVALID, "expected a category, got nan"},
    };
    struct encoder enc = encoder_make();
    struct err e = {0};
    float row[12];
    CHECK(encoder_layout(&enc, &e));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        e = (struct err){0};
        bool ok = encoder_cell(&enc, cases[i].column, &cases[i].cell, row, WHERE, &e);
        CHECK_SAY(!ok && e.kind == cases[i].kind, "case %zu: %d", i, e.kind);
        CHECK_TEXT(e.text, cases[i].text);
        CHECK_TEXT(e.where, WHERE);
    }
    for (size_t c = 0; c < COLUMNS_N; c++) {
        e = (struct err){0};
        enc.columns[c].missing_refused = true;
        CHECK(!encoder_cell(&enc, c, &MISSING, row, WHERE, &e) && e.kind == ERR_INVALID);
        CHECK_TEXT(e.text, "expected a value, but it is missing");
    }
    encoder_free(&enc);
}

/* Where the job wanted that; a text for a missing cell is none of those. */
static void unseen_refused(void) {
    struct encoder enc = encoder_make();
    struct err e = {0};
    float row[12];
    enc.columns[PORT].unseen_refused = enc.columns[CODE].unseen_refused = true;
    CHECK(encoder_layout(&enc, &e));
    const struct cell known = TEXT(" C "), spelt_missing = TEXT("NA"), missing = MISSING,
                      number = NUMBER(-3);
    CHECK(encoder_cell_asked(&enc, PORT, &known, row, WHERE, &e));
    CHECK(encoder_cell_asked(&enc, PORT, &spelt_missing, row, WHERE, &e));
    CHECK(encoder_cell_asked(&enc, PORT, &missing, row, WHERE, &e));
    CHECK(encoder_cell_asked(&enc, CODE, &missing, row, WHERE, &e));
    CHECK_SAY(encoder_cell_asked(&enc, CODE, &number, row, WHERE, &e), "%s", e.text);
    const struct cell unknown = TEXT("Cherbourg"), unknown_number = NUMBER(12);
    CHECK(!encoder_cell_asked(&enc, PORT, &unknown, row, WHERE, &e) &&
          e.kind == ERR_INVALID);
    CHECK_TEXT(e.text, "\"Cherbourg\" is none of the 3 categories that training saw");
    CHECK_TEXT(e.where, WHERE);
    e = (struct err){0};
    CHECK(!encoder_cell_asked(&enc, CODE, &unknown_number, row, WHERE, &e));
    CHECK_TEXT(e.text, "\"12\" is none of the 6 categories that training saw");
    e = (struct err){0}; /* rows to learn from may have others */
    CHECK(encoder_cell(&enc, PORT, &unknown, row, WHERE, &e));
    encoder_free(&enc);
}

static void too_many_inputs(void) {
    struct encoder_column *columns = memory_new(2, sizeof *columns);
    columns[0] = (struct encoder_column){.name = strdup("a"), .kind = ENCODER_NUMBER};
    columns[1] = (struct encoder_column){.name = strdup("b"), .kind = ENCODER_CATEGORY};
    struct encoder enc = {.columns = columns, .columns_n = 2};
    struct err e = {0};
    columns[1].categories_n = NET_UNITS_MAX - 1;
    CHECK(encoder_layout(&enc, &e) && enc.inputs_n == NET_UNITS_MAX);
    columns[1].missing_category = true;
    CHECK(!encoder_layout(&enc, &e) && e.kind == ERR_TOO_LARGE);
    CHECK_TEXT(e.text, "column \"b\" brings the inputs to more than 1048576");
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 2};
    for (size_t i = 0; i < 3; i++) {
        e = (struct err){0};
        columns[1].categories_n = sizes[i];
        CHECK(!encoder_layout(&enc, &e) && e.kind == ERR_TOO_LARGE);
    }
    encoder_free(&enc);
}

/* Whole numbers match by value where their spelling does not; codes and words do not. */
static void whole_numbers(void) {
    char *texts[] = {(char[]){"-4"},
                     (char[]){"007"},
                     (char[]){"2.50"},
                     (char[]){"3"},
                     (char[]){"3.0"},
                     (char[]){"5.0"},
                     (char[]){"9007199254740993"},
                     (char[]){"word"}};
    enum { N = sizeof texts / sizeof *texts };
    const struct encoder_column column = {.categories = texts, .categories_n = N};
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"3", 3},
        {"3.0", 4},
        {"3.00", 3},
        {"3e0", 3},
        {"0.3e1", 3},
        {"5", 5},
        {"5.0", 5},
        {"50E-1", 5},
        {"-4.0", 0},
        {"-4", 0},
        {"4", N},
        {"7", N},
        {"007", 1},
        {"07", N},
        {"003", N},
        {"+3", N},
        {"2.5", N},
        {"2.50", 2},
        {"3x", N},
        {"3e", N},
        {"", N},
        {"-", N},
        {".", N},
        {"0x3", N},
        {"nan", N},
        {"1e999", N},
        {"9007199254740993", 6},
        {"9007199254740993.0", N},
        {"3.0000000000000000000000000", N},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = encoder_category(&column, cases[i].text, strlen(cases[i].text));
        CHECK_SAY(at == cases[i].at, "\"%s\": %zu", cases[i].text, at);
    }
}

static void left_out(void) {
    struct encoder enc = encoder_make();
    struct err e = {0};
    CHECK(encoder_layout(&enc, &e));
    CHECK(encoder_find_unused(&enc, "id", 2) == 0 && enc.unused_n == 0);
    const char *const names[] = {"name", "age", "id", "name", "", "Id", "port"};
    CHECK(encoder_leave_out(&enc, names, 7, &e) && enc.unused_n == 3);
    CHECK(encoder_find_unused(&enc, "Id", 2) == 0);
    CHECK(encoder_find_unused(&enc, "id", 2) == 1);
    CHECK(encoder_find_unused(&enc, "name and more", 4) == 2);
    CHECK(encoder_find_unused(&enc, "nam", 3) == 3);
    CHECK(encoder_find_unused(&enc, "age", 3) == 3);
    CHECK(encoder_find_unused(&enc, "", 0) == 3);
    CHECK(encoder_find(&enc, "id", 2) == COLUMNS_N);
    CHECK(encoder_leave_out(&enc, names + 3, 1, &e) && enc.unused_n == 1);
    CHECK(encoder_find_unused(&enc, "name", 4) == 0);
    CHECK(encoder_leave_out(&enc, NULL, 0, &e) && enc.unused_n == 0 && !enc.unused);
    encoder_free(&enc);
    CHECK(!enc.unused && !enc.unused_n);
}

int main(void) {
    CHECK_RUN(layout);
    CHECK_RUN(find);
    CHECK_RUN(left_out);
    CHECK_RUN(numbers);
    CHECK_RUN(booleans);
    CHECK_RUN(categories);
    CHECK_RUN(numbers_as_categories);
    CHECK_RUN(whole_numbers);
    CHECK_RUN(refused);
    CHECK_RUN(unseen_refused);
    CHECK_RUN(too_many_inputs);
    return check_done();
}
