/* jansson's reader, without its way of running out of memory: 2.14 takes no notice when
 * its token buffer cannot grow, drops characters of strings and keys, and reads and
 * writes behind it. Here the reading is given up at the first block that there is no
 * memory for. That takes a jansson that keeps no block for itself while it reads. Any
 * thread. */
#ifndef API_JSON_LOAD_H
#define API_JSON_LOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* As json_loadb; NULL with *starved where memory ran out, and *error untouched. */
json_t *json_load_bytes(const char *text, size_t n, size_t flags, json_error_t *error,
                        bool *starved);

#endif
