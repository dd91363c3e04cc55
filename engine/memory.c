#include "engine/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_BLOCK_BYTES = 16 << 10 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of data */
    size_t used;
    _Alignas(ARENA_ALIGN) unsigned char data[];
};

void *memory_new(size_t count, size_t size) {
    size_t bytes, padded;
    if (!size_mul(count, size, &bytes) || !size_add(bytes, MEMORY_ALIGN, &padded))
        return NULL;
    /* aligned_alloc wants a multiple of the alignment; an empty array gets one line. */
    padded -= bytes ? (bytes - 1) % MEMORY_ALIGN + 1 : 0;
    void *p = aligned_alloc(MEMORY_ALIGN, padded);
    if (p)
        memset(p, 0, padded);
    return p;
}

void arena_init(struct arena *a, size_t bytes_max) {
    *a = (struct arena){.bytes_max = bytes_max};
}

/* A request that fills much of a block gets one of its own, behind the newest, so that
 * the rest of the newest is not lost. */
static struct arena_block *block_add(struct arena *a, size_t size) {
    bool own = size > ARENA_BLOCK_BYTES / 4;
    size_t room = own ? size : ARENA_BLOCK_BYTES, bytes;
    if (!size_add(room, sizeof(struct arena_block), &bytes))
        return NULL;
    struct arena_block *block = malloc(bytes);
    if (!block)
        return NULL;
    block->size = room;
    block->used = 0;
    if (own && a->blocks) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *a, size_t size, struct err *e) {
    size_t used, padded;
    if (!size_add(size, ARENA_ALIGN - 1, &padded) ||
        !size_add(a->bytes_used, padded & ~(size_t)(ARENA_ALIGN - 1), &used) ||
        used > a->bytes_max) {
        err_set(e, ERR_TOO_LARGE, NULL, "this takes more than the %zu bytes it may",
                a->bytes_max);
        return NULL;
    }
    padded &= ~(size_t)(ARENA_ALIGN - 1);
    struct arena_block *block = a->blocks;
    if (!block || block->size - block->used < padded)
        block = block_add(a, padded);
    if (!block) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for %zu bytes", size);
        return NULL;
    }
    void *p = block->data + block->used;
    block->used += padded;
    a->bytes_used = used;
    return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t n, struct err *e) {
    size_t bytes = n == SIZE_MAX ? n : n + 1; /* no arena holds SIZE_MAX */
    char *copy = arena_alloc(a, bytes, e);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

void arena_reset(struct arena *a) {
    for (struct arena_block *block = a->blocks; block;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    a->blocks = NULL;
    a->bytes_used = 0;
}
