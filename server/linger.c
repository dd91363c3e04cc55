#include "server/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_AT_A_TIME = 16 << 20 }; /* of each, that others have their turn */

void linger_open(struct lingerers *l) {
    l->n = l->come_n = 0;
    pthread_mutex_init(&l->lock, NULL);
}

void linger_close(struct lingerers *l) {
    while (l->n)
        close(l->all[--l->n].fd);
    while (l->come_n)
        close(l->come[--l->come_n].fd);
    pthread_mutex_destroy(&l->lock);
}

/* One more behind the others; where there are too many the first of them goes. */
static void append(struct lingering *all, size_t *n, const struct lingering *one) {
    if (*n == LINGER_MAX) {
        close(all[0].fd);
        memmove(all, all + 1, --*n * sizeof *all);
    }
    all[(*n)++] = *one;
}

void linger_add(struct lingerers *l, int socket, int64_t now_us) {
    struct stat is = {0};
    int fd = fstat(socket, &is) == 0 ? fcntl(socket, F_DUPFD_CLOEXEC, 0) : -1;
    const struct lingering one = {fd, is.st_ino, now_us, now_us};
    if (fd < 0)
        return;
    pthread_mutex_lock(&l->lock);
    append(l->come, &l->come_n, &one);
    pthread_mutex_unlock(&l->lock);
}

static bool is_known(const struct lingerers *l, ino_t ino) {
    bool known = false;
    for (size_t i = 0; i < l->n; i++)
        known |= l->all[i].ino == ino;
    return known;
}

static void come_take(struct lingerers *l) {
    struct lingering come[LINGER_MAX];
    pthread_mutex_lock(&l->lock);
    size_t n = l->come_n;
    memcpy(come, l->come, n * sizeof *come);
    l->come_n = 0;
    pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < n; i++) {
        if (is_known(l, come[i].ino))
            close(come[i].fd);
        else
            append(l->all, &l->n, &come[i]);
    }
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
    size_t kept = 0;
    come_take(l);
    for (size_t i = 0; i < l->n; i++) {
        struct lingering one = l->all[i];
        if (read_on(&one, now_us))
            l->all[kept++] = one;
        else
            close(one.fd);
    }
    l->n = kept;
}
