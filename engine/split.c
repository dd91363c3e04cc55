#include "engine/split.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "engine/memory.h"
#include "engine/rng.h"

/* A class of the table; without classes, the whole table is one. */
struct share {
    size_t rows_n;
    size_t validation_n; /* rows that go to validation: first planned, then still to go */
    double remainder;    /* what rounding down took from its share */
    size_t number;       /* of the class */
};

static size_t class_of(const struct split_options *o, size_t row) {
    if (!o->classes)
        return 0;
    assert(o->classes[row] >= 0 && (size_t)o->classes[row] < o->classes_n);
    return (size_t)o->classes[row];
}

/* Largest remainder first; of equals, the first class. */
static int remainders_compare(const void *a, const void *b) {
    const struct share *left = a, *right = b;
    if (left->remainder != right->remainder)
        return left->remainder > right->remainder ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int numbers_compare(const void *a, const void *b) {
    const struct share *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* Plans the shares' validation_n by largest remainders. A product with a fraction below 1
 * is not rounded up to the number of rows, so rounding down always leaves a row for
 * training. */
static void shares_plan(const struct split_options *o, struct share *shares, size_t k) {
    size_t wanted = (size_t)round((double)o->m * o->fraction), planned = 0;
    wanted = wanted ? wanted : 1;
    for (size_t c = 0; c < k; c++) {
        struct share *share = &shares[c];
        double exact = (double)share->rows_n * o->fraction;
        share->validation_n = (size_t)exact;
        share->remainder = exact - floor(exact);
        planned += share->validation_n;
    }
    qsort(shares, k, sizeof *shares, remainders_compare);
    for (size_t c = 0; c < k && planned < wanted; c++)
        if (shares[c].remainder > 0 && shares[c].validation_n + 1 < shares[c].rows_n) {
            shares[c].validation_n++;
            planned++;
        }
    qsort(shares, k, sizeof *shares, numbers_compare);
}

/* Cuts by lot: the first rows of a permutation that their class still has room for. */
static void rows_draw(const struct split_options *o, struct share *shares,
                      uint32_t *order, unsigned char *drawn) {
    rng_permutation(o->seed, RNG_STREAM_SPLIT, order, o->m);
    for (size_t i = 0; i < o->m; i++) {
        struct share *share = &shares[class_of(o, order[i])];
        if (share->validation_n) {
            share->validation_n--;
            drawn[order[i]] = 1;
        }
    }
}

bool split_check(size_t rows_n, bool stratified, struct err *e) {
    return rows_n >= 2 ||
           err_set(e, ERR_RANGE, NULL,
                   stratified ? "no class has the two rows that a split into training "
                                "and validation takes"
                              : "a split into training and validation takes two rows or "
                                "more");
}

static bool options_check(const struct split_options *o, struct err *e) {
    if (!(o->fraction > 0 && o->fraction < 1))
        return err_set(e, ERR_RANGE, NULL,
                       "expected a fraction between 0 and 1 for validation, got %g",
                       o->fraction);
    if (o->m > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "%zu rows are more than %u", o->m,
                       UINT32_MAX);
    return split_check(o->m, false, e);
}

bool split_rows(const struct split_options *options, uint32_t *training,
                size_t *training_n, uint32_t *validation, size_t *validation_n,
                struct err *e) {
    const struct split_options *o = options;
    if (!options_check(o, e))
        return false;
    size_t k = o->classes ? o->classes_n : 1, most = 0;
    struct share *shares = memory_new(k, sizeof *shares);
    unsigned char *drawn = memory_new(o->m, sizeof *drawn);
    bool ok = shares && drawn;
    if (!ok) {
        err_set(e, ERR_NO_MEMORY, NULL, "out of memory for a split of %zu rows", o->m);
        goto out;
    }
    for (size_t c = 0; c < k; c++)
        shares[c].number = c;
    for (size_t i = 0; i < o->m; i++)
        shares[class_of(o, i)].rows_n++;
    for (size_t c = 0; c < k; c++)
        most = shares[c].rows_n > most ? shares[c].rows_n : most;
    ok = split_check(most, true, e);
    if (!ok)
        goto out;
    shares_plan(o, shares, k);
    rows_draw(o, shares, training, drawn);
    *training_n = *validation_n = 0;
    for (size_t i = 0; i < o->m; i++)
        if (drawn[i])
            validation[(*validation_n)++] = (uint32_t)i;
        else
            training[(*training_n)++] = (uint32_t)i;
out:
    free(shares);
    free(drawn);
    return ok;
}
