/* Texts numbered in the order they came: a column's spellings and their codes.
 *
 * A hash table with open addressing over the texts. Its size is bounded by what fills it,
 * and so is the work of a table made to collide. One thread. */
#ifndef ENGINE_DICTIONARY_H
#define ENGINE_DICTIONARY_H

#include <stdint.h>

#include "engine/memory.h"

/* Zero-initialise. */
struct dictionary {
    char **texts; /* (texts_n), each NUL-terminated and its arena's; owned */
    size_t texts_n;
    size_t room;      /* texts and hashes that there is memory for */
    uint32_t *hashes; /* (texts_n) */
    uint32_t *slots;  /* (2 room): code + 1, or 0 where none stands */
};

/* The code of text[0..n), which holds no NUL; a new text is copied into `arena`.
 * ERR_NO_MEMORY, ERR_TOO_LARGE (over INT32_MAX texts); the dictionary is then as before.
 */
bool dictionary_put(struct dictionary *d, struct arena *arena, const char *text, size_t n,
                    int32_t *code, struct err *e) __attribute__((warn_unused_result));

void dictionary_free(struct dictionary *d); /* the texts stay with their arena */

#endif
