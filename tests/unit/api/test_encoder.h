/* An encoder of a number "a", a boolean "b" and a category "c" for tests, and columns
 * that an encoder does not take. */
#ifndef TESTS_TEST_ENCODER_H
#define TESTS_TEST_ENCODER_H

#include <stdlib.h>
#include <string.h>

#include "engine/encoder.h"
#include "tests/unit/check.h"

static inline struct encoder encoder_abc(void) {
    struct err e = {0};
    struct encoder enc = {.columns = calloc(3, sizeof *enc.columns), .columns_n = 3};
    static const char *const names[] = {"a", "b", "c"};
    if (!enc.columns)
        abort();
    for (size_t i = 0; i < 3; i++) {
        enc.columns[i].name = strdup(names[i]);
        enc.columns[i].kind = (enum encoder_kind)i; /* number, boolean, category */
    }
    enc.columns[0].mean = 2.1;
    enc.columns[1].mean = 0.25;
    enc.columns[2].categories = calloc(2, sizeof(char *));
    if (!enc.columns[2].categories)
        abort();
    enc.columns[2].categories[0] = strdup("x \"1\"");
    enc.columns[2].categories[1] = strdup("y");
    enc.columns[2].categories_n = 2;
    enc.columns[2].missing_category = true;
    CHECK_SAY(encoder_layout(&enc, &e), "%s", e.text);
    return enc;
}

static inline void encoder_leave_two(struct encoder *enc, const char *one,
                                     const char *other) {
    const char *const names[] = {one, other};
    struct err e = {0};
    CHECK_SAY(encoder_leave_out(enc, names, 2, &e), "%s", e.text);
}

#endif
