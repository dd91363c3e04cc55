#include "api/job_review.h"

#include <stdio.h>
#include <string.h>

#include "api/reader.h"
#include "api/utf8.h"

static void warn(struct text *out, const char *column, const char *what) {
    char line[360];
    snprintf(line, sizeof line, "column \"%.100s\" %s", column, what);
    text_json_string(out, line);
}

/* Whole numbers, and (as far as was counted) none twice. */
static bool differs(const struct profile_column *c, uint64_t rows_n) {
    return c->type == PROFILE_NUMBER && c->whole && !c->missing &&
           (c->many || c->values_n == rows_n);
}

/* From one on, as many as there are rows. In few rows that happens by chance. */
static bool counts_rows(const struct profile_column *c, uint64_t rows_n) {
    return rows_n > 20 && differs(c, rows_n) && c->max - c->min + 1 == (double)rows_n;
}

/* As the index that pandas writes before the columns, of all of a table's rows or some.
 */
static bool is_index(const struct profile_column *c, uint64_t rows_n) {
    size_t n = strlen(READER_NAMELESS);
    return strncmp(c->name, READER_NAMELESS, n) == 0 && differs(c, rows_n);
}

/* Why nothing can be learnt from a column; NULL: something can. */
static const char *useless(const struct profile_column *c, uint64_t rows_n) {
    uint64_t there = rows_n - c->missing;
    if (there == 0)
        return "is empty";
    if (c->type == PROFILE_CATEGORY && c->many)
        return PROFILE_MANY_TEXTS;
    if (!c->many && c->values_n == 1 && !c->missing)
        return "is constant";
    if (c->type == PROFILE_CATEGORY && c->values_n == there && there > 20)
        return "is different in every row, like an id";
    if (is_index(c, rows_n))
        return "has no name and is different in every row, like an index";
    return NULL;
}

/* The same values as often, in the order that they came: one name for another. Where all
 * come once that says nothing, unless they are the very same. */
static bool repeats(const struct profile_column *c, const struct profile_column *target,
                    uint64_t rows_n) {
    bool same = !target->many && !c->many && target->values_n > 1 &&
                c->values_n == target->values_n && c->missing == target->missing;
    bool often = c->values_n < rows_n - c->missing;
    for (size_t v = 0; same && v < c->values_n; v++)
        same = c->values[v].count == target->values[v].count &&
               (often || strcmp(c->values[v].text, target->values[v].text) == 0);
    return same;
}

/* Whether what comes more than once of a separator stands before three digits each time:
 * dates, versions and addresses do not. */
static bool groups_digits(const char *text, char separator) {
    const char *first = strchr(text, separator);
    if (!first || !strchr(first + 1, separator))
        return true;
    for (const char *at = first; at; at = strchr(at + 1, separator))
        if (strspn(at + 1, "0123456789") != 3)
            return false;
    return true;
}

/* A number as people write it: a sign, digits with points, commas, spaces and apostrophes
 * among them, signs of currencies and of percent around. */
static bool looks_numeric(const char *text) {
    size_t digits_n = 0;
    if (!groups_digits(text, '.') || !groups_digits(text, ','))
        return false;
    text += strspn(text, " +-");
    for (; *text; text++) {
        bool digit = *text >= '0' && *text <= '9';
        digits_n += digit;
        if (!digit && !strchr(" .,'%$\xe2\x82\xac\xc2\xa3\xa5\xa0", *text))
            return false;
    }
    return digits_n;
}

/* One of a category's texts that look like numbers, where most of many do, or all of a
 * few; or NULL. */
static const char *numeric_text(const struct profile_column *c) {
    enum { FEW = 3, MANY = 10 };
    const char *found = NULL;
    size_t n = 0;
    for (size_t v = 0; c->type == PROFILE_CATEGORY && v < c->values_n; v++) {
        if (!looks_numeric(c->values[v].text))
            continue;
        found = found ? found : c->values[v].text;
        n++;
    }
    bool all = c->values_n > FEW && n == c->values_n;
    return all || (c->values_n > MANY && n > c->values_n / 2) ? found : NULL;
}

static void numeric_warn(const struct profile_column *c, struct text *out) {
    const char *text = numeric_text(c);
    char line[224];
    if (!text)
        return;
    snprintf(line, sizeof line,
             "holds texts that look like numbers, as \"%.*s\": each is a category of its "
             "own here. Numbers are written as 1234.5, in JSON without quotes",
             (int)utf8_cut(text, strlen(text), 32), text);
    warn(out, c->name, line);
}

/* One input a text would make them many; inline rows keep all their columns. */
static bool texts_check(const struct profile *p, const struct job_table *t,
                        struct err *e) {
    for (size_t i = 0; !t->dataset[0] && i < t->columns_n; i++)
        if (t->columns[i].use == COLUMN_FEATURE && p->columns[i].many &&
            t->columns[i].kind == ENCODER_CATEGORY)
            return err_set(e, ERR_INVALID, "/features",
                           "column \"%.60s\" " PROFILE_MANY_TEXTS
                           ", to learn from: leave it out",
                           p->columns[i].name);
    return true;
}

bool job_review(const struct profile *p, const struct profile_column *target,
                bool continued, struct job_table *t, struct err *e) {
    struct text out = {0};
    if (!continued && !texts_check(p, t, e))
        return false;
    bool kept = continued || !t->dataset[0];
    const char *done = continued ? "kept, as init_from takes it"
                       : kept    ? "kept, as inline rows have it"
                                 : "left out";
    size_t features = 0;
    text_open(&out, '[');
    size_t empty = out.n;
    for (size_t i = 0; i < t->columns_n; i++) {
        const struct profile_column *c = &p->columns[i];
        if (t->columns[i].use != COLUMN_FEATURE)
            continue;
        const char *why = useless(c, p->rows_n);
        char line[96];
        if (why) {
            snprintf(line, sizeof line, "%s: %s", why, done);
            warn(&out, c->name, line);
        } else if (counts_rows(c, p->rows_n)) {
            warn(&out, c->name, "counts the rows, like an id");
        }
        if (why && !kept) {
            t->columns[i].use = COLUMN_UNUSED;
            continue;
        }
        features++;
        numeric_warn(c, &out);
        if (repeats(c, target, p->rows_n))
            warn(&out, c->name,
                 continued ? "seems to repeat the target: init_from takes it all the same"
                           : "seems to repeat the target: exclude it unless it is known "
                             "when predicting");
    }
    numeric_warn(target, &out);
    if (out.n > empty) {
        text_close(&out, ']');
        t->warnings = text_take(&out);
    }
    text_free(&out);
    return features ||
           err_set(e, ERR_INVALID, "/features", "no column is left to learn from");
}
