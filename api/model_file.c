#include "api/model_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/encoder_document.h"
#include "api/safetensors.h"
#include "engine/finite.h"
#include "engine/memory.h"

static void layer_tensor_name(char name[SAFETENSORS_NAME_MAX], size_t l,
                              const char *part) {
    snprintf(name, SAFETENSORS_NAME_MAX, "%zu.%s", 2 * l, part);
}

static struct tensor tensor_make(const char *name, size_t rows_n, size_t columns_n,
                                 const void *data) {
    struct tensor t = {.rows_n = rows_n, .columns_n = columns_n, .data = data};
    snprintf(t.name, sizeof t.name, "%s", name);
    return t;
}

/* The document that stands in the metadata; NULL without memory. */
static char *document_make(const struct model *model, const struct job_spec *spec,
                           const struct model_file_more *more) {
    struct text document = {0};
    text_open(&document, '{');
    job_spec_members_encode(spec, &document);
    if (model->encoder.columns_n) {
        text_key(&document, "encoder");
        encoder_document_encode(&model->encoder, &document);
    }
    if (more) {
        text_key(&document, more->key);
        text_json_raw(&document, more->json);
    }
    text_close(&document, '}');
    return text_take(&document);
}

enum { TENSORS_BESIDE_MAX = 3 }; /* those that are no layer's */

/* @return how many: two a layer, the transform's, and one more. */
static size_t tensors_list(const struct model *model, const struct model_file_more *more,
                           struct tensor *tensors) {
    const struct net *net = model->net;
    size_t at = 0;
    for (size_t l = 0; l < net->layers_n; l++) {
        char name[SAFETENSORS_NAME_MAX];
        size_t units = net->layers[l].shape.units_n;
        layer_tensor_name(name, l, "weight");
        tensors[at++] =
            tensor_make(name, units, net->layers[l].inputs_n, net_weights(net, l));
        layer_tensor_name(name, l, "bias");
        tensors[at++] = tensor_make(name, units, 0, net_biases(net, l));
    }
    if (model->transform.kind != NORMALIZE_NONE) {
        tensors[at++] =
            tensor_make("transform.offset", net->inputs_n, 0, model->transform.offset);
        tensors[at++] =
            tensor_make("transform.scale", net->inputs_n, 0, model->transform.scale);
    }
    if (more && more->values_n)
        tensors[at++] = tensor_make(more->tensor, more->values_n, 0, more->values);
    return at;
}

void *model_file_encode_with(const struct model *model, const struct job_spec *spec,
                             const struct model_file_more *more, size_t *n,
                             struct err *e) {
    struct tensor *tensors =
        calloc(2 * model->net->layers_n + TENSORS_BESIDE_MAX, sizeof *tensors);
    char *document = document_make(model, spec, more);
    void *file = NULL;
    if (tensors && document)
        file = safetensors_encode(tensors, tensors_list(model, more, tensors), document,
                                  n, e);
    else
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a model's file");
    free(tensors);
    free(document);
    return file;
}

void *model_file_encode(const struct model *model, const struct job_spec *spec, size_t *n,
                        struct err *e) {
    return model_file_encode_with(model, spec, NULL, n, e);
}

static bool floats_read(const struct safetensors *file, const char *name, size_t rows_n,
                        size_t columns_n, float *out, struct err *e) {
    const struct tensor *t =
        safetensors_find(file, name, TENSOR_F32, rows_n, columns_n, e);
    if (!t)
        return false;
    size_t n = rows_n * (columns_n ? columns_n : 1);
    memcpy(out, t->data, n * sizeof *out);
    return finite_all(out, n) ||
           err_set(e, ERR_INVALID, NULL, "\"%s\" holds a number that is not finite",
                   name);
}

/* Whether the file holds a tensor for each layer: only then is memory asked for, of which
 * a document may claim a thousand times as much as the file has. */
static bool net_tensors_check(const struct safetensors *file, const struct job_spec *spec,
                              struct err *e) {
    size_t inputs_n = spec->inputs_n;
    for (size_t l = 0; l < spec->layers_n; l++) {
        char weight[SAFETENSORS_NAME_MAX], bias[SAFETENSORS_NAME_MAX];
        size_t units = spec->layers[l].units_n;
        layer_tensor_name(weight, l, "weight");
        layer_tensor_name(bias, l, "bias");
        if (!safetensors_find(file, weight, TENSOR_F32, units, inputs_n, e) ||
            !safetensors_find(file, bias, TENSOR_F32, units, 0, e))
            return false;
        inputs_n = units;
    }
    return true;
}

