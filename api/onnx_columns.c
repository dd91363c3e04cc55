/* What a file of ours says of the input's columns: a document in the metadata, and the
 * two nodes that fill in what is missing. */
#include <math.h>
#include <string.h>

#include "api/encoder_document.h"
#include "api/json.h"
#include "api/onnx_importer.h"

/* The needed node of that operator with `value` at its input k. */
static struct onnx_node *node_behind(struct onnx_graph *graph, const char *op, size_t k,
                                     const struct onnx_value *value) {
    for (size_t i = 0; i < graph->nodes_n; i++) {
        struct onnx_node *node = &graph->nodes[i];
        if (node->needed && node->inputs_n > k && node->inputs[k] == value &&
            onnx_bytes_are(node->op, op))
            return node;
    }
    return NULL;
}

void importer_fill(struct importer *im) {
    struct onnx_value *input = im->graph.input.value;
    struct onnx_node *mask = node_behind(&im->graph, "IsNaN", 0, input);
    struct onnx_node *fill = node_behind(&im->graph, "Where", 2, input);
    if (!mask || !mask->value || !fill || !fill->value || fill->inputs_n != 3 ||
        fill->inputs[0] != mask->value || !importer_constant(fill, 1))
        return;
    im->means = importer_constant(fill, 1);
    mask->needed = fill->needed = false;
    input->flows = false;
    fill->value->flows = true;
    im->graph.input.value = fill->value;
}

/* Whether each column's inputs have its mean, and a category's 0. */
static bool means_agree(const struct encoder *encoder, const struct onnx_tensor *means) {
    if (!encoder->columns_n || means->rank != 1 || means->n != encoder->inputs_n)
        return false;
    for (size_t c = 0; c < encoder->columns_n; c++) {
        const struct encoder_column *column = &encoder->columns[c];
        for (size_t k = 0; k < column->inputs_n; k++) {
            size_t at = (column->input_at + k) * means->strides[0];
            float got = (float)onnx_tensor_at(means, at);
            float want = column->kind == ENCODER_CATEGORY ? 0 : (float)column->mean;
            if (column->missing_refused && column->kind != ENCODER_CATEGORY
                    ? !isnan(got)
                    : memcmp(&got, &want, sizeof got) != 0)
                return false;
        }
    }
    return true;
}

bool importer_columns(const struct importer *im, size_t inputs_n, struct encoder *out,
                      struct err *e) {
    const struct onnx_bytes *text = &im->graph.columns;
    struct err ignored = {0};
    json_t *root = text->n ? json_read((const char *)text->at, text->n, &ignored) : NULL;
    *out = (struct encoder){0};
    bool ours =
        root && encoder_document_decode(root, out, &ignored) && out->inputs_n == inputs_n;
    json_decref(root);
    if (!ours) { /* the property of another tool */
        encoder_free(out);
        *out = (struct encoder){0};
    }
    if (!im->means || means_agree(out, im->means))
        return true;
    encoder_free(out);
    *out = (struct encoder){0};
    return err_set(e, ERR_INVALID, NULL,
                   "NaN is filled in, but not by the means of columns that the metadata "
                   "name");
}
