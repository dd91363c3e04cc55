#include <inttypes.h>
#include <stdio.h>

#include "api/tfs_signature.h"

/* The dtype of the columns that an encoder knows. */
static const char *dtype_of(enum encoder_kind kind) {
    static const char *const dtypes[] = {[ENCODER_NUMBER] = "DT_FLOAT",
                                         [ENCODER_BOOLEAN] = "DT_BOOL",
                                         [ENCODER_CATEGORY] = "DT_STRING"};
    return dtypes[kind];
}

static void size_encode(int64_t size, struct text *out) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, size);
    text_open(out, '{');
    text_member_string(out, "size", digits); /* int64 is a string in protobuf's JSON */
    text_key(out, "name");
    text_json_string(out, "");
    text_close(out, '}');
}

/* A tensor of any number of rows, of `width` values each, or where that is 0 of one. */
static void tensor_encode(const char *name, const char *dtype, size_t width,
                          struct text *out) {
    text_key(out, name);
    text_open(out, '{');
    text_member_string(out, "dtype", dtype);
    text_key(out, "tensor_shape");
    text_open(out, '{');
    text_key(out, "dim");
    text_open(out, '[');
    size_encode(-1, out);
    if (width)
        size_encode((int64_t)width, out);
    text_close(out, ']');
    text_member_bool(out, "unknown_rank", false);
    text_close(out, '}');
    text_member_string(out, "name", name);
    text_close(out, '}');
}

static void inputs_encode(const struct model *model, enum tfs_verb verb,
                          struct text *out) {
    const struct encoder *encoder = &model->encoder;
    text_key(out, "inputs");
    text_open(out, '{');
    if (verb != TFS_PREDICT)
        tensor_encode("inputs", "DT_STRING", 0, out); /* serialised examples */
    else if (!encoder->columns_n)
        tensor_encode("inputs", "DT_FLOAT", model->net->inputs_n, out);
    for (size_t i = 0; verb == TFS_PREDICT && i < encoder->columns_n; i++)
        tensor_encode(encoder->columns[i].name, dtype_of(encoder->columns[i].kind), 0,
                      out);
    text_close(out, '}');
}

static void outputs_encode(const struct model *model, enum tfs_verb verb,
                           struct text *out) {
    size_t k = model->net->outputs_n;
    size_t classes_n = model->task == TASK_BINARY ? 2 : k;
    text_key(out, "outputs");
    text_open(out, '{');
    if (verb == TFS_CLASSIFY) {
        tensor_encode("classes", "DT_STRING", classes_n, out);
        tensor_encode("scores", "DT_FLOAT", classes_n, out);
    } else {
        tensor_encode("outputs", "DT_FLOAT", k == 1 ? 0 : k, out);
    }
    text_close(out, '}');
}

static void signature_encode(const struct model *model, const char *name,
                             enum tfs_verb verb, struct text *out) {
    text_key(out, name);
    text_open(out, '{');
    inputs_encode(model, verb, out);
    outputs_encode(model, verb, out);
    text_member_string(out, "method_name", tfs_method(verb));
    text_close(out, '}');
}

void tfs_metadata_encode(const struct model *model, const char *name, int64_t version,
                         struct text *out) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, version);
    text_open(out, '{');
    text_key(out, "model_spec");
    text_open(out, '{');
    text_member_string(out, "name", name);
    text_key(out, "signature_name");
    text_json_string(out, "");
    text_member_string(out, "version", digits);
    text_close(out, '}');
    text_key(out, "metadata");
    text_open(out, '{');
    text_key(out, "signature_def");
    text_open(out, '{');
    text_key(out, "signature_def");
    text_open(out, '{');
    signature_encode(model, TFS_SIGNATURE_DEFAULT, TFS_PREDICT, out);
    for (int verb = TFS_PREDICT; verb <= TFS_REGRESS; verb++)
        if (tfs_answers(model, (enum tfs_verb)verb))
            signature_encode(model, tfs_method((enum tfs_verb)verb), (enum tfs_verb)verb,
                             out);
    text_close(out, '}');
    text_close(out, '}');
    text_close(out, '}');
    text_close(out, '}');
    text_string(out, "\n");
}
