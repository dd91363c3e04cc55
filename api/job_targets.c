/* The targets of a job: which task they pose, which classes they name, whether the output
 * layer and the loss fit them, and the arrays that the loss takes. */
#include "api/job_internal.h"

#include <float.h>
#include <math.h>
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

static int task_from_targets(const struct column *targets, const double *distinct,
                             size_t distinct_n) {
    size_t classes_n = distinct_n;
    switch (targets->kind) {
    case COLUMN_ROWS: {
        struct row_look look = rows_look(&targets->rows);
        return look.one_hot    ? TASK_MULTI_CLASS
               : look.zero_one ? TASK_MULTI_LABEL
                               : TASK_REGRESSION;
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

/* What an output layer or a loss that the user gave says of the task; -1: nothing. */
static int task_from_shape(const struct job_shape *shape, const struct column *targets) {
    const struct layer_shape *output =
        shape->complete ? &shape->layers[shape->layers_n - 1] : NULL;
    if (shape->loss == LOSS_MSE)
        return TASK_REGRESSION;
    if (shape->loss == LOSS_CROSS_ENTROPY)
        return TASK_MULTI_CLASS;
    if (!output && shape->loss < 0)
        return -1;
    if (output && output->activation == ACTIVATION_SOFTMAX)
        return TASK_MULTI_CLASS;
    if (output && output->activation != ACTIVATION_SIGMOID && shape->loss < 0)
        return TASK_REGRESSION;
    size_t outputs = output                             ? output->units_n
                     : targets->kind == COLUMN_ROWS ? targets->rows.columns_n
                                                        : 1;
    return outputs > 1 ? TASK_MULTI_LABEL : TASK_BINARY;
}

static const struct {
    enum activation activation;
    enum loss loss;
} task_defaults[TASKS_N] = {
    [TASK_REGRESSION] = {ACTIVATION_LINEAR, LOSS_MSE},
    [TASK_BINARY] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY},
    [TASK_MULTI_CLASS] = {ACTIVATION_SOFTMAX, LOSS_CROSS_ENTROPY},
    [TASK_MULTI_LABEL] = {ACTIVATION_SIGMOID, LOSS_BINARY_CROSS_ENTROPY},
};

static bool wrong_target(const struct column *targets, const char *task,
                         struct err *e) {
    static const char *const kinds[] = {
        [COLUMN_NUMBERS] = "a number",
        [COLUMN_STRINGS] = "a string",
        [COLUMN_BOOLEANS] = "a boolean",
        [COLUMN_ROWS] = "an array",
    };
    char where[ERR_WHERE_MAX];
    target_path(where, 0);
    return err_set(e, ERR_INVALID, where, "expected a %s, got %s",
                   task, kinds[targets->kind]);
}

/* ---- values: regression and multi-label ------------------------------------------------ */

static bool values_from_numbers(const struct column *targets, struct job_request *request,
                                struct err *e) {
    request->values = memory_new(targets->n, sizeof *request->values);
    if (!request->values)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    for (size_t i = 0; i < targets->n; i++) {
        if (fabs(targets->numbers[i]) > FLT_MAX) {
            char where[ERR_WHERE_MAX];
            target_path(where, i);
            return err_set(e, ERR_RANGE, where, "%g is outside float32",
                           targets->numbers[i]);
        }
        request->values[i] = (float)targets->numbers[i];
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
    if (request->spec.task == TASK_MULTI_LABEL && !rows_look(&targets->rows).zero_one)
        return err_set(e, ERR_INVALID, targets_path,
                       "expected rows of 0 and 1 for several labels");
    *outputs_n = targets->rows.columns_n;
    request->values = targets->rows.values;
    targets->rows.values = NULL;
    return true;
}

/* ---- classes: binary and multi-class ---------------------------------------------------- */

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

/* Whether the distinct numbers are among 0..outputs_n-1, so that those are the labels though
 * some may be absent. */
static bool numbers_index_outputs(const double *distinct, size_t n, size_t outputs_n) {
    for (size_t i = 0; i < n; i++)
        if (distinct[i] != floor(distinct[i]) || distinct[i] < 0 ||
            distinct[i] >= (double)outputs_n)
            return false;
    return outputs_n > 0;
}

/* Classes of number or boolean targets; `expected_n` is 0 where the targets decide. */
static bool classes_from_numbers(const struct column *targets, const double *distinct,
                                 size_t distinct_n, size_t expected_n,
                                 struct job_request *request, struct err *e) {
    struct labels *labels = &request->spec.labels;
    bool ok;
    if (targets->kind == COLUMN_BOOLEANS && expected_n <= 2) {
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

static bool labels_check(const struct labels *labels, size_t expected_n, struct err *e) {
    size_t n = labels->n, bytes = 0;
    if (n < 2)
        return err_set(e, ERR_INVALID, targets_path,
                       "expected at least two classes, got %zu", n);
    if (n > JOB_CLASSES_MAX)
        return err_set(e, ERR_TOO_LARGE, targets_path,
                       "expected at most %d classes, got %zu", JOB_CLASSES_MAX, n);
    if (expected_n && n != expected_n)
        return err_set(e, ERR_INVALID, targets_path,
                       "%zu classes do not fit the output layer, which has room for %zu",
                       n, expected_n);
    for (size_t i = 0; labels->kind == LABEL_STRING && i < n; i++)
        bytes += strlen(labels->strings[i]);
    return bytes <= JOB_LABEL_BYTES_MAX ||
           err_set(e, ERR_TOO_LARGE, targets_path,
                   "the names of the %zu classes take %zu bytes, at most %d are accepted",
                   n, bytes, JOB_LABEL_BYTES_MAX);
}

static bool classes_resolve(struct column *targets, const double *distinct,
                            size_t distinct_n, size_t expected_n,
                            struct job_request *request, struct err *e) {
    request->classes = memory_new(targets->n, sizeof *request->classes);
    if (!request->classes)
        return err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    bool ok = targets->kind == COLUMN_ROWS      ? classes_from_one_hot(targets, request, e)
              : targets->kind == COLUMN_STRINGS ? classes_from_strings(targets, request, e)
                                                : classes_from_numbers(targets, distinct,
                                                                       distinct_n, expected_n,
                                                                       request, e);
    return ok && labels_check(&request->spec.labels, expected_n, e);
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

/* ---- the output layer ------------------------------------------------------------------- */

static bool output_complete(struct job_shape *shape, struct job_request *request,
                            size_t outputs_n, struct err *e) {
    struct job_spec *spec = &request->spec;
    if (!shape->complete)
        shape->layers[shape->layers_n++] = (struct layer_shape){
            outputs_n, task_defaults[spec->task].activation, ACTIVATION_NEGATIVE_SLOPE};
    if (shape->layers_n > NET_LAYERS_MAX)
        return err_set(e, ERR_RANGE, "/hidden_layers",
                       "expected at most %d layers with the output layer, got %zu",
                       NET_LAYERS_MAX, shape->layers_n);
    const struct layer_shape *output = &shape->layers[shape->layers_n - 1];
    if (output->units_n != outputs_n)
        return err_set(e, ERR_INVALID, targets_path,
                       "the output layer has %zu units, the targets need %zu",
                       output->units_n, outputs_n);
    if (shape->outputs_n && shape->outputs_n != outputs_n)
        return err_set(e, ERR_INVALID, "/layers_dims",
                       "ends with %zu outputs, the targets need %zu", shape->outputs_n,
                       outputs_n);
    spec->loss = shape->loss >= 0 ? (enum loss)shape->loss : task_defaults[spec->task].loss;
    if (!loss_fits(spec->loss, output->activation) ||
        (shape->log_loss && spec->loss == LOSS_MSE))
        return err_set(e, ERR_INVALID, shape->loss >= 0 || shape->log_loss ? "/loss" : "/layers",
                       "%s does not fit %s on the output layer",
                       shape->log_loss ? "log_loss" : loss_name(spec->loss),
                       activation_name(output->activation));
    spec->layers = shape->layers;
    spec->layers_n = shape->layers_n;
    shape->layers = NULL;
    return true;
}

/* A task that was named must be the one that output layer and loss pose. */
static bool task_resolve(const struct job_shape *shape, const struct column *targets,
                         const double *distinct, size_t distinct_n, enum task *task,
                         struct err *e) {
    int posed = task_from_shape(shape, targets);
    if (shape->task >= 0 && posed >= 0 && posed != shape->task)
        return err_set(e, ERR_INVALID, "/task", "%s does not fit the output layer and loss, "
                       "which pose %s",
                       task_name((enum task)shape->task), task_name((enum task)posed));
    int chosen = shape->task >= 0 ? shape->task
                 : posed >= 0     ? posed
                                  : task_from_targets(targets, distinct, distinct_n);
    *task = (enum task)chosen;
    return true;
}

bool job_targets_resolve(struct job_shape *shape, struct column *targets,
                         struct job_request *request, struct err *e) {
    struct job_spec *spec = &request->spec;
    double *distinct = NULL;
    size_t distinct_n = 0, outputs_n = 1;
    bool ok = single_column(targets, e);
    if (ok && targets->numbers) {
        distinct = distinct_new(targets->numbers, targets->n, &distinct_n);
        ok = distinct || err_set(e, ERR_NO_MEMORY, targets_path, "no memory for the targets");
    }
    ok = ok && task_resolve(shape, targets, distinct, distinct_n, &spec->task, e);
    if (ok && (spec->task == TASK_BINARY || spec->task == TASK_MULTI_CLASS)) {
        size_t expected_n = spec->task == TASK_BINARY ? 2
                            : shape->complete ? shape->layers[shape->layers_n - 1].units_n
                                              : shape->outputs_n;
        ok = classes_resolve(targets, distinct, distinct_n, expected_n, request, e) &&
             (spec->task != TASK_BINARY || binary_values(request, targets->n, e));
        outputs_n = spec->task == TASK_BINARY ? 1 : spec->labels.n;
    } else if (ok) {
        ok = values_resolve(targets, request, &outputs_n, e);
    }
    free(distinct);
    return ok && output_complete(shape, request, outputs_n, e);
}
