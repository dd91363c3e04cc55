#include "server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { PAUSE_MS = 5 }; /* between tries while there is no room, memory or descriptor */

struct acceptor {
    struct acceptor_options options;
    pthread_t thread;
    atomic_bool ending;
};

static void accept_one(struct acceptor *a) {
    struct sockaddr_storage address;
    socklen_t address_n = sizeof address;
    int fd = accept4(a->options.listen_fd, (struct sockaddr *)&address, &address_n,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        a->options.take(a->options.context, fd, (struct sockaddr *)&address, address_n);
    } else if (errno == EAGAIN) {
        struct pollfd listening = {.fd = a->options.listen_fd, .events = POLLIN};
        poll(&listening, 1, -1);
    } else if (errno != EINTR && errno != ECONNABORTED) {
        usleep(PAUSE_MS * 1000);
    }
}

static void *run(void *context) {
    struct acceptor *a = context;
    while (!atomic_load(&a->ending)) {
        if (a->options.has_room(a->options.context))
            accept_one(a);
        else
            usleep(PAUSE_MS * 1000);
    }
    return NULL;
}

struct acceptor *acceptor_start(const struct acceptor_options *options, struct err *e) {
    struct acceptor *a = calloc(1, sizeof *a);
    if (a) {
        a->options = *options;
        if (pthread_create(&a->thread, NULL, run, a) == 0)
            return a;
    }
    free(a);
    err_set(e, ERR_NO_MEMORY, NULL, "no thread to accept connections");
    return NULL;
}

void acceptor_stop(struct acceptor *a) {
    if (!a)
        return;
    atomic_store(&a->ending, true);
    shutdown(a->options.listen_fd, SHUT_RDWR); /* wakes its poll as well */
    pthread_join(a->thread, NULL);
    free(a);
}
