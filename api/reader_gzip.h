/* Gzip (RFC 1952, one member or several), inflated as it comes, under limits. Private to
 * the reader. */
#ifndef API_READER_GZIP_H
#define API_READER_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "api/reader.h"

struct gzip;
/* Where inflated bytes go. */
typedef bool gzip_sink(void *context, const char *bytes, size_t n, struct err *e);

struct gzip *reader_gzip_new(const struct reader_options *options, gzip_sink *sink,
                             void *context, struct err *e);
void reader_gzip_free(struct gzip *g);
bool reader_gzip_feed(struct gzip *g, const char *bytes, size_t n, struct err *e);
bool reader_gzip_end(const struct gzip *g, struct err *e);

#endif
