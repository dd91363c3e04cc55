/* The body of an order to a job: to cancel, pause or resume it, or to publish one of its
 * checkpoints. Pure; any thread. */
#ifndef API_JOB_ORDER_H
#define API_JOB_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

/* It says nothing: there is none, or it is {}. ERR_INVALID. */
bool job_order_decode(const char *body, size_t n, struct err *e)
    __attribute__((warn_unused_result));

#endif
