/* tfs_decode and tfs_rows, by both kinds of model: whole rows of finite numbers, no more
 * than were promised, or an error. */
#include "api/tfs.h"
#include "tests/fuzz/fuzz_rows.h"

static void decoded_check(enum tfs_verb verb, bool named, const char *body, size_t n) {
    struct tfs_request request;
    struct net net = {.inputs_n = 2};
    struct model model = model_of(named, &net);
    struct err e = {0};
    bool ok = tfs_decode(verb, body, n, &request, &e);
    size_t bound = ok ? predict_rows_bound(&request.rows) : 0;
    if (ok && tfs_rows(&request, &model, &e))
        rows_check(&request.rows, &model, bound);
    else
        refused(&e);
    tfs_request_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    for (int verb = TFS_PREDICT; verb <= TFS_REGRESS; verb++) {
        decoded_check((enum tfs_verb)verb, false, (const char *)data, n);
        decoded_check((enum tfs_verb)verb, true, (const char *)data, n);
    }
    return 0;
}
