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
    free(v->slots);
    free(v->bytes_seen);
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
 * which are the ones that depend on all of the key: the bits of whole numbers differ in
 * the upper ones alone. At most PROFILE_VALUES_MAX keys bound what a bad choice of them
 * can cost. */
static struct profile_slot *slot_find(const struct profile_values *v, uint64_t key) {
    uint64_t hash = (key ^ v->table.key[0]) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)((hash >> 32) * v->slots_n >> 32);
    while (v->slots[at].id && v->slots[at].key != key)
        at = (at + 1) & (v->slots_n - 1);
    return &v->slots[at];
}

static bool slots_grow(struct profile_values *v, struct err *e) {
    struct profile_values before = *v;
    size_t slots_n = before.slots_n ? before.slots_n * 2 : 16;
    struct profile_slot *slots = calloc(slots_n, sizeof *slots);
    if (!slots)
        return no_memory(e);
    v->slots_n = slots_n;
    v->slots = slots;
    for (size_t i = 0; i < before.slots_n; i++)
        if (before.slots[i].id)
            *slot_find(v, before.slots[i].key) = before.slots[i];
    free(before.slots);
    return true;
}

/* Counts a key that was seen, or says where it belongs: *slot is NULL or that place. */
static bool key_count(struct profile_values *v, uint64_t key, struct profile_slot **slot,
                      struct err *e) {
    if (v->keys_n * 2 >= v->slots_n && !slots_grow(v, e))
        return false;
    struct profile_slot *found = slot_find(v, key);
    *slot = found->id ? NULL : found;
    if (found->id && ++found->more == UINT32_MAX) {
        v->counts[found->id - 1] += found->more;
        found->more = 0;
    }
    return true;
}

static void key_add(struct profile_values *v, struct profile_slot *slot, uint64_t key,
                    int32_t id) {
    if (id < 0)
        return; /* the column gave up */
    *slot = (struct profile_slot){key, (uint32_t)id + 1, 0};
    v->keys_n++;
}

/* Pictures are wide tables of bytes: counting those where they stand, instead of looking
 * them up, keeps what a row touches within the cache. */
enum { BYTE_VALUES = 256 };

/* The place of a number that is a byte; NULL for others, and without the table. */
static uint32_t *byte_find(const struct profile_values *v, double number) {
    if (!v->bytes_seen || !(number >= 0 && number < BYTE_VALUES))
        return NULL;
    size_t at = (size_t)number;
    double whole = (double)at; /* of 0 and -0, which are spelt differently, 0 alone */
    return memcmp(&whole, &number, sizeof whole) == 0 ? &v->bytes_seen[at] : NULL;
}

static void byte_fold(struct profile_values *v, size_t at) {
    double number = (double)at;
    uint64_t key;
    memcpy(&key, &number, sizeof key);
    v->counts[slot_find(v, key)->id - 1] += v->bytes_seen[at] - 1;
    v->bytes_seen[at] = 1;
}

/* Counts a byte that was seen. */
static bool byte_count(struct profile_values *v, double number) {
    uint32_t *seen = byte_find(v, number);
    if (!seen || !*seen)
        return false;
    if (++*seen == UINT32_MAX)
        byte_fold(v, (size_t)number);
    return true;
}

/* From now on this number, which has a slot, is counted there. Without memory or budget
 * for the table it goes on without. */
static void byte_add(struct profile_values *v, double number, size_t *budget) {
    size_t bytes = BYTE_VALUES * sizeof *v->bytes_seen;
    if (!v->bytes_seen && bytes <= *budget &&
        (v->bytes_seen = calloc(BYTE_VALUES, sizeof *v->bytes_seen))) {
        *budget -= bytes;
        v->bytes += bytes;
    }
    uint32_t *seen = byte_find(v, number);
    if (seen)
        *seen = 1;
}

/* A number without a spelling is looked up by its bits, and printed when it is new. */
static bool number_add(struct profile_values *v, double number, size_t *budget,
                       struct err *e) {
    uint64_t key;
    struct profile_slot *slot;
    char text[NUMBER_TEXT_MAX];
    int32_t id;
    if (byte_count(v, number))
        return true;
    memcpy(&key, &number, sizeof key);
    if (!key_count(v, key, &slot, e))
        return false;
    if (!slot)
        return true;
    if (!text_add(v, text, number_print_double(number, text), budget, &id, e))
        return false;
    key_add(v, slot, key, id);
    if (id >= 0)
        byte_add(v, number, budget);
    return true;
}

/* A short spelling is its own key, with its length: most cells are short, and this is
 * cheaper than a keyed hash. A source either spells its numbers or does not, so that keys
 * of both kinds do not meet in a column. */
enum { KEY_TEXT_MAX = sizeof(uint64_t) - 1 };
static bool short_add(struct profile_values *v, const char *text, size_t n,
                      size_t *budget, struct err *e) {
    uint64_t key = 0;
    struct profile_slot *slot;
    int32_t id;
    for (size_t i = 0; i < n; i++)
        key = key << 8 | (unsigned char)text[i];
    key = key << 8 | n;
    if (!key_count(v, key, &slot, e))
        return false;
    if (!slot)
        return true;
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
    if (v->table.strings == NULL) /* its key is the slots' as well */
        intern_init(&v->table, &v->strings, PROFILE_VALUES_MAX);
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
    for (size_t i = 0; v->bytes_seen && i < BYTE_VALUES; i++)
        if (v->bytes_seen[i])
            byte_fold(v, i);
    for (size_t i = 0; i < v->slots_n; i++)
        if (v->slots[i].id)
            v->counts[v->slots[i].id - 1] += v->slots[i].more;
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
