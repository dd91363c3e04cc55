/* Datasets as a user uploads them, from texts in a test. */
#ifndef TESTS_HTTP_UPLOAD_H
#define TESTS_HTTP_UPLOAD_H

#include "tests/http/client.h"

/* PUT /v1/datasets/`name` ("name", "name/features" or "name/targets"), which is checked
 * to succeed. */
bool upload_text(struct client *client, const char *name, const char *text);

#endif
