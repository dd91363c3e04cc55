#include "api/model_json.h"

#include "api/encoder_document.h"
#include "api/job.h"

static void numbers_encode(const float *x, size_t n, struct text *out) {
    text_open(out, '[');
    for (size_t i = 0; i < n; i++)
        text_json_float(out, x[i]);
    text_close(out, ']');
}

static void transform_encode(const struct transform *transform, size_t inputs_n,
                             struct text *out) {
    text_key(out, "transform");
    if (transform->kind == NORMALIZE_NONE) {
        text_json_null(out);
        return;
    }
    text_open(out, '{');
    text_key(out, "offset");
    numbers_encode(transform->offset, inputs_n, out);
    text_key(out, "scale");
    numbers_encode(transform->scale, inputs_n, out);
    text_close(out, '}');
}

static void layer_encode(const struct net *net, size_t l, struct text *out) {
    const struct layer *layer = &net->layers[l];
    const float *W = net_weights(net, l);
    text_open(out, '{');
    text_key(out, "units");
    text_json_int(out, (int64_t)layer->shape.units_n);
    text_member_string(out, "activation", activation_name(layer->shape.activation));
    if (layer->shape.activation == ACTIVATION_LEAKY_RELU) {
        text_key(out, "negative_slope");
        text_json_float(out, layer->shape.negative_slope);
    }
    text_key(out, "weights");
    text_open(out, '[');
    for (size_t j = 0; j < layer->shape.units_n; j++)
        numbers_encode(W + j * layer->inputs_n, layer->inputs_n, out);
    text_close(out, ']');
    text_key(out, "biases");
    numbers_encode(net_biases(net, l), layer->shape.units_n, out);
    text_close(out, '}');
}

bool model_json_encode(const struct model *model, const char *name, int64_t version,
                       struct text *out, struct err *e) {
    const struct net *net = model->net;
    if (net->parameters_n > MODEL_JSON_PARAMETERS_MAX)
        return err_set(e, ERR_TOO_LARGE, "format",
                       "a model of %zu parameters is over the %d that are exported as "
                       "json; safetensors holds them all",
                       net->parameters_n, MODEL_JSON_PARAMETERS_MAX);
    text_open(out, '{');
    text_member_string(out, "object", "model_export");
    text_member_string(out, "model", name);
    text_key(out, "version");
    text_json_int(out, version);
    text_member_string(out, "task", task_name(model->task));
    text_member_string(out, "loss", loss_name(model->loss));
    text_key(out, "inputs");
    text_json_int(out, (int64_t)net->inputs_n);
    if (model->encoder.columns_n)
        encoder_document_members(&model->encoder, out);
    transform_encode(&model->transform, net->inputs_n, out);
    text_key(out, "layers");
    text_open(out, '[');
    for (size_t l = 0; l < net->layers_n; l++)
        layer_encode(net, l, out);
    text_close(out, ']');
    if (model->labels.n) {
        text_key(out, "classes");
        job_labels_encode(&model->labels, out);
    }
    text_close(out, '}');
    text_string(out, "\n");
    return !out->failed || err_set(e, ERR_NO_MEMORY, NULL, "no memory for the export");
}
