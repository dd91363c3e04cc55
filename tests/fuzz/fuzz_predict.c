/* predict_decode: whole rows of finite numbers and a name that is one, or an error. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>

#include "api/predict.h"
#include "api/problem.h"

static void refused(const struct err *e) {
    struct text text = {0};
    PROMISE(e->kind != ERR_NONE && e->text[0]);
    problem_encode(e, NULL, &text);
    json_t *root = json_loadb(text.data, text.n, 0, NULL);
    PROMISE(root);
    json_decref(root);
    text_free(&text);
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
    PROMISE(rows->rows_n > 0 && rows->columns_n > 0);
    PROMISE(rows->rows_n * rows->columns_n <= n);
    for (size_t i = 0; i < rows->rows_n * rows->columns_n; i++)
        PROMISE(isfinite(rows->values[i]));
    PROMISE(!request.model.name[0] || job_name_valid(request.model.name));
    PROMISE(request.model.version >= 0);
    predict_request_free(&request);
    return 0;
}
