#include <string.h>

#include "engine/err.h"
#include "tests/unit/check.h"

static void the_first_error_wins(void) {
    struct err e = {0};
    CHECK(!err_set(&e, ERR_RANGE, "/a/0", "expected %d, got %d", 1, 2));
    CHECK(!err_set(&e, ERR_INTERNAL, NULL, "later"));
    CHECK(e.kind == ERR_RANGE);
    CHECK_TEXT(e.text, "expected 1, got 2");
    CHECK_TEXT(e.where, "/a/0");
}

static void long_texts_are_cut(void) {
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err e = {0};
    err_set(&e, ERR_INVALID, text, "%s", text);
    CHECK(strlen(e.text) == ERR_TEXT_MAX - 1);
    CHECK(strlen(e.where) == ERR_WHERE_MAX - 1);
}

int main(void) {
    CHECK_RUN(the_first_error_wins);
    CHECK_RUN(long_texts_are_cut);
    return check_done();
}
