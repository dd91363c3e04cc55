/* The targets of a job: which task they pose, which classes they name, whether the output
 * layer and the loss fit them, and the arrays that the loss takes. */
#include "api/job_origin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"

static const char targets_path[] = "/data/targets";

static void target_path(char where[ERR_WHERE_MAX], size_t row) {
    json_path_index(where, targets_path, row);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The distinct numbers of values[0..n), ascending: a new array, NULL without memory. */
static double *distinct_new(const double *values, size_t n, size_t *distinct_n) {
    double *sorted = memory_new(n, sizeof *sorted);
    if (!sorted)
        return NULL;
    for (size_t i = 0; i < n; i++)
        sorted[i] = values[i] + 0.0; /* -0 and 0 are one class */
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!k || sorted[k - 1] != sorted[i])
            sorted[k++] = sorted[i];
    *distinct_n = k;
    return sorted;
}

/* m rows of one number each are m numbers. */
static bool single_column(struct column *targets, struct err *e) {
    if (targets->kind != COLUMN_ROWS || targets->rows.columns_n != 1)
        return true;
    double *numbers = memory_new(targets->n, sizeof *numbers);
    if (!numbers)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    for (size_t i = 0; i < targets->n; i++)
        numbers[i] = (double)targets->rows.values[i];
    rows_free(&targets->rows);
    targets->kind = COLUMN_NUMBERS;
    targets->numbers = numbers;
    return true;
}

struct row_look {
    bool zero_one; /* each value is 0 or 1 */
    bool one_hot;  /* and each row has exactly one 1 */
};

static struct row_look rows_look(const struct rows *rows) {
    struct row_look look = {true, rows->columns_n > 1};
    for (size_t i = 0; i < rows->rows_n && look.zero_one; i++) {
        size_t ones = 0;
        for (size_t j = 0; j < rows->columns_n; j++) {
            float v = rows->values[i * rows->columns_n + j];
            look.zero_one = look.zero_one && (v == 0 || v == 1);
            ones += v == 1;
        }
        look.one_hot = look.one_hot && ones == 1;
    }
    look.one_hot = look.one_hot && look.zero_one;
    return look;
}

/* Whether numbers look like class labels: few distinct integers, more than one. */
static bool numbers_are_classes(const double *distinct, size_t n) {
    if (n < 2 || n > JOB_INFERRED_CLASSES_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (distinct[i] != floor(distinct[i]))
            return false;
    return true;
}

/* Sigmoid outputs or their loss were asked for: each output is a label by itself. */
static bool outputs_are_labels(const struct job_shape *shape) {
    return shape->loss == LOSS_BINARY_CROSS_ENTROPY ||
           (shape->complete &&
            shape->layers[shape->layers_n - 1].activation == ACTIVATION_SIGMOID);
}

static int task_from_targets(const struct job_shape *shape, const struct column *targets,
                             const double *distinct, size_t distinct_n) {
    size_t classes_n = distinct_n;
    switch (targets->kind) {
    case COLUMN_ROWS: {
        struct row_look look = rows_look(&targets->rows);
        if (!look.zero_one)
            return TASK_REGRESSION;
        return look.one_hot && !outputs_are_labels(shape) ? TASK_MULTI_CLASS
                                                          : TASK_MULTI_LABEL;
    }
    case COLUMN_STRINGS:
        classes_n = targets->strings.n;
        break;
    case COLUMN_BOOLEANS:
        return TASK_BINARY;
    case COLUMN_NUMBERS:
        if (!numbers_are_classes(distinct, distinct_n))
            return TASK_REGRESSION;
        break;
    }
    return classes_n > 2 ? TASK_MULTI_CLASS : TASK_BINARY;
}

/* What an output layer or a loss that the user gave says of the task by itself; -1:
 * nothing, the targets decide. */
static int task_from_shape(const struct job_shape *shape) {
    if (!shape->complete)
        return shape->loss == LOSS_MSE             ? TASK_REGRESSION
               : shape->loss == LOSS_CROSS_ENTROPY ? TASK_MULTI_CLASS
                                                   : -1;
    int output = (int)shape->layers[shape->layers_n - 1].activation;
    return output == JOB_ACTIVATION_OPEN || output == ACTIVATION_SIGMOID ? -1
           : output == ACTIVATION_SOFTMAX ? TASK_MULTI_CLASS
                                          : TASK_REGRESSION;
}

/* What each task has where nothing was said, and whether mse may stand in. */
static const struct {
    enum activation activation;
    enum loss loss;
    bool mse;
} task_defaults[TASKS_N] = {
    [TASK_REGRESSION] = {ACTIVATION_LINEAR, LOSS_MSE, true},
    [TASK_BINARY] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY, true},
    [TASK_MULTI_CLASS] = {ACTIVATION_SOFTMAX, LOSS_CROSS_ENTROPY, false},
    [TASK_MULTI_LABEL] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY, true},
};

