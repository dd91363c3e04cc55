/* A whole text compressed: an answer as gzip (RFC 1952) or as HTTP's deflate, which is
 * zlib's form (RFC 1950). Pure; any thread. */
#ifndef API_DEFLATER_H
#define API_DEFLATER_H

#include <stdbool.h>

#include "api/inflater.h"
#include "api/text.h"

/* Puts the compressed text in the place of *t, at the fastest level: some 80 MB/s of
 * JSON. @return false, and *t stays as it is, where it would not become smaller or there
 * is no memory. */
bool deflater_pack(enum inflater_form form, struct text *t)
    __attribute__((warn_unused_result));

#endif
