#include "api/intern.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/memory.h"

static inline uint64_t rotate(uint64_t x, int n) {
    return x << n | x >> (64 - n);
}

static inline void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012).
 */
static uint64_t sip_hash(const uint64_t key[2], const char *text, size_t n) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    for (size_t left = n;; left -= 8, text += 8) {
        uint64_t block = left < 8 ? (uint64_t)n << 56 : 0;
        memcpy(&block, text, left < 8 ? left : 8);
        v[3] ^= block;
        sip_round(v);
        v[0] ^= block;
        if (left < 8)
            break;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void intern_init(struct intern *table, struct labels *strings, size_t strings_max) {
    *table = (struct intern){.strings = strings, .strings_max = strings_max};
    strings->kind = LABEL_STRING;
    /* Without the system's random numbers, where things lie has to do. */
    if (getrandom(table->key, sizeof table->key, GRND_NONBLOCK) != sizeof table->key)
        table->key[0] = (uint64_t)(uintptr_t)table ^ (uint64_t)(uintptr_t)strings << 32;
}

void intern_free(struct intern *table) {
    free(table->hashes);
    free(table->slots);
    *table = (struct intern){0};
}

/* Twice the strings; the slots are kept at most half full. */
static bool intern_grow(struct intern *table, const char *where, struct err *e) {
    size_t capacity = table->strings_capacity ? table->strings_capacity * 2 : 16;
    size_t slots_n = capacity * 2;
    char **strings = realloc(table->strings->strings, capacity * sizeof *strings);
    if (strings)
        table->strings->strings = strings;
    uint64_t *hashes = realloc(table->hashes, capacity * sizeof *hashes);
    if (hashes)
        table->hashes = hashes;
    uint32_t *slots = calloc(slots_n, sizeof *slots);
    if (!strings || !hashes || !slots) {
        free(slots);
        return err_set(e, ERR_NO_MEMORY, where, "no memory for %zu strings", capacity);
    }
    for (size_t i = 0; i < table->strings->n; i++) {
        size_t slot = hashes[i] & (slots_n - 1);
        while (slots[slot])
            slot = (slot + 1) & (slots_n - 1);
        slots[slot] = (uint32_t)i + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->slots_n = slots_n;
    table->strings_capacity = capacity;
    return true;
}

/* @return the slot of the string, or the empty one where it belongs. */
static uint32_t *slot_find(const struct intern *table, uint64_t hash, const char *text,
                           size_t n) {
    size_t slot = hash & (table->slots_n - 1);
    for (; table->slots[slot]; slot = (slot + 1) & (table->slots_n - 1)) {
        size_t i = table->slots[slot] - 1;
        const char *string = table->strings->strings[i];
        if (table->hashes[i] == hash && strncmp(string, text, n) == 0 && string[n] == 0)
            break;
    }
    return &table->slots[slot];
}

bool intern_put(struct intern *table, const char *text, size_t n, int32_t *id,
                const char *where, struct err *e) {
    struct labels *strings = table->strings;
    if (strings->n == table->strings_capacity && !intern_grow(table, where, e))
        return false;
    uint64_t hash = sip_hash(table->key, text, n);
    uint32_t *slot = slot_find(table, hash, text, n);
    if (*slot == 0) {
        if (strings->n == table->strings_max)
            return err_set(e, ERR_TOO_LARGE, where, "more than %zu distinct strings",
                           table->strings_max);
        char *copy = malloc(n + 1);
        if (!copy)
            return err_set(e, ERR_NO_MEMORY, where, "no memory for a string");
        memcpy(copy, text, n);
        copy[n] = 0;
        table->hashes[strings->n] = hash;
        strings->strings[strings->n++] = copy;
        *slot = (uint32_t)strings->n;
    }
    *id = (int32_t)*slot - 1;
    return true;
}
