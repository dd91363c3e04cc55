/* Room on the disk for the end of a job when there is no other: a file beside the store's
 * that holds nothing and is given up when the disk is full. Any process. */
#ifndef SERVER_RESERVE_H
#define SERVER_RESERVE_H

#include <stdbool.h>

#include "engine/err.h"

/* Has a reserve beside the file `store`, makes it where there is none. ERR_STORAGE. */
bool reserve_keep(const char *store, struct err *e) __attribute__((warn_unused_result));

/* Gives it up. @return whether there was one. */
bool reserve_release(const char *store);

#endif
