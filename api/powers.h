/* Powers of ten to 128 bits, shared by number scanning and printing; private to them.
 *
 * The table, the logarithm and the printer's margins are written and proved by
 * tests/golden/make_powers.py. Constant; any thread. */
#ifndef API_POWERS_H
#define API_POWERS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    POWERS_MIN = -342,    /* any 64-bit integer times 10^-343 rounds to zero */
    POWERS_MAX = 324,     /* what printing the smallest float64 is scaled by */
    POWERS_EXACT_MAX = 55 /* 10^0 to 10^55 fit the 128 bits; all others are cut off */
};

__extension__ typedef unsigned __int128 uint128;

/* 10^q = (high 2^64 + low) 2^(powers_exponent(q) - 127), rounded down; bit 127 is set. */
struct power {
    uint64_t high, low;
};
extern const struct power powers_of_ten[POWERS_MAX - POWERS_MIN + 1];

/* floor(log2(10^q)) */
static inline int powers_exponent(int q) {
    return (q * 217706) >> 16;
}

static inline bool powers_exact(int q) {
    return q >= 0 && q <= POWERS_EXACT_MAX;
}

#endif
