#include "api/job_review.h"

#include <stdio.h>

static void warn(struct text *out, const char *column, const char *what) {
    char line[320];
    snprintf(line, sizeof line, "column \"%.100s\" %s", column, what);
    text_json_string(out, line);
}

/* Whole numbers from one on, as many as there are rows, and (as far as was counted) none
 * twice. In few rows that happens by chance. */
static bool counts_rows(const struct profile_column *c, uint64_t rows_n) {
    return c->type == PROFILE_NUMBER && c->whole && !c->missing && rows_n > 20 &&
           c->max - c->min + 1 == (double)rows_n && (c->many || c->values_n == rows_n);
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
    return NULL;
}

/* The same values as often: one name for another. */
static bool repeats(const struct profile_column *c, const struct profile_column *target) {
    bool same = !target->many && !c->many && target->values_n > 1 &&
                c->values_n == target->values_n && c->missing == target->missing;
    for (size_t v = 0; same && v < c->values_n; v++)
        same = c->values[v].count == target->values[v].count;
    return same;
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
        if (repeats(c, target))
            warn(&out, c->name,
                 continued ? "seems to repeat the target: init_from takes it all the same"
                           : "seems to repeat the target: exclude it unless it is known "
                             "when predicting");
    }
    if (out.n > empty) {
        text_close(&out, ']');
        t->warnings = text_take(&out);
    }
    text_free(&out);
    return features ||
           err_set(e, ERR_INVALID, "/features", "no column is left to learn from");
}
