/* Table files, read as they arrive: CSV, JSON, JSON Lines, npy and IDX, each also
 * gzipped.
 *
 * Bytes are pushed in, rows come out at a sink; memory does not grow with the file (a
 * limit on a row's bytes and on columns holds). The same bytes give the same rows however
 * they are cut. Errors are ERR_INVALID with line and column in `where` ("line 17, column
 * 3", or the line alone for a ragged row, or nothing where it is the whole file), or
 * ERR_TOO_LARGE naming the limit, or whatever the sink says. One thread at a time. */
#ifndef API_READER_H
#define API_READER_H

#include <stddef.h>
#include <stdint.h>

#include "api/inflater.h"
#include "engine/table.h"

/* CSV: reader_csv.h says what is read, reader_csv_sniff.c how delimiter and header are
 * found. npy in Fortran order is gathered in memory, up to 1 GiB; integers beyond 2^53
 * round to the nearest float64; NaN is a missing cell, infinity is refused. `where` of
 * npy and IDX is "row 17, column 3". */
enum table_format {
    TABLE_AUTO, /* found from the first bytes */
    TABLE_CSV,
    TABLE_JSON,       /* an array of rows, each an array or an object */
    TABLE_JSON_LINES, /* a row a line */
    TABLE_NPY, /* versions 1 to 3; b1, i1..i8, u1..u8, f2, f4, f8, either byte order, C
                  and Fortran order; 1 or 2 dimensions (more: flattened behind the first)
                */
    TABLE_IDX  /* MNIST's format; the first dimension is the rows */
};

/* The format that a Content-Type names; TABLE_AUTO for none or an unknown one. */
enum table_format reader_format_of(const char *content_type);
const char *reader_format_name(enum table_format format); /* "csv", ... */

/* What a nameless column of a CSV file with a header is called, before its place from 0
 * on: as pandas does, whose own index has no name. */
#define READER_NAMELESS "Unnamed: "

/* The texts of a header's n cells as names, in one block; free() it. NULL: no memory. */
const char **reader_names_new(const struct cell *cells, size_t n);

struct reader_options {
    enum table_format format;
    int header; /* CSV: 1 there is one, 0 there is none, -1 found from the first rows */
    char delimiter;        /* CSV: ',', ';', '\t', or 0: found from the first rows */
    uint64_t inflated_max; /* bytes after gunzip */
    unsigned ratio_max;    /* the inflater's */
    size_t columns_max;
    size_t row_bytes_max;
};
#define READER_OPTIONS_DEFAULT                                                           \
    {                                                                                    \
        .format = TABLE_AUTO, .header = -1, .inflated_max = UINT64_C(1) << 34,           \
        .ratio_max = INFLATER_RATIO_MAX, .columns_max = 1 << 16,                         \
        .row_bytes_max = 16 << 20                                                        \
    }

struct reader;

/* Borrows the sink. NULL with ERR_NO_MEMORY. */
struct reader *reader_new(const struct reader_options *options,
                          const struct table_sink *sink, struct err *e)
    __attribute__((warn_unused_result));
void reader_free(struct reader *r); /* NULL is allowed */

/* The next bytes of the file. After a failure only reader_free may follow. */
bool reader_feed(struct reader *r, const void *bytes, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* The file is over: what is unfinished is an error ("the file ends inside a row"). */
bool reader_end(struct reader *r, struct err *e) __attribute__((warn_unused_result));

/* What was found: known once the sink has had its columns. */
struct reader_found {
    enum table_format format;
    bool gzipped, header;
    char delimiter; /* CSV's */
};
struct reader_found reader_found(const struct reader *r);

#endif
