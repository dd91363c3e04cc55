/* What a table holds, learnt in one pass: a table_sink that infers each column's type and
 * keeps its statistics. Memory is bounded by the number of columns.
 *
 * A column is a number when all its cells are numbers (or missing), boolean when all are
 * true or false, a category otherwise. A column that is numbers but for less than one
 * cell in twenty (and at least 20 cells) is taken for damaged: ERR_INVALID, where "line
 * 17, column
 * \"age\"", text `expected a number, got "abc"`, of its first such cell, at profile_end.
 */
#ifndef API_PROFILE_H
#define API_PROFILE_H

#include <stdint.h>

#include "api/text.h"
#include "engine/table.h"

enum {
    PROFILE_VALUES_MAX = 1000, /* distinct values that are counted; more are `many` */
    PROFILE_VALUE_BYTES_MAX = 256,
    PROFILE_FIRST_ROWS = 5
};

/* What is said of texts that are `many`. */
#define PROFILE_MANY_TEXTS "has too many different texts, or one of more than 256 bytes"
_Static_assert(PROFILE_VALUE_BYTES_MAX == 256, "PROFILE_MANY_TEXTS says it");

enum profile_type { PROFILE_NUMBER, PROFILE_BOOLEAN, PROFILE_CATEGORY };
const char *
profile_type_name(enum profile_type type); /* "number", "boolean", "category" */
bool profile_type_find(const char *name, enum profile_type *type);

/* A distinct value of a column and how often it came. */
struct profile_value {
    char *text; /* its spelling; a number without one is printed shortest */
    uint64_t count;
};

struct profile_column {
    char *name; /* "0", "1", ... where the source has no names */
    enum profile_type type;
    uint64_t missing;
    double min, max, mean,
        deviation;                /* numbers: over cells that are there; deviation / m */
    bool whole;                   /* numbers: all are whole */
    struct profile_value *values; /* in the order they came; at most PROFILE_VALUES_MAX */
    size_t values_n;
    bool many; /* more distinct values than are kept, or too long ones; there are no
                  values then. The columns together keep 32 MiB: those that came to hold
                  most when that is full are `many` as well. */
};

/* Zero-initialise; owned strings and arrays are freed by profile_free. */
struct profile {
    struct profile_column *columns;
    size_t columns_n;
    uint64_t rows_n;
    bool named;
    char *first_rows; /* JSON: an array of up to PROFILE_FIRST_ROWS arrays */
};
void profile_free(struct profile *p);

struct profiler;
/* The sink of a new profiler; NULL with ERR_NO_MEMORY. Duplicate and empty column names
 * are refused by the sink with ERR_INVALID. */
struct profiler *profiler_new(struct table_sink *sink, struct err *e)
    __attribute__((warn_unused_result));
void profiler_free(struct profiler *p);

/* Ends the pass and moves the result to *out. ERR_INVALID for a damaged column, or when
 * there was no row. */
bool profiler_end(struct profiler *p, struct profile *out, struct err *e)
    __attribute__((warn_unused_result));

/* The cell for which profiler_end refused a column as damaged; both count from 0, and the
 * name is NULL where the source has none. false: no column is. */
struct profile_damage {
    size_t row, column;
    const char *name; /* borrowed */
};
bool profiler_damaged(const struct profiler *p, struct profile_damage *damage);

/* {"rows":..,"columns":[{"name","type","missing","min","max","mean","standard_deviation",
 * "values":[{"value","count"}..],"many_values":true}],"first_rows":[[...]]}, and back;
 * beside them "named" at the top and "whole" of a number column. A value is always a
 * string, and a column without cells has no statistics. */
void profile_encode(const struct profile *p, struct text *out);
/* The part of it that people look at: {"columns":[..],"first_rows":[..]} with at most
 * values_max values a column, and 0 leaving `values` out. */
void profile_show(const struct profile *p, size_t values_max, struct text *out);
bool profile_decode(const char *json, struct profile *p, struct err *e)
    __attribute__((warn_unused_result));

#endif
