/* Checked sizes, aligned blocks, and an arena with a byte cap.
 *
 * Sizes that come from outside are multiplied and added here alone, so that no
 * allocation is smaller than its user believes. */
#ifndef ENGINE_MEMORY_H
#define ENGINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

enum { MEMORY_ALIGN = 64 }; /* bytes: a cache line, and the widest vector register */

/* @return false on overflow; *out is then untouched. */
static inline __attribute__((warn_unused_result)) bool size_mul(size_t a, size_t b,
                                                                size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}
static inline __attribute__((warn_unused_result)) bool size_add(size_t a, size_t b,
                                                                size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

/* `count` elements of `size` bytes, aligned to MEMORY_ALIGN, zeroed.
 * @return NULL on overflow or when the machine has no more. Free with free(). */
void *memory_new(size_t count, size_t size) __attribute__((warn_unused_result));

/* An arena hands out memory that is freed all at once. One thread at a time.
 * Zero-initialise it by arena_init; blocks come from the heap as they are needed. */
struct arena_block;
struct arena {
    struct arena_block *blocks; /* newest first */
    size_t bytes_max;           /* the cap on what it may hand out */
    size_t bytes_used;
};

void arena_init(struct arena *a, size_t bytes_max);

/* `size` bytes aligned to 16, not zeroed.
 * @return NULL with ERR_TOO_LARGE over the cap, ERR_NO_MEMORY when malloc fails. */
void *arena_alloc(struct arena *a, size_t size, struct err *e)
    __attribute__((warn_unused_result));

/* A copy of text[0..n) with a NUL behind it; errors as arena_alloc. */
char *arena_strndup(struct arena *a, const char *text, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* Frees everything that was handed out; the arena can be used again. */
void arena_reset(struct arena *a);

#endif
