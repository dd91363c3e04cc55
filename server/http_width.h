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
    WIDTHS_N = 4,
    WIDTH_LARGE = WIDTHS_N - 1,       /* for bodies of at least 256 KiB */
    WIDTH_WIDER_BYTES_MAX = 16 << 20, /* of connections wider than the narrowest */
    WIDTH_ROOMY_MAX = 64 /* connections that have some room whatever they begin with */
};

/* Zero-initialise. */
struct http_widths {
    atomic_size_t wider_bytes; /* of open connections, */
    atomic_size_t roomy_n;     /* and how many of them are of the second width */
};

/* The memory of a connection of that width: more with each. */
size_t http_width_bytes(size_t width);

/* The width of a new connection whose first request announces that much; no other thread
 * takes meanwhile. Behind a balancer a large request may well follow a small one: so the
 * first WIDTH_ROOMY_MAX that begin with a small one are given the second width. */
size_t http_width_take(struct http_widths *widths, uint64_t body_n);
/* That connection has ended. Any thread. */
void http_width_give(struct http_widths *widths, size_t width);

#endif
