/* The distinct values of a column while it is being profiled. Private to the profile. */
#ifndef API_PROFILE_PRIVATE_H
#define API_PROFILE_PRIVATE_H

#include "api/intern.h"
#include "api/profile.h"

/* A key that was seen: a short spelling, or the bits of a number. */
struct profile_slot {
    uint64_t key;
    uint32_t id;   /* its value + 1, or 0 for an empty slot */
    uint32_t more; /* cells that its value's count does not have yet */
};

/* Zero-initialise with values_init. */
struct profile_values {
    struct intern table;
    struct labels strings; /* what the table holds */
    uint64_t *counts;      /* (counts_capacity); owned */
    size_t counts_capacity;
    struct profile_slot *slots; /* (slots_n), a power of two; owned */
    size_t slots_n, keys_n;
    uint32_t *bytes_seen; /* (256): 0, or 1 + cells of that whole number, without a
                             spelling, that its count does not have yet; NULL; owned */
    size_t bytes;         /* an estimate of what all of it takes */
    bool many;
};

void profile_values_init(struct profile_values *v);
void profile_values_free(struct profile_values *v);

/* Counts a cell that is there. *budget is what all columns may yet take: a column whose
 * value does not fit gives up, and gives back what it took. */
bool profile_values_add(struct profile_values *v, const struct cell *cell, size_t *budget,
                        struct err *e);

/* Moves the result. */
bool profile_values_take(struct profile_values *v, struct profile_column *out,
                         struct err *e);

#endif
