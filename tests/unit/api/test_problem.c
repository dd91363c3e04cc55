#include "api/problem.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void test_statuses(void) {
    static const struct {
        enum err_kind kind;
        int status;
        const char *code;
    } wanted[] = {
        {ERR_INVALID, 400, "invalid_argument"},
        {ERR_RANGE, 422, "out_of_range"},
        {ERR_FORBIDDEN, 403, "forbidden"},
        {ERR_NOT_FOUND, 404, "not_found"},
        {ERR_METHOD, 405, "method_not_allowed"},
        {ERR_CONFLICT, 409, "conflict"},
        {ERR_LENGTH, 411, "length_required"},
        {ERR_TOO_LARGE, 413, "too_large"},
        {ERR_HEAD_TOO_LARGE, 431, "head_too_large"},
        {ERR_MEDIA, 415, "unsupported_media_type"},
        {ERR_BUSY, 429, "busy"},
        {ERR_CONTENDED, 503, "unavailable"},
        {ERR_UNAVAILABLE, 503, "unavailable"},
        {ERR_NUMERIC, 422, "not_finite"},
        {ERR_NO_MEMORY, 503, "out_of_memory"},
        {ERR_STORAGE, 503, "storage"},
        {ERR_INTERNAL, 500, "internal"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        CHECK_SAY(problem_status(wanted[i].kind) == wanted[i].status, "kind %d",
                  wanted[i].kind);
        CHECK_TEXT(problem_code(wanted[i].kind), wanted[i].code);
        CHECK(problem_status_plain(wanted[i].kind) ==
              (wanted[i].status == 422 ? 400 : wanted[i].status));
    }
    /* No kind is left without an answer. */
    for (int kind = ERR_NONE; kind < ERR_KINDS_N; kind++) {
        int status = problem_status((enum err_kind)kind);
        CHECK_SAY(status >= 400 && status < 600 && problem_code((enum err_kind)kind),
                  "kind %d: %d", kind, status);
    }
}

static void check_encoded(const struct err *e, const char *id, const char *want) {
    struct text t = {0};
    problem_encode(e, id, &t);
    char *got = text_take(&t);
    CHECK_TEXT(got, want);
    free(got);
}

static void test_encoded(void) {
    struct err e = {0};
    err_set(&e, ERR_INVALID, "/instances/3/0", "expected a \"number\", got %s", "\xff");
    check_encoded(&e, "r-1",
                  "{\"error\":{\"code\":\"invalid_argument\",\"message\":\"expected a "
                  "\\\"number\\\", got \xef\xbf\xbd\",\"param\":\"/instances/3/0\","
                  "\"request_id\":\"r-1\"}}\n");
    e = (struct err){0};
    err_set(&e, ERR_BUSY, NULL, "later");
    check_encoded(&e, NULL,
                  "{\"error\":{\"code\":\"busy\",\"message\":\"later\",\"param\":"
                  "null,\"request_id\":null}}\n");
}

static void test_plain(void) {
    struct err e = {0};
    struct text t = {0};
    err_set(&e, ERR_INVALID, "/inputs/0/data", "expected 4 \"numbers\"");
    problem_encode_plain(&e, &t);
    char *got = text_take(&t);
    CHECK_TEXT(got, "{\"error\":\"/inputs/0/data: expected 4 \\\"numbers\\\"\"}\n");
    free(got);
    e = (struct err){0};
    err_set(&e, ERR_BUSY, NULL, "later");
    problem_encode_plain(&e, &t);
    got = text_take(&t);
    CHECK_TEXT(got, "{\"error\":\"later\"}\n");
    free(got);
}

int main(void) {
    CHECK_RUN(test_statuses);
    CHECK_RUN(test_encoded);
    CHECK_RUN(test_plain);
    return check_done();
}
