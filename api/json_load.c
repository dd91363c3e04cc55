#include "api/json_load.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_N = 64 };

/* What a thread's reading has allocated so far. */
struct reading {
    jmp_buf end; /* for want of memory: */
    bool starved;
    void **blocks;
    size_t n, capacity;
    void *first[BLOCKS_N];
};
static _Thread_local struct reading *reading;

static bool block_keep(struct reading *r, void *block) {
    if (r->n == r->capacity) {
        void **more = malloc(2 * r->capacity * sizeof *more);
        if (!more)
            return false;
        memcpy(more, r->blocks, r->n * sizeof *more);
        if (r->blocks != r->first)
            free(r->blocks);
        r->blocks = more;
        r->capacity *= 2;
    }
    r->blocks[r->n++] = block;
    return true;
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

/* Mostly one of the last. */
static void release(void *block) {
    struct reading *r = reading;
    for (size_t i = r && block ? r->n : 0; i-- > 0;)
        if (r->blocks[i] == block) {
            r->blocks[i] = r->blocks[--r->n];
            break;
        }
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
    json_t *root = json_loadb(text, n, flags, error);
    r->n = 0; /* they are the tree's, or gone */
    return root;
}

json_t *json_load_bytes(const char *text, size_t n, size_t flags, json_error_t *error,
                        bool *starved) {
    struct reading r;
    json_error_t why;
    r.blocks = r.first;
    r.n = 0;
    r.capacity = BLOCKS_N;
    r.starved = false;
    json_t *root = load(&r, text, n, flags, &why);
    reading = NULL;
    *starved = r.starved;
    while (r.n)
        free(r.blocks[--r.n]);
    if (r.blocks != r.first)
        free(r.blocks);
    if (!r.starved)
        *error = why;
    return root;
}
