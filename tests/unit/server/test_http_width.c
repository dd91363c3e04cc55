#include "server/http_width.h"

#include "tests/unit/check.h"

enum { SMALL_BODY = 100, MEDIUM_BODY = 3500, LARGE_BODY = 1 << 20 };

static size_t bytes_for(struct http_widths *widths, uint64_t body_n) {
    return http_width_bytes(http_width_take(widths, body_n));
}

/* As many times as it gives that width. */
static size_t taken_of(struct http_widths *widths, uint64_t body_n, size_t width) {
    size_t n = 0, got;
    while ((got = http_width_take(widths, body_n)) == width)
        n++;
    http_width_give(widths, got);
    return n;
}

static void bodies_have_room(void) {
    struct http_widths widths = {.roomy_n = HTTP_WIDTH_ROOMY_MAX};
    CHECK(bytes_for(&widths, 0) == 7680);
    CHECK(bytes_for(&widths, 3499) == 7680);
    CHECK(bytes_for(&widths, 3500) == 16 << 10);
    CHECK(bytes_for(&widths, (16 << 10) - 1) == 16 << 10);
    CHECK(bytes_for(&widths, 16 << 10) == 64 << 10);
    CHECK(bytes_for(&widths, (256 << 10) - 1) == 64 << 10);
    CHECK(http_width_take(&widths, 256 << 10) == HTTP_WIDTH_LARGE);
    CHECK(http_width_take(&widths, UINT64_MAX) == HTTP_WIDTH_LARGE);
}

/* So many, and again as some end; larger ones are not kept out by them. */
static void small_ones_have_some_room(void) {
    struct http_widths widths = {0};
    CHECK(taken_of(&widths, SMALL_BODY, HTTP_WIDTH_ROOMY) == HTTP_WIDTH_ROOMY_MAX);
    CHECK(http_width_take(&widths, SMALL_BODY) == 0);
    CHECK(http_width_take(&widths, MEDIUM_BODY) == HTTP_WIDTH_ROOMY);
    CHECK(http_width_take(&widths, LARGE_BODY) == HTTP_WIDTH_LARGE);
    http_width_give(&widths, HTTP_WIDTH_ROOMY);
    CHECK(http_width_take(&widths, SMALL_BODY) == 0); /* there are as many yet */
    http_width_give(&widths, HTTP_WIDTH_ROOMY);
    CHECK(http_width_take(&widths, SMALL_BODY) == HTTP_WIDTH_ROOMY);
    CHECK(http_width_take(&widths, SMALL_BODY) == 0);
}

/* Wide connections become narrower by and by, and all of it comes back. */
static void memory_is_bounded(void) {
    struct http_widths widths = {0};
    for (int round = 0; round < 2; round++) {
        size_t taken[HTTP_WIDTHS_N];
        CHECK(http_width_take(&widths, MEDIUM_BODY) == HTTP_WIDTH_ROOMY);
        for (size_t width = HTTP_WIDTHS_N; width-- > 1;)
            taken[width] = taken_of(&widths, LARGE_BODY, width);
        CHECK(taken[3] == 127 && taken[2] == 1 && taken[1] == 3);
        CHECK(widths.wider_bytes == HTTP_WIDTH_WIDER_BYTES_MAX);
        CHECK(http_width_take(&widths, LARGE_BODY) == 0);
        CHECK(http_width_take(&widths, SMALL_BODY) == 0);
        http_width_give(&widths, HTTP_WIDTH_ROOMY);
        for (size_t width = 1; width < HTTP_WIDTHS_N; width++)
            for (; taken[width]; taken[width]--)
                http_width_give(&widths, width);
        http_width_give(&widths, 0);
        CHECK(!widths.wider_bytes && !widths.roomy_n);
    }
}

int main(void) {
    CHECK_RUN(bodies_have_room);
    CHECK_RUN(small_ones_have_some_room);
    CHECK_RUN(memory_is_bounded);
    return check_done();
}
