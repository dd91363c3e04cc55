#include "api/event.h"

#include <math.h>
#include <stdlib.h>

#include "tests/unit/check.h"

static void check_both(const struct event_view *event, const char *page,
                       const char *frame) {
    struct text t = {0};
    event_encode(event, &t);
    char *got = text_take(&t);
    CHECK_TEXT(got, page);
    free(got);
    event_frame(event, &t);
    got = text_take(&t);
    CHECK_TEXT(got, frame);
    free(got);
}

static void test_point(void) {
    struct event_view event = {.seq = 7, .kind = "cost", .point = {3, 0.5, (double)NAN}};
    check_both(&event,
               "{\"seq\":7,\"event\":\"cost\",\"data\":{\"epoch\":3,\"cost\":0.5}}",
               "id: 7\nevent: cost\ndata: {\"epoch\":3,\"cost\":0.5}\n\n");
    event.point.validation_cost = 0.25;
    check_both(&event,
               "{\"seq\":7,\"event\":\"cost\",\"data\":{\"epoch\":3,\"cost\":0.5,"
               "\"validation_cost\":0.25}}",
               "id: 7\nevent: cost\ndata: "
               "{\"epoch\":3,\"cost\":0.5,\"validation_cost\":0.25}\n\n");
}

static void test_document(void) {
    struct event_view event = {
        .seq = INT64_MAX, .kind = "status", .document = "{\"status\":\"running\"}"};
    check_both(&event,
               "{\"seq\":9223372036854775807,\"event\":\"status\",\"data\":"
               "{\"status\":\"running\"}}",
               "id: 9223372036854775807\nevent: status\ndata: "
               "{\"status\":\"running\"}\n\n");
}

/* A line break in a document does not end the frame's line; one in a string is escaped
 * and stays. */
static void test_lines(void) {
    struct event_view event = {
        .seq = 1, .kind = "warning", .document = "{\r\n\"a\":\n\"x\\ny\"}"};
    check_both(&event,
               "{\"seq\":1,\"event\":\"warning\",\"data\":{\r\n\"a\":\n\"x\\ny\"}}",
               "id: 1\nevent: warning\ndata: {  \"a\": \"x\\ny\"}\n\n");
}

/* Frames follow each other with nothing between them. */
static void test_frames(void) {
    struct event_view event = {.seq = 1, .kind = "status", .document = "{}"};
    struct text t = {0};
    event_frame(&event, &t);
    event.seq = 2;
    event_frame(&event, &t);
    char *got = text_take(&t);
    CHECK_TEXT(got,
               "id: 1\nevent: status\ndata: {}\n\nid: 2\nevent: status\ndata: {}\n\n");
    free(got);
}

int main(void) {
    CHECK_RUN(test_point);
    CHECK_RUN(test_document);
    CHECK_RUN(test_lines);
    CHECK_RUN(test_frames);
    return check_done();
}
