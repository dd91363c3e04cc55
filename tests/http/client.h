/* A user of the daemon: one connection of libcurl's, which is kept alive between calls.
 * One thread a client. */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "tests/http/reply.h"

struct client {
    CURL *curl;
    int port;
};

bool client_open(struct client *client, int port) __attribute__((warn_unused_result));
void client_close(struct client *client); /* a zeroed one is allowed */

struct request {
    const char *method;         /* NULL: GET, or POST where there is a body */
    const char *path;           /* with its query */
    const char *const *headers; /* "Name: value", ended by NULL; or NULL */
    const char *body;           /* or NULL: none, and no Content-Length */
    size_t body_n;
    long timeout_ms; /* 0: a minute */
};

/* Sends the request and reads the answer, as curl -d does: a body goes as a form unless
 * the headers say otherwise. @return false when no answer came (reply->status is 0 then).
 */
bool client_send(struct client *client, const struct request *request,
                 struct reply *reply);

/* The same for the usual cases, from a printf format, and from a document that it frees.
 */
bool client_get(struct client *client, struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool client_post(struct client *client, struct reply *reply, const char *path,
                 const char *body);
bool client_post_json(struct client *client, struct reply *reply, const char *path,
                      json_t *body);
bool client_call(struct client *client, struct reply *reply, const char *method,
                 const char *path);

#endif