static bool wrong_target(const struct column *targets, const char *task, struct err *e) {
    static const char *const kinds[] = {
        [COLUMN_NUMBERS] = "a number",
        [COLUMN_STRINGS] = "a string",
        [COLUMN_BOOLEANS] = "a boolean",
        [COLUMN_ROWS] = "an array",
    };
    char where[ERR_WHERE_MAX];
    target_path(where, 0);
    return err_set(e, ERR_INVALID, where, "expected a %s, got %s", task,
                   kinds[targets->kind]);
}

/* ---- values: regression and multi-label ----------------------------------------- */

static bool values_from_numbers(const struct column *targets, struct job_request *request,
                                struct err *e) {
    request->values = memory_new(targets->n, sizeof *request->values);
    if (!request->values)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    for (size_t i = 0; i < targets->n; i++) {
        request->values[i] = (float)targets->numbers[i];
        if (!isfinite(request->values[i])) {
            char where[ERR_WHERE_MAX];
            target_path(where, i);
            return err_set(e, ERR_RANGE, where, "%g is outside float32",
                           targets->numbers[i]);
        }
    }
    return true;
}

static bool zero_one_check(const struct rows *rows, struct err *e) {
    for (size_t i = 0; i < rows->rows_n * rows->columns_n; i++) {
        float v = rows->values[i];
        if (v != 0 && v != 1) {
            char row[ERR_WHERE_MAX], where[ERR_WHERE_MAX];
            target_path(row, i / rows->columns_n);
            json_path_index(where, row, i % rows->columns_n);
            return err_set(e, ERR_INVALID, where,
                           "expected 0 or 1 for one of several labels, got %g",
                           (double)v);
        }
    }
    return true;
}

static bool values_resolve(struct column *targets, struct job_request *request,
                           size_t *outputs_n, struct err *e) {
    *outputs_n = 1;
    if (targets->kind == COLUMN_NUMBERS && request->spec.task == TASK_REGRESSION)
        return values_from_numbers(targets, request, e);
    if (targets->kind != COLUMN_ROWS)
        return wrong_target(targets,
                            request->spec.task == TASK_REGRESSION
                                ? "number for a regression"
                                : "row of 0 and 1 for several labels",
                            e);
    if (request->spec.task == TASK_MULTI_LABEL && !zero_one_check(&targets->rows, e))
        return false;
    *outputs_n = targets->rows.columns_n;
    request->values = targets->rows.values;
    targets->rows.values = NULL;
    return true;
}

/* ---- classes: binary and multi-class -------------------------------------------- */

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Labels 0..n-1. */
static bool labels_count(struct labels *labels, size_t n) {
    labels->kind = LABEL_NUMBER;
    labels->numbers = memory_new(n, sizeof *labels->numbers);
    labels->n = labels->numbers ? n : 0;
    for (size_t i = 0; i < labels->n; i++)
        labels->numbers[i] = (double)i;
    return labels->numbers;
}

