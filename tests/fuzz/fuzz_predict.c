/* predict_decode: whole rows of finite numbers and a name that is one, or an error. */
#include "api/instances.h"
#include "tests/fuzz/fuzz_rows.h"

/* Instances of any kind, through an encoder: rows of its width, or an error. */
static void instances_check(const struct predict_request *request) {
    const struct encoder *encoder = encoder_of_each();
    struct err e = {0};
    struct rows rows = {0};
    struct cursor c = {request->raw, request->raw, request->raw_end};
    struct instances_form form = {.columns = columns_of(encoder, encoder->inputs_n),
                                  .allowed = JSON_CELL_MISSING,
                                  .path = "/instances"};
    if (instances_scan(&c, &form, &rows, &e)) {
        PROMISE(rows.rows_n > 0 && rows.columns_n == encoder->inputs_n);
        for (size_t i = 0; i < rows.rows_n * rows.columns_n; i++)
            PROMISE(isfinite(rows.values[i]));
    } else {
        refused(&e);
    }
    rows_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct predict_request request;
    struct err e = {0};
    if (!predict_decode((const char *)data, n, &request, &e)) {
        PROMISE(!request.instances.values);
        refused(&e);
        return 0;
    }
    const struct rows *rows = &request.instances;
    instances_check(&request);
    if (request.not_numbers.kind) {
        PROMISE(!rows->values);
        refused(&request.not_numbers);
        predict_request_free(&request);
        return 0;
    }
    PROMISE(rows->rows_n > 0 && rows->columns_n > 0);
    PROMISE(rows->rows_n * rows->columns_n <= n);
    for (size_t i = 0; i < rows->rows_n * rows->columns_n; i++)
        PROMISE(isfinite(rows->values[i]));
    PROMISE(!request.model.name[0] || job_name_valid(request.model.name));
    PROMISE(request.model.version >= 0);
    predict_request_free(&request);
    return 0;
}
