/* A wire between a daemon and its PostgreSQL that can be cut in the one moment that
 * matters: around a COMMIT. */
#ifndef TESTS_HTTP_RELAY_H
#define TESTS_HTTP_RELAY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum relay_cut {
    RELAY_BEFORE, /* the COMMIT does not arrive */
    RELAY_AFTER   /* it does and is carried out, and its answer is lost */
};

enum { RELAY_CONNECTIONS_MAX = 64 };

struct relay {
    int port; /* of 127.0.0.1, where it listens */
    int server_port, listen_fd;
    pthread_t acceptor;
    atomic_int commits; /* that were seen so far */
    atomic_int cut_at;  /* the connection of the n-th of them is cut; 0: none is */
    atomic_int how;     /* enum relay_cut */
    pthread_t threads[RELAY_CONNECTIONS_MAX];
    int fds[RELAY_CONNECTIONS_MAX];
    size_t n; /* connections so far */
};

bool relay_open(struct relay *r, int server_port) __attribute__((warn_unused_result));
/* When the daemon has ended. */
void relay_close(struct relay *r);

/* The n-th COMMIT from now on, from 1, is the last of its connection. */
void relay_cut(struct relay *r, int n, enum relay_cut how);

#endif
