#include "api/json.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/cursor.h"
#include "api/json_load.h"
#include "api/json_place.h"
#include "api/text.h"

/* What carve lets through, doubled keys and numbers that are too large, is found here
 * only, in a text without its tables, whose columns are not those of the text that was
 * sent. */
static void fault_error(const char *text, size_t n, enum json_fault fault,
                        const json_error_t *error, struct err *e) {
    char where[ERR_WHERE_MAX] = "", name[JSON_NAME_SHOWN];
    bool found = json_place(text, n, fault, where, name);
    enum err_kind kind = fault == JSON_FAULT_OVERFLOW ? ERR_RANGE : ERR_INVALID;
    if (!found)
        err_set(e, kind, NULL, "%s", error->text);
    else if (fault == JSON_FAULT_OVERFLOW)
        err_set(e, kind, where, "a number beyond float64");
    else
        err_set(e, kind, where, "duplicate key: \"%s\" is given twice", name);
}

/* Grammar is found by line and column. */
static void read_error(const char *text, size_t n, const json_error_t *error,
                       struct err *e) {
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "line %d, column %d", error->line, error->column);
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        fault_error(text, n, JSON_FAULT_DUPLICATE, error, e);
        break;
    case json_error_numeric_overflow:
        fault_error(text, n, JSON_FAULT_OVERFLOW, error, e);
        break;
    default:
        err_set(e, ERR_INVALID, where, "not valid JSON: %s", error->text);
    }
}

json_t *json_read(const char *text, size_t n, struct err *e) {
    json_error_t error;
    /* Behind a number jansson passes over it. */
    const char *nul = n ? memchr(text, 0, n) : NULL;
    if (nul) {
        cursor_refuse(&(struct cursor){text, nul, text + n}, "JSON", NULL, e);
        return NULL;
    }
    bool starved = false;
    json_t *root = json_load_bytes(text, n, JSON_REJECT_DUPLICATES, &error, &starved);
    /* An integer beyond 64 bits is a number all the same; its bounds are checked where it
     * stands. */
    if (!root && !starved && json_error_code(&error) == json_error_numeric_overflow)
        root = json_load_bytes(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                               &error, &starved);
    if (starved)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for the JSON");
    else if (!root)
        read_error(text, n, &error, e);
    return root;
}

json_t *json_read_small(const char *text, size_t n, struct err *e) {
    if (n <= JSON_SMALL_BYTES_MAX)
        return json_read(text, n, e);
    err_set(e, ERR_TOO_LARGE, NULL, "expected at most %d bytes, got %zu",
            JSON_SMALL_BYTES_MAX, n);
    return NULL;
}

const char *json_kind(const json_t *value) {
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

void json_path_key(char out[ERR_WHERE_MAX], const char *path, const char *key) {
    size_t at = strnlen(path, ERR_WHERE_MAX - 2);
    memcpy(out, path, at);
    out[at++] = '/';
    for (; *key && at + 3 < ERR_WHERE_MAX; key++) {
        if (*key == '~' || *key == '/') {
            out[at++] = '~';
            out[at++] = *key == '~' ? '0' : '1';
        } else {
            out[at++] = *key;
        }
    }
    if (at < ERR_WHERE_MAX)
        out[at] = '\0';
}

void json_path_index(char out[ERR_WHERE_MAX], const char *path, size_t index) {
    char number[24];
    snprintf(number, sizeof number, "%zu", index);
    json_path_key(out, path, number);
}

size_t json_distance(const char *a, const char *b) {
    enum { WORD_MAX = 48 };
    size_t n = strlen(b), row[WORD_MAX + 1];
    if (n > WORD_MAX || strlen(a) > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t swap = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = swap < best ? swap : best;
        }
    }
    return row[n];
}

/* Whether a word may have been meant for one that is `distance` from it. */
static bool is_near(const char *word, size_t distance) {
    size_t n = strlen(word);
    return (distance <= 2 && distance < n) || 3 * distance <= n;
}

enum { KNOWN_BYTES = 150, KEYS_LISTED_MAX = 8 };

