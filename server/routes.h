/* The routes: one table, which api/openapi.yaml is held against. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "server/http.h"

/* What a handler works on: main gives one pointer for each. */
enum subsystem {
    SUBSYSTEM_JOBS,
    SUBSYSTEM_EVENTS,
    SUBSYSTEM_MODELS,
    SUBSYSTEM_DATASETS,
    SUBSYSTEM_PREDICT,
    SUBSYSTEM_PROBES,
    SUBSYSTEM_OIP,
    SUBSYSTEMS_N
};

/* The kinds of body that a route takes, together; the first is what is expected. */
enum route_body {
    BODY_NONE = 0, /* what comes is read and ignored */
    BODY_JSON = 1,
    BODY_CSV = 2,
    BODY_BYTES = 4,    /* a file of any kind, whole */
    BODY_OPTIONAL = 8, /* it may be absent, without a length */
    BODY_NPY = 16,
    BODY_ANY_TYPE = 32 /* whatever Content-Type says: as the protocol's servers do */
};

/* The documents of errors: ours, or the other protocols' {"error":"text"}. */
enum route_errors { ERRORS_NATIVE, ERRORS_PLAIN, ROUTE_ERRORS_N };

struct route {
    const char *method;
    const char *pattern;   /* "/v1/jobs/{id}", "/v1/models/{name}:predict" */
    const char *name;      /* for metrics and the log */
    http_handler *handler; /* NULL where there is a stream */
    enum subsystem subsystem;
    bool waits;        /* runs on the executor from the start */
    unsigned body;     /* of enum route_body */
    const char *query; /* the parameters it knows, separated by spaces; "" for none; NULL:
                          none is looked at, as the protocol's servers do */
    const struct http_stream *stream; /* takes its body in pieces, of any type; or NULL */
    enum route_errors errors;
    const struct http_intake *intake; /* may take its body in pieces; or NULL */
};

extern const struct route routes[];
extern const size_t routes_n;

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Finds the route of a request and its path parameters. HEAD finds GET. For
 * ROUTE_NO_METHOD *allow holds the methods of the path. */
enum route_match route_find(const struct route *table, size_t n,
                            const struct http_request *request,
                            const struct route **route, const char *parameters[2],
                            char allow[64]);

/* Whether anybody may ask: the probes of a balancer have no token. */
bool route_is_open(const struct route *route);

/* The errors of a request: its route's, or where it has found none those of the protocol
 * that its path belongs to. */
enum route_errors route_errors(const struct route *route,
                               const struct http_request *request);

#endif
