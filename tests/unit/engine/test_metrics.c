/* Metrics against those of tests/golden/make_metrics.py, which are scikit-learn's. Run
 * from the top of the repository. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/memory.h"
#include "engine/metrics.h"
#include "tests/unit/check.h"

#define TOLERANCE 1e-6

/* Reads `name`, which must come next, and then n numbers. */
static bool numbers_read(FILE *file, const char *name, float *out, size_t n) {
    char word[32] = "";
    if (fscanf(file, "%31s", word) != 1 || strcmp(word, name) != 0)
        return CHECK_SAY(false, "\"%s\" instead of \"%s\"", word, name);
    for (size_t i = 0; i < n; i++)
        if (fscanf(file, "%f", &out[i]) != 1)
            return CHECK_SAY(false, "number %zu of %s", i, name);
    return true;
}

/* Reads what `name` should be and holds `got` against it. */
static bool number_check(FILE *file, const char *name, double got) {
    char word[32] = "";
    double want;
    if (fscanf(file, "%31s %lf", word, &want) != 2 || strcmp(word, name) != 0)
        return CHECK_SAY(false, "\"%s\" instead of \"%s\"", word, name);
    double scale = fmax(fabs(want), 1);
    return CHECK_SAY(isnan(want) ? isnan(got) : fabs(got - want) <= TOLERANCE * scale,
                     "%s is %.9g, not %.9g", name, got, want);
}

static bool confusion_check(FILE *file, const uint64_t *confusion, size_t k) {
    float *want = memory_new(k * k, sizeof *want);
    bool ok = numbers_read(file, "confusion", want, k * k);
    for (size_t i = 0; i < k * k; i++)
        ok = CHECK_SAY(confusion[i] == (uint64_t)want[i], "row %zu, column %zu", i / k,
                       i % k) &&
             ok;
    free(want);
    return ok;
}

static bool classes_golden(FILE *file, size_t m, size_t k) {
    float *P = memory_new(m * k, sizeof *P), *y = memory_new(m, sizeof *y);
    int32_t *classes = memory_new(m, sizeof *classes);
    struct class_metrics got = {.k = 0};
    struct err e = {0};
    bool ok = numbers_read(file, "y", y, m);
    for (size_t i = 0; ok && i < m; i++) {
        classes[i] = (int32_t)y[i];
        ok = numbers_read(file, "p", P + i * k, k);
    }
    ok = ok && CHECK(metrics_classes(P, classes, m, k, &got, &e)) && CHECK(got.k == k);
    ok = ok && number_check(file, "accuracy", got.accuracy) &&
         number_check(file, "precision", got.precision) &&
         number_check(file, "recall", got.recall) && number_check(file, "f1", got.f1) &&
         number_check(file, "roc_auc", got.roc_auc) &&
         number_check(file, "log_loss", got.log_loss) &&
         confusion_check(file, got.confusion, k);
    free(P);
    free(y);
    free(classes);
    free(got.confusion);
    return ok;
}

static bool values_golden(FILE *file, size_t m, size_t k) {
    float *Y = memory_new(m * k, sizeof *Y), *targets = memory_new(m * k, sizeof *Y);
    struct value_metrics got;
    bool ok = true;
    for (size_t i = 0; ok && i < m; i++)
        ok = numbers_read(file, "t", targets + i * k, k) &&
             numbers_read(file, "p", Y + i * k, k);
    metrics_values(Y, targets, m, k, &got);
    ok = ok && number_check(file, "mse", got.mse) &&
         number_check(file, "rmse", got.rmse) && number_check(file, "mae", got.mae) &&
         number_check(file, "r2", got.r2);
    free(Y);
    free(targets);
    return ok;
}

static void golden(void) {
    FILE *file = fopen("tests/golden/metrics.txt", "r");
    if (!CHECK(file))
        return;
    char kind[32], name[32];
    size_t m, k, cases = 0;
    bool ok = true;
    for (; ok && fscanf(file, "%31s %31s %zu %zu", kind, name, &m, &k) == 4; cases++) {
        ok = strcmp(kind, "classes") == 0 ? classes_golden(file, m, k)
                                          : values_golden(file, m, k);
        CHECK_SAY(ok, "%s", name);
    }
    CHECK_SAY(cases == 15 && feof(file), "%zu cases", cases);
    fclose(file);
}

static void one_row(void) {
    const float P[] = {0.25f, 0.75f}, Y[] = {3}, targets[] = {1};
    struct class_metrics got;
    struct value_metrics values;
    struct err e = {0};
    CHECK(metrics_classes(P, (int32_t[]){1}, 1, 2, &got, &e));
    CHECK(got.accuracy == 1 && got.precision == 1 && got.recall == 1 && got.f1 == 1);
    CHECK(isnan(got.roc_auc));
    CHECK_NEAR(got.log_loss, -log(0.75), 1e-12);
    CHECK(got.confusion[3] == 1 && got.confusion[0] + got.confusion[1] == 0);
    free(got.confusion);
    metrics_values(Y, targets, 1, 1, &values);
    CHECK(values.mse == 4 && values.rmse == 2 && values.mae == 2 && isnan(values.r2));
}

