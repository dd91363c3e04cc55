/* What the files of the cursor and of the scanners over it share; private to them. */
#ifndef API_CURSOR_PRIVATE_H
#define API_CURSOR_PRIVATE_H

#include "api/cursor.h"
#include "api/number.h"

/* Moves over the string at the cursor, which stands on its quote, and counts the bytes
 * that it decodes to. */
bool cursor_string_skip(struct cursor *c, size_t *n, const char *where, struct err *e)
    __attribute__((warn_unused_result));

/* An error of any kind at `where`, or where that is NULL, at the cursor's line and
 * column.
 * @return false. */
bool cursor_fail(struct cursor *c, enum err_kind kind, const char *where, struct err *e,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The number at the cursor is none (NUMBER_SYNTAX) or leaves `type` ("float32"), whose
 * largest is `largest`: the error for it. @return false. */
bool cursor_refuse_number(struct cursor *c, enum number_scan result, const char *type,
                          const char *largest, const char *path, struct err *e);

#endif
