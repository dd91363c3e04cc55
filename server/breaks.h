/* Short breaks of the threads that compute for long: whoever else wants their processor
 * has it then.
 *
 * The kernel looks whose turn it is when its clock ticks, which on many machines is once
 * in 4 ms, and whom it lets on it lets on until the next tick, however low its priority
 * and short the turn it asked for (priority.h). A thread that answers requests without
 * rest, or the client itself, then waits for 4 ms though a training should hardly be
 * noticed. So the one that trains asks the kernel to look, five thousand times a second
 * as long as others want the processor, and otherwise now and then. */
#ifndef SERVER_BREAKS_H
#define SERVER_BREAKS_H

#include <stdint.h>

#include "engine/team.h"

/* The team's threads, the calling one among them, take breaks, wherever they are, until
 * breaks_end by the same caller: a signal comes and its handler lets others go first.
 * Calls that do not begin again by themselves after a signal, such as poll, end early
 * with EINTR. Without breaks, where the kernel has no timers left. */
void breaks_begin(struct team *team);
void breaks_end(struct team *team);

/* How many breaks the calling thread has taken. */
uint64_t breaks_taken(void);

#endif