static bool net_read(const struct safetensors *file, const struct job_spec *spec,
                     struct model *model, struct err *e) {
    if (!net_tensors_check(file, spec, e))
        return false;
    model->net = net_new(spec->inputs_n, spec->layers, spec->layers_n, e);
    if (!model->net)
        return false;
    for (size_t l = 0; l < spec->layers_n; l++) {
        char weight[SAFETENSORS_NAME_MAX], bias[SAFETENSORS_NAME_MAX];
        size_t units = spec->layers[l].units_n;
        layer_tensor_name(weight, l, "weight");
        layer_tensor_name(bias, l, "bias");
        if (!floats_read(file, weight, units, model->net->layers[l].inputs_n,
                         net_weights(model->net, l), e) ||
            !floats_read(file, bias, units, 0, net_biases(model->net, l), e))
            return false;
    }
    return true;
}

static bool transform_read(const struct safetensors *file, const struct job_spec *spec,
                           struct transform *transform, struct err *e) {
    size_t n = spec->inputs_n;
    *transform = (struct transform){.kind = spec->normalize, .columns_n = n};
    if (spec->normalize == NORMALIZE_NONE)
        return true;
    transform->offset = memory_new(n, sizeof(float));
    transform->scale = memory_new(n, sizeof(float));
    if (!transform->offset || !transform->scale)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu columns", n);
    return floats_read(file, "transform.offset", n, 0, transform->offset, e) &&
           floats_read(file, "transform.scale", n, 0, transform->scale, e);
}

struct model *model_file_decode(const void *bytes, size_t n, struct err *e) {
    struct safetensors file;
    if (!safetensors_decode(bytes, n, &file, e))
        return NULL;
    struct job_spec spec = {0};
    struct model parts = {0}, *model = NULL;
    bool ok = file.document
                  ? job_spec_decode(file.document, &spec, &parts.encoder, e)
                  : err_set(e, ERR_INVALID, NULL, "a model file without its document");
    if (ok && parts.encoder.columns_n)
        ok = (parts.encoder.inputs_n == spec.inputs_n ||
              err_set(e, ERR_INVALID, NULL,
                      "the model's columns do not make its inputs")) &&
             job_table_leave_out(&spec.table, &parts.encoder, e);
    if (ok && net_read(&file, &spec, &parts, e) &&
        transform_read(&file, &spec, &parts.transform, e)) {
        parts.task = spec.task;
        parts.loss = spec.loss;
        parts.labels = spec.labels;
        spec.labels = (struct labels){0};
        model = model_new(&parts, e);
    }
    net_free(parts.net);
    encoder_free(&parts.encoder);
    transform_free(&parts.transform);
    labels_free(&parts.labels);
    job_spec_free(&spec);
    safetensors_free(&file);
    return model;
}

static size_t outputs_n(const struct job_spec *spec) {
    return spec->layers[spec->layers_n - 1].units_n;
}

void *table_file_encode(const struct job_request *request, size_t *n, struct err *e) {
    const struct job_spec *spec = &request->spec;
    struct tensor tensors[2] = {
        tensor_make("features", spec->samples_n, spec->inputs_n,
                    request->features.values),
        tensor_make("targets", spec->samples_n, request->values ? outputs_n(spec) : 0,
                    request->values ? (const void *)request->values : request->classes),
    };
    tensors[1].type = request->values ? TENSOR_F32 : TENSOR_I32;
    return safetensors_encode(tensors, 2, NULL, n, e);
}

bool table_file_decode(void *bytes, size_t n, const struct job_spec *spec,
                       struct table *out, struct err *e) {
    struct safetensors file;
    if (!safetensors_decode(bytes, n, &file, e))
        return false;
    bool classes = spec->task == TASK_MULTI_CLASS;
    const struct tensor *X = safetensors_find(&file, "features", TENSOR_F32,
                                              spec->samples_n, spec->inputs_n, e);
    const struct tensor *T =
        X ? safetensors_find(&file, "targets", classes ? TENSOR_I32 : TENSOR_F32,
                             spec->samples_n, classes ? 0 : outputs_n(spec), e)
          : NULL;
    *out = (struct table){0};
    bool aligned = T && (uintptr_t)X->data % sizeof(float) == 0 &&
                   (uintptr_t)T->data % sizeof(float) == 0;
    if (T && !aligned)
        err_set(e, ERR_INVALID, NULL, "a table whose numbers are not aligned");
    if (aligned) {
        size_t at = (size_t)((const char *)X->data - (const char *)bytes);
        out->X = (float *)((char *)bytes + at);
        out->targets.values = classes ? NULL : T->data;
        out->targets.classes = classes ? T->data : NULL;
    }
    safetensors_free(&file);
    return aligned;
}
