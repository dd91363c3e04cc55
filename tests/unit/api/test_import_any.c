#include "api/import_any.h"

#include <stdlib.h>
#include <string.h>

#include "api/model_file.h"
#include "api/safetensors.h"
#include "tests/unit/check.h"

static const struct import_any_options none = {0};

/* Three classes from two inputs, by one softmax layer. */
static struct model *model_make(void) {
    struct err e = {0};
    const struct layer_shape shape = {.units_n = 3, .activation = ACTIVATION_SOFTMAX};
    struct model parts = {.task = TASK_MULTI_CLASS, .loss = LOSS_CROSS_ENTROPY};
    parts.net = net_new(2, &shape, 1, &e);
    parts.labels = (struct labels){.kind = LABEL_NUMBER, .n = 3};
    parts.labels.numbers = calloc(3, sizeof(double));
    if (!parts.net || !parts.labels.numbers)
        abort();
    for (int i = 0; i < 3; i++) {
        parts.labels.numbers[i] = i;
        net_weights(parts.net, 0)[2 * i] = (float)i + 0.5f;
        net_biases(parts.net, 0)[i] = (float)-i;
    }
    struct model *model = model_new(&parts, &e);
    if (!model)
        abort();
    return model;
}

/* A model without a file gets one, which is read as any other of ours. */
static void test_adopt(void) {
    struct err e = {0};
    struct model *model = model_make();
    struct imported adopted = {0}, again = {0};
    if (!CHECK_SAY(import_any_adopt(&model, &adopted, &e), "%s", e.text))
        return;
    CHECK(!model && adopted.model && adopted.file && adopted.spec.epochs == 0);
    CHECK(adopted.spec.inputs_n == 2 && adopted.spec.layers_n == 1);
    CHECK(import_any_decode(adopted.file, adopted.file_n, &none, &again, &e));
    CHECK(!again.file); /* to be stored as it came */
    if (CHECK(again.model != NULL)) {
        const struct net *net = again.model->net;
        CHECK(net_weights(net, 0)[4] == 2.5f && net_biases(net, 0)[2] == -2);
        CHECK(again.model->labels.n == 3 && again.model->labels.numbers[2] == 2);
        CHECK(again.model->task == TASK_MULTI_CLASS && again.spec.labels.n == 3);
    }
    import_any_free(&again);
    import_any_free(&adopted);
}

static void check_refused(const void *bytes, size_t n,
                          const struct import_any_options *options, enum err_kind kind,
                          const char *where) {
    struct err e = {0};
    struct imported out = {0};
    CHECK(!import_any_decode(bytes, n, options, &out, &e));
    CHECK_SAY(e.kind == kind, "kind %d: %s", e.kind, e.text);
    CHECK_TEXT(e.where, where);
    import_any_free(&out);
}

static void test_refusals(void) {
    struct err e = {0};
    struct model *model = model_make();
    struct imported ours = {0};
    if (!CHECK(import_any_adopt(&model, &ours, &e)))
        return;
    const struct import_any_options activations = {.activations = "relu"},
                                    orientation = {.orientation = "out_in"},
                                    labels = {.labels = "a,b,c"};
    check_refused(ours.file, ours.file_n, &activations, ERR_INVALID, "activations");
    check_refused(ours.file, ours.file_n, &orientation, ERR_INVALID, "orientation");
    check_refused(ours.file, ours.file_n, &labels, ERR_INVALID, "labels");
    /* Cut off at any length it is nothing, and breaks nothing. */
    for (size_t n = 0; n < ours.file_n; n++) {
        struct imported out = {0};
        void *cut = malloc(n + 1);
        struct err cut_error = {0};
        if (!cut)
            abort();
        memcpy(cut, ours.file, n);
        CHECK(!import_any_decode(cut, n, &none, &out, &cut_error) && cut_error.kind);
        import_any_free(&out);
        free(cut);
    }
    ((unsigned char *)ours.file)[ours.file_n - 1] = 0xff; /* the last float: NaN */
    ((unsigned char *)ours.file)[ours.file_n - 2] = 0xff;
    check_refused(ours.file, ours.file_n, &none, ERR_INVALID, "");
    import_any_free(&ours);
}

/* What belongs to others is told from what is nothing at all. */
static void test_others(void) {
    struct err e = {0};
    static const float W[] = {1, 2};
    const struct tensor tensor = {.name = "W", .rows_n = 1, .columns_n = 2, .data = W};
    size_t n;
    void *file = safetensors_encode(&tensor, 1, NULL, &n, &e);
    if (!CHECK(file != NULL))
        return;
    /* W (1,2) may be a layer of one unit, or two of one input each. */
    check_refused(file, n, &none, ERR_INVALID, "orientation");
    struct imported imported = {0};
    struct import_any_options out_in = {.orientation = "out_in"};
    CHECK(import_any_decode(file, n, &out_in, &imported, &e) &&
          imported.model->net->inputs_n == 2 && imported.model->net->outputs_n == 1);
    import_any_free(&imported);
    check_refused("\x08\x07\x12\x04test", 8, &none, ERR_INVALID, "");
    check_refused("\x08\x07\x12\x04test", 8, &out_in, ERR_INVALID, "orientation");
    check_refused("\x7f"
                  "ELF",
                  4, &none, ERR_MEDIA, "");
    check_refused("", 0, &none, ERR_INVALID, "");
    static const char *const bad[] = {"", "a,", ",a", "a,,b", "a,b,a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check_refused(file, n, &(struct import_any_options){.labels = bad[i]},
                      ERR_INVALID, "labels");
    check_refused(file, n, &(struct import_any_options){.labels = "a,b, a"}, ERR_INVALID,
                  "orientation");
    free(file);
}

int main(void) {
    CHECK_RUN(test_adopt);
    CHECK_RUN(test_refusals);
    CHECK_RUN(test_others);
    return check_done();
}
