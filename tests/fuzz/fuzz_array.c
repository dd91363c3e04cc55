/* Arrays as bodies, with and without a header: finite inputs of a model's width, or an
 * error. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "api/array.h"

static struct encoder_column columns[] = {
    {.name = "a", .kind = ENCODER_NUMBER, .mean = 1},
    {.name = "b", .kind = ENCODER_BOOLEAN},
    {.name = "c",
     .kind = ENCODER_CATEGORY,
     .missing_category = true,
     .categories = (char *[]){"1", "2"},
     .categories_n = 2},
};

static void rows_check(struct array *array, const struct model *model) {
    struct tensor_rows rows = {0};
    struct err e = {0};
    if (array_rows(array, model, &rows, &e)) {
        PROMISE(rows.m > 0);
        for (size_t i = 0; i < rows.m * model->net->inputs_n; i++)
            PROMISE(isfinite(rows.X[i]));
    } else {
        PROMISE(e.kind && e.text[0]);
    }
    tensor_rows_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static struct encoder encoder = {.columns = columns, .columns_n = 3};
    struct net nets[] = {{.inputs_n = 1, .outputs_n = 1},
                         {.inputs_n = 3, .outputs_n = 1},
                         {.outputs_n = 1}};
    struct model models[] = {{.net = &nets[0]}, {.net = &nets[1]}, {.net = &nets[2]}};
    struct err e = {0};
    if (!encoder.inputs_n)
        PROMISE(encoder_layout(&encoder, &e));
    nets[2].inputs_n = encoder.inputs_n;
    models[2].encoder = encoder;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct array array = {0};
        e = (struct err){0};
        if (array_decode_npy((const char *)data, n, &array, &e))
            rows_check(&array, &models[i]);
        else
            PROMISE(e.kind && e.text[0]);
        array_free(&array);
        array_decode_raw((const char *)data, n, &array);
        rows_check(&array, &models[i]);
        array_free(&array);
    }
    return 0;
}
