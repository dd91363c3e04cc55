/* Threads that run stations: whatever has a descriptor to wait for. A station is run by
 * one thread at a time, and by no certain one; how many threads share the stations
 * follows from how much there is to do (crew_size).
 *
 * With little to do, one thread that finds the next request when it has answered the last
 * needs less of the processors than two that wake and fall asleep in turn.
 *
 * Where the kernel has two of them share a processor, one waits until the next tick of
 * its clock, 4 ms on many machines, though the work of both takes 0.1 ms. So each that is
 * at work looks now and then whether another one gets on: otherwise it runs what that
 * one's stations have to do, and lets it have the processor.
 */
#ifndef SERVER_CREW_H
#define SERVER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

enum { CREW_STATIONS_MAX = 256 };

struct crew_station {
    int fd; /* readable: there is something to do. May be an epoll instance */
    bool (*run)(void *context); /* @return whether to run it again soon; one thread at a
                                   time, not always the same */
    void *context;
};

struct crew_options {
    const struct crew_station *stations; /* copied; each is also run once in a second */
    size_t stations_n;                   /* up to CREW_STATIONS_MAX */
    size_t threads_n;                    /* at most so many are at work */
    void (*begin)(void);                 /* what a thread does first; NULL: nothing */
    /* Called by each thread when the crew is to be patient (crew_size.h), and again when
     * it is not any more. */
    void (*patient)(bool patient);
    /* Processor time that nobody needs: machine_spare_us, or what a test says. */
    int64_t (*spare_us)(void);
};

struct crew;
/* The caller's, until crew_stop; NULL with *e: ERR_NO_MEMORY or ERR_INTERNAL. */
struct crew *crew_start(const struct crew_options *options, struct err *e)
    __attribute__((warn_unused_result));

/* Has the station run soon. Any thread. */
void crew_ring(struct crew *c, size_t station);

/* Looks at the load and puts threads to work or to rest: every CREW_PERIOD_MS, by one
 * thread. */
void crew_balance(struct crew *c);

/* How many are at work. The thread that balances. */
size_t crew_at_work(const struct crew *c);

/* Ends the threads, once what they are at is done. NULL is fine. */
void crew_stop(struct crew *c);

#endif
