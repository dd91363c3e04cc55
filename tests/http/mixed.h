/* A table with columns of every kind and with missing cells; and several of them can be
 * the target. */
#ifndef TESTS_HTTP_MIXED_H
#define TESTS_HTTP_MIXED_H

#include "tests/http/client.h"
#include "tests/http/table.h"

enum { MIXED_ROWS = 160, MIXED_SEED = 5 };

/* One row's truth, before cells are lost. */
struct mixed {
    const char *colour; /* as CSV has it */
    const char *shown;  /* as JSON has it */
    double size;
    bool fresh, size_missing, fresh_missing, colour_missing;
    int level;
    double price;
};

/* The row after the one before; begin with i = 0 and with MIXED_SEED. */
void mixed_row(struct table_random *random, int i, struct mixed *row);

/* Uploads it: colour, size and fresh; the targets kind (large, small), sold (true,
 * false), level (0, 1, 2) and price. */
bool mixed_put(struct client *client, const char *name);

#endif