/* ERR_INVALID that lists the `known` words, which are freed. */
static bool unknown_refuse(const char *what, const char *name, struct text *known,
                           const char *where, struct err *e) {
    int n = known->n < KNOWN_BYTES ? (int)known->n : KNOWN_BYTES;
    err_set(e, ERR_INVALID, where, "unknown %s \"%.60s\"; known here: %.*s", what, name,
            n, known->data);
    text_free(known);
    return false;
}

/* Calls for each spelling of a key in turn: *at starts at NULL. */
static bool spelling_next(const struct json_key *key, const char **at, char word[64]) {
    if (!*at) {
        *at = key->aliases ? key->aliases : "";
        snprintf(word, 64, "%s", key->name);
        return true;
    }
    size_t n = strcspn(*at, " ");
    if (!n)
        return false;
    snprintf(word, 64, "%.*s", (int)n, *at);
    *at += n + ((*at)[n] == ' ');
    return true;
}

static bool key_matches(const struct json_key *key, const char *name) {
    if (!key->aliases)
        return strcmp(key->name, name) == 0;
    char word[64];
    for (const char *at = NULL; spelling_next(key, &at, word);)
        if (strcmp(word, name) == 0)
            return true;
    return false;
}

static bool unknown_key(const char *name, const struct json_key *keys, size_t keys_n,
                        const char *path, struct err *e) {
    char where[ERR_WHERE_MAX], word[64];
    const char *nearest = NULL;
    size_t best = 0;
    json_path_key(where, path, name);
    for (size_t k = 0; k < keys_n; k++) {
        for (const char *at = NULL; spelling_next(&keys[k], &at, word);) {
            size_t d = json_distance(name, word);
            if (!nearest || d < best) {
                best = d;
                nearest = keys[k].name;
            }
        }
    }
    if (nearest && is_near(name, best))
        return err_set(e, ERR_INVALID, where,
                       "unknown key \"%.60s\"; the nearest known one is \"%s\"", name,
                       nearest);
    if (keys_n > KEYS_LISTED_MAX)
        return err_set(e, ERR_INVALID, where,
                       "unknown key \"%.60s\", and no known one is like it", name);
    struct text known = {0};
    for (size_t k = 0; k < keys_n; k++)
        text_json_string(&known, keys[k].name);
    return unknown_refuse("key", name, &known, where, e);
}

bool json_match(const json_t *object, const struct json_key *keys, size_t keys_n,
                const char *path, struct json_slot *slots, struct err *e) {
    memset(slots, 0, keys_n * sizeof *slots);
    if (!json_is_object(object))
        return err_set(e, ERR_INVALID, path, "expected an object, got %s",
                       json_kind(object));
    for (size_t k = 0; k < keys_n; k++)
        json_path_key(slots[k].path, path, keys[k].name);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        size_t k = 0;
        while (k < keys_n && !key_matches(&keys[k], name))
            k++;
        if (k == keys_n)
            return unknown_key(name, keys, keys_n, path, e);
        char where[ERR_WHERE_MAX];
        json_path_key(where, path, name);
        if (slots[k].value)
            return err_set(e, ERR_INVALID, where,
                           "\"%s\" is another spelling of %s: give one", name,
                           slots[k].path);
        slots[k].value = value;
        memcpy(slots[k].path, where, sizeof where);
    }
    return true;
}

static bool wrong_type(const struct json_slot *slot, const char *expected,
                       struct err *e) {
    return err_set(e, ERR_INVALID, slot->path, "expected %s, got %s", expected,
                   json_kind(slot->value));
}

bool json_int(const struct json_slot *slot, int64_t min, int64_t max, int64_t *out,
              struct err *e) {
    if (!slot->value)
        return true;
    if (!json_is_number(slot->value))
        return wrong_type(slot, "an integer", e);
    int64_t value;
    if (json_is_integer(slot->value)) {
        value = json_integer_value(slot->value);
    } else {
        double real = json_real_value(slot->value);
        if (real != floor(real))
            return err_set(e, ERR_INVALID, slot->path, "expected an integer, got %g",
                           real);
        if (fabs(real) > 9007199254740992.0)
            return err_set(e, ERR_RANGE, slot->path,
                           "expected an integer from %lld to %lld, got %g",
                           (long long)min, (long long)max, real);
        value = (int64_t)real;
    }
    if (value < min || value > max)
        return err_set(e, ERR_RANGE, slot->path,
                       "expected an integer from %lld to %lld, got %lld", (long long)min,
                       (long long)max, (long long)value);
    *out = value;
    return true;
}

