/* How much memory a connection is given for what it reads: one of a few widths, which
 * follows from its first request. Private to the HTTP server.
 *
 * libmicrohttpd reads half of a connection's memory at a time, and an idle connection
 * keeps all of it; what is read in small pieces takes up to half as long again. */
#ifndef SERVER_HTTP_WIDTH_H
#define SERVER_HTTP_WIDTH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_WIDTHS_N = 4,
    HTTP_WIDTH_ROOMY = 1,                  /* for bodies of at least 3,500 bytes, */
    HTTP_WIDTH_LARGE = HTTP_WIDTHS_N - 1,  /* and of at least 256 KiB */
    HTTP_WIDTH_WIDER_BYTES_MAX = 16 << 20, /* of all that are not the narrowest */
    HTTP_WIDTH_ROOMY_MAX = 64,             /* see http_width_take */
    HTTP_WIDTH_LEAST_BYTES = 7680 /* a head fits, and its answer's (http_head.h) */
};

/* What open connections have. Zero-initialise. */
struct http_widths {
    atomic_size_t wider_bytes; /* of those that are not the narrowest */
    atomic_size_t roomy_n;     /* those of HTTP_WIDTH_ROOMY */
};

/* The memory of a connection of that width: more with each. */
size_t http_width_bytes(size_t width);

/* The width of a new connection whose first request announces that much; no other thread
 * takes meanwhile. Behind a balancer a large request may well follow a small one: one
 * that begins with a small one is HTTP_WIDTH_ROOMY, too, while fewer than
 * HTTP_WIDTH_ROOMY_MAX are. */
size_t http_width_take(struct http_widths *widths, uint64_t body_n);
/* That connection has ended. Any thread. */
void http_width_give(struct http_widths *widths, size_t width);

#endif
