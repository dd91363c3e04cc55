/* Random numbers for tests: the same in each run, so that a failure comes back. One
 * thread. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
 * 2016: xorshift64*. */
static inline uint64_t random_next(void) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}

/* 0 to n - 1. */
static inline size_t random_below(size_t n) {
    return (size_t)(random_next() >> 11) % n;
}

/* Takes out, puts in or overwrites one to three of the n characters of a text, which has
 * room for three more; new ones are of `bytes`. @return how many there are. */
static inline size_t random_edit(char *text, size_t n, const char *bytes,
                                 size_t bytes_n) {
    for (size_t i = 1 + random_below(3); i > 0 && n > 1; i--) {
        size_t at = random_below(n);
        char byte = bytes[random_below(bytes_n)];
        switch (random_below(3)) {
        case 0:
            memmove(text + at, text + at + 1, n - at - 1);
            n--;
            break;
        case 1:
            memmove(text + at + 1, text + at, n - at);
            text[at] = byte;
            n++;
            break;
        default:
            text[at] = byte;
        }
    }
    return n;
}

/* In [0, 1). */
static inline double random_unit(void) {
    return (double)(random_next() >> 11) * 0x1p-53;
}

#endif
