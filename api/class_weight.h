/* class_weight of a job: how much the rows of each class count in the cost. */
#ifndef API_CLASS_WEIGHT_H
#define API_CLASS_WEIGHT_H

#include "api/json.h"
#include "api/text.h"
#include "engine/model.h"

enum class_weight_kind {
    CLASS_WEIGHT_NONE,
    CLASS_WEIGHT_BALANCED, /* each class as much as any other */
    CLASS_WEIGHT_GIVEN
};

/* Zero-initialise: none. */
struct class_weight {
    enum class_weight_kind kind;
    float *by_class; /* GIVEN: one a label, finite and not negative; owned */
};
void class_weight_free(struct class_weight *w);

/* "none", "balanced" or an object {label: weight}, whose labels are those of the task, a
 * number in any spelling; a label that it leaves out weighs 1. ERR_INVALID where the task
 * has no labels, for a label that is none of them or comes twice, and where all weigh 0;
 * ERR_RANGE for a weight below 0 or outside float32. */
bool class_weight_decode(const struct json_slot *slot, const struct labels *labels,
                         struct class_weight *w, struct err *e)
    __attribute__((warn_unused_result));

/* The value: with every label where weights were given. */
void class_weight_encode(const struct class_weight *w, const struct labels *labels,
                         struct text *out);

/* The weights of m samples, of mean 1 (engine/weighing.h); *weights is NULL where nothing
 * was asked for, else a new array. Errors as weighing_new. */
bool class_weight_samples(const struct class_weight *w, size_t labels_n,
                          struct targets targets, size_t m, float **weights,
                          struct err *e) __attribute__((warn_unused_result));

#endif
