/* Datasets as a user uploads them, from texts in a test, from bytes and from files. */
#ifndef TESTS_HTTP_UPLOAD_H
#define TESTS_HTTP_UPLOAD_H

#include "tests/http/client.h"

/* PUT /v1/datasets/`name` ("name", "name/features" or "name/targets"), which is checked
 * to succeed. */
bool upload_bytes(struct client *client, const char *name, const void *bytes, size_t n);
bool upload_text(struct client *client, const char *name, const char *text);
/* A file of less than a mebibyte. */
bool upload_file(struct client *client, const char *name, const char *file);

#endif
