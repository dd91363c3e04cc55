/* Which answers are compressed, and on which thread. Private to the HTTP server.
 *
 * One is where the client's Accept-Encoding asks for it and it is a text that is larger
 * than a packet. Event streams are not; nor is an answer with an ETag, which names the
 * bytes as they are. */
#ifndef SERVER_HTTP_CODING_H
#define SERVER_HTTP_CODING_H

#include <stdbool.h>

#include "server/http_head.h"

struct exchange;

/* Part of an exchange. Zero-initialise. */
struct http_answer_coding {
    bool settled, varies;
    enum http_coding coding; /* of the body, once it is settled */
};

/* The answer stands: compresses it if it should be. @return false, and nothing is done,
 * where that takes more than about a millisecond and the thread may not wait. */
bool coding_settle(struct exchange *x, bool may_wait) __attribute__((warn_unused_result));

/* The name of a coding; NULL for none. */
const char *coding_name(enum http_coding coding);

#endif
