/* The names of columns as a JSON array. Pure; any thread. */
#ifndef API_COLUMNS_LIST_H
#define API_COLUMNS_LIST_H

#include "api/columns.h"
#include "api/cursor.h"

/* Moves over an array of names, texts or whole numbers, and finds the column of each:
 * columns_match, whose rules and errors it has, at `path`. order is (columns->names_n);
 * *n is how many names there are. */
bool columns_list_match(struct cursor *c, const char *path, const struct columns *columns,
                        size_t *order, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

#endif
