/* The grammar of rows_grammar.h for four blocks at once, a lane each: to be included by a
 * file that has defined WIDE_TARGET, an attribute. Private to the scanners of rows.
 *
 * It knows what is usual: at most one space in a place, nothing wrong, no end, and how
 * long rows are where one ends. It leaves everything else to grammar_step. */
#ifndef API_ROWS_GRAMMAR_FOUR_H
#define API_ROWS_GRAMMAR_FOUR_H

#include <immintrin.h>

#include "api/rows_grammar.h"

#define FOUR_INLINE WIDE_TARGET static inline __attribute__((always_inline))

typedef uint64_t four __attribute__((vector_size(32)));

/* What the last block of the four before leaves, in bit 0 of its lane. The other
 * lanes' count for nothing, but that any space has the next four looked at for spaces. */
struct grammar_four {
    four number, sign, zero, point, digit;
    four closes, number_next, open_next;
    /* Of what stands before a space: where it moves to. */
    four spaced_number, spaced_close, spaced_number_next, spaced_open_next;
    four spaces;
};

/* Each bit moved to the next character, across the lanes. */
FOUR_INLINE four four_follow(four bits, four *before) {
    four tops = bits >> 63;
    four moved = __builtin_shufflevector(*before, tops, 3, 4, 5, 6);
    *before = tops;
    return bits << 1 | moved;
}

/* Bits behind a token, moved behind one space. A second space makes *strange. */
FOUR_INLINE four four_skip(four bits, four spaces, four *before, four *strange) {
    four moved = four_follow(bits & spaces, before);
    *strange |= moved & spaces;
    return (bits & ~spaces) | moved;
}

FOUR_INLINE bool four_any(four bits) {
    return !_mm256_testz_si256((__m256i)bits, (__m256i)bits);
}

/* Four blocks. */
struct grammar_blocks {
    four digits, zeros, points, minuses, commas, opens, closes, spaces;
};

/* Block j of the four. */
FOUR_INLINE void grammar_four_put(struct grammar_blocks *b, size_t j,
                                  const struct grammar_block *one) {
    b->digits[j] = one->digits;
    b->zeros[j] = one->zeros;
    b->points[j] = one->points;
    b->minuses[j] = one->minuses;
    b->commas[j] = one->commas;
    b->opens[j] = one->opens;
    b->closes[j] = one->closes;
    b->spaces[j] = one->spaces;
}

/* As grammar_numbers. */
FOUR_INLINE four four_numbers(struct grammar_four *g, const struct grammar_blocks *b,
                              four starts, four *first) {
    four digits = b->digits, zeros = b->zeros, points = b->points;
    four minuses = b->minuses;
    four behind_sign = four_follow(starts & minuses, &g->sign);
    four wrong = (starts & ~(digits | minuses)) | (behind_sign & ~digits);
    *first = behind_sign | (starts & digits);
    wrong |= four_follow(*first & zeros, &g->zero) & digits;
    wrong |= four_follow(points, &g->point) & ~digits;
    return wrong | (points & ~four_follow(digits, &g->digit));
}

/* The next 256 characters. @return false where they are not as usual: *g is then of no
 * use. *rows: where rows end. */
FOUR_INLINE bool grammar_four_step(struct grammar_four *g, const struct grammar_blocks *b,
                                   bool flat, four *marks, four *rows) {
    four commas = b->commas, opens = b->opens, closes = b->closes, spaces = b->spaces;
    four number = ~(commas | opens | closes | spaces);
    four before = four_follow(number, &g->number);
    four starts = number & ~before, ends = before & ~number, first;
    four wrong = four_numbers(g, b, starts, &first);

    bool spaced = four_any(spaces | g->spaces);
    four behind_number = ends, behind_close = four_follow(closes, &g->closes);
    if (spaced) {
        behind_number = four_skip(ends, spaces, &g->spaced_number, &wrong);
        behind_close = four_skip(behind_close, spaces, &g->spaced_close, &wrong);
    }
    four number_next = four_follow((commas & behind_number) | opens, &g->number_next);
    four open_next = four_follow(commas & behind_close, &g->open_next);
    if (spaced) {
        number_next = four_skip(number_next, spaces, &g->spaced_number_next, &wrong);
        open_next = four_skip(open_next, spaces, &g->spaced_open_next, &wrong);
    }
    g->spaces = spaces >> 63;
    wrong |= (starts ^ number_next) | (opens ^ open_next);
    wrong |= (closes & ~behind_number) | (commas & ~(behind_number | behind_close));
    wrong |= closes & (flat ? closes : behind_close); /* the end is not as usual */
    *marks = first | ends;
    *rows = closes;
    return !four_any(wrong);
}

/* To and from the state between single blocks. */
FOUR_INLINE struct grammar_four grammar_four_begin(const struct grammar *g) {
    return (struct grammar_four){
        .number = {0, 0, 0, g->number},
        .sign = {0, 0, 0, g->sign},
        .zero = {0, 0, 0, g->zero},
        .point = {0, 0, 0, g->point},
        .digit = {0, 0, 0, g->digit},
        .closes = {0, 0, 0, g->behind_close},
        .number_next = {0, 0, 0, g->number_next},
        .open_next = {0, 0, 0, g->open_next},
        .spaced_number = {0, 0, 0, g->behind_number},
        .spaces = {0, 0, 0, g->behind_number},
    };
}

FOUR_INLINE void grammar_four_end(const struct grammar_four *f, struct grammar *g) {
    g->number = f->number[3];
    g->sign = f->sign[3];
    g->zero = f->zero[3];
    g->point = f->point[3];
    g->digit = f->digit[3];
    g->behind_number = f->spaced_number[3];
    g->behind_close = f->closes[3] | f->spaced_close[3];
    g->number_next = f->number_next[3] | f->spaced_number_next[3];
    g->open_next = f->open_next[3] | f->spaced_open_next[3];
}

#endif
