#include "api/oip_outputs.h"

#include <string.h>

#include "api/number.h"

size_t oip_outputs(const struct model *model,
                   struct oip_output outputs[OIP_MODEL_OUTPUTS_MAX]) {
    size_t k = model->net->outputs_n;
    bool sets = model->task == TASK_MULTI_LABEL;
    if (model->task == TASK_REGRESSION) {
        outputs[0] = (struct oip_output){"predictions", DATATYPE_FP32, k};
        return 1;
    }
    outputs[0] = (struct oip_output){"probabilities", DATATYPE_FP32,
                                     model->task == TASK_BINARY ? 2 : k};
    outputs[1] =
        (struct oip_output){"label", sets ? DATATYPE_BOOL : DATATYPE_BYTES, sets ? k : 1};
    return 2;
}

const char *oip_label(const struct labels *labels, size_t index,
                      char buffer[OIP_LABEL_BYTES], size_t *n) {
    _Static_assert((int)OIP_LABEL_BYTES >= (int)NUMBER_TEXT_MAX, "a number fits");
    if (labels->kind == LABEL_NUMBER) {
        *n = number_print_double(labels->numbers[index], buffer);
        return buffer;
    }
    const char *text = labels->kind == LABEL_STRING  ? labels->strings[index]
                       : labels->numbers[index] != 0 ? "true"
                                                     : "false";
    *n = strlen(text);
    return text;
}
