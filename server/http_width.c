#include "server/http_width.h"

#include <stdbool.h>

enum { ROOMY = 1 };

/* And from which announced body on it is worth it. */
static const struct {
    size_t bytes, body_n;
} widths_of[WIDTHS_N] = {{7680, 0}, /* the head must fit */
                         [ROOMY] = {16 << 10, 3500},
                         {64 << 10, 16 << 10},
                         [WIDTH_LARGE] = {128 << 10, 256 << 10}};

size_t http_width_bytes(size_t width) {
    return widths_of[width].bytes;
}

static bool is_called_for(const struct http_widths *widths, uint64_t body_n,
                          size_t width) {
    return body_n >= widths_of[width].body_n ||
           (width == ROOMY && atomic_load(&widths->roomy_n) < WIDTH_ROOMY_MAX);
}

static bool has_room(const struct http_widths *widths, size_t width) {
    return atomic_load(&widths->wider_bytes) + widths_of[width].bytes <=
           WIDTH_WIDER_BYTES_MAX;
}

size_t http_width_take(struct http_widths *widths, uint64_t body_n) {
    size_t width = WIDTHS_N - 1;
    while (width && (!is_called_for(widths, body_n, width) || !has_room(widths, width)))
        width--;
    if (width)
        atomic_fetch_add(&widths->wider_bytes, widths_of[width].bytes);
    atomic_fetch_add(&widths->roomy_n, width == ROOMY);
    return width;
}

void http_width_give(struct http_widths *widths, size_t width) {
    if (width)
        atomic_fetch_sub(&widths->wider_bytes, widths_of[width].bytes);
    atomic_fetch_sub(&widths->roomy_n, width == ROOMY);
}
