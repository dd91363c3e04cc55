#include "tests/http/mixed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/upload.h"
#include "tests/unit/check.h"

void mixed_row(struct table_random *random, int i, struct mixed *row) {
    static const char *const colours[] = {"red", "blue", "\"deep \"\"sea\"\", dark\""};
    static const char *const shown[] = {"\"red\"", "\"blue\"",
                                        "\"deep \\\"sea\\\", dark\""};
    size_t colour = (size_t)(3 * table_uniform(random));
    row->colour = colours[colour];
    row->shown = shown[colour];
    row->size = floor(900 * table_uniform(random)) / 100 + 1;
    row->fresh = table_uniform(random) < 0.5;
    row->size_missing = i % 31 == 7;
    row->fresh_missing = i % 37 == 5;
    row->colour_missing = i % 29 == 3;
    row->level = row->size < 4 ? 0 : row->size < 7 ? 1 : 2;
    row->price = 1000.25 + 50 * row->size + 200 * (colour == 0) + 30 * row->fresh;
}

bool mixed_put(struct client *client, const char *name) {
    static char text[16384];
    struct table_random random = {MIXED_SEED};
    size_t at = (size_t)snprintf(text, sizeof text,
                                 "colour,size,fresh,kind,sold,level,price\r\n");
    for (int i = 0; i < MIXED_ROWS; i++) {
        struct mixed r;
        char size[16];
        mixed_row(&random, i, &r);
        snprintf(size, sizeof size, "%.2f", r.size);
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%s,%s,%s,%s,%s,%d,%.2f\r\n",
            r.colour_missing ? "NA" : r.colour, r.size_missing ? "" : size,
            r.fresh_missing ? "?"
            : r.fresh       ? "True"
                            : "False",
            r.size > 5 ? "large" : "small",
            strcmp(r.colour, "red") == 0 ? "true" : "false", r.level, r.price);
    }
    return CHECK(at < sizeof text) && upload_text(client, name, text);
}
