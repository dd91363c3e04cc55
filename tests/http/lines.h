/* A CSV file by its lines: any of them as a file of their own, or as raw instances. Cells
 * stand as they are, in no quotes. */
#ifndef TESTS_HTTP_LINES_H
#define TESTS_HTTP_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { LINES_CELL_BYTES = 64 };

struct lines {
    char *text;   /* owned */
    char **lines; /* (rows_n + 1), the header first, into text; owned */
    size_t rows_n;
};

bool lines_read(struct lines *set, const char *folder, const char *name)
    __attribute__((warn_unused_result));
void lines_free(struct lines *set);

/* The header and the given rows, as a CSV file. */
void lines_write(const struct lines *set, const size_t *rows, size_t n, FILE *out);

/* The cell of a row in the column of that name: "" when there is none. */
void lines_cell(const struct lines *set, size_t row, const char *column,
                char cell[LINES_CELL_BYTES]);

/* The rows as a JSON array of objects: the cells of the model's columns (an array of
 * {"name",...}). A cell that is missing is null, True a boolean. */
void lines_write_objects(const struct lines *set, const json_t *columns,
                         const size_t *rows, size_t n, FILE *out);

#endif
