/* How much of the processors large predictions take at present: whether there is anything
 * to be gained by sharing one out. Any thread. */
#ifndef SERVER_WORKLOAD_H
#define SERVER_WORKLOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. */
struct workload {
    atomic_int_fast64_t work_ns, since_ns; /* of the window that runs */
    atomic_int whole_n;                    /* begun and not ended */
    atomic_bool met;                       /* in that window: two of them at a time */
    atomic_bool busy;                      /* in the last one */
};

enum { WORKLOAD_WINDOW_NS = 50000000 };

/* So long one was worked on, or waited to be: that is work for a processor, too. */
void workload_add(struct workload *w, int64_t ns);

/* One begins that is not shared out, as there is nothing to be gained; and ends. */
void workload_begin(struct workload *w);
void workload_end(struct workload *w);

/* Whether half of the processors had such work throughout the last window. What began so
 * goes on while a quarter have, and some are there at the same time: not shared out, they
 * may keep fewer at work until more threads read them. now_ns: clock_mono_ns. */
bool workload_is_busy(struct workload *w, size_t processors_n, int64_t now_ns);

#endif
