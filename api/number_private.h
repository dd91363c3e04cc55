/* What the files of the printer share; private to them. */
#ifndef API_NUMBER_PRIVATE_H
#define API_NUMBER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/number.h"

/* The exponents (of the first digit) between which a number is written plainly. */
enum { NUMBER_PLAIN_MIN = -4, NUMBER_PLAIN_MAX = 15 };

/* A value by the fields of its format: c without the hidden bit, and the exponent's bits,
 * where 1 stands for 2^exponent_min as the weight of the last bit. */
size_t number_print_fields(bool negative, uint64_t c, int biased, uint64_t hidden,
                           int exponent_min, char text[NUMBER_TEXT_MAX]);

#endif
