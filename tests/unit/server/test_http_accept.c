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

int main(void) {
    CHECK_RUN(test_accept);
    return check_done();
}
