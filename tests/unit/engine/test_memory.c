#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "tests/unit/check.h"

static void sizes_do_not_wrap(void) {
    size_t out = 7;
    CHECK(size_mul(6, 7, &out) && out == 42);
    CHECK(!size_mul(SIZE_MAX / 2 + 1, 2, &out));
    CHECK(size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    CHECK(!size_add(SIZE_MAX, 1, &out));
    CHECK(memory_new(SIZE_MAX / 4, 8) == NULL);
    CHECK(memory_new(SIZE_MAX - 8, 1) == NULL);
}

static void blocks_are_aligned_and_zeroed(void) {
    for (size_t n = 0; n < 300; n++) {
        unsigned char *p = memory_new(n, 1);
        if (!CHECK(p))
            return;
        CHECK((uintptr_t)p % MEMORY_ALIGN == 0);
        unsigned sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += p[i];
        CHECK(sum == 0);
        memset(p, 0xff, n); /* so that the next block of the heap is not zero by luck */
        free(p);
    }
}

static void an_arena_hands_out_apart_and_aligned(void) {
    struct arena a;
    struct err e = {0};
    arena_init(&a, 1 << 20);
    unsigned char *parts[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * i % 9000;
        parts[i] = arena_alloc(&a, size, &e);
        if (!CHECK(parts[i]))
            return;
        CHECK((uintptr_t)parts[i] % 16 == 0);
        memset(parts[i], (int)i, size);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t j = 0; j < i * i % 9000; j++)
            if (parts[i][j] != i) {
                CHECK_SAY(false, "part %zu was written over at %zu", i, j);
                return;
            }
    arena_reset(&a);
    CHECK(a.bytes_used == 0 && a.blocks == NULL);
    CHECK(arena_alloc(&a, 10, &e) && e.kind == ERR_NONE);
    arena_reset(&a);
}

static void an_arena_keeps_its_cap(void) {
    struct arena a;
    struct err e = {0};
    arena_init(&a, 100);
    CHECK(arena_alloc(&a, 64, &e));
    CHECK(!arena_alloc(&a, 40, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    e = (struct err){0};
    CHECK(!arena_alloc(&a, SIZE_MAX, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    e = (struct err){0};
    CHECK(!arena_strndup(&a, "", SIZE_MAX, &e));
    CHECK(e.kind == ERR_TOO_LARGE);
    e = (struct err){0};
    CHECK(arena_alloc(&a, 32, &e) && e.kind == ERR_NONE);
    arena_reset(&a);
}

static void texts(void) {
    struct arena a;
    struct err e = {0};
    arena_init(&a, 10000);
    char *copy = arena_strndup(&a, "abcdef", 3, &e);
    CHECK_TEXT(copy, "abc");
    CHECK_TEXT(arena_strndup(&a, NULL, 0, &e), "");
    static char long_text[10000];
    memset(long_text, 'x', sizeof long_text);
    CHECK(arena_strndup(&a, long_text, sizeof long_text, &e) == NULL);
    CHECK(e.kind == ERR_TOO_LARGE);
    arena_reset(&a);
}

int main(void) {
    CHECK_RUN(sizes_do_not_wrap);
    CHECK_RUN(blocks_are_aligned_and_zeroed);
    CHECK_RUN(an_arena_hands_out_apart_and_aligned);
    CHECK_RUN(an_arena_keeps_its_cap);
    CHECK_RUN(texts);
    return check_done();
}
