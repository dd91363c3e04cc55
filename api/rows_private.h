/* What the scanners of rows share; private to them. */
#ifndef API_ROWS_PRIVATE_H
#define API_ROWS_PRIVATE_H

#include "api/rows.h"

/* How an array of numbers is to be read. */
struct rows_form {
    bool flat;        /* one array of numbers, a row */
    size_t columns_n; /* of each row; 0: as many as the first has */
};

/* Room for `wanted` floats, of which `used` are kept. Not zeroed: pages that an estimate
 * was too high by are never touched, and so never there. ERR_TOO_LARGE, ERR_NO_MEMORY. */
bool rows_reserve(struct rows *rows, size_t used, size_t wanted, const char *path,
                  struct err *e) __attribute__((warn_unused_result));

/* One number at a time, with the errors that rows_scan promises. */
bool rows_scan_strictly(struct cursor *c, struct rows_form form, const char *path,
                        struct rows *rows, struct err *e)
    __attribute__((warn_unused_result));

/* The same text many characters at a time, where this machine can. @return false, the
 * cursor as it was, where anything is amiss, or where it cannot: rows_scan_strictly then
 * finds out what. */
bool rows_scan_widely(struct cursor *c, struct rows_form form, struct rows *rows)
    __attribute__((warn_unused_result));

#endif
