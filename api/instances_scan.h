/* What instances.c and instances_columns.c share; private to them.
 *
 * Errors come up without a place, and get a step of it at each level that they pass: no
 * place is made where nothing is told. */
#ifndef API_INSTANCES_SCAN_H
#define API_INSTANCES_SCAN_H

#include "api/instances.h"
#include "api/nested.h"

/* A key in the source, with its quotes; n is 0 where none is kept. */
struct instances_place {
    const char *key;
    size_t n, column;
};

/* One run over the instances. */
struct instances_scan {
    struct cursor *c;
    const struct instances_form *form;
    struct rows *rows;
    unsigned char *seen;    /* (names_n) of the object in hand: enum seen; owned */
    unsigned char *context; /* (names_n) what `seen` begins as; NULL: all SEEN_NOT */
    float *context_row;     /* (inputs_n) and the row; owned, as the context is */
    char first;             /* the bracket that the first row begins with */
    /* (names_n) the first members of objects as they last came; owned. */
    struct instances_place *places;
    size_t place;              /* of the next member of the object in hand */
    bool counted;              /* columns_counted */
    struct nested_shape shape; /* of rows in lists within lists */
};

enum seen { SEEN_NOT, SEEN_CONTEXT, SEEN_ROW };

/* Reads the context too. */
bool instances_open(struct instances_scan *s, struct err *e)
    __attribute__((warn_unused_result));
void instances_close(struct instances_scan *s);

/* A cell of `column` into its place in `row`. */
bool instances_cell(struct instances_scan *s, size_t column, float *row, struct err *e)
    __attribute__((warn_unused_result));

/* The rows of the array at the cursor, behind those that are there. */
bool instances_rows(struct instances_scan *s, struct err *e)
    __attribute__((warn_unused_result));

/* A member: its key and the colon behind are moved over, its value is not. */
struct instances_member {
    struct cursor_text name; /* free() name.owned */
    size_t column;           /* columns.names_n: there is none of that name */
};
bool instances_member(struct instances_scan *s, struct instances_member *member,
                      struct err *e) __attribute__((warn_unused_result));

/* Marks its column as seen; one that there is not, or that was seen, is an error. */
bool instances_see(struct instances_scan *s, const struct instances_member *member,
                   enum seen seen, struct err *e) __attribute__((warn_unused_result));

/* Whether all columns were seen. */
bool instances_complete(const struct instances_scan *s, struct err *e)
    __attribute__((warn_unused_result));

/* Whether a member of any name may hold everything. */
bool instances_whole(const struct instances_scan *s,
                     const struct instances_member *member);

/* Behind such a member's value: nothing else. */
bool instances_whole_end(struct instances_scan *s, struct err *e)
    __attribute__((warn_unused_result));

/* Put a step before an error's place. @return false. */
bool instances_below_key(struct err *e, const struct cursor_text *key);
bool instances_below_index(struct err *e, size_t index);
bool instances_below(struct err *e, const char *path);

#endif
