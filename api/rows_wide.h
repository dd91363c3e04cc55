/* The two halves of scanning rows many characters at a time, as one kind of processor
 * does them. Private to the scanners of rows; pure, any thread. */
#ifndef API_ROWS_WIDE_H
#define API_ROWS_WIDE_H

#include "api/rows_grammar.h"
#include "api/rows_private.h"

enum {
    WIDE_BLOCK = 64,        /* characters: those of a grammar_block */
    WIDE_BLOCKS_MAX = 32,   /* of one call of index */
    WIDE_MARKS_SPARE = 32,  /* may be written behind the last mark */
    WIDE_NUMBERS_SPARE = 3, /* and behind the last number */
    WIDE_MARKS_MAX = WIDE_BLOCK * WIDE_BLOCKS_MAX + WIDE_MARKS_SPARE,
};

/* What index leaves. */
struct wide_index {
    size_t marks_n;
    bool wrong, ended;
    uint32_t end; /* the place of the last bracket, where it ended */
};

struct wide {
    /* Marks where the numbers of text[0..blocks_n * WIDE_BLOCK) begin and end, by turns,
     * as distances from what is `at` before the text. A number may end in the next
     * call. */
    struct wide_index (*index)(const char *text, size_t blocks_n, uint32_t at,
                               struct grammar *g, uint32_t *marks);

    /* Reads `n` numbers of `base`, marked two by two; behind the last, marks of four more
     * are there to read. From `start` on the text may be read. @return false when one is
     * none, or is outside float32. */
    bool (*read)(const char *base, const char *start, const uint32_t *marks, size_t n,
                 float *values);
};

/* The one to scan with; NULL: this machine has none. AVX-512 before AVX2: a fifth to a
 * quarter faster on a Zen 5. */
const struct wide *wide_choose(void);

/* rows_scan_widely (rows_private.h) by this one. */
bool wide_scan(const struct wide *wide, struct cursor *c, struct rows_form form,
               struct rows *rows) __attribute__((warn_unused_result));

/* Each is NULL where this machine lacks it. */
const struct wide *wide_avx2(void);
const struct wide *wide_avx512(void);

/* Numbers of up to 31 characters may be read in float64, with a relative error of less
 * than 8 * 2^-53: a sum of up to four groups of eight digits, each rounded where it is
 * scaled, times a power of ten that is rounded. So the 29 bits that float32 has no place
 * for say how it rounds, unless they are within 16 units of one half. */
enum { WIDE_CHARACTERS_MAX = 31, WIDE_UNDECIDED = 16 };
extern const double wide_tenths[WIDE_CHARACTERS_MAX + 1]; /* 10^-i; aligned to 64 */

/* The number between two marks, by itself. */
bool wide_read_one(const char *base, const uint32_t *marks, float *value);

#endif
