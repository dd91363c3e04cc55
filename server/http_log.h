/* The log's line of a request. */
#ifndef SERVER_HTTP_LOG_H
#define SERVER_HTTP_LOG_H

#include <stdint.h>

struct exchange;

/* Its answer is known, and took so long. Failures of the server are warnings; refusals,
 * so many a second (log_rate.h), and what the store did are told, all else is for
 * debugging. `url`: the path as it was sent; `socket`: the connection's. Never the query,
 * where somebody may have put a secret. */
void http_log(const struct exchange *x, const char *url, int socket, int64_t duration_us);

#endif
