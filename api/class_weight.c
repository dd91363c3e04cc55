#include "api/class_weight.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "api/label_index.h"
#include "api/number.h"
#include "engine/memory.h"
#include "engine/weighing.h"

static const struct json_choice words[] = {{"none", CLASS_WEIGHT_NONE},
                                           {"balanced", CLASS_WEIGHT_BALANCED}};

void class_weight_free(struct class_weight *w) {
    free(w->by_class);
    *w = (struct class_weight){0};
}

/* A label as a member's name; `digits` has room for a number's. */
static const char *label_text(const struct labels *labels, size_t index,
                              char digits[NUMBER_TEXT_MAX + 1]) {
    if (labels->kind == LABEL_STRING)
        return labels->strings[index];
    if (labels->kind == LABEL_BOOLEAN)
        return labels->numbers[index] != 0 ? "true" : "false";
    digits[number_print_double(labels->numbers[index], digits)] = '\0';
    return digits;
}

static int32_t label_find(const struct label_index *index, enum label_kind kind,
                          const char *name) {
    const char *at = name, *end = name + strlen(name);
    double number;
    if (kind == LABEL_STRING)
        return label_index_find(index, name, 0);
    if (kind == LABEL_NUMBER)
        return number_scan_double(&at, end, &number) == NUMBER_OK && at == end
                   ? label_index_find(index, NULL, number + 0.0) /* -0 is 0 */
                   : -1;
    return strcmp(name, "true") == 0    ? label_index_find(index, NULL, 1)
           : strcmp(name, "false") == 0 ? label_index_find(index, NULL, 0)
                                        : -1;
}

static bool label_unknown(const char *name, const struct labels *labels,
                          const char *where, struct err *e) {
    size_t nearest = 0, best = SIZE_MAX;
    char digits[NUMBER_TEXT_MAX + 1];
    for (size_t i = 0; i < labels->n; i++) {
        size_t d = json_distance(name, label_text(labels, i, digits));
        if (d < best) {
            best = d;
            nearest = i;
        }
    }
    return err_set(e, ERR_INVALID, where,
                   "\"%.60s\" is none of the classes; the nearest is \"%.60s\"", name,
                   label_text(labels, nearest, digits));
}

static bool member_decode(const char *name, json_t *value, const char *path,
                          const struct label_index *index, const struct labels *labels,
                          float *by_class, bool *given, struct err *e) {
    struct json_slot slot = {.value = value};
    json_path_key(slot.path, path, name);
    int32_t class = label_find(index, labels->kind, name);
    if (class < 0)
        return label_unknown(name, labels, slot.path, e);
    if (given[class])
        return err_set(e, ERR_INVALID, slot.path, "names a class that has its weight");
    given[class] = true;
    return json_float(&slot, (struct json_bounds){.max = FLT_MAX}, &by_class[class], e);
}

static bool members_decode(const struct json_slot *slot, const struct labels *labels,
                           float *by_class, struct err *e) {
    struct label_index index = {0};
    bool *given = memory_new(labels->n, sizeof *given), some = false;
    bool ok = given ? label_index_init(&index, labels, e)
                    : err_set(e, ERR_NO_MEMORY, NULL, "no memory for the weights");
    for (size_t c = 0; ok && c < labels->n; c++)
        by_class[c] = 1;
    const char *name;
    json_t *value;
    if (ok)
        json_object_foreach(slot->value, name, value) {
            ok = ok && member_decode(name, value, slot->path, &index, labels, by_class,
                                     given, e);
        }
    for (size_t c = 0; ok && c < labels->n; c++)
        some = some || by_class[c] > 0;
    label_index_free(&index);
    free(given);
    return ok && (some || err_set(e, ERR_INVALID, slot->path,
                                  "expected a weight above 0 for one class at least"));
}

bool class_weight_decode(const struct json_slot *slot, const struct labels *labels,
                         struct class_weight *w, struct err *e) {
    int word = CLASS_WEIGHT_NONE;
    bool object = json_is_object(slot->value);
    if (slot->value && !object && !json_is_string(slot->value))
        return err_set(e, ERR_INVALID, slot->path,
                       "expected none, balanced or an object of weights, got %s",
                       json_kind(slot->value));
    if (!object && !json_choose(slot, words, 2, &word, e))
        return false;
    w->kind = object ? CLASS_WEIGHT_GIVEN : (enum class_weight_kind)word;
    if (w->kind != CLASS_WEIGHT_NONE && !labels->n)
        return err_set(e, ERR_INVALID, slot->path, "the task has no classes to weigh");
    if (!object)
        return true;
    w->by_class = memory_new(labels->n, sizeof *w->by_class);
    if (!w->by_class)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the weights");
    return members_decode(slot, labels, w->by_class, e);
}

void class_weight_encode(const struct class_weight *w, const struct labels *labels,
                         struct text *out) {
    char digits[NUMBER_TEXT_MAX + 1];
    if (w->kind != CLASS_WEIGHT_GIVEN) {
        text_json_string(out, words[w->kind].name);
        return;
    }
    text_open(out, '{');
    for (size_t i = 0; i < labels->n; i++) {
        text_key(out, label_text(labels, i, digits));
        text_json_float(out, w->by_class[i]);
    }
    text_close(out, '}');
}

bool class_weight_samples(const struct class_weight *w, size_t labels_n,
                          struct targets targets, size_t m, float **weights,
                          struct err *e) {
    *weights = w->kind == CLASS_WEIGHT_NONE
                   ? NULL
                   : weighing_new(targets, m, w->by_class, labels_n, e);
    return *weights || w->kind == CLASS_WEIGHT_NONE;
}
