/* Raw instances as CSV: what reader.h reads, a row an instance, into a model's inputs.
 * Pure; any thread. */
#ifndef API_CSV_INSTANCES_H
#define API_CSV_INSTANCES_H

#include "api/rows.h"
#include "engine/encoder.h"

struct csv_instances {
    const char *bytes;
    size_t n;
    bool header_absent;            /* cells in the order of the model's columns */
    const struct encoder *encoder; /* columns_n 0: inputs_n columns of numbers, whose
                                      names are "0", "1", ... */
    size_t inputs_n;
};

/* Reads at least one row; rows gets (m, inputs_n). With a header columns go by name, in
 * any order; those of a model without names also by place, where the header's first name
 * is another. Errors are the reader's, and ERR_INVALID at `line 17, column "age"`: an
 * unknown, missing or repeated column, a cell that does not fit. On an error rows_free is
 * still the caller's. */
bool csv_instances_read(const struct csv_instances *from, struct rows *rows,
                        struct err *e) __attribute__((warn_unused_result));

#endif
