/* Strict reading of small JSON documents through jansson: every key is known, every value
 * has its type and its bounds, and an error names the path. For api/ alone. */
#ifndef API_JSON_H
#define API_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

/* One document, nothing behind it. NULL with ERR_INVALID and line and column in `where`;
 * for a key given twice, ERR_INVALID, and for a number beyond float64, ERR_RANGE, with
 * its JSON pointer there, or nothing (json_place); or with ERR_NO_MEMORY. The caller owns
 * the reference. */
json_t *json_read(const char *text, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* The same of a body that has little to say; ERR_TOO_LARGE over JSON_SMALL_BYTES_MAX. */
enum { JSON_SMALL_BYTES_MAX = 64 << 10 };
json_t *json_read_small(const char *text, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* "a string", "an object", ... for messages; NULL is "nothing". */
const char *json_kind(const json_t *value);

/* A key that an object may hold. */
struct json_key {
    const char *name;
    const char *aliases; /* other spellings, separated by one space; NULL for none */
};

/* A key's value and the path it came from, under the spelling that was used. */
struct json_slot {
    json_t *value; /* borrowed; NULL when the key is absent */
    char path[ERR_WHERE_MAX];
};

/* Sorts the members of `object` into slots[0..keys_n). An unknown key is ERR_INVALID
 * naming the nearest known one; two spellings of one key are ERR_INVALID. `path` is the
 * object's own
 * ("" at the top). */
bool json_match(const json_t *object, const struct json_key *keys, size_t keys_n,
                const char *path, struct json_slot *slots, struct err *e)
    __attribute__((warn_unused_result));

/* Each reads a value where there is one and leaves *out as it is where there is none. A
 * wrong type is ERR_INVALID, a number out of bounds ERR_RANGE. Integers may be written as
 * 1e3 or 10.0. */
bool json_int(const struct json_slot *slot, int64_t min, int64_t max, int64_t *out,
              struct err *e) __attribute__((warn_unused_result));
bool json_bool(const struct json_slot *slot, bool *out, struct err *e)
    __attribute__((warn_unused_result));
bool json_text(const struct json_slot *slot, const char **out, struct err *e)
    __attribute__((warn_unused_result));

/* A number in min..max; with `above`, greater than min; with `below`, less than max. A
 * float32 is rounded first and must be finite. */
struct json_bounds {
    double min, max;
    bool above, below;
};
bool json_float(const struct json_slot *slot, struct json_bounds bounds, float *out,
                struct err *e) __attribute__((warn_unused_result));
bool json_double(const struct json_slot *slot, struct json_bounds bounds, double *out,
                 struct err *e) __attribute__((warn_unused_result));

/* Levenshtein's distance, cut off for long words: a hint needs no more. */
size_t json_distance(const char *a, const char *b);

/* One of names[0..n): canonical names first where there are aliases. The comparison
 * ignores case. *index is left alone where there is no value. */
struct json_choice {
    const char *name;
    int value;
};
bool json_choose(const struct json_slot *slot, const struct json_choice *choices,
                 size_t n, int *out, struct err *e) __attribute__((warn_unused_result));

/* The path of a member or an element: "/layers" + 2 -> "/layers/2". A key is escaped as
 * RFC 6901 says. */
void json_path_key(char out[ERR_WHERE_MAX], const char *path, const char *key);
void json_path_index(char out[ERR_WHERE_MAX], const char *path, size_t index);

#endif
