/* The distinct strings among many: each is kept once and has a number, from 0 in the
 * order they came.
 *
 * A hash table under a random key, so that no choice of strings makes it slow. */
#ifndef API_INTERN_H
#define API_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/model.h"

struct intern {
    struct labels *strings; /* borrowed; what it holds is the caller's */
    size_t strings_max;
    size_t strings_capacity;
    uint64_t key[2];
    uint64_t *hashes; /* (strings_capacity); owned */
    uint32_t *slots;  /* (slots_n): a string's number + 1, or 0; owned */
    size_t slots_n;   /* 0 or a power of two */
};

/* `strings` is empty and gets the strings, at most strings_max. */
void intern_init(struct intern *table, struct labels *strings, size_t strings_max);
void intern_free(struct intern *table);

/* The number of text[0..n), which holds no NUL. @return false with ERR_TOO_LARGE over the
 * maximum, or ERR_NO_MEMORY, at `where`. */
bool intern_put(struct intern *table, const char *text, size_t n, int32_t *id,
                const char *where, struct err *e) __attribute__((warn_unused_result));

#endif
