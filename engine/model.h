/* What a trained model is: the net, the transform of its inputs, the task, and the names
 * of its classes. Immutable once it is settled; any number of threads predict with it. */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include <stdint.h>

#include "engine/encoder.h"
#include "engine/inference.h"
#include "engine/loss.h"
#include "engine/net.h"
#include "engine/transform.h"

/* What the outputs mean. */
enum task {
    TASK_REGRESSION,  /* numbers, as they are */
    TASK_BINARY,      /* one sigmoid unit: the probability of the second of two classes */
    TASK_MULTI_CLASS, /* softmax: a probability a class */
    TASK_MULTI_LABEL, /* k sigmoid units, each 0 or 1 by itself */
    TASKS_N
};

const char *task_name(enum task task);

/* Class labels as they stood in the targets. All of one kind. */
enum label_kind { LABEL_NUMBER, LABEL_STRING, LABEL_BOOLEAN };
struct labels {
    enum label_kind kind;
    size_t n; /* 0 when the task has no classes */
    double
        *numbers;   /* (n): LABEL_NUMBER, or LABEL_BOOLEAN as 0 and 1; else NULL; owned */
    char **strings; /* (n): LABEL_STRING; else NULL; owned, each with its text */
};
void labels_free(struct labels *labels);

struct model {
    enum task task;
    enum loss loss;
    struct encoder encoder;      /* owned; columns_n 0: n[0] unnamed number columns */
    struct net *net;             /* owned */
    struct inference *inference; /* owned; NULL until model_settle */
    struct transform transform;  /* owned */
    struct labels labels;        /* owned */
};

/* Takes what *from holds and zeroes it. @return NULL with ERR_NO_MEMORY. */
struct model *model_new(struct model *from, struct err *e)
    __attribute__((warn_unused_result));
void model_free(struct model *model); /* NULL is allowed */

/* Lays it out for predictions, once. It does not look at the parameters of its net from
 * then on. @return false with ERR_NO_MEMORY; it is then as it was. */
bool model_settle(struct model *model, struct err *e) __attribute__((warn_unused_result));

/* Rows are predicted in tiles of this many, so that scratch does not grow with m: whole
 * tiles of panels, which have six. */
enum { MODEL_TILE_ROWS = 126 };

/* Floats of scratch, aligned to 64 bytes, for any number of rows up to m. */
size_t model_scratch_n(const struct model *model, size_t m);

/* Y (m, outputs) from raw X (m, inputs): transform, then forward propagation. Of a model
 * that is settled. */
void model_predict(const struct model *model, const float *X, size_t m, float *scratch,
                   float *Y);

#endif
