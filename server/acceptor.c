#include "server/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/clock.h"

enum {
    PAUSE_MS = 5,   /* between tries while there is no room, memory or descriptor */
    GUESTS_MAX = 64 /* the oldest goes when one more comes */
};

/* A connection whose client has not sent anything yet. */
struct guest {
    struct accepted accepted;
    int64_t until_us;
};

struct acceptor {
    struct acceptor_options options;
    pthread_t thread;
    atomic_bool ending;
    struct guest guests[GUESTS_MAX]; /* in the order in which they came */
    size_t guests_n;
    char first[ACCEPTOR_FIRST_MAX];
};

/* ---- handing on ----------------------------------------------------------------- */

/* false: it may have something to say soon. */
static bool hand_on(struct acceptor *a, struct accepted *accepted, bool last) {
    ssize_t n = recv(accepted->fd, a->first, sizeof a->first, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && !last)
        return false;
    accepted->first = a->first;
    accepted->first_n = n > 0 ? (size_t)n : 0;
    a->options.take(a->options.context, accepted);
    return true;
}

/* Hands on who has said something, who has had their time, and the oldest beyond most. */
static void guests_look(struct acceptor *a, size_t most) {
    int64_t now_us = clock_mono_us();
    size_t left = 0, over = a->guests_n > most ? a->guests_n - most : 0;
    for (size_t i = 0; i < a->guests_n; i++) {
        struct guest *guest = &a->guests[i];
        if (!hand_on(a, &guest->accepted, i < over || now_us >= guest->until_us))
            a->guests[left++] = *guest;
    }
    a->guests_n = left;
}

/* Waits for a connection if there is room for one, or for a guest. */
static void wait_for(struct acceptor *a, bool room) {
    struct pollfd fds[1 + GUESTS_MAX];
    int64_t now_us = clock_mono_us();
    int ms = room ? -1 : PAUSE_MS;
    for (size_t i = 0; i < a->guests_n; i++)
        fds[1 + i] = (struct pollfd){.fd = a->guests[i].accepted.fd, .events = POLLIN};
    fds[0] = (struct pollfd){.fd = room ? a->options.listen_fd : -1, .events = POLLIN};
    if (a->guests_n) {
        int64_t left_ms = (a->guests[0].until_us - now_us + 999) / 1000;
        ms = left_ms < 0 ? 0 : (int)left_ms;
    }
    poll(fds, (nfds_t)(1 + a->guests_n), ms);
}

/* ---- accepting ------------------------------------------------------------------ */

/* @return whether there may be more at once. */
static bool accept_one(struct acceptor *a) {
    struct guest *guest = &a->guests[a->guests_n];
    struct accepted *accepted = &guest->accepted;
    *accepted = (struct accepted){.address_n = sizeof accepted->address};
    accepted->fd = accept4(a->options.listen_fd, (struct sockaddr *)&accepted->address,
                           &accepted->address_n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted->fd < 0) {
        bool other = errno == EINTR || errno == ECONNABORTED;
        if (!other && errno != EAGAIN)
            usleep(PAUSE_MS * 1000);
        return other;
    }
    guest->until_us = clock_mono_us() + ACCEPTOR_WAIT_MS * 1000;
    if (!hand_on(a, accepted, false))
        a->guests_n++;
    return true;
}

static bool has_room(struct acceptor *a) {
    if (a->guests_n == GUESTS_MAX)
        guests_look(a, GUESTS_MAX - 1);
    return a->options.has_room(a->options.context, a->guests_n);
}

static void *run(void *context) {
    struct acceptor *a = context;
    while (!atomic_load(&a->ending)) {
        bool room = has_room(a);
        while (room && accept_one(a) && !atomic_load(&a->ending))
            room = has_room(a);
        guests_look(a, GUESTS_MAX);
        wait_for(a, room);
    }
    guests_look(a, 0);
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
