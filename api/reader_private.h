/* What the files of the reader share; private to them. A driver reads one format: it gets
 * bytes that are already inflated, and gives rows to the sink. */
#ifndef API_READER_PRIVATE_H
#define API_READER_PRIVATE_H

#include <stdbool.h>

#include "api/reader.h"

/* What a driver may use. */
struct reader_base {
    struct reader_options options;
    const struct table_sink *sink; /* borrowed */
    struct reader_found found;
};

struct reader_driver {
    /* `base` is borrowed. NULL with ERR_NO_MEMORY. */
    void *(*open)(struct reader_base *base, struct err *e);
    bool (*feed)(void *driver, const char *bytes, size_t n, struct err *e);
    bool (*end)(void *driver, struct err *e);
    void (*close)(void *driver);
};
extern const struct reader_driver reader_csv_driver, reader_json_driver,
    reader_npy_driver, reader_idx_driver;

bool reader_no_memory(struct err *e);

/* ERR_TOO_LARGE at `where` for a row over options.row_bytes_max, or more columns than
 * options.columns_max. @return false. */
bool reader_refuse_row(const struct reader_base *base, const char *where, struct err *e);
bool reader_refuse_columns(const struct reader_base *base, const char *where,
                           struct err *e);

#endif
