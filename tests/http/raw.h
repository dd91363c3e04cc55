/* A TCP connection that says exactly what it is told: for HTTP that libcurl would not
 * send. */
#ifndef TESTS_HTTP_RAW_H
#define TESTS_HTTP_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Reads what there is. @return 1 when bytes came, 0 at the end, -1 when none came by
 * deadline_ms of daemon_clock_ms. */
int raw_more(struct raw *raw, int64_t deadline_ms);

/* Takes one whole answer off the connection. `head` says that it answers a HEAD and has
 * no body. @return false, with status 0, when none comes within timeout_ms. */
bool raw_reply(struct raw *raw, bool head, int timeout_ms, struct reply *reply);

/* Whether the other side closes within timeout_ms. What came before that stays in bytes.
 */
bool raw_ended(struct raw *raw, int timeout_ms);

#endif
