/* How a test tells a daemon with tests/http/starve.c before its libc which allocation to
 * refuse: a file of both, named by STARVE_FILE. */
#ifndef TESTS_HTTP_STARVE_H
#define TESTS_HTTP_STARVE_H

#include <stdatomic.h>

struct starve {
    atomic_int pid;      /* whose; 0: nobody's */
    atomic_long left;    /* the allocation that is refused, counted down from n to 1 */
    atomic_long refused; /* how many were */
};

#endif
