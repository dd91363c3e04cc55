/* Raw instances as CSV: what reader.h reads, a row an instance, into a model's inputs.
 * Pure; any thread. */
#ifndef API_CSV_INSTANCES_H
#define API_CSV_INSTANCES_H

#include "api/columns.h"
#include "api/rows.h"

enum csv_header {
    CSV_HEADER_PRESENT,
    CSV_HEADER_ABSENT, /* cells in the order of the model's columns */
    /* A first line of as many cells as the model takes, none of them a text, is a row. */
    CSV_HEADER_FOUND
};

/* What a Content-Type (NULL: none) says of it (RFC 4180: header=present, header=absent);
 * `usual` where it says nothing. */
enum csv_header csv_header_of(const char *content_type, enum csv_header usual);

/* Whether it says that the text is UTF-8, or says nothing of it. */
bool csv_is_utf8(const char *content_type);

struct csv_instances {
    const char *bytes;
    size_t n;
    enum csv_header header;
    struct columns columns;
};

/* Reads at least one row; rows gets (m, inputs_n). With a header columns go by name, in
 * any order; those of a model without names also by place, where the header's first name
 * is another. Errors are the reader's, and ERR_INVALID at `line 17, column "age"`: an
 * unknown, missing or repeated column, a cell that does not fit; a first line that may be
 * a header or a row of numbers, where that is to be found. On an error rows_free is still
 * the caller's. */
bool csv_instances_read(const struct csv_instances *from, struct rows *rows,
                        struct err *e) __attribute__((warn_unused_result));

#endif
