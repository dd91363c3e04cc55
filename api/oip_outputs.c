#include "api/oip_outputs.h"

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
