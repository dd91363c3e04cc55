/* Whether numbers are finite, many at a time. Pure; any thread. */
#ifndef ENGINE_FINITE_H
#define ENGINE_FINITE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether none of x (n) is a NaN or an infinity. */
bool finite_all(const float *x, size_t n);

#endif
