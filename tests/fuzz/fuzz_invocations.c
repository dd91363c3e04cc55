/* invocation_decode, of JSON and of CSV, and invocation_rows, by both kinds of model:
 * whole rows of finite numbers, no more than were promised, or an error. */
#include "api/invocations.h"
#include "tests/fuzz/fuzz_rows.h"

static void decoded_check(const char *type, bool named, const char *body, size_t n) {
    struct invocation in;
    struct net net = {.inputs_n = 2};
    struct model model = model_of(named, &net);
    struct err e = {0};
    bool ok = true;
    if (type)
        invocation_decode_csv(body, n, type, &in);
    else
        ok = invocation_decode(body, n, &in, &e);
    size_t bound = ok ? predict_rows_bound(&in.rows) : 0;
    if (ok && invocation_rows(&in, &model, &e))
        rows_check(&in.rows, &model, bound);
    else
        refused(&e);
    invocation_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char *const types[] = {NULL, "text/csv", "text/csv; header=absent"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        decoded_check(types[i], false, (const char *)data, n);
        decoded_check(types[i], true, (const char *)data, n);
    }
    return 0;
}
