/* Every file of DATA/onnx and DATA/models through the importers: what a chain of dense
 * layers expresses must give the expected output, the rest must be refused with a reason.
 * The folder comes from the environment; without it the program fails. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/import.h"
#include "api/onnx.h"
#include "api/onnx_tensor.h"
#include "engine/matrix.h"
#include "engine/memory.h"

enum { PATH_BYTES_MAX = 1024, FILE_BYTES_MAX = 1 << 26, CASES_MAX = 256 };

static size_t passed_n, failed_n, refused_n;

struct file {
    unsigned char *bytes;
    size_t n;
};

static bool file_read(const char *path, struct file *file) {
    FILE *f = fopen(path, "rb");
    *file = (struct file){.bytes = malloc(FILE_BYTES_MAX)};
    if (f && file->bytes)
        file->n = fread(file->bytes, 1, FILE_BYTES_MAX, f);
    if (f)
        fclose(f);
    return f && file->n && file->n < FILE_BYTES_MAX;
}

/* Numbers of a file: of a TensorProto, or of an npy file of float32. */
struct numbers {
    float *values;
    size_t n;
};

static bool tensor_numbers(const struct file *file, struct numbers *out) {
    struct arena arena;
    struct onnx_tensor t;
    struct err e = {0};
    arena_init(&arena, FILE_BYTES_MAX);
    bool ok =
        onnx_tensor_decode((struct onnx_bytes){file->bytes, file->n}, &arena, &t, &e);
    if (ok) {
        out->n = t.n;
        out->values = malloc((t.n + 1) * sizeof(float));
        onnx_tensor_floats(&t, out->values);
    }
    arena_reset(&arena);
    return ok;
}

static bool npy_numbers(const struct file *file, struct numbers *out) {
    if (file->n < 10 || memcmp(file->bytes, "\x93NUMPY", 6) != 0 || file->bytes[6] != 1)
        return false;
    size_t header = 10 + file->bytes[8] + 256u * file->bytes[9];
    char text[512];
    if (header > file->n || header >= sizeof text)
        return false;
    memcpy(text, file->bytes + 10, header - 10);
    text[header - 10] = '\0';
    bool doubles = strstr(text, "<f8");
    if ((!doubles && !strstr(text, "<f4")) || strstr(text, "True"))
        return false;
    size_t size = doubles ? 8 : 4;
    out->n = (file->n - header) / size;
    out->values = malloc((out->n + 1) * sizeof(float));
    for (size_t i = 0; i < out->n; i++) {
        const unsigned char *at = file->bytes + header + i * size;
        double wide;
        if (doubles) {
            memcpy(&wide, at, 8);
            out->values[i] = (float)wide;
        } else {
            memcpy(&out->values[i], at, 4);
        }
    }
    return true;
}

static bool numbers_read(const char *path, struct numbers *out) {
    struct file file;
    bool npy = strstr(path, ".npy"), ok = file_read(path, &file);
    *out = (struct numbers){NULL, 0};
    ok = ok && (npy ? npy_numbers(&file, out) : tensor_numbers(&file, out));
    free(file.bytes);
    if (!ok)
        printf("%s: cannot be read\n", path);
    return ok;
}

/* The largest |got - want| / max(1, |want|); infinite where the sizes differ. */
static double model_off(const struct model *model, const struct numbers *in,
                        const struct numbers *want) {
    size_t inputs = model->net->inputs_n, outputs = model->net->outputs_n;
    size_t m = in->n / inputs;
    if (!m || m * inputs != in->n || m * outputs != want->n)
        return INFINITY;
    float *X = memory_new(in->n, sizeof *X), *Y = memory_new(want->n, sizeof *Y);
    float *scratch = memory_new(model_scratch_n(model, m), sizeof *scratch);
    double off = X && Y && scratch ? 0 : INFINITY;
    if (off == 0) {
        memcpy(X, in->values, in->n * sizeof *X);
        model_predict(model, X, m, scratch, Y);
        for (size_t i = 0; i < want->n; i++) {
            double y = (double)want->values[i];
            off = fmax(off, fabs((double)Y[i] - y) / fmax(1, fabs(y)));
            if (isnan(Y[i]))
                off = INFINITY;
        }
    }
    free(X);
    free(Y);
    free(scratch);
    return off;
}

