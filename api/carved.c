#include "api/carved.h"

#include "api/json.h"

json_t *carved_read(const char *body, size_t n, struct carve_hole *holes, size_t holes_n,
                    struct err *e) {
    struct arena arena;
    char *rest;
    size_t rest_n;
    arena_init(&arena, 2 * CARVED_REST_BYTES_MAX);
    json_t *root = NULL;
    if (carve(body, n, holes, holes_n, CARVED_REST_BYTES_MAX, &arena, &rest, &rest_n, e))
        root = json_read(rest, rest_n, e);
    arena_reset(&arena);
    return root;
}
