#include "engine/cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int cell_quote_bytes(const char *text, size_t n) {
    if (n <= CELL_QUOTE_BYTES)
        return (int)n;
    n = CELL_QUOTE_BYTES;
    while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return (int)n;
}

void cell_where(char where[ERR_WHERE_MAX], const char *unit, size_t number,
                const char *column) {
    snprintf(where, ERR_WHERE_MAX, "%s %zu, column \"%.*s\"", unit, number,
             cell_quote_bytes(column, strlen(column)), column);
}

bool cell_refuse(const struct cell *cell, const char *expected, const char *where,
                 struct err *e) {
    switch (cell->kind) {
    case CELL_MISSING:
        return err_set(e, ERR_INVALID, where, "expected %s, but it is missing", expected);
    case CELL_BOOLEAN:
        return err_set(e, ERR_INVALID, where, "expected %s, got %s", expected,
                       cell->number != 0 ? "true" : "false");
    case CELL_NUMBER:
        if (!cell->text)
            return err_set(e, ERR_INVALID, where, "expected %s, got %.17g", expected,
                           cell->number);
        return err_set(e, ERR_INVALID, where, "expected %s, got %.*s", expected,
                       cell_quote_bytes(cell->text, cell->text_n), cell->text);
    case CELL_TEXT:
        break;
    }
    return err_set(e, ERR_INVALID, where, "expected %s, got \"%.*s\"%s", expected,
                   cell_quote_bytes(cell->text, cell->text_n), cell->text,
                   cell->text_n > CELL_QUOTE_BYTES ? "..." : "");
}

static bool word_is(const struct cell *cell, const char *word) {
    return cell->text_n == strlen(word) &&
           strncasecmp(cell->text, word, cell->text_n) == 0;
}

bool cell_boolean(const struct cell *cell, int *value) {
    bool text = cell->kind == CELL_TEXT;
    if (cell->kind == CELL_MISSING)
        return false;
    *value = text ? word_is(cell, "true") : cell->number == 1;
    return *value || (text ? word_is(cell, "false") : cell->number == 0);
}

const char *cell_text(const struct cell *cell, char digits[CELL_DIGITS_BYTES],
                      size_t *n) {
    if (cell->kind == CELL_TEXT || cell->text) {
        *n = cell->text_n;
        return cell->text;
    }
    if (cell->kind == CELL_NUMBER) {
        double number = cell->number;
        if (!(fabs(number) < 0x1p53) || number != trunc(number))
            return NULL;
        *n = (size_t)snprintf(digits, CELL_DIGITS_BYTES, "%lld", (long long)number);
        return digits;
    }
    const char *word = cell->number != 0 ? "true" : "false";
    *n = strlen(word);
    return word;
}

bool cell_spells_missing(const char *text, size_t n) {
    static const char *const words[] = {"",    "?",    "NA",   "N/A", "NaN",
                                        "nan", "null", "NULL", "None"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && (!n || memcmp(words[i], text, n) == 0))
            return true;
    return false;
}