/* Rows that do not sum to 1 are made to. */
static void log_loss_of_a_share(void) {
    struct class_metrics got;
    struct err e = {0};
    CHECK(metrics_classes((float[]){0.25f, 0.25f}, (int32_t[]){1}, 1, 2, &got, &e));
    CHECK_NEAR(got.log_loss, log(2), 1e-12);
    free(got.confusion);
}

static void no_row(void) {
    struct class_metrics got;
    struct value_metrics values;
    struct err e = {0};
    CHECK(metrics_classes((float[]){0}, (int32_t[]){0}, 0, 3, &got, &e));
    CHECK(isnan(got.accuracy) && isnan(got.roc_auc) && isnan(got.log_loss));
    CHECK(got.precision == 0 && got.f1 == 0 && got.confusion[0] == 0);
    free(got.confusion);
    metrics_values((float[]){0}, (float[]){0}, 0, 1, &values);
    CHECK(isnan(values.mse) && isnan(values.r2));
}

/* 0.1f added up a thousand times is not 100 times itself. */
static void constant_targets(void) {
    static float Y[1000], targets[1000];
    struct value_metrics got;
    for (size_t i = 0; i < 1000; i++)
        targets[i] = Y[i] = 0.1f;
    metrics_values(Y, targets, 1000, 1, &got);
    CHECK(got.mse == 0 && isnan(got.r2));
    Y[7] = 1;
    metrics_values(Y, targets, 1000, 1, &got);
    CHECK(got.mse > 0 && isnan(got.r2));
    targets[9] = 0.2f;
    metrics_values(Y, targets, 1000, 1, &got);
    CHECK(isfinite(got.r2) && got.r2 < 0);
}

/* Scores of either sign are in order, the two zeros one score. */
static void signs_of_scores(void) {
    const float P[] = {1, -2, 1, -1, 1, -0.0f, 1, 0.0f, 1, 2};
    struct class_metrics got;
    struct err e = {0};
    CHECK(metrics_classes(P, (int32_t[]){0, 1, 0, 1, 1}, 5, 2, &got, &e));
    CHECK_NEAR(got.roc_auc, (1 + 1 + 0.5 + 1 + 1) / 6, 1e-12);
    free(got.confusion);
}

static void not_a_number(void) {
    const float P[] = {0.5f, 0.5f, NAN, NAN, 0.1f, 0.9f};
    struct class_metrics got;
    struct value_metrics values;
    struct err e = {0};
    CHECK(metrics_classes(P, (int32_t[]){0, 1, 1}, 3, 2, &got, &e));
    CHECK(isnan(got.roc_auc) && isnan(got.log_loss));
    CHECK(got.confusion[0] == 1 && got.confusion[2] == 1 && got.confusion[3] == 1);
    free(got.confusion);
    metrics_values(P, P + 2, 2, 1, &values);
    CHECK(isnan(values.mse) && isnan(values.rmse) && isnan(values.mae));
}

/* Too many classes for a matrix of them are counted all the same. */
static void many_classes(void) {
    const size_t m = 2 * METRICS_CONFUSION_MAX, k = METRICS_CONFUSION_MAX + 1;
    float *P = memory_new(m * k, sizeof *P);
    int32_t *classes = memory_new(m, sizeof *classes);
    struct class_metrics got;
    struct err e = {0};
    for (size_t i = 0; i < m; i++) {
        classes[i] = (int32_t)(i / 4);
        P[i * k + i / 4 / 2 * 2] = 1;
    }
    CHECK(metrics_classes(P, classes, m, k, &got, &e));
    CHECK(!got.confusion && got.accuracy == 0.5 && isnan(got.roc_auc));
    CHECK_NEAR(got.precision, 0.25, 1e-12);
    CHECK_NEAR(got.recall, 0.5, 1e-12);
    CHECK_NEAR(got.f1, 1.0 / 3, 1e-12);
    CHECK(metrics_classes(P, classes, 2, METRICS_CONFUSION_MAX, &got, &e));
    CHECK(got.confusion);
    free(got.confusion);
    free(P);
    free(classes);
}

static void too_many_rows(void) {
    struct class_metrics got;
    struct err e = {0};
    CHECK(!metrics_classes((float[]){0}, (int32_t[]){0}, SIZE_MAX / 4, 2, &got, &e));
    CHECK(e.kind == ERR_NO_MEMORY && !got.confusion);
}

int main(void) {
    CHECK_RUN(golden);
    CHECK_RUN(one_row);
    CHECK_RUN(log_loss_of_a_share);
    CHECK_RUN(no_row);
    CHECK_RUN(constant_targets);
    CHECK_RUN(signs_of_scores);
    CHECK_RUN(not_a_number);
    CHECK_RUN(many_classes);
    CHECK_RUN(too_many_rows);
    return check_done();
}
