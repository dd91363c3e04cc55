/* The loops of the two halves of rows_wide.h, for one kind of processor: to be included
 * by a file that has defined WIDE_TARGET, an attribute, and static inline block_look,
 * marks_write and read_four. Private to those files. */
#ifndef API_ROWS_WIDE_LOOPS_H
#define API_ROWS_WIDE_LOOPS_H

#include "api/rows_grammar_four.h"
#include "api/rows_wide.h"

#define LOOP_INLINE WIDE_TARGET static inline __attribute__((always_inline))

/* One call of index. */
struct loop {
    const char *text;
    size_t blocks_n, i; /* of them */
    uint32_t at;        /* the place of the text */
    uint32_t *to;       /* behind the marks */
    struct grammar g;
    struct wide_index index;
};

LOOP_INLINE void block_index(struct loop *l) {
    struct grammar_block block = block_look(l->text + WIDE_BLOCK * l->i);
    struct grammar_found found = grammar_step(&l->g, &block);
    uint32_t at = l->at + (uint32_t)(WIDE_BLOCK * l->i);
    l->to = marks_write(l->to, found.marks, at);
    l->index.wrong = found.wrong;
    l->index.ended = found.ended;
    l->index.end = at + (uint32_t)found.end;
    l->i++;
}

/* Blocks by four, as long as they are as usual. */
LOOP_INLINE void fours_index(struct loop *l) {
    struct grammar_four state = grammar_four_begin(&l->g);
    uint32_t *to = l->to;
    for (; l->blocks_n - l->i >= 4; l->i += 4) {
        const char *text = l->text + WIDE_BLOCK * l->i;
        const struct grammar_block blocks[4] = {
            block_look(text), block_look(text + WIDE_BLOCK),
            block_look(text + 2 * WIDE_BLOCK), block_look(text + 3 * WIDE_BLOCK)};
        struct grammar_four next = state;
        four marks, rows;
        if (!grammar_four_step(&next, blocks, l->g.flat, &marks, &rows) ||
            (l->g.columns_n == 0 && four_any(rows)))
            break;
        state = next;
        uint32_t at = l->at + (uint32_t)(WIDE_BLOCK * l->i);
        for (uint32_t j = 0; j < 4; j++) {
            to = marks_write(to, marks[j], at + WIDE_BLOCK * j);
            l->g.rows_n += (size_t)__builtin_popcountll(rows[j]);
        }
    }
    grammar_four_end(&state, &l->g);
    l->g.marks_n += (size_t)(to - l->to);
    l->to = to;
}

WIDE_TARGET static struct wide_index index_loop(const char *text, size_t blocks_n,
                                                uint32_t at, struct grammar *g,
                                                uint32_t *marks) {
    struct loop l = {text, blocks_n, 0, at, marks, *g, {0}};
    bool usual = true;
    while (l.i < blocks_n && !l.index.wrong && !l.index.ended) {
        size_t before = l.i;
        if (usual)
            fours_index(&l);
        /* Where not even four were, the others here will not be either. */
        usual = l.i > before || before == 0;
        for (size_t j = 0; j < 4 && l.i < blocks_n && !l.index.wrong && !l.index.ended;
             j++)
            block_index(&l);
    }
    l.index.marks_n = (size_t)(l.to - marks);
    *g = l.g;
    return l.index;
}

WIDE_TARGET static bool read_loop(const char *base, const char *start,
                                  const uint32_t *marks, size_t n, float *values) {
    const ptrdiff_t before = WIDE_CHARACTERS_MAX + 2; /* of an end, which is looked at */
    size_t i = 0;
    for (; i < n && base + marks[2 * i + 1] - start < before; i++)
        if (!wide_read_one(base, marks + 2 * i, values + i))
            return false;
    for (; i < n; i += 4) {
        if (read_four(base, marks + 2 * i, values + i))
            continue;
        for (size_t j = i; j < n && j < i + 4; j++)
            if (!wide_read_one(base, marks + 2 * j, values + j))
                return false;
    }
    return true;
}

#endif