bool json_bool(const struct json_slot *slot, bool *out, struct err *e) {
    if (!slot->value)
        return true;
    if (!json_is_boolean(slot->value))
        return wrong_type(slot, "true or false", e);
    *out = json_is_true(slot->value);
    return true;
}

bool json_text(const struct json_slot *slot, const char **out, struct err *e) {
    if (!slot->value)
        return true;
    if (!json_is_string(slot->value))
        return wrong_type(slot, "a string", e);
    *out = json_string_value(slot->value);
    return true;
}

/* `value` came to `rounded`, which is what the bounds hold for. */
static bool bounds_check(const struct json_slot *slot, struct json_bounds bounds,
                         double value, double rounded, struct err *e) {
    bool low = bounds.above ? !(rounded > bounds.min) : value < bounds.min;
    bool high = bounds.below ? !(rounded < bounds.max) : rounded > bounds.max;
    if (!low && !high)
        return true;
    char upper[32] = "";
    if (bounds.max < FLT_MAX)
        snprintf(upper, sizeof upper, " and %s %g", bounds.below ? "below" : "at most",
                 bounds.max);
    return err_set(e, ERR_RANGE, slot->path, "expected a number %s %g%s, got %g",
                   bounds.above ? "above" : "of at least", bounds.min, upper, value);
}

bool json_float(const struct json_slot *slot, struct json_bounds bounds, float *out,
                struct err *e) {
    if (!slot->value)
        return true;
    if (!json_is_number(slot->value))
        return wrong_type(slot, "a number", e);
    double value = json_number_value(slot->value);
    float rounded = (float)value + 0.0f; /* -0 is 0 */
    if (!isfinite(rounded))
        return err_set(e, ERR_RANGE, slot->path, "%g is outside float32", value);
    if (!bounds_check(slot, bounds, value, (double)rounded, e))
        return false;
    *out = rounded;
    return true;
}

bool json_double(const struct json_slot *slot, struct json_bounds bounds, double *out,
                 struct err *e) {
    if (!slot->value)
        return true;
    if (!json_is_number(slot->value))
        return wrong_type(slot, "a number", e);
    double value = json_number_value(slot->value) + 0.0;
    if (!bounds_check(slot, bounds, value, value, e))
        return false;
    *out = value;
    return true;
}

static const char *canonical(const struct json_choice *choices, int value) {
    while (choices->value != value)
        choices++;
    return choices->name;
}

static bool unknown_choice(const char *name, const struct json_choice *choices, size_t n,
                           const char *path, struct err *e) {
    size_t nearest = 0, best = SIZE_MAX;
    struct text known = {0};
    for (size_t i = 0; i < n; i++) {
        size_t d = json_distance(name, choices[i].name);
        if (d < best) {
            best = d;
            nearest = i;
        }
        if (canonical(choices, choices[i].value) == choices[i].name)
            text_json_string(&known, choices[i].name);
    }
    if (!is_near(name, best))
        return unknown_refuse("word", name, &known, path, e);
    text_free(&known);
    return err_set(e, ERR_INVALID, path,
                   "\"%.60s\" is unknown; the nearest known is \"%s\"", name,
                   canonical(choices, choices[nearest].value));
}

bool json_choose(const struct json_slot *slot, const struct json_choice *choices,
                 size_t n, int *out, struct err *e) {
    const char *name = NULL;
    if (!json_text(slot, &name, e))
        return false;
    if (!name)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(choices[i].name, name) == 0) {
            *out = choices[i].value;
            return true;
        }
    }
    return unknown_choice(name, choices, n, slot->path, e);
}
