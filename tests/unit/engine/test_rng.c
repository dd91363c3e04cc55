#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rng.h"
#include "tests/unit/check.h"

/* The known answers of the authors' distribution (kat_vectors, philox4x32 10). */
static void known_answers(void) {
    static const struct {
        uint64_t seed, stream, index;
        uint32_t want[4];
    } answers[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         UINT64_MAX,
         UINT64_MAX,
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822,
         0x0370734413198a2e,
         0x85a308d3243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        uint32_t got[4];
        rng_block(answers[i].seed, answers[i].stream, answers[i].index, got);
        CHECK_SAY(memcmp(got, answers[i].want, sizeof got) == 0,
                  "answer %zu: %08x %08x %08x %08x", i, got[0], got[1], got[2], got[3]);
    }
}

/* Each of vector code as rng_block gives it, also where the index leaves 32 bits. */
static void blocks_are_their_block(void) {
    enum { BLOCKS_N = 1000 };
    static uint32_t got[4 * BLOCKS_N];
    const uint64_t seed = 0x123456789abcdef, stream = 0xfedcba987654321,
                   index = 0xffffff00;
    for (size_t n = 0; n <= BLOCKS_N; n = n < 40 ? n + 1 : n + 320) {
        got[4 * n % (4 * BLOCKS_N)] = 7;
        rng_blocks(seed, stream, index, n, got);
        for (size_t i = 0; i < n; i++) {
            uint32_t want[4];
            rng_block(seed, stream, index + i, want);
            CHECK_SAY(memcmp(got + 4 * i, want, sizeof want) == 0, "%zu of %zu", i, n);
        }
        CHECK(n == BLOCKS_N || got[4 * n] == 7);
    }
}

enum { DRAWS_N = 200001 };
static float draws[DRAWS_N];

struct moments {
    double mean, variance, skew, kurtosis, min, max;
};

static struct moments moments_of(const float *x, size_t n) {
    struct moments m = {.min = INFINITY, .max = -INFINITY};
    for (size_t i = 0; i < n; i++) {
        m.mean += (double)x[i] / (double)n;
        m.min = fmin(m.min, (double)x[i]);
        m.max = fmax(m.max, (double)x[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - m.mean;
        m.variance += d * d / (double)n;
        m.skew += d * d * d / (double)n;
        m.kurtosis += d * d * d * d / (double)n;
    }
    return m;
}

static void uniform_moments(void) {
    rng_uniform(11, 3, draws, DRAWS_N);
    struct moments m = moments_of(draws, DRAWS_N);
    CHECK_NEAR(m.mean, 0.5, 0.003);
    CHECK_NEAR(m.variance * 12, 1, 0.01);
    CHECK(m.min >= 0 && m.min < 1e-4);
    CHECK(m.max < 1 && m.max > 1 - 1e-4);
}

static void normal_moments(void) {
    rng_normal(11, 3, draws, DRAWS_N);
    struct moments m = moments_of(draws, DRAWS_N);
    CHECK_NEAR(m.mean, 0, 0.01);
    CHECK_NEAR(m.variance, 1, 0.015);
    CHECK_NEAR(m.skew, 0, 0.03);
    CHECK_NEAR(m.kurtosis, 3, 0.03);
    CHECK(m.max > 4 && m.max < 7 && m.min < -4 && m.min > -7);
}

static void draws_depend_on_seed_and_stream_alone(void) {
    float a[7], b[5], other[5];
    rng_normal(1, 2, a, 7);
    rng_normal(1, 2, b, 5);
    CHECK(memcmp(a, b, sizeof b) == 0);
    rng_normal(1, 3, other, 5);
    CHECK(memcmp(other, b, sizeof b) != 0);
    rng_normal(2, 2, other, 5);
    CHECK(memcmp(other, b, sizeof b) != 0);
}

static void a_permutation_holds_each_once(void) {
    for (size_t n = 0; n < 200; n++) {
        uint32_t order[200];
        unsigned char seen[200] = {0};
        rng_permutation(5, n, order, n);
        for (size_t i = 0; i < n; i++)
            if (CHECK(order[i] < n))
                seen[order[i]]++;
        for (size_t i = 0; i < n; i++)
            CHECK(seen[i] == 1);
    }
}

/* Each of the 24 orders of 4 comes up as often as the others: chi-square with 23 degrees
 * of freedom is under 50 but once in a thousand. */
static void permutations_are_fair(void) {
    enum { TRIES_N = 24000 };
    int counts[256] = {0};
    for (uint64_t i = 0; i < TRIES_N; i++) {
        uint32_t p[4];
        rng_permutation(9, i, p, 4);
        counts[p[0] << 6 | p[1] << 4 | p[2] << 2 | p[3]]++;
    }
    double chi = 0;
    int orders = 0;
    for (int i = 0; i < 256; i++)
        if (counts[i]) {
            double off = counts[i] - TRIES_N / 24.0;
            chi += off * off / (TRIES_N / 24.0);
            orders++;
        }
    CHECK(orders == 24);
    CHECK_SAY(chi < 50, "chi-square %g", chi);
}

int main(void) {
    CHECK_RUN(known_answers);
    CHECK_RUN(blocks_are_their_block);
    CHECK_RUN(uniform_moments);
    CHECK_RUN(normal_moments);
    CHECK_RUN(draws_depend_on_seed_and_stream_alone);
    CHECK_RUN(a_permutation_holds_each_once);
    CHECK_RUN(permutations_are_fair);
    return check_done();
}
