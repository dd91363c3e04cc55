/* The wide scanner against the strict one: the same bits, on the same texts. */
#include "api/rows_wide.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/rows_private.h"
#include "tests/random.h"
#include "tests/unit/check.h"

enum { TEXT_MAX = 1 << 16 };

/* Those that this machine has. */
static const struct wide *kernels[2];
static size_t kernels_n;

static bool rows_same(const struct rows *a, const struct rows *b) {
    return a->rows_n == b->rows_n && a->columns_n == b->columns_n &&
           memcmp(a->values, b->values, a->rows_n * a->columns_n * sizeof *a->values) ==
               0;
}

/* One text through all. What is behind it and before it faults under a sanitizer. */
static bool same(const char *text, size_t n, struct rows_form form, bool *accepted) {
    char *block = malloc(n ? n : 1);
    if (!block)
        abort();
    memcpy(block, text, n);
    struct cursor c = {block, block, block + n};
    struct rows strict = {0};
    struct err e = {0};
    bool want = rows_scan_strictly(&c, form, "/x", &strict, &e), ok = true;
    for (size_t i = 0; i < kernels_n && ok; i++) {
        struct cursor d = {block, block, block + n};
        struct rows wide = {0};
        bool got = wide_scan(kernels[i], &d, form, &wide);
        ok = got == want && (!got || (c.at == d.at && rows_same(&strict, &wide))) &&
             (got || d.at == block);
        rows_free(&wide);
    }
    *accepted = want;
    rows_free(&strict);
    free(block);
    return CHECK_SAY(ok, "%s: strict %d (%s: %s): %.*s", form.flat ? "flat" : "", want,
                     e.where, e.text, (int)(n < 2000 ? n : 2000), text);
}

static bool same_always(const char *text, struct rows_form form, bool want) {
    bool accepted;
    return same(text, strlen(text), form, &accepted) &&
           CHECK_SAY(accepted == want, "%s", text);
}

/* ---- texts ---------------------------------------------------------------------- */

/* How a text is written. */
struct style {
    int digits_before, digits_behind; /* at most */
    bool signs, exponents;
    const char *spaces; /* one of these here and there, or "" */
    size_t spaces_max;
};

static size_t digits_put(char *to, size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] = (char)('0' + random_below(10));
    return n;
}

static size_t number_put(const struct style *s, char *to) {
    size_t n = 0;
    if (s->signs && random_below(2))
        to[n++] = '-';
    size_t before = random_below((size_t)s->digits_before + 1);
    if (before == 0)
        to[n++] = '0';
    else
        n += digits_put(to + n, before);
    if (before > 1 && to[n - before] == '0')
        to[n - before] = '1';
    size_t behind = random_below((size_t)s->digits_behind + 1);
    if (behind > 0) {
        to[n++] = '.';
        n += digits_put(to + n, behind);
    }
    if (s->exponents && random_below(8) == 0)
        n += (size_t)sprintf(to + n, "%c%s%d", random_below(2) ? 'e' : 'E',
                             random_below(2) ? "-" : "+", (int)random_below(12));
    return n;
}

static size_t spaces_put(const struct style *s, char *to) {
    size_t n = 0, kinds = strlen(s->spaces);
    for (size_t i = random_below(s->spaces_max + 1); i > 0; i--)
        to[n++] = s->spaces[random_below(kinds)];
    return n;
}

static size_t row_put(const struct style *s, size_t columns_n, char *to) {
    size_t n = 0;
    for (size_t i = 0; i < columns_n; i++) {
        to[n++] = i ? ',' : '[';
        n += spaces_put(s, to + n);
        n += number_put(s, to + n);
        n += spaces_put(s, to + n);
    }
    to[n++] = ']';
    return n;
}

static size_t rows_put(const struct style *s, size_t rows_n, size_t columns_n, char *to) {
    size_t n = 0;
    for (size_t i = 0; i < rows_n; i++) {
        to[n++] = i ? ',' : '[';
        n += spaces_put(s, to + n);
        n += row_put(s, columns_n, to + n);
        n += spaces_put(s, to + n);
    }
    to[n++] = ']';
    return n;
}

static const struct style styles[] = {
    {1, 6, false, false, "", 0},         {1, 17, false, false, "", 0},
    {3, 0, false, false, "", 0},         {3, 3, true, false, "", 0},
    {12, 12, true, true, "", 0},         {20, 25, true, true, "", 0},
    {1, 1, false, false, " ", 1},        {2, 8, true, true, " \n", 3},
    {1, 8, true, false, "\n\t\r ", 40},  {40, 40, true, true, " ", 1},
    {1, 16, true, false, " \t\r\n", 200}};
enum { STYLES_N = sizeof styles / sizeof *styles };

/* ---- tests ---------------------------------------------------------------------- */

static void test_texts(void) {
    static char text[TEXT_MAX];
    for (int i = 0; i < 6000; i++) {
        const struct style *s = &styles[i % STYLES_N];
        size_t columns_n = 1 + random_below(i % 3 ? 6 : 40);
        size_t rows_n = 1 + random_below(i % 5 ? 6 : 40), at = random_below(70);
        if (s->spaces_max > 20)
            rows_n = 1;
        struct rows_form form = {.flat = i % 4 == 0, .columns_n = i % 2 ? columns_n : 0};
        bool accepted;
        memset(text, ' ', at);
        size_t n = at + (form.flat ? row_put(s, columns_n, text + at)
                                   : rows_put(s, rows_n, columns_n, text + at));
        n += (size_t)sprintf(text + n, "%s", i % 7 ? "" : ",\"x\":[1,2]}");
        /* Numbers of 40 digits may leave float32: both then say no. */
        if (!same(text, n, form, &accepted) || !CHECK(accepted || s->digits_before > 30))
            return;
    }
}

