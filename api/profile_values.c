#include "api/profile_private.h"

#include <stdlib.h>
#include <string.h>

#include "api/number.h"

/* What a value takes beside its text: its places in the tables, and malloc's own. */
enum { VALUE_BYTES = 96 };

void profile_values_init(struct profile_values *v) {
    *v = (struct profile_values){0};
}

void profile_values_free(struct profile_values *v) {
    labels_free(&v->strings);
    intern_free(&v->table);
    free(v->counts);
    free(v->keys);
    free(v->ids);
    *v = (struct profile_values){.many = v->many};
}

static bool give_up(struct profile_values *v, size_t *budget) {
    *budget += v->bytes;
    profile_values_free(v);
    v->many = true;
    return true;
}

static bool no_memory(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a table's values");
}

static bool counts_grow(struct profile_values *v, struct err *e) {
    size_t capacity = v->counts_capacity ? v->counts_capacity * 2 : 16;
    uint64_t *counts = realloc(v->counts, capacity * sizeof *counts);
    if (!counts)
        return no_memory(e);
    v->counts = counts;
    v->counts_capacity = capacity;
    return true;
}

/* Counts a spelling. *id: its number, or -1 when the column gave up. */
static bool text_add(struct profile_values *v, const char *text, size_t n, size_t *budget,
                     int32_t *id, struct err *e) {
    *id = -1;
    if (v->table.strings == NULL)
        intern_init(&v->table, &v->strings, PROFILE_VALUES_MAX);
    if (n > PROFILE_VALUE_BYTES_MAX)
        return give_up(v, budget);
    size_t before = v->strings.n;
    struct err failed = {0};
    if (!intern_put(&v->table, text, n, id, NULL, &failed)) {
        *id = -1;
        return failed.kind == ERR_TOO_LARGE ? give_up(v, budget) : no_memory(e);
    }
    if (v->strings.n == before) {
        v->counts[*id]++;
        return true;
    }
    if (before == v->counts_capacity && !counts_grow(v, e))
        return false;
    v->counts[*id] = 1;
    size_t bytes = n + VALUE_BYTES;
    if (bytes > *budget) {
        *id = -1;
        return give_up(v, budget);
    }
    *budget -= bytes;
    v->bytes += bytes;
    return true;
}

/* The slot of the key, or the empty one where it belongs: by the product's upper bits,
 * which are the ones that depend on all of the key. The bits of whole numbers differ in
 * the upper ones alone, and are folded down first. At most PROFILE_VALUES_MAX keys bound
 * what a bad choice of them can cost. */
static size_t slot_find(const struct profile_values *v, uint64_t key) {
    uint64_t mixed = key ^ v->table.key[0];
    uint64_t hash = (mixed ^ mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)((hash >> 32) * v->slots_n >> 32);
    while (v->ids[slot] && v->keys[slot] != key)
        slot = (slot + 1) & (v->slots_n - 1);
    return slot;
}

static bool slots_grow(struct profile_values *v, struct err *e) {
    size_t before = v->slots_n;
    uint64_t *keys = v->keys;
    uint32_t *ids = v->ids;
    size_t slots_n = before ? before * 2 : 16;
    uint64_t *grown_keys = calloc(slots_n, sizeof *grown_keys);
    uint32_t *grown_ids = calloc(slots_n, sizeof *grown_ids);
    if (!grown_keys || !grown_ids) {
        free(grown_keys);
        free(grown_ids);
        return no_memory(e);
    }
    v->slots_n = slots_n;
    v->keys = grown_keys;
    v->ids = grown_ids;
    for (size_t i = 0; i < before; i++) {
        if (!ids[i])
            continue;
        size_t slot = slot_find(v, keys[i]);
        v->keys[slot] = keys[i];
        v->ids[slot] = ids[i];
    }
    free(keys);
    free(ids);
    return true;
}

/* The value of a key that was seen, or NULL; *slot is where it belongs. */
static bool key_find(struct profile_values *v, uint64_t key, size_t *slot,
                     uint64_t **count, struct err *e) {
    *count = NULL;
    if (v->keys_n * 2 >= v->slots_n && !slots_grow(v, e))
        return false;
    *slot = slot_find(v, key);
    if (v->ids[*slot])
        *count = &v->counts[v->ids[*slot] - 1];
    return true;
}

static void key_add(struct profile_values *v, size_t slot, uint64_t key, int32_t id) {
    if (id < 0)
        return; /* the column gave up */
    v->keys[slot] = key;
    v->ids[slot] = (uint32_t)id + 1;
    v->keys_n++;
}

/* A number without a spelling is looked up by its bits, and printed when it is new. */
static bool number_add(struct profile_values *v, double number, size_t *budget,
                       struct err *e) {
    uint64_t key, *count;
    size_t slot;
    char text[NUMBER_TEXT_MAX];
    int32_t id;
    memcpy(&key, &number, sizeof key);
    if (!key_find(v, key, &slot, &count, e))
        return false;
    if (count) {
        ++*count;
        return true;
    }
    if (!text_add(v, text, number_print_double(number, text), budget, &id, e))
        return false;
    key_add(v, slot, key, id);
    return true;
}

/* A short spelling is its own key, with its length: most cells are short, and this is
 * cheaper than a keyed hash. A source either spells its numbers or does not, so that keys
 * of both kinds do not meet in a column. */
enum { KEY_TEXT_MAX = sizeof(uint64_t) - 1 };
static bool short_add(struct profile_values *v, const char *text, size_t n,
                      size_t *budget, struct err *e) {
    uint64_t key = 0, *count;
    size_t slot;
    int32_t id;
    for (size_t i = 0; i < n; i++)
        key = key << 8 | (unsigned char)text[i];
    key = key << 8 | n;
    if (!key_find(v, key, &slot, &count, e))
        return false;
    if (count) {
        ++*count;
        return true;
    }
    if (!text_add(v, text, n, budget, &id, e))
        return false;
    key_add(v, slot, key, id);
    return true;
}

bool profile_values_add(struct profile_values *v, const struct cell *cell, size_t *budget,
                        struct err *e) {
    static const char *const BOOLEANS[] = {"false", "true"};
    int32_t id;
    if (v->many)
        return true;
    if (!cell->text && cell->kind == CELL_NUMBER)
        return number_add(v, cell->number, budget, e);
    const char *text = cell->text ? cell->text : BOOLEANS[cell->number != 0];
    size_t n = cell->text ? cell->text_n : strlen(text);
    if (n <= KEY_TEXT_MAX)
        return short_add(v, text, n, budget, e);
    return text_add(v, text, n, budget, &id, e);
}

bool profile_values_take(struct profile_values *v, struct profile_column *out,
                         struct err *e) {
    out->many = v->many;
    if (v->strings.n == 0)
        return true;
    out->values = malloc(v->strings.n * sizeof *out->values);
    if (!out->values)
        return no_memory(e);
    out->values_n = v->strings.n;
    for (size_t i = 0; i < v->strings.n; i++)
        out->values[i] = (struct profile_value){v->strings.strings[i], v->counts[i]};
    free(v->strings.strings);
    v->strings = (struct labels){0};
    return true;
}
