#include "server/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_AT_A_TIME = 16 << 20 }; /* of each, that others have their turn */

void linger_open(struct lingerers *l) {
    l->n = 0;
    pthread_mutex_init(&l->lock, NULL);
}

void linger_close(struct lingerers *l) {
    while (l->n)
        close(l->all[--l->n].fd);
    pthread_mutex_destroy(&l->lock);
}

void linger_add(struct lingerers *l, int socket, int64_t now_us) {
    pthread_mutex_lock(&l->lock);
    int fd = l->n < LINGER_MAX ? fcntl(socket, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd >= 0)
        l->all[l->n++] = (struct lingering){fd, now_us, now_us};
    pthread_mutex_unlock(&l->lock);
}

/* TCP forgets what is read so without a copy (tcp(7), MSG_TRUNC). @return whether more
 * may come. */
static bool read_on(struct lingering *one, int64_t now_us) {
    for (size_t read = 0; read < BYTES_AT_A_TIME;) {
        ssize_t n = recv(one->fd, NULL, BYTES_AT_A_TIME, MSG_TRUNC | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return now_us - one->heard_us < LINGER_QUIET_US &&
                   now_us - one->since_us < LINGER_US;
        if (n <= 0)
            return false;
        one->heard_us = now_us;
        read += (size_t)n;
    }
    return now_us - one->since_us < LINGER_US;
}

void linger_run(struct lingerers *l, int64_t now_us) {
    pthread_mutex_lock(&l->lock);
    size_t n = l->n; /* others only add behind them */
    pthread_mutex_unlock(&l->lock);
    for (size_t i = n; i-- > 0;) {
        if (read_on(&l->all[i], now_us))
            continue;
        close(l->all[i].fd);
        pthread_mutex_lock(&l->lock);
        l->all[i] = l->all[--l->n];
        pthread_mutex_unlock(&l->lock);
    }
}
