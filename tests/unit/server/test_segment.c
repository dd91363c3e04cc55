#include "server/segment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

enum { EVENTS_N = 300 };

/* Points with the numbers first, first + step, ... */
static struct store_event *points(int64_t first, int64_t step, size_t n) {
    struct store_event *events = calloc(n, sizeof *events);
    if (!events)
        abort();
    for (size_t i = 0; i < n; i++)
        events[i] = (struct store_event){.seq = first + (int64_t)i * step,
                                         .kind = EVENT_COST,
                                         .point = {(int64_t)i, 1, (double)NAN}};
    return events;
}

static struct segment *made(int64_t after, int64_t first, int64_t step, size_t n) {
    struct err e = {0};
    struct store_event *events = points(first, step, n);
    struct segment *s = segment_new(after, events, n, 0, &e);
    if (!s)
        abort();
    free(events);
    return s;
}

/* All that is left from an offset on, read in pieces of at most `size`. */
static char *rest(const struct segment *s, size_t offset, size_t size) {
    struct text all = {0};
    char piece[1 << 10];
    size_t n;
    while ((n = segment_copy(s, &offset, piece, size)))
        text_bytes(&all, piece, n);
    return text_take(&all);
}

static void test_bounds(void) {
    struct segment *s = made(4, 5, 1, 3);
    CHECK(segment_after(s) == 4 && segment_last(s) == 7);
    segment_release(s);
    s = made(0, 1, 1, EVENTS_N);
    CHECK(segment_last(s) == SEGMENT_EVENTS_MAX);
    segment_release(s);
}

/* Long documents end it early, behind a whole one. */
static void test_bytes(void) {
    struct err e = {0};
    struct store_event events[4];
    char *document = malloc(20001);
    if (!document)
        abort();
    memset(document, ' ', 20000);
    memcpy(document, "{}", 2);
    document[20000] = '\0';
    for (int i = 0; i < 4; i++)
        events[i] = (struct store_event){
            .seq = i + 1, .kind = EVENT_WARNING, .document = document};
    struct segment *s = segment_new(0, events, 4, 4, &e);
    if (CHECK(s))
        CHECK(segment_last(s) == 2 && segment_bytes(s) < 3 * 20001);
    segment_release(s);
    free(document);
}

static void test_offset(void) {
    struct segment *s = made(0, 1, 1, 10);
    char *all = rest(s, 0, 1024);
    for (int64_t seq = 0; seq < 10; seq++) {
        char first[32];
        snprintf(first, sizeof first, "id: %d\n", (int)seq + 1);
        CHECK_TEXT(all + segment_offset(s, seq), strstr(all, first));
    }
    CHECK(segment_offset(s, 10) == strlen(all));
    CHECK(segment_offset(s, INT64_MAX) == strlen(all));
    free(all);
    segment_release(s);
}

/* Where numbers are left out, what is behind the one that was asked for comes next. */
static void test_gaps(void) {
    struct segment *s = made(0, 10, 10, 3);
    char *all = rest(s, 0, 1024);
    CHECK(segment_offset(s, 9) == 0 && segment_offset(s, 3) == 0);
    CHECK_TEXT(all + segment_offset(s, 15), strstr(all, "id: 20\n"));
    free(all);
    segment_release(s);
}

static void test_pieces(void) {
    struct segment *s = made(0, 1, 1, 100);
    char *whole = rest(s, 0, 1024), *parts = rest(s, 0, 7);
    CHECK_TEXT(parts, whole);
    /* Whole messages where there is room for one. */
    char piece[200];
    size_t offset = 0, n;
    while ((n = segment_copy(s, &offset, piece, sizeof piece)))
        CHECK(n > 2 && memcmp(piece, "id: ", 4) == 0 &&
              memcmp(piece + n - 2, "\n\n", 2) == 0);
    free(whole);
    free(parts);
    segment_release(s);
}

static void test_empty(void) {
    struct err e = {0};
    struct segment *s = segment_new(5, NULL, 0, 9, &e);
    char byte;
    size_t offset = 0;
    if (!CHECK(s))
        return;
    CHECK(segment_after(s) == 5 && segment_last(s) == 9);
    CHECK(segment_copy(s, &offset, &byte, 1) == 0 && segment_offset(s, 7) == 0);
    segment_release(s);
}

static void test_references(void) {
    struct segment *s = made(0, 1, 1, 1);
    CHECK(segment_acquire(s) == s);
    segment_release(s);
    CHECK(segment_last(s) == 1); /* still there, as the sanitizer would say */
    segment_release(s);
    segment_release(NULL);
}

int main(void) {
    CHECK_RUN(test_bounds);
    CHECK_RUN(test_bytes);
    CHECK_RUN(test_offset);
    CHECK_RUN(test_gaps);
    CHECK_RUN(test_pieces);
    CHECK_RUN(test_empty);
    CHECK_RUN(test_references);
    return check_done();
}
