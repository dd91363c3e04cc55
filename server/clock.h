/* The two clocks: what time it is, and how long something took. Any thread. */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void); /* milliseconds since 1970, may be set back */
int64_t
clock_mono_us(void); /* microseconds, never goes back; no meaning across machines */
int64_t clock_mono_ns(void); /* the same clock, in nanoseconds */

#endif
