/* Compressed bytes, inflated as they come and under limits: gzip (RFC 1952, one member or
 * several) and deflate, which is zlib's form (RFC 1950) or, as many clients get it wrong,
 * the bare stream (RFC 1951); its first two bytes say which.
 *
 * The same bytes give the same bytes however they are cut (but the ratio is looked at
 * where a cut is). No bytes at all are no bytes.
 * One thread at a time on one inflater. */
#ifndef API_INFLATER_H
#define API_INFLATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

enum inflater_form { INFLATER_GZIP, INFLATER_DEFLATE };

enum {
    INFLATER_RATIO_MAX = 200,        /* what honest tables stay below */
    INFLATER_MEMORY_BYTES = 48 << 10 /* of one inflater, zlib's window with it */
};

struct inflater_options {
    enum inflater_form form;
    uint64_t inflated_max;
    unsigned ratio_max; /* inflated / compressed, once past the first MiB */
    const char *what;   /* "the file", for errors; static storage */
};

struct inflater;
/* NULL with ERR_NO_MEMORY. */
struct inflater *inflater_new(const struct inflater_options *options, struct err *e)
    __attribute__((warn_unused_result));
void inflater_free(struct inflater *f); /* NULL is allowed */

/* From `in` to `to`: both advance. */
struct inflater_io {
    const char *in;
    size_t in_n;
    char *to;
    size_t room;
};

/* Inflates until all of io->in is taken, or io->room is used up: call again with more
 * room then, for there may be more to come out. ERR_INVALID names the byte, ERR_TOO_LARGE
 * the limit; after either only inflater_free may follow. */
bool inflater_run(struct inflater *f, struct inflater_io *io, struct err *e)
    __attribute__((warn_unused_result));

/* That was all of it: ERR_INVALID where it ends too early. */
bool inflater_end(const struct inflater *f, struct err *e)
    __attribute__((warn_unused_result));

#endif
