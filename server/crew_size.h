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
    size_t most;   /* threads there are: all are at work at first, */
    size_t now;    /* and so many now */
    bool patient;  /* they had better let others have their turns */
    unsigned idle; /* periods with nothing to do, in a row */
    /* Since the last change: */
    bool begun;            /* a period, */
    unsigned periods;      /* and so many whole ones */
    struct crew_load mean; /* of late */
};

/* Half as many, while no processor is spare and what there is to do fits them; twice as
 * many again, once one has no rest and a part of a processor is spare, or others keep it
 * from running; all, after half a minute with nothing to do.
 *
 * Threads beyond what the processors have room for only take turns with whom they answer:
 * each turn then does less, and costs as much. So where several have a lot to do and no
 * processor is spare, they are to be patient: one that takes the processor away from a
 * client at its first request finds only that one, and one that waits finds all those
 * that the client had to send. */
void crew_size_next(struct crew_size *size, const struct crew_load *load);

#endif