/* Longer than what is indexed at once, and ragged at either end. */
static void test_long(void) {
    char *text = malloc(1 << 22);
    if (!text)
        abort();
    for (int i = 0; i < 60; i++) {
        const struct style *s = &styles[i % 8];
        size_t columns_n = 1 + random_below(i % 2 ? 3000 : 17);
        size_t rows_n = 1 + random_below(30000 / columns_n);
        bool accepted;
        size_t n = rows_put(s, rows_n, columns_n, text);
        if (!same(text, n, (struct rows_form){0}, &accepted) || !CHECK(accepted))
            break;
        /* One row longer, or shorter, by a number. */
        size_t m = n - 1;
        text[m++] = ',';
        m += row_put(s, columns_n + 1, text + m);
        text[m++] = ']';
        if (!same(text, m, (struct rows_form){0}, &accepted) || !CHECK(!accepted))
            break;
    }
    free(text);
}

/* A few bytes changed: whatever it is then, both see the same. */
static void test_mutations(void) {
    static const char bytes[] = "[[]],,..--++eE0019 \n\"{}:x\x01\xe9";
    static char text[TEXT_MAX];
    int accepted_n = 0, refused_n = 0;
    for (int i = 0; i < 60000; i++) {
        const struct style *s = &styles[i % 8];
        struct rows_form form = {.flat = i % 5 == 0};
        size_t columns_n = 1 + random_below(5);
        size_t n = form.flat ? row_put(s, columns_n * 4, text)
                             : rows_put(s, 1 + random_below(5), columns_n, text);
        n = random_edit(text, n, bytes, sizeof bytes - 1);
        bool accepted;
        if (!same(text, n, form, &accepted))
            return;
        accepted_n += accepted;
        refused_n += !accepted;
    }
    CHECK_SAY(accepted_n > 3000 && refused_n > 3000, "%d accepted, %d refused",
              accepted_n, refused_n);
}

/* Each refusal of the grammar, at every place in a block of 64. */
static void test_places(void) {
    static const char *const wrong[] = {
        "01",  "-",     "-.5", ".5",  "1.",  "1.e1",  "1..2",  "+1",
        "1e",  "--1",   "1-2", "",    "1 2", "x",     "\"1\"", "null",
        "[1]", "1e5e5", "-01", "00",  "1]",  "[",     "1,",    ",",
        "{}",  "1\x01", "\v1", "1:2", "0x1", "1.2.3", "-0.",   "NaN"};
    static const char *const right[] = {"0",    "-0",   "0.5",   "-0.5", "1e5",
                                        "1E-5", "10",   "100.5", " 1 ",  "\n-1\t",
                                        "\r0",  "1.50", "0e0",   "0.0"};
    struct rows_form nested = {0}, flat = {.flat = true};
    char text[512];
    for (size_t at = 0; at < 70; at++) {
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            snprintf(text, sizeof text, "[[%*s5,%s,7],[5,6,7]]", (int)at, "", wrong[i]);
            same_always(text, nested, false);
            snprintf(text, sizeof text, "[%*s5,%s,7]", (int)at, "", wrong[i]);
            bool closes = strcmp(wrong[i], "1]") == 0; /* the rest is another's */
            same_always(text, flat, closes);
            snprintf(text, sizeof text, "[[5,6]%*s,[5,%s]]", (int)at, "", wrong[i]);
            same_always(text, nested, closes);
        }
        for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
            snprintf(text, sizeof text, "[[%*s5,%s,7],[5,6,7]]", (int)at, "", right[i]);
            same_always(text, nested, true);
            snprintf(text, sizeof text, "[%*s5,%s,7]", (int)at, "", right[i]);
            same_always(text, flat, true);
        }
    }
}

static void test_prefixes(void) {
    static char text[TEXT_MAX];
    for (size_t s = 0; s < 8; s++) {
        bool accepted;
        size_t n = rows_put(&styles[s], 4, 8, text);
        for (size_t i = 0; i < n; i++)
            if (!same(text, i, (struct rows_form){0}, &accepted) || !CHECK(!accepted))
                return;
        n = row_put(&styles[s], 30, text);
        for (size_t i = 0; i < n; i++)
            if (!same(text, i, (struct rows_form){.flat = true}, &accepted) ||
                !CHECK(!accepted))
                return;
    }
}

/* What is chosen is one of them, where there is any. */
static void test_choice(void) {
    const struct wide *chosen = wide_choose();
    CHECK(kernels_n ? chosen == kernels[0] || chosen == kernels[1] : !chosen);
    struct cursor c = {"[[1]]", "[[1]]", "[[1]]"};
    struct rows rows = {0};
    c.end = c.at + 5;
    CHECK(rows_scan_widely(&c, (struct rows_form){0}, &rows) == (kernels_n > 0));
    rows_free(&rows);
}

int main(void) {
    const struct wide *all[] = {wide_avx2(), wide_avx512()};
    for (size_t i = 0; i < 2; i++)
        if (all[i])
            kernels[kernels_n++] = all[i];
    printf("kernels: %s%s%s\n", all[0] ? "avx2 " : "", all[1] ? "avx512" : "",
           kernels_n ? "" : "none");
    CHECK_RUN(test_choice);
    CHECK_RUN(test_places);
    CHECK_RUN(test_texts);
    CHECK_RUN(test_mutations);
    CHECK_RUN(test_prefixes);
    CHECK_RUN(test_long);
    return check_done();
}
