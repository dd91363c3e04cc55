/* Accepts connections on one thread, which hands them on with the first bytes that their
 * clients have sent.
 *
 * A pool whose threads all watch the listening socket deals connections out badly: the
 * first that wakes accepts whatever there is, so that a client's sixteen connections
 * share one thread and the others idle. And whoever is handed a connection can tell by
 * its first bytes what it will need. */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "engine/err.h"

enum {
    ACCEPTOR_FIRST_MAX = 4096, /* bytes that are looked at */
    ACCEPTOR_WAIT_MS = 100     /* at most, for the first: then it is handed on as it is */
};

/* A new connection; `fd` is the taker's: non-blocking, close-on-exec. */
struct accepted {
    int fd;
    struct sockaddr_storage address;
    socklen_t address_n;
    const char *first; /* borrowed; what can be read now, and will be read again */
    size_t first_n;
};

struct acceptor;

/* Both run on the acceptor's thread. */
struct acceptor_options {
    int listen_fd; /* non-blocking */
    /* For one more than `waiting`, who have not been handed on yet. false: connections
     * wait in the backlog. */
    bool (*has_room)(void *context, size_t waiting);
    void (*take)(void *context, const struct accepted *accepted);
    void *context;
};

struct acceptor *acceptor_start(const struct acceptor_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Shuts the listening socket down, so that a late connect is refused and not left in the
 * backlog, and waits until nothing more will be taken. NULL is fine. */
void acceptor_stop(struct acceptor *a);

#endif
