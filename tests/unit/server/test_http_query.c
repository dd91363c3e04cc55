#include "server/http_query.h"

#include <string.h>

#include "server/http.h"
#include "tests/unit/check.h"

static bool is_known(const char *name, const char *words) {
    struct http_request request = {.query_n = 1, .query = {{name, "1"}}};
    struct err e = {0};
    bool known = http_query_known(&request, words, &e);
    CHECK_SAY(known || (e.kind == ERR_INVALID && strcmp(e.where, name) == 0), "%s: %s",
              name, e.text);
    return known;
}

/* Whole words alone, whatever the name: above all one that is empty comes to an end. */
static void whole_words(void) {
    static const char words[] = "model min_version limit";
    CHECK(is_known("model", words) && is_known("min_version", words) &&
          is_known("limit", words));
    static const char *const others[] = {"",
                                         " ",
                                         "mode",
                                         "models",
                                         "odel",
                                         "version",
                                         "model min_version",
                                         "model ",
                                         " model",
                                         "min_version limit",
                                         "limit\t",
                                         "Model"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_SAY(!is_known(others[i], words), "\"%s\"", others[i]);
    CHECK(!is_known("", "") && !is_known("model", "") && is_known("model", "model"));
}

static void nameless(void) {
    struct http_request request = {.query_n = 1, .query = {{"", "x"}}};
    struct err e = {0};
    CHECK(!http_query_known(&request, "after limit", &e));
    CHECK_TEXT(e.text, "a query parameter without a name; known here: after limit");
    CHECK_TEXT(e.where, "");
}

int main(void) {
    CHECK_RUN(whole_words);
    CHECK_RUN(nameless);
    return check_done();
}
