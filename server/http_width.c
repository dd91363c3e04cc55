#include "server/http_width.h"

#include <assert.h>
#include <stdbool.h>

/* What a connection is given, and from which announced body on. */
static const struct {
    size_t bytes, body_n;
} all[] = {{HTTP_WIDTH_LEAST_BYTES, 0},
           {16 << 10, 3500},
           {64 << 10, 16 << 10},
           {128 << 10, 256 << 10}};
_Static_assert(sizeof all / sizeof *all == HTTP_WIDTHS_N, "each has its bytes");

size_t http_width_bytes(size_t width) {
    return all[width].bytes;
}

static bool is_called_for(const struct http_widths *widths, uint64_t body_n,
                          size_t width) {
    return body_n >= all[width].body_n ||
           (width == HTTP_WIDTH_ROOMY &&
            atomic_load(&widths->roomy_n) < HTTP_WIDTH_ROOMY_MAX);
}

static bool has_room(const struct http_widths *widths, size_t width) {
    return atomic_load(&widths->wider_bytes) + all[width].bytes <=
           HTTP_WIDTH_WIDER_BYTES_MAX;
}

size_t http_width_take(struct http_widths *widths, uint64_t body_n) {
    size_t width = HTTP_WIDTH_LARGE;
    while (width && (!is_called_for(widths, body_n, width) || !has_room(widths, width)))
        width--;
    if (width)
        atomic_fetch_add(&widths->wider_bytes, all[width].bytes);
    if (width == HTTP_WIDTH_ROOMY)
        atomic_fetch_add(&widths->roomy_n, 1);
    return width;
}

void http_width_give(struct http_widths *widths, size_t width) {
    if (!width)
        return;
    size_t bytes = atomic_fetch_sub(&widths->wider_bytes, all[width].bytes);
    assert(bytes >= all[width].bytes);
    (void)bytes;
    if (width == HTTP_WIDTH_ROOMY)
        atomic_fetch_sub(&widths->roomy_n, 1);
}
