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
    SUBSYSTEMS_N
};

enum route_body {
    BODY_NONE, /* what comes is read and ignored */
    BODY_JSON,
    BODY_JSON_OR_CSV,
    BODY_BYTES /* a file of any kind, whole */
};

struct route {
    const char *method;
    const char *pattern;   /* "/v1/jobs/{id}" */
    const char *name;      /* for metrics and the log */
    http_handler *handler; /* NULL where there is a stream */
    enum subsystem subsystem;
    bool waits; /* runs on the executor from the start */
    enum route_body body;
    const char *query; /* the parameters it knows, separated by spaces; "" for none */
    const struct http_stream *stream; /* takes its body in pieces, of any type; or NULL */
};

extern const struct route routes[];
extern const size_t routes_n;

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

/* Finds the route of a request and its path parameters. HEAD finds GET. For
 * ROUTE_NO_METHOD *allow holds the methods of the path. */
enum route_match route_find(const struct route *table, size_t n, const char *method,
                            const char *const *segments, size_t segments_n,
                            const struct route **route, const char *parameters[2],
                            char allow[64]);

#endif
