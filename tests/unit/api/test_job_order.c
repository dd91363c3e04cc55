#include "api/job_order.h"

#include <string.h>

#include "tests/unit/check.h"

static bool decodes(const char *body) {
    struct err e = {0};
    bool ok = job_order_decode(body, strlen(body), &e);
    CHECK_SAY(ok ? e.kind == ERR_NONE : e.kind == ERR_INVALID, "%s: %s", body, e.text);
    return ok;
}

static void nothing_is_said(void) {
    CHECK(decodes("") && decodes("{}") && decodes(" {\n} "));
    static const char *const others[] = {"[]",   "null", "0", "{\"a\":1}",
                                         "{} x", "{",    " "};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_SAY(!decodes(others[i]), "%s", others[i]);
}

int main(void) {
    CHECK_RUN(nothing_is_said);
    return check_done();
}
