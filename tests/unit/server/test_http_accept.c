#include "server/http_accept.h"

#include <stddef.h>

#include "tests/unit/check.h"

static bool prefers(const char *accept) {
    return http_accept_prefers(accept, "text/csv", "application/json");
}

static void test_accept(void) {
    static const char *const csv[] = {"text/csv",
                                      "Text/CSV; charset=utf-8",
                                      "text/*",
                                      "text/csv, */*;q=0.1",
                                      "application/json;q=0.5, text/csv",
                                      "application/json; q=0.899,text/csv;q=0.9",
                                      "text/csv;q=0.001",
                                      "image/png,, text/csv",
                                      "*/*;q=0, text/csv"};
    for (size_t i = 0; i < sizeof csv / sizeof *csv; i++)
        CHECK_SAY(prefers(csv[i]), "%s", csv[i]);
    static const char *const json[] = {"",
                                       "*/*",
                                       "application/json",
                                       "application/json, text/csv",
                                       "text/csv, application/json",
                                       "text/csv;q=0",
                                       "text/csv;q=0.5, application/json",
                                       "text/csv;q=0.5, */*",
                                       "text/*, text/csv;q=0",
                                       "text/csvx",
                                       "text/cs",
                                       "text/csv;q=",
                                       "text",
                                       ", ,"};
    for (size_t i = 0; i < sizeof json / sizeof *json; i++)
        CHECK_SAY(!prefers(json[i]), "%s", json[i]);
    CHECK(!prefers(NULL));
}

static void test_codings(void) {
    static const struct {
        const char *accept;
        enum http_coding coding;
        bool only;
    } cases[] = {{"gzip", CODING_GZIP, false},
                 {"GZIP;q=0.001", CODING_GZIP, false},
                 {"deflate", CODING_DEFLATE, false},
                 {"gzip, deflate, br, zstd", CODING_GZIP, false},
                 {"deflate, gzip", CODING_GZIP, false},
                 {"deflate, gzip;q=0.9", CODING_DEFLATE, false},
                 {"br", CODING_NONE, false},
                 {"*", CODING_GZIP, false},
                 {"gzip;q=0, *", CODING_DEFLATE, false},
                 {"*;q=0", CODING_NONE, false},
                 {"gzip;q=0", CODING_NONE, false},
                 {"identity", CODING_NONE, false},
                 {"", CODING_NONE, false},
                 {"gzipped, x", CODING_NONE, false},
                 {"identity, gzip;q=0.5", CODING_NONE, false},
                 {"identity;q=0.5, gzip;q=0.5", CODING_GZIP, false},
                 {"gzip, identity;q=0", CODING_GZIP, true},
                 {"deflate, *;q=0", CODING_DEFLATE, true},
                 {"identity;q=0", CODING_NONE, false},
                 {"br, identity;q=0", CODING_NONE, false},
                 {"identity;q=0, *;q=0.1", CODING_GZIP, true}};
    bool only;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum http_coding got = http_accept_coding(cases[i].accept, &only);
        CHECK_SAY(got == cases[i].coding && only == cases[i].only, "%s: %d %d",
                  cases[i].accept, got, only);
    }
    CHECK(http_accept_coding(NULL, &only) == CODING_NONE && !only);
}

int main(void) {
    CHECK_RUN(test_accept);
    CHECK_RUN(test_codings);
    return check_done();
}