/* Whether the distinct numbers are among 0..outputs_n-1, so that those are the labels
 * though some may be absent. */
static bool numbers_index_outputs(const double *distinct, size_t n, size_t outputs_n) {
    for (size_t i = 0; i < n; i++)
        if (distinct[i] != floor(distinct[i]) || distinct[i] < 0 ||
            distinct[i] >= (double)outputs_n)
            return false;
    return outputs_n > 0;
}

/* A number names a class when it is whole (0.5 is a measurement) and exact: from 2^53 on
 * neighbours are one double, so two labels would become one without a word. */
static bool labels_exact(const struct column *targets, struct err *e) {
    const double max = 9007199254740992.0; /* 2^53 */
    for (size_t i = 0; i < targets->n; i++) {
        double number = targets->numbers[i];
        char where[ERR_WHERE_MAX];
        target_path(where, i);
        if (number != floor(number))
            return err_set(e, ERR_INVALID, where,
                           "expected a whole number, a string or a boolean for a class, "
                           "got %g",
                           number);
        if (fabs(number) >= max)
            return err_set(
                e, ERR_RANGE, where,
                "the class label %.17g is not below 2^53, where numbers begin to merge: "
                "give labels like it as strings",
                number);
    }
    return true;
}

/* Classes of number or boolean targets; `expected_n` is 0 where the targets decide. */
static bool classes_from_numbers(const struct column *targets, const double *distinct,
                                 size_t distinct_n, size_t expected_n,
                                 struct job_request *request, struct err *e) {
    struct labels *labels = &request->spec.labels;
    bool ok;
    if (!labels_exact(targets, e))
        return false;
    if (targets->kind == COLUMN_BOOLEANS) {
        ok = labels_count(labels, 2);
        labels->kind = LABEL_BOOLEAN;
    } else if (numbers_index_outputs(distinct, distinct_n, expected_n)) {
        ok = labels_count(labels, expected_n);
    } else {
        ok = labels_count(labels, distinct_n);
        if (ok)
            memcpy(labels->numbers, distinct, distinct_n * sizeof *distinct);
    }
    if (!ok)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the classes");
    for (size_t i = 0; i < targets->n; i++) {
        double key = targets->numbers[i] + 0.0;
        const double *at =
            bsearch(&key, labels->numbers, labels->n, sizeof key, compare_doubles);
        request->classes[i] = (int32_t)(at - labels->numbers);
    }
    return true;
}

/* Classes of string targets, in the order of their bytes. */
static bool classes_from_strings(struct column *targets, struct job_request *request,
                                 struct err *e) {
    struct labels *labels = &request->spec.labels;
    size_t n = targets->strings.n;
    char **unsorted = memory_new(n, sizeof *unsorted);
    int32_t *rank = memory_new(n, sizeof *rank);
    if (!unsorted || !rank) {
        free(unsorted);
        free(rank);
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the classes");
    }
    memcpy(unsorted, targets->strings.strings, n * sizeof *unsorted);
    *labels = targets->strings;
    targets->strings = (struct labels){0};
    qsort(labels->strings, n, sizeof *labels->strings, compare_strings);
    for (size_t i = 0; i < n; i++) {
        char **at = bsearch(&unsorted[i], labels->strings, n, sizeof *labels->strings,
                            compare_strings);
        rank[i] = (int32_t)(at - labels->strings);
    }
    for (size_t i = 0; i < targets->n; i++)
        request->classes[i] = rank[targets->string_ids[i]];
    free(unsorted);
    free(rank);
    return true;
}

static bool classes_from_one_hot(const struct column *targets,
                                 struct job_request *request, struct err *e) {
    size_t k = targets->rows.columns_n;
    if (!rows_look(&targets->rows).one_hot)
        return err_set(e, ERR_INVALID, targets_path,
                       "expected class labels, or rows with a single 1 among 0s");
    if (!labels_count(&request->spec.labels, k))
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the classes");
    for (size_t i = 0; i < targets->n; i++)
        for (size_t j = 0; j < k; j++)
            if (targets->rows.values[i * k + j] == 1)
                request->classes[i] = (int32_t)j;
    return true;
}

