#include "api/import_any.h"

#include <stdlib.h>
#include <string.h>

#include "api/import.h"
#include "api/model_file.h"
#include "api/onnx.h"
#include "api/safetensors.h"

/* ---- labels --------------------------------------------------------------------- */

static bool label_add(struct labels *labels, const char *text, size_t n, struct err *e) {
    for (size_t i = 0; i < labels->n; i++)
        if (strlen(labels->strings[i]) == n && memcmp(labels->strings[i], text, n) == 0)
            return err_set(e, ERR_INVALID, "labels", "\"%.*s\" stands there twice",
                           (int)(n < 40 ? n : 40), text);
    if (!n)
        return err_set(e, ERR_INVALID, "labels", "label %zu is empty", labels->n);
    labels->strings[labels->n] = strndup(text, n);
    if (!labels->strings[labels->n])
        return err_set(e, ERR_NO_MEMORY, "labels", "no memory for a label");
    labels->n++;
    return true;
}

/* The text is that of a query: a few kilobytes, so that comparing each label with each is
 * no work. */
static bool labels_read(const char *text, struct labels *labels, struct err *e) {
    *labels = (struct labels){.kind = LABEL_STRING};
    if (!text)
        return true;
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    labels->strings = calloc(most, sizeof *labels->strings);
    if (!labels->strings)
        return err_set(e, ERR_NO_MEMORY, "labels", "no memory for the labels");
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        if (!label_add(labels, at, n, e))
            return false;
        at += n;
        if (!*at)
            return true;
    }
}

/* ---- files of descentd ---------------------------------------------------------- */

/* The length of a safetensors header, when the bytes begin like such a file; else 0. */
static size_t header_n(const unsigned char *bytes, size_t n) {
    uint64_t length = 0;
    if (n < 9 || bytes[8] != '{')
        return 0;
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | bytes[i];
    return length <= n - 8 ? (size_t)length : 0;
}

/* Whether it is ours, before all of it is checked: a broken file of ours gets its own
 * error, not that of a file of another tool. */
static bool is_ours(const void *bytes, size_t n) {
    static const char key[] = "\"descentd\"";
    size_t length = header_n(bytes, n);
    return length && memmem((const char *)bytes + 8, length, key, sizeof key - 1);
}

static bool ours_decode(const void *bytes, size_t n,
                        const struct import_any_options *options, struct imported *out,
                        struct err *e) {
    const char *given = options->activations   ? "activations"
                        : options->orientation ? "orientation"
                        : options->labels      ? "labels"
                                               : NULL;
    if (given)
        return err_set(e, ERR_INVALID, given,
                       "is not for a file of descentd's own, which leaves nothing open");
    out->model = model_file_decode(bytes, n, e);
    struct safetensors file;
    if (!out->model || !safetensors_decode(bytes, n, &file, e))
        return false;
    bool ok = job_spec_decode(file.document, &out->spec, NULL, e);
    safetensors_free(&file);
    return ok;
}

/* ---- files of other tools ------------------------------------------------------- */

/* safetensors says itself by its header; what else begins like a protobuf message with an
 * early field is taken for ONNX. */
static struct model *others_decode(const void *bytes, size_t n,
                                   const struct import_any_options *options,
                                   const struct labels *labels, struct err *e) {
    const unsigned char *first = bytes;
    struct import_options import = {options->activations, options->orientation, labels};
    if (header_n(bytes, n))
        return import_safetensors(bytes, n, &import, e);
    bool message = n && (first[0] & 7) <= 2 && first[0] >= 0x08 && first[0] <= 0x42;
    if (!message) {
        err_set(e, n ? ERR_MEDIA : ERR_INVALID, NULL,
                n ? "expected a model as safetensors or ONNX"
                  : "the body is empty; expected a model's file");
        return NULL;
    }
    const char *given = options->activations ? "activations" : "orientation";
    if (options->activations || options->orientation) {
        err_set(e, ERR_INVALID, given, "is for safetensors; an ONNX file says it itself");
        return NULL;
    }
    return onnx_import(bytes, n, labels, e);
}

static bool spec_of(const struct model *model, struct job_spec *spec, struct err *e) {
    const struct net *net = model->net;
    *spec = (struct job_spec){
        .task = model->task,
        .samples_n = 1,
        .inputs_n = net->inputs_n,
        .layers = calloc(net->layers_n, sizeof *spec->layers),
        .layers_n = net->layers_n,
        .loss = model->loss,
        .init_scale = 1,
        .optimizer.learning_rate = 1,
        .epochs = 1,
        .normalize = model->transform.kind,
        .report_every = 1,
    };
    if (!spec->layers)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu layers", net->layers_n);
    for (size_t l = 0; l < net->layers_n; l++)
        spec->layers[l] = net->layers[l].shape;
    return true;
}

/* Copies the labels by way of the file: what was written is what is read. */
bool import_any_adopt(struct model **model, struct imported *out, struct err *e) {
    struct job_spec spec;
    out->model = *model;
    *model = NULL;
    bool ok = spec_of(out->model, &spec, e);
    if (ok) {
        spec.labels = out->model->labels; /* lent */
        out->file = model_file_encode(out->model, &spec, &out->file_n, e);
        spec.labels = (struct labels){0};
    }
    job_spec_free(&spec);
    if (!out->file)
        return false;
    model_free(out->model);
    out->model = NULL;
    static const struct import_any_options none = {0};
    ok = ours_decode(out->file, out->file_n, &none, out, e);
    out->spec.epochs = 0; /* it says 1 because the document must say something */
    return ok;
}

bool import_any_decode(const void *bytes, size_t n,
                       const struct import_any_options *options, struct imported *out,
                       struct err *e) {
    if (is_ours(bytes, n))
        return ours_decode(bytes, n, options, out, e);
    struct labels labels;
    struct model *model = NULL;
    if (labels_read(options->labels, &labels, e))
        model = others_decode(bytes, n, options, options->labels ? &labels : NULL, e);
    labels_free(&labels);
    return model && import_any_adopt(&model, out, e);
}

void import_any_free(struct imported *imported) {
    model_free(imported->model);
    job_spec_free(&imported->spec);
    free(imported->file);
    *imported = (struct imported){0};
}
