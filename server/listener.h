/* The listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>

#include "engine/err.h"

struct listener {
    int fd;           /* -1: closed */
    bool loopback;    /* only this machine reaches it */
    char address[80]; /* "127.0.0.1:8080", "[::1]:8080": with the port it was given */
};

/* `where` is HOST:PORT or [HOST]:PORT; port 0 takes a free one. ERR_INVALID for a text
 * that is neither, ERR_UNAVAILABLE when the address cannot be had. */
bool listener_open(struct listener *l, const char *where, struct err *e)
    __attribute__((warn_unused_result));
void listener_close(struct listener *l);

/* Connects to `where` as a client, for the health command; -1 and *e on failure. */
int listener_connect(const char *where, int timeout_ms, struct err *e)
    __attribute__((warn_unused_result));

#endif
