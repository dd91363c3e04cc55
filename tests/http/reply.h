/* What the daemon answered, and a way into its JSON by path. */
#ifndef TESTS_HTTP_REPLY_H
#define TESTS_HTTP_REPLY_H

#include <jansson.h>
#include <stddef.h>

struct reply {
    long status;   /* 0: no answer came */
    char *headers; /* the header block as it came; owned */
    char *body;    /* NUL-terminated; owned */
    size_t body_n;
    json_t *json; /* the body, or NULL where it is no JSON; owned */
    double seconds;
};

/* Frees what a reply holds and zeroes it. A zeroed reply is allowed. */
void reply_free(struct reply *reply);

/* Copies the first header of that name into value; "" when there is none.
 * @return value. */
const char *reply_header(const struct reply *reply, const char *name, char value[256]);

/* The value at a JSON pointer (no escapes); NULL when there is none. Borrowed. */
json_t *reply_at(const json_t *json, const char *pointer);

/* The number, text or count of elements there; NAN, "" or 0 when there is none. */
double reply_number(const json_t *json, const char *pointer);
const char *reply_text(const json_t *json, const char *pointer);
size_t reply_count(const json_t *json, const char *pointer);

/* A sample without labels of GET /metrics; NAN when there is none. */
double reply_metric(const struct reply *reply, const char *name);

#endif
