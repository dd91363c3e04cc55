/* A table's rows split into a training and a validation part, by lot.
 *
 * Pure: the same options give the same parts on any machine. Any thread. */
#ifndef ENGINE_SPLIT_H
#define ENGINE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct split_options {
    size_t m;        /* rows, at most 2^32-1 */
    double fraction; /* of the rows that go to validation, in (0,1) */
    uint64_t seed;
    const int32_t *classes; /* (m), each in 0..classes_n-1: stratified; NULL: not */
    size_t classes_n;
};

/* Whether there is something to split: rows_n is the table's, or where `stratified` the
 * most frequent class's. ERR_RANGE when that is not two. */
bool split_check(size_t rows_n, bool stratified, struct err *e)
    __attribute__((warn_unused_result));

/* Writes the rows of both parts, each ascending; each array has room for m. Together they
 * are 0..m-1, and neither is empty.
 *
 * Validation gets m * fraction rows, rounded, but at least one and not all. Stratified, a
 * class gets its own share rounded down or up, the ups going to the largest remainders;
 * each class keeps a row for training, so that a class of one row has none in validation,
 * and validation may then get fewer rows in all. ERR_RANGE: the fraction is not in (0,1),
 * or there are not two rows (of one class, where stratified) to split; ERR_TOO_LARGE: too
 * many rows; ERR_NO_MEMORY. */
bool split_rows(const struct split_options *options, uint32_t *training,
                size_t *training_n, uint32_t *validation, size_t *validation_n,
                struct err *e) __attribute__((warn_unused_result));

#endif
