/* A row of numbers as lists within lists: an image of (height, width, channels), say. Its
 * numbers are in the row's order, the last index fastest. Pure; any thread. */
#ifndef API_NESTED_H
#define API_NESTED_H

#include "api/cursor.h"
#include "api/text.h"

enum { NESTED_DEPTH_MAX = 64 };

/* How the rows' lists stand within each other, as the first row tells: at which depth the
 * numbers are, and how long the lists of each depth. Zero it before the first row. */
struct nested_shape {
    size_t depth; /* of numbers, from 1 (not in a list) on; 0: not known yet */
    size_t lengths[NESTED_DEPTH_MAX]; /* 0: not known yet */
};

/* Moves over one row, a list or a number, of `n` numbers: row gets (n,). ERR_INVALID for
 * another number of them, a value that is none, or lists that are not of one length and
 * depth, in this row or among all; ERR_RANGE outside float32. The place is the number's
 * in the row ("/17") or none. The grammar has been checked before. */
bool nested_scan(struct cursor *c, struct nested_shape *shape, size_t n, float *row,
                 struct err *e) __attribute__((warn_unused_result));

/* Whether the list at the cursor begins with a row whose first value is a list. */
bool nested_begins(const struct cursor *c);

/* How many numbers the first row of such a list has, up to a value that is none; *c
 * stays. ERR_INVALID for the grammar of the whole list, at most CARVE_DEPTH_MAX deep. */
bool nested_measure(const struct cursor *c, size_t *n, struct err *e)
    __attribute__((warn_unused_result));

/* The text of such a list, all of whose rows nested_scan has moved over, as one of flat
 * rows. Memory that ends shows in `flat`. */
void nested_flatten(const char *from, const char *to, struct text *flat);

#endif
