/* Bytes as HTTP's content codings have them. */
#ifndef TESTS_HTTP_PACKED_H
#define TESTS_HTTP_PACKED_H

#include <stddef.h>

/* zlib's window bits of each. */
enum packed_form { PACKED_GZIP = 15 + 16, PACKED_ZLIB = 15, PACKED_BARE = -15 };

/* The n bytes in that form; free() them. */
char *packed_new(enum packed_form form, const void *from, size_t n, size_t *packed_n);

/* What they were, with a NUL behind it; free() it. NULL unless it is one whole stream. */
char *packed_open(enum packed_form form, const void *from, size_t n, size_t *open_n);

#endif
