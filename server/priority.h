/* How the kernel shares the processors between those who train and those who answer. */
#ifndef SERVER_PRIORITY_H
#define SERVER_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

enum { NICENESS_IDLE = 20 };

/* The calling thread, and those that it starts, give way to others: nice 0 to 19, or
 * NICENESS_IDLE: they run when nothing else would. Says so in the log where it cannot. */
void priority_lower(int64_t niceness);

/* The calling thread, and those that it starts, run for so long at a time where others
 * want to run as well. It changes no shares: who asks for short turns has them sooner,
 * and keeps nobody waiting for long. Linux 6.12; earlier ones have turns of their own
 * choice. */
void priority_turns(int64_t us);

/* Whether the calling thread, once there is something for it to do, waits until whoever
 * has the processor has had its turn (of those who train: until their next break, and
 * with NICENESS_IDLE not at all), rather than to have it at once. A process that was
 * started under a policy of its own (chrt) keeps it. */
void priority_patient(bool patient);

#endif
