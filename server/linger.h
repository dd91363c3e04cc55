/* Connections that end while their client still sends: what comes is read and forgotten
 * for a while. A socket that is closed with bytes unread is reset, which takes away the
 * answer from whoever reads it only when all is sent, and to a balancer looks like a
 * server that has died (RFC 9112, section 9.6).
 *
 * It knows sockets and times alone. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LINGER_MAX = 64,           /* at a time; the oldest give way, and are reset */
    LINGER_US = 30000000,      /* for so long in all, */
    LINGER_QUIET_US = 2000000, /* and without a byte for so long */
};

struct lingering {
    int fd;    /* its own */
    ino_t ino; /* of the socket, whatever the descriptor */
    int64_t since_us, heard_us;
};

struct lingerers {
    pthread_mutex_t lock; /* guards those that have come, */
    size_t come_n;
    struct lingering come[LINGER_MAX];
    size_t n; /* and these are linger_run's, the oldest first */
    struct lingering all[LINGER_MAX];
};

void linger_open(struct lingerers *l);
/* Ends all of them. */
void linger_close(struct lingerers *l);

/* From now on what comes is read here: nobody else reads from the socket, but still
 * writes to it and ends its side. The same socket may be added again. Any thread. */
void linger_add(struct lingerers *l, int socket, int64_t now_us);

/* Reads what has come, and lets go of those whose other side has ended, too, or whose
 * time is over. One thread, every few milliseconds. */
void linger_run(struct lingerers *l, int64_t now_us);

#endif
