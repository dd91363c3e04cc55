/* Splits a JSON document into its large values and the small rest.
 *
 * The large ones (a table, a batch) go to scanners that fill arrays; the rest, with
 * `null` in their place, is a document small enough for jansson, whose trees cost 40
 * bytes and more for each number. */
#ifndef API_CARVE_H
#define API_CARVE_H

#include "api/cursor.h"
#include "engine/memory.h"

/* One value to carve out: member `key` of the top-level object, or, where `parent` is not
 * NULL, of the object that is the top-level member `parent`. */
struct carve_hole {
    const char *parent;
    const char *key;
    /* Called with the cursor on the value; moves over it. `path` is its JSON pointer. A
     * null is handed over like any value. */
    bool (*scan)(void *context, struct cursor *c, const char *path, struct err *e);
    void *context;
    bool found; /* set by carve */
};

enum { CARVE_DEPTH_MAX = 64 };

/* Walks `text`, one JSON object and nothing behind it. *rest is a copy of it in which
 * each carved value is `null`, NUL-terminated, in the arena; at most rest_max bytes, else
 * ERR_TOO_LARGE. A hole met twice is ERR_INVALID at its path; other duplicate keys are
 * left for the reader of the rest. Grammar errors (ERR_INVALID) say line and column in
 * `where`
 * ("line 3, column 7"); a scanner's errors pass through. */
bool carve(const char *text, size_t n, struct carve_hole *holes, size_t holes_n,
           size_t rest_max, struct arena *arena, char **rest, size_t *rest_n,
           struct err *e) __attribute__((warn_unused_result));

/* The same for an object within a document, at the cursor, which then stands behind it;
 * `path` is the object's own. */
bool carve_object(struct cursor *c, const char *path, struct carve_hole *holes,
                  size_t holes_n, size_t rest_max, struct arena *arena, char **rest,
                  size_t *rest_n, struct err *e) __attribute__((warn_unused_result));

#endif
