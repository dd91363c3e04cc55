/* A TCP connection that says exactly what it is told: for HTTP that libcurl would not
 * send. */
#ifndef TESTS_HTTP_RAW_H
#define TESTS_HTTP_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/http/reply.h"

struct raw {
    int fd;
    char *bytes; /* read, not yet taken */
    size_t bytes_n;
};

bool raw_open(struct raw *raw, int port) __attribute__((warn_unused_result));
void raw_close(struct raw *raw);

bool raw_send(struct raw *raw, const char *bytes, size_t n);
bool raw_text(struct raw *raw, const char *text);

/* Takes one whole answer off the connection. `head` says that it answers a HEAD and has
 * no body. @return false, with status 0, when none comes within timeout_ms. */
bool raw_reply(struct raw *raw, bool head, int timeout_ms, struct reply *reply);

/* Whether the other side closes within timeout_ms. What came before that stays in bytes.
 */
bool raw_ended(struct raw *raw, int timeout_ms);

#endif
