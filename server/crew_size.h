/* How many threads of a crew should be at work. Pure; one thread. */
#ifndef SERVER_CREW_SIZE_H
#define SERVER_CREW_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* What the last CREW_PERIOD_MS were like, in shares of that time. */
enum { CREW_PERIOD_MS = 100 };
struct crew_load {
    double busiest; /* of the thread that waited least for something to do, what it did
                       not wait: 1 is all of the time */
    double ran;     /* of the same thread, what it had a processor */
    double all;     /* what none of those at work waited: up to their number */
    double spare;   /* of the processors, idle or given to those who give way; negative:
                       not known */
};

struct crew_size {
    size_t most;         /* threads there are */
    size_t now;          /* at work: 1 at first */
    unsigned full, calm; /* periods in a row, */
    double spare, ran;   /* and what those without rest were like, of late */
};

/* Twice as many, once one of them has had no rest and there were processors that nobody
 * else needs, or others kept them from it; half as many, once those would do for a while.
 *
 * Threads beyond what the processors have room for only take turns with whom they answer:
 * each turn then does less, and costs as much. So where little is spare, as many as the
 * work just fits are enough; where much is, half of each one's time stays free. */
void crew_size_next(struct crew_size *size, const struct crew_load *load);

#endif
