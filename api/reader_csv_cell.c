/* What stands in a cell of a CSV file. */
#include "api/reader_csv.h"

#include <string.h>

#include "api/number.h"
#include "engine/cell.h"

enum { WORD_BYTES_MAX = 5 };

static const struct word {
    const char *text;
    double number;
} BOOLEANS[] = {{"true", 1},  {"True", 1},  {"TRUE", 1},
                {"false", 0}, {"False", 0}, {"FALSE", 0}};

/* In quotes nothing is missing, as far as the file says. */
static enum cell_kind word_kind(const char *text, size_t n, bool quoted, double *number) {
    if (n > WORD_BYTES_MAX)
        return CELL_TEXT;
    for (size_t i = 0; i < sizeof BOOLEANS / sizeof *BOOLEANS; i++) {
        const struct word *w = &BOOLEANS[i];
        if (strlen(w->text) != n || memcmp(w->text, text, n) != 0)
            continue;
        *number = w->number;
        return CELL_BOOLEAN;
    }
    return !quoted && cell_spells_missing(text, n) ? CELL_MISSING : CELL_TEXT;
}

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

/* Writes the number as JSON would have it: no '+', no zeros before the first digit but
 * one, a digit on either side of a point. @return its length; 0 where it is no number. */
enum { NUMBER_BYTES_MAX = 400 };
static size_t number_respell(const char *text, size_t n, char out[NUMBER_BYTES_MAX + 4]) {
    size_t at = 0, used = 0;
    if (text[at] == '-')
        out[used++] = '-';
    at += text[at] == '-' || text[at] == '+';
    size_t digits_at = at;
    while (at < n && text[at] == '0')
        at++;
    if (at == n || !is_digit(text[at]))
        out[used++] = '0'; /* "0", ".5", "00.5", but no digit at all is found below */
    bool digits = at > digits_at;
    for (; at < n && is_digit(text[at]); digits = true)
        out[used++] = text[at++];
    if (at < n && text[at] == '.') {
        out[used++] = text[at++];
        if (at < n && is_digit(text[at]))
            digits = true;
        else
            out[used++] = '0';
    }
    if (!digits)
        return 0;
    memcpy(out + used, text + at, n - at);
    return used + (n - at);
}

/* Most cells of many tables are a few digits. */
static inline bool digits_scan(const char *text, size_t n, double *number) {
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(text[i]))
            return false;
        sum = sum * 10 + (unsigned)(text[i] - '0');
    }
    *number = sum;
    return true;
}

static bool number_scan(const char *text, size_t n, double *number) {
    enum { DIGITS_MAX = 4 };
    if (n <= DIGITS_MAX && digits_scan(text, n, number))
        return true;
    const char *at = text, *end = text + n;
    if (number_scan_double(&at, end, number) == NUMBER_OK && at == end)
        return true;
    char json[NUMBER_BYTES_MAX + 4];
    if (n > NUMBER_BYTES_MAX)
        return false;
    end = json + number_respell(text, n, json);
    at = json;
    return end > json && number_scan_double(&at, end, number) == NUMBER_OK && at == end;
}

enum cell_kind reader_csv_cell_kind(const char *text, size_t n, bool quoted,
                                    double *number) {
    bool may = n > 0 && (is_digit(*text) || *text == '-' || *text == '+' || *text == '.');
    if (may)
        return number_scan(text, n, number) ? CELL_NUMBER : CELL_TEXT;
    return word_kind(text, n, quoted, number);
}
