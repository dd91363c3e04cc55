/* Jobs, predictions and what is expected of an answer, written short: JSON with ' for ",
 * most of it from a printf format. A document and its end fit in TERSE_BYTES. One thread
 * at a time. */
#ifndef TESTS_HTTP_TERSE_H
#define TESTS_HTTP_TERSE_H

#include "tests/http/client.h"

enum { TERSE_BYTES = 16384 };

/* Trains; *reply is the job that succeeded, or what came instead. */
bool terse_train(struct client *client, struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks that the job is refused with 400 for `param`, with `part` in the message. */
void terse_refused(struct client *client, const char *param, const char *part,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Predicts; *reply is the answer, of whichever status. */
bool terse_predict(struct client *client, struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks that what stands at the pointer equals `want`, which is no format. */
bool terse_equal(const json_t *json, const char *pointer, const char *want);

#endif
