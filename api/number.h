/* JSON numbers of the hot path: scanned from text and printed to it.
 *
 * Locale-free, allocation-free, pure; any thread. The grammar is RFC 8259's, strictly: no
 * leading zero, plus sign, bare point, hexadecimal, NaN or Infinity. */
#ifndef API_NUMBER_H
#define API_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

enum number_scan {
    NUMBER_OK,
    NUMBER_SYNTAX,   /* no JSON number stands here */
    NUMBER_TOO_LARGE /* a number whose rounding leaves the type's finite range */
};

/* Scans one number from *at (before `end`) and moves *at behind it; on an error *at
 * stays. The result is the float32 (float64) nearest to the decimal, ties to even, as
 * strtof (strtod) gives; -0 keeps its sign. What follows the number is not looked at. */
enum number_scan number_scan_float(const char **at, const char *end, float *value);
enum number_scan number_scan_double(const char **at, const char *end, double *value);

/* Moves over one number of any size, or says false and stays. */
bool number_skip(const char **at, const char *end);

enum { NUMBER_TEXT_MAX = 32 };

/* Writes the shortest decimal that reads back to the same float32 (float64), and of those
 * the nearest to it, as a JSON number: plain where that is short ("0.1", "-3", "100000"),
 * with an exponent ("1e-7", "1.5e30") otherwise. No NUL is written. `value` must be
 * finite.
 * @return the number of characters, at most NUMBER_TEXT_MAX. */
size_t number_print_float(float value, char text[NUMBER_TEXT_MAX]);
size_t number_print_double(double value, char text[NUMBER_TEXT_MAX]);

/* n of them, with commas between; `text` has room for n * NUMBER_TEXT_MAX. This and what
 * follows is faster by the number than one at a time. */
size_t number_print_floats(const float *values, size_t n, char *text);

/* At least one row of at least one each, as arrays with commas between: "[1,2],[3,4]".
 * `text` has room for rows_n * (columns_n * NUMBER_TEXT_MAX + 2). */
size_t number_print_rows(const float *values, size_t rows_n, size_t columns_n,
                         char *text);

#endif
