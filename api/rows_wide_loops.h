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

/* Blocks by four, as long as they are as usual: what they hold, what that says, and the
 * marks, each for several fours, so that none waits for the one before. */
enum { FOURS = 4 };

LOOP_INLINE void fours_look(const char *text, size_t fours_n,
                            struct grammar_blocks blocks[FOURS]) {
    for (size_t i = 0; i < fours_n; i++, text += 4 * WIDE_BLOCK) {
        for (size_t j = 0; j < 4; j++) {
            struct grammar_block block = block_look(text + WIDE_BLOCK * j);
            grammar_four_put(&blocks[i], j, &block);
        }
    }
}

/* @return how many fours are as usual. */
LOOP_INLINE size_t fours_step(struct grammar_four *state, struct grammar *g,
                              size_t fours_n, const struct grammar_blocks blocks[FOURS],
                              four marks[FOURS]) {
    for (size_t i = 0; i < fours_n; i++) {
        struct grammar_four next = *state;
        four rows;
        if (!grammar_four_step(&next, &blocks[i], g->flat, &marks[i], &rows) ||
            (g->columns_n == 0 && four_any(rows)))
            return i;
        *state = next;
        for (size_t j = 0; j < 4; j++)
            g->rows_n += (size_t)__builtin_popcountll(rows[j]);
    }
    return fours_n;
}

LOOP_INLINE void fours_index(struct loop *l) {
    struct grammar_four state = grammar_four_begin(&l->g);
    uint32_t *to = l->to;
    size_t fours_n, usual_n;
    do {
        struct grammar_blocks blocks[FOURS];
        four marks[FOURS];
        fours_n = (l->blocks_n - l->i) / 4;
        fours_n = fours_n < FOURS ? fours_n : FOURS;
        fours_look(l->text + WIDE_BLOCK * l->i, fours_n, blocks);
        usual_n = fours_step(&state, &l->g, fours_n, blocks, marks);
        uint32_t at = l->at + (uint32_t)(WIDE_BLOCK * l->i);
        for (size_t j = 0; j < 4 * usual_n; j++)
            to = marks_write(to, marks[j / 4][j % 4], at + (uint32_t)(WIDE_BLOCK * j));
        l->i += 4 * usual_n;
    } while (fours_n == FOURS && usual_n == FOURS);
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
