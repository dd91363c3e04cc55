#include "engine/encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cell.h"
#include "engine/memory.h"
#include "engine/net.h"

/* A text that is looked up; it ends with no NUL. */
struct key {
    const char *text;
    size_t n;
};

/* By bytes; of two with one beginning, the shorter first: strcmp's order. */
static int key_compare(const struct key *key, const char *name) {
    size_t name_n = strlen(name), common = key->n < name_n ? key->n : name_n;
    int order = common ? memcmp(key->text, name, common) : 0;
    return order ? order : (key->n > name_n) - (key->n < name_n);
}

static int key_compare_column(const void *key, const void *element) {
    const struct encoder_column *const *column = element;
    return key_compare(key, (*column)->name);
}

static int key_compare_text(const void *key, const void *element) {
    char *const *text = element;
    return key_compare(key, *text);
}

/* The place of a text among n sorted ones; n when it is none of them. */
static size_t text_find(char *const *texts, size_t n, const struct key *key) {
    char *const *found =
        n ? bsearch(key, texts, n, sizeof *texts, key_compare_text) : NULL;
    return found ? (size_t)(found - texts) : n;
}

static int columns_compare(const void *a, const void *b) {
    const struct encoder_column *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int names_compare(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static bool names_sort(struct encoder *enc, struct err *e) {
    free(enc->by_name);
    enc->by_name = memory_new(enc->columns_n, sizeof *enc->by_name);
    if (!enc->by_name)
        return err_set(e, ERR_NO_MEMORY, NULL, "out of memory for %zu columns",
                       enc->columns_n);
    for (size_t c = 0; c < enc->columns_n; c++)
        enc->by_name[c] = &enc->columns[c];
    qsort(enc->by_name, enc->columns_n, sizeof *enc->by_name, columns_compare);
    return true;
}

bool encoder_layout(struct encoder *enc, struct err *e) {
    size_t at = 0;
    for (size_t c = 0; c < enc->columns_n; c++) {
        struct encoder_column *column = &enc->columns[c];
        bool category = column->kind == ENCODER_CATEGORY;
        column->input_at = at;
        if (!size_add(category ? column->categories_n : 1,
                      category && column->missing_category, &column->inputs_n) ||
            !size_add(at, column->inputs_n, &at) || at > NET_UNITS_MAX)
            return err_set(e, ERR_TOO_LARGE, NULL,
                           "column \"%.*s\" brings the inputs to more than %d",
                           cell_quote_bytes(column->name, strlen(column->name)),
                           column->name, NET_UNITS_MAX);
    }
    enc->inputs_n = at;
    return names_sort(enc, e);
}

size_t encoder_find(const struct encoder *enc, const char *name, size_t name_n) {
    struct key key = {name, name_n};
    const struct encoder_column **found = bsearch(
        &key, enc->by_name, enc->columns_n, sizeof *enc->by_name, key_compare_column);
    return found ? (size_t)(*found - enc->columns) : enc->columns_n;
}

static void unused_free(struct encoder *enc) {
    for (size_t i = 0; enc->unused && i < enc->unused_n; i++)
        free(enc->unused[i]);
    free(enc->unused);
    enc->unused = NULL;
    enc->unused_n = 0;
}

/* Names come sorted. */
static bool leave_out(struct encoder *enc, const char *name) {
    size_t name_n = strlen(name);
    if (encoder_find(enc, name, name_n) < enc->columns_n ||
        (enc->unused_n && strcmp(enc->unused[enc->unused_n - 1], name) == 0))
        return true;
    char *copy = strdup(name);
    if (!copy)
        return false;
    enc->unused[enc->unused_n++] = copy;
    return true;
}

bool encoder_leave_out(struct encoder *enc, const char *const *names, size_t n,
                       struct err *e) {
    unused_free(enc);
    if (!n)
        return true;
    const char **sorted = memory_new(n, sizeof *sorted);
    enc->unused = memory_new(n, sizeof *enc->unused);
    bool ok = sorted && enc->unused;
    if (ok) {
        memcpy(sorted, names, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, names_compare);
    }
    for (size_t i = 0; ok && i < n; i++)
        ok = leave_out(enc, sorted[i]);
    free(sorted);
    return ok || err_set(e, ERR_NO_MEMORY, NULL, "out of memory for %zu columns", n);
}

size_t encoder_find_unused(const struct encoder *enc, const char *name, size_t name_n) {
    return text_find(enc->unused, enc->unused_n, &(struct key){name, name_n});
}

static size_t category_spelt(const struct encoder_column *column, const char *text,
                             size_t n) {
    return text_find(column->categories, column->categories_n, &(struct key){text, n});
}

/* Whether a text is a whole number that float64 tells from its neighbours, without zeros
 * or a plus before it. */
static bool whole_read(const char *text, size_t n, long long *whole) {
    char copy[CELL_DIGITS_BYTES], *end;
    if (!n || n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    const char *digits = copy + (copy[0] == '-');
    if (strspn(copy, "0123456789+-.eE") != n || !strspn(digits, "0123456789") ||
        (digits[0] == '0' && strspn(digits, "0123456789") > 1))
        return false;
    double number = strtod(copy, &end);
    if (end != copy + n || number != trunc(number) || !(fabs(number) < 0x1p53))
        return false;
    *whole = (long long)number;
    return true;
}

/* Without white space around it; a text of nothing else is empty. */
static struct key trimmed(const char *text, size_t n) {
    while (n && (*text == ' ' || *text == '\t')) {
        text++;
        n--;
    }
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    return (struct key){text, n};
}

bool encoder_category_missing(const struct encoder_column *column, const char *text,
                              size_t n) {
    struct key bare = trimmed(text, n);
    return !column->missing_refused && cell_spells_missing(bare.text, bare.n) &&
           encoder_category(column, text, n) == column->categories_n;
}

size_t encoder_category(const struct encoder_column *column, const char *text, size_t n) {
    size_t at = category_spelt(column, text, n);
    long long whole;
    if (at < column->categories_n)
        return at;
    struct key bare = trimmed(text, n);
    if (bare.n < n)
        return encoder_category(column, bare.text, bare.n);
    if (!whole_read(text, n, &whole))
        return at;
    for (size_t i = 0; i < 2 && at == column->categories_n; i++) {
        char digits[CELL_DIGITS_BYTES];
        int digits_n = snprintf(digits, sizeof digits, i ? "%lld.0" : "%lld", whole);
        at = category_spelt(column, digits, (size_t)digits_n);
    }
    return at;
}

static bool number_encode(const struct encoder_column *column, const struct cell *cell,
                          float *inputs, const char *where, struct err *e) {
    double number = cell->kind == CELL_MISSING ? column->mean : cell->number;
    if (cell->kind == CELL_TEXT || cell->kind == CELL_BOOLEAN)
        return cell_refuse(cell, "a number", where, e);
    inputs[0] = (float)number;
    if (!isfinite(inputs[0]))
        return err_set(e, ERR_RANGE, where, "%g is outside float32", number);
    return true;
}

static bool boolean_encode(const struct encoder_column *column, const struct cell *cell,
                           float *inputs, const char *where, struct err *e) {
    int value;
    if (cell->kind == CELL_MISSING)
        inputs[0] = (float)column->mean;
    else if (cell_boolean(cell, &value))
        inputs[0] = (float)value;
    else
        return cell_refuse(cell, "true or false", where, e);
    return true;
}

static bool category_encode(const struct encoder_column *column, const struct cell *cell,
                            float *inputs, const char *where, struct err *e) {
    char digits[CELL_DIGITS_BYTES];
    size_t at = column->categories_n, n; /* where an input for missing cells stands */
    bool missing = cell->kind == CELL_MISSING;
    if (column->inputs_n)
        memset(inputs, 0, column->inputs_n * sizeof *inputs);
    if (!missing) {
        const char *text = cell_text(cell, digits, &n);
        if (!text)
            return cell_refuse(cell, "a category", where, e);
        at = encoder_category(column, text, n);
        missing = at == column->categories_n && encoder_category_missing(column, text, n);
    }
    if (at < column->categories_n || (missing && column->missing_category))
        inputs[at] = 1;
    return true;
}

bool encoder_cell(const struct encoder *enc, size_t c, const struct cell *cell,
                  float *row, const char *where, struct err *e) {
    const struct encoder_column *column = &enc->columns[c];
    float *inputs = row + column->input_at;
    if (cell->kind == CELL_MISSING && column->missing_refused)
        return cell_refuse(cell, "a value", where, e);
    switch (column->kind) {
    case ENCODER_NUMBER:
        return number_encode(column, cell, inputs, where, e);
    case ENCODER_BOOLEAN:
        return boolean_encode(column, cell, inputs, where, e);
    case ENCODER_CATEGORY:
        break;
    }
    return category_encode(column, cell, inputs, where, e);
}

static bool category_check(const struct encoder_column *column, const struct cell *cell,
                           const char *where, struct err *e) {
    char digits[CELL_DIGITS_BYTES];
    size_t n;
    const char *text = cell->kind == CELL_MISSING ? NULL : cell_text(cell, digits, &n);
    if (!text || encoder_category(column, text, n) < column->categories_n ||
        encoder_category_missing(column, text, n))
        return true;
    return err_set(e, ERR_INVALID, where,
                   "\"%.*s\" is none of the %zu categories that training saw",
                   cell_quote_bytes(text, n), text, column->categories_n);
}

bool encoder_cell_asked(const struct encoder *enc, size_t c, const struct cell *cell,
                        float *row, const char *where, struct err *e) {
    const struct encoder_column *column = &enc->columns[c];
    return (!column->unseen_refused || category_check(column, cell, where, e)) &&
           encoder_cell(enc, c, cell, row, where, e);
}

bool encoder_takes_numbers(const struct encoder *enc) {
    for (size_t c = 0; c < enc->columns_n; c++)
        if (enc->columns[c].kind != ENCODER_NUMBER)
            return false;
    return true;
}

void encoder_scaled(const struct encoder *enc, unsigned char *scaled) {
    for (size_t c = 0; c < enc->columns_n; c++) {
        const struct encoder_column *column = &enc->columns[c];
        for (size_t i = 0; i < column->inputs_n; i++)
            scaled[column->input_at + i] = column->kind == ENCODER_NUMBER;
    }
}

void encoder_free(struct encoder *enc) {
    for (size_t c = 0; enc->columns && c < enc->columns_n; c++) {
        struct encoder_column *column = &enc->columns[c];
        for (size_t i = 0; column->categories && i < column->categories_n; i++)
            free(column->categories[i]);
        free(column->categories);
        free(column->name);
    }
    free(enc->columns);
    free(enc->by_name);
    unused_free(enc);
    *enc = (struct encoder){.columns_n = 0};
}
