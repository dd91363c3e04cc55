#include "api/job_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

enum { MEBIBYTE = 1 << 20 };

/* The estimate of a request on four rows of two numbers, with more keys behind it; -1
 * when there is none. */
static int64_t estimate(const char *more) {
    char body[512];
    struct job_request request;
    struct err e = {0};
    int64_t bytes = -1;
    snprintf(body, sizeof body,
             "{\"model\":\"m\",\"data\":{\"features\":[[0,1],[1,0],[1,1],[0,0]],"
             "\"targets\":[0,1,1,0]},\"epochs\":5%s}",
             more);
    if (!CHECK_SAY(job_decode(body, strlen(body), 0, &request, &e), "%s", e.text))
        return -1;
    if (!job_memory(&request.spec, &bytes, &e))
        bytes = -1;
    job_request_free(&request);
    return bytes;
}

/* In units of the net's parameters: in the net, as a gradient, as the best ones, in
 * three files, and laid out for the metrics; what the optimizer keeps counts in the
 * trainer and in a file. */
static void test_net_counts(void) {
    static const double parameters = 2000.0 * 2000;
    int64_t none = estimate(",\"hidden_layers\":[1]"),
            plain = estimate(",\"hidden_layers\":[2000,2000]"),
            momentum =
                estimate(",\"hidden_layers\":[2000,2000],\"optimizer\":\"momentum\""),
            adam = estimate(",\"hidden_layers\":[2000,2000],\"optimizer\":\"adam\"");
    double copy = parameters * sizeof(float);
    CHECK_SAY(none > 0 && none < 64 * (int64_t)MEBIBYTE, "%lld", (long long)none);
    CHECK_NEAR((double)(plain - none) / copy, 7, 0.02);
    CHECK_NEAR((double)(momentum - plain) / copy, 2, 0.02);
    CHECK_NEAR((double)(adam - plain) / copy, 4, 0.02);
}

/* What a spec says of its rows counts whether they are there or not. */
static void test_rows_count(void) {
    struct layer_shape layer = {.units_n = 1, .activation = ACTIVATION_LINEAR};
    struct job_column columns[3] = {
        {.name = "a", .kind = ENCODER_NUMBER, .use = COLUMN_FEATURE},
        {.name = "b", .kind = ENCODER_CATEGORY, .use = COLUMN_FEATURE},
        {.name = "y", .kind = ENCODER_NUMBER, .use = COLUMN_TARGET},
    };
    struct job_spec spec = {
        .task = TASK_REGRESSION,
        .samples_n = 1000000,
        .layers = &layer,
        .layers_n = 1,
        .loss = LOSS_MSE,
        .epochs = 1,
        .table = {.columns = columns,
                  .columns_n = 3,
                  .rows_n = 1000000,
                  .inputs_max = 11},
    };
    struct err e = {0};
    int64_t bytes, with_other, without_column;
    if (!CHECK_SAY(job_memory(&spec, &bytes, &e), "%s", e.text))
        return;
    /* As read: 8 + 4 + 8 bytes a row and 12 of numbering; as inputs 4 * 11, targets 8. */
    CHECK_SAY(bytes > 84 * INT64_C(1000000), "%lld", (long long)bytes);
    CHECK_SAY(bytes < 168 * INT64_C(1000000), "%lld", (long long)bytes);

    struct job_table other = {.columns = columns, .columns_n = 3, .rows_n = 3000000};
    spec.table.validation = &other;
    CHECK(job_memory(&spec, &with_other, &e));
    CHECK_SAY(with_other - bytes > 3 * 4 * 11 * INT64_C(1000000), "%lld",
              (long long)(with_other - bytes));
    spec.table.validation = NULL;
    columns[0].use = COLUMN_UNUSED;
    CHECK(job_memory(&spec, &without_column, &e));
    CHECK(without_column < bytes);
}

/* More than can be counted is the largest number, and no small one. */
static void test_beyond_counting(void) {
    struct layer_shape layers[] = {
        {.units_n = NET_UNITS_MAX, .activation = ACTIVATION_RELU},
        {.units_n = 1, .activation = ACTIVATION_LINEAR}};
    struct job_spec spec = {
        .samples_n = SIZE_MAX / 4,
        .inputs_n = NET_UNITS_MAX,
        .layers = layers,
        .layers_n = 2,
        .loss = LOSS_MSE,
        .epochs = 1,
    };
    struct err e = {0};
    int64_t bytes = 0;
    CHECK(job_memory(&spec, &bytes, &e));
    CHECK(bytes == INT64_MAX);
    spec.inputs_n = 0;
    CHECK(!job_memory(&spec, &bytes, &e));
    CHECK(e.kind == ERR_RANGE);
}

int main(void) {
    CHECK_RUN(test_net_counts);
    CHECK_RUN(test_rows_count);
    CHECK_RUN(test_beyond_counting);
    return check_done();
}
