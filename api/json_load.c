#include "api/json_load.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BITS = 7 };

/* A thread's reading, and the blocks that it has: a set of their addresses, at most half
 * full, each in the first free slot from its home on. */
struct reading {
    jmp_buf end; /* for want of memory: */
    bool starved;
    unsigned bits;
    size_t n;
    void **slots; /* (1 << bits) */
    void *first[1 << FIRST_BITS];
};
static _Thread_local struct reading *reading;

static size_t slot_behind(const struct reading *r, size_t slot) {
    return (slot + 1) & (((size_t)1 << r->bits) - 1);
}

static size_t slot_home(const struct reading *r, const void *block) {
    uint64_t mixed = (uint64_t)(uintptr_t)block * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> (64 - r->bits));
}

static void block_put(struct reading *r, void *block) {
    size_t slot = slot_home(r, block);
    while (r->slots[slot])
        slot = slot_behind(r, slot);
    r->slots[slot] = block;
    r->n++;
}

static bool slots_grow(struct reading *r) {
    struct reading more = {.bits = r->bits + 1};
    more.slots = calloc((size_t)1 << more.bits, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (size_t i = 0; i < (size_t)1 << r->bits; i++)
        if (r->slots[i])
            block_put(&more, r->slots[i]);
    if (r->slots != r->first)
        free(r->slots);
    r->slots = more.slots;
    r->bits = more.bits;
    return true;
}

static bool block_keep(struct reading *r, void *block) {
    if (2 * (r->n + 1) > (size_t)1 << r->bits && !slots_grow(r))
        return false;
    block_put(r, block);
    return true;
}

/* Those behind it that it kept from their homes move up. */
static void block_forget(struct reading *r, const void *block) {
    size_t free_slot = slot_home(r, block), slot;
    while (r->slots[free_slot] && r->slots[free_slot] != block)
        free_slot = slot_behind(r, free_slot);
    if (!r->slots[free_slot])
        return;
    r->slots[free_slot] = NULL;
    r->n--;
    for (slot = slot_behind(r, free_slot); r->slots[slot]; slot = slot_behind(r, slot)) {
        size_t home = slot_home(r, r->slots[slot]);
        bool stays = free_slot < slot ? free_slot < home && home <= slot
                                      : free_slot < home || home <= slot;
        if (stays)
            continue;
        r->slots[free_slot] = r->slots[slot];
        r->slots[slot] = NULL;
        free_slot = slot;
    }
}

static void *allocate(size_t n) {
    struct reading *r = reading;
    void *block = malloc(n);
    if (!r || (block && block_keep(r, block)))
        return block;
    free(block);
    r->starved = true;
    longjmp(r->end, 1);
}

static void release(void *block) {
    if (reading && block)
        block_forget(reading, block);
    free(block);
}

__attribute__((constructor)) static void allocator_set(void) {
    json_set_alloc_funcs(allocate, release);
}

/* The caller's reading is none of this function's variables, so that its value is known
 * behind the jump. */
static json_t *load(struct reading *r, const char *text, size_t n, size_t flags,
                    json_error_t *error) {
    if (setjmp(r->end))
        return NULL;
    reading = r;
    return json_loadb(text, n, flags, error);
}

json_t *json_load_bytes(const char *text, size_t n, size_t flags, json_error_t *error,
                        bool *starved) {
    struct reading r;
    json_error_t why;
    memset(r.first, 0, sizeof r.first);
    r.slots = r.first;
    r.bits = FIRST_BITS;
    r.n = 0;
    r.starved = false;
    json_t *root = load(&r, text, n, flags, &why);
    reading = NULL;
    *starved = r.starved;
    if (!r.starved)
        *error = why; /* and the blocks are the tree's, or gone */
    for (size_t i = 0; r.starved && i < (size_t)1 << r.bits; i++)
        free(r.slots[i]);
    if (r.slots != r.first)
        free(r.slots);
    return root;
}
