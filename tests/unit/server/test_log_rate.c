#include "server/log_rate.h"

#include "tests/unit/check.h"

static void test_seconds(void) {
    struct log_rate r = {0};
    const int64_t begun_us = INT64_C(7000000000);
    unsigned taken = 0;
    CHECK(log_rate_held(&r) == 0);
    for (int64_t i = 0; i < 1000; i++)
        taken += log_rate_take(&r, begun_us + i * 999);
    CHECK_SAY(taken == LOG_RATE_PER_SECOND, "%u", taken);
    CHECK(log_rate_held(&r) == 1000 - LOG_RATE_PER_SECOND);
    CHECK(log_rate_held(&r) == 0);
    CHECK(!log_rate_take(&r, begun_us + 999999));
    CHECK(log_rate_take(&r, begun_us + 1000000));
    CHECK(log_rate_held(&r) == 1);
}

int main(void) {
    CHECK_RUN(test_seconds);
    return check_done();
}
