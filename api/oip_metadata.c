#include "api/oip_metadata.h"

#include <stdio.h>

#include "api/oip_outputs.h"
#include "api/tensor_rows.h"

void oip_server_encode(const char *version, struct text *out) {
    static const char *const extensions[] = {"binary_tensor_data", "classification",
                                             "model_repository", "statistics"};
    text_open(out, '{');
    text_member_string(out, "name", "descentd");
    text_member_string(out, "version", version);
    text_key(out, "extensions");
    text_open(out, '[');
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        text_json_string(out, extensions[i]);
    text_close(out, ']');
    text_close(out, '}');
    text_string(out, "\n");
}

void oip_health_encode(bool ready, struct text *out) {
    text_open(out, '{');
    text_member_bool(out, "live", true);
    if (ready)
        text_member_bool(out, "ready", true);
    text_close(out, '}');
    text_string(out, "\n");
}

void oip_ready_encode(const char *name, struct text *out) {
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_member_bool(out, "ready", true);
    text_close(out, '}');
    text_string(out, "\n");
}

static void tensor_encode(const char *name, enum datatype type, size_t width,
                          struct text *out) {
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_member_string(out, "datatype", datatype_name(type));
    text_key(out, "shape");
    text_open(out, '[');
    text_json_int(out, -1);
    text_json_int(out, (int64_t)width);
    text_close(out, ']');
    text_close(out, '}');
}

static void inputs_encode(const struct model *model, struct text *out) {
    static const enum datatype types[] = {[ENCODER_NUMBER] = DATATYPE_FP32,
                                          [ENCODER_BOOLEAN] = DATATYPE_BOOL,
                                          [ENCODER_CATEGORY] = DATATYPE_BYTES};
    const struct encoder *encoder = &model->encoder;
    text_key(out, "inputs");
    text_open(out, '[');
    if (encoder_takes_numbers(encoder))
        tensor_encode(TENSOR_INPUT, DATATYPE_FP32, model->net->inputs_n, out);
    else
        for (size_t i = 0; i < encoder->columns_n; i++)
            tensor_encode(encoder->columns[i].name, types[encoder->columns[i].kind], 1,
                          out);
    text_close(out, ']');
}

void oip_model_encode(const struct model *model, const char *name,
                      const int64_t *versions, size_t n, struct text *out) {
    struct oip_output outputs[OIP_MODEL_OUTPUTS_MAX];
    size_t outputs_n = oip_outputs(model, outputs);
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_key(out, "versions");
    text_open(out, '[');
    for (size_t i = n; i-- > 0;) {
        char version[24];
        snprintf(version, sizeof version, "%lld", (long long)versions[i]);
        text_json_string(out, version);
    }
    text_close(out, ']');
    text_member_string(out, "platform", "descentd");
    inputs_encode(model, out);
    text_key(out, "outputs");
    text_open(out, '[');
    for (size_t i = 0; i < outputs_n; i++)
        tensor_encode(outputs[i].name, outputs[i].type, outputs[i].width, out);
    text_close(out, ']');
    text_close(out, '}');
    text_string(out, "\n");
}
