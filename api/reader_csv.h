/* CSV, the parts: records are split by reader_csv_split.c, the first ones looked at by
 * reader_csv_sniff.c, cells told apart by reader_csv_cell.c, and rows delivered by
 * reader_csv.c. Private to them.
 *
 * RFC 4180 with what files have in practice: records end with CRLF, LF or CR; a quote is
 * special at the beginning of a cell alone; blanks around a cell do not belong to it
 * unless it is quoted; empty lines are no records. */
#ifndef API_READER_CSV_H
#define API_READER_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/table.h"

/* A cell's bytes within its record, without quotes and blanks around it. */
struct csv_span {
    size_t at, n;
    bool quoted, doubled; /* doubled: it holds quotes that are written twice */
};

enum csv_split {
    CSV_MORE,    /* the record goes on behind the bytes that are there */
    CSV_RECORD,  /* its end was found */
    CSV_BEHIND,  /* something follows a closing quote, at `at` */
    CSV_COLUMNS, /* more cells than spans_max */
    CSV_NO_MEMORY
};

/* One record as it is split; where it stops at the end of the bytes, it goes on from
 * there with more of them. */
struct csv_record {
    struct csv_span *spans; /* (spans_n); owned */
    size_t spans_n, spans_capacity, spans_max;
    size_t at;      /* where the split stands; behind the record's end once it is found */
    size_t cell_at; /* where the cell begins */
    enum { CSV_CELL_START, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE, CSV_CELL_BEHIND } state;
    bool doubled;
    char delimiter;
    bool ends[256]; /* which bytes end a plain cell */
};

void reader_csv_record_init(struct csv_record *r, char delimiter, size_t spans_max);
void reader_csv_record_free(struct csv_record *r);
void reader_csv_record_restart(struct csv_record *r); /* for the next record */

/* Goes on splitting bytes[0..n), which begin with the record. */
enum csv_split reader_csv_split(struct csv_record *r, const char *bytes, size_t n);

/* The file ends with bytes[0..n): CSV_RECORD; CSV_MORE when a quote is open. */
enum csv_split reader_csv_split_end(struct csv_record *r, const char *bytes, size_t n);

/* An empty line. */
bool reader_csv_record_blank(const struct csv_record *r);

/* What a cell is; quoted ones are never missing. `number` is set for numbers and
 * booleans. Beside JSON's numbers there are "+1", ".5", "5." and "007". */
enum cell_kind reader_csv_cell_kind(const char *text, size_t n, bool quoted,
                                    double *number);

/* What the first bytes of a file say. */
struct csv_found {
    char delimiter;
    bool header;
};
/* `delimiter` (0: find it) and `header` (-1: find it) as in struct reader_options;
 * `ended` says that nothing follows. @return false when more bytes are needed to tell, or
 * with ERR_NO_MEMORY. */
bool reader_csv_sniff(const char *bytes, size_t n, bool ended, char delimiter, int header,
                      struct csv_found *found, struct err *e);

#endif
