/* Every file of DATA/onnx and DATA/models, posted to the daemon: what a chain of dense
 * layers expresses must predict the expected output, the rest must be refused with the
 * reason; and a network of MNIST must be as often right as it is known to be. The folder
 * comes from the environment; without it the program fails. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/onnx_tensor.h"
#include "engine/memory.h"
#include "tests/http/daemon.h"
#include "tests/http/dataset.h"
#include "tests/http/foreign.h"
#include "tests/unit/check.h"

enum { PATH_BYTES_MAX = 1024, FILE_BYTES_MAX = 1 << 26 };

static const double TOLERANCE = 1e-5;
static struct daemon d;
static const char *data;
static size_t imported_n, refused_n;

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

/* A number a time as JSON; n of them in rows of `width`. */
static json_t *rows_of(const struct numbers *numbers, size_t width) {
    json_t *rows = json_array();
    for (size_t i = 0; i + width <= numbers->n; i += width) {
        json_t *row = json_array();
        for (size_t j = 0; j < width; j++)
            json_array_append_new(row, json_real((double)numbers->values[i + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void import(const char *name, const char *query, const char *path,
                   struct reply *reply) {
    char to[256];
    struct file file;
    *reply = (struct reply){0};
    if (!CHECK_SAY(file_read(path, &file), "%s cannot be read", path))
        return;
    snprintf(to, sizeof to, "/v1/models/%s/versions%s", name, query);
    client_send(&d.client,
                &(struct request){.method = "POST",
                                  .path = to,
                                  .body = (const char *)file.bytes,
                                  .body_n = file.n},
                reply);
    free(file.bytes);
}

static void check_predictions(const char *name, size_t width, const char *in_path,
                              const char *out_path) {
    struct numbers in, want = {NULL, 0};
    struct reply answer = {0};
    if (CHECK(width && numbers_read(in_path, &in) && numbers_read(out_path, &want) &&
              in.n % width == 0)) {
        size_t rows_n = in.n / width;
        json_t *wanted = rows_of(&want, want.n / rows_n);
        client_post_json(
            &d.client, &answer, "/predict",
            json_pack("{ssso}", "model", name, "instances", rows_of(&in, width)));
        if (CHECK_SAY(answer.status == 200, "%s: %ld %s", name, answer.status,
                      answer.body))
            foreign_check(wanted, answer.json, rows_n, TOLERANCE);
        json_decref(wanted);
    }
    reply_free(&answer);
    free(in.values);
    free(want.values);
}

static void check_case(const char *name, const char *model_path, const char *in_path,
                       const char *out_path, bool refusable) {
    struct reply reply;
    import(name, "", model_path, &reply);
    const char *why = reply_text(reply.json, "/error/message");
    bool refused = reply.status == 400 && *why;
    if (CHECK_SAY(reply.status == 201 || (refusable && refused), "%s: %ld %s", name,
                  reply.status, reply.body)) {
        printf("%-44s %s\n", name, refused ? why : reply_text(reply.json, "/task"));
        refused_n += refused;
        imported_n += !refused;
        if (!refused)
            check_predictions(name, (size_t)reply_number(reply.json, "/inputs"), in_path,
                              out_path);
    }
    reply_free(&reply);
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

static void check_folder(const char *kind) {
    char path[PATH_BYTES_MAX], in[PATH_BYTES_MAX + 64], out[PATH_BYTES_MAX + 64];
    char model[PATH_BYTES_MAX + 64];
    struct dirent **entries = NULL;
    snprintf(path, sizeof path, "%s/onnx/%s", data, kind);
    int n = scandir(path, &entries, NULL, alphasort), cases_n = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strncmp(name, "test_", 5) == 0) {
            snprintf(path, sizeof path, "%s/onnx/%s/%s", data, kind, name);
            snprintf(model, sizeof model, "%s/model.onnx", path);
            snprintf(in, sizeof in, "%s/test_data_set_0/input_0.pb", path);
            snprintf(out, sizeof out, "%s/test_data_set_0/output_0.pb", path);
            check_case(name, model, in, out, may_be_refused(name));
            cases_n++;
        }
        free(entries[i]);
    }
    free(entries);
    CHECK_SAY(cases_n > 0, "%s has no cases", path);
}

static void test_onnx(void) {
    static const char *const kinds[] = {"node", "pytorch-converted", "pytorch-operator"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        check_folder(kinds[k]);
    printf("%zu networks, %zu refused with a reason\n", imported_n, refused_n);
    CHECK(imported_n >= 18);
}

static void test_models(void) {
    static const char *const models[][3] = {
        {"acasxu_3_3.onnx", "acasxu_3_3.input.npy", "acasxu_3_3.output.npy"},
        {"tfl_sine.onnx", "tfl_sine.input.npy", "tfl_sine.output.npy"},
        {"dfdx_mnist.safetensors", "dfdx_mnist.input.npy", "dfdx_mnist.logits.npy"},
    };
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        char path[3][PATH_BYTES_MAX];
        for (size_t p = 0; p < 3; p++)
            snprintf(path[p], sizeof path[p], "%s/models/%s", data, models[k][p]);
        check_case(models[k][0], path[0], path[1], path[2], false);
    }
}

/* The network's own inputs are pixels from 0 to 1; its classes are the digits. */
static void test_mnist(void) {
    static const double known = 0.981;
    struct dataset set = {0};
    struct reply reply = {0};
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/models/dfdx_mnist.safetensors", data);
    import("mnist", "?activations=relu,relu,relu,softmax", path, &reply);
    bool ok = CHECK_SAY(reply.status == 201, "%ld %s", reply.status, reply.body) &&
              CHECK(dataset_read_mnist(&set, data, "t10k"));
    reply_free(&reply);
    size_t *order = ok ? dataset_natural_order(set.rows_n) : NULL;
    char *body = NULL;
    size_t body_n = 0, right = 0;
    FILE *out = order ? open_memstream(&body, &body_n) : NULL;
    if (CHECK(out)) {
        for (size_t i = 0; i < set.rows_n * set.columns_n; i++)
            set.values[i] /= 255;
        fputs("{\"model\":\"mnist\",\"instances\":", out);
        dataset_write_features(&set, order, set.rows_n, out);
        fputc('}', out);
        fclose(out);
        client_send(&d.client,
                    &(struct request){.path = "/predict", .body = body, .body_n = body_n},
                    &reply);
        CHECK_SAY(reply.status == 200, "%ld %.400s", reply.status, reply.body);
        for (size_t i = 0; i < set.rows_n; i++) {
            const json_t *got = json_array_get(reply_at(reply.json, "/predictions"), i);
            right += json_is_integer(got) &&
                     json_integer_value(got) == strtol(set.labels[i], NULL, 10);
        }
        double accuracy = (double)right / (double)set.rows_n;
        printf("MNIST: %zu of %zu right, %.4f\n", right, set.rows_n, accuracy);
        CHECK_NEAR(accuracy, known, 1e-9);
    }
    reply_free(&reply);
    free(body);
    free(order);
    dataset_free(&set);
}

int main(void) {
    data = getenv("DATA");
    if (!data || !*data) {
        printf("DATA is the folder with onnx/, models/ and mnist/\n0 passed, 1 failed\n");
        return 1;
    }
    if (!daemon_start(&d, NULL))
        return 1;
    CHECK_RUN(test_onnx);
    CHECK_RUN(test_models);
    CHECK_RUN(test_mnist);
    daemon_close(&d);
    return check_done();
}
