/* The clocks: what time it is, and how long something took. Any thread. */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void); /* milliseconds since 1970, may be set back */
/* Microseconds, never goes back; no meaning across machines. */
int64_t clock_mono_us(void);
/* The same, up to some milliseconds late, for a fifth of the time. */
int64_t clock_coarse_us(void);
/* In nanoseconds. */
int64_t clock_mono_ns(void);

#endif
