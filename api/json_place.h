/* Where in a document something stands of which jansson tells what it is, and not where:
 * it counts lines and columns, of a text that may have lost its tables (carve). Pure. */
#ifndef API_JSON_PLACE_H
#define API_JSON_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/err.h"

enum json_fault {
    JSON_FAULT_DUPLICATE, /* the second of a key in one object, of up to JSON_KEYS_MAX */
    JSON_FAULT_OVERFLOW   /* a number beyond float64 */
};
enum { JSON_KEYS_MAX = 1000, JSON_NAME_SHOWN = 61 };

/* The JSON pointer of the first one in a text that has no other fault before it, and of a
 * doubled key the start of its name. @return false: it was not found. */
bool json_place(const char *text, size_t n, enum json_fault fault,
                char where[ERR_WHERE_MAX], char name[JSON_NAME_SHOWN]);

#endif
