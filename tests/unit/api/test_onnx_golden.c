/* ONNX files of tests/golden/make_onnx.py: each gives the outputs that stand with it, or
 * the refusal; and every truncation of each is refused or read, no more. Run from the top
 * of the tree. */
#include "api/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matrix.h"
#include "engine/memory.h"
#include "tests/unit/check.h"

enum { CASES_MAX = 256, LINE_BYTES_MAX = 1 << 16 };

struct one_case {
    char name[64], refused[128];
    unsigned char *model;
    size_t model_n, m, inputs, outputs;
    float *X, *Y;
};
static struct one_case cases[CASES_MAX];
static size_t cases_n;

static unsigned char *hex_read(const char *hex, size_t *n) {
    *n = strlen(hex) / 2;
    unsigned char *bytes = malloc(*n + 1);
    for (size_t i = 0; bytes && i < *n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return bytes;
}

static float *floats_read(char *line, size_t n) {
    float *out = memory_new(n, sizeof *out);
    for (size_t i = 0; out && i < n; i++)
        out[i] = strtof(line, &line);
    return out;
}

static bool cases_read(void) {
    static char line[LINE_BYTES_MAX];
    FILE *file = fopen("tests/golden/onnx.txt", "r");
    if (!CHECK(file))
        return false;
    while (fgets(line, sizeof line, file)) {
        struct one_case *c = &cases[cases_n ? cases_n - 1 : 0];
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "case ", 5) == 0 && cases_n < CASES_MAX)
            snprintf(cases[cases_n++].name, sizeof c->name, "%.60s", line + 5);
        else if (strncmp(line, "model ", 6) == 0)
            c->model = hex_read(line + 6, &c->model_n);
        else if (strncmp(line, "refused ", 8) == 0)
            snprintf(c->refused, sizeof c->refused, "%.120s", line + 8);
        else if (sscanf(line, "shape %zu %zu %zu", &c->m, &c->inputs, &c->outputs) != 3) {
            if (!c->X)
                c->X = floats_read(line, c->m * c->inputs);
            else
                c->Y = floats_read(line, c->m * c->outputs);
        }
    }
    fclose(file);
    return CHECK(cases_n > 60);
}

static void outputs_check(const struct one_case *c, const struct model *model) {
    if (!CHECK_SAY(
            model->net->inputs_n == c->inputs && model->net->outputs_n == c->outputs,
            "%s: %zu to %zu", c->name, model->net->inputs_n, model->net->outputs_n))
        return;
    float *Y = memory_new(c->m * c->outputs, sizeof *Y);
    float *scratch = memory_new(model_scratch_n(model, c->m), sizeof *scratch);
    model_predict(model, c->X, c->m, scratch, Y);
    double off = 0;
    for (size_t i = 0; i < c->m * c->outputs; i++)
        off = fmax(off,
                   fabs((double)Y[i] - (double)c->Y[i]) / fmax(1, fabs((double)c->Y[i])));
    CHECK_SAY(off <= 1e-5, "%s is off by %g", c->name, off);
    free(Y);
    free(scratch);
}

static void outputs_and_refusals(void) {
    for (size_t i = 0; i < cases_n; i++) {
        const struct one_case *c = &cases[i];
        struct err e = {0};
        struct model *model = onnx_import(c->model, c->model_n, NULL, &e);
        if (c->refused[0])
            CHECK_SAY(!model && e.kind == ERR_INVALID && strstr(e.text, c->refused),
                      "%s: %s", c->name, e.text);
        else if (CHECK_SAY(model && model_settle(model, &e), "%s: %s", c->name, e.text))
            outputs_check(c, model);
        model_free(model);
    }
}

/* What was read is written and read again: the outputs are the same bits. */
static void round_trips(void) {
    for (size_t i = 0; i < cases_n; i++) {
        const struct one_case *c = &cases[i];
        struct err e = {0};
        size_t n;
        if (c->refused[0])
            continue;
        struct model *model = onnx_import(c->model, c->model_n, NULL, &e);
        void *bytes = model ? onnx_export(model, c->name, &n, &e) : NULL;
        struct model *again = bytes ? onnx_import(bytes, n, NULL, &e) : NULL;
        if (CHECK_SAY(again && model_settle(model, &e) && model_settle(again, &e),
                      "%s: %s", c->name, e.text)) {
            float *Y[2] = {memory_new(c->m * c->outputs, sizeof **Y),
                           memory_new(c->m * c->outputs, sizeof **Y)};
            float *scratch = memory_new(model_scratch_n(model, c->m), sizeof *scratch);
            model_predict(model, c->X, c->m, scratch, Y[0]);
            model_predict(again, c->X, c->m, scratch, Y[1]);
            CHECK_SAY(memcmp(Y[0], Y[1], c->m * c->outputs * sizeof **Y) == 0, "%s",
                      c->name);
            CHECK(again->task == model->task && again->loss == model->loss &&
                  again->labels.n == model->labels.n);
            free(Y[0]);
            free(Y[1]);
            free(scratch);
        }
        model_free(model);
        model_free(again);
        free(bytes);
    }
}

/* The bytes stand in a block of their size, so that a sanitizer sees a read behind. */
static void truncations(void) {
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < cases_n; i++)
        for (size_t n = 0; n < cases[i].model_n; n++) {
            struct err e = {0};
            unsigned char *part = malloc(n + 1);
            memcpy(part + 1, cases[i].model, n);
            struct model *model = onnx_import(part + 1, n, NULL, &e);
            CHECK(model || (e.kind != ERR_NONE && e.text[0]));
            refused += !model;
            tried++;
            model_free(model);
            free(part);
        }
    CHECK_SAY(refused > tried * 9 / 10, "%zu of %zu", refused, tried);
}

int main(void) {
    struct err e = {0};
    if (!matrix_start(&e) || !cases_read())
        return 1;
    CHECK_RUN(outputs_and_refusals);
    CHECK_RUN(round_trips);
    CHECK_RUN(truncations);
    for (size_t i = 0; i < cases_n; i++) {
        free(cases[i].model);
        free(cases[i].X);
        free(cases[i].Y);
    }
    return check_done();
}
