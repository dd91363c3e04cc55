/* job_decode: what it accepts is whole, and its echo is enough to train again; what it
 * refuses becomes an answer that is JSON. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "api/job.h"
#include "api/problem.h"

static void refused(const struct err *e) {
    struct text text = {0};
    PROMISE(e->kind != ERR_NONE && e->text[0]);
    problem_encode(e, "r", &text);
    json_t *root = json_loadb(text.data, text.n, 0, NULL);
    PROMISE(root);
    json_decref(root);
    text_free(&text);
}

static char *encoded(const struct job_spec *spec) {
    struct text text = {0};
    job_spec_encode(spec, &text);
    char *json = text_take(&text);
    PROMISE(json);
    return json;
}

static void spec_check(const struct job_spec *spec) {
    struct job_spec again;
    struct err e = {0};
    char *json = encoded(spec);
    if (!job_spec_decode(json, &again, NULL, &e)) {
        fprintf(stderr, "%s\n%s: %s\n", json, e.where, e.text);
        abort();
    }
    char *echo = encoded(&again);
    PROMISE(strcmp(json, echo) == 0);
    free(json);
    free(echo);
    job_spec_free(&again);
}

static void data_check(const struct job_request *request) {
    const struct job_spec *spec = &request->spec;
    size_t m = spec->samples_n, k = spec->layers[spec->layers_n - 1].units_n;
    PROMISE(m == request->features.rows_n && m > 0);
    PROMISE(spec->inputs_n == request->features.columns_n && spec->inputs_n > 0);
    PROMISE(!request->values != !request->classes);
    for (size_t i = 0; i < m * spec->inputs_n; i++)
        PROMISE(isfinite(request->features.values[i]));
    for (size_t i = 0; request->values && i < m * k; i++)
        PROMISE(isfinite(request->values[i]));
    for (size_t i = 0; request->classes && i < m; i++)
        PROMISE(request->classes[i] >= 0 && (size_t)request->classes[i] < k);
}

/* Rows that a worker will read again. */
static void rows_check(const struct job_request *request) {
    PROMISE(request->rows && request->rows_bytes > 2 && request->targets_rows);
    PROMISE(request->rows[0] == '[' && request->rows[request->rows_bytes - 1] == ']');
    PROMISE(request->spec.samples_n == request->spec.table.rows_n);
    PROMISE(!request->features.values && !request->values && !request->classes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct job_request request;
    struct err e = {0};
    if (job_decode((const char *)data, n, 7, &request, &e)) {
        if (request.spec.table.columns_n)
            rows_check(&request);
        else
            data_check(&request);
        spec_check(&request.spec);
        job_request_free(&request);
    } else {
        refused(&e);
    }
    return 0;
}