/* Labels are written into every document of the job and its models, escaped twice in the
 * latter's files. */
static bool label_bytes_check(const struct labels *labels, struct err *e) {
    size_t bytes = 0;
    for (size_t i = 0; labels->strings && i < labels->n; i++)
        bytes += strlen(labels->strings[i]);
    return bytes <= JOB_LABEL_BYTES_MAX ||
           err_set(e, ERR_TOO_LARGE, targets_path,
                   "expected class labels of at most %d bytes together, got %zu",
                   JOB_LABEL_BYTES_MAX, bytes);
}

static bool classes_resolve(const struct job_shape *shape, struct column *targets,
                            const double *distinct, size_t distinct_n, size_t expected_n,
                            struct job_request *request, struct err *e) {
    request->classes = memory_new(targets->n, sizeof *request->classes);
    if (!request->classes)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    bool ok =
        shape->known ? job_origin_classes(shape->known, targets, request, e)
        : targets->kind == COLUMN_ROWS ? classes_from_one_hot(targets, request, e)
        : targets->kind == COLUMN_STRINGS
            ? classes_from_strings(targets, request, e)
            : classes_from_numbers(targets, distinct, distinct_n, expected_n, request, e);
    if (!ok)
        return false;
    size_t n = request->spec.labels.n;
    if (n < 2)
        return err_set(e, ERR_INVALID, targets_path,
                       "expected at least two classes, got %zu", n);
    if (n > JOB_CLASSES_MAX)
        return err_set(e, ERR_TOO_LARGE, targets_path,
                       "expected at most %d classes, got %zu", JOB_CLASSES_MAX, n);
    if (request->spec.task == TASK_BINARY && n != 2)
        return err_set(e, ERR_INVALID, targets_path, "expected two classes, got %zu", n);
    return label_bytes_check(&request->spec.labels, e);
}

/* The loss takes one sigmoid's targets as values 0 and 1. */
static bool binary_values(struct job_request *request, size_t m, struct err *e) {
    request->values = memory_new(m, sizeof *request->values);
    if (!request->values)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    for (size_t i = 0; i < m; i++)
        request->values[i] = (float)request->classes[i];
    free(request->classes);
    request->classes = NULL;
    return true;
}

/* ---- the output layer ----------------------------------------------------------- */

static bool loss_resolve(const struct job_shape *shape, struct job_spec *spec,
                         struct err *e) {
    enum loss usual = task_defaults[spec->task].loss;
    enum loss loss = shape->loss >= 0 ? (enum loss)shape->loss : usual;
    spec->loss = loss;
    bool fits = loss == usual || (loss == LOSS_MSE && task_defaults[spec->task].mse);
    if (fits && !(shape->log_loss && loss == LOSS_MSE))
        return true;
    return err_set(e, ERR_INVALID, "/loss", "%s does not fit a %s task, which has %s",
                   shape->log_loss ? "log_loss" : loss_name(loss), task_name(spec->task),
                   loss_name(usual));
}

static bool output_activation_resolve(struct job_shape *shape,
                                      const struct job_spec *spec, struct err *e) {
    enum activation usual = task_defaults[spec->task].activation;
    if (!shape->complete)
        return true;
    struct layer_shape *output = &shape->layers[shape->layers_n - 1];
    if ((int)output->activation == JOB_ACTIVATION_OPEN)
        output->activation = usual;
    bool fits = spec->task == TASK_REGRESSION ? output->activation != ACTIVATION_SOFTMAX
                                              : output->activation == usual;
    if (fits)
        return true;
    char where[ERR_WHERE_MAX];
    snprintf(where, sizeof where, "/layers/%zu/activation", shape->layers_n - 1);
    return err_set(e, ERR_INVALID, where,
                   "%s does not fit the output of a %s task, which "
                   "has %s",
                   activation_name(output->activation), task_name(spec->task),
                   activation_name(usual));
}

