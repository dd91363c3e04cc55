/* float32 values as nine decimal digits each, several at a time; private to the printer
 * of numbers. Pure, any thread. */
#ifndef API_NUMBER_NINES_H
#define API_NUMBER_NINES_H

#include <stddef.h>
#include <stdint.h>

/* In units of 10^k a float's value and the ends of its interval have this many bits
 * behind the point, and lie within SLACK of where they should, which is less than any
 * of them comes to an integer or a half, other than by being one: `make soak-numbers`
 * prints all floats. */
enum { NINES_POINT = 35, NINES_SLACK = 16 };

/* The exponent of the smallest float's first digit. */
enum { NINES_FIRST_MIN = -45 };

/* The shortest decimal that reads back to a float, with zeros behind its digits. */
struct nine {
    uint64_t others; /* the eight digits behind the first, as digits_eight has them */
    uint64_t first;
    uint32_t place; /* the exponent of the first, above NINES_FIRST_MIN */
    size_t more;    /* how many of the others there are without the zeros at the end */
};

enum { NINES_MAX = 32 };

/* Those of several. */
struct nines {
    uint32_t usual; /* bit i: they are value i's; otherwise it is to be printed alone */
    unsigned char more[NINES_MAX];
    _Alignas(32) uint64_t others[NINES_MAX];
    _Alignas(32) uint64_t heads[NINES_MAX]; /* place << 8 | first */
};

/* Of n <= NINES_MAX finite values. */
typedef void nines_find(const float *values, size_t n, struct nines *out);

/* The one of this machine; NULL: it has none. */
nines_find *nines_choose(void);

#endif
