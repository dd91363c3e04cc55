#include "api/alias.h"

#include <string.h>

#include "tests/unit/check.h"

static void check_version(const char *body, int64_t want) {
    struct err e = {0};
    int64_t version = -1;
    CHECK_SAY(alias_decode(body, strlen(body), &version, &e), "%s: %s", body, e.text);
    CHECK_SAY(version == want, "%s: %d", body, (int)version);
}

static void check_refused(const char *body, enum err_kind kind, const char *where) {
    struct err e = {0};
    int64_t version = 0;
    CHECK_SAY(!alias_decode(body, strlen(body), &version, &e), "%s", body);
    CHECK_SAY(e.kind == kind, "%s: kind %d", body, e.kind);
    CHECK_TEXT(e.where, where);
}

static void test_body(void) {
    check_version("{\"version\":3}", 3);
    check_version("{\"version\":1e1}", 10);
    check_version("{\"version\":3.0}", 3);
    check_refused("{}", ERR_INVALID, "/version");
    check_refused("{\"version\":\"3\"}", ERR_INVALID, "/version");
    check_refused("{\"version\":null}", ERR_INVALID, "/version");
    check_refused("{\"version\":1.5}", ERR_INVALID, "/version");
    check_refused("{\"version\":0}", ERR_RANGE, "/version");
    check_refused("{\"version\":-1}", ERR_RANGE, "/version");
    check_refused("{\"version\":1,\"alias\":\"x\"}", ERR_INVALID, "/alias");
    check_refused("[]", ERR_INVALID, "");
}

static void check_condition(const char *match, const char *none_match, int64_t want) {
    struct err e = {0};
    int64_t change = -2;
    CHECK_SAY(alias_condition_decode(match, none_match, &change, &e), "%s", e.text);
    CHECK(change == want);
}

static void test_conditions(void) {
    check_condition(NULL, NULL, -1);
    check_condition("\"1\"", NULL, 1);
    check_condition("\"999999999999999999\"", NULL, 999999999999999999);
    check_condition(NULL, "*", 0);
    static const char *const bad[] = {"",
                                      "1",
                                      "\"\"",
                                      "\"0\"",
                                      "*",
                                      "\"-1\"",
                                      "W/\"1\"",
                                      "\"1\", \"2\"",
                                      "\"01\"",
                                      "\"1",
                                      "\"1\" ",
                                      "\"x\"",
                                      "\"1000000000000000000\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        int64_t change;
        CHECK_SAY(!alias_condition_decode(bad[i], NULL, &change, &e), "%s", bad[i]);
        CHECK_TEXT(e.where, "If-Match");
    }
    struct err e = {0};
    int64_t change;
    CHECK(!alias_condition_decode(NULL, "\"1\"", &change, &e) && e.kind == ERR_INVALID);
    CHECK_TEXT(e.where, "If-None-Match");
}

int main(void) {
    CHECK_RUN(test_body);
    CHECK_RUN(test_conditions);
    return check_done();
}