/* The output layer has as many units as the targets need; where it was left out, it is
 * added. */
static bool output_units_resolve(struct job_shape *shape, const struct job_spec *spec,
                                 size_t outputs_n, struct err *e) {
    char where[ERR_WHERE_MAX];
    if (!shape->complete) {
        shape->layers[shape->layers_n++] = (struct layer_shape){
            .units_n = outputs_n,
            .activation = task_defaults[spec->task].activation,
            .negative_slope = ACTIVATION_NEGATIVE_SLOPE,
        };
        if (shape->layers_n > NET_LAYERS_MAX)
            return err_set(e, ERR_INVALID, "/hidden_layers",
                           "expected at most %d layers with the output layer, got %zu",
                           NET_LAYERS_MAX, shape->layers_n);
        snprintf(where, sizeof where, "/layers_dims/%zu", shape->layers_n);
        return !shape->outputs_n || shape->outputs_n == outputs_n ||
               err_set(e, ERR_INVALID, where,
                       "expected %zu outputs for these targets, got %zu", outputs_n,
                       shape->outputs_n);
    }
    size_t units_n = shape->layers[shape->layers_n - 1].units_n;
    snprintf(where, sizeof where, "/layers/%zu/units", shape->layers_n - 1);
    return units_n == outputs_n ||
           err_set(e, ERR_INVALID, where, "expected %zu units for these targets, got %zu",
                   outputs_n, units_n);
}

static enum task task_resolve(const struct job_shape *shape, const struct column *targets,
                              const double *distinct, size_t distinct_n) {
    int posed = task_from_shape(shape);
    return (enum task)(shape->task >= 0 ? shape->task
                       : posed >= 0
                           ? posed
                           : task_from_targets(shape, targets, distinct, distinct_n));
}

/* The targets as the loss takes them, and how many outputs they need. */
static bool outputs_resolve(const struct job_shape *shape, struct column *targets,
                            const double *distinct, size_t distinct_n,
                            struct job_request *request, size_t *outputs_n,
                            struct err *e) {
    struct job_spec *spec = &request->spec;
    if (spec->task == TASK_REGRESSION || spec->task == TASK_MULTI_LABEL)
        return values_resolve(targets, request, outputs_n, e);
    size_t room_n = spec->task == TASK_BINARY ? 0
                    : shape->complete         ? shape->layers[shape->layers_n - 1].units_n
                                              : shape->outputs_n;
    if (!classes_resolve(shape, targets, distinct, distinct_n, room_n, request, e) ||
        (spec->task == TASK_BINARY && !binary_values(request, targets->n, e)))
        return false;
    *outputs_n = spec->task == TASK_BINARY ? 1 : spec->labels.n;
    return true;
}

bool job_targets_resolve(struct job_shape *shape, struct column *targets,
                         struct job_request *request, struct err *e) {
    struct job_spec *spec = &request->spec;
    double *distinct = NULL;
    size_t distinct_n = 0, outputs_n = 1;
    if (!single_column(targets, e))
        return false;
    if (targets->numbers &&
        !(distinct = distinct_new(targets->numbers, targets->n, &distinct_n)))
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    spec->task = task_resolve(shape, targets, distinct, distinct_n);
    bool ok =
        loss_resolve(shape, spec, e) && output_activation_resolve(shape, spec, e) &&
        outputs_resolve(shape, targets, distinct, distinct_n, request, &outputs_n, e) &&
        output_units_resolve(shape, spec, outputs_n, e);
    free(distinct);
    if (!ok)
        return false;
    spec->layers = shape->layers;
    spec->layers_n = shape->layers_n;
    shape->layers = NULL;
    return true;
}
