/* Raw instances of a model that knows its columns: rows as arrays in the order of the
 * columns, or as objects by their names, of numbers, texts, booleans and nulls (missing).
 */
#ifndef API_INSTANCES_H
#define API_INSTANCES_H

#include "api/cursor.h"
#include "api/rows.h"
#include "engine/encoder.h"

/* Scans an array of at least one row and encodes each: rows gets (m, encoder->inputs_n).
 * Errors name the path: an unknown or missing column, a cell that does not fit
 * (ERR_INVALID), a number outside float32 (ERR_RANGE). On an error rows_free is still the
 * caller's. */
bool instances_scan(struct cursor *c, const struct encoder *encoder, const char *path,
                    struct rows *rows, struct err *e) __attribute__((warn_unused_result));

#endif
