/* The grammar of rows of numbers, for 64 characters at a time: one bit a character, the
 * first in bit 0. Private to the scanners of rows.
 *
 * Whatever is no separator is taken for a number here, and a number's digits, points and
 * first sign are checked; what else it is made of is for its reader to refuse. Pure. */
#ifndef API_ROWS_GRAMMAR_H
#define API_ROWS_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the characters of a kind are. */
struct grammar_block {
    uint64_t digits, zeros, points, minuses;
    uint64_t commas, opens, closes; /* , [ ] */
    uint64_t spaces;
};

/* What one block leaves for the next to know, mostly in bit 0. */
struct grammar {
    bool flat;
    /* Of the last character: it is of a number, a sign, a leading zero, a point, ... */
    uint64_t number, sign, zero, point, digit;
    /* Of the last character that is no space. */
    uint64_t behind_number, behind_close, number_next, open_next;
    size_t rows_n;    /* that have ended */
    size_t columns_n; /* 0: the first row has not ended */
    size_t marks_n;   /* of all blocks */
};

/* What a block says. */
struct grammar_found {
    bool wrong; /* this is not an array of arrays of numbers */
    bool ended;
    int end;        /* the place of its last bracket, where it ended */
    uint64_t marks; /* where numbers begin, their sign apart, and behind their end */
};

/* Each bit moved to the next character. */
static inline uint64_t grammar_follow(uint64_t bits, uint64_t *carry) {
    uint64_t next = bits << 1 | *carry;
    *carry = bits >> 63;
    return next;
}

/* Bits behind a token, moved behind the spaces that follow it: added to a run of ones, a
 * one at its beginning comes out behind its end. */
static inline uint64_t grammar_skip(uint64_t bits, uint64_t spaces, uint64_t *carry) {
    uint64_t sum;
    *carry |= __builtin_add_overflow(spaces, bits & spaces, &sum);
    return (sum | bits) & ~spaces;
}

/* A point or a zero that leads where RFC 8259 has none; *first: the first digits. */
static inline uint64_t grammar_numbers(struct grammar *g, const struct grammar_block *b,
                                       uint64_t starts, uint64_t *first) {
    uint64_t behind_sign = grammar_follow(starts & b->minuses, &g->sign);
    uint64_t wrong = (starts & ~(b->digits | b->minuses)) | (behind_sign & ~b->digits);
    *first = behind_sign | (starts & b->digits);
    wrong |= grammar_follow(*first & b->zeros, &g->zero) & b->digits;
    wrong |= grammar_follow(b->points, &g->point) & ~b->digits;
    return wrong | (b->points & ~grammar_follow(b->digits, &g->digit));
}

/* The next 64 characters. It begins before the first row's bracket with open_next set
 * (flat: behind the bracket with number_next set). */
static inline struct grammar_found grammar_step(struct grammar *g,
                                                const struct grammar_block *b) {
    uint64_t spaces = b->spaces;
    uint64_t number = ~(b->commas | b->opens | b->closes | spaces);
    uint64_t before = grammar_follow(number, &g->number);
    uint64_t starts = number & ~before, ends = before & ~number, first;
    uint64_t wrong = grammar_numbers(g, b, starts, &first);

    uint64_t behind_number = ends | g->behind_number;
    uint64_t behind_close = grammar_follow(b->closes, &g->behind_close);
    g->behind_number = 0;
    if (spaces) {
        behind_number = grammar_skip(behind_number, spaces, &g->behind_number);
        behind_close = grammar_skip(behind_close, spaces, &g->behind_close);
    }
    uint64_t number_next =
        grammar_follow((b->commas & behind_number) | b->opens, &g->number_next);
    uint64_t open_next = grammar_follow(b->commas & behind_close, &g->open_next);
    if (spaces) {
        number_next = grammar_skip(number_next, spaces, &g->number_next);
        open_next = grammar_skip(open_next, spaces, &g->open_next);
    }
    uint64_t end = g->flat ? b->closes : b->closes & behind_close;
    end &= -end; /* the first; behind it nothing counts */
    uint64_t rows = b->closes & (end - 1), all = end | (end - 1);
    wrong |= (starts ^ number_next) | (b->opens ^ open_next);
    wrong |= (g->flat ? b->closes : rows) & ~behind_number;
    wrong |= b->commas & ~(behind_number | behind_close);
    struct grammar_found found = {
        .wrong = (wrong & all) != 0,
        .ended = end != 0,
        .end = end ? __builtin_ctzll(end) : 0,
        .marks = (first | ends) & all,
    };
    if (g->columns_n == 0 && rows) {
        uint64_t row = rows & -rows;
        uint64_t marks = found.marks & (row | (row - 1));
        g->columns_n = (g->marks_n + (size_t)__builtin_popcountll(marks)) / 2;
    }
    g->rows_n += (size_t)__builtin_popcountll(rows);
    g->marks_n += (size_t)__builtin_popcountll(found.marks);
    return found;
}

#endif
