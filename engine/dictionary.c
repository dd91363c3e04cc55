#include "engine/dictionary.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 16 }; /* a power of two, as the room always is */

/* FNV-1a (Fowler, Noll, Vo), its halves folded. */
static uint32_t text_hash(const char *text, size_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The slot where a text stands, or the empty one where it would. Half of the slots are
 * empty, so there is one. */
static uint32_t *slot_find(const struct dictionary *d, uint32_t hash, const char *text,
                           size_t n) {
    size_t mask = 2 * d->room - 1, at = hash & mask;
    for (; d->slots[at]; at = (at + 1) & mask) {
        size_t code = d->slots[at] - 1;
        const char *other = d->texts[code];
        if (d->hashes[code] == hash && strncmp(other, text, n) == 0 && !other[n])
            break;
    }
    return &d->slots[at];
}

static void slots_fill(struct dictionary *d) {
    size_t mask = 2 * d->room - 1;
    for (size_t code = 0; code < d->texts_n; code++) {
        size_t at = d->hashes[code] & mask;
        while (d->slots[at])
            at = (at + 1) & mask;
        d->slots[at] = (uint32_t)code + 1;
    }
}

static bool room_double(struct dictionary *d, struct err *e) {
    struct dictionary grown = {.texts_n = d->texts_n,
                               .room = d->room ? 2 * d->room : ROOM_MIN};
    grown.texts = memory_new(grown.room, sizeof *grown.texts);
    grown.hashes = memory_new(grown.room, sizeof *grown.hashes);
    grown.slots = memory_new(2 * grown.room, sizeof *grown.slots);
    if (!grown.texts || !grown.hashes || !grown.slots) {
        dictionary_free(&grown);
        return err_set(e, ERR_NO_MEMORY, NULL, "out of memory for %zu texts", d->texts_n);
    }
    if (d->texts_n) {
        memcpy(grown.texts, d->texts, d->texts_n * sizeof *d->texts);
        memcpy(grown.hashes, d->hashes, d->texts_n * sizeof *d->hashes);
    }
    slots_fill(&grown);
    dictionary_free(d);
    *d = grown;
    return true;
}

bool dictionary_put(struct dictionary *d, struct arena *arena, const char *text, size_t n,
                    int32_t *code, struct err *e) {
    uint32_t hash = text_hash(text, n);
    if (d->texts_n == INT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "more than %d different texts", INT32_MAX);
    if (d->texts_n == d->room && !room_double(d, e))
        return false;
    uint32_t *slot = slot_find(d, hash, text, n);
    if (!*slot) {
        char *copy = arena_strndup(arena, text, n, e);
        if (!copy)
            return false;
        d->texts[d->texts_n] = copy;
        d->hashes[d->texts_n] = hash;
        *slot = (uint32_t)++d->texts_n;
    }
    *code = (int32_t)(*slot - 1);
    return true;
}

void dictionary_free(struct dictionary *d) {
    free(d->texts);
    free(d->hashes);
    free(d->slots);
    *d = (struct dictionary){.texts_n = 0};
}