static void case_check(const char *label, const char *model_path, const char *in_path,
                       const char *out_path, bool refusable) {
    struct file file;
    struct err e = {0};
    struct numbers in = {NULL, 0}, want = {NULL, 0};
    bool safetensors = strstr(model_path, ".safetensors");
    struct import_options options = {.activations = NULL};
    struct model *model = NULL;
    if (!file_read(model_path, &file))
        err_set(&e, ERR_INTERNAL, NULL, "cannot be read");
    else
        model = safetensors ? import_safetensors(file.bytes, file.n, &options, &e)
                            : onnx_import(file.bytes, file.n, NULL, &e);
    bool ok = false;
    if (model && numbers_read(in_path, &in) && numbers_read(out_path, &want)) {
        double off = model_off(model, &in, &want);
        ok = off <= 1e-5;
        printf("%s %s: %s, off by %.2g\n", ok ? "ok" : "FAILED", label,
               task_name(model->task), off);
    } else if (!model) {
        ok = refusable && e.kind == ERR_INVALID && e.text[0];
        refused_n += ok;
        printf("%s %s: %s\n", ok ? "refused" : "FAILED", label, e.text);
    }
    passed_n += ok;
    failed_n += !ok;
    free(in.values);
    free(want.values);
    free(file.bytes);
    model_free(model);
}

/* What no chain with one input expresses. */
static bool may_be_refused(const char *name) {
    static const char *const names[] = {
        "test_add_bcast",
        "test_div_bcast",
        "test_sub_bcast",
        "test_gemm_alpha",
        "test_gemm_default_no_bias",
        "test_gemm_default_single_elem_vector_bias",
        "test_gemm_default_vector_bias",
        "test_gemm_transposeB",
        "test_matmul_2d",
        "test_operator_addmm",
        "test_reshape_reordered_last_dims",
        "test_softmax_axis_1",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void folder_check(const char *data, const char *kind) {
    char path[PATH_BYTES_MAX], in[PATH_BYTES_MAX + 64], out[PATH_BYTES_MAX + 64];
    char model[PATH_BYTES_MAX + 64];
    struct dirent **entries = NULL;
    snprintf(path, sizeof path, "%s/onnx/%s", data, kind);
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strncmp(name, "test_", 5) == 0) {
            snprintf(path, sizeof path, "%s/onnx/%s/%s", data, kind, name);
            snprintf(model, sizeof model, "%s/model.onnx", path);
            snprintf(in, sizeof in, "%s/test_data_set_0/input_0.pb", path);
            snprintf(out, sizeof out, "%s/test_data_set_0/output_0.pb", path);
            case_check(name, model, in, out, may_be_refused(name));
        }
        free(entries[i]);
    }
    free(entries);
    if (n < 3) {
        printf("FAILED %s: no cases\n", path);
        failed_n++;
    }
}

int main(void) {
    const char *data = getenv("DATA");
    static const char *const kinds[] = {"node", "pytorch-converted", "pytorch-operator"};
    static const char *const models[][3] = {
        {"acasxu_3_3.onnx", "acasxu_3_3.input.npy", "acasxu_3_3.output.npy"},
        {"tfl_sine.onnx", "tfl_sine.input.npy", "tfl_sine.output.npy"},
        {"dfdx_mnist.safetensors", "dfdx_mnist.input.npy", "dfdx_mnist.logits.npy"},
    };
    struct err e = {0};
    if (!data || !*data || !matrix_start(&e)) {
        printf("DATA is the folder with onnx/ and models/ %s\n0 passed, 1 failed\n",
               e.text);
        return 1;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        folder_check(data, kinds[k]);
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        char path[3][PATH_BYTES_MAX];
        for (size_t p = 0; p < 3; p++)
            snprintf(path[p], sizeof path[p], "%s/models/%s", data, models[k][p]);
        case_check(models[k][0], path[0], path[1], path[2], false);
    }
    printf("%zu of them refused with a reason\n", refused_n);
    printf("%zu passed, %zu failed\n", passed_n, failed_n);
    return failed_n || !passed_n;
}
