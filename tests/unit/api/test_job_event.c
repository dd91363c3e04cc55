#include "api/job_event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void text_is(struct text *text, const char *want) {
    char *got = text_take(text);
    CHECK_TEXT(got ? got : "?", want);
    free(got);
}

static void documents(void) {
    struct text text = {0};
    job_event_status("running", &text);
    text_is(&text, "{\"status\":\"running\"}");
    const struct checkpoint_view c = {.number = 3,
                                      .epoch = 7,
                                      .bytes = 99,
                                      .created_ms = 1000,
                                      .epochs_done = 7.5,
                                      .cost = 0.25,
                                      .validation_cost = (double)NAN,
                                      .best = true};
    checkpoint_document_encode(&c, &text);
    text_is(&text, "{\"number\":3,\"epoch\":7,\"epochs_done\":7.5,\"cost\":0.25,"
                   "\"validation_cost\":null,\"best\":true,\"resumable\":false,"
                   "\"bytes\":99,\"created_at\":\"1970-01-01T00:00:01.000Z\"}");
    struct done_view done = {.status = "succeeded",
                             .stop_reason = "completed",
                             .model_version = 4,
                             .error_code = "",
                             .error_text = "",
                             .error_epoch = -1};
    job_event_done(&done, &text);
    text_is(&text, "{\"status\":\"succeeded\",\"stop_reason\":\"completed\","
                   "\"model_version\":4,\"error\":null}");
    done = (struct done_view){"failed", "failed", 0, "storage", "gone", -1};
    job_event_done(&done, &text);
    text_is(&text, "{\"status\":\"failed\",\"stop_reason\":\"failed\","
                   "\"model_version\":null,\"error\":{\"code\":\"storage\","
                   "\"message\":\"gone\",\"epoch\":null}}");
}

static void warnings_that_are_new(void) {
    struct err e = {0};
    char **got;
    size_t n = 9;
    CHECK(job_event_warnings(NULL, NULL, &got, &n, &e) && n == 0);
    job_event_warnings_free(got, n);
    CHECK(job_event_warnings("[\"a\", {\"b\": 1}]",
                             "[\"c\\n\", \"a\", {\"b\":1}, {\"b\": 2}]", &got, &n, &e));
    if (CHECK(n == 2)) {
        CHECK_TEXT(got[0], "{\"message\":\"c\\n\"}");
        CHECK_TEXT(got[1], "{\"b\":2}");
    }
    job_event_warnings_free(got, n);
    static const char *const BAD[] = {"{}", "[", "1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK(!job_event_warnings(NULL, BAD[i], &got, &n, &e) && e.kind == ERR_INVALID);
        e = (struct err){0};
        CHECK(!job_event_warnings(BAD[i], "[]", &got, &n, &e) && !got && !n);
        e = (struct err){0};
    }
}

int main(void) {
    CHECK_RUN(documents);
    CHECK_RUN(warnings_that_are_new);
    return check_done();
}
