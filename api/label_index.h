/* Labels, found by what they say: those of a model stand in any order. Pure. */
#ifndef API_LABEL_INDEX_H
#define API_LABEL_INDEX_H

#include "engine/model.h"

struct label_entry {
    double number;
    const char *text; /* of the labels; NULL for numbers */
    int32_t index;
};

/* Borrows the labels. */
struct label_index {
    struct label_entry *entries; /* (n), sorted; owned */
    size_t n;
};
bool label_index_init(struct label_index *index, const struct labels *labels,
                      struct err *e) __attribute__((warn_unused_result));
void label_index_free(struct label_index *index); /* a zeroed one is allowed */

/* The label's index; -1 when there is none. `text` NULL: a number, or 0 and 1 for false
 * and true. */
int32_t label_index_find(const struct label_index *index, const char *text,
                         double number);

/* A copy to free; ERR_NO_MEMORY. *out is zeroed at first. */
bool labels_copy(const struct labels *from, struct labels *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
