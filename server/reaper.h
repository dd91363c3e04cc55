/* Ends connections that hold a place without using it: a request's head must arrive
 * within a time (the first one's from the connection on), a body must flow, an idle
 * connection must not trickle for ever.
 * libmicrohttpd's own timeout is one of silence, which a byte now and then defeats.
 *
 * It knows sockets and times alone. Any thread. */
#ifndef SERVER_REAPER_H
#define SERVER_REAPER_H

#include <stddef.h>
#include <stdint.h>

enum reaper_phase {
    REAPER_IDLE, /* between requests */
    REAPER_HEAD, /* the request line is here, the head is not whole */
    REAPER_BODY, /* the body is coming */
    REAPER_BUSY  /* ours to answer */
};

enum { REAPER_BODY_BYTES_PER_S = 1024 };

struct reaper_options {
    int64_t head_us, idle_us;
};

struct reaper;
struct reaper_entry;

struct reaper *reaper_new(struct reaper_options options);
void reaper_free(struct reaper *r);

/* A connection came; NULL without memory (it is then not watched). */
struct reaper_entry *reaper_add(struct reaper *r, int fd, int64_t now_us);
/* @return the phase that it was in; REAPER_HEAD, too, where no request line ever came. */
enum reaper_phase reaper_remove(struct reaper *r, struct reaper_entry *entry);

/* It entered a phase. `entry` may be NULL. */
void reaper_phase(struct reaper_entry *entry, enum reaper_phase phase, int64_t now_us);
/* Bytes of its body came. */
void reaper_bytes(struct reaper_entry *entry, size_t n);

/* Shuts down what is overdue, @return how many; and what its client has left: idle, or in
 * the middle of a request. libmicrohttpd, which is told of the last bytes and of the end
 * at once, reads the bytes alone. */
size_t reaper_run(struct reaper *r, int64_t now_us);

/* How many connections there are. */
size_t reaper_count(struct reaper *r);

#endif
