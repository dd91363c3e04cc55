/* Accepts connections on one thread, which hands them on.
 *
 * A pool whose threads all watch the listening socket deals connections out badly: the
 * first that wakes accepts whatever there is, so that a client's sixteen connections
 * share one thread and the others idle. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "engine/err.h"

struct acceptor;

/* Both run on the acceptor's thread. */
struct acceptor_options {
    int listen_fd;                   /* non-blocking */
    bool (*has_room)(void *context); /* false: connections wait in the backlog */
    void (*take)(
        void *context, int fd, const struct sockaddr *address,
        socklen_t address_n); /* fd is its own now: non-blocking, close-on-exec */
    void *context;
};

struct acceptor *acceptor_start(const struct acceptor_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Shuts the listening socket down, so that a late connect is refused and not left in the
 * backlog, and waits until nothing more will be taken. NULL is fine. */
void acceptor_stop(struct acceptor *a);

#endif
