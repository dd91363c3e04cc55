/* What a job comes to, for tests that have it come to the same once more. */
#ifndef TESTS_HTTP_RESULT_H
#define TESTS_HTTP_RESULT_H

#include <jansson.h>

#include "tests/http/client.h"

/* Zero-initialise; result_free. */
struct result {
    char *curve, *parameters; /* as they came; owned */
    size_t curve_n, parameters_n;
};
void result_free(struct result *r);

/* Of an ended job, and of the only version of its model. */
bool result_read(struct client *user, const char *id, const char *model,
                 struct result *r);

/* Checks that both are the same to the byte. */
void result_check(const struct result *got, const struct result *want, const char *what);

/* Trains the job, which it frees, straight through. */
bool result_reference(struct client *user, json_t *job, const char *model,
                      struct result *want);

/* Waits for the job's success and checks what it has come to. */
bool result_finish(struct client *user, const char *id, const char *model,
                   const struct result *want);

#endif
